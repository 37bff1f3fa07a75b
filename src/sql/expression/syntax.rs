//! Mistakes that show in the text alone: unknown columns, functions and words, and what no
//! expression may hold. All of them are found in one walk, each with its place.

use std::ops::ControlFlow;

use arrow::datatypes::Schema;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::Volatility;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, Query, Spanned, Value, ValueWithSpan, Visit, Visitor,
};

use super::mistake::Mistake;
use crate::sql::nearest::hint;
use crate::sql::words;

/// Every mistake of this kind in `expr`.
pub fn check(expr: &Expr, schema: &Schema, state: &SessionState) -> Vec<Mistake> {
    let mut walk = Walk { schema, state, mistakes: Vec::new() };
    let _ = expr.visit(&mut walk);
    walk.mistakes
}

struct Walk<'a> {
    schema: &'a Schema,
    state: &'a SessionState,
    mistakes: Vec<Mistake>,
}

impl Visitor for Walk<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let told = "an expression sees one event: it can hold no query";
        self.mistakes.push(Mistake::at(query.span(), told));
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.check_column(name),
            Expr::CompoundIdentifier(parts) => self.refuse_qualified(parts),
            Expr::Function(function) => self.check_function(function),
            Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } => {
                self.check_compared(left, right);
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.refuse_greedy(left, right);
                self.check_compared(left, right);
            }
            Expr::InList { expr, list, .. } => {
                list.iter().for_each(|value| self.check_compared(expr, value));
            }
            Expr::Case { operand: Some(operand), conditions, .. } => {
                conditions.iter().for_each(|when| self.check_compared(operand, &when.condition));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(name) = &value.value {
            self.mistakes.push(Mistake::at(value.span, format!("`{name}`: an expression has no parameters")));
        }
        ControlFlow::Continue(())
    }
}

impl Walk<'_> {
    fn check_column(&mut self, name: &Ident) {
        let wanted = normal(name);
        if self.schema.index_of(&wanted).is_ok() {
            return;
        }
        let names = self.schema.fields().iter().map(|field| field.name().as_str());
        let help = match hint(&wanted, names) {
            Some(help) => Some(help),
            None if name.quote_style == Some('"') => {
                Some("double quotes name a column: write text in single quotes".to_owned())
            }
            None => Some("`keyward columns` lists them".to_owned()),
        };
        let told = format!("there is no column `{wanted}`");
        self.mistakes.push(Mistake::at(name.span, told).with_hint(help));
    }

    /// The parser reads `a IS DISTINCT FROM b AND c` as `a IS DISTINCT FROM (b AND c)`, which is not what
    /// SQL says nor what anybody means.
    fn refuse_greedy(&mut self, left: &Expr, right: &Expr) {
        if matches!(right, Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. }) {
            let told = "it is not clear where IS DISTINCT FROM ends";
            self.mistakes
                .push(Mistake::at(left.span(), told).with_help("put brackets around that comparison"));
        }
    }

    fn refuse_qualified(&mut self, parts: &[Ident]) {
        let Some(first) = parts.first() else { return };
        let path: Vec<_> = parts.iter().map(|part| part.value.as_str()).collect();
        let help = "for a field of a JSON column write `request ->> 'name'`";
        let told = format!("`{}` is no column: columns have one name", path.join("."));
        self.mistakes.push(Mistake::at(first.span, told).with_help(help));
    }

    fn check_function(&mut self, function: &Function) {
        let Some((name, span)) = bare_name(&function.name) else {
            let told = format!("there is no function `{}`", function.name);
            return self.mistakes.push(Mistake::at(function.name.span(), told));
        };
        if let Some(told) = self.forbidden(function, &name) {
            return self.mistakes.push(Mistake::at(span, told));
        }
        let known = self.state.scalar_functions();
        match known.get(&name) {
            None => {
                let help = hint(&name, known.keys().map(String::as_str));
                let told = format!("there is no function `{name}`");
                self.mistakes.push(Mistake::at(span, told).with_hint(help));
            }
            Some(found) if found.signature().volatility != Volatility::Immutable => {
                let told = format!("`{name}` gives another answer each time: a replay would differ");
                self.mistakes.push(Mistake::at(span, told).with_help("compare with the event's own columns"));
            }
            Some(_) => self.check_list_search(&name, function),
        }
    }

    fn forbidden(&self, function: &Function, name: &str) -> Option<String> {
        let windowed = function.over.is_some() || self.state.window_functions().contains_key(name);
        let aggregate = self.state.aggregate_functions().contains_key(name);
        let scalar = self.state.scalar_functions().contains_key(name);
        (windowed || (aggregate && !scalar))
            .then(|| format!("`{name}` looks at several rows: an expression sees one event"))
    }

    /// `array_has(violations, 'function')` and its siblings.
    fn check_list_search(&mut self, name: &str, function: &Function) {
        if !name.starts_with("array_has") && !name.starts_with("list_has") && !name.contains("contains") {
            return;
        }
        if let [list, wanted] = arguments(function).as_slice() {
            match wanted {
                Expr::Array(array) => array.elem.iter().for_each(|item| self.check_compared(list, item)),
                single => self.check_compared(list, single),
            }
        }
    }

    /// Text that is compared with a column of a closed vocabulary must be one of its words.
    fn check_compared(&mut self, left: &Expr, right: &Expr) {
        let (name, value) = match (left, right) {
            (Expr::Identifier(name), Expr::Value(value)) | (Expr::Value(value), Expr::Identifier(name)) => {
                (normal(name), value)
            }
            _ => return,
        };
        let (Some(words), Value::SingleQuotedString(word)) = (words::of_column(&name), &value.value) else {
            return;
        };
        if !words.contains(&word.as_str()) {
            let help =
                hint(word, words.iter().copied()).unwrap_or_else(|| format!("it is {}", listed(&words)));
            let told = format!("`{name}` is never '{word}'");
            self.mistakes.push(Mistake::at(value.span, told).with_help(help));
        }
    }
}

fn listed(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => words.join(""),
    }
}

/// As SQL reads a name: in lower case unless it is quoted.
fn normal(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

fn bare_name(name: &ObjectName) -> Option<(String, datafusion::sql::sqlparser::tokenizer::Span)> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(only)] => Some((normal(only), only.span)),
        _ => None,
    }
}

fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect()
}
