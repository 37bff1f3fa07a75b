//! Tests of what a record holds beside the columns, and of addresses: two functions for expressions.
//!
//! `member_is(record, 'path', 'test', 'operand')` is true where some value at the path passes the test,
//! false where none does, and null where the path was not read of the record. `in_network(text, 'cidr')` is true where the
//! text is an address in the network, and null where it is null. Neither can fail on a value.

use std::net::IpAddr;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use ipnet::IpNet;
use regex::Regex;
use serde_json::Value;

use super::glob::Glob;

/// The function that tests a member of a record.
pub const MEMBER_IS: &str = "member_is";

/// The function that tests an address.
pub const IN_NETWORK: &str = "in_network";

/// Both functions.
pub(super) fn functions() -> [ScalarUDF; 2] {
    let member = MemberIs { signature: Signature::any(4, Volatility::Immutable) };
    let network = InNetwork { signature: Signature::any(2, Volatility::Immutable) };
    [ScalarUDF::from(member), ScalarUDF::from(network)]
}

/// What a value is held against.
#[derive(Debug, Clone)]
pub enum Test {
    /// `like`, `like_cased`: a pattern with `*` and `?`.
    Like { pattern: Regex, cased: bool },
    /// `matches`: a regular expression, anywhere in the text.
    Matches(Regex),
    /// `=`, `<`, `<=`, `>`, `>=`: a number, or text that is one.
    Number(Comparison, f64),
    /// `in_network`
    Network(IpNet),
    /// `present`: any value but null.
    Present,
    /// `same_as`, `contains`, `starts_with`, `ends_with`: some value at another path, case ignored.
    Other(Relation, String),
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// How two texts relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    SameAs,
    Contains,
    StartsWith,
    EndsWith,
}

impl Test {
    /// Reads a test by its word.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(word: &str, operand: &str) -> std::result::Result<Self, String> {
        let like = |cased: bool| {
            let glob = Glob::parse(operand);
            let glob = if cased { glob } else { glob.lower() };
            let pattern = glob.regex().map_err(|_| format!("`{operand}` is too long a pattern"))?;
            Ok(Self::Like { pattern, cased })
        };
        let number = |comparison| match operand.parse() {
            Ok(number) => Ok(Self::Number(comparison, number)),
            Err(_) => Err(format!("`{operand}` is no number")),
        };
        let other = |relation| Ok(Self::Other(relation, operand.to_owned()));
        match word {
            "like" => like(false),
            "like_cased" => like(true),
            "matches" => Regex::new(operand).map(Self::Matches).map_err(|error| regex_mistake(&error)),
            "=" => number(Comparison::Equal),
            "<" => number(Comparison::Less),
            "<=" => number(Comparison::AtMost),
            ">" => number(Comparison::More),
            ">=" => number(Comparison::AtLeast),
            "in_network" => network(operand).map(Self::Network),
            "present" => Ok(Self::Present),
            "same_as" => other(Relation::SameAs),
            "contains" => other(Relation::Contains),
            "starts_with" => other(Relation::StartsWith),
            "ends_with" => other(Relation::EndsWith),
            _ => Err(format!("there is no test `{word}`")),
        }
    }

    /// Whether some value at `path` of `record`, a flat object, passes.
    fn holds(&self, record: &Value, path: &str) -> bool {
        values(record, path).any(|value| self.passes(value, record))
    }

    fn passes(&self, value: &Value, record: &Value) -> bool {
        let text = text_of(value);
        match self {
            Self::Like { pattern, cased: true } | Self::Matches(pattern) => pattern.is_match(&text),
            Self::Like { pattern, cased: false } => pattern.is_match(&text.to_lowercase()),
            Self::Number(comparison, number) => {
                text.parse().is_ok_and(|value| comparison.holds(value, *number))
            }
            Self::Network(network) => contains(network, &text),
            Self::Present => true,
            Self::Other(relation, path) => {
                let text = text.to_lowercase();
                values(record, path).any(|other| relation.holds(&text, &text_of(other).to_lowercase()))
            }
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, number: f64) -> bool {
        match self {
            Self::Equal => value == number,
            Self::Less => value < number,
            Self::AtMost => value <= number,
            Self::More => value > number,
            Self::AtLeast => value >= number,
        }
    }
}

impl Relation {
    fn holds(self, text: &str, other: &str) -> bool {
        match self {
            Self::SameAs => text == other,
            Self::Contains => text.contains(other),
            Self::StartsWith => text.starts_with(other),
            Self::EndsWith => text.ends_with(other),
        }
    }
}

/// What is wrong with a regular expression, in one line.
fn regex_mistake(error: &regex::Error) -> String {
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    format!("the regular expression cannot be used: {last}")
}

/// The network written as `10.0.0.0/8`, or one address.
///
/// # Errors
/// That it is neither.
pub fn network(text: &str) -> std::result::Result<IpNet, String> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.ok_or_else(|| format!("`{text}` is no network: write 10.0.0.0/8 or 2001:db8::/32"))
}

fn contains(network: &IpNet, text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
}

/// The values at a path of a flat object.
fn values<'v>(record: &'v Value, path: &str) -> std::slice::Iter<'v, Value> {
    match record.get(path) {
        None => [].iter(),
        Some(Value::Null) => [].iter(),
        Some(Value::Array(values)) => values.iter(),
        Some(single) => std::slice::from_ref(single).iter(),
    }
}

fn text_of(value: &Value) -> std::borrow::Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MemberIs {
    signature: Signature,
}

impl ScalarUDFImpl for MemberIs {
    fn name(&self) -> &str {
        MEMBER_IS
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        texts_only(MEMBER_IS, types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [record, path, word, operand] = args.args.as_slice() else {
            return exec_err!("{MEMBER_IS} takes a record, a path, a test and an operand");
        };
        let (Some(path), Some(word), Some(operand)) = (literal(path), literal(word), literal(operand)) else {
            return exec_err!("path, test and operand of {MEMBER_IS} are texts written out");
        };
        let test = match Test::read(word, operand) {
            Ok(test) => test,
            Err(told) => return exec_err!("{told}"),
        };
        let named = Value::String(path.to_owned()).to_string();
        each(record, args.number_rows, |record| {
            // A member that was not asked for shows without parsing.
            if !record.contains(&named) {
                return None;
            }
            let record: Value = serde_json::from_str(record).ok()?;
            record.get(path).map(|_| test.holds(&record, path))
        })
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct InNetwork {
    signature: Signature,
}

impl ScalarUDFImpl for InNetwork {
    fn name(&self) -> &str {
        IN_NETWORK
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        texts_only(IN_NETWORK, types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [address, written] = args.args.as_slice() else {
            return exec_err!("{IN_NETWORK} takes an address and a network");
        };
        let Some(written) = literal(written) else {
            return exec_err!("the network of {IN_NETWORK} is a text written out");
        };
        match network(written) {
            Ok(network) => each(address, args.number_rows, |text| Some(contains(&network, text))),
            Err(told) => exec_err!("{told}"),
        }
    }
}

fn texts_only(name: &str, types: &[DataType]) -> Result<DataType> {
    if types.iter().all(is_text) { Ok(DataType::Boolean) } else { plan_err!("{name} takes texts") }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_text(value),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null),
    }
}

fn literal(value: &ColumnarValue) -> Option<&str> {
    match value {
        ColumnarValue::Scalar(scalar) => scalar.try_as_str().flatten(),
        ColumnarValue::Array(_) => None,
    }
}

/// Applies a test to every text; a dictionary's values are tested once each.
fn each(texts: &ColumnarValue, rows: usize, test: impl Fn(&str) -> Option<bool>) -> Result<ColumnarValue> {
    let array = match texts {
        ColumnarValue::Array(array) => array.clone(),
        ColumnarValue::Scalar(scalar) => {
            let result = scalar.try_as_str().flatten().and_then(test);
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(result)));
        }
    };
    let tested: ArrayRef = match array.as_any_dictionary_opt() {
        Some(dictionary) => {
            let tested = tested(dictionary.values(), &test)?;
            arrow::compute::take(&tested, dictionary.keys(), None)?
        }
        None => std::sync::Arc::new(tested(&array, &test)?),
    };
    debug_assert_eq!(tested.len(), rows);
    Ok(ColumnarValue::Array(tested))
}

fn tested(texts: &ArrayRef, test: &impl Fn(&str) -> Option<bool>) -> Result<BooleanArray> {
    let texts = cast(texts, &DataType::Utf8)?;
    let texts: &StringArray = texts.as_string();
    Ok(texts.iter().map(|text| text.and_then(test)).collect())
}

#[cfg(test)]
#[path = "member_tests.rs"]
mod tests;
