//! Correlations as windows: thresholds, distinct values and sequences.

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};
use serde_json::{Value, json};

use super::condition::Trouble;
use super::expression::Written;
use super::fields;
use super::rule::Words;
use crate::domain::event::Provider;
use crate::table::columns::Column;

/// A rule that a correlation names.
#[derive(Debug, Clone)]
pub struct Named<'r> {
    /// As the correlation calls it.
    pub reference: &'r str,
    /// The rule's own name or id, and title: conditions and aliases may use another than the list.
    pub id: Option<&'r str>,
    pub name: Option<&'r str>,
    pub provider: Provider,
    pub written: &'r Written,
}

impl Named<'_> {
    fn is(&self, reference: &str) -> bool {
        self.reference == reference || self.id == Some(reference) || self.name == Some(reference)
    }
}

/// What correlations tell people.
pub fn words(rule: &CorrelationRule) -> Words<'_> {
    Words {
        id: rule.id.as_deref(),
        name: rule.name.as_deref(),
        title: &rule.title,
        level: rule.level,
        status: rule.status,
        description: rule.description.as_deref(),
        author: rule.author.as_deref(),
        tags: &rule.tags,
        falsepositives: &rule.falsepositives,
        references: &rule.references,
        related: rule.related.iter().map(|other| other.id.as_str()).collect(),
    }
}

/// The rows that enter the window, as SQL, and the `window` of a detector.
///
/// # Errors
/// What our windows cannot do.
pub fn window(rule: &CorrelationRule, named: &[Named<'_>]) -> Result<(String, Value), Trouble> {
    let at = |name: &'static str| move |trouble: Trouble| trouble.below(&["correlation", name]);
    if rule.window != WindowMode::Sliding {
        return Err(at("window")(Trouble::unsupported(
            "windows slide: they are neither tumbling nor sessions",
        )));
    }
    let group_by = groups(rule, named).map_err(at("group-by"))?;
    let over = format!("{}s", rule.timespan.seconds);
    let any: Vec<_> = named.iter().map(|one| format!("({})", one.written.sql)).collect();
    let any = any.join(" OR ");
    let mut window = json!({ "group_by": group_by, "over": over });
    let mut set = |name: &str, value: Value| {
        if let Some(members) = window.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    match rule.correlation_type {
        CorrelationType::EventCount => {
            set("kind", json!("threshold"));
            set("count", json!(least(&rule.condition).map_err(at("condition"))?));
        }
        CorrelationType::ValueCount => {
            set("kind", json!("distinct"));
            set("count", json!(least(&rule.condition).map_err(at("condition"))?));
            set("of", json!(counted(rule, named).map_err(at("condition"))?.name()));
        }
        CorrelationType::Temporal | CorrelationType::TemporalOrdered => {
            let ordered = rule.correlation_type == CorrelationType::TemporalOrdered;
            let (steps, absent) = steps(rule, named).map_err(at("condition"))?;
            set("kind", json!("sequence"));
            set("ordered", json!(ordered));
            set("steps", steps);
            if let Some(absent) = absent {
                set("absent", json!(absent));
            }
        }
        other => {
            let told = format!("keyward has no window for {}", other.as_str());
            return Err(at("type")(Trouble::unsupported(told)));
        }
    }
    Ok((any, window))
}

/// The columns to group by. Without any, all events of the provider are one group.
fn groups(rule: &CorrelationRule, named: &[Named<'_>]) -> Result<Vec<&'static str>, Trouble> {
    let mut columns = Vec::new();
    for field in &rule.group_by {
        let column = column_of(rule, named, field)?;
        if !columns.contains(&column.name()) {
            columns.push(column.name());
        }
    }
    if columns.is_empty() {
        columns.push(Column::Provider.name());
    }
    Ok(columns)
}

/// The column that a field is in all the rules, through the aliases.
fn column_of(rule: &CorrelationRule, named: &[Named<'_>], field: &str) -> Result<Column, Trouble> {
    let alias = rule.aliases.iter().find(|alias| alias.alias == field);
    let mut found: Option<Column> = None;
    for one in named {
        let own = alias.and_then(|alias| {
            alias.mapping.iter().find(|(reference, _)| one.is(reference)).map(|(_, field)| field.as_str())
        });
        let field = own.unwrap_or(field);
        let column = fields::group(one.provider, field).ok_or_else(|| {
            Trouble::unsupported(format!("no column holds `{field}`, and windows group and count by columns"))
        })?;
        if found.is_some_and(|found| found != column) {
            let told = format!("`{field}` is another column for each of the rules");
            return Err(Trouble::unsupported(told));
        }
        found = Some(column);
    }
    found.ok_or_else(|| Trouble::mistake("the correlation names no rule"))
}

fn counted(rule: &CorrelationRule, named: &[Named<'_>]) -> Result<Column, Trouble> {
    match &rule.condition {
        CorrelationCondition::Threshold { field: Some(fields), .. } => match fields.as_slice() {
            [field] => column_of(rule, named, field),
            _ => Err(Trouble::unsupported("values of one field are counted, not of several")),
        },
        _ => Err(Trouble::mistake("name the `field` whose values are counted")),
    }
}

/// How many it takes: our windows fire when a number is reached.
fn least(condition: &CorrelationCondition) -> Result<u64, Trouble> {
    let CorrelationCondition::Threshold { predicates, .. } = condition else {
        return Err(Trouble::mistake("say how many: `gte: 10`"));
    };
    match predicates.as_slice() {
        [(ConditionOperator::Gte, count)] if *count > 0 => Ok(*count),
        [(ConditionOperator::Gt, count)] => Ok(count.saturating_add(1)),
        _ => {
            Err(Trouble::unsupported("a window fires when a number is reached: `gte` or `gt`, and no other"))
        }
    }
}

/// The steps, and the name of the one that must be absent.
fn steps(rule: &CorrelationRule, named: &[Named<'_>]) -> Result<(Value, Option<String>), Trouble> {
    let mut absent = None;
    let mut wanted: Vec<&Named<'_>> = named.iter().collect();
    if let CorrelationCondition::Extended(expression) = &rule.condition {
        let parts = match expression {
            ConditionExpr::And(parts) => parts.as_slice(),
            single => std::slice::from_ref(single),
        };
        wanted.clear();
        for part in parts {
            let (name, is_absent) = match part {
                ConditionExpr::Identifier(name) => (name, false),
                ConditionExpr::Not(inner) => match inner.as_ref() {
                    ConditionExpr::Identifier(name) => (name, true),
                    _ => return Err(only_and()),
                },
                _ => return Err(only_and()),
            };
            let one = named.iter().find(|one| one.is(name));
            let one = one.ok_or_else(|| {
                Trouble::mistake(format!("the condition names `{name}`, which is none of the rules"))
            })?;
            if is_absent && absent.replace(one.reference.to_owned()).is_some() {
                return Err(Trouble::unsupported("one step can be absent, not several"));
            }
            wanted.push(one);
        }
    }
    if wanted.len() < 2 {
        return Err(Trouble::unsupported("a sequence needs at least two rules"));
    }
    let steps = wanted.iter().map(|one| json!({ "name": one.reference, "match": one.written.sql }));
    Ok((Value::Array(steps.collect()), absent))
}

fn only_and() -> Trouble {
    Trouble::unsupported("steps are joined by `and`, and one may be denied with `not`")
}
