//! The fields of a CloudTrail record that every event needs, borrowed from its bytes.
//!
//! Unknown fields are skipped. What only changes of keys, access and logging need is read a second
//! time, as whole documents, by [`super::documents`]: uses of keys are nearly all of the traffic.

use serde::Deserialize;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;

use super::field::{Few, Field, Flag, Pairs, Present, Text, Wanted};
use crate::domain::reject::Aside;

macro_rules! object {
    ($( $name:ident ),+ $(,)?) => { $(
        impl<'de: 'a, 'a> Wanted<'de> for $name<'a> {
            fn from_map<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                Self::deserialize(MapAccessDeserializer::new(map)).map(Some)
            }
        }
    )+ };
}

object!(Record, Identity, SessionContext, Issuer, Federation, Request, Additional, Recipient);
object!(Resource, Addendum, Tls);

/// One CloudTrail record (record format 1.x, see the CloudTrail user guide, "record contents").
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Record<'a> {
    #[serde(borrow)]
    pub event_version: Text<'a>,
    #[serde(borrow)]
    pub user_identity: Field<Identity<'a>>,
    #[serde(borrow)]
    pub event_time: Text<'a>,
    #[serde(borrow)]
    pub event_source: Text<'a>,
    #[serde(borrow)]
    pub event_name: Text<'a>,
    #[serde(borrow)]
    pub aws_region: Text<'a>,
    #[serde(borrow, rename = "sourceIPAddress")]
    pub source_ip_address: Text<'a>,
    #[serde(borrow)]
    pub user_agent: Text<'a>,
    #[serde(borrow)]
    pub error_code: Text<'a>,
    #[serde(borrow)]
    pub error_message: Text<'a>,
    #[serde(borrow)]
    pub request_parameters: Field<Request<'a>>,
    #[serde(borrow)]
    pub additional_event_data: Field<Additional<'a>>,
    #[serde(borrow, rename = "requestID")]
    pub request_id: Text<'a>,
    #[serde(borrow, rename = "eventID")]
    pub event_id: Text<'a>,
    #[serde(borrow)]
    pub event_type: Text<'a>,
    #[serde(borrow)]
    pub event_category: Text<'a>,
    #[serde(borrow)]
    pub resources: Field<Few<Resource<'a>>>,
    #[serde(borrow)]
    pub recipient_account_id: Text<'a>,
    #[serde(borrow, rename = "sharedEventID")]
    pub shared_event_id: Text<'a>,
    #[serde(borrow)]
    pub vpc_endpoint_id: Text<'a>,
    #[serde(borrow)]
    pub addendum: Field<Addendum<'a>>,
    pub session_credential_from_console: Flag,
    #[serde(borrow)]
    pub tls_details: Field<Tls<'a>>,
    /// Only on Insights records.
    pub insight_details: Field<Present>,
    /// Only in digest files.
    #[serde(borrow)]
    pub digest_s3_object: Text<'a>,
}

impl Record<'_> {
    /// Why this record is no API call, where that shows.
    pub fn aside(&self) -> Option<Aside> {
        let category = self.event_category.lenient();
        let kind = self.event_type.lenient();
        if self.insight_details.given().is_some()
            || category == Some("Insight")
            || kind == Some("AwsCloudTrailInsight")
        {
            return Some(Aside::Insight);
        }
        if category == Some("Aggregated") || kind == Some("AwsAggregatedEvent") {
            return Some(Aside::Aggregated);
        }
        if self.digest_s3_object.given().is_some() && matches!(self.event_name, Field::Absent) {
            return Some(Aside::Digest);
        }
        (self.event_source.lenient() == Some("aws:s3")).then_some(Aside::Notification)
    }
}

/// `userIdentity`: who called.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub principal_id: Text<'a>,
    #[serde(borrow)]
    pub arn: Text<'a>,
    #[serde(borrow)]
    pub account_id: Text<'a>,
    #[serde(borrow)]
    pub access_key_id: Text<'a>,
    #[serde(borrow)]
    pub user_name: Text<'a>,
    #[serde(borrow)]
    pub session_context: Field<SessionContext<'a>>,
    #[serde(borrow)]
    pub invoked_by: Text<'a>,
}

/// `userIdentity.sessionContext`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SessionContext<'a> {
    #[serde(borrow)]
    pub session_issuer: Field<Issuer<'a>>,
    pub attributes: Field<Attributes>,
    #[serde(borrow)]
    pub web_id_federation_data: Field<Federation<'a>>,
    #[serde(borrow)]
    pub source_identity: Text<'a>,
    #[serde(borrow)]
    pub ec2_role_delivery: Text<'a>,
    pub assumed_root: Flag,
}

/// `sessionIssuer`: the role behind an assumed-role session; can be `{}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Issuer<'a> {
    #[serde(borrow)]
    pub arn: Text<'a>,
    #[serde(borrow)]
    pub account_id: Text<'a>,
}

/// `sessionContext.attributes`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Attributes {
    pub mfa_authenticated: Flag,
}

impl<'de> Wanted<'de> for Attributes {
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        Self::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// `webIdFederationData`; can be `{}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Federation<'a> {
    #[serde(borrow)]
    pub federated_provider: Text<'a>,
}

/// `requestParameters`: the members that uses and reads of keys are judged by.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request<'a> {
    #[serde(borrow)]
    pub key_id: Text<'a>,
    #[serde(borrow)]
    pub encryption_algorithm: Text<'a>,
    #[serde(borrow)]
    pub encryption_context: Field<Pairs<'a>>,
    #[serde(borrow)]
    pub signing_algorithm: Text<'a>,
    #[serde(borrow)]
    pub mac_algorithm: Text<'a>,
    #[serde(borrow)]
    pub key_agreement_algorithm: Text<'a>,
    #[serde(borrow)]
    pub encapsulation_algorithm: Text<'a>,
    #[serde(borrow)]
    pub source_key_id: Text<'a>,
    #[serde(borrow)]
    pub destination_key_id: Text<'a>,
    #[serde(borrow)]
    pub source_encryption_algorithm: Text<'a>,
    #[serde(borrow)]
    pub destination_encryption_algorithm: Text<'a>,
    #[serde(borrow)]
    pub source_encryption_context: Field<Pairs<'a>>,
    #[serde(borrow)]
    pub destination_encryption_context: Field<Pairs<'a>>,
    #[serde(borrow)]
    pub secret_id: Text<'a>,
    pub dry_run: Flag,
}

/// `additionalEventData`: what KMS adds to uses of keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Additional<'a> {
    #[serde(borrow)]
    pub key_material_id: Text<'a>,
    #[serde(borrow)]
    pub source_key_material_id: Text<'a>,
    #[serde(borrow)]
    pub destination_key_material_id: Text<'a>,
    #[serde(borrow)]
    pub recipient: Field<Recipient<'a>>,
}

/// `recipient`: what an attested caller proved. Nitro Enclaves log PCR0 as the image digest,
/// NitroTPM logs single registers (KMS developer guide, "Monitoring requests for NitroTPM").
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Recipient<'a> {
    #[serde(borrow, rename = "attestationDocumentEnclaveImageDigest")]
    pub enclave_image_digest: Text<'a>,
    #[serde(borrow, rename = "attestationDocumentNitroTPMPCR4")]
    pub tpm_register_4: Text<'a>,
    #[serde(borrow, rename = "attestationDocumentNitroTPMPCR7")]
    pub tpm_register_7: Text<'a>,
}

/// One of `resources`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Resource<'a> {
    #[serde(borrow, rename = "ARN")]
    pub arn: Text<'a>,
    #[serde(borrow, rename = "accountId")]
    pub account_id: Text<'a>,
}

/// `addendum`: why a record was delivered late or again.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Addendum<'a> {
    #[serde(borrow)]
    pub reason: Text<'a>,
    #[serde(borrow, rename = "originalEventID")]
    pub original_event_id: Text<'a>,
}

/// `tlsDetails`; partial objects are allowed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tls<'a> {
    #[serde(borrow)]
    pub tls_version: Text<'a>,
    #[serde(borrow)]
    pub key_exchange: Text<'a>,
}
