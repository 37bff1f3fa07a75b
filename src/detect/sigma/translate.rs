//! All Sigma files together: rules with their filters, correlations with their rules.

use std::path::{Path, PathBuf};

use rsigma_parser::{CorrelationRule, SigmaCollection, SigmaRule, parse_sigma_yaml};
use serde_json::{Map, Value, json};

use super::calls::{self, Call};
use super::condition::{Condition, Test, Trouble};
use super::correlation::{self, Named};
use super::expression::{self, Written};
use super::filter::{Filter, names};
use super::mistake;
use super::outline::{Outline, Part, Place, parts};
use super::rule::{self, Compiled, Words};
use crate::domain::event::Provider;
use crate::domain::identity::digest;
use crate::domain::member::{Members, WHOLE};
use crate::domain::problem::Problem;

/// A rule or correlation as a detector in our own form.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    pub file: PathBuf,
    /// Where it begins.
    pub place: Place,
    /// The detector's file, as JSON.
    pub document: String,
    pub members: Members,
    pub sigma: Sigma,
    /// SHA-256 of everything that it is made of.
    pub content: [u8; 32],
}

/// What there is to tell of a detector that was a Sigma rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sigma {
    /// Why it is not evaluated, and where that shows.
    pub aside: Option<(String, Place)>,
    /// For the rule, or each rule of a correlation: the calls of CloudTrail that can make it true; nothing
    /// where it is about any.
    pub calls: Vec<Option<Vec<Call>>>,
    /// What else deserves attention.
    pub notes: Vec<(String, Place)>,
}

/// What files of Sigma came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translation {
    pub detectors: Vec<Translated>,
    pub problems: Vec<Problem>,
}

/// Translates files, each with its text. Rules, filters and correlations find each other across files.
pub fn translate(files: &[(PathBuf, &str)]) -> Translation {
    let mut all = All::default();
    for (file, text) in files {
        for part in parts(text) {
            all.read(file, part);
        }
    }
    all.apply_filters();
    all.translated()
}

/// Where a document stands.
#[derive(Debug, Clone)]
struct Origin<'f> {
    file: &'f Path,
    outline: Outline,
    text: &'f str,
}

impl Origin<'_> {
    fn start(&self) -> Place {
        let id = self.outline.place(&["id".to_owned()]);
        if id == self.outline.place(&[]) { self.outline.place(&["title".to_owned()]) } else { id }
    }

    fn aside(&self, trouble: &Trouble) -> (String, Place) {
        (trouble.told.clone(), self.outline.place(&trouble.path))
    }
}

struct Rule<'f> {
    rule: SigmaRule,
    origin: Origin<'f>,
    compiled: Result<Compiled, Trouble>,
    written: Written,
    /// Texts of the filters that were applied.
    filters: Vec<&'f str>,
}

#[derive(Default)]
struct All<'f> {
    rules: Vec<Rule<'f>>,
    correlations: Vec<(CorrelationRule, Origin<'f>)>,
    filters: Vec<(Filter, Origin<'f>)>,
    problems: Vec<Problem>,
}

impl<'f> All<'f> {
    fn read(&mut self, file: &'f Path, part: Part<'f>) {
        let origin = Origin { file, outline: Outline::of(part), text: part.text };
        if origin.outline.names_under(&[]).any(|name| name == "action") {
            let told = "collections with `action` are of Sigma 1: write each rule out";
            return self.report(&origin, &Trouble::mistake(told).below(&["action"]));
        }
        let read = match parse_sigma_yaml(part.text) {
            Ok(read) => read,
            Err(error) => return self.refuse(&origin, part, &error.to_string()),
        };
        let SigmaCollection { rules, correlations, filters, errors } = read;
        let understood = !(rules.is_empty() && correlations.is_empty() && filters.is_empty());
        for told in errors {
            let (told, place) = mistake::told(&told, &origin.outline, part);
            let problem = if understood { Problem::warning } else { Problem::error };
            self.problems.push(problem(file, place.0, place.1, told));
        }
        for rule in rules {
            self.rule(rule, &origin);
        }
        self.correlations.extend(correlations.into_iter().map(|rule| (rule, origin.clone())));
        for filter in filters {
            match Filter::of(&filter, &origin.outline) {
                Ok(filter) => self.filters.push((filter, origin.clone())),
                Err(trouble) => self.report(&origin, &Trouble { is_mistake: true, ..trouble }),
            }
        }
    }

    fn refuse(&mut self, origin: &Origin<'_>, part: Part<'_>, told: &str) {
        let (told, place) = mistake::told(told, &origin.outline, part);
        self.problems.push(Problem::error(origin.file, place.0, place.1, told));
    }

    fn report(&mut self, origin: &Origin<'_>, trouble: &Trouble) {
        let (line, column) = origin.outline.place(&trouble.path);
        self.problems.push(Problem::error(origin.file, line, column, &trouble.told));
    }

    fn rule(&mut self, rule: SigmaRule, origin: &Origin<'f>) {
        let compiled = rule::compile(&rule, &origin.outline);
        match compiled {
            Err(trouble) if trouble.is_mistake => self.report(origin, &trouble),
            compiled => self.rules.push(Rule {
                rule,
                origin: origin.clone(),
                compiled,
                written: Written::default(),
                filters: Vec::new(),
            }),
        }
    }

    /// Adds to each rule the filters that are for it, and writes its condition.
    fn apply_filters(&mut self) {
        let mut unused = Vec::new();
        for (filter, origin) in &self.filters {
            let mut used = false;
            for rule in self.rules.iter_mut().filter(|rule| filter.is_for(&rule.rule)) {
                used = true;
                rule.filters.push(origin.text);
                if let Ok(compiled) = &mut rule.compiled {
                    let condition = std::mem::replace(&mut compiled.condition, Condition::All(Vec::new()));
                    compiled.condition = filter.applied(condition);
                }
            }
            if !used {
                let (line, column) = origin.outline.place(&["filter".to_owned(), "rules".to_owned()]);
                let told = "this filter is for no rule that is here";
                unused.push(Problem::warning(origin.file, line, column, told));
            }
        }
        self.problems.append(&mut unused);
        for rule in &mut self.rules {
            if let Ok(compiled) = &rule.compiled {
                rule.written = expression::write(&compiled.condition, compiled.provider);
            }
        }
    }

    fn translated(mut self) -> Translation {
        let mut detectors: Vec<_> = self.rules.iter().map(|rule| self.of_rule(rule)).collect();
        let mut troubles = Vec::new();
        for (rule, origin) in &self.correlations {
            match self.of_correlation(rule, origin) {
                Ok(detector) => detectors.push(detector),
                Err(trouble) => troubles.push((origin.clone(), trouble)),
            }
        }
        troubles.iter().for_each(|(origin, trouble)| self.report(origin, trouble));
        Translation { detectors, problems: self.problems }
    }

    fn of_rule(&self, rule: &Rule<'_>) -> Translated {
        let words = Words::of_rule(&rule.rule);
        let mut document = words.document();
        let mut sigma = Sigma::default();
        let mut members = Members::default();
        match &rule.compiled {
            Err(trouble) => sigma.aside = Some(rule.origin.aside(trouble)),
            Ok(compiled) => {
                sigma.aside = self.counted_by(rule).map(|told| (told, rule.origin.start()));
                sigma.calls = calls_of(compiled).into_iter().collect();
                sigma.notes = notes(rule, compiled);
                rule.written.members.iter().for_each(|path| members.add(compiled.provider, path));
                document.insert("match".to_owned(), json!(rule.written.sql));
                document.insert("requires".to_owned(), requires(&[rule]));
            }
        }
        let texts = std::iter::once(rule.origin.text).chain(rule.filters.iter().copied());
        finished(document, &rule.origin, members, sigma, texts)
    }

    /// Rules that correlations count raise nothing themselves, unless one of these asks for it.
    fn counted_by(&self, rule: &Rule<'_>) -> Option<String> {
        let naming = self.correlations.iter().filter(|(correlation, _)| {
            correlation.rules.iter().any(|reference| names(reference, &rule.rule))
        });
        let naming: Vec<_> = naming.collect();
        let (first, _) = naming.first()?;
        let told = format!("it only counts for the correlation `{}`", first.title);
        naming.iter().all(|(correlation, _)| !correlation.generate).then_some(told)
    }

    fn of_correlation(&self, rule: &CorrelationRule, origin: &Origin<'_>) -> Result<Translated, Trouble> {
        let mut document = correlation::words(rule).document();
        let mut sigma = Sigma::default();
        let mut members = Members::default();
        let found = self.named(rule)?;
        let texts = found
            .iter()
            .flat_map(|(_, rule)| std::iter::once(rule.origin.text).chain(rule.filters.iter().copied()));
        let texts: Vec<_> = std::iter::once(origin.text).chain(texts).collect();
        match window_of(rule, &found) {
            Err(trouble) if trouble.is_mistake => return Err(trouble),
            Err(trouble) => sigma.aside = Some(origin.aside(&trouble)),
            Ok((expression, window)) => {
                for (_, rule) in &found {
                    let Ok(compiled) = &rule.compiled else { continue };
                    sigma.calls.extend(calls_of(compiled));
                    rule.written.members.iter().for_each(|path| members.add(compiled.provider, path));
                }
                let rules: Vec<&Rule<'_>> = found.iter().map(|(_, rule)| *rule).collect();
                document.insert("match".to_owned(), json!(expression));
                document.insert("window".to_owned(), window);
                document.insert("requires".to_owned(), requires(&rules));
            }
        }
        Ok(finished(document, origin, members, sigma, texts.into_iter()))
    }

    /// The rules that a correlation names, as far as they were understood.
    fn named<'c>(&self, rule: &'c CorrelationRule) -> Result<Vec<(&'c str, &Rule<'f>)>, Trouble> {
        let at = |trouble: Trouble| trouble.below(&["correlation", "rules"]);
        if rule.rules.is_empty() {
            return Err(at(Trouble::mistake("the correlation names no rule")));
        }
        let find = |reference: &'c String| {
            let found = self.rules.iter().find(|rule| names(reference, &rule.rule));
            let found = found.map(|rule| (reference.as_str(), rule));
            found.ok_or_else(|| {
                let is_correlation = self.correlations.iter().any(|(other, _)| {
                    other.id.as_deref() == Some(reference) || other.name.as_deref() == Some(reference)
                });
                at(match is_correlation {
                    true => Trouble::unsupported("correlations of correlations are not evaluated"),
                    false => Trouble::mistake(format!("there is no rule `{reference}` here")),
                })
            })
        };
        rule.rules.iter().map(find).collect()
    }
}

fn window_of(rule: &CorrelationRule, found: &[(&str, &Rule<'_>)]) -> Result<(String, Value), Trouble> {
    let mut named = Vec::new();
    for (reference, rule) in found {
        match &rule.compiled {
            Ok(compiled) => named.push(Named {
                reference,
                id: rule.rule.id.as_deref(),
                name: rule.rule.name.as_deref(),
                provider: compiled.provider,
                written: &rule.written,
            }),
            Err(trouble) => {
                let told = format!("its rule `{reference}` is not evaluated: {}", trouble.told);
                return Err(Trouble::unsupported(told).below(&["correlation", "rules"]));
            }
        }
    }
    correlation::window(rule, &named)
}

fn finished<'t>(
    mut document: Map<String, Value>,
    origin: &Origin<'_>,
    members: Members,
    sigma: Sigma,
    texts: impl Iterator<Item = &'t str>,
) -> Translated {
    document.entry("match").or_insert_with(|| json!("FALSE"));
    let texts: Vec<&[u8]> = texts.map(str::as_bytes).collect();
    Translated {
        file: origin.file.to_owned(),
        place: origin.start(),
        document: Value::Object(document).to_string(),
        members,
        sigma,
        content: digest(&texts),
    }
}

fn calls_of(compiled: &Compiled) -> Option<Option<Vec<Call>>> {
    (compiled.provider == Provider::Aws).then(|| calls::calls(&compiled.condition))
}

/// Without records of their provider, and without what they read of these, rules see nothing.
fn requires(rules: &[&Rule<'_>]) -> Value {
    let mut words = Vec::new();
    for rule in rules {
        let Ok(compiled) = &rule.compiled else { continue };
        words.push(compiled.provider.to_string());
        let named = rule.written.members.iter().filter(|path| *path != WHOLE);
        words.extend(named.map(|path| format!("member:{path}")));
    }
    words.sort();
    words.dedup();
    json!(words)
}

fn notes(rule: &Rule<'_>, compiled: &Compiled) -> Vec<(String, Place)> {
    let mut notes = Vec::new();
    if rule.rule.level.is_none() {
        notes.push(("the rule has no level: it is taken for medium".to_owned(), rule.origin.start()));
    }
    let mut asks_for_requests = false;
    compiled.condition.each(&mut |field, test| {
        let is_request =
            matches!(test, Test::Like { glob, .. } if glob.lower().as_plain() == Some("request"));
        asks_for_requests |= compiled.provider == Provider::Vault && field == Some("type") && is_request;
    });
    if asks_for_requests {
        let told = "of the two entries of a call keyward keeps the response, which repeats the request: \
            `type: request` is true of calls without a response only";
        notes.push((told.to_owned(), rule.origin.start()));
    }
    notes
}
