//! What an action would break, as far as history shows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::time::format_rfc3339;

/// What no log shows.
const CAVEAT: &str = "stored data not observed may break too";

/// Uses of one kind by one caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub principal: Option<String>,
    pub key: Option<String>,
    /// The service that called for the principal, or `direct`.
    pub via: Option<String>,
    pub tenant: Option<String>,
    pub function: Option<String>,
    /// The key's declared business use.
    pub purpose: Option<String>,
    pub uses: u64,
    /// Those that fitted the declaration.
    pub conforming: u64,
    pub last: Option<String>,
}

/// What is not known of the time looked back at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    pub unknown: Vec<String>,
}

/// What an action would break.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// The time looked back at, RFC 3339.
    pub from: String,
    pub to: String,
    /// Who used what for what, those that fitted the declaration first.
    pub used: Vec<Used>,
    /// Groups of uses beyond those.
    pub more: u64,
    /// Uses that would have been stopped, and of them those that fitted the declaration.
    pub uses: u64,
    pub conforming: u64,
    /// Callers beside the one that the action is about, with conforming uses.
    pub others: BTreeSet<String>,
    pub services: BTreeSet<String>,
    pub tenants: BTreeSet<String>,
    /// Why not all of that time is known; nothing where it is.
    pub unknown: Vec<String>,
    /// What makes it more than a passing outage; whoever approves says that they accept it.
    pub dangers: Vec<String>,
    pub caveat: String,
}

impl Impact {
    pub(super) fn of(
        mut used: Vec<Used>,
        most: usize,
        accused: Option<&str>,
        coverage: Coverage,
        dangers: Vec<String>,
        from: i64,
        to: i64,
    ) -> Self {
        let conforming = || used.iter().filter(|used| used.conforming > 0);
        let others = conforming().filter(|used| used.principal.as_deref() != accused);
        let others =
            others.map(|used| used.principal.clone().unwrap_or_else(|| "unknown".to_owned())).collect();
        let services =
            used.iter().filter_map(|used| used.via.clone()).filter(|via| via != "direct").collect();
        let tenants = used.iter().filter_map(|used| used.tenant.clone()).collect();
        let (uses, conforming) =
            used.iter().fold((0, 0), |(uses, fitting), of| (uses + of.uses, fitting + of.conforming));
        let more = used.len().saturating_sub(most) as u64;
        used.truncate(most);
        Self {
            from: format_rfc3339(from),
            to: format_rfc3339(to),
            used,
            more,
            uses,
            conforming,
            others,
            services,
            tenants,
            unknown: coverage.unknown,
            dangers,
            caveat: CAVEAT.to_owned(),
        }
    }

    /// Why it cannot be approved by itself, if it cannot.
    pub(super) fn forbids_automatic(&self) -> Option<String> {
        if !self.unknown.is_empty() {
            Some(format!("its impact is not known: {}", self.unknown.join("; ")))
        } else if self.conforming > 0 {
            Some(format!("it would break {} conforming uses since {}", self.conforming, self.from))
        } else if !self.dangers.is_empty() {
            Some(self.dangers.join("; "))
        } else {
            None
        }
    }
}
