//! The fields of a declaration, written once: an entry's, a class's, and what the judge reads.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{
    Attestation, Callers, ContextRule, Expect, Grant, MaxRate, PrincipalItem, Requirements, Review,
    SharedWith,
};
use super::scalars::{Functions, Interval, Moment, Network, Pattern, Slug};
use crate::domain::purpose::{Asset, Criticality, KeyState, Mode, Party, Purpose};

macro_rules! declaration {
    ($( $(#[$meta:meta])* $field:ident : $type:ty ),+ $(,)?) => {
        /// An entry as written: a declared key.
        #[derive(Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(title = "key")]
        pub struct KeyDocument {
            /// The entry's stable name, unique in the catalog.
            pub id: Pattern,
            /// A class whose fields it takes where it has none of its own; lists are replaced, not merged.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub extends: Option<Pattern>,
            /// Its names in the logs: KMS key and alias ARNs, secret ARNs, `vault:[namespace/]mount/name`;
            /// globs allowed.
            pub keys: Box<[Pattern]>,
            $( $(#[$meta])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>, )+
        }

        /// A class as written: a declaration by rule.
        #[derive(Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(title = "class")]
        pub struct ClassDocument {
            /// The class's stable name, unique in the catalog.
            pub id: Pattern,
            /// The keys it declares that no entry does; without it, it only lends its fields.
            #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
            pub criteria: Option<Criteria>,
            /// Of the classes that match, the one with the highest number declares the key.
            #[serde(default)]
            pub priority: i32,
            $( $(#[$meta])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>, )+
        }

        /// What is declared of a key, or of the keys of a class. Nothing means: not constrained.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Declaration {
            $( pub $field: Option<$type>, )+
        }

        impl Declaration {
            /// Takes what is missing here from `class`.
            pub fn inherit(&mut self, class: &Self) {
                $( if self.$field.is_none() { self.$field.clone_from(&class.$field); } )+
            }
        }

        impl KeyDocument {
            /// The declaration, and the fields that only an entry has.
            pub fn split(self) -> (KeyHead, Box<Declaration>) {
                let head = KeyHead { id: self.id, extends: self.extends, keys: self.keys };
                (head, Box::new(Declaration { $( $field: self.$field ),+ }))
            }
        }

        impl ClassDocument {
            /// The declaration, and the fields that only a class has.
            pub fn split(self) -> (ClassHead, Box<Declaration>) {
                let head = ClassHead { id: self.id, criteria: self.criteria, priority: self.priority };
                (head, Box::new(Declaration { $( $field: self.$field ),+ }))
            }
        }
    };
}

declaration! {
    /// What the key is for, exactly one: a key type of NIST SP 800-57.
    purpose: Purpose,
    /// The single business use, a slug; of a secret, what it opens.
    #[serde(rename = "use")]
    business_use: Slug,
    /// The kind of AI asset that it protects.
    asset: Asset,
    /// What may be done with it, instead of the purpose's own functions; bounds all grants.
    functions: Functions,
    /// The algorithms it may be used with, as the log names them.
    algorithms: Box<[Pattern]>,
    /// Who may use it; `[]` without grants is nobody.
    principals: Box<[PrincipalItem]>,
    /// Functions given to some callers only; one who is in both has the union.
    grants: Box<[Grant]>,
    /// Who may change it; they may not use it.
    administrators: Box<[Pattern]>,
    /// The kind of callers that may use it.
    callers: Callers,
    /// Through what: `direct`, or the AWS service that calls for its customer.
    via: Box<[Pattern]>,
    /// What the encryption context must be.
    context: Box<ContextRule>,
    /// The AWS accounts that callers may be of.
    accounts: Box<[Pattern]>,
    /// The regions it may be used in.
    regions: Box<[Pattern]>,
    /// The networks that callers must come from.
    networks: Box<[Network]>,
    /// What the call must show.
    require: Box<Requirements>,
    /// The enclave that the call must prove.
    attestation: Attestation,
    /// Whose data it protects.
    tenant: Slug,
    /// The environment it belongs to.
    environment: Slug,
    /// Its place in its life cycle (SP 800-57 §7).
    state: KeyState,
    /// Since when it is in that state; before, the state is not judged.
    state_since: Moment,
    /// It may not protect before.
    active_from: Moment,
    /// It may not protect from then on.
    active_until: Moment,
    /// It may not read back from then on.
    process_until: Moment,
    /// The lowest key version that may protect.
    min_version: u32,
    /// How often it is to be rotated.
    rotate_every: Interval,
    /// When it was last rotated.
    rotated: Moment,
    /// Whether its private material may leave.
    exportable: bool,
    /// Entries to whose keys it may be re-encrypted, and no others.
    reencrypt_to: Box<[Pattern]>,
    /// How often it may be used.
    max_rate: MaxRate,
    /// Whether it is a decoy that nobody has a reason to use.
    canary: bool,
    /// Whether callers of any tenant may use it.
    multi_tenant: bool,
    /// How the key itself is expected to be made.
    expect: Box<Expect>,
    /// How much harm its misuse would do.
    criticality: Criticality,
    /// Who owns it.
    owner: Arc<str>,
    /// Whom to call about it.
    contact: Arc<str>,
    /// The responsible parties of the shared-responsibility model.
    responsibility: Box<[Party]>,
    /// Parties outside that share it.
    shared_with: Box<[SharedWith]>,
    /// The reviews that took place.
    reviews: Box<[Review]>,
    /// How often it is to be reviewed.
    review_every: Interval,
    /// Whether misuse is told to people (`enforce`) or only recorded (`observe`).
    mode: Mode,
}

/// The fields that only an entry has.
#[derive(Debug)]
pub struct KeyHead {
    pub id: Pattern,
    pub extends: Option<Pattern>,
    pub keys: Box<[Pattern]>,
}

/// The fields that only a class has.
#[derive(Debug)]
pub struct ClassHead {
    pub id: Pattern,
    pub criteria: Option<Criteria>,
    pub priority: i32,
}

/// Which keys a class declares; all criteria that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Criteria {
    /// Globs of the account that owns the key; for Vault, its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Box<[Pattern]>>,
    /// Globs of the key's name or of an alias of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Box<[Pattern]>>,
    /// Globs of the values of the key's tags, as of the event's time. They are known from the log, where a
    /// key is created with them or tagged: a key that was tagged before the log begins has none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<std::collections::BTreeMap<Arc<str>, Pattern>>,
}
