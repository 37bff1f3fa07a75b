//! From a place within a YAML scalar's value to the place in the file.
//!
//! Block, folded and quoted scalars change white space and quotes on the way from file to value;
//! everything else stays in order, so the two texts are walked side by side.

/// The place, line and column from 1, of the character at (`line`, `column`) of `value`, which
/// `source` spells from byte `start` on. The scalar's own place where they cannot be matched.
pub fn in_file(source: &str, start: usize, value: &str, line: usize, column: usize) -> (usize, usize) {
    let wanted = index_of(value, line, column);
    let byte = find(source, start, value, wanted).unwrap_or(start);
    place_of(source, byte)
}

/// The line and column, from 1, of a byte of `source`.
pub fn place_of(source: &str, byte: usize) -> (usize, usize) {
    let before = source.get(..byte).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The index, in characters, of (`line`, `column`) in `value`.
fn index_of(value: &str, line: usize, column: usize) -> usize {
    let before: usize =
        value.split('\n').take(line.saturating_sub(1)).map(|text| text.chars().count() + 1).sum();
    before + column.saturating_sub(1)
}

/// The byte in `source` that spells the character of `value` at `wanted`, or the end of the scalar.
fn find(source: &str, start: usize, value: &str, wanted: usize) -> Option<usize> {
    let mut letters = source.get(start..)?.char_indices().peekable();
    skip_header(&mut letters);
    let mut last = start;
    for character in value.chars().take(wanted + 1) {
        if character.is_whitespace() {
            continue; // its file position is anywhere before the next letter
        }
        // quotes, escapes and indentation of the file that are not in the value
        let (offset, _) = letters.find(|(_, letter)| *letter == character)?;
        last = start + offset;
    }
    let end = index_past(value, wanted);
    Some(if end { last + source.get(last..)?.chars().next().map_or(0, char::len_utf8) } else { last })
}

/// Whether the wanted character is white space or the end, so that the place is after the last letter.
fn index_past(value: &str, wanted: usize) -> bool {
    value.chars().nth(wanted).is_none_or(char::is_whitespace)
}

/// A block scalar's `|-` or `>+2` with its comment is not part of the value.
fn skip_header(letters: &mut std::iter::Peekable<std::str::CharIndices<'_>>) {
    if letters.peek().is_some_and(|(_, letter)| matches!(letter, '|' | '>')) {
        letters.find(|(_, letter)| *letter == '\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(source: &str, value: &str, line: usize, column: usize) -> (usize, usize) {
        let start = source.find(": ").unwrap() + 2;
        in_file(source, start, value, line, column)
    }

    #[test]
    fn plain_and_quoted_scalars_are_exact() {
        assert_eq!(place("match: verdit = 7", "verdit = 7", 1, 1), (1, 8));
        assert_eq!(place("match: verdit = 7", "verdit = 7", 1, 10), (1, 17));
        assert_eq!(place("a: 1\nmatch: x".split_at(5).1, "x", 1, 1), (1, 8));
        let quoted = "match: \"a = 'b' AND c\"";
        assert_eq!(place(quoted, "a = 'b' AND c", 1, 13), (1, 21));
        let single = "match: 'a = ''b'' AND c'";
        assert_eq!(place(single, "a = 'b' AND c", 1, 13), (1, 23));
    }

    #[test]
    fn block_and_folded_scalars_are_found_line_by_line() {
        let literal = "match: |-\n  a = 'b'\n  AND verdit = 'c'\n";
        assert_eq!(place(literal, "a = 'b'\nAND verdit = 'c'", 2, 5), (3, 7));
        let folded = "match: >-\n  a = 'b'\n  AND verdit = 'c'\n";
        assert_eq!(place(folded, "a = 'b' AND verdit = 'c'", 1, 13), (3, 7));
        assert_eq!(place(folded, "a = 'b' AND verdit = 'c'", 1, 40), (3, 19));
    }
}
