//! Why one event was judged as it was: the entry, and of each aspect what was declared and what was seen.
//!
//! The decision is made by the code that judges batches; this only puts it into words.

mod words;

use arrow::array::RecordBatch;
use serde::Serialize;

use super::Catalog;
use super::aliases::AliasBook;
use super::index::{Match, MatchedBy};
use super::judge::case::{Case, Decision};
use super::judge::lens::Lens;
use super::judge::reason::{Answer, Reason};
use crate::domain::function::Function;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::{Aspect, Verdict};
use crate::domain::vocabulary::vocabulary;
use crate::table::columns::Column;

vocabulary! {
    /// What an aspect came to.
    pub enum Finding as "finding" {
        Fits = "fits",
        Violated = "violated",
        /// Violated, and lifted by an exception.
        Waived = "waived",
        /// The log hides what is needed.
        Unknown = "unknown",
        NotJudged = "not_judged",
    }
}

/// Why one event was judged as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub verdict: Verdict,
    /// Why the verdict is unknown or not applicable.
    pub reason: Option<Reason>,
    pub catalog_version: String,
    pub key_id: Option<String>,
    pub key_alias: Option<String>,
    pub principal: Option<String>,
    pub function: Option<Function>,
    /// The entry that declares the key.
    pub entry: Option<MatchedEntry>,
    /// Where several declare it: their ids.
    pub candidates: Vec<String>,
    /// One for each aspect of the vocabulary, where there is an entry and a function to judge.
    pub aspects: Vec<AspectExplanation>,
    /// The exceptions that lifted something.
    pub exceptions: Vec<UsedException>,
}

/// What is known before anything was looked at.
impl Default for Explanation {
    fn default() -> Self {
        Self {
            verdict: Verdict::Unknown,
            reason: None,
            catalog_version: String::new(),
            key_id: None,
            key_alias: None,
            principal: None,
            function: None,
            entry: None,
            candidates: Vec::new(),
            aspects: Vec::new(),
            exceptions: Vec::new(),
        }
    }
}

/// The entry that declares the key, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatchedEntry {
    pub id: String,
    pub matched_by: MatchedBy,
    /// File and line.
    pub declared_at: String,
    /// Of an AWS-managed key: the service it is for.
    pub service: Option<String>,
}

/// One aspect of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AspectExplanation {
    pub aspect: Aspect,
    pub finding: Finding,
    /// Why it was not judged, or is unknown.
    pub why: Option<String>,
    pub declared: Option<String>,
    pub seen: Option<String>,
    /// Of a violated aspect: declared → seen in a few words, for a message.
    pub message: Option<String>,
}

/// An exception that lifted something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsedException {
    pub id: String,
    pub kind: String,
    pub ticket: String,
    pub approver: String,
    /// RFC 3339.
    pub until: String,
}

impl Explanation {
    /// What does not fit, in a few words for each violated aspect: declared → seen.
    pub fn message_parts(&self) -> impl Iterator<Item = &str> {
        self.aspects.iter().filter_map(|aspect| aspect.message.as_deref())
    }

    /// The aspects with this finding.
    pub fn with(&self, finding: Finding) -> impl Iterator<Item = Aspect> {
        self.aspects.iter().filter(move |aspect| aspect.finding == finding).map(|aspect| aspect.aspect)
    }
}

impl Catalog {
    /// Explains the verdict of one row of a batch; a row out of range is an event that says nothing.
    pub fn explain(&self, batch: &RecordBatch, aliases: &AliasBook, row: usize) -> Explanation {
        self.with_explainer(batch, aliases, |explain| explain(row))
    }

    /// Explains several rows of one batch: `work` is handed a function from row to explanation.
    pub fn with_explainer<T>(
        &self,
        batch: &RecordBatch,
        aliases: &AliasBook,
        work: impl FnOnce(&mut dyn FnMut(usize) -> Explanation) -> T,
    ) -> T {
        self.with_cases(batch, aliases, |judge| {
            work(&mut |row| {
                let mut explanation = Explanation::default();
                judge(row, &mut |lens, matched, case, decision| {
                    explanation = self.put_into_words(lens, row, matched, case, decision);
                });
                explanation
            })
        })
    }

    /// Says of several rows of one batch what does not fit, declared → seen, as an explanation's
    /// [`Explanation::message_parts`] do; `work` is handed a function from row to these.
    pub fn with_messages<T>(
        &self,
        batch: &RecordBatch,
        aliases: &AliasBook,
        work: impl FnOnce(&mut dyn FnMut(usize) -> Vec<String>) -> T,
    ) -> T {
        self.with_cases(batch, aliases, |judge| {
            work(&mut |row| {
                let mut parts = Vec::new();
                judge(row, &mut |_, _, case, decision| {
                    let Some(case) = case else { return };
                    let message = |aspect| explain_aspect(case, aspect, decision).message;
                    parts.extend(decision.violated.iter().filter_map(message));
                });
                parts
            })
        })
    }

    fn put_into_words(
        &self,
        lens: &Lens<'_>,
        row: usize,
        matched: &Match,
        case: Option<&Case<'_, '_>>,
        decision: &Decision,
    ) -> Explanation {
        let event = lens.event(row);
        let text = |column| event.text(column).map(str::to_owned);
        let judged =
            case.filter(|_| !matches!(decision.verdict, Verdict::NotApplicable | Verdict::Undeclared));
        Explanation {
            verdict: decision.verdict,
            reason: decision.reason,
            catalog_version: self.short_version().to_owned(),
            key_id: text(Column::KeyId),
            key_alias: text(Column::KeyAlias),
            principal: text(Column::Principal),
            function: event.function(),
            entry: self.matched_entry(matched),
            candidates: self.candidates(matched),
            aspects: judged.map(|case| aspects(case, decision)).unwrap_or_default(),
            exceptions: decision.exceptions.iter().filter_map(|place| self.used_exception(*place)).collect(),
        }
    }

    fn matched_entry(&self, matched: &Match) -> Option<MatchedEntry> {
        let Match::Declared(declared) = matched else { return None };
        let entry = self.entry(declared.entry)?;
        Some(MatchedEntry {
            id: entry.id.text.to_string(),
            matched_by: declared.by,
            declared_at: format!("{}:{}", entry.file, entry.id.place.line),
            service: declared.service.as_deref().map(str::to_owned),
        })
    }

    fn candidates(&self, matched: &Match) -> Vec<String> {
        let Match::Ambiguous(entries) = matched else { return Vec::new() };
        entries.iter().filter_map(|place| self.entry(*place)).map(|entry| entry.id.text.to_string()).collect()
    }

    fn used_exception(&self, place: usize) -> Option<UsedException> {
        let exception = self.exceptions.all().get(place)?;
        Some(UsedException {
            id: exception.id.text.to_string(),
            kind: exception.kind.to_string(),
            ticket: exception.ticket.to_string(),
            approver: exception.approver.to_string(),
            until: format_rfc3339(exception.until),
        })
    }
}

fn aspects(case: &Case<'_, '_>, decision: &Decision) -> Vec<AspectExplanation> {
    Aspect::ALL.iter().map(|aspect| explain_aspect(case, *aspect, decision)).collect()
}

fn explain_aspect(case: &Case<'_, '_>, aspect: Aspect, decision: &Decision) -> AspectExplanation {
    let answer = case.explained(aspect);
    let (finding, why) = match answer {
        Answer::NotJudged(why) => (Finding::NotJudged, Some(why.to_owned())),
        Answer::Fits => (Finding::Fits, None),
        Answer::Violated if decision.waived.contains(aspect) => (Finding::Waived, None),
        Answer::Violated => (Finding::Violated, None),
        Answer::Unknown(reason) => (Finding::Unknown, Some(reason.to_string())),
    };
    let declared = words::declared(case, aspect);
    let seen = words::seen(case, aspect);
    let message = (finding == Finding::Violated)
        .then(|| words::message(case, aspect, declared.as_deref(), seen.as_deref()));
    AspectExplanation { aspect, finding, why, declared, seen, message }
}
