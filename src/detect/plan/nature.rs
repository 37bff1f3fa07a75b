//! What an expression is like before it is run: what it reads, what it costs, whether it can fail.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::sql::expression::Compiler;

/// Cost of a part on one row, in classes; measured on 8,192 rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cost {
    /// Computed on a dictionary's values: under a nanosecond.
    Words,
    /// Numbers, flags, times, several word columns: a few nanoseconds.
    Cheap,
    /// Lists: about ten nanoseconds.
    List,
    /// Plain text, JSON, patterns: tens to hundreds.
    Text,
}

/// The places of the columns that `expr` reads, in order.
pub fn columns(expr: &Expr, schema: &Schema) -> Vec<usize> {
    let mut places = BTreeSet::new();
    let _ = expr.apply(|node| {
        if let Expr::Column(column) = node
            && let Ok(place) = schema.index_of(&column.name)
        {
            places.insert(place);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    places.into_iter().collect()
}

/// Whether a column is a dictionary of words.
pub fn is_word(schema: &Schema, place: usize) -> bool {
    matches!(schema.fields().get(place).map(|field| field.data_type()), Some(DataType::Dictionary(..)))
}

/// What evaluating `expr` on rows costs.
pub fn cost(expr: &Expr, schema: &Schema, columns: &[usize]) -> Cost {
    let kinds = columns.iter().filter_map(|place| schema.fields().get(*place)).map(|field| field.data_type());
    let widest = kinds.map(column_cost).max().unwrap_or(Cost::Cheap);
    if calls_or_patterns(expr) { widest.max(Cost::Text).min(call_cost(widest)) } else { widest }
}

fn column_cost(kind: &DataType) -> Cost {
    match kind {
        DataType::Utf8 => Cost::Text,
        DataType::List(_) => Cost::List,
        _ => Cost::Cheap,
    }
}

/// A function over a list alone is `array_has`; over anything else it works on text.
fn call_cost(widest: Cost) -> Cost {
    if widest == Cost::List { Cost::List } else { Cost::Text }
}

fn calls_or_patterns(expr: &Expr) -> bool {
    expr.exists(|node| {
        Ok(match node {
            Expr::ScalarFunction(_) | Expr::SimilarTo(_) | Expr::Like(_) => true,
            Expr::BinaryExpr(BinaryExpr { op, .. }) => is_pattern(*op),
            _ => false,
        })
    })
    .unwrap_or(true)
}

fn is_pattern(op: Operator) -> bool {
    matches!(
        op,
        Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch
            | Operator::LikeMatch
            | Operator::ILikeMatch
            | Operator::NotLikeMatch
            | Operator::NotILikeMatch
    )
}

/// Whether evaluating `expr` could fail on some value. What is not known to be safe is not.
pub fn can_fail(expr: &Expr, compiler: &Compiler) -> bool {
    let mut fallible = false;
    let _ = expr.apply(|node| {
        fallible = !is_safe(node, compiler);
        Ok(if fallible { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    fallible
}

/// Whether this node alone cannot fail, its operands apart.
fn is_safe(node: &Expr, compiler: &Compiler) -> bool {
    match node {
        Expr::Column(_)
        | Expr::Literal(..)
        | Expr::Alias(_)
        | Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::Case(_)
        | Expr::InList(_)
        | Expr::TryCast(_) => true,
        Expr::Like(like) => is_literal(&like.pattern),
        Expr::BinaryExpr(binary) => is_safe_operation(binary),
        Expr::Cast(cast) => is_safe_cast(&cast.expr, cast.field.data_type(), compiler),
        Expr::ScalarFunction(call) => is_safe_call(call),
        _ => false,
    }
}

fn is_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..))
}

fn is_safe_operation(binary: &BinaryExpr) -> bool {
    match binary.op {
        Operator::Eq
        | Operator::NotEq
        | Operator::Lt
        | Operator::LtEq
        | Operator::Gt
        | Operator::GtEq
        | Operator::And
        | Operator::Or
        | Operator::IsDistinctFrom
        | Operator::IsNotDistinctFrom
        | Operator::StringConcat => true,
        // a literal pattern was compiled when the expression was loaded
        op if is_pattern(op) => is_literal(&binary.right),
        _ => false,
    }
}

/// Between forms of text, from anything plain to text, and from whole numbers to floating ones, every
/// value has a result. A literal was converted when the expression was loaded.
fn is_safe_cast(inner: &Expr, to: &DataType, compiler: &Compiler) -> bool {
    let Ok(from) = compiler.data_type(inner) else { return false };
    let plain = matches!(from, DataType::Int64 | DataType::Boolean | DataType::Timestamp(..));
    let widened = from == DataType::Int64 && *to == DataType::Float64;
    is_literal(inner) || widened || is_text(to) && (plain || is_text(&from))
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_text(value),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

/// Functions that give null or a value for every input, once all arguments but the first are literals.
const SAFE_FUNCTIONS: &[&str] = &[
    "array_has",
    "array_has_all",
    "array_has_any",
    "array_length",
    "bit_length",
    "btrim",
    "cardinality",
    "character_length",
    "contains",
    "empty",
    "ends_with",
    "in_network",
    "json_as_text",
    "json_contains",
    "json_get",
    "json_get_array",
    "json_get_bool",
    "json_get_float",
    "json_get_int",
    "json_get_json",
    "json_get_str",
    "json_length",
    "lower",
    "ltrim",
    "make_array",
    "member_is",
    "octet_length",
    "regexp_like",
    "rtrim",
    "starts_with",
    "strpos",
    "upper",
];

/// Functions that are safe whatever their arguments.
const TOTAL_FUNCTIONS: &[&str] = &["coalesce", "concat", "nullif", "make_array"];

fn is_safe_call(call: &ScalarFunction) -> bool {
    let name = call.name();
    if TOTAL_FUNCTIONS.contains(&name) {
        return true;
    }
    SAFE_FUNCTIONS.contains(&name) && call.args.iter().skip(1).all(is_constant)
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::ScalarFunction(call) => call.name() == "make_array" && call.args.iter().all(is_constant),
        Expr::Cast(cast) => is_constant(&cast.expr),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::columns::events_schema;

    fn nature(text: &str) -> (Cost, bool) {
        let compiler = Compiler::new(&events_schema()).unwrap();
        let expression = compiler.compile(text).unwrap();
        let [only] = expression.conjuncts() else { panic!("{text} is one conjunct") };
        let columns = columns(only, compiler.schema());
        (cost(only, compiler.schema(), &columns), can_fail(only, &compiler))
    }

    #[test]
    fn what_can_fail_is_told_from_what_cannot() {
        for safe in [
            "action = 'Sign'",
            "regexp_like(user_agent, '^aws')",
            "lower(coalesce(key_id, key_alias)) LIKE '%x%'",
            "request ->> 'a' = 'b'",
            "json_get_int(request, 'a', 0) > 3",
            "array_has(violations, 'function')",
            "key_version > 1.5",
            "CAST(key_version AS VARCHAR) = '3'",
            "try_cast(request ->> 'n' AS bigint) = 3",
            "CASE WHEN mfa THEN by_pipeline END",
        ] {
            assert!(!nature(safe).1, "{safe}");
        }
        for fallible in [
            "10 / batch_size = 2",
            "CAST(request ->> 'n' AS bigint) = 3",
            "batch_size + key_version > 3",
            "user_agent ~ principal",
            "substr(key_id, batch_size, 3) = 'arn'",
            "mfa OR 10 / batch_size = 2",
        ] {
            assert!(nature(fallible).1, "{fallible}");
        }
    }

    #[test]
    fn dear_parts_are_known_as_dear() {
        assert_eq!(nature("batch_size > 3").0, Cost::Cheap);
        assert_eq!(nature("array_has(violations, 'function')").0, Cost::List);
        assert_eq!(nature("request ->> 'a' = 'b'").0, Cost::Text);
        assert_eq!(nature("session_name = 'x'").0, Cost::Text);
    }
}
