//! Where in a file what stands: the syntax tree of the rules has no places.

use granit_parser::{Event, Parser};

/// Top-level names that only Sigma's documents have.
const NAMES: [&str; 4] = ["detection:", "logsource:", "correlation:", "filter:"];

/// Whether a file is of Sigma rather than of detectors in our own form.
pub fn is_sigma(text: &str) -> bool {
    text.lines().any(|line| NAMES.iter().any(|name| line.starts_with(name)))
}

/// One document of a file.
#[derive(Debug, Clone, Copy)]
pub struct Part<'t> {
    pub text: &'t str,
    /// Lines of the file before it.
    pub lines_before: usize,
}

/// The documents of a file, those without content left out.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut lines_before, mut at) = (0, 0, 0);
    for (place, line) in text.split_inclusive('\n').enumerate() {
        let is_mark = line.trim_end() == "---" || line.starts_with("--- ");
        if is_mark {
            parts.push(Part { text: text.get(start..at).unwrap_or_default(), lines_before });
            (start, lines_before) = (at + line.len(), place + 1);
        }
        at += line.len();
    }
    parts.push(Part { text: text.get(start..).unwrap_or_default(), lines_before });
    parts.retain(|part| has_content(part.text));
    parts
}

fn has_content(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#') && line != "...")
}

/// A place in a file: line and column, from 1.
pub type Place = (usize, usize);

/// The places of all names in one document; elements of lists are named by their number.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    places: Vec<(Vec<String>, Place)>,
    first: Place,
}

/// A collection that has begun.
struct Open {
    mapping: bool,
    /// The name that the next value belongs to; nothing where the next scalar is a name.
    name: Option<String>,
    element: usize,
}

impl Outline {
    /// Reads a document as far as it is YAML.
    pub fn of(part: Part<'_>) -> Self {
        let mut outline = Self { first: (part.lines_before + 1, 1), places: Vec::new() };
        let mut open: Vec<Open> = Vec::new();
        for next in Parser::new_from_str(part.text) {
            let Ok((event, span)) = next else { break };
            let place = (part.lines_before + span.start.line(), span.start.col() + 1);
            match event {
                Event::Scalar(text, ..) => outline.scalar(&mut open, &text, place),
                Event::Alias(_) => outline.value(&mut open, place),
                Event::MappingStart(..) | Event::SequenceStart(..) => {
                    outline.begin(&mut open, place);
                    open.push(Open {
                        mapping: matches!(event, Event::MappingStart(..)),
                        name: None,
                        element: 0,
                    });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                    end_value(&mut open);
                }
                _ => {}
            }
        }
        outline
    }

    fn scalar(&mut self, open: &mut [Open], text: &str, place: Place) {
        match open.last_mut() {
            Some(collection) if collection.mapping && collection.name.is_none() => {
                collection.name = Some(text.to_owned());
                self.places.push((path_of(open), place));
                if open.len() == 1 && self.places.len() == 1 {
                    self.first = place;
                }
            }
            _ => self.value(open, place),
        }
    }

    fn value(&mut self, open: &mut [Open], place: Place) {
        self.begin(open, place);
        end_value(open);
    }

    /// Elements of lists have places of their own; values of names stand at their name.
    fn begin(&mut self, open: &mut [Open], place: Place) {
        if open.last().is_some_and(|collection| !collection.mapping) {
            self.places.push((path_of(open), place));
        }
    }

    /// The place of the deepest part of `path` that is there.
    pub fn place(&self, path: &[String]) -> Place {
        let known = (1..=path.len()).rev().find_map(|length| {
            let path = path.get(..length)?;
            self.places.iter().find(|(other, _)| other == path).map(|(_, place)| *place)
        });
        known.unwrap_or(self.first)
    }

    /// The place of the first name that ends so.
    pub fn ending_with(&self, end: &str) -> Option<Place> {
        let is_it = |path: &[String]| path.last().is_some_and(|name| name.ends_with(end));
        self.places.iter().find(|(path, _)| is_it(path)).map(|(_, place)| *place)
    }

    /// The names directly under `path`.
    pub fn names_under<'o>(&'o self, path: &'o [String]) -> impl Iterator<Item = &'o str> {
        self.places.iter().filter_map(move |(other, _)| match other.split_last() {
            Some((name, above)) if above == path => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a name under `path`, at any depth, holds names itself where `path`'s own values should be.
    pub fn has_names_under(&self, path: &[String]) -> bool {
        self.places.iter().any(|(other, _)| {
            let below = other.strip_prefix(path).unwrap_or_default();
            below.iter().any(|name| name.parse::<usize>().is_err())
        })
    }
}

fn end_value(open: &mut [Open]) {
    if let Some(collection) = open.last_mut() {
        collection.name = None;
        collection.element += 1;
    }
}

fn path_of(open: &[Open]) -> Vec<String> {
    let name = |collection: &Open| match collection.mapping {
        true => collection.name.clone().unwrap_or_default(),
        false => collection.element.to_string(),
    };
    open.iter().map(name).collect()
}
