//! Tells by its ends whether a line is exactly one record, without walking over it.
//!
//! Outside strings, valid JSON has `}` before `{`, with nothing but white space between, only where one
//! top-level value ends and the next begins; and a string cannot hold a line break. So a line that begins
//! a value, ends in `}`, and is followed by a `{` or by the end, ends a value; and if no `}` and `{` meet
//! inside it, it holds one only. Where the line is no JSON after all, its normalizer refuses it, and no
//! neighbour is touched.

use memchr::memchr;
use memchr::memmem::Finder;

use super::limits::{DEEPEST_NESTING, LONGEST_BLANK, LONGEST_FAST_LINE};

/// What is known of a line by its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// One record of this many bytes.
    Record(usize),
    /// To be walked over.
    Unsure,
    /// More bytes decide. Never depends on how many there happen to be.
    More,
}

/// Where the line breaks are, as far as they were looked for: no byte is looked at twice, however many
/// values are on one line.
#[derive(Debug, Default)]
pub(super) struct LineBreaks {
    /// No line break lies between what was asked for last and this offset.
    none_before: u64,
    /// Whether one lies at it.
    found: bool,
}

impl LineBreaks {
    /// The place of the first line break in `text`, which begins at `offset`. To be asked for offsets
    /// that grow.
    pub(super) fn first(&mut self, text: &[u8], offset: u64) -> Option<usize> {
        if !self.found || self.none_before < offset {
            let known = self.none_before.saturating_sub(offset);
            let known = usize::try_from(known).unwrap_or(usize::MAX).min(text.len());
            let found = memchr(b'\n', text.get(known..).unwrap_or_default());
            self.none_before = offset + found.map_or(text.len(), |place| known + place) as u64;
            self.found = found.is_some();
        }
        let place = usize::try_from(self.none_before.saturating_sub(offset)).ok()?;
        (self.found && place < text.len()).then_some(place)
    }
}

/// Looks at the line that `text` begins with, at `offset`; `ended` when the stream ends with `text`.
pub(super) fn look(text: &[u8], offset: u64, ended: bool, breaks: &mut LineBreaks) -> Line {
    let window = text.get(..LONGEST_FAST_LINE).unwrap_or(text);
    let Some(end) = breaks.first(window, offset) else {
        return if ended || window.len() == LONGEST_FAST_LINE { Line::Unsure } else { Line::More };
    };
    let line = window.get(..end).unwrap_or_default().trim_ascii_end();
    if line.last() != Some(&b'}') {
        return Line::Unsure;
    }
    let after = text.get(end + 1..).unwrap_or_default();
    let after = after.get(..LONGEST_BLANK).unwrap_or(after);
    match after.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(_) => return Line::Unsure,
        None if after.len() == LONGEST_BLANK => return Line::Unsure,
        None if !ended => return Line::More,
        None => {}
    }
    if is_single(line) { Line::Record(line.len()) } else { Line::Unsure }
}

/// The record that all of `text` is, white space after it aside, where that is certain by its ends.
pub(super) fn whole(text: &[u8]) -> Option<&[u8]> {
    let line = text.trim_ascii_end();
    let ends = line.first() == Some(&b'{') && line.last() == Some(&b'}');
    let short = line.len() <= LONGEST_FAST_LINE && memchr(b'\n', line).is_none();
    (ends && short && is_single(line)).then_some(line)
}

/// Finds the beginning of a second record on a line: a writer that died in the middle of a record and was
/// started again leaves such lines.
pub(super) struct SecondRecord {
    cloudtrail: Finder<'static>,
    vault: Finder<'static>,
}

impl SecondRecord {
    pub(super) fn new() -> Self {
        Self { cloudtrail: Finder::new(b"{\"eventVersion\":"), vault: Finder::new(b"{\"time\":\"") }
    }

    /// Whether a record that begins like this line may begin again inside it.
    pub(super) fn is_in(&self, line: &[u8]) -> bool {
        let rest = line.get(1..).unwrap_or_default();
        let begins = |finder: &Finder<'_>| line.starts_with(finder.needle()) && finder.find(rest).is_some();
        begins(&self.cloudtrail) || begins(&self.vault)
    }
}

/// Bytes looked at together: few enough that their brackets can be counted in a byte.
const BLOCK: usize = 128;

/// Whether a line cannot hold two values and cannot nest too deep. Sure when it says yes.
fn is_single(line: &[u8]) -> bool {
    let next = line.get(1..).unwrap_or_default();
    let mut brackets = 0;
    for (block, shifted) in line.chunks(BLOCK).zip(next.chunks(BLOCK)) {
        let (opened, meet) = block_marks(block, shifted);
        brackets += usize::from(opened);
        if brackets > DEEPEST_NESTING || meet && values_meet(block, shifted) {
            return false;
        }
    }
    true
}

/// How many brackets open in a block, and whether two values may meet in it. Without a branch, so that
/// the compiler makes vector code of it.
fn block_marks(block: &[u8], shifted: &[u8]) -> (u8, bool) {
    let mut opened = 0_u8;
    let mut meet = 0_u8;
    for (byte, next) in block.iter().zip(shifted) {
        opened += u8::from(byte & 0xDF == b'[');
        let ends = u8::from(*byte == b'}');
        meet |= ends & (u8::from(*next == b'{') | u8::from(*next == b' ') | u8::from(*next == b'\t'));
    }
    (opened, meet != 0)
}

/// A closer look at a block where they may: `}` and white space are common where JSON is laid out.
fn values_meet(block: &[u8], shifted: &[u8]) -> bool {
    let pairs = block.iter().zip(shifted).enumerate();
    let mut ends = pairs.filter(|(_, (byte, _))| **byte == b'}').map(|(place, _)| place);
    ends.any(|place| {
        let after = shifted.get(place..).unwrap_or_default();
        match after.iter().find(|byte| !matches!(byte, b' ' | b'\t')) {
            Some(byte) => *byte == b'{',
            None => !after.is_empty(), // white space up to the block's end: not sure
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &[u8], ended: bool) -> Line {
        super::look(text, 0, ended, &mut LineBreaks::default())
    }

    #[test]
    fn line_breaks_are_found_once_whatever_is_asked_for() {
        let text = b"ab\ncdef\n\ng";
        for step in 1..4 {
            let mut breaks = LineBreaks::default();
            for offset in (0..text.len()).step_by(step) {
                for end in offset..=text.len() {
                    let expected = memchr(b'\n', &text[offset..end]);
                    assert_eq!(breaks.first(&text[offset..end], offset as u64), expected, "{offset} {end}");
                }
            }
        }
    }

    #[test]
    fn a_line_between_two_others_is_one_record() {
        assert_eq!(look(b"{\"a\":1}\n{\"b\":2}\n", false), Line::Record(7));
        assert_eq!(look(b"{\"a\":1} \r\n\r\n {\"b\"", false), Line::Record(7));
        assert_eq!(look(b"{\"a\":1}\n", true), Line::Record(7));
    }

    #[test]
    fn a_line_whose_end_or_follower_is_not_there_yet_waits() {
        assert_eq!(look(b"{\"a\":1}", false), Line::More);
        assert_eq!(look(b"{\"a\":1}\n", false), Line::More);
        assert_eq!(look(b"{\"a\":1}\n \n", false), Line::More);
    }

    #[test]
    fn a_line_that_may_be_more_or_less_than_one_record_is_walked() {
        for text in [
            "{\"a\":{\"b\":1}\n,\"c\":2}\n",
            "{\"a\":1\n}\n",
            "{\"a\":1}{\"b\":2}\n{",
            "{\"a\":1} \t {\"b\":2}\n{",
            "{\"a\":1}\nnoise\n",
            "{\"a\":1",
        ] {
            assert_eq!(look(text.as_bytes(), true), Line::Unsure, "{text}");
        }
        let deep = format!("{}1{}\n", "{\"a\":".repeat(200), "}".repeat(200));
        assert_eq!(look(deep.as_bytes(), true), Line::Unsure);
    }

    #[test]
    fn values_meet_across_the_border_of_two_blocks() {
        for before in BLOCK - 8..BLOCK + 8 {
            for gap in 0..6 {
                let text = format!("{{{}}}{}{{}}\n{{", "x".repeat(before), " ".repeat(gap));
                assert_eq!(look(text.as_bytes(), true), Line::Unsure, "{before} {gap}");
            }
        }
    }
}
