//! The content hash of a catalog: of what it says, not of how it is laid out.
//!
//! Each item is hashed with its section, names of a mapping in order; the catalog's hash is over the
//! sorted hashes of its items. So comments, layout, the order of entries and their spread over files do
//! not matter, and the order within a list does.

use sha2::{Digest, Sha256};

use super::yaml::tape::{Kind, Slot, children, pairs};

/// Digits that are shown: 48 bits tell the versions of one installation apart.
const SHOWN_DIGITS: usize = 12;

/// A catalog's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// All digits.
    pub fn full(&self) -> &str {
        &self.0
    }

    /// The digits shown to people.
    pub fn short(&self) -> &str {
        self.0.get(..SHOWN_DIGITS).unwrap_or(&self.0)
    }
}

/// Collects what a catalog says.
#[derive(Debug, Default)]
pub struct Content {
    items: Vec<[u8; 32]>,
}

impl Content {
    /// Adds one item of a section.
    pub fn add(&mut self, section: &str, tape: &[Slot<'_>]) {
        let mut hash = Sha256::new();
        text(&mut hash, section);
        node(&mut hash, tape, 0);
        self.items.push(hash.finalize().into());
    }

    /// The version of all items added.
    pub fn version(mut self) -> Version {
        self.items.sort_unstable();
        let mut hash = Sha256::new();
        for item in &self.items {
            hash.update(item);
        }
        let digits = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Version(digits)
    }
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

/// Hashes the node at `at`; nesting is bounded by the composer.
fn node(hash: &mut Sha256, tape: &[Slot<'_>], at: usize) {
    let Some(slot) = tape.get(at) else { return };
    match slot.kind {
        Kind::Plain | Kind::Quoted => {
            hash.update([0]);
            text(hash, &slot.text);
        }
        Kind::Sequence => {
            hash.update([1]);
            children(tape, at).for_each(|child| node(hash, tape, child));
            hash.update([3]);
        }
        Kind::Mapping => {
            hash.update([2]);
            let mut pairs: Vec<_> = pairs(tape, at).collect();
            pairs.sort_by_key(|(name, _)| tape.get(*name).map(|slot| &slot.text));
            for (name, value) in pairs {
                node(hash, tape, name);
                node(hash, tape, value);
            }
            hash.update([3]);
        }
    }
}
