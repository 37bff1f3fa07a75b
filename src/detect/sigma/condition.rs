//! A rule's detection as a tree of tests on fields.
//!
//! In: the syntax tree of a detection section. Out: a [`Condition`], or what is wrong or cannot be done.

use rsigma_parser::{ConditionExpr, Detection, Detections, Quantifier, SelectorPattern, SigmaValue};

use super::item;
use super::outline::Outline;
use crate::sql::glob::Glob;

/// What must hold of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All of these; true where there are none.
    All(Vec<Self>),
    /// One of these at least; false where there are none.
    Any(Vec<Self>),
    Not(Box<Self>),
    /// Some value of a field, or of the whole record where none is named, passes a test.
    Is(Option<String>, Test),
}

/// What a value is held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Text with wildcards.
    Like { glob: Glob, cased: bool },
    /// A regular expression, anywhere in the text.
    Matches(String),
    /// `=`, `<`, `<=`, `>` or `>=` a number.
    Number(&'static str, f64),
    /// An address in a network.
    Network(String),
    /// Any value but null.
    Present,
    /// `same_as`, `contains`, `starts_with` or `ends_with` a value of another field.
    Other(&'static str, String),
}

/// Why a document is no detector, and the path in it where that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub told: String,
    /// Whether the document is wrong; else it is right, and cannot be evaluated here.
    pub is_mistake: bool,
    pub path: Vec<String>,
}

impl Trouble {
    /// Something that has to be mended.
    pub fn mistake(told: impl Into<String>) -> Self {
        Self { told: told.into(), is_mistake: true, path: Vec::new() }
    }

    /// Something that cannot be evaluated here.
    pub fn unsupported(told: impl Into<String>) -> Self {
        Self { is_mistake: false, ..Self::mistake(told) }
    }

    /// The same, below `names`.
    #[must_use]
    pub fn below(mut self, names: &[&str]) -> Self {
        self.path.splice(0..0, names.iter().map(|name| (*name).to_owned()));
        self
    }
}

/// The most combinations that `3 of them` is written out as.
const MAX_COMBINATIONS: usize = 256;

/// What must hold for the detection section under `section` of a document.
///
/// # Errors
/// The first thing in it that is wrong or cannot be evaluated.
pub fn condition(detections: &Detections, outline: &Outline, section: &str) -> Result<Condition, Trouble> {
    let mut named = Vec::new();
    let mut names: Vec<&String> = detections.named.keys().collect();
    names.sort();
    for name in names {
        let Some(detection) = detections.named.get(name) else { continue };
        let path = vec![section.to_owned(), name.clone()];
        let condition = selection(detection, outline, &path)?;
        named.push((name.as_str(), condition));
    }
    if detections.timeframe.is_some() {
        let told = "`timeframe` beside a condition is of Sigma 1: write a correlation";
        return Err(Trouble::unsupported(told).below(&[section, "timeframe"]));
    }
    let at_condition = |trouble: Trouble| trouble.below(&[section, "condition"]);
    let conditions = detections.conditions.iter().map(|expression| joined(expression, &named));
    let mut conditions = conditions.collect::<Result<Vec<_>, _>>().map_err(at_condition)?;
    match conditions.len() {
        1 => Ok(conditions.swap_remove(0)),
        _ => Ok(Condition::Any(conditions)),
    }
}

fn selection(detection: &Detection, outline: &Outline, path: &[String]) -> Result<Condition, Trouble> {
    match detection {
        Detection::AllOf(items) if items.is_empty() => {
            Err(Trouble { path: path.to_vec(), ..Trouble::mistake("this selects everything: name a field") })
        }
        Detection::AllOf(items) => {
            let all = items.iter().map(|one| item::item(one, outline, path));
            Ok(Condition::All(all.collect::<Result<_, _>>()?))
        }
        Detection::AnyOf(parts) => {
            let any = parts.iter().enumerate().map(|(place, part)| {
                let mut path = path.to_vec();
                path.push(place.to_string());
                selection(part, outline, &path)
            });
            Ok(Condition::Any(any.collect::<Result<_, _>>()?))
        }
        Detection::Keywords(values) => keywords(values, path),
        Detection::ArrayMatch { .. } | Detection::And(_) | Detection::Conditional { .. } => {
            let told = "array matching of `sigma-version: 3` is not evaluated here";
            Err(Trouble { path: path.to_vec(), ..Trouble::unsupported(told) })
        }
    }
}

fn keywords(values: &[SigmaValue], path: &[String]) -> Result<Condition, Trouble> {
    let at = |trouble: Trouble| Trouble { path: path.to_vec(), ..trouble };
    if values.is_empty() {
        return Err(at(Trouble::mistake("there is no keyword here")));
    }
    let any = values.iter().map(item::keyword);
    Ok(Condition::Any(any.collect::<Result<_, _>>().map_err(at)?))
}

/// The expression of a condition over the selections that it names.
fn joined(expression: &ConditionExpr, named: &[(&str, Condition)]) -> Result<Condition, Trouble> {
    let all = |parts: &[ConditionExpr]| -> Result<Vec<Condition>, Trouble> {
        parts.iter().map(|part| joined(part, named)).collect()
    };
    match expression {
        ConditionExpr::And(parts) => Ok(Condition::All(all(parts)?)),
        ConditionExpr::Or(parts) => Ok(Condition::Any(all(parts)?)),
        ConditionExpr::Not(part) => Ok(Condition::Not(Box::new(joined(part, named)?))),
        ConditionExpr::Identifier(name) => {
            let found = named.iter().find(|(other, _)| other == name);
            found.map(|(_, condition)| condition.clone()).ok_or_else(|| unknown(name))
        }
        ConditionExpr::Selector { quantifier, pattern } => {
            let fits = |name: &str| pattern.matches_detection_name(name);
            let chosen: Vec<Condition> =
                named.iter().filter(|(name, _)| fits(name)).map(|(_, condition)| condition.clone()).collect();
            match (chosen.is_empty(), pattern) {
                (true, SelectorPattern::Pattern(pattern)) => Err(unknown(pattern)),
                (true, SelectorPattern::Them) => Err(Trouble::mistake("there is no selection")),
                _ => quantified(quantifier, chosen),
            }
        }
    }
}

fn unknown(name: &str) -> Trouble {
    Trouble::mistake(format!("the condition names `{name}`, and no selection is called so"))
}

fn quantified(quantifier: &Quantifier, chosen: Vec<Condition>) -> Result<Condition, Trouble> {
    match quantifier {
        Quantifier::Any | Quantifier::Count(0 | 1) => Ok(Condition::Any(chosen)),
        Quantifier::All => Ok(Condition::All(chosen)),
        Quantifier::Count(count) => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            let combinations = combinations(&chosen, count).ok_or_else(|| {
                Trouble::unsupported(format!("`{count} of` has too many combinations to write out"))
            })?;
            Ok(Condition::Any(combinations.into_iter().map(Condition::All).collect()))
        }
    }
}

/// Every choice of `count` of the conditions; nothing where there are too many.
fn combinations(of: &[Condition], count: usize) -> Option<Vec<Vec<Condition>>> {
    if count == 0 {
        return Some(vec![Vec::new()]);
    }
    let Some((first, rest)) = of.split_first() else { return Some(Vec::new()) };
    let mut all = combinations(rest, count - 1)?;
    all.iter_mut().for_each(|choice| choice.insert(0, first.clone()));
    all.extend(combinations(rest, count)?);
    (all.len() <= MAX_COMBINATIONS).then_some(all)
}

impl Condition {
    /// Calls `found` with every field and its test.
    pub fn each(&self, found: &mut dyn FnMut(Option<&str>, &Test)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each(found)),
            Self::Not(part) => part.each(found),
            Self::Is(field, test) => found(field.as_deref(), test),
        }
    }
}
