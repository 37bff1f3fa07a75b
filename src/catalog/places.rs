//! Where a caller belongs: its tenant and its environment.
//!
//! From `callers`, then `accounts`, then the caller's Vault namespace. A namespace says where its callers
//! belong by its own name, where that is a declared tenant or environment, or by its keys, where all that
//! are declared in it name the same one. The root namespace says nothing. Each of tenant and environment
//! is looked for on its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::document::sections::{Belonging, CallerPlace};
use super::entry::Entry;
use super::principals::Groups;

/// Where callers belong.
#[derive(Debug, Default)]
pub struct Places {
    callers: Box<[CallerPlace]>,
    accounts: BTreeMap<String, Belonging>,
    namespaces: HashMap<String, Home>,
    tenants: BTreeSet<Arc<str>>,
    environments: BTreeSet<Arc<str>>,
}

/// Where one caller belongs; nothing where no map says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Home {
    pub tenant: Option<Arc<str>>,
    pub environment: Option<Arc<str>>,
}

impl Places {
    /// Puts the maps together; `entries` before defaults are applied, as a default says nothing about
    /// where callers belong.
    pub fn new(
        callers: Box<[CallerPlace]>,
        accounts: BTreeMap<String, Belonging>,
        entries: &[Entry],
    ) -> Self {
        let tenants = entries.iter().filter_map(|entry| entry.declaration.tenant.as_ref());
        let environments = entries.iter().filter_map(|entry| entry.declaration.environment.as_ref());
        Self {
            tenants: tenants.map(|slug| Arc::clone(&slug.0)).collect(),
            environments: environments.map(|slug| Arc::clone(&slug.0)).collect(),
            namespaces: homes_by_keys(entries),
            callers,
            accounts,
        }
    }

    /// Where a caller belongs, by principal and by account or home namespace.
    pub fn home(&self, principal: Option<&str>, account: Option<&str>, groups: &Groups) -> Home {
        let mut home = Home::default();
        if let Some(principal) = principal {
            let fitting = self.callers.iter().filter(|place| groups.matches(&place.principal, principal));
            for place in fitting {
                home.fill(
                    place.tenant.as_ref().map(|slug| &slug.0),
                    place.environment.as_ref().map(|slug| &slug.0),
                );
            }
        }
        let account = account.map(str::to_owned).or_else(|| principal.and_then(account_of));
        let Some(account) = account.filter(|account| !account.is_empty()) else { return home };
        if let Some(belonging) = self.accounts.get(&account) {
            let Belonging { tenant, environment } = belonging;
            home.fill(tenant.as_ref().map(|slug| &slug.0), environment.as_ref().map(|slug| &slug.0));
        }
        home.fill(self.tenants.get(account.as_str()), self.environments.get(account.as_str()));
        if let Some(namespace) = self.namespaces.get(&account) {
            home.fill(namespace.tenant.as_ref(), namespace.environment.as_ref());
        }
        home
    }
}

impl Home {
    /// Takes what is not known yet.
    fn fill(&mut self, tenant: Option<&Arc<str>>, environment: Option<&Arc<str>>) {
        self.tenant = self.tenant.take().or_else(|| tenant.cloned());
        self.environment = self.environment.take().or_else(|| environment.cloned());
    }
}

/// The account or namespace that a principal's own name shows.
fn account_of(principal: &str) -> Option<String> {
    if let Some(account) = principal.strip_prefix("account:") {
        return Some(account.to_owned());
    }
    if let Some((namespace, _)) = principal.split_once("/auth/").filter(|_| principal.contains('#')) {
        return Some(namespace.to_owned());
    }
    let mut parts = principal.splitn(6, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("arn"), _, _, _, Some(account)) if !account.is_empty() => Some(account.to_owned()),
        _ => None,
    }
}

/// What the keys declared in each namespace agree on.
fn homes_by_keys(entries: &[Entry]) -> HashMap<String, Home> {
    let mut tenants: HashMap<String, BTreeSet<Option<Arc<str>>>> = HashMap::new();
    let mut environments: HashMap<String, BTreeSet<Option<Arc<str>>>> = HashMap::new();
    for entry in entries {
        let tenant = entry.declaration.tenant.as_ref().map(|slug| Arc::clone(&slug.0));
        let environment = entry.declaration.environment.as_ref().map(|slug| Arc::clone(&slug.0));
        for namespace in entry.names.iter().filter_map(|name| namespace_of(&name.text)) {
            tenants.entry(namespace.to_owned()).or_default().insert(tenant.clone());
            environments.entry(namespace.to_owned()).or_default().insert(environment.clone());
        }
    }
    let agreed = |all: Option<&BTreeSet<Option<Arc<str>>>>| match all {
        Some(all) if all.len() == 1 => all.iter().next().cloned().flatten(),
        _ => None,
    };
    let home = |namespace: &String| Home {
        tenant: agreed(tenants.get(namespace)),
        environment: agreed(environments.get(namespace)),
    };
    tenants.keys().map(|namespace| (namespace.clone(), home(namespace))).collect()
}

/// The namespace in `vault:NAMESPACE/mount/name`; nothing at the root, for a mount alone, and for globs.
fn namespace_of(name: &str) -> Option<&str> {
    let path = name.strip_prefix("vault:").filter(|path| !super::glob::is_glob(path))?;
    let mount_and_name = path.rmatch_indices('/').nth(1)?.0;
    path.get(..mount_and_name)
}
