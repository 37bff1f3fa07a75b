//! One API call or service event of interest: its fields read, and the columns that all of its
//! events share.

use super::super::Arena;
use super::arn::Home;
use super::caller::caller_kind;
use super::documents::Documents;
use super::outcome::outcome;
use super::principal::{Caller, caller};
use super::record::{Additional, Record, Request, Resource};
use super::service::{Operation, Service, Target, short_name};
use super::via::{Signs, via};
use crate::domain::event::{Category, KeyEvent, Outcome, Provider};
use crate::domain::identity;
use crate::domain::reject::{Reject, RejectReason};
use crate::domain::time::parse_rfc3339;

/// A call whose operation is known.
#[derive(Debug)]
pub struct Call<'a> {
    pub record: &'a Record<'a>,
    pub arena: &'a Arena,
    pub service: Service,
    pub operation: Operation,
    pub caller: Caller<'a>,
    /// Where short names of the call belong to.
    pub home: Home<'a>,
    /// The columns that all events of the call share.
    pub event: KeyEvent<'a>,
}

/// What was found before a [`Call`]: the record as text and as fields, and its operation.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    pub text: &'a str,
    pub record: &'a Record<'a>,
    pub service: Service,
    pub source: &'a str,
    pub name: &'a str,
    pub operation: Operation,
}

impl<'a> Call<'a> {
    /// A call of which nothing is read yet. Apart from [`Self::read`], so that so much is made where it
    /// stays instead of being moved there.
    pub fn unread(found: &Found<'a>, arena: &'a Arena) -> Self {
        Self {
            record: found.record,
            arena,
            service: found.service,
            operation: found.operation,
            caller: Caller::default(),
            home: Home::default(),
            event: KeyEvent::default(),
        }
    }

    /// Reads what all events of the call share.
    ///
    /// # Errors
    /// Where the record's version or time is none, or a field has another type than it may have.
    pub fn read(&mut self, found: Found<'a>) -> Result<(), Reject> {
        let record = found.record;
        check_version(record)?;
        record.request_parameters.read("requestParameters")?;
        self.caller = caller(record, self.arena)?;
        let stated = || record.user_identity.given().and_then(|identity| identity.account_id.lenient());
        let account = record.recipient_account_id.text("recipientAccountId")?.or_else(stated);
        let region = record.aws_region.text("awsRegion")?;
        let owner = self.first_owner()?.or(account);
        self.home = Home { region: region.unwrap_or_default(), account: owner.unwrap_or_default() };
        (self.event.account, self.event.region) = (account, region);
        self.read_what(found)?;
        self.read_who()?;
        self.read_network()
    }

    fn read_what(&mut self, found: Found<'a>) -> Result<(), Reject> {
        let record = found.record;
        let error_code = record.error_code.text("errorCode")?;
        self.event.event_id = match record.event_id.text("eventID")? {
            Some(id) => id,
            None => self.arena.alloc_str(&identity::hex_id(&[found.text.as_bytes()])),
        };
        self.event.event_time = event_time(record)?;
        self.event.provider = Some(Provider::Aws);
        self.event.shared_event_id = record.shared_event_id.text("sharedEventID")?;
        self.event.request_id = record.request_id.text("requestID")?;
        self.event.service = short_name(found.source);
        self.event.action = Some(found.name);
        self.event.category = Some(found.operation.category);
        self.event.function = found.operation.function;
        self.event.outcome = Some(outcome(error_code, self.is_dry_run()));
        self.event.error_code = error_code;
        self.event.error_message = record.error_message.text("errorMessage")?;
        if let Some(addendum) = record.addendum.read("addendum")? {
            self.event.addendum = addendum.reason.text("addendum.reason")?;
            self.event.corrects = addendum.original_event_id.text("addendum.originalEventID")?;
        }
        Ok(())
    }

    fn read_who(&mut self) -> Result<(), Reject> {
        let user_agent = self.record.user_agent.text("userAgent")?;
        let (kind, rule) = caller_kind(&self.caller, user_agent);
        let caller = self.caller;
        self.event.principal = caller.principal;
        self.event.principal_type = caller.kind;
        self.event.principal_account = caller.account;
        self.event.session_name = caller.session_name;
        self.event.source_identity = caller.source_identity;
        self.event.mfa = caller.mfa;
        self.event.credential_kind = caller.credential_kind;
        self.event.credential_id = caller.credential_id;
        self.event.caller_kind = Some(kind);
        self.event.caller_rule = Some(rule);
        self.event.user_agent = user_agent;
        Ok(())
    }

    fn read_network(&mut self) -> Result<(), Reject> {
        let record = self.record;
        self.event.source_ip = record.source_ip_address.text("sourceIPAddress")?;
        self.event.vpc_endpoint = record.vpc_endpoint_id.text("vpcEndpointId")?;
        if let Some(tls) = record.tls_details.given() {
            self.event.tls_version = tls.tls_version.lenient().map(bare_tls_version);
            self.event.tls_key_exchange = tls.key_exchange.lenient();
        }
        self.event.via = Some(self.via(|_| false));
        Ok(())
    }

    /// The service that made the call for the caller; a use of a KMS key can tell it by the names in
    /// its encryption context.
    pub fn via(&self, context_has: impl Fn(&str) -> bool) -> &'a str {
        let raised = self.record.event_type.lenient() == Some("AwsServiceEvent");
        let signs = Signs {
            invoked_by: self.caller.invoked_by,
            source_ip: self.event.source_ip,
            user_agent: self.event.user_agent,
            role_path: self.caller.role_path,
            raised_by: self.event.service.filter(|_| raised),
        };
        via(&signs, context_has)
    }

    /// The typed request, where there is one that can be read.
    pub fn request(&self) -> Option<&'a Request<'a>> {
        self.record.request_parameters.given()
    }

    /// What the service adds, where it can be read.
    pub fn additional(&self) -> Option<&'a Additional<'a>> {
        self.record.additional_event_data.given()
    }

    /// The resources of the call.
    ///
    /// # Errors
    /// Where they are no list of objects.
    pub fn resources(&self) -> Result<impl Iterator<Item = &'a Resource<'a>> + use<'a>, Reject> {
        Ok(self.record.resources.read("resources")?.into_iter().flat_map(|few| few.iter()))
    }

    /// What an attested caller proved: the digest of its image.
    pub fn attestation(&self) -> Option<&'a str> {
        let recipient = self.additional()?.recipient.given()?;
        let proofs = [&recipient.enclave_image_digest, &recipient.tpm_register_4, &recipient.tpm_register_7];
        proofs.into_iter().find_map(|proof| proof.lenient())
    }

    fn first_owner(&self) -> Result<Option<&'a str>, Reject> {
        let first = self.resources()?.next();
        first.map_or(Ok(None), |resource| resource.account_id.text("resources[].accountId"))
    }

    fn is_dry_run(&self) -> bool {
        self.request().is_some_and(|request| request.dry_run.given() == Some(&true))
    }

    /// Whether the call did what it asked for.
    pub fn succeeded(&self) -> bool {
        self.event.outcome == Some(Outcome::Success)
    }

    /// Puts the request and the response on the event, where it is no plain use or read.
    pub fn attach(&mut self, documents: &Documents) {
        let changes = matches!(self.operation.category, Category::Key | Category::Access | Category::Logging);
        if changes || self.operation.target == Target::ObjectKey {
            // S3 adds ciphers and byte counts, which say nothing here.
            let added = self.service != Service::S3;
            self.event.request = documents.request(self.arena);
            self.event.response = documents.response(added, self.arena);
        }
    }
}

/// The format's major version is compared for equality, minors only ever add (CloudTrail user guide,
/// `eventVersion`). Old records write `1.08`.
fn check_version(record: &Record<'_>) -> Result<(), Reject> {
    let version = record.event_version.text("eventVersion")?;
    let major = version.and_then(|version| version.split('.').next()).and_then(|major| major.parse().ok());
    match major {
        None | Some(1_u32) => Ok(()),
        Some(_) => Err(Reject::new(
            RejectReason::UnknownFormat,
            "`eventVersion` is not 1.x: this record format is not known",
        )),
    }
}

fn event_time(record: &Record<'_>) -> Result<i64, Reject> {
    let Some(time) = record.event_time.text("eventTime")? else {
        return Err(missing("eventTime"));
    };
    parse_rfc3339(time)
        .ok_or_else(|| Reject::new(RejectReason::InvalidTime, "`eventTime` is no RFC 3339 time"))
}

/// The reject for a field without which nothing can be said.
pub fn missing(name: &str) -> Reject {
    Reject::new(RejectReason::MissingField, format!("`{name}` is missing"))
}

/// `1.3` for `TLSv1.3`; TLS 1.0 is written `TLSv1`.
fn bare_tls_version(version: &str) -> &str {
    match version.strip_prefix("TLSv").unwrap_or(version) {
        "1" => "1.0",
        bare => bare,
    }
}
