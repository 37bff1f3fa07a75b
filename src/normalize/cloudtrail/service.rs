//! The services whose calls matter, and what each of their operations does.
//!
//! In: an event source and an event name. Out: category, function, and how the keys of the call are
//! found. The lists themselves are in [`super::operations`].

use super::operations;
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
    /// A use of a key.
    pub const fn uses(function: Function, target: Target) -> Self {
        Self { category: Category::Use, function: Some(function), target }
    }

    /// A look at a key's metadata.
    pub const fn reads(target: Target) -> Self {
        Self { category: Category::Read, function: Some(Function::Read), target }
    }

    /// A change to the key itself.
    pub const fn changes(target: Target) -> Self {
        Self::does(Category::Key, Function::Manage, target)
    }

    /// A change to who may use keys.
    pub const fn grants(target: Target) -> Self {
        Self::does(Category::Access, Function::Manage, target)
    }

    /// Anything else that is done with a key.
    pub const fn does(category: Category, function: Function, target: Target) -> Self {
        Self { category, function: Some(function), target }
    }

    /// Something around keys that is done with no key.
    pub const fn around(category: Category) -> Self {
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

    /// Whether every call is of interest, so that an operation that is newer than the lists is not lost.
    pub const fn is_always_of_interest(self) -> bool {
        matches!(self, Self::Kms | Self::SecretsManager)
    }

    /// What the operation called `name` does, or nothing where it is of no interest.
    pub fn operation(self, name: &str) -> Option<Operation> {
        match self {
            Self::Kms => Some(operations::kms(name)),
            Self::SecretsManager => Some(operations::secrets(name)),
            Self::Sts => operations::sts(name),
            Self::Iam => operations::iam(name),
            Self::CloudTrail => operations::cloudtrail(name),
            Self::Acm => operations::acm(name),
            Self::AcmPca => operations::acm_pca(name),
            Self::Signer => operations::signer(name),
            Self::CloudHsm => operations::cloudhsm(name),
            Self::S3 => operations::s3(name),
            Self::Ram => operations::ram(name),
            Self::Logs => operations::logs(name),
            Self::Events => operations::events(name),
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
