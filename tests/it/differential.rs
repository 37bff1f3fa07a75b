//! A log and the same log written another way, through the whole program: source, prefilter, parser, join.
//!
//! White space, line breaks within records, escapes such as `\u006bms`, other orders of fields: what a
//! record says does not change, so neither may its events. The normalizers alone are held against their
//! plain versions in `normalize_cloudtrail` and `normalize_vault`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::Read;

use keyward::pipeline::generate::Company;
use serde_json::Value;

use crate::made::keyward;
use crate::samples;

/// Records of each sample: enough for every kind of call.
const RECORDS: usize = 1_200;

/// Decides how to write things: a linear congruential generator, the same for each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn space(&mut self, text: &mut String) {
        if self.one_in(10) {
            text.push_str([" ", "\n", "\t", "\r\n   "][self.below(4)]);
        }
    }

    fn string(&mut self, string: &str, text: &mut String) {
        if !self.one_in(5) {
            text.push_str(&Value::from(string).to_string());
            return;
        }
        text.push('"');
        for character in string.chars() {
            if character.is_ascii_alphanumeric() && !self.one_in(4) {
                text.push(character);
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(text, "\\u{unit:04x}").unwrap();
            }
        }
        text.push('"');
    }

    /// Writes `value` another way.
    fn write(&mut self, value: &Value, text: &mut String) {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                for place in (1..members.len()).rev() {
                    members.swap(place, self.below(place + 1));
                }
                self.list(("{", "}"), members.len(), text, |dice, place, text| {
                    dice.string(members[place].0, text);
                    dice.space(text);
                    text.push(':');
                    dice.space(text);
                    dice.write(members[place].1, text);
                });
            }
            Value::Array(items) => {
                self.list(("[", "]"), items.len(), text, |dice, place, text| dice.write(&items[place], text));
            }
            Value::String(string) => self.string(string, text),
            other => text.push_str(&other.to_string()),
        }
    }

    fn list(
        &mut self,
        (open, close): (&str, &str),
        length: usize,
        text: &mut String,
        item: impl Fn(&mut Self, usize, &mut String),
    ) {
        text.push_str(open);
        for place in 0..length {
            if place > 0 {
                text.push(',');
            }
            self.space(text);
            item(self, place, text);
        }
        self.space(text);
        text.push_str(close);
    }
}

/// The events of a log, without where and when they were read.
fn events(log: &str) -> BTreeSet<String> {
    let keyward = keyward().file("log", log).file("catalog.yaml", Company::catalog_yaml());
    let args = ["scan", "log", "--catalog", "catalog.yaml", "--detectors", "rules", "--emit", "events"];
    let ran = keyward.args(args).args(["--format", "json"]).run();
    assert_eq!(ran.account().rejects, 0, "{}", ran.stderr);
    let mut events = BTreeSet::new();
    for mut event in ran.json() {
        let fields = event.as_object_mut().unwrap();
        fields.remove("ingested_at");
        fields.remove("position");
        // Of a record without an id, the id is the hash of its bytes.
        if fields["request_id"].is_null() {
            fields.remove("event_id");
        }
        // JSON in the order of the log: what it holds is compared.
        for name in ["request", "response"] {
            let detail = fields[name].as_str().map(|text| serde_json::from_str(text).unwrap());
            fields[name] = detail.unwrap_or(Value::Null);
        }
        events.insert(event.to_string());
    }
    events
}

#[track_caller]
fn says_the_same_another_way(records: &[String]) {
    let mut dice = Dice(records.len() as u64);
    let mut another = String::new();
    for record in records {
        dice.write(&serde_json::from_str(record).unwrap(), &mut another);
        another.push_str(["\n", "", "\n\n", " "][dice.below(4)]);
    }
    let (plain, another) = (events(&(records.join("\n") + "\n")), events(&another));
    assert!(plain.len() > 100, "{}", plain.len());
    let differ = plain.symmetric_difference(&another).take(2).collect::<Vec<_>>();
    assert!(differ.is_empty(), "{differ:#?}");
}

#[test]
fn a_made_up_company_s_log_says_the_same_another_way() {
    let lines = Company::new(3, 1_795_420_800_000_000).take(RECORDS);
    let records: Vec<_> = lines.map(|line| String::from_utf8(line.bytes).unwrap()).collect();
    says_the_same_another_way(&records);
}

#[test]
fn the_samples_say_the_same_another_way() {
    for (part, log) in [("cloudtrail/labelled", "events.ndjson.gz"), ("openbao", "audit.log.gz")] {
        let Some(folder) = samples::find(part) else { return };
        let mut text = String::new();
        let file = std::fs::File::open(folder.join(log)).unwrap();
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
        let records: Vec<_> = text.lines().take(RECORDS).map(str::to_owned).collect();
        says_the_same_another_way(&records);
    }
}
