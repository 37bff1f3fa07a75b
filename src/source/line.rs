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
    let (blocks, _) = line.as_chunks::<BLOCK>();
    let (shifted_blocks, shifted_rest) = line.get(1..).unwrap_or_default().as_chunks::<BLOCK>();
    let mut brackets = 0;
    let mut is_harmless = |(opened, meet): (u8, bool), block: &[u8], shifted: &[u8]| {
        brackets += usize::from(opened);
        brackets <= DEEPEST_NESTING && !(meet && values_meet(block, shifted))
    };
    let mut pairs = blocks.iter().zip(shifted_blocks);
    let rest = line.get(shifted_blocks.len() * BLOCK..).unwrap_or_default();
    pairs.all(|(block, shifted)| is_harmless(block_marks(block, shifted), block, shifted))
        && is_harmless(block_marks(&filled_up(rest), &filled_up(shifted_rest)), rest, shifted_rest)
}

/// The end of a line as a block of its own.
fn filled_up(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [HARMLESS; BLOCK];
    if let Some(begin) = block.get_mut(..rest.len()) {
        begin.copy_from_slice(rest);
    }
    block
}

/// How many brackets open in a block, and whether two values may meet in it.
///
/// Without a branch, of a known length and by itself: the compiler then makes vector code of it, a tenth of
/// the instructions of a loop over bytes.
#[inline(never)]
fn block_marks(block: &[u8; BLOCK], shifted: &[u8; BLOCK]) -> (u8, bool) {
    let mut opened = 0_u8;
    let mut after_ends = 0_u8;
    for (byte, next) in block.iter().zip(shifted) {
        opened += u8::from(byte & 0xDF == b'[');
        after_ends |= if *byte == b'}' { !next } else { 0 };
    }
    (opened, after_ends & HARMLESS != 0)
}

/// A bit that `,`, `}` and `]` have, and that `{` and white space have not.
const HARMLESS: u8 = 0x04;

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
    fn values_meet_wherever_they_stand() {
        for before in 0..140 {
            for gap in 0..6 {
                let text = format!("{{{}}}{}{{}}\n{{", "x".repeat(before), " ".repeat(gap));
                assert_eq!(look(text.as_bytes(), true), Line::Unsure, "{before} {gap}");
            }
        }
    }

    #[test]
    fn a_line_is_called_single_only_where_counting_byte_by_byte_says_so() {
        let alphabet = b"{}[]{}  \t,\"a:1}";
        let mut dice = 7_u64;
        let mut single = 0;
        for round in 0..20_000 {
            let line: Vec<u8> = std::iter::repeat_with(|| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let rare = dice >> 40 & 3 == 0;
                if rare { alphabet[(dice >> 33) as usize % alphabet.len()] } else { b'x' }
            })
            .take(round % 300)
            .collect();
            let opened = line.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
            let meet = (0..line.len()).any(|end| {
                let after = line[end + 1..].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
                line[end] == b'}' && after == Some(&b'{')
            });
            single += u32::from(is_single(&line));
            assert!(!is_single(&line) || !meet && opened <= DEEPEST_NESTING, "{line:?}");
        }
        assert!(single > 5_000, "{single}");
    }
}
