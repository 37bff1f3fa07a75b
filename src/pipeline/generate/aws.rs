//! Writes one call to AWS as the CloudTrail record it leaves behind.
//!
//! The shape is that of eventVersion 1.11: who called is an assumed role, a user, a service on a role's
//! behalf, or a foreign account of which the key's owner sees nothing but the number.

use serde::Serialize;
use serde_json::{Value, json};

use super::cast::{ACCOUNT, REGION};
use super::random::Random;
use crate::domain::identity::hex_id;
use crate::domain::time::format_rfc3339;

/// Who called.
#[derive(Debug, Clone, Copy)]
pub enum Caller {
    /// An application with this role.
    Role(&'static str),
    /// A service that acts for an application: its DNS name, or `AWS Internal`.
    For { role: &'static str, service: &'static str },
    /// A person with an access key.
    User(&'static str),
    /// Somebody in another account.
    Foreign(&'static str),
    /// AWS itself, as in a yearly rotation.
    Aws,
}

/// One call, and what is needed to write it down.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service's short name: `kms`.
    pub service: &'static str,
    pub action: &'static str,
    pub caller: Caller,
    pub region: &'static str,
    /// The ARNs that the record names as its resources.
    pub resources: Vec<&'static str>,
    pub request: Value,
    pub response: Value,
    pub additional: Option<Value>,
    /// Error code and message of a call that failed.
    pub error: Option<(&'static str, &'static str)>,
    pub read_only: bool,
    pub address: Option<&'static str>,
    pub tls: &'static str,
}

impl Call {
    /// A use of a KMS key.
    pub fn kms(action: &'static str, caller: Caller, key: &'static str) -> Self {
        Self { resources: vec![key], ..Self::new("kms", action, caller) }
    }

    /// A call that names no key among its resources.
    pub fn new(service: &'static str, action: &'static str, caller: Caller) -> Self {
        Self {
            service,
            action,
            caller,
            region: REGION,
            resources: Vec::new(),
            request: Value::Null,
            response: Value::Null,
            additional: None,
            error: None,
            read_only: true,
            address: None,
            tls: "TLSv1.3",
        }
    }

    /// With these request parameters.
    pub fn asking(self, request: Value) -> Self {
        Self { request, ..self }
    }

    /// A call that changes something.
    pub fn writing(self) -> Self {
        Self { read_only: false, ..self }
    }

    /// A call that failed.
    pub fn failing(self, code: &'static str, message: &'static str) -> Self {
        Self { error: Some((code, message)), ..self }
    }

    /// The canonical name of the key that the call is about: its first resource, or a secret's ARN.
    pub fn key_id(&self) -> Option<&str> {
        self.resources.first().copied().or_else(|| self.request.get("secretId").and_then(Value::as_str))
    }

    /// The record, and its id.
    pub fn write(&self, micros: i64, random: &mut Random) -> (String, Vec<u8>) {
        let event_id = random.uuid();
        let record = self.record(micros, event_id.clone(), random);
        // A struct of text, numbers and JSON values always serializes.
        (event_id, serde_json::to_vec(&record).unwrap_or_default())
    }

    fn record(&self, micros: i64, event_id: String, random: &mut Random) -> Record<'_> {
        let is_service_event = matches!(self.caller, Caller::Aws);
        Record {
            event_version: "1.11",
            user_identity: self.identity(micros, random),
            event_time: format_rfc3339(micros - micros.rem_euclid(1_000_000)),
            event_source: format!("{}.amazonaws.com", self.service),
            event_name: self.action,
            aws_region: self.region,
            source_ip_address: self.source_address(random),
            user_agent: self.user_agent(),
            error_code: self.error.map(|(code, _)| code),
            error_message: self.error.map(|(_, message)| message),
            request_parameters: &self.request,
            response_elements: &self.response,
            additional_event_data: self.additional.as_ref(),
            request_id: (!is_service_event).then(|| random.uuid()),
            event_id,
            read_only: self.read_only,
            resources: self.resources.iter().map(|arn| resource(arn)).collect(),
            event_type: if is_service_event { "AwsServiceEvent" } else { "AwsApiCall" },
            management_event: true,
            recipient_account_id: ACCOUNT,
            shared_event_id: matches!(self.caller, Caller::Foreign(_)).then(|| random.uuid()),
            event_category: "Management",
            tls_details: self.tls_details(),
        }
    }

    fn identity(&self, micros: i64, random: &mut Random) -> Value {
        match self.caller {
            Caller::Role(role) => assumed_role(role, micros, random),
            Caller::For { role, service } => {
                let mut identity = assumed_role(role, micros, random);
                if let Some(fields) = identity.as_object_mut() {
                    fields.insert("invokedBy".to_owned(), service.into());
                }
                identity
            }
            Caller::User(name) => json!({
                "type": "IAMUser",
                "principalId": format!("AIDA{}", stable_id(name)),
                "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
                "accountId": ACCOUNT,
                "accessKeyId": format!("AKIA{}", stable_id(name)),
                "userName": name,
            }),
            Caller::Foreign(account) => json!({
                "type": "AWSAccount",
                "principalId": format!("AROA{}:session", stable_id(account)),
                "accountId": account,
            }),
            Caller::Aws => json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" }),
        }
    }

    fn source_address(&self, random: &mut Random) -> String {
        match (self.address, self.caller) {
            (Some(address), _) => address.to_owned(),
            (None, Caller::For { service, .. }) => service.to_owned(),
            (None, Caller::Aws) => "AWS Internal".to_owned(),
            (None, Caller::User(_) | Caller::Foreign(_)) => format!("203.0.113.{}", 1 + random.below(250)),
            (None, Caller::Role(_)) => format!("10.20.{}.{}", random.below(4), 1 + random.below(250)),
        }
    }

    fn user_agent(&self) -> &'static str {
        match self.caller {
            Caller::For { service, .. } => service,
            Caller::Aws => "AWS Internal",
            Caller::User(_) => {
                "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.13.7"
            }
            Caller::Role(_) | Caller::Foreign(_) => {
                "aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1 md/GOOS#linux md/GOARCH#amd64 api/kms#1.45.6"
            }
        }
    }

    /// Calls of services carry none.
    fn tls_details(&self) -> Option<Value> {
        let suite = if self.tls == "TLSv1.3" { "TLS_AES_128_GCM_SHA256" } else { "ECDHE-RSA-AES128-SHA" };
        (!matches!(self.caller, Caller::For { .. } | Caller::Aws)).then(|| {
            json!({
                "tlsVersion": self.tls,
                "cipherSuite": suite,
                "clientProvidedHostHeader": format!("{}.{}.amazonaws.com", self.service, self.region),
            })
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'static str,
    user_identity: Value,
    event_time: String,
    event_source: String,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: String,
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: &'a Value,
    response_elements: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_event_data: Option<&'a Value>,
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Value>,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: &'static str,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    shared_event_id: Option<String>,
    event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_details: Option<Value>,
}

fn assumed_role(role: &str, micros: i64, random: &mut Random) -> Value {
    let id = stable_id(role);
    let session = session_name(role, random);
    // Sessions are renewed on the hour.
    let created = format_rfc3339(micros - micros.rem_euclid(3_600_000_000));
    json!({
        "type": "AssumedRole",
        "principalId": format!("AROA{id}:{session}"),
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"),
        "accountId": ACCOUNT,
        "accessKeyId": format!("ASIA{}", stable_id(&session)),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": format!("AROA{id}"),
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": { "creationDate": created, "mfaAuthenticated": "false" },
        },
    })
}

/// A role runs on three instances.
fn session_name(role: &str, random: &mut Random) -> String {
    let digits = hex_id(&[role.as_bytes(), &[random.below(3) as u8]]);
    format!("i-{}", digits.get(..17).unwrap_or(&digits))
}

/// Sixteen characters that always stand for the same name, in the alphabet of AWS's ids.
fn stable_id(name: &str) -> String {
    let digits = hex_id(&[name.as_bytes()]).to_uppercase();
    digits.get(..16).map(str::to_owned).unwrap_or(digits)
}

fn resource(arn: &str) -> Value {
    let account = arn.split(':').nth(4).unwrap_or(ACCOUNT);
    json!({ "accountId": account, "type": "AWS::KMS::Key", "ARN": arn })
}
