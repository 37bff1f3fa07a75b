//! Cuts a stream into lines of bounded length.

use std::mem;

/// Bytes of the longest line. The longest usual entries are lists of keys; of a longer line only
/// [`KEPT_OF_LONG`] are kept, as something to be refused.
pub const LONGEST_LINE: usize = 4 << 20;

/// Bytes that are kept of a line that is too long: enough to see what it was.
const KEPT_OF_LONG: usize = 4 << 10;

/// A stream being cut.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    /// In a line that is too long, of which the beginning was handed on.
    skipping: bool,
}

impl Lines {
    /// Takes the next bytes, and adds the lines that end in them to `lines`.
    pub fn push(&mut self, bytes: &[u8], lines: &mut Vec<Vec<u8>>) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            self.extend(line, lines);
            self.end(lines);
        }
        self.extend(rest, lines);
    }

    /// The stream is over: what is left is a line.
    pub fn finish(&mut self, lines: &mut Vec<Vec<u8>>) {
        self.end(lines);
    }

    fn extend(&mut self, bytes: &[u8], lines: &mut Vec<Vec<u8>>) {
        if self.skipping {
            return;
        }
        self.partial.extend_from_slice(bytes);
        if self.partial.len() > LONGEST_LINE {
            let mut line = mem::take(&mut self.partial);
            line.truncate(KEPT_OF_LONG);
            line.shrink_to_fit();
            lines.push(line);
            self.skipping = true;
        }
    }

    fn end(&mut self, lines: &mut Vec<Vec<u8>>) {
        self.skipping = false;
        if !self.partial.trim_ascii().is_empty() {
            lines.push(mem::take(&mut self.partial));
        }
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut cutter, mut lines) = (Lines::default(), Vec::new());
        parts.iter().for_each(|part| cutter.push(part, &mut lines));
        cutter.finish(&mut lines);
        lines
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = b"one\n\n  \ntwo\r\nthree";
        let whole = cut(&[text]);
        assert_eq!(whole, [b"one".to_vec(), b"two\r".to_vec(), b"three".to_vec()]);
        assert_eq!(cut(&text.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_beginning_is_kept_and_the_next_one_is_whole() {
        let long = vec![b'x'; LONGEST_LINE + 1];
        let lines = cut(&[b"a\n", &long, &long, b"x\nb\n"]);
        assert_eq!(lines, [b"a".to_vec(), vec![b'x'; KEPT_OF_LONG], b"b".to_vec()]);
    }
}
