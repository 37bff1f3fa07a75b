//! One line of a selection, `field|modifiers: values`, as tests on that field.

use rsigma_parser::{DetectionItem, FieldSpec, Modifier, SigmaValue, parse_field_spec};

use super::condition::{Condition, Test, Trouble};
use super::outline::Outline;
use super::text::{self, Encoding};
use crate::sql::glob::{Glob, Piece};
use crate::sql::member;

/// The tests of one line of the selection at `path`.
///
/// # Errors
/// What is wrong with it, or cannot be evaluated.
pub fn item(item: &DetectionItem, outline: &Outline, path: &[String]) -> Result<Condition, Trouble> {
    let mut path = path.to_vec();
    path.push(key_of(&item.field, outline, &path));
    let at = |trouble: Trouble| Trouble { path: path.clone(), ..trouble };
    if outline.has_names_under(&path) {
        let told = "a field holds values, not names: write the path with dots, `requestParameters.keyId`";
        return Err(at(Trouble::mistake(told)));
    }
    if item.values.is_empty() {
        return Err(at(Trouble::mistake("there is no value here")));
    }
    let line = Line::of(&item.field).map_err(at)?;
    let tests = item.values.iter().map(|value| line.test(value));
    line.joined(tests.collect::<Result<_, _>>().map_err(at)?).map_err(at)
}

/// A text that may stand anywhere in the record.
///
/// # Errors
/// Where it is no text.
pub fn keyword(value: &SigmaValue) -> Result<Condition, Trouble> {
    Line { field: None, modifiers: Vec::new() }.test(value)
}

/// The name as the file spells it, which the syntax tree does not keep.
fn key_of(field: &FieldSpec, outline: &Outline, path: &[String]) -> String {
    let is_it = |name: &&str| {
        let spelt = parse_field_spec(name).ok();
        spelt.is_some_and(|spelt| {
            plain_name(&spelt) == plain_name(field) && spelt.modifiers == field.modifiers
        })
    };
    outline.names_under(path).find(is_it).unwrap_or_default().to_owned()
}

/// Brackets select elements only in `sigma-version: 3`; before that they are escaped by the parser.
fn plain_name(field: &FieldSpec) -> Option<String> {
    field.name.as_ref().map(|name| name.replace("\\[", "[").replace("\\]", "]"))
}

struct Line<'i> {
    field: Option<String>,
    modifiers: Vec<&'i Modifier>,
}

impl<'i> Line<'i> {
    fn of(field: &'i FieldSpec) -> Result<Self, Trouble> {
        let line = Self { field: plain_name(field), modifiers: field.modifiers.iter().collect() };
        for modifier in &line.modifiers {
            let told = match modifier {
                Modifier::Expand => "`expand` asks for a list of placeholders, which keyward does not have",
                Modifier::Minute
                | Modifier::Hour
                | Modifier::Day
                | Modifier::Week
                | Modifier::Month
                | Modifier::Year => "parts of times are not compared",
                _ => continue,
            };
            return Err(Trouble::unsupported(told));
        }
        Ok(line)
    }

    fn has(&self, modifier: Modifier) -> bool {
        self.modifiers.contains(&&modifier)
    }

    /// All values or one of them, and the other way round for `neq`.
    fn joined(&self, mut tests: Vec<Condition>) -> Result<Condition, Trouble> {
        let joined = match (tests.len(), self.has(Modifier::All)) {
            (1, _) => tests.swap_remove(0),
            (_, true) => Condition::All(tests),
            (_, false) => Condition::Any(tests),
        };
        if !self.has(Modifier::Neq) {
            return Ok(joined);
        }
        if self.field.is_none() {
            return Err(Trouble::mistake("`neq` needs a field"));
        }
        Ok(Condition::All(vec![self.is(Test::Present), Condition::Not(Box::new(joined))]))
    }

    fn is(&self, test: Test) -> Condition {
        Condition::Is(self.field.clone(), test)
    }

    fn test(&self, value: &SigmaValue) -> Result<Condition, Trouble> {
        if self.has(Modifier::Exists) {
            return self.existence(value);
        }
        if let Some(comparison) = self.comparison() {
            return Ok(self.is(Test::Number(comparison, number(value)?)));
        }
        match value {
            SigmaValue::Null if self.field.is_none() => Err(Trouble::mistake("null is no keyword")),
            SigmaValue::Null => Ok(Condition::Not(Box::new(self.is(Test::Present)))),
            SigmaValue::String(string) if self.has(Modifier::Re) => self.regex(&string.original),
            SigmaValue::String(string) if self.has(Modifier::Cidr) => {
                member::network(&string.original).map_err(Trouble::mistake)?;
                Ok(self.is(Test::Network(string.original.clone())))
            }
            SigmaValue::String(string) if self.has(Modifier::FieldRef) => self.reference(&string.original),
            SigmaValue::String(string) => self.texts(&string.original),
            SigmaValue::Integer(_) | SigmaValue::Float(_) if self.is_plain() => {
                Ok(self.is(Test::Number("=", number(value)?)))
            }
            SigmaValue::Integer(number) => self.texts(&number.to_string()),
            SigmaValue::Float(number) => self.texts(&number.to_string()),
            SigmaValue::Bool(flag) => self.texts(&flag.to_string()),
        }
    }

    /// Whether a number is compared as a number.
    fn is_plain(&self) -> bool {
        let changes = |modifier: &&&Modifier| !matches!(modifier, Modifier::All | Modifier::Neq);
        self.field.is_some() && !self.modifiers.iter().any(|modifier| changes(&modifier))
    }

    fn existence(&self, value: &SigmaValue) -> Result<Condition, Trouble> {
        match value {
            SigmaValue::Bool(true) if self.field.is_some() => Ok(self.is(Test::Present)),
            SigmaValue::Bool(false) if self.field.is_some() => {
                Ok(Condition::Not(Box::new(self.is(Test::Present))))
            }
            _ => Err(Trouble::mistake("`exists` is for a field, and is true or false")),
        }
    }

    fn comparison(&self) -> Option<&'static str> {
        self.modifiers.iter().find_map(|modifier| match modifier {
            Modifier::Lt => Some("<"),
            Modifier::Lte => Some("<="),
            Modifier::Gt => Some(">"),
            Modifier::Gte => Some(">="),
            _ => None,
        })
    }

    fn regex(&self, written: &str) -> Result<Condition, Trouble> {
        let flags = [(Modifier::IgnoreCase, 'i'), (Modifier::Multiline, 'm'), (Modifier::DotAll, 's')];
        let flags: String =
            flags.iter().filter(|(modifier, _)| self.has(*modifier)).map(|(_, flag)| *flag).collect();
        let pattern = if flags.is_empty() { written.to_owned() } else { format!("(?{flags}){written}") };
        match member::Test::read("matches", &pattern) {
            Ok(_) => Ok(self.is(Test::Matches(pattern))),
            Err(told) => Err(Trouble::unsupported(told)),
        }
    }

    fn reference(&self, other: &str) -> Result<Condition, Trouble> {
        if self.field.is_none() {
            return Err(Trouble::mistake("`fieldref` needs a field"));
        }
        if self.has(Modifier::Cased) {
            return Err(Trouble::unsupported("`fieldref` compares without case only"));
        }
        let relation = self.modifiers.iter().find_map(|modifier| match modifier {
            Modifier::Contains => Some("contains"),
            Modifier::StartsWith => Some("starts_with"),
            Modifier::EndsWith => Some("ends_with"),
            _ => None,
        });
        Ok(self.is(Test::Other(relation.unwrap_or("same_as"), other.to_owned())))
    }

    /// Text after all modifiers that change it, of which some make several texts of one.
    fn texts(&self, written: &str) -> Result<Condition, Trouble> {
        let encoding = self.encoding()?;
        let mut globs = vec![Glob::parse(written)];
        for modifier in &self.modifiers {
            globs = match modifier {
                Modifier::WindAsh => globs.iter().map(text::dashes).collect::<Result<Vec<_>, _>>()?.concat(),
                Modifier::Base64 => {
                    globs.iter().map(|glob| text::base64(glob, encoding)).collect::<Result<_, _>>()?
                }
                Modifier::Base64Offset => {
                    let offsets = globs.iter().map(|glob| text::base64_offsets(glob, encoding));
                    offsets.collect::<Result<Vec<_>, _>>()?.concat()
                }
                Modifier::Contains => globs.into_iter().map(|glob| around(glob, true, true)).collect(),
                Modifier::StartsWith => globs.into_iter().map(|glob| around(glob, false, true)).collect(),
                Modifier::EndsWith => globs.into_iter().map(|glob| around(glob, true, false)).collect(),
                _ => globs,
            };
        }
        if self.field.is_none() {
            globs = globs.into_iter().map(|glob| around(glob, true, true)).collect();
        }
        let cased = self.has(Modifier::Cased);
        let mut tests: Vec<Condition> =
            globs.into_iter().map(|glob| self.is(Test::Like { glob, cased })).collect();
        Ok(if tests.len() == 1 { tests.swap_remove(0) } else { Condition::Any(tests) })
    }

    fn encoding(&self) -> Result<Encoding, Trouble> {
        let encodings = [
            (Modifier::Wide, Encoding::Utf16LittleEndian),
            (Modifier::Utf16be, Encoding::Utf16BigEndian),
            (Modifier::Utf16, Encoding::Utf16WithMark),
        ];
        let Some((_, encoding)) = encodings.into_iter().find(|(modifier, _)| self.has(*modifier)) else {
            return Ok(Encoding::Utf8);
        };
        if self.has(Modifier::Base64) || self.has(Modifier::Base64Offset) {
            return Ok(encoding);
        }
        Err(Trouble::unsupported("UTF-16 is looked for in base64 only: JSON is UTF-8"))
    }
}

fn around(mut glob: Glob, before: bool, after: bool) -> Glob {
    if before && glob.0.first() != Some(&Piece::Any) {
        glob.0.insert(0, Piece::Any);
    }
    if after && glob.0.last() != Some(&Piece::Any) {
        glob.0.push(Piece::Any);
    }
    glob
}

fn number(value: &SigmaValue) -> Result<f64, Trouble> {
    let number = match value {
        // Beyond 2^53 neighbours are one; no field that rules compare is so large.
        SigmaValue::Integer(number) => Some(*number as f64),
        SigmaValue::Float(number) => Some(*number),
        SigmaValue::String(string) => string.original.parse().ok(),
        SigmaValue::Bool(_) | SigmaValue::Null => None,
    };
    let finite = number.filter(|number| number.is_finite());
    finite.ok_or_else(|| Trouble::mistake(format!("`{value}` is no number to compare with")))
}
