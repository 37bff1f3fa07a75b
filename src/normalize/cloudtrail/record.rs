//! The fields of a CloudTrail record that every event needs, borrowed from its bytes.
//!
//! Unknown fields are skipped. What only changes of keys, access and logging need is read a second
//! time, as whole documents, by [`super::documents`]: uses of keys are nearly all of the traffic.

use super::few::{Few, Pairs};
use super::field::{Field, Flag, Present, Text, object};
use crate::domain::reject::Aside;

object! {
    /// One CloudTrail record (record format 1.x, see the CloudTrail user guide, "record contents").
    pub struct Record<'a> {
        event_version: Text<'a> = "eventVersion",
        user_identity: Field<Identity<'a>> = "userIdentity",
        event_time: Text<'a> = "eventTime",
        event_source: Text<'a> = "eventSource",
        event_name: Text<'a> = "eventName",
        aws_region: Text<'a> = "awsRegion",
        source_ip_address: Text<'a> = "sourceIPAddress",
        user_agent: Text<'a> = "userAgent",
        error_code: Text<'a> = "errorCode",
        error_message: Text<'a> = "errorMessage",
        request_parameters: Field<Request<'a>> = "requestParameters",
        additional_event_data: Field<Additional<'a>> = "additionalEventData",
        request_id: Text<'a> = "requestID",
        event_id: Text<'a> = "eventID",
        event_type: Text<'a> = "eventType",
        event_category: Text<'a> = "eventCategory",
        resources: Field<Few<Resource<'a>>> = "resources",
        recipient_account_id: Text<'a> = "recipientAccountId",
        shared_event_id: Text<'a> = "sharedEventID",
        vpc_endpoint_id: Text<'a> = "vpcEndpointId",
        addendum: Field<Addendum<'a>> = "addendum",
        session_credential_from_console: Flag = "sessionCredentialFromConsole",
        tls_details: Field<Tls<'a>> = "tlsDetails",
        /// Only on Insights records.
        insight_details: Field<Present> = "insightDetails",
        /// Only in digest files.
        digest_s3_object: Text<'a> = "digestS3Object",
    }
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

object! {
    /// `userIdentity`: who called.
    pub struct Identity<'a> {
        kind: Text<'a> = "type",
        principal_id: Text<'a> = "principalId",
        arn: Text<'a> = "arn",
        account_id: Text<'a> = "accountId",
        access_key_id: Text<'a> = "accessKeyId",
        user_name: Text<'a> = "userName",
        session_context: Field<SessionContext<'a>> = "sessionContext",
        invoked_by: Text<'a> = "invokedBy",
    }
}

object! {
    /// `userIdentity.sessionContext`.
    pub struct SessionContext<'a> {
        session_issuer: Field<Issuer<'a>> = "sessionIssuer",
        attributes: Field<Attributes> = "attributes",
        web_id_federation_data: Field<Federation<'a>> = "webIdFederationData",
        source_identity: Text<'a> = "sourceIdentity",
        ec2_role_delivery: Text<'a> = "ec2RoleDelivery",
        assumed_root: Flag = "assumedRoot",
    }
}

object! {
    /// `sessionIssuer`: the role behind an assumed-role session; can be `{}`.
    pub struct Issuer<'a> {
        arn: Text<'a> = "arn",
        account_id: Text<'a> = "accountId",
    }
}

object! {
    /// `sessionContext.attributes`.
    pub struct Attributes {
        mfa_authenticated: Flag = "mfaAuthenticated",
    }
}

object! {
    /// `webIdFederationData`; can be `{}`.
    pub struct Federation<'a> {
        federated_provider: Text<'a> = "federatedProvider",
    }
}

object! {
    /// `requestParameters`: the members that uses and reads of keys are judged by.
    pub struct Request<'a> {
        key_id: Text<'a> = "keyId",
        encryption_algorithm: Text<'a> = "encryptionAlgorithm",
        encryption_context: Field<Pairs<'a>> = "encryptionContext",
        signing_algorithm: Text<'a> = "signingAlgorithm",
        mac_algorithm: Text<'a> = "macAlgorithm",
        key_agreement_algorithm: Text<'a> = "keyAgreementAlgorithm",
        encapsulation_algorithm: Text<'a> = "encapsulationAlgorithm",
        source_key_id: Text<'a> = "sourceKeyId",
        destination_key_id: Text<'a> = "destinationKeyId",
        source_encryption_algorithm: Text<'a> = "sourceEncryptionAlgorithm",
        destination_encryption_algorithm: Text<'a> = "destinationEncryptionAlgorithm",
        source_encryption_context: Field<Pairs<'a>> = "sourceEncryptionContext",
        destination_encryption_context: Field<Pairs<'a>> = "destinationEncryptionContext",
        secret_id: Text<'a> = "secretId",
        dry_run: Flag = "dryRun",
    }
}

object! {
    /// `additionalEventData`: what KMS adds to uses of keys.
    pub struct Additional<'a> {
        key_material_id: Text<'a> = "keyMaterialId",
        source_key_material_id: Text<'a> = "sourceKeyMaterialId",
        destination_key_material_id: Text<'a> = "destinationKeyMaterialId",
        recipient: Field<Recipient<'a>> = "recipient",
    }
}

object! {
    /// `recipient`: what an attested caller proved. Nitro Enclaves log PCR0 as the image digest,
    /// NitroTPM logs single registers (KMS developer guide, "Monitoring requests for NitroTPM").
    pub struct Recipient<'a> {
        enclave_image_digest: Text<'a> = "attestationDocumentEnclaveImageDigest",
        tpm_register_4: Text<'a> = "attestationDocumentNitroTPMPCR4",
        tpm_register_7: Text<'a> = "attestationDocumentNitroTPMPCR7",
    }
}

object! {
    /// One of `resources`.
    pub struct Resource<'a> {
        arn: Text<'a> = "ARN",
        account_id: Text<'a> = "accountId",
    }
}

object! {
    /// `addendum`: why a record was delivered late or again.
    pub struct Addendum<'a> {
        reason: Text<'a> = "reason",
        original_event_id: Text<'a> = "originalEventID",
    }
}

object! {
    /// `tlsDetails`; partial objects are allowed.
    pub struct Tls<'a> {
        tls_version: Text<'a> = "tlsVersion",
        key_exchange: Text<'a> = "keyExchange",
    }
}
