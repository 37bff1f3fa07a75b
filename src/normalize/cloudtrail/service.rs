//! The services whose calls matter, and what each of their operations does.
//!
//! In: an event source and an event name. Out: category, function, and how the keys of the call are
//! found. The names are those of the services' API models; KMS has 56 operations, Secrets Manager 26,
//! CloudHSM 18.

use crate::domain::event::Category;
use crate::domain::function::Function;

/// A service whose calls touch keys, or who may use them, or the logging that watches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Kms,
    SecretsManager,
    Sts,
    Iam,
    CloudTrail,
    Acm,
    AcmPca,
    Signer,
    CloudHsm,
    S3,
    Ram,
    Logs,
    Events,
}

/// How the keys of a call are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The call names no key.
    None,
    /// One KMS key.
    Key,
    /// Two KMS keys: the source and the destination of a re-encryption.
    TwoKeys,
    /// An alias and the KMS key it points at.
    Alias,
    /// One secret.
    Secret,
    /// Each secret that a batch lists.
    Secrets,
    /// An ACM certificate.
    Certificate,
    /// A private certificate authority.
    Authority,
    /// A code-signing profile.
    Profile,
    /// The KMS key that protects an object or a bucket; nothing where none is named.
    ObjectKey,
    /// Each KMS key and secret among the shared resources; nothing where there is none.
    Shared,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    pub category: Category,
    pub function: Option<Function>,
    pub target: Target,
}

impl Operation {
    const fn uses(function: Function, target: Target) -> Self {
        Self { category: Category::Use, function: Some(function), target }
    }

    const fn reads(target: Target) -> Self {
        Self { category: Category::Read, function: Some(Function::Read), target }
    }

    /// A change to the key itself.
    const fn changes(target: Target) -> Self {
        Self::does(Category::Key, Function::Manage, target)
    }

    /// A change to who may use keys.
    const fn grants(target: Target) -> Self {
        Self::does(Category::Access, Function::Manage, target)
    }

    const fn does(category: Category, function: Function, target: Target) -> Self {
        Self { category, function: Some(function), target }
    }

    /// Something around keys that is done with no key.
    const fn around(category: Category) -> Self {
        Self { category, function: None, target: Target::None }
    }
}

impl Service {
    /// The service of an `eventSource`.
    pub fn of(event_source: &str) -> Option<Self> {
        Some(match short_name(event_source)? {
            "kms" => Self::Kms,
            "secretsmanager" => Self::SecretsManager,
            "sts" => Self::Sts,
            "iam" => Self::Iam,
            "cloudtrail" => Self::CloudTrail,
            "acm" => Self::Acm,
            "acm-pca" => Self::AcmPca,
            "signer" => Self::Signer,
            "cloudhsm" => Self::CloudHsm,
            "s3" => Self::S3,
            "ram" => Self::Ram,
            "logs" => Self::Logs,
            "events" => Self::Events,
            _ => return None,
        })
    }

    /// What the operation called `name` does, or nothing where it is of no interest.
    ///
    /// Every call of KMS and Secrets Manager is of interest, so that an operation that is newer than
    /// this list is not lost.
    pub fn operation(self, name: &str) -> Option<Operation> {
        match self {
            Self::Kms => Some(kms(name).unwrap_or_else(|| unlisted(name, Target::Key))),
            Self::SecretsManager => Some(secrets(name).unwrap_or_else(|| unlisted(name, Target::Secret))),
            Self::Sts => sts(name),
            Self::Iam => iam(name),
            Self::CloudTrail => cloudtrail(name),
            Self::Acm => acm(name),
            Self::AcmPca => acm_pca(name),
            Self::Signer => signer(name),
            Self::CloudHsm => cloudhsm(name),
            Self::S3 => s3(name),
            Self::Ram => ram(name),
            Self::Logs => (name == "DeleteLogGroup").then_some(Operation::around(Category::Logging)),
            Self::Events => matches!(name, "DeleteRule" | "DisableRule" | "RemoveTargets")
                .then_some(Operation::around(Category::Logging)),
        }
    }
}

/// An event source without its `.amazonaws.com`.
pub fn short_name(event_source: &str) -> Option<&str> {
    event_source
        .strip_suffix(".amazonaws.com")
        .or_else(|| event_source.strip_suffix(".amazonaws.com.cn"))
        .filter(|name| !name.is_empty())
}

/// An operation that is not in the lists: its name tells reads apart, and what else it may do to a
/// key is not guessed.
fn unlisted(name: &str, target: Target) -> Operation {
    if ["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb)) {
        return Operation::reads(target);
    }
    Operation { category: Category::Key, function: None, target }
}

fn kms(name: &str) -> Option<Operation> {
    kms_use(name).or_else(|| kms_change(name)).or_else(|| kms_read(name))
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

fn secrets(name: &str) -> Option<Operation> {
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

fn sts(name: &str) -> Option<Operation> {
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

fn iam(name: &str) -> Option<Operation> {
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

fn cloudtrail(name: &str) -> Option<Operation> {
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

fn acm(name: &str) -> Option<Operation> {
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

fn acm_pca(name: &str) -> Option<Operation> {
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

fn signer(name: &str) -> Option<Operation> {
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

/// The control plane only: what an HSM does with its keys is not in CloudTrail.
fn cloudhsm(name: &str) -> Option<Operation> {
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

fn s3(name: &str) -> Option<Operation> {
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

fn ram(name: &str) -> Option<Operation> {
    matches!(name, "CreateResourceShare" | "AssociateResourceShare")
        .then_some(Operation::grants(Target::Shared))
}
