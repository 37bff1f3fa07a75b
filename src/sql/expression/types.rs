//! Mistakes of type: text compared with numbers, conversions that nobody wrote, a result that is
//! neither true nor false.
//!
//! DataFusion would insert a cast and fail on the first event that does not fit; here it is an error
//! at load.

use std::collections::HashSet;
use std::fmt;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

use super::mistake::{Mistake, Place};

/// Types among which values can be compared without changing what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Text,
    Number,
    Flag,
    Time,
    List,
    /// Null, JSON values, intervals: left to DataFusion.
    Other,
}

impl Class {
    fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Boolean => Self::Flag,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Time64(_) => Self::Time,
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Self::List,
            number if number.is_numeric() => Self::Number,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Time => "a time",
            Self::List => "a list",
            Self::Other => "another type",
        })
    }
}

/// Every comparison of things that are not of one class.
pub fn check(expr: &Expr, schema: &DFSchema) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let _ = expr.apply(|node| {
        for (left, right) in compared(node) {
            mistakes.extend(mismatch(left, right, schema));
        }
        mistakes.extend(joined(node).into_iter().filter_map(|operand| not_a_flag(operand, schema)));
        Ok(TreeNodeRecursion::Continue)
    });
    mistakes
}

/// The pairs of operands that `node` brings together.
fn compared(node: &Expr) -> Vec<(&Expr, &Expr)> {
    match node {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if !matches!(op, Operator::And | Operator::Or) => {
            vec![(left, right)]
        }
        Expr::Like(like) | Expr::SimilarTo(like) => vec![(&like.expr, &like.pattern)],
        Expr::Between(between) => vec![(&between.expr, &between.low), (&between.expr, &between.high)],
        Expr::InList(list) => list.list.iter().map(|item| (list.expr.as_ref(), item)).collect(),
        _ => Vec::new(),
    }
}

/// The operands that `node` needs to be true or false.
fn joined(node: &Expr) -> Vec<&Expr> {
    match node {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => vec![left, right],
        Expr::Not(operand)
        | Expr::IsTrue(operand)
        | Expr::IsFalse(operand)
        | Expr::IsNotTrue(operand)
        | Expr::IsNotFalse(operand) => vec![operand],
        _ => Vec::new(),
    }
}

fn not_a_flag(operand: &Expr, schema: &DFSchema) -> Option<Mistake> {
    match class(operand, schema)? {
        Class::Flag | Class::Other => None,
        found => {
            let told = format!("{} is {found}, not true or false", shown(operand));
            Some(Mistake::at(place(operand), told).with_help("compare it with something"))
        }
    }
}

fn mismatch(left: &Expr, right: &Expr, schema: &DFSchema) -> Option<Mistake> {
    let (left_class, right_class) = (class(left, schema)?, class(right, schema)?);
    let fits = left_class == right_class
        || matches!((left_class, right_class), (Class::Other, _) | (_, Class::Other))
        || literal_time(left, right_class)
        || literal_time(right, left_class);
    if fits {
        return None;
    }
    let told = format!("{} is {left_class}, {} is {right_class}", shown(left), shown(right));
    let place = column_place(left).or_else(|| column_place(right)).unwrap_or(Place::START);
    Some(Mistake::at(place, told).with_help(advice(left, left_class, right, right_class)))
}

fn class(expr: &Expr, schema: &DFSchema) -> Option<Class> {
    expr.get_type(schema).ok().map(|kind| Class::of(&kind))
}

/// A time written as text is read once, when loading, and so fails there if at all.
fn literal_time(expr: &Expr, other: Class) -> bool {
    other == Class::Time && matches!(expr, Expr::Literal(..))
}

fn advice(left: &Expr, left_class: Class, right: &Expr, right_class: Class) -> &'static str {
    let json = |expr: &Expr| shown(expr).contains("->>") || shown(expr).contains("json_as_text");
    match (left_class, right_class) {
        (Class::List, _) | (_, Class::List) => "search a list with array_has(list, 'word')",
        (Class::Text, Class::Number) if json(left) => "read a number with json_get_int(column, 'name')",
        (Class::Number, Class::Text) if json(right) => "read a number with json_get_int(column, 'name')",
        (Class::Text, Class::Flag) if json(left) => "read a flag with json_get_bool(column, 'name')",
        (_, Class::Flag) | (Class::Flag, _) => "write the column alone, or NOT before it",
        (_, Class::Time) | (Class::Time, _) => "convert with to_timestamp(…)",
        (Class::Text, _) => "put quotes around the value",
        (_, Class::Text) => "take the quotes away",
        _ => "convert one of them with CAST(… AS …)",
    }
}

/// Conversions between text and anything else that are in `coerced` and that the author did not write.
pub fn check_hidden_casts(planned: &Expr, coerced: &Expr, schema: &DFSchema) -> Vec<Mistake> {
    let written: HashSet<_> = conversions(planned, schema).into_iter().map(|(shown, ..)| shown).collect();
    conversions(coerced, schema)
        .into_iter()
        .filter(|(shown, ..)| !written.contains(shown))
        .map(|(shown, from, to, place)| {
            let told = format!("{shown} is {from}, but {to} is needed here");
            Mistake::at(place, told).with_help("convert it with CAST(… AS …) if that is meant")
        })
        .collect()
}

/// Every cast of something that is not a literal from text to something else or back.
fn conversions(expr: &Expr, schema: &DFSchema) -> Vec<(String, Class, Class, Place)> {
    let mut found = Vec::new();
    let _ = expr.apply(|node| {
        let (inner, to) = match node {
            Expr::Cast(cast) => (cast.expr.as_ref(), cast.field.data_type()),
            Expr::TryCast(cast) => (cast.expr.as_ref(), cast.field.data_type()),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        let (from, to) = (class(inner, schema).unwrap_or(Class::Other), Class::of(to));
        let converts = from != to && (from == Class::Text || to == Class::Text) && from != Class::Other;
        if converts && to != Class::Other && !matches!(inner, Expr::Literal(..)) {
            found.push((shown(inner), from, to, place(inner)));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// A `match` must be true or false.
pub fn check_result(coerced: &Expr, schema: &DFSchema) -> Vec<Mistake> {
    match class(coerced, schema) {
        Some(Class::Flag) => Vec::new(),
        found => {
            let told =
                format!("the expression must be true or false, it is {}", found.unwrap_or(Class::Other));
            vec![Mistake::at(place(coerced), told).with_help("compare it with something")]
        }
    }
}

/// The expression as its author would write it.
fn shown(expr: &Expr) -> String {
    match expr {
        Expr::Column(column) => format!("`{}`", column.name),
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => format!("'{text}'"),
        Expr::Literal(value, _) => value.to_string(),
        Expr::Alias(alias) => format!("`{}`", alias.name),
        other => format!("`{}`", other.human_display()),
    }
}

fn column_place(expr: &Expr) -> Option<Place> {
    let mut found = None;
    let _ = expr.apply(|node| {
        if let Expr::Column(column) = node
            && let Some(span) = column.spans.first()
        {
            found = Some(Place::from(span));
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// Where the first column of `expr` stands; the start where it reads none.
pub fn place(expr: &Expr) -> Place {
    column_place(expr).unwrap_or(Place::START)
}
