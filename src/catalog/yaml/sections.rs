//! Walks the top level of a file: each section's value, or each item of a list, one at a time.

use granit_parser::{Event, ScalarStyle};

use super::problem::Place;
use super::tape::{Composer, Fault, Slot, is_null};

/// Takes what a file holds.
pub trait Sections<'t> {
    /// Whether the section is a list whose items come one at a time.
    fn is_list(&self, name: &str) -> bool;

    /// A section's value, or one item of a list.
    fn section(&mut self, name: &str, place: Place, tape: &mut Vec<Slot<'t>>);

    /// A mistake of the file outside any value.
    fn mistake(&mut self, fault: Fault);
}

/// Walks `text`; a mistake in the YAML itself ends the walk and is reported like the others.
pub fn walk<'t>(text: &'t str, to: &mut dyn Sections<'t>) {
    let mut composer = Composer::new(text);
    if let Err(fault) = documents(&mut composer, to) {
        to.mistake(fault);
    }
    for fault in std::mem::take(&mut composer.duplicates) {
        to.mistake(fault);
    }
}

fn documents<'t>(composer: &mut Composer<'t>, to: &mut dyn Sections<'t>) -> Result<(), Fault> {
    while let Some((event, place)) = composer.next_event()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::MappingStart(..) => sections(composer, to)?,
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => {}
            _ => {
                let message = "a catalog is a mapping; begin with `version: 1` and `keys:`".to_owned();
                return Err(Fault { place, message });
            }
        }
    }
    Ok(())
}

fn sections<'t>(composer: &mut Composer<'t>, to: &mut dyn Sections<'t>) -> Result<(), Fault> {
    let mut tape = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    loop {
        let (name, place) = match composer.expect()? {
            (Event::MappingEnd, _) => return Ok(()),
            (Event::Scalar(name, ..), place) => (name, place),
            (_, place) => {
                let message = "a section's name is a word, as `keys:`".to_owned();
                return Err(Fault { place, message });
            }
        };
        if seen.iter().any(|known| *known == name) {
            let message = format!("the section `{name}` is given twice; put its items together");
            to.mistake(Fault { place, message });
        }
        seen.push(name.clone().into_owned());
        let first = composer.expect()?;
        match first.0 {
            Event::SequenceStart(_, 0, _) if to.is_list(&name) => {
                items(composer, to, &name, place, &mut tape)?;
            }
            // An empty section declares nothing.
            Event::Scalar(ref text, ScalarStyle::Plain, ..) if is_null(text) => {}
            _ if to.is_list(&name) => {
                composer.compose(first, &mut tape)?;
                let message = format!("`{name}` is a list, without an anchor; begin each item with `- `");
                to.mistake(Fault { place, message });
            }
            _ => {
                composer.compose(first, &mut tape)?;
                to.section(&name, place, &mut tape);
            }
        }
    }
}

fn items<'t>(
    composer: &mut Composer<'t>,
    to: &mut dyn Sections<'t>,
    name: &str,
    place: Place,
    tape: &mut Vec<Slot<'t>>,
) -> Result<(), Fault> {
    loop {
        let first = composer.expect()?;
        if matches!(first.0, Event::SequenceEnd) {
            return Ok(());
        }
        composer.compose(first, tape)?;
        to.section(name, place, tape);
    }
}
