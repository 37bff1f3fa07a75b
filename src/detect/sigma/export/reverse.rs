//! From the SQL of a `match` back to tests on CloudTrail's fields.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::{LeftOut, simple};
use crate::detect::sigma::condition::{Condition, Test};
use crate::detect::sigma::fields::AWS_COLUMNS;
use crate::sql::glob::{Glob, Piece};
use crate::table::columns::{COLUMNS, Stage};

/// Secrets engines and parts of Vault and OpenBao: what `service` holds for their calls.
const VAULT_SERVICES: [&str; 11] =
    ["transit", "pki", "ssh", "kv", "totp", "kmip", "identity", "token", "sys", "auth", "unknown"];

/// Columns that are a field of the record in other words.
const OTHERS: &[(&str, &str)] = &[
    ("account", "recipientAccountId"),
    ("addendum", "addendum.reason"),
    ("corrects", "addendum.originalEventID"),
    ("event_id", "eventID"),
    ("mfa", "userIdentity.sessionContext.attributes.mfaAuthenticated"),
    ("source_identity", "userIdentity.sessionContext.sourceIdentity"),
];

/// The condition on records that a `match` is.
///
/// # Errors
/// The first thing in it that Sigma cannot say.
pub fn condition(sql: &str, left_out: &mut LeftOut) -> Result<Condition, String> {
    let parsed =
        Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
    let parsed = parsed.map_err(|error| error.to_string())?;
    let mut reading = Reading { left_out };
    reading.conjuncts(&parsed)
}

struct Reading<'l> {
    left_out: &'l mut LeftOut,
}

/// What stands on the left of a comparison.
enum Operand {
    Provider,
    Service,
    Action,
    Field(String),
}

impl Reading<'_> {
    /// At the top, that a call did not fail can be left out: the rule only gets wider.
    fn conjuncts(&mut self, expr: &Expr) -> Result<Condition, String> {
        match expr {
            Expr::Nested(inner) => self.conjuncts(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                let (left, right) = (self.conjuncts(left), self.conjuncts(right));
                both(left, right)
            }
            _ if says_not_failed(expr) => {
                self.left_out.outcome = true;
                Ok(Condition::All(Vec::new()))
            }
            other => self.read(other),
        }
    }

    fn read(&mut self, expr: &Expr) -> Result<Condition, String> {
        match expr {
            Expr::Nested(inner) => self.read(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(not(self.read(expr)?)),
            Expr::IsTrue(inner) => self.read(inner),
            Expr::IsNotTrue(inner) => Ok(not(self.read(inner)?)),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                let (left, right) = (self.read(left), self.read(right));
                both(left, right)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                Ok(Condition::Any(vec![self.read(left)?, self.read(right)?]))
            }
            Expr::BinaryOp { left, op, right } => self.comparison(left, op, right),
            Expr::InList { expr, list, negated } => {
                let any = list.iter().map(|value| self.comparison(expr, &BinaryOperator::Eq, value));
                let any = Condition::Any(any.collect::<Result<_, _>>()?);
                if *negated { self.present_and_not(expr, any) } else { Ok(any) }
            }
            Expr::Like { negated, expr, pattern, .. } => {
                let like = self.test(expr, Test::Like { glob: like_of(&text(pattern)?), cased: false })?;
                if *negated { self.present_and_not(expr, like) } else { Ok(like) }
            }
            Expr::IsNull(inner) => Ok(not(self.test(inner, Test::Present)?)),
            Expr::IsNotNull(inner) => self.test(inner, Test::Present),
            Expr::Identifier(_) => self.test(expr, plain("true")),
            Expr::Function(function) => self.function(&function.name.to_string(), &function.args),
            other => Err(cannot(other)),
        }
    }

    fn comparison(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Condition, String> {
        if column_name(left) == Some("outcome") && *op == BinaryOperator::Eq && text(right)? == "success" {
            return Ok(not(Condition::Is(Some("errorCode".to_owned()), Test::Present)));
        }
        let comparison = match op {
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => {
                let equal = self.comparison(left, &BinaryOperator::Eq, right)?;
                return self.present_and_not(left, equal);
            }
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            other => return Err(format!("Sigma has no `{other}`")),
        };
        if let Some(number) = number(right) {
            return self.test(left, Test::Number(comparison, number));
        }
        match comparison {
            "=" => self.test(left, plain(&text(right)?)),
            other => Err(format!("Sigma compares numbers alone with `{other}`")),
        }
    }

    /// In SQL what is absent is not different either.
    fn present_and_not(&mut self, operand: &Expr, condition: Condition) -> Result<Condition, String> {
        let present = match self.operand(operand)? {
            Operand::Field(_) => self.test(operand, Test::Present)?,
            Operand::Provider | Operand::Service | Operand::Action => Condition::All(Vec::new()),
        };
        Ok(Condition::All(vec![present, not(condition)]))
    }

    fn test(&mut self, operand: &Expr, test: Test) -> Result<Condition, String> {
        let word = match &test {
            Test::Like { glob, .. } => glob.as_plain().map(str::to_owned),
            _ => None,
        };
        let never = Condition::Any(Vec::new());
        match (self.operand(operand)?, word) {
            (Operand::Provider, Some(word)) if word == "aws" => Ok(Condition::All(Vec::new())),
            (Operand::Provider, _) => {
                self.left_out.vault = true;
                Ok(never)
            }
            (Operand::Service, Some(word)) if VAULT_SERVICES.contains(&word.as_str()) => {
                self.left_out.vault = true;
                Ok(never)
            }
            (Operand::Service, Some(word)) => {
                Ok(Condition::Is(Some("eventSource".to_owned()), plain(&format!("{word}.amazonaws.com"))))
            }
            (Operand::Service, None) => Err("`service` is compared with a pattern".to_owned()),
            (Operand::Action, Some(word)) if word.contains('.') => {
                self.left_out.vault = true;
                Ok(never)
            }
            (Operand::Action, _) => Ok(Condition::Is(Some("eventName".to_owned()), test)),
            (Operand::Field(field), _) => Ok(Condition::Is(Some(field), test)),
        }
    }

    fn operand(&self, expr: &Expr) -> Result<Operand, String> {
        match expr {
            Expr::Nested(inner) => self.operand(inner),
            Expr::Identifier(name) => operand_of(&name.value.to_lowercase()),
            Expr::BinaryOp { left, op: BinaryOperator::LongArrow, right } => member(left, &text(right)?),
            Expr::Function(function) => match (function.name.to_string().as_str(), arguments(&function.args))
            {
                ("json_get_int" | "json_get_float" | "json_as_text", arguments) => match arguments.as_slice()
                {
                    [document, name] => member(document, &text(name)?),
                    _ => Err(cannot(expr)),
                },
                ("lower" | "upper", arguments) => match arguments.as_slice() {
                    [inner] => self.operand(inner),
                    _ => Err(cannot(expr)),
                },
                _ => Err(cannot(expr)),
            },
            other => Err(cannot(other)),
        }
    }

    fn function(&mut self, name: &str, arguments: &FunctionArguments) -> Result<Condition, String> {
        let arguments = self::arguments(arguments);
        let (operand, pattern, flags) = match arguments.as_slice() {
            [operand, pattern] => (*operand, text(pattern)?, String::new()),
            [operand, pattern, flags] => (*operand, text(pattern)?, text(flags)?),
            _ => return Err(format!("Sigma has no `{name}`")),
        };
        let piece = Piece::Text(pattern.clone());
        let glob = match name {
            "regexp_like" => {
                let pattern = if flags.is_empty() { pattern } else { format!("(?{flags}){pattern}") };
                return self.test(operand, Test::Matches(pattern));
            }
            "contains" => vec![Piece::Any, piece, Piece::Any],
            "starts_with" => vec![piece, Piece::Any],
            "ends_with" => vec![Piece::Any, piece],
            _ => return Err(format!("Sigma has no `{name}`")),
        };
        self.test(operand, Test::Like { glob: Glob(glob), cased: false })
    }
}

/// What is never true stays so, whatever else would have to hold.
fn both(left: Result<Condition, String>, right: Result<Condition, String>) -> Result<Condition, String> {
    let never = |side: &Result<Condition, String>| {
        side.as_ref().is_ok_and(|condition| simple(condition.clone()) == Condition::Any(Vec::new()))
    };
    if never(&left) || never(&right) {
        return Ok(Condition::Any(Vec::new()));
    }
    Ok(Condition::All(vec![left?, right?]))
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn plain(text: &str) -> Test {
    Test::Like { glob: Glob::plain(text), cased: false }
}

fn column_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(name) => Some(&name.value),
        _ => None,
    }
}

/// `outcome <> 'failed'`, `outcome NOT IN ('failed', …)`
fn says_not_failed(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::NotEq, .. } => column_name(left) == Some("outcome"),
        Expr::InList { expr, negated: true, .. } => column_name(expr) == Some("outcome"),
        _ => false,
    }
}

fn operand_of(column: &str) -> Result<Operand, String> {
    match column {
        "provider" => return Ok(Operand::Provider),
        "service" => return Ok(Operand::Service),
        "action" => return Ok(Operand::Action),
        _ => {}
    }
    let exact = AWS_COLUMNS.iter().find(|(_, known)| known.name() == column).map(|(field, _)| *field);
    let other = || OTHERS.iter().find(|(known, _)| *known == column).map(|(_, field)| *field);
    if let Some(field) = exact.or_else(other) {
        return Ok(Operand::Field(field.to_owned()));
    }
    let judged = COLUMNS.iter().any(|spec| spec.name == column && spec.stage == Stage::Judge);
    Err(match judged {
        true => format!("`{column}` comes from the catalog, which no log holds"),
        false => format!("`{column}` is told from several fields of a record"),
    })
}

fn member(document: &Expr, name: &str) -> Result<Operand, String> {
    match column_name(document) {
        Some("request") => Ok(Operand::Field(format!("requestParameters.{name}"))),
        Some("context") => Ok(Operand::Field(format!("requestParameters.encryptionContext.{name}"))),
        Some("response") => Err("`response` is put together from several members of a record".to_owned()),
        _ => Err(cannot(document)),
    }
}

fn arguments(arguments: &FunctionArguments) -> Vec<&Expr> {
    let FunctionArguments::List(list) = arguments else { return Vec::new() };
    let written = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    written.collect()
}

fn text(expr: &Expr) -> Result<String, String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Ok(text.clone()),
            Value::Boolean(flag) => Ok(flag.to_string()),
            _ => Err(cannot(expr)),
        },
        other => Err(cannot(other)),
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// `%` and `_` of SQL as `*` and `?`.
fn like_of(pattern: &str) -> Glob {
    let mut glob = Glob::default();
    for letter in pattern.chars() {
        match (letter, glob.0.last_mut()) {
            ('%', _) => glob.0.push(Piece::Any),
            ('_', _) => glob.0.push(Piece::One),
            (letter, Some(Piece::Text(text))) => text.push(letter),
            (letter, _) => glob.0.push(Piece::Text(letter.to_string())),
        }
    }
    glob
}

/// The longest piece of SQL that a reason quotes, in characters.
const MAX_QUOTED: usize = 60;

fn cannot(expr: &Expr) -> String {
    let text = expr.to_string();
    let shown: String = text.chars().take(MAX_QUOTED).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("Sigma cannot say `{shown}{more}`")
}
