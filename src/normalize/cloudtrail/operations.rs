//! What each operation does: the lists, one for each service.
//!
//! The names are those of the services' API models; KMS has 56 operations, Secrets Manager 26,
//! CloudHSM 18.

use super::service::{Operation, Target};
use crate::domain::event::Category;
use crate::domain::function::Function;

/// An operation that is not in the lists: its name tells reads apart, and what else it may do to a
/// key is not guessed.
fn unlisted(name: &str, target: Target) -> Operation {
    if ["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb)) {
        return Operation::reads(target);
    }
    Operation { category: Category::Key, function: None, target }
}

/// Whether an operation of this name is in the lists, whatever its service.
pub fn list(name: &str) -> bool {
    let lists = [
        kms_use,
        kms_change,
        kms_read,
        listed_secrets,
        sts,
        iam,
        cloudtrail,
        acm,
        acm_pca,
        signer,
        cloudhsm,
        s3,
        ram,
        logs,
        events,
    ];
    lists.iter().any(|list| list(name).is_some())
}

/// KMS. Every call is of interest, so that an operation that is newer than this list is not lost.
pub fn kms(name: &str) -> Operation {
    let listed = kms_use(name).or_else(|| kms_change(name)).or_else(|| kms_read(name));
    listed.unwrap_or_else(|| unlisted(name, Target::Key))
}

fn kms_use(name: &str) -> Option<Operation> {
    Some(match name {
        "Decrypt" => Operation::uses(Function::Decrypt, Target::Key),
        "Encrypt" => Operation::uses(Function::Encrypt, Target::Key),
        "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext"
        | "GenerateDataKeyPair"
        | "GenerateDataKeyPairWithoutPlaintext" => Operation::uses(Function::Wrap, Target::Key),
        "Sign" => Operation::uses(Function::Sign, Target::Key),
        "Verify" => Operation::uses(Function::Verify, Target::Key),
        "GenerateMac" => Operation::uses(Function::MacGenerate, Target::Key),
        "VerifyMac" => Operation::uses(Function::MacVerify, Target::Key),
        "ReEncrypt" => Operation::uses(Function::ReencryptFrom, Target::TwoKeys),
        "DeriveSharedSecret" => Operation::uses(Function::KeyAgreement, Target::Key),
        "Encapsulate" => Operation::uses(Function::Encapsulate, Target::Key),
        "Decapsulate" => Operation::uses(Function::Decapsulate, Target::Key),
        "GenerateRandom" => Operation::around(Category::Use),
        _ => return None,
    })
}

fn kms_change(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateKey"
        | "EnableKey"
        | "DisableKey"
        | "ScheduleKeyDeletion"
        | "CancelKeyDeletion"
        | "EnableKeyRotation"
        | "DisableKeyRotation"
        | "RotateKeyOnDemand"
        | "UpdateKeyDescription"
        | "TagResource"
        | "UntagResource"
        | "DeleteImportedKeyMaterial"
        | "ReplicateKey"
        | "UpdatePrimaryRegion" => Operation::changes(Target::Key),
        "ImportKeyMaterial" => Operation::does(Category::Key, Function::Import, Target::Key),
        "CreateAlias" | "UpdateAlias" | "DeleteAlias" => Operation::changes(Target::Alias),
        "PutKeyPolicy" | "CreateGrant" | "RevokeGrant" | "RetireGrant" => Operation::grants(Target::Key),
        "CreateCustomKeyStore"
        | "ConnectCustomKeyStore"
        | "DisconnectCustomKeyStore"
        | "UpdateCustomKeyStore"
        | "DeleteCustomKeyStore" => Operation::changes(Target::None),
        // Events of the service itself.
        "RotateKey" | "DeleteKey" | "DeleteExpiredKeyMaterial" | "SynchronizeMultiRegionKey" => {
            Operation::changes(Target::Key)
        }
        _ => return None,
    })
}

fn kms_read(name: &str) -> Option<Operation> {
    Some(match name {
        "DescribeKey"
        | "GetKeyPolicy"
        | "GetKeyRotationStatus"
        | "GetPublicKey"
        | "GetKeyLastUsage"
        | "GetParametersForImport"
        | "ListAliases"
        | "ListGrants"
        | "ListKeyPolicies"
        | "ListKeyRotations"
        | "ListResourceTags" => Operation::reads(Target::Key),
        "DescribeCustomKeyStores" | "ListKeys" | "ListRetirableGrants" => Operation::reads(Target::None),
        _ => return None,
    })
}

/// Secrets Manager. Every call is of interest.
pub fn secrets(name: &str) -> Operation {
    listed_secrets(name).unwrap_or_else(|| unlisted(name, Target::Secret))
}

fn listed_secrets(name: &str) -> Option<Operation> {
    Some(match name {
        "GetSecretValue" => Operation::uses(Function::Retrieve, Target::Secret),
        "BatchGetSecretValue" => Operation::uses(Function::Retrieve, Target::Secrets),
        "PutSecretValue" => Operation::uses(Function::Store, Target::Secret),
        // A `store` where the call carries a value; decided where the documents are read.
        "CreateSecret" | "UpdateSecret" => Operation::changes(Target::Secret),
        "DeleteSecret"
        | "RestoreSecret"
        | "RotateSecret"
        | "CancelRotateSecret"
        | "TagResource"
        | "UntagResource"
        | "UpdateSecretVersionStage"
        | "ReplicateSecretToRegions"
        | "RemoveRegionsFromReplication"
        | "StopReplicationToReplica" => Operation::changes(Target::Secret),
        "PutResourcePolicy"
        | "DeleteResourcePolicy"
        | "AssociateCrossAccountReplica"
        | "DisassociateCrossAccountReplica" => Operation::grants(Target::Secret),
        "DescribeSecret"
        | "GetResourcePolicy"
        | "ListSecretVersionIds"
        | "ListResourcePolicies"
        | "ValidateResourcePolicy" => Operation::reads(Target::Secret),
        "GetRandomPassword" | "ListSecrets" => Operation::reads(Target::None),
        // Events of the service itself.
        "StartSecretVersionDelete"
        | "EndSecretVersionDelete"
        | "CancelSecretVersionDelete"
        | "RotationStarted"
        | "RotationSucceeded"
        | "RotationFailed"
        | "RotationAbandoned"
        | "TestRotationStarted"
        | "TestRotationSucceeded"
        | "TestRotationFailed"
        | "ReplicationStarted"
        | "ReplicationSucceeded"
        | "ReplicationFailed" => Operation::changes(Target::Secret),
        _ => return None,
    })
}

/// The Security Token Service: sessions that are handed out.
pub fn sts(name: &str) -> Option<Operation> {
    Some(match name {
        "AssumeRole"
        | "AssumeRoleWithSAML"
        | "AssumeRoleWithWebIdentity"
        | "AssumeRoot"
        | "GetFederationToken"
        | "GetSessionToken" => Operation::around(Category::Access),
        "GetCallerIdentity" => Operation::around(Category::Read),
        _ => return None,
    })
}

/// IAM: policies, trust and credentials.
pub fn iam(name: &str) -> Option<Operation> {
    Some(match name {
        "PutRolePolicy"
        | "AttachRolePolicy"
        | "PutUserPolicy"
        | "AttachUserPolicy"
        | "PutGroupPolicy"
        | "AttachGroupPolicy"
        | "CreatePolicy"
        | "CreatePolicyVersion"
        | "SetDefaultPolicyVersion"
        | "UpdateAssumeRolePolicy"
        | "CreateRole"
        | "CreateAccessKey"
        | "UploadSigningCertificate"
        | "UploadSSHPublicKey" => Operation::around(Category::Access),
        "UploadServerCertificate" => Operation::does(Category::Key, Function::Import, Target::Certificate),
        _ => return None,
    })
}

/// CloudTrail: everything that can stop or narrow the logging.
pub fn cloudtrail(name: &str) -> Option<Operation> {
    matches!(
        name,
        "StopLogging"
            | "StartLogging"
            | "CreateTrail"
            | "DeleteTrail"
            | "UpdateTrail"
            | "PutEventSelectors"
            | "PutInsightSelectors"
            | "PutEventConfiguration"
            | "StopEventDataStoreIngestion"
            | "StartEventDataStoreIngestion"
            | "CreateEventDataStore"
            | "DeleteEventDataStore"
            | "UpdateEventDataStore"
            | "RestoreEventDataStore"
            | "PutResourcePolicy"
            | "DeleteResourcePolicy"
            | "RegisterOrganizationDelegatedAdmin"
            | "DeregisterOrganizationDelegatedAdmin"
    )
    .then_some(Operation::around(Category::Logging))
}

/// Certificate Manager.
pub fn acm(name: &str) -> Option<Operation> {
    Some(match name {
        "ExportCertificate" => Operation::does(Category::Key, Function::Export, Target::Certificate),
        "ImportCertificate" => Operation::does(Category::Key, Function::Import, Target::Certificate),
        "RequestCertificate"
        | "DeleteCertificate"
        | "RenewCertificate"
        | "RevokeCertificate"
        | "UpdateCertificateOptions" => Operation::changes(Target::Certificate),
        "DescribeCertificate" | "GetCertificate" => Operation::reads(Target::Certificate),
        _ => return None,
    })
}

/// Private Certificate Authority: its key issues certificates.
pub fn acm_pca(name: &str) -> Option<Operation> {
    Some(match name {
        "IssueCertificate" => Operation::uses(Function::Certify, Target::Authority),
        "CreateCertificateAuthority"
        | "UpdateCertificateAuthority"
        | "DeleteCertificateAuthority"
        | "RestoreCertificateAuthority"
        | "ImportCertificateAuthorityCertificate"
        | "RevokeCertificate"
        | "TagCertificateAuthority"
        | "UntagCertificateAuthority" => Operation::changes(Target::Authority),
        "CreatePermission" | "DeletePermission" | "PutPolicy" | "DeletePolicy" => {
            Operation::grants(Target::Authority)
        }
        "GetCertificate"
        | "GetCertificateAuthorityCertificate"
        | "GetCertificateAuthorityCsr"
        | "DescribeCertificateAuthority"
        | "CreateCertificateAuthorityAuditReport"
        | "DescribeCertificateAuthorityAuditReport"
        | "GetPolicy"
        | "ListPermissions" => Operation::reads(Target::Authority),
        _ => return None,
    })
}

/// Signer: code signing.
pub fn signer(name: &str) -> Option<Operation> {
    Some(match name {
        "SignPayload" | "StartSigningJob" => Operation::uses(Function::Sign, Target::Profile),
        "PutSigningProfile" | "CancelSigningProfile" | "RevokeSigningProfile" | "RevokeSignature" => {
            Operation::changes(Target::Profile)
        }
        "AddProfilePermission" | "RemoveProfilePermission" => Operation::grants(Target::Profile),
        "GetSigningProfile" | "ListProfilePermissions" => Operation::reads(Target::Profile),
        _ => return None,
    })
}

/// CloudHSM, the control plane only: what an HSM does with its keys is not in CloudTrail.
pub fn cloudhsm(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateCluster" | "InitializeCluster" | "ModifyCluster" | "DeleteCluster" | "CreateHsm"
        | "DeleteHsm" | "DeleteBackup" | "RestoreBackup" | "TagResource" | "UntagResource" => {
            Operation::changes(Target::None)
        }
        "CopyBackupToRegion" => Operation::does(Category::Key, Function::Backup, Target::None),
        "ModifyBackupAttributes" | "PutResourcePolicy" | "DeleteResourcePolicy" => {
            Operation::grants(Target::None)
        }
        "DescribeBackups" | "DescribeClusters" | "GetResourcePolicy" | "ListTags" => {
            Operation::reads(Target::None)
        }
        _ => return None,
    })
}

/// S3: data encrypted under KMS keys or callers' keys, and buckets that may keep logs.
pub fn s3(name: &str) -> Option<Operation> {
    Some(match name {
        "PutObject" | "CopyObject" | "CreateMultipartUpload" => {
            Operation { category: Category::Use, function: None, target: Target::ObjectKey }
        }
        "PutBucketEncryption" => {
            Operation { category: Category::Key, function: None, target: Target::ObjectKey }
        }
        // On the bucket that keeps the logs these destroy evidence; which bucket it is, others know.
        "PutBucketLifecycle"
        | "PutBucketLifecycleConfiguration"
        | "PutBucketPolicy"
        | "DeleteBucketPolicy"
        | "DeleteBucket" => Operation::around(Category::Logging),
        _ => return None,
    })
}

/// Resource Access Manager: sharing with other accounts.
pub fn ram(name: &str) -> Option<Operation> {
    matches!(name, "CreateResourceShare" | "AssociateResourceShare")
        .then_some(Operation::grants(Target::Shared))
}

/// CloudWatch Logs: logs that are destroyed.
pub fn logs(name: &str) -> Option<Operation> {
    (name == "DeleteLogGroup").then_some(Operation::around(Category::Logging))
}

/// EventBridge: rules that no longer pass events on.
pub fn events(name: &str) -> Option<Operation> {
    matches!(name, "DeleteRule" | "DisableRule" | "RemoveTargets")
        .then_some(Operation::around(Category::Logging))
}
