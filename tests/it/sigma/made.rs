//! Rules and records made by a generator: the same for each run, and full of what is easily got wrong.

use serde_json::{Map, Value, json};

/// A linear congruential generator.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Texts that fields hold; rules ask for parts of them.
const TEXTS: [&str; 22] = [
    "Decrypt",
    "decrypt",
    "a*b",
    "a?b",
    r"back\slash",
    "50%_off",
    "",
    "Ünïcode ΓΔ",
    "10.1.2.3",
    "192.168.7.1",
    "2001:db8::7",
    "kms.amazonaws.com",
    "AWS Internal",
    "line\nbreak",
    "it's 'quoted'",
    "7",
    "7.5",
    "-1e3",
    "true",
    "tool -x now",
    "tool /x now",
    "xZm9vYmFyx foobar",
];

/// Fields that columns hold as they are.
const COLUMN_FIELDS: [&str; 8] = [
    "eventName",
    "errorCode",
    "errorMessage",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "vpcEndpointId",
    "userIdentity.type",
];

/// Fields that only the record holds.
const MEMBER_FIELDS: [&str; 8] = [
    "userIdentity.arn",
    "requestParameters.one",
    "requestParameters.many",
    "requestParameters.list.inner",
    "requestParameters",
    "additionalEventData.x",
    "eventType",
    "tls.dotted.name",
];

/// One CloudTrail record about a KMS key.
pub fn record(dice: &mut Dice, place: usize) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "eventTime": "2026-11-20T08:00:00Z",
        "eventSource": dice.one_of(&["kms.amazonaws.com", "secretsmanager.amazonaws.com"]),
        "eventID": format!("e-{place}"),
        "recipientAccountId": "111122223333",
        "userIdentity": { "arn": value(dice, 1), "accountId": "111122223333" },
        "requestParameters": {
            "one": value(dice, 2),
            "many": value(dice, 3),
            "list": [{ "inner": value(dice, 2) }, { "inner": value(dice, 3), "other": 1 }, "loose"],
        },
        "additionalEventData": { "x": value(dice, 3) },
        "tls": { "dotted.name": value(dice, 2) },
    });
    // What our fields hold must be text, or the record is a reject.
    record["userIdentity"]["arn"] = optional_text(dice);
    for field in COLUMN_FIELDS {
        let text = if field == "eventName" {
            json!(dice.one_of(&["Decrypt", "Sign", "a*b", "50%_off"]))
        } else {
            optional_text(dice)
        };
        match field.split_once('.') {
            Some((outer, inner)) => record[outer][inner] = text,
            None => record[field] = text,
        }
    }
    if dice.below(3) == 0 {
        record["eventType"] = value(dice, 2);
    }
    record
}

fn optional_text(dice: &mut Dice) -> Value {
    if dice.below(5) == 0 { Value::Null } else { json!(dice.one_of(&TEXTS)) }
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 1 { 9 } else { 6 }) {
        0 => Value::Null,
        1 => json!(dice.one_of(&[7_i64, -1000, 0, 8])),
        2 => json!(dice.one_of(&[7.5_f64, 0.25])),
        3 => json!(dice.below(2) == 0),
        4 | 5 => json!(dice.one_of(&TEXTS)),
        6 => json!({ "nested": dice.one_of(&TEXTS), "n": 7 }),
        _ => Value::Array((0..dice.below(4)).map(|_| value(dice, depth - 1)).collect()),
    }
}

/// One rule as YAML, which JSON is.
pub fn rule(dice: &mut Dice, place: usize) -> String {
    let mut detection = Map::new();
    for name in ["selection_a", "selection_b", "filter_c"] {
        detection.insert(name.to_owned(), selection(dice));
    }
    let conditions = [
        "selection_a",
        "not selection_a",
        "1 of selection_*",
        "all of selection_* and not filter_c",
        "selection_a or not (selection_b and filter_c)",
        "not 1 of them",
        "2 of them",
        "all of them",
        "not (not selection_a or filter_c)",
    ];
    detection.insert("condition".to_owned(), json!(dice.one_of(&conditions)));
    let rule = json!({
        "title": format!("made {place}"),
        "id": format!("{place:08x}-0000-4000-8000-000000000000"),
        "level": "low",
        "status": "test",
        "logsource": { "product": "aws", "service": "cloudtrail" },
        "detection": detection,
    });
    let members = rule.as_object().unwrap().iter().map(|(name, value)| format!("{name}: {value}\n"));
    members.collect()
}

fn selection(dice: &mut Dice) -> Value {
    match dice.below(6) {
        0 => json!([lines(dice), lines(dice)]),
        1 => json!([dice.one_of(&["Decrypt", "50%", "a?b", r"back\\slash", "7"])]),
        _ => lines(dice),
    }
}

fn lines(dice: &mut Dice) -> Value {
    let lines = (0..=dice.below(2)).map(|_| line(dice));
    Value::Object(lines.collect())
}

fn line(dice: &mut Dice) -> (String, Value) {
    let field = if dice.below(2) == 0 { dice.one_of(&COLUMN_FIELDS) } else { dice.one_of(&MEMBER_FIELDS) };
    let texts = [
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|contains|all",
        "|cased",
        "|contains|cased",
        "|neq",
        "|all",
    ];
    match dice.below(14) {
        0 => (format!("{field}|exists"), json!(dice.below(2) == 0)),
        1 => (field.to_owned(), Value::Null),
        2 => (
            format!("{field}|cidr"),
            json!(dice.one_of(&["10.0.0.0/8", "192.168.7.0/31", "2001:db8::/32", "0.0.0.0/0"])),
        ),
        3 => {
            let comparison = dice.one_of(&["lt", "lte", "gt", "gte"]);
            (format!("{field}|{comparison}"), dice.one_of(&[json!(7), json!(7.5), json!("-1000")]))
        }
        4 => {
            let flags = dice.one_of(&["", "|i", "|i|m|s", "|s"]);
            let pattern =
                dice.one_of(&["^[a-d]", "crypt$", r"\.\d+\.", "", "line.break", "^break", "'", r"^\s*$"]);
            (format!("{field}|re{flags}"), json!(pattern))
        }
        5 => {
            let relation = dice.one_of(&["", "|contains", "|startswith", "|endswith"]);
            let other = dice.one_of(&[COLUMN_FIELDS, MEMBER_FIELDS].concat());
            (format!("{field}|fieldref{relation}"), json!(other))
        }
        6 => (format!("{field}|base64offset|contains"), json!("foobar")),
        7 => (format!("{field}|windash|contains"), json!(dice.one_of(&[" -x", " /x", "tool -x"]))),
        8 => (field.to_owned(), dice.one_of(&[json!(7), json!(7.5), json!(true), json!(false)])),
        9 => (format!("{field}|base64|contains"), json!("foobar")),
        _ => {
            let modifiers = dice.one_of(&texts);
            let count = 1 + dice.below(3);
            let values: Vec<Value> = (0..count).map(|_| json!(pattern(dice))).collect();
            (format!("{field}{modifiers}"), if count == 1 { values[0].clone() } else { Value::Array(values) })
        }
    }
}

/// A whole text, a part of it, or one with wildcards.
fn pattern(dice: &mut Dice) -> String {
    let text = dice.one_of(&TEXTS);
    let letters: Vec<char> = text.chars().collect();
    let escaped: String = letters.iter().map(|letter| escape(*letter)).collect();
    match dice.below(6) {
        0 | 1 => escaped,
        2 => text.to_owned(),
        3 => dice.one_of(&["*", "?*", "*b", "a*", r"a\*b", r"*\\*", "a?b", "??"]).to_owned(),
        4 => escaped.to_uppercase(),
        _ => {
            let cut = if letters.is_empty() { 0 } else { dice.below(letters.len()) };
            let rest: String = letters[cut..].iter().map(|letter| escape(*letter)).collect();
            format!("*{rest}")
        }
    }
}

fn escape(letter: char) -> String {
    if matches!(letter, '*' | '?' | '\\') { format!("\\{letter}") } else { letter.to_string() }
}
