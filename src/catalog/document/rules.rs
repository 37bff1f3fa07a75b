//! The parts of a declaration that have fields of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalars::{Functions, Interval, Moment, Network, Pattern};
use crate::domain::purpose::Party;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// Which kinds of caller a declaration allows. A service acting on its own behalf is a workload; a
    /// root account is neither.
    pub enum Callers as "kind of callers" {
        Workload = "workload",
        Human = "human",
        Any = "any",
    }
}

/// Who may use a key: a principal or `@group`, with conditions or without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PrincipalItem {
    /// A principal, a glob of principals, or `@group`.
    Name(Pattern),
    /// The same with conditions on the session.
    Condition(Box<PrincipalCondition>),
}

/// A principal that may use a key under conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalCondition {
    /// A principal, a glob of principals, or `@group`.
    pub principal: Pattern,
    /// The kind of caller that the session must be of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callers: Option<Callers>,
    /// Globs of which the session's name must match one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Box<[Pattern]>>,
}

impl PrincipalItem {
    /// The principal, glob or `@group`.
    pub fn name(&self) -> &Pattern {
        match self {
            Self::Name(name) => name,
            Self::Condition(condition) => &condition.principal,
        }
    }

    /// The conditions, where there are any.
    pub fn condition(&self) -> Option<&PrincipalCondition> {
        match self {
            Self::Name(_) => None,
            Self::Condition(condition) => Some(condition),
        }
    }
}

impl<'de> Deserialize<'de> for PrincipalItem {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::either::text_or_mapping(deserializer, Self::Name, |condition| {
            Self::Condition(Box::new(condition))
        })
    }
}

/// Functions given to some principals only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Who gets them.
    pub principals: Box<[PrincipalItem]>,
    /// What they may do; the entry's functions bound it.
    pub functions: Functions,
}

/// What the encryption context must look like. Vault's derivation context goes by the name `context`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContextRule {
    /// Names that must be there.
    pub require: Box<[Arc<str>]>,
    /// Globs for the value of a name; `{tenant}` stands for the key's tenant, or the caller's where the
    /// key has none.
    pub allow: BTreeMap<Arc<str>, Box<[Pattern]>>,
    /// Whether names that are neither required nor allowed are wrong.
    pub closed: bool,
}

/// What the call must show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Requirements {
    /// A session with a second factor.
    pub mfa: bool,
    /// The original identity behind chained roles.
    pub source_identity: bool,
    /// One of these VPC endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoints: Option<Box<[Pattern]>>,
    /// At least this TLS version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_min: Option<TlsVersion>,
}

vocabulary! {
    /// A TLS version.
    pub enum TlsVersion as "TLS version" {
        Tls10 = "1.0",
        Tls11 = "1.1",
        Tls12 = "1.2",
        Tls13 = "1.3",
    }
}

/// The enclave that a call must prove to come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The image digests (PCR0) of which it must be one, in hex.
    pub image_digests: Box<[Arc<str>]>,
}

/// How often a key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxRate {
    /// At most this many uses.
    pub count: u32,
    /// In this time.
    pub per: Interval,
}

/// How the key itself is expected to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// AWS KMS KeyUsage, as ENCRYPT_DECRYPT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_usage: Option<Arc<str>>,
    /// AWS KMS KeySpec, as SYMMETRIC_DEFAULT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_spec: Option<Arc<str>>,
    /// AWS KMS Origin, as AWS_KMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Arc<str>>,
    /// Whether it is a multi-region key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region: Option<bool>,
}

/// A party outside that shares the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedWith {
    /// Who.
    pub party: Arc<str>,
    /// As what, in the shared-responsibility model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Party>,
    /// Under which contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Arc<str>>,
    /// For what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functions: Option<Functions>,
}

/// A review of the declaration that took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Who reviewed.
    pub by: Arc<str>,
    /// When.
    pub on: Moment,
    /// With what result, as `kept`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Arc<str>>,
}

/// Networks that callers must come from.
pub type Networks = Box<[Network]>;
