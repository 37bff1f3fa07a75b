//! Text for a terminal: harmless, aligned, coloured only where asked.

use std::borrow::Cow;

pub use crate::domain::harmless::harmless;
use crate::domain::level::Level;

/// Longest cell of a table, in characters; more would push the other columns off the screen.
const WIDEST_CELL: usize = 80;

/// Spaces between two columns.
const GAP: usize = 2;

/// Whether to colour, decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colours(pub bool);

impl Colours {
    /// The level, in its colour.
    pub fn level(self, level: Level) -> String {
        let code = match level {
            Level::Critical => "1;31",
            Level::High => "31",
            Level::Medium => "33",
            Level::Low => "36",
            Level::Informational => "2",
        };
        self.paint(level.as_str(), code)
    }

    /// Bold text.
    pub fn bold(self, text: &str) -> String {
        self.paint(text, "1")
    }

    /// Faint text.
    pub fn faint(self, text: &str) -> String {
        self.paint(text, "2")
    }

    fn paint(self, text: &str, code: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Lays rows out in aligned columns under a header, each cell harmless and no wider than a screen bears.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    aligned(header, rows.iter().map(|row| row.iter().map(String::as_str)))
}

/// As [`table`], of rows that lie somewhere else.
pub fn aligned<'c, R>(header: &[&str], rows: impl Iterator<Item = R> + Clone) -> String
where
    R: Iterator<Item = &'c str>,
{
    let mut widths: Vec<usize> = header.iter().map(|title| width_of(title)).collect();
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = width_of(&shown(cell)).max(*width);
        }
    }
    let mut text = String::new();
    push_line(&mut text, header.iter().map(|title| title.to_uppercase().into()), &widths);
    for row in rows {
        push_line(&mut text, row.map(shown), &widths);
    }
    text
}

fn width_of(cell: &str) -> usize {
    if cell.is_ascii() { cell.len() } else { cell.chars().count() }
}

fn shown(cell: &str) -> Cow<'_, str> {
    let safe = harmless(cell);
    if width_of(&safe) <= WIDEST_CELL {
        return safe;
    }
    safe.chars().take(WIDEST_CELL - 1).chain(['…']).collect()
}

fn push_line<'c>(text: &mut String, cells: impl Iterator<Item = Cow<'c, str>>, widths: &[usize]) {
    let start = text.len();
    for (cell, width) in cells.zip(widths) {
        text.push_str(&cell);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(width_of(&cell)) + GAP));
    }
    let line = text.get(start..).unwrap_or_default().trim_end().len();
    text.truncate(start + line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = vec![vec!["a".to_owned(), "long cell".to_owned()], vec!["bbb".to_owned(), "c".to_owned()]];
        assert_eq!(table(&["x", "why"], &rows), "X    WHY\na    long cell\nbbb  c\n");
    }

    #[test]
    fn columns_are_as_wide_as_their_cells_look_and_an_empty_end_leaves_nothing() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let wide = "é".repeat(WIDEST_CELL + 1);
        let rows = [row(["a\u{1b}", "é", ""]), row(["", "", ""]), row(["b", &wide, "c"])];
        let cut = "é".repeat(WIDEST_CELL - 1) + "…";
        let space = " ".repeat(WIDEST_CELL - 1);
        let expected = format!("X        Y{space}  Z\na\\u{{1b}}  é\n\nb        {cut}  c\n");
        assert_eq!(table(&["x", "y", "z"], &rows), expected);
    }
}
