//! Replacements in a text, collected first and then made in one pass.

use std::borrow::Cow;
use std::ops::Range;

/// What is to be replaced in one text. Places do not overlap.
#[derive(Debug, Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// The bytes of `range` become `text`.
    pub fn replace(&mut self, range: Range<usize>, text: String) {
        self.0.push((range, text));
    }

    /// `original` with everything replaced; itself where nothing is.
    pub fn apply(mut self, original: &[u8]) -> Cow<'_, [u8]> {
        if self.0.is_empty() {
            return Cow::Borrowed(original);
        }
        self.0.sort_by_key(|(range, _)| range.start);
        let mut changed = Vec::with_capacity(original.len());
        let mut done = 0;
        for (range, text) in self.0 {
            if range.start < done {
                continue;
            }
            changed.extend_from_slice(original.get(done..range.start).unwrap_or_default());
            changed.extend_from_slice(text.as_bytes());
            done = range.end;
        }
        changed.extend_from_slice(original.get(done..).unwrap_or_default());
        Cow::Owned(changed)
    }
}
