//! Routes: which page goes to whom. A tree; the deepest route that fits has the say.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::quantity::Span;
use crate::domain::level::Level;

/// One place in the tree. What it does not say it takes from the route above.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Its name, for `keyward notify test` and the ledger.
    pub name: Option<String>,
    /// What a page has to be like to come here; the first route takes all.
    pub when: When,
    /// Who is told.
    pub to: Vec<Recipient>,
    /// Whether the routes after this one are tried too when it fits.
    #[serde(rename = "continue")]
    pub goes_on: bool,
    /// How much is told.
    pub detail: Option<Detail>,
    /// Whether people are told when an alert is acknowledged or resolved; they are by default.
    pub resolved: Option<bool>,
    /// Tells again after this long, and again, as long as nobody acknowledges.
    pub repeat: Option<Span>,
    /// Who else is told when nobody acknowledges.
    pub escalate: Vec<Escalation>,
    /// Closer routes, tried in their order.
    pub routes: Vec<Route>,
}

/// What has to hold, all of it. Of a list one pattern has to fit; `*` stands for anything.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// At least as loud.
    pub level: Option<Level>,
    /// One of the detectors behind it.
    pub detector: Vec<String>,
    /// The key, or the id of its catalog entry.
    pub key: Vec<String>,
    pub owner: Vec<String>,
    pub tenant: Vec<String>,
    pub environment: Vec<String>,
    /// By the clock, when it is told.
    pub time: Option<Hours>,
    /// A schedule of `alerts: schedules:` by which somebody is on call.
    pub on_call: Option<String>,
}

/// Hours of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Days on which they begin; all without it.
    #[serde(default)]
    pub days: Vec<Day>,
    /// `09:00`.
    pub from: TimeOfDay,
    /// `17:30`; before `from` it is the next day's, the same as `from` a whole day.
    pub to: TimeOfDay,
    /// A name of the time zone database.
    #[serde(default)]
    pub zone: Zone,
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Day> for chrono::Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Mon => Self::Mon,
            Day::Tue => Self::Tue,
            Day::Wed => Self::Wed,
            Day::Thu => Self::Thu,
            Day::Fri => Self::Fri,
            Day::Sat => Self::Sat,
            Day::Sun => Self::Sun,
        }
    }
}

/// A time of day, `17:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct TimeOfDay(chrono::NaiveTime);

impl TimeOfDay {
    /// As chrono has it.
    pub const fn time(self) -> chrono::NaiveTime {
        self.0
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = chrono::NaiveTime::parse_from_str(&text, "%H:%M");
        time.map(Self).map_err(|_| format!("`{text}` is no time of day; write \"17:30\", in quotes"))
    }
}

/// A time zone, by its name in the database of IANA; UTC by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Zone(chrono_tz::Tz);

impl Zone {
    /// As chrono has it.
    pub const fn zone(self) -> chrono_tz::Tz {
        self.0
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(chrono_tz::UTC)
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let zone = text.parse();
        zone.map(Self).map_err(|_| format!("`{text}` is no time zone; write a name such as `Europe/Berlin`"))
    }
}

/// Who is told: a channel, or somebody by a channel. In YAML the channel's name alone, or a mapping.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Recipient {
    pub channel: String,
    /// The `contact` of the key's catalog entry, where it is a mail address.
    #[schemars(default)]
    pub contact: bool,
    /// Whoever is on call by this schedule.
    #[schemars(default)]
    pub on_call: Option<String>,
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Name(String),
            Mapping(Mapping),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Mapping {
            channel: String,
            #[serde(default)]
            contact: bool,
            #[serde(default)]
            on_call: Option<String>,
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Name(channel) => Self { channel, contact: false, on_call: None },
            Written::Mapping(Mapping { channel, contact, on_call }) => Self { channel, contact, on_call },
        })
    }
}

/// Who is told when nobody has acknowledged for so long.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// After the first page of the alert.
    pub after: Span,
    pub to: Vec<Recipient>,
}

/// How much leaves the house.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// Names of keys and callers, counts and one sentence: never values of a context, addresses or what the
    /// log says itself.
    #[default]
    Ids,
    /// The latest findings too, with sessions and addresses.
    Full,
}
