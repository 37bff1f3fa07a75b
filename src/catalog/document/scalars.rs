//! The scalars of a catalog that are more than text: moments, intervals, networks, sets of functions,
//! and patterns.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::NaiveDate;
use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

use super::super::glob;
use super::super::yaml::{Place, Placed};
use crate::domain::function::{Function, FunctionSet};
use crate::domain::time::{format_rfc3339, parse_rfc3339};

/// Reads a type from text, with what to write instead where it does not fit.
macro_rules! from_text {
    ($type:ty, $expected:literal, $read:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                        let read: fn(&str) -> Option<$type> = $read;
                        read(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

/// A point in time, in microseconds since the epoch. A date alone is its first moment, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

from_text!(Moment, "a time as 2026-11-24T08:00:00Z, or a date as 2026-11-24", |text| {
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    parse_rfc3339(text).or_else(|| date().map(|midnight| midnight.and_utc().timestamp_micros())).map(Moment)
});

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_rfc3339(self.0))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Seconds of each unit an interval can be written in.
const UNITS: [(&str, i64); 5] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// A length of time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(pub i64);

from_text!(Interval, "a length of time as 365d, 12h, 10m or 30s", |text| {
    let (unit, seconds) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    (count > 0).then(|| Interval(i64::from(count) * seconds))
});

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Days rather than weeks: a cryptoperiod is spoken of in days.
        let fits = |(_, seconds): &&(&str, i64)| self.0 % seconds == 0;
        let (unit, seconds) = UNITS.iter().skip(1).find(fits).unwrap_or(&("s", 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An address range in CIDR form, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(pub IpNet);

from_text!(Network, "an address range as 10.0.0.0/8, or one address", |text| {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse::<IpNet>().ok().or_else(address).map(|net| Network(net.trunc()))
});

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A slug: the name of a business use, tenant or environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(pub Arc<str>);

from_text!(
    Slug,
    "one name of lower-case letters, digits and hyphens (exactly one: one key, one use)",
    |text| {
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        };
        (!text.is_empty() && text.bytes().all(fits)).then(|| Slug(text.into()))
    }
);

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

macro_rules! text_schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text_schema!(Moment, "Moment", {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$"
});
text_schema!(Interval, "Interval", { "type": "string", "pattern": r"^[1-9]\d*[wdhms]$" });
text_schema!(Network, "Network", { "type": "string", "pattern": r"^[0-9a-fA-F.:]+(/\d{1,3})?$" });
text_schema!(Slug, "Slug", { "type": "string", "pattern": r"^[a-z0-9._-]+$" });

/// The functions that a list names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Functions(pub FunctionSet);

impl<'de> Deserialize<'de> for Functions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<Function>::deserialize(deserializer)?;
        Ok(Self(list.into_iter().collect()))
    }
}

impl Serialize for Functions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl JsonSchema for Functions {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Functions".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Function>::json_schema(generator)
    }
}

/// A name in which only `*` and `?` are special, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub text: Arc<str>,
    pub place: Place,
    glob: bool,
}

impl Pattern {
    /// The pattern written as `text`.
    pub fn new(text: &str, place: Place) -> Self {
        Self { text: text.into(), place, glob: glob::is_glob(text) }
    }

    /// Whether it can match more than one name.
    pub const fn is_glob(&self) -> bool {
        self.glob
    }

    /// Whether `name` fits. `*` crosses `/` and `:`.
    pub fn matches(&self, name: &str) -> bool {
        if self.glob { glob::matches(&self.text, name) } else { *self.text == *name }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Placed { value, place } = Placed::<Arc<str>>::deserialize(deserializer)?;
        if value.is_empty() {
            return Err(D::Error::custom("this name is empty; write one, or take it out"));
        }
        Ok(Self { glob: glob::is_glob(&value), text: value, place })
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

text_schema!(Pattern, "Pattern", { "type": "string", "minLength": 1 });
