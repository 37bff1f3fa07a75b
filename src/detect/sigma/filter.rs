//! Filters: conditions that are added to the rules they name.

use rsigma_parser::{FilterRule, FilterRuleTarget, SigmaRule};

use super::condition::{self, Condition, Trouble};
use super::outline::Outline;

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The rules by id or name; nothing where it is for all of its log source.
    pub rules: Option<Vec<String>>,
    product: Option<String>,
    service: Option<String>,
    condition: Condition,
}

impl Filter {
    /// The filter of a document.
    ///
    /// # Errors
    /// What is wrong with it, or cannot be evaluated.
    pub fn of(document: &FilterRule, outline: &Outline) -> Result<Self, Trouble> {
        let condition = condition::condition(&document.detection, outline, "filter")?;
        let rules = match &document.rules {
            FilterRuleTarget::Any => None,
            FilterRuleTarget::Specific(rules) => Some(rules.clone()),
        };
        let source = document.logsource.clone().unwrap_or_default();
        Ok(Self { rules, product: source.product, service: source.service, condition })
    }

    /// Whether it is for this rule: it names it, or names none, and its log source is the rule's.
    pub fn is_for(&self, rule: &SigmaRule) -> bool {
        let same = |ours: &Option<String>, theirs: &Option<String>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let named = self.rules.as_ref().is_none_or(|rules| rules.iter().any(|name| names(name, rule)));
        named && same(&self.product, &rule.logsource.product) && same(&self.service, &rule.logsource.service)
    }

    /// The rule's condition with the filter's.
    pub fn applied(&self, condition: Condition) -> Condition {
        Condition::All(vec![condition, self.condition.clone()])
    }
}

/// Whether a reference means this rule.
pub fn names(reference: &str, rule: &SigmaRule) -> bool {
    rule.id.as_deref() == Some(reference) || rule.name.as_deref() == Some(reference)
}
