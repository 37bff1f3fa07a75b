//! Many log records from one, for cases of detectors that count.
//!
//! In: the events of a case, of which some are `{ repeat: 40, every: 5s, vary: { requestParameters.keyId: [a, b] },
//! event: … }`. Out: records. Each repetition has a time and an id of its own, and takes the next of the
//! values that vary, in turn.

use serde_json::{Map, Value};

use super::window::document::parse_duration;
use crate::domain::identity::uid;
use crate::domain::time::{format_rfc3339, parse_rfc3339};

/// Repetitions of one event: more would make a case slow, not better.
const MOST: u64 = 5_000;

/// Where the providers write when a call was.
const TIMES: [&str; 2] = ["eventTime", "time"];

/// Where they write what tells calls apart.
const IDS: [&str; 2] = ["eventID", "request.id"];

/// The events with repetitions written out.
///
/// # Errors
/// What is wrong with a repetition.
pub fn expand(events: &[Value]) -> Result<Vec<Value>, String> {
    let mut records = Vec::new();
    for event in events {
        match repetition(event) {
            Some(fields) => {
                let repeated = Repeated::read(fields)?;
                records.extend(repeated.records(repeated.times)?);
            }
            None => records.push(event.clone()),
        }
    }
    Ok(records)
}

/// Whether [`expand`] can write them out, found without doing so: each start reads the cases of all detectors.
///
/// # Errors
/// What is wrong with a repetition.
pub fn check(events: &[Value]) -> Result<(), String> {
    let mut repetitions = events.iter().filter_map(repetition);
    repetitions.try_for_each(|fields| Repeated::read(fields)?.records(1).map(drop))
}

fn repetition(event: &Value) -> Option<&Map<String, Value>> {
    event.as_object().filter(|fields| fields.contains_key("repeat") && fields.contains_key("event"))
}

struct Repeated<'v> {
    times: u64,
    /// Microseconds from one to the next.
    every: i64,
    vary: Vec<(&'v str, &'v [Value])>,
    event: &'v Value,
}

impl<'v> Repeated<'v> {
    fn read(fields: &'v Map<String, Value>) -> Result<Self, String> {
        let known = ["repeat", "every", "vary", "event"];
        if let Some(other) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("`{other}` means nothing beside `repeat`"));
        }
        let times = fields.get("repeat").and_then(Value::as_u64).filter(|times| (1..=MOST).contains(times));
        let every = match fields.get("every") {
            None => Some(1),
            Some(text) => text.as_str().and_then(parse_duration),
        };
        let every = every.and_then(|seconds| i64::try_from(seconds).ok());
        let mut vary = Vec::new();
        for (path, values) in fields.get("vary").and_then(Value::as_object).into_iter().flatten() {
            let values = values.as_array().filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| format!("`vary: {path}` needs a list of values"))?;
            vary.push((path.as_str(), values.as_slice()));
        }
        Ok(Self {
            times: times.ok_or_else(|| format!("`repeat` is a number from 1 to {MOST}"))?,
            every: every.ok_or("`every` is a time span: 5s, 10m")?.saturating_mul(1_000_000),
            vary,
            event: fields.get("event").filter(|event| event.is_object()).ok_or("`event` is a log record")?,
        })
    }

    /// The first `times` of its records.
    fn records(&self, times: u64) -> Result<Vec<Value>, String> {
        let begin = TIMES.iter().find_map(|path| Some((*path, at(self.event, path)?.as_str()?)));
        let (time_path, begin) = begin.ok_or("a repeated event needs its time")?;
        let begin = parse_rfc3339(begin).ok_or("the time of a repeated event is not RFC 3339")?;
        let id = IDS.iter().find_map(|path| Some((*path, at(self.event, path)?.as_str()?)));
        let (id_path, id) = id.ok_or("a repeated event needs its id")?;
        let repetition = |number: u64| {
            let mut record = self.event.clone();
            let time = begin.saturating_add(self.every.saturating_mul(number as i64));
            put(&mut record, time_path, format_rfc3339(time).into())?;
            put(&mut record, id_path, own_id(id, number).into())?;
            for (path, values) in &self.vary {
                let value = values.iter().cycle().nth(number as usize % values.len());
                put(&mut record, path, value.cloned().unwrap_or_default())?;
            }
            Ok(record)
        };
        (0..times).map(repetition).collect()
    }
}

/// An id in the form of a UUID, of the event's own and the number.
fn own_id(id: &str, number: u64) -> String {
    if number == 0 {
        return id.to_owned();
    }
    let hex = format!("{:032x}", uid(&[id.as_bytes(), &number.to_le_bytes()]));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    parts.join("-")
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// Puts a value where a dotted path leads.
fn put(value: &mut Value, path: &str, new: Value) -> Result<(), String> {
    let mut place = value;
    for name in path.split('.') {
        let within = match place {
            Value::Array(list) => name.parse::<usize>().ok().and_then(|number| list.get_mut(number)),
            Value::Object(fields) => Some(fields.entry(name).or_insert(Value::Null)),
            _ => None,
        };
        place = within.ok_or_else(|| format!("`{path}` leads nowhere in the event"))?;
    }
    *place = new;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_repetition_has_its_own_time_and_id_and_the_next_value() {
        let event = json!({ "eventTime": "2026-11-20T10:00:00Z", "eventID": "e", "requestParameters": { "keyId": "x" } });
        let vary = json!({ "requestParameters.keyId": ["a", "b"] });
        let repeated = json!({ "repeat": 3, "every": "5s", "vary": vary, "event": event });
        let records = expand(&[repeated, json!("as it is")]).unwrap();
        assert_eq!(records.len(), 4);
        assert_eq!(records[0]["eventID"], "e");
        assert_eq!(records[2]["eventTime"], "2026-11-20T10:00:10Z");
        let keys: Vec<_> =
            records[..3].iter().map(|record| record["requestParameters"]["keyId"].clone()).collect();
        assert_eq!(keys, ["a", "b", "a"]);
        assert_ne!(records[1]["eventID"], records[2]["eventID"]);
    }

    #[test]
    fn a_repetition_that_cannot_be_read_says_why() {
        let told = |value: Value| {
            let told = expand(std::slice::from_ref(&value)).unwrap_err();
            assert_eq!(check(&[value]), Err(told.clone()));
            told
        };
        let event = json!({ "eventTime": "2026-11-20T10:00:00Z", "eventID": "e" });
        assert!(told(json!({ "repeat": 0, "event": event })).contains("from 1 to"));
        assert!(told(json!({ "repeat": 2, "event": event, "evry": "1s" })).contains("evry"));
        assert!(told(json!({ "repeat": 2, "event": { "eventID": "e" } })).contains("time"));
        assert!(
            told(json!({ "repeat": 2, "event": event, "vary": { "a.b.c": ["x"], "eventID.x": [1] } }))
                .contains("leads nowhere")
        );
    }
}
