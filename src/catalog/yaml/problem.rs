//! What is wrong in a file, and where.

use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// A place in a file, both counted from one; zero where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The catalog cannot be used.
    Error,
    /// It can be used, and somebody should look.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem of a file, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub file: Arc<str>,
    /// Counted from one; zero where the problem is the whole file's.
    pub line: u32,
    /// In characters, counted from one.
    pub column: u32,
    pub severity: Severity,
    pub message: String,
}

impl Problem {
    /// A problem at a place of a file.
    pub fn new(file: &Arc<str>, place: Place, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            file: Arc::clone(file),
            line: place.line,
            column: place.column,
            severity,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.severity, self.message)
    }
}

/// A value and the place where it is written.
///
/// The place comes from [`super::read`]; from any other deserializer it would not be known, and this
/// type refuses to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Placed<T> {
    pub value: T,
    pub place: Place,
}

/// The name by which a [`Placed`] asks its deserializer for the place.
pub(super) const PLACED: &str = "keyward::Placed";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Placed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let missing = || serde::de::Error::custom("the place of a value is missing");
                let line = parts.next_element()?.ok_or_else(missing)?;
                let column = parts.next_element()?.ok_or_else(missing)?;
                let value = parts.next_element()?.ok_or_else(missing)?;
                Ok(Placed { value, place: Place { line, column } })
            }
        }

        deserializer.deserialize_newtype_struct(PLACED, Parts(std::marker::PhantomData))
    }
}

impl<T: Serialize> Serialize for Placed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The form in which problems of all files reach people.
impl From<Problem> for crate::domain::problem::Problem {
    fn from(problem: Problem) -> Self {
        let at = (problem.line as usize, problem.column as usize);
        match problem.severity {
            Severity::Error => Self::error(&*problem.file, at.0, at.1, problem.message),
            Severity::Warning => Self::warning(&*problem.file, at.0, at.1, problem.message),
        }
    }
}
