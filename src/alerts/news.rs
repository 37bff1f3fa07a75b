//! When people are told again: only where there is something to say that the last page did not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Aspect;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What a page has to say.
    pub enum News as "news" {
        Opened = "opened",
        /// New findings came after it was resolved.
        Reopened = "reopened",
        HigherLevel = "higher_level",
        NewAspect = "new_aspect",
        /// A call succeeded after others had been stopped.
        SuccessAfterAttempts = "success_after_attempts",
        TenTimes = "ten_times",
        /// Its scope has grown beyond what somebody acknowledged: a principal that was not in it.
        NewPrincipal = "new_principal",
        /// The same, of a key in a campaign of one principal.
        NewKey = "new_key",
        /// A person acknowledged it.
        Acknowledged = "acknowledged",
        /// A person resolved it.
        Resolved = "resolved",
        /// All that a day brought of alerts that are told once a day.
        Digest = "digest",
    }
}

/// How many times the last page's count is news by itself: an order of magnitude.
const MANY_TIMES: u64 = 10;

/// What the last page said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Paged {
    level: Level,
    aspects: BTreeSet<Aspect>,
    count: u64,
    success_after_attempts: bool,
    /// What was to be told and was not, for as long as what keeps it back holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<News>,
}

impl Paged {
    pub fn of(facts: &Facts) -> Self {
        Self {
            level: facts.said.worst.level,
            aspects: facts.said.aspects.clone(),
            count: facts.counts.total(),
            success_after_attempts: facts.success_after.is_some(),
            muted: None,
        }
    }

    /// The same, of a page that did not leave and is due later.
    pub fn but_untold(self, untold: Option<News>) -> Self {
        Self { muted: untold, ..self }
    }

    /// What `facts` say beyond this page.
    pub fn news(&self, facts: &Facts) -> Option<News> {
        if facts.said.worst.level > self.level {
            Some(News::HigherLevel)
        } else if facts.success_after.is_some() && !self.success_after_attempts {
            Some(News::SuccessAfterAttempts)
        } else if !facts.said.aspects.is_subset(&self.aspects) {
            Some(News::NewAspect)
        } else if facts.counts.total() >= self.count.saturating_mul(MANY_TIMES) {
            Some(News::TenTimes)
        } else {
            None
        }
    }

    /// The sentence that says what is new; nothing where the worst finding's own does.
    pub fn lead(&self, facts: &Facts, news: News) -> Option<String> {
        match news {
            News::NewAspect => self.new_aspects(facts),
            News::SuccessAfterAttempts => {
                let at = format_rfc3339(facts.success_after?);
                Some(format!("A call succeeded at {at} after others had been stopped"))
            }
            News::TenTimes => Some(format!("{} findings by now", facts.counts.total())),
            News::Opened
            | News::Reopened
            | News::HigherLevel
            | News::NewPrincipal
            | News::NewKey
            | News::Acknowledged
            | News::Resolved
            | News::Digest => None,
        }
    }

    /// What findings say of the aspects that the last page did not have; each sentence once.
    fn new_aspects(&self, facts: &Facts) -> Option<String> {
        let mut told = Vec::new();
        for aspect in facts.said.aspects.difference(&self.aspects) {
            let sentence = facts.said.sentences.get(aspect).map(|sentence| sentence.text.as_str());
            let sentence = sentence.filter(|sentence| *sentence != facts.said.worst.message);
            told.extend(sentence.filter(|sentence| !told.contains(sentence)));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }
}
