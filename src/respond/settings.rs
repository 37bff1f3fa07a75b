//! The configuration of remediation, read and ready to be used.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::patterns::Patterns;
use super::playbook::{Playbook, load};
use crate::config::{Bounds, Respond, RespondMode, Retry};
use crate::domain::problem::Problem;

/// What holds for every action.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) mode: RespondMode,
    pub(super) playbooks: Vec<Playbook>,
    /// How each receiver is tried again, by its name.
    pub(super) receivers: BTreeMap<String, Retry>,
    pub(super) protected: Patterns,
    pub(super) limits: Bounds,
    /// Spans in microseconds.
    pub(super) expires: i64,
    pub(super) look_back: i64,
    pub(super) verify_within: i64,
    pub(super) two_people_from: u64,
    pub(super) kill_switch: Option<PathBuf>,
}

impl Settings {
    /// Reads the playbooks that a configuration names.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn read(respond: &Respond) -> Result<Self, Vec<Problem>> {
        let whole = |told: String| vec![Problem::error("respond", 0, 0, told)];
        let receivers = respond.receivers.iter().map(|of| (of.name.clone(), of.retry.clone()));
        Ok(Self {
            mode: respond.mode,
            playbooks: load(&respond.playbooks, &respond.receivers)?,
            receivers: receivers.collect(),
            protected: Patterns::parse(&respond.protected).map_err(whole)?,
            limits: respond.limits.clone(),
            expires: respond.expires.microseconds(),
            look_back: respond.look_back.microseconds(),
            verify_within: respond.verify_within.microseconds(),
            two_people_from: respond.two_people_from,
            kill_switch: respond.kill_switch.clone(),
        })
    }

    /// Whether there is anything to propose.
    pub fn is_empty(&self) -> bool {
        self.playbooks.is_empty()
    }
}
