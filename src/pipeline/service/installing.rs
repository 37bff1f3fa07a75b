//! New rules in the running loop, and what their detectors learn from history.

use std::sync::Arc;

use super::versions::{Verdicts, Version};
use super::warming::{Warmed, Warming};
use super::watch::Origin;
use super::{Install, Service, ServiceError};
use crate::detect::detectors::Detector;
use crate::detect::engine::Engine;
use crate::detect::window::firing::Found;
use crate::pipeline::rules::Judged;
use crate::store::Kind;

impl Service {
    /// Puts new rules in force.
    pub(super) fn install(&mut self, install: Install) -> Result<(), ServiceError> {
        let Install { rules, record, installed } = install;
        let effective_from = record(self.judged_up_to);
        let mut new = None;
        if let Ok(effective_from) = effective_from {
            new = self.new_to(&rules.engine);
            self.live.install(&rules.engine);
            self.versions.install(Version { effective_from, rules });
        }
        // Whoever brought the rules may have gone; they hold all the same.
        let _ = installed.send(effective_from);
        match new {
            Some(engine) => self.warm(engine),
            None => Ok(()),
        }
    }

    /// The detectors with a memory that nothing is remembered of, or not all yet; nothing where there are none.
    fn new_to(&self, engine: &Engine) -> Option<Engine> {
        let windows = self.live.windows();
        let is_warming =
            |of: &Detector| self.warming.as_ref().is_some_and(|warming| warming.is_about(&of.content));
        let is_new = |of: &Detector| of.window.is_some() && (!windows.remembers(of) || is_warming(of));
        // They were planned together, and so can be planned alone.
        engine.of_those(is_new).ok().filter(|engine| !engine.is_empty())
    }

    /// Begins to read history for these detectors. Everything taken so far is sealed first: what history holds then
    /// is what came before, and what comes from now on is kept beside.
    fn warm(&mut self, engine: Engine) -> Result<(), ServiceError> {
        if self.warming.take().is_some() {
            self.watch.warming(Vec::new());
        }
        if self.recovery.is_lost() || !self.seal_now()? {
            return Ok(()); // all that is remembered is read back, by the new rules
        }
        let files = self.store.wait(self.store.store().files(Kind::Events))?;
        match Warming::start(engine, &self.live, &self.store, files) {
            Ok(warming) => {
                self.watch.warming(warming.detectors());
                self.warming = Some(warming);
            }
            Err(error) => self.watch.not_warmed(&error.to_string()),
        }
        Ok(())
    }

    /// Takes over what was read from history, where that is done; at the end of all sources it is waited for.
    pub(super) fn hear_of_history(&mut self, waits: bool) -> Result<(), ServiceError> {
        let Some(mut warming) = self.warming.take() else { return Ok(()) };
        match warming.hand_over(&mut self.live, waits) {
            Warmed::Waits => {
                self.warming = Some(warming);
                return Ok(());
            }
            Warmed::GaveUp(reason) => self.watch.not_warmed(&reason),
            Warmed::Done(found) => self.raise_found(found)?,
        }
        self.watch.warming(Vec::new());
        Ok(())
    }

    /// Has findings of no arrival stored and sealed.
    fn raise_found(&mut self, found: Vec<Found>) -> Result<(), ServiceError> {
        if found.is_empty() {
            return Ok(());
        }
        let now = (self.clock)();
        let rules = Arc::clone(&self.versions.newest().rules);
        let verdicts = [Verdicts { rules, judged: Judged::of_windows(found) }];
        self.raise(&verdicts, Origin { source: Arc::from(""), written_at: None, received_at: now })?;
        for Verdicts { judged, .. } in &verdicts {
            self.open.push(Kind::Findings, &judged.rows_of_findings()?)?;
        }
        self.opened_at.get_or_insert(now);
        Ok(())
    }
}
