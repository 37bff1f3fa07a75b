//! Text for a terminal: harmless, aligned, coloured only where asked.

pub use crate::domain::harmless::harmless;
use crate::domain::level::Level;

/// Longest cell of a table, in characters; more would push the other columns off the screen.
const WIDEST_CELL: usize = 80;

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
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| cell_of(cell)).collect()).collect();
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.max().unwrap_or(0).max(title.chars().count())
        })
        .collect();
    let mut text = String::new();
    push_line(&mut text, header.iter().map(|title| title.to_uppercase()), &widths);
    for row in rows {
        push_line(&mut text, row.into_iter(), &widths);
    }
    text
}

fn cell_of(cell: &str) -> String {
    let safe = harmless(cell);
    if safe.chars().count() <= WIDEST_CELL {
        return safe.into_owned();
    }
    safe.chars().take(WIDEST_CELL - 1).chain(['…']).collect()
}

fn push_line(text: &mut String, cells: impl Iterator<Item = String>, widths: &[usize]) {
    let mut line = String::new();
    for (cell, width) in cells.zip(widths) {
        line.push_str(&format!("{cell:<width$}  "));
    }
    text.push_str(line.trim_end());
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
}
