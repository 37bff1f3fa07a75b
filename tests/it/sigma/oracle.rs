//! Sigma over raw JSON as plainly as it can be said: what the compiled rules are held against.
//!
//! Shares nothing with the product but the parser: its own paths, wildcards, networks and encodings.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SigmaRule, SigmaValue,
    SpecialChar, StringPart,
};
use serde_json::Value;

/// Whether a rule is true of a record.
pub fn holds(rule: &SigmaRule, record: &Value) -> bool {
    rule.detection.conditions.iter().any(|condition| joined(condition, &rule.detection, record))
}

fn joined(expression: &ConditionExpr, detections: &Detections, record: &Value) -> bool {
    let of = |part: &ConditionExpr| joined(part, detections, record);
    match expression {
        ConditionExpr::And(parts) => parts.iter().all(of),
        ConditionExpr::Or(parts) => parts.iter().any(of),
        ConditionExpr::Not(part) => !of(part),
        ConditionExpr::Identifier(name) => selected(&detections.named[name], record),
        ConditionExpr::Selector { quantifier, pattern } => {
            let chosen = detections.named.iter().filter(|(name, _)| pattern.matches_detection_name(name));
            let results: Vec<bool> = chosen.map(|(_, detection)| selected(detection, record)).collect();
            let passed = results.iter().filter(|passed| **passed).count();
            match quantifier {
                Quantifier::Any => passed > 0,
                Quantifier::All => passed == results.len(),
                Quantifier::Count(count) => passed as u64 >= *count,
            }
        }
    }
}

fn selected(detection: &Detection, record: &Value) -> bool {
    match detection {
        Detection::AllOf(items) => items.iter().all(|one| item(one, record)),
        Detection::AnyOf(parts) => parts.iter().any(|part| selected(part, record)),
        Detection::Keywords(values) => values.iter().any(|value| anywhere(value, record, false)),
        other => panic!("{other:?}"),
    }
}

/// All values at a path, lists opened on the way; nothing for null.
fn values<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = Vec::new();
    match value {
        Value::Array(items) => items.iter().for_each(|item| found.extend(values(item, path))),
        Value::Object(members) => {
            for (name, member) in members {
                if name == path {
                    found.extend(flat(member));
                } else if let Some(rest) =
                    path.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('.'))
                {
                    found.extend(values(member, rest));
                }
            }
        }
        _ => {}
    }
    found
}

fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        other => vec![other],
    }
}

fn scalars(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(scalars).collect(),
        Value::Object(members) => members.values().flat_map(scalars).collect(),
        other => vec![other],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn item(item: &DetectionItem, record: &Value) -> bool {
    let has = |modifier: Modifier| item.field.modifiers.contains(&modifier);
    let one = |value: &SigmaValue| match &item.field.name {
        Some(field) => {
            let found = values(record, field);
            match value {
                SigmaValue::Bool(wanted) if has(Modifier::Exists) => found.is_empty() != *wanted,
                SigmaValue::Null => found.is_empty(),
                value => found.iter().any(|found| passes(found, value, &item.field.modifiers, record)),
            }
        }
        None => anywhere(value, record, has(Modifier::Cased)),
    };
    let joined = if has(Modifier::All) { item.values.iter().all(one) } else { item.values.iter().any(one) };
    if has(Modifier::Neq) {
        let field = item.field.name.as_deref().unwrap();
        return !values(record, field).is_empty() && !joined;
    }
    joined
}

fn anywhere(value: &SigmaValue, record: &Value, cased: bool) -> bool {
    let pattern = surrounded(tokens(value), true, true);
    scalars(record).iter().any(|found| like(&pattern, &text(found), cased))
}

fn passes(found: &Value, wanted: &SigmaValue, modifiers: &[Modifier], record: &Value) -> bool {
    let has = |modifier: Modifier| modifiers.contains(&modifier);
    let comparison =
        [Modifier::Lt, Modifier::Lte, Modifier::Gt, Modifier::Gte].into_iter().find(|one| has(*one));
    if let Some(comparison) = comparison {
        let wanted: f64 = wanted.to_string().parse().unwrap();
        return text(found).parse::<f64>().is_ok_and(|found| match comparison {
            Modifier::Lt => found < wanted,
            Modifier::Lte => found <= wanted,
            Modifier::Gt => found > wanted,
            _ => found >= wanted,
        });
    }
    let written = wanted.to_string();
    if has(Modifier::Re) {
        let flags: String =
            [(Modifier::IgnoreCase, "i"), (Modifier::Multiline, "m"), (Modifier::DotAll, "s")]
                .iter()
                .filter_map(|(modifier, flag)| has(*modifier).then_some(*flag))
                .collect();
        let prefix = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
        return Regex::new(&format!("{prefix}{written}")).unwrap().is_match(&text(found));
    }
    if has(Modifier::Cidr) {
        return in_network(&text(found), &written);
    }
    if has(Modifier::FieldRef) {
        let found = text(found).to_lowercase();
        return values(record, &written).iter().any(|other| {
            let other = text(other).to_lowercase();
            match () {
                () if has(Modifier::Contains) => found.contains(&other),
                () if has(Modifier::StartsWith) => found.starts_with(&other),
                () if has(Modifier::EndsWith) => found.ends_with(&other),
                () => found == other,
            }
        });
    }
    let changes = |modifier: &&Modifier| !matches!(modifier, Modifier::All | Modifier::Neq);
    let is_number = matches!(wanted, SigmaValue::Integer(_) | SigmaValue::Float(_));
    if is_number && !modifiers.iter().any(|modifier| changes(&modifier)) {
        return text(found).parse::<f64>().is_ok_and(|found| found == written.parse::<f64>().unwrap());
    }
    let mut patterns = vec![tokens(wanted)];
    for modifier in modifiers {
        patterns = match modifier {
            Modifier::WindAsh => patterns.iter().flat_map(|pattern| dashes(pattern)).collect(),
            Modifier::Base64 => {
                patterns.iter().map(|pattern| plain(&STANDARD.encode(literal(pattern)))).collect()
            }
            Modifier::Base64Offset => {
                patterns.iter().flat_map(|pattern| offsets(&literal(pattern))).collect()
            }
            Modifier::Contains => {
                patterns.into_iter().map(|pattern| surrounded(pattern, true, true)).collect()
            }
            Modifier::StartsWith => {
                patterns.into_iter().map(|pattern| surrounded(pattern, false, true)).collect()
            }
            Modifier::EndsWith => {
                patterns.into_iter().map(|pattern| surrounded(pattern, true, false)).collect()
            }
            _ => patterns,
        };
    }
    patterns.iter().any(|pattern| like(pattern, &text(found), has(Modifier::Cased)))
}

/// A character of a pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Letter(char),
    Any,
    One,
}

fn tokens(value: &SigmaValue) -> Vec<Token> {
    let SigmaValue::String(string) = value else { return plain(&value.to_string()) };
    let mut tokens = Vec::new();
    for part in &string.parts {
        match part {
            StringPart::Plain(text) => tokens.extend(plain(text)),
            StringPart::Special(SpecialChar::WildcardMulti) => tokens.push(Token::Any),
            StringPart::Special(SpecialChar::WildcardSingle) => tokens.push(Token::One),
        }
    }
    tokens
}

fn plain(text: &str) -> Vec<Token> {
    text.chars().map(Token::Letter).collect()
}

fn literal(pattern: &[Token]) -> Vec<u8> {
    let letters = pattern.iter().map(|token| match token {
        Token::Letter(letter) => *letter,
        other => panic!("{other:?} in base64"),
    });
    letters.collect::<String>().into_bytes()
}

fn surrounded(mut pattern: Vec<Token>, before: bool, after: bool) -> Vec<Token> {
    if before {
        pattern.insert(0, Token::Any);
    }
    if after {
        pattern.push(Token::Any);
    }
    pattern
}

/// Matches from the left with going back to the last `*`.
fn like(pattern: &[Token], text: &str, cased: bool) -> bool {
    let fold = |text: &str| if cased { text.to_owned() } else { text.to_lowercase() };
    let letters: Vec<char> = fold(text).chars().collect();
    let mut folded = Vec::new();
    for token in pattern {
        match token {
            Token::Letter(letter) => folded.extend(fold(&letter.to_string()).chars().map(Token::Letter)),
            other => folded.push(*other),
        }
    }
    let (mut at, mut place, mut back) = (0, 0, None);
    while at < letters.len() {
        match folded.get(place) {
            Some(Token::Any) => {
                back = Some((at, place));
                place += 1;
            }
            Some(Token::One) => (at, place) = (at + 1, place + 1),
            Some(Token::Letter(letter)) if *letter == letters[at] => (at, place) = (at + 1, place + 1),
            _ => match back {
                Some((from, star)) => {
                    (at, place) = (from + 1, star + 1);
                    back = Some((from + 1, star));
                }
                None => return false,
            },
        }
    }
    folded[place..].iter().all(|token| *token == Token::Any)
}

/// Every choice for a dash that begins a word after something that is no word.
fn dashes(pattern: &[Token]) -> Vec<Vec<Token>> {
    let is_word = |token: Option<&Token>| matches!(token, Some(Token::Letter(letter)) if letter.is_alphanumeric() || *letter == '_');
    let mut all = vec![Vec::new()];
    for (place, token) in pattern.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| pattern.get(before));
        let begins = !is_word(before) && is_word(pattern.get(place + 1));
        let choices: Vec<Token> = match token {
            Token::Letter('-' | '/') if begins => "-/–—―".chars().map(Token::Letter).collect(),
            other => vec![*other],
        };
        all = all
            .iter()
            .flat_map(|start: &Vec<Token>| {
                choices.iter().map(move |choice| [start.as_slice(), &[*choice]].concat())
            })
            .collect();
    }
    all
}

/// What is the same in base64 of the bytes whatever stands around them, for each of three offsets.
fn offsets(bytes: &[u8]) -> Vec<Vec<Token>> {
    let around = |offset: usize, filling: u8| {
        let mut padded = vec![filling; offset];
        padded.extend_from_slice(bytes);
        padded.extend([filling; 6]);
        STANDARD.encode(padded)
    };
    let same = |offset: usize| {
        let (one, other) = (around(offset, 0x00), around(offset, 0xFF));
        let first = (offset * 8).div_ceil(6);
        let last = ((offset + bytes.len()) * 8) / 6;
        assert_eq!(one[first..last], other[first..last]);
        plain(&one[first..last])
    };
    (0..3).map(same).collect()
}

fn in_network(address: &str, network: &str) -> bool {
    let (start, length) = network.split_once('/').unwrap();
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (address.octets().to_vec(), 4),
        IpAddr::V6(address) => (address.octets().to_vec(), 6),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let ((address, family), (start, wanted)) = (bits(address), bits(start.parse().unwrap()));
    let bit = |bytes: &[u8], place: usize| bytes[place / 8] >> (7 - place % 8) & 1;
    let length: usize = length.parse().unwrap();
    family == wanted && (0..length).all(|place| bit(&address, place) == bit(&start, place))
}
