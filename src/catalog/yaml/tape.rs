//! Composes YAML nodes from parser events into a flat tree: one vector, reused from item to item.
//!
//! A node's children follow it, and it knows where they end. Text is borrowed from the file.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::problem::Place;

/// Nodes of one file, those repeated by aliases included: 100,000 entries have about 4 million, and
/// an alias bomb has to end somewhere.
const MAX_NODES: usize = 10_000_000;
/// Nesting of one document; the deepest field of a catalog is at 7.
const MAX_DEPTH: usize = 32;
/// Mappings with more names than this are searched for duplicates by hash.
const FEW_NAMES: usize = 32;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A scalar without quotes: a word, a number, nothing.
    Plain,
    /// A scalar that is text whatever it looks like.
    Quoted,
    Sequence,
    /// Its children are names and values by turns.
    Mapping,
}

/// One node.
#[derive(Debug, Clone)]
pub struct Slot<'t> {
    pub kind: Kind,
    /// Taken out because it was wrong, so that the rest can be read.
    pub dead: bool,
    /// The number of slots of the whole subtree, this one included.
    pub size: u32,
    pub place: Place,
    pub text: Cow<'t, str>,
}

/// A mistake in the YAML itself, after which nothing of the file can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub message: String,
}

impl Fault {
    fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

/// Composes the nodes of one file.
pub struct Composer<'t> {
    parser: Parser<'t, StrInput<'t>>,
    nodes: usize,
    anchors: HashMap<usize, Vec<Slot<'t>>>,
    /// A name given twice in one mapping: reported, the first one kept.
    pub duplicates: Vec<Fault>,
}

impl<'t> Composer<'t> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { parser: Parser::new_from_str(text), nodes: 0, anchors: HashMap::new(), duplicates: Vec::new() }
    }

    /// The next event, comments left out; nothing at the end.
    ///
    /// # Errors
    /// Where the text is not YAML.
    pub fn next_event(&mut self) -> Result<Option<(Event<'t>, Place)>, Fault> {
        loop {
            let Some(next) = self.parser.next_event() else { return Ok(None) };
            let (event, span) = next.map_err(|error| {
                let mark = error.marker();
                Fault::new(place_at(mark.line(), mark.col()), format!("this is not YAML: {}", error.info()))
            })?;
            if !matches!(event, Event::Comment(..)) {
                return Ok(Some((event, place(&span))));
            }
        }
    }

    /// The next event where the document cannot end.
    ///
    /// # Errors
    /// Where the text is not YAML.
    pub fn expect(&mut self) -> Result<(Event<'t>, Place), Fault> {
        let end = || Fault::new(Place::default(), "the file ends in the middle; was it cut off?");
        self.next_event()?.ok_or_else(end)
    }

    /// Composes the node that begins with `first`, replacing what is on the tape.
    ///
    /// # Errors
    /// Where the text is not YAML, or beyond a bound.
    pub fn compose(&mut self, first: (Event<'t>, Place), tape: &mut Vec<Slot<'t>>) -> Result<(), Fault> {
        tape.clear();
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut next = first;
        loop {
            self.take(next, tape, &mut open)?;
            if open.is_empty() {
                return Ok(());
            }
            next = self.expect()?;
        }
    }

    /// Adds one event to the tape; `open` are the collections that have begun, with their anchors.
    fn take(
        &mut self,
        (event, place): (Event<'t>, Place),
        tape: &mut Vec<Slot<'t>>,
        open: &mut Vec<(usize, usize)>,
    ) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let kind = if style == ScalarStyle::Plain { Kind::Plain } else { Kind::Quoted };
                self.begin(tape, kind, text, place)?;
                let scalar = tape.len().saturating_sub(1);
                self.end(tape, scalar, anchor);
            }
            Event::SequenceStart(_, anchor, _) => {
                open.push((tape.len(), anchor));
                self.begin(tape, Kind::Sequence, Cow::Borrowed(""), place)?;
            }
            Event::MappingStart(_, anchor, _) => {
                open.push((tape.len(), anchor));
                self.begin(tape, Kind::Mapping, Cow::Borrowed(""), place)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((start, anchor)) = open.pop() {
                    self.end(tape, start, anchor);
                }
            }
            Event::Alias(anchor) => self.repeat(tape, anchor, place)?,
            _ => return Err(Fault::new(place, "this is not a value; was the file cut off?")),
        }
        if open.len() > MAX_DEPTH {
            return Err(Fault::new(place, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        tape: &mut Vec<Slot<'t>>,
        kind: Kind,
        text: Cow<'t, str>,
        place: Place,
    ) -> Result<(), Fault> {
        self.count(1, place)?;
        tape.push(Slot { kind, dead: false, size: 1, place, text });
        Ok(())
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Fault::new(place, format!("more than {MAX_NODES} values in one file; split it")));
        }
        Ok(())
    }

    /// Closes the node at `start`, which is the last one.
    fn end(&mut self, tape: &mut [Slot<'t>], start: usize, anchor: usize) {
        let size = tape.len().saturating_sub(start);
        let Some(node) = tape.get_mut(start..) else { return };
        if let Some(head) = node.first_mut() {
            head.size = u32::try_from(size).unwrap_or(u32::MAX);
            if head.kind == Kind::Mapping {
                self.find_duplicates(node);
            }
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.to_vec());
        }
    }

    fn repeat(&mut self, tape: &mut Vec<Slot<'t>>, anchor: usize, place: Place) -> Result<(), Fault> {
        let size = self.anchors.get(&anchor).map_or(0, Vec::len);
        self.count(size, place)?;
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Fault::new(place, "this alias stands inside the value that it repeats"));
        };
        tape.extend_from_slice(node);
        Ok(())
    }

    /// Marks the second of two equal names of a mapping as dead and remembers it.
    fn find_duplicates(&mut self, mapping: &mut [Slot<'t>]) {
        let mut names: Vec<(usize, Cow<'t, str>, Place)> = Vec::new();
        let mut seen: HashSet<Cow<'t, str>> = HashSet::new();
        let mut dead = Vec::new();
        for (name, _) in pairs(mapping, 0) {
            let Some(slot) = mapping.get(name) else { continue };
            let known = if names.len() > FEW_NAMES {
                if seen.is_empty() {
                    seen.extend(names.iter().map(|(_, text, _)| text.clone()));
                }
                !seen.insert(slot.text.clone())
            } else {
                names.iter().any(|(_, text, _)| *text == slot.text)
            };
            if known {
                dead.push(name);
                let message = format!("`{}` is given twice; keep one", slot.text);
                self.duplicates.push(Fault::new(slot.place, message));
            } else {
                names.push((name, slot.text.clone(), slot.place));
            }
        }
        for name in dead {
            if let Some(slot) = mapping.get_mut(name) {
                slot.dead = true;
            }
        }
    }
}

/// How YAML writes nothing, without quotes.
pub fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The living children of the collection at `at`, as indices into the tape.
pub fn children<'a>(tape: &'a [Slot<'_>], at: usize) -> impl Iterator<Item = usize> + 'a {
    let end = at + tape.get(at).map_or(0, |slot| slot.size as usize);
    let mut next = at + 1;
    std::iter::from_fn(move || {
        while next < end {
            let child = next;
            let slot = tape.get(child)?;
            next += slot.size as usize;
            if !slot.dead {
                return Some(child);
            }
        }
        None
    })
}

/// The living pairs of the mapping at `at`: (name, value).
pub fn pairs<'a>(tape: &'a [Slot<'_>], at: usize) -> impl Iterator<Item = (usize, usize)> + 'a {
    let end = at + tape.get(at).map_or(0, |slot| slot.size as usize);
    let mut next = at + 1;
    std::iter::from_fn(move || {
        while next < end {
            let name = next;
            let slot = tape.get(name)?;
            let value = name + slot.size as usize;
            next = value + tape.get(value)?.size as usize;
            if !slot.dead {
                return Some((name, value));
            }
        }
        None
    })
}

/// Takes the node at `wrong` out of the tree: its pair, or itself from a sequence. False for the root.
pub fn kill(tape: &mut [Slot<'_>], wrong: usize) -> bool {
    let mut at = 0;
    while at != wrong {
        let holds = |start: usize| {
            let size = tape.get(start).map_or(0, |slot| slot.size as usize);
            (start..start + size).contains(&wrong)
        };
        let is_mapping = tape.get(at).is_some_and(|slot| slot.kind == Kind::Mapping);
        let (victim, inside) = if is_mapping {
            let Some((name, value)) = pairs(tape, at).find(|(name, value)| holds(*name) || holds(*value))
            else {
                return false;
            };
            (name, value)
        } else {
            let Some(child) = children(tape, at).find(|child| holds(*child)) else { return false };
            (child, child)
        };
        if inside == wrong || victim == wrong {
            return tape.get_mut(victim).map(|slot| slot.dead = true).is_some();
        }
        at = inside;
    }
    false
}

fn place(span: &Span) -> Place {
    place_at(span.start.line(), span.start.col())
}

fn place_at(line: usize, column_from_zero: usize) -> Place {
    Place {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column_from_zero + 1).unwrap_or(u32::MAX),
    }
}
