//! A declared key or class, with what the judge would otherwise work out for every event.

use std::sync::Arc;

use super::document::declaration::Declaration;
use super::document::rules::Callers;
use super::document::scalars::Pattern;
use super::yaml::Place;
use crate::domain::function::{FunctionSet, default_functions};
use crate::domain::purpose::{Party, Purpose};
use crate::domain::verdict::{Aspect, AspectSet};

/// The id of the built-in class of AWS-managed keys.
pub const AWS_MANAGED: &str = "aws-managed";

/// What begins the name of an AWS-managed key's alias, before the service that it is for.
pub const AWS_MANAGED_ALIAS: &str = ":alias/aws/";

/// What an entry declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A key by its names.
    Key,
    /// Keys by a rule.
    Class,
    /// Keys that AWS manages for one of its services.
    AwsManaged,
}

/// One entry of the catalog, complete: inherited fields and defaults are in.
#[derive(Debug)]
pub struct Entry {
    pub id: Pattern,
    pub file: Arc<str>,
    pub kind: EntryKind,
    pub names: Box<[Pattern]>,
    pub declaration: Box<Declaration>,
    /// The aspects that the declaration constrains; the others are not judged.
    pub constrained: AspectSet,
    /// The parties, with commas between.
    pub responsibility: Option<Arc<str>>,
}

impl Entry {
    /// Completes an entry.
    pub fn new(
        id: Pattern,
        file: Arc<str>,
        kind: EntryKind,
        names: Box<[Pattern]>,
        mut declaration: Box<Declaration>,
    ) -> Self {
        declaration.via = declaration.via.or_else(|| via_of_managed(&names));
        let mut constrained = constrained(&declaration);
        if kind == EntryKind::AwsManaged {
            constrained.insert(Aspect::Via);
        }
        let responsibility =
            declaration.responsibility.as_deref().filter(|list| !list.is_empty()).map(joined);
        Self { id, file, kind, names, declaration, constrained, responsibility }
    }

    /// The built-in class of AWS-managed keys: symmetric keys that one service encrypts with.
    pub fn aws_managed() -> Self {
        let declaration =
            Box::new(Declaration { purpose: Some(Purpose::DataEncryption), ..Declaration::default() });
        let id = Pattern::new(AWS_MANAGED, Place::default());
        Self::new(id, "built-in".into(), EntryKind::AwsManaged, Box::default(), declaration)
    }

    /// Whether it declares a key by name.
    pub fn is_key(&self) -> bool {
        self.kind == EntryKind::Key
    }

    /// What may be done with the key at all; grants cannot go beyond.
    pub fn functions(&self, kms_key: bool) -> FunctionSet {
        let declared = self.declaration.functions.map(|functions| functions.0);
        let default = || self.declaration.purpose.map(|purpose| default_functions(purpose, kms_key));
        declared.or_else(default).unwrap_or_default()
    }

    /// Whether the declaration says who may use the key.
    pub fn says_who(&self) -> bool {
        self.constrained.contains(Aspect::Principal)
    }
}

fn joined(parties: &[Party]) -> Arc<str> {
    parties.iter().map(|party| party.as_str()).collect::<Vec<_>>().join(",").into()
}

/// The service that a declared alias of an AWS-managed key limits the key to.
fn via_of_managed(names: &[Pattern]) -> Option<Box<[Pattern]>> {
    let alias = names.iter().find(|name| !name.is_glob() && name.text.contains(AWS_MANAGED_ALIAS))?;
    let (_, service) = alias.text.split_once(AWS_MANAGED_ALIAS)?;
    Some(services_of(service).into_iter().map(|via| Pattern::new(via, alias.place)).collect())
}

/// What `via` calls the service of an AWS-managed key: by its name, but that EBS calls as EC2.
pub fn services_of(alias_service: &str) -> Vec<&str> {
    if alias_service == "ebs" { vec!["ebs", "ec2"] } else { vec![alias_service] }
}

/// The aspects that a declaration constrains. The function always is: by the purpose if not by a list.
fn constrained(of: &Declaration) -> AspectSet {
    let require = of.require.as_ref();
    let requires = require.is_some_and(|require| {
        require.mfa || require.source_identity || require.vpc_endpoints.is_some() || require.tls_min.is_some()
    });
    let context = of.context.as_ref();
    let windows = [of.active_from, of.active_until, of.process_until];
    let multi_tenant = of.multi_tenant == Some(true);
    let has_grants = of.grants.as_ref().is_some_and(|grants| !grants.is_empty());
    [
        (Aspect::Function, true),
        (Aspect::Principal, of.principals.is_some() || has_grants),
        (Aspect::Algorithm, of.algorithms.is_some()),
        (Aspect::Via, of.via.is_some()),
        (
            Aspect::Context,
            context.is_some_and(|rule| rule.closed || !rule.require.is_empty() || !rule.allow.is_empty()),
        ),
        (Aspect::Account, of.accounts.is_some()),
        (Aspect::Region, of.regions.is_some()),
        (Aspect::Network, of.networks.is_some()),
        (Aspect::Attestation, of.attestation.is_some()),
        (Aspect::Tenant, of.tenant.is_some() && !multi_tenant),
        (Aspect::Environment, of.environment.is_some()),
        (Aspect::Caller, of.callers.is_some_and(|callers| callers != Callers::Any)),
        (Aspect::Requirement, requires),
        (Aspect::State, of.state.is_some()),
        (Aspect::Window, windows.iter().any(Option::is_some)),
        (Aspect::Version, of.min_version.is_some()),
    ]
    .into_iter()
    .filter_map(|(aspect, is)| is.then_some(aspect))
    .collect()
}
