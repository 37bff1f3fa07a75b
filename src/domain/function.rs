//! What was done with a key.

use super::purpose::Purpose;
use super::vocabulary::vocabulary;

vocabulary! {
    /// The cryptographic function of a key event, in KMIP usage-mask terms.
    ///
    /// The mapping from each provider's API is in [`crate::normalize`]. `retrieve` and `store` move a
    /// secret's value; `read` is metadata and never touches key material.
    pub enum Function as "function" {
        Encrypt = "encrypt",
        Decrypt = "decrypt",
        Wrap = "wrap",
        Unwrap = "unwrap",
        ReencryptFrom = "reencrypt_from",
        ReencryptTo = "reencrypt_to",
        Sign = "sign",
        Verify = "verify",
        MacGenerate = "mac_generate",
        MacVerify = "mac_verify",
        KeyAgreement = "key_agreement",
        Encapsulate = "encapsulate",
        Decapsulate = "decapsulate",
        Derive = "derive",
        Certify = "certify",
        TokenIssue = "token_issue",
        Retrieve = "retrieve",
        Store = "store",
        Export = "export",
        Backup = "backup",
        Import = "import",
        Manage = "manage",
        Read = "read",
    }
}

impl Function {
    /// Whether this is a *use* of the key, which the aspects judge; the others administer it.
    pub const fn is_use(self) -> bool {
        !matches!(self, Self::Read | Self::Manage | Self::Import | Self::Export | Self::Backup)
    }

    /// Whether this use reads back what the key protected before, which SP 800-57 §7 still allows
    /// for a key that may no longer protect.
    pub const fn reads_back(self) -> bool {
        matches!(
            self,
            Self::Decrypt
                | Self::Unwrap
                | Self::Verify
                | Self::MacVerify
                | Self::Decapsulate
                | Self::ReencryptFrom
                | Self::Retrieve
        )
    }

    /// Whether this use applies new protection.
    pub const fn protects(self) -> bool {
        self.is_use() && !self.reads_back()
    }
}

/// A set of functions, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FunctionSet(u32);

impl FunctionSet {
    /// The set with no member.
    pub const EMPTY: Self = Self(0);

    /// The set of these functions.
    pub const fn of(functions: &[Function]) -> Self {
        let mut bits = 0;
        let mut rest = functions;
        while let [first, tail @ ..] = rest {
            bits |= 1 << first.code();
            rest = tail;
        }
        Self(bits)
    }

    /// Whether `function` is a member.
    pub const fn contains(self, function: Function) -> bool {
        self.0 & (1 << function.code()) != 0
    }

    /// The members of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in vocabulary order.
    pub fn iter(self) -> impl Iterator<Item = Function> {
        Function::ALL.iter().copied().filter(move |function| self.contains(*function))
    }
}

impl FromIterator<Function> for FunctionSet {
    fn from_iter<I: IntoIterator<Item = Function>>(functions: I) -> Self {
        functions.into_iter().fold(Self::EMPTY, |set, function| Self(set.0 | 1 << function.code()))
    }
}

/// The functions that a purpose stands for when an entry does not list its own.
///
/// On an AWS KMS key (`kms_key`) data encryption includes `wrap` and `unwrap`, because envelope
/// encryption is how such a key is used; a secret there is likewise kept by encrypting it.
pub const fn default_functions(purpose: Purpose, kms_key: bool) -> FunctionSet {
    use Function::{
        Certify, Decapsulate, Decrypt, Derive, Encapsulate, Encrypt, KeyAgreement, MacGenerate, MacVerify,
        ReencryptFrom, ReencryptTo, Retrieve, Sign, Store, TokenIssue, Unwrap, Verify, Wrap,
    };
    let own = match purpose {
        Purpose::DataEncryption => FunctionSet::of(&[Encrypt, Decrypt, ReencryptFrom, ReencryptTo]),
        Purpose::KeyWrapping => FunctionSet::of(&[Wrap, Unwrap, ReencryptFrom, ReencryptTo]),
        Purpose::Signature => FunctionSet::of(&[Sign, Verify]),
        Purpose::TokenSigning => FunctionSet::of(&[Sign, Verify, TokenIssue]),
        Purpose::Authentication => FunctionSet::of(&[MacGenerate, MacVerify]),
        Purpose::KeyAgreement => FunctionSet::of(&[KeyAgreement, Derive]),
        Purpose::KeyEncapsulation => FunctionSet::of(&[Encapsulate, Decapsulate]),
        Purpose::KeyDerivation => FunctionSet::of(&[Derive]),
        Purpose::CertificateAuthority => FunctionSet::of(&[Certify, Sign]),
        Purpose::SecretStorage => FunctionSet::of(&[Retrieve, Store]),
    };
    match purpose {
        Purpose::DataEncryption if kms_key => own.union(FunctionSet::of(&[Wrap, Unwrap])),
        Purpose::SecretStorage if kms_key => own.union(FunctionSet::of(&[Encrypt, Decrypt, Wrap, Unwrap])),
        _ => own,
    }
}
