//! Who called: `userIdentity` as one canonical principal, and what stands beside it.

use super::super::Arena;
use super::arn::{Arn, join};
use super::field::Field;
use super::record::{Identity, Issuer, Record, SessionContext};
use super::via::{INTERNAL, service_of_host};
use crate::domain::event::CredentialKind;
use crate::domain::reject::Reject;

/// The identity of a call, its fields read and their types checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller<'a> {
    /// The role behind a session, a user, `service:NAME` or `account:ID`.
    pub principal: Option<&'a str>,
    /// The path and name of the role that the principal is.
    pub role_path: Option<&'a str>,
    /// `userIdentity.type`; absent on events of a service itself.
    pub kind: Option<&'a str>,
    /// Nothing for services: they have no account.
    pub account: Option<&'a str>,
    pub session_name: Option<&'a str>,
    pub source_identity: Option<&'a str>,
    pub mfa: Option<bool>,
    pub credential_kind: Option<CredentialKind>,
    pub credential_id: Option<&'a str>,
    pub invoked_by: Option<&'a str>,
    /// Whether a web identity provider vouched for the session.
    pub federated: bool,
    /// Whether the credentials came from the instance metadata service.
    pub on_instance: bool,
    /// Whether a root session of a member account was assumed.
    pub assumed_root: bool,
    /// Whether the credentials are those of a console session.
    pub console: bool,
}

/// Reads the identity of a record.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn caller<'a>(record: &'a Record<'a>, arena: &'a Arena) -> Result<Caller<'a>, Reject> {
    let console = record.session_credential_from_console.given() == Some(&true);
    let Some(identity) = record.user_identity.read("userIdentity")? else {
        return Ok(Caller { console, ..Caller::default() });
    };
    let kind = identity.kind.text("userIdentity.type")?;
    let names = Names::of(identity)?;
    let principal = names.principal(kind, service_address(record), arena);
    let service = principal.is_some_and(|principal| principal.starts_with("service:"));
    let arn = principal.and_then(Arn::parse);
    let account =
        names.account.or(arn.map(|arn| arn.account)).filter(|account| !service && !account.is_empty());
    let session = identity.session_context.read("userIdentity.sessionContext")?;
    let caller = Caller {
        principal,
        role_path: arn.and_then(|arn| arn.resource.strip_prefix("role/")),
        kind,
        account,
        session_name: names.session_name(kind),
        credential_kind: Some(credential_kind(kind, names.access_key, service, console)),
        credential_id: names.access_key,
        invoked_by: names.invoked_by,
        console,
        ..Caller::default()
    };
    session.map_or(Ok(caller), |session| with_session(caller, session))
}

fn with_session<'a>(caller: Caller<'a>, session: &'a SessionContext<'a>) -> Result<Caller<'a>, Reject> {
    let federation = session.web_id_federation_data.given();
    let attributes = session.attributes.given();
    Ok(Caller {
        source_identity: session.source_identity.text("userIdentity.sessionContext.sourceIdentity")?,
        mfa: attributes.and_then(|attributes| attributes.mfa_authenticated.given()).copied(),
        federated: federation.is_some_and(|data| data.federated_provider.lenient().is_some()),
        on_instance: !matches!(session.ec2_role_delivery, Field::Absent),
        assumed_root: session.assumed_root.given() == Some(&true),
        ..caller
    })
}

/// The host name of the service that the address or the user agent of the call names.
fn service_address<'a>(record: &'a Record<'a>) -> Option<&'a str> {
    record.source_ip_address.lenient().or_else(|| record.user_agent.lenient())
}

/// The names that an identity goes by.
struct Names<'a> {
    arn: Option<&'a str>,
    account: Option<&'a str>,
    access_key: Option<&'a str>,
    user_name: Option<&'a str>,
    principal_id: Option<&'a str>,
    invoked_by: Option<&'a str>,
    issuer_arn: Option<&'a str>,
}

impl<'a> Names<'a> {
    fn of(identity: &'a Identity<'a>) -> Result<Self, Reject> {
        let session = identity.session_context.read("userIdentity.sessionContext")?;
        let issuer: Option<&Issuer<'_>> = match session {
            Some(session) => session.session_issuer.read("userIdentity.sessionContext.sessionIssuer")?,
            None => None,
        };
        let issuer_arn = match issuer {
            Some(issuer) => issuer.arn.text("userIdentity.sessionContext.sessionIssuer.arn")?,
            None => None,
        };
        Ok(Self {
            arn: identity.arn.text("userIdentity.arn")?,
            account: identity.account_id.text("userIdentity.accountId")?,
            access_key: identity.access_key_id.text("userIdentity.accessKeyId")?,
            user_name: identity.user_name.text("userIdentity.userName")?,
            principal_id: identity.principal_id.text("userIdentity.principalId")?,
            invoked_by: identity.invoked_by.text("userIdentity.invokedBy")?,
            issuer_arn,
        })
    }

    fn principal(&self, kind: Option<&str>, address: Option<&'a str>, arena: &'a Arena) -> Option<&'a str> {
        match kind {
            Some("AssumedRole") => self.issuer_arn.or_else(|| self.role(arena)).or(self.arn),
            Some("AWSService") => self.service(address, arena).or(self.arn),
            Some("AWSAccount") => self.account.map(|account| join(arena, &["account:", account])),
            Some("Root") => self.arn.or_else(|| self.in_account("root", arena)),
            Some("IAMUser") => self.arn.or_else(|| self.user(arena)),
            Some(_) => self.arn,
            None if self.arn.is_none() => self.service(None, arena),
            None => self.arn,
        }
        .or_else(|| self.account.map(|account| join(arena, &["account:", account])))
    }

    /// `service:NAME`; the address stands in for a service that does not name itself.
    fn service(&self, address: Option<&'a str>, arena: &'a Arena) -> Option<&'a str> {
        let name = match self.invoked_by {
            Some(INTERNAL) => Some("aws-internal"),
            Some(host) => Some(service_of_host(host).unwrap_or(host)),
            None => address.and_then(service_of_host),
        };
        name.map(|name| join(arena, &["service:", name]))
    }

    /// The role of an assumed-role ARN. Its path is lost there.
    fn role(&self, arena: &'a Arena) -> Option<&'a str> {
        let arn = Arn::parse(self.arn?)?;
        let (role, _) = arn.resource.strip_prefix("assumed-role/")?.rsplit_once('/')?;
        Some(join(arena, &["arn:", arn.partition, ":iam::", arn.account, ":role/", role]))
    }

    fn user(&self, arena: &'a Arena) -> Option<&'a str> {
        self.in_account(join(arena, &["user/", self.user_name?]), arena)
    }

    fn in_account(&self, resource: &str, arena: &'a Arena) -> Option<&'a str> {
        Some(join(arena, &["arn:aws:iam::", self.account?, ":", resource]))
    }

    fn session_name(&self, kind: Option<&str>) -> Option<&'a str> {
        if !matches!(kind, Some("AssumedRole" | "FederatedUser")) {
            return None;
        }
        let by_arn = self.arn.and_then(Arn::parse).and_then(|arn| {
            let sessions = ["assumed-role/", "federated-user/"];
            let name = sessions.iter().find_map(|prefix| arn.resource.strip_prefix(prefix))?;
            Some(name.rsplit('/').next().unwrap_or(name))
        });
        let by_id = || self.principal_id.and_then(|id| id.split_once(':')).map(|(_, name)| name);
        by_arn.or_else(by_id).filter(|name| !name.is_empty())
    }
}

fn credential_kind(
    kind: Option<&str>,
    access_key: Option<&str>,
    service: bool,
    console: bool,
) -> CredentialKind {
    match (kind, access_key) {
        (Some("Root"), _) => CredentialKind::Root,
        _ if service => CredentialKind::Service,
        _ if console => CredentialKind::Console,
        (_, Some(key)) if key.starts_with("AKIA") => CredentialKind::LongTerm,
        (_, Some(key)) if key.starts_with("ASIA") => CredentialKind::Temporary,
        (Some("AssumedRole" | "FederatedUser" | "WebIdentityUser" | "SAMLUser"), _) => {
            CredentialKind::Temporary
        }
        _ => CredentialKind::Unknown,
    }
}
