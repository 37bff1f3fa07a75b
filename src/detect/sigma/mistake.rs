//! What the parser of Sigma says, in our words and with a place.

use super::outline::{Outline, Part, Place};

/// What is wrong, in one line, and where.
pub fn told(message: &str, outline: &Outline, part: Part<'_>) -> (String, Place) {
    let condition = ["detection".to_owned(), "condition".to_owned()];
    if message.starts_with("Condition") {
        let reason = message.lines().find_map(|line| line.trim().strip_prefix("= "));
        let reason = reason.unwrap_or_else(|| first_line(message));
        return (format!("the condition cannot be read: {}", plain(reason)), outline.place(&condition));
    }
    if let Some(place) = yaml_place(message, part) {
        return (format!("this is not YAML: {}", first_line(message)), place);
    }
    let word = message.split('\'').nth(1).unwrap_or_default();
    if message.starts_with("Unknown modifier") {
        let place = outline.ending_with(&format!("|{word}")).unwrap_or_else(|| outline.place(&[]));
        return (format!("there is no modifier `{word}`"), place);
    }
    if message.starts_with("`not` is not") {
        return (
            first_line(message).to_owned(),
            outline.ending_with("|not").unwrap_or_else(|| outline.place(&[])),
        );
    }
    if message.starts_with("Missing required field") {
        return (format!("`{word}` is missing"), outline.place(&[]));
    }
    let section = ["correlation", "detection", "filter", "level", "status", "related"]
        .into_iter()
        .find(|section| message.to_lowercase().contains(section));
    let path: Vec<String> = section.into_iter().map(str::to_owned).collect();
    (first_line(message).to_owned(), outline.place(&path))
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default().trim()
}

/// The names of the parser's own rules, as people say them.
fn plain(reason: &str) -> String {
    let words = [
        ("EOI", "the end"),
        ("and_op", "`and`"),
        ("or_op", "`or`"),
        ("not_op", "`not`"),
        ("selector", "`1 of …`"),
        ("identifier", "a selection"),
        ("ident", "a selection"),
        ("expr", "a selection"),
    ];
    let mut plain = reason.to_owned();
    for (word, spoken) in words {
        plain = plain.replace(word, spoken);
    }
    match plain.contains('|') {
        true => format!("{plain}; counting with `|` is of Sigma 1: write a correlation"),
        false => plain,
    }
}

/// `… at line 3 column 7`
fn yaml_place(message: &str, part: Part<'_>) -> Option<Place> {
    if !message.contains("YAML") {
        return None;
    }
    let after = |word: &str| {
        let rest = message.split(word).nth(1)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    };
    let line = after(" line ")?;
    Some((part.lines_before + line, after(" column ").unwrap_or(1)))
}
