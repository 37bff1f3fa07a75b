//! Typed values of parameters.

use datafusion::common::ScalarValue;

use crate::domain::time::parse_rfc3339;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// The type of a parameter.
    pub enum Kind as "parameter type" {
        Text = "text",
        Integer = "integer",
        Boolean = "boolean",
        Timestamp = "timestamp",
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// Microseconds since the epoch.
    Timestamp(i64),
}

impl Kind {
    /// Reads a value as it is written in a header or on the command line.
    ///
    /// # Errors
    /// What is expected instead, in words.
    pub fn read(self, text: &str, now: i64) -> Result<Value, String> {
        match self {
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Integer => {
                text.parse().map(Value::Integer).map_err(|_| "expected a whole number".to_owned())
            }
            Self::Boolean => {
                text.parse().map(Value::Boolean).map_err(|_| "expected true or false".to_owned())
            }
            Self::Timestamp => read_time(text, now).map(Value::Timestamp).ok_or_else(|| {
                "expected a time such as 2026-10-01T00:00:00Z, now, or now-30d (s, m, h, d)".to_owned()
            }),
        }
    }
}

impl From<Value> for ScalarValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => Self::Utf8(Some(text)),
            Value::Integer(number) => Self::Int64(Some(number)),
            Value::Boolean(flag) => Self::Boolean(Some(flag)),
            Value::Timestamp(micros) => Self::TimestampMicrosecond(Some(micros), Some("UTC".into())),
        }
    }
}

fn read_time(text: &str, now: i64) -> Option<i64> {
    let Some(rest) = text.strip_prefix("now") else { return parse_rfc3339(text) };
    let Some(back) = rest.strip_prefix('-') else { return rest.is_empty().then_some(now) };
    let (number, unit) = back.split_at_checked(back.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: i64 = number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse().ok())??;
    now.checked_sub(number.checked_mul(seconds)?.checked_mul(1_000_000)?)
}
