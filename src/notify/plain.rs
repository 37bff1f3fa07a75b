//! Text that others wrote, made harmless for wherever it is shown.
//!
//! What event content may be, an attacker chose. For people it is shown without anything that acts: no control
//! characters, no marks that turn the reading direction, no live links, no formula when it is pasted into a
//! spreadsheet. What a channel's own markup would act on is escaped by [`Escape`].

use std::fmt;

use crate::domain::harmless::{harmless, steers};

/// Characters that make a formula of a cell that begins with them.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// How a text is written so that a format takes it as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Plain text.
    None,
    /// HTML, in text and in quoted attributes.
    Html,
    /// Slack: `&`, `<` and `>` alone begin anything.
    Slack,
    /// For a reader of whom it is not known whether it takes HTML or Markdown: what would act is exchanged
    /// for what looks alike.
    Neutral,
}

impl Escape {
    /// The name that templates know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Html => "html",
            Self::Slack => "slack",
            Self::Neutral => "neutral",
        }
    }

    /// The escape with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::None, Self::Html, Self::Slack, Self::Neutral].into_iter().find(|escape| escape.name() == name)
    }

    /// The text as this format has it.
    pub fn apply(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 8);
        // Writing into a string never fails.
        let _ = self.write(text, &mut out);
        out
    }

    /// Writes the text as this format has it.
    ///
    /// # Errors
    /// Where `out` takes no more.
    pub fn write(self, text: &str, out: &mut dyn fmt::Write) -> fmt::Result {
        for character in text.chars() {
            match self.entity(character) {
                Some(entity) => out.write_str(entity)?,
                None => out.write_char(character)?,
            }
        }
        Ok(())
    }

    const fn entity(self, character: char) -> Option<&'static str> {
        match (self, character) {
            (Self::Html | Self::Slack, '&') => Some("&amp;"),
            (Self::Html | Self::Slack, '<') => Some("&lt;"),
            (Self::Html | Self::Slack, '>') => Some("&gt;"),
            (Self::Html, '"') => Some("&quot;"),
            (Self::Html, '\'') => Some("&#x27;"),
            (Self::Neutral, '<') => Some("\u{2039}"),
            (Self::Neutral, '>') => Some("\u{203a}"),
            (Self::Neutral, '[') => Some("\u{27e6}"),
            (Self::Neutral, ']') => Some("\u{27e7}"),
            (Self::Neutral, '`') => Some("\u{2032}"),
            (Self::Neutral, '*') => Some("\u{2217}"),
            (Self::Neutral, '&') => Some("\u{ff06}"),
            _ => None,
        }
    }
}

/// At most so many characters of a text, in one line, without anything that acts by itself.
pub fn plain(text: &str, most: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(most * 4));
    let visible = harmless(text);
    if visible.starts_with(FORMULA) {
        clean.push('\'');
    }
    let mut letters = visible.chars();
    clean.extend(letters.by_ref().take(most));
    if letters.next().is_some() {
        clean.push('…');
    }
    without_links(clean)
}

/// At most so many characters of a text of ours that holds text of others, line by line.
pub fn bounded(text: &str, most: usize) -> String {
    let kept = text.trim_end().chars().filter(|letter| *letter == '\n' || !steers(*letter));
    let mut short: String = kept.clone().take(most).collect();
    if kept.count() > most {
        short.push('…');
    }
    short
}

/// Web addresses are made visible and dead: programs that show text make links of them unasked.
fn without_links(text: String) -> String {
    const WEB: [&str; 3] = ["http", "https", "ftp"];
    if !text.contains("://") {
        return text;
    }
    let mut dead = String::with_capacity(text.len() + 8);
    let mut parts = text.split("://").peekable();
    while let Some(part) = parts.next() {
        dead.push_str(part);
        if parts.peek().is_some() {
            let letters = part.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
            let scheme = part.get(part.len() - letters..).unwrap_or_default();
            let is_web = WEB.iter().any(|web| scheme.eq_ignore_ascii_case(web));
            dead.push_str(if is_web { "[:]//" } else { "://" });
        }
    }
    dead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_plain_text_acts_by_itself() {
        assert_eq!(plain("=cmd|' /C calc'!A0", 99), "'=cmd|' /C calc'!A0");
        assert_eq!(plain("a\r\nBcc: b@example.com", 99), "a\\u{d}\\u{a}Bcc: b@example.com");
        assert_eq!(plain("\u{1b}[2J\u{202e}", 99), "\\u{1b}[2J\\u{202e}");
        assert_eq!(
            plain("see HTTPS://evil.example, spiffe://a/b", 99),
            "see HTTPS[:]//evil.example, spiffe://a/b"
        );
        assert_eq!(plain("größer", 3), "grö…");
        assert_eq!(plain("arn:aws:kms:eu-1:1:key/a", 99), "arn:aws:kms:eu-1:1:key/a");
    }

    #[test]
    fn each_format_gets_its_own_escapes() {
        assert_eq!(Escape::Html.apply("<a href='x'>\"&"), "&lt;a href=&#x27;x&#x27;&gt;&quot;&amp;");
        assert_eq!(Escape::Slack.apply("<!channel> & 'x'"), "&lt;!channel&gt; &amp; 'x'");
        assert_eq!(Escape::Neutral.apply("[x](y) <b> `c`"), "⟦x⟧(y) ‹b› ′c′");
        assert_eq!(Escape::None.apply("<&>"), "<&>");
        assert!([Escape::None, Escape::Html].iter().all(|one| Escape::named(one.name()) == Some(*one)));
    }

    #[test]
    fn a_bounded_text_keeps_its_lines_and_says_that_it_goes_on() {
        assert_eq!(bounded("a\nb\u{7}c\n", 99), "a\nbc");
        assert_eq!(bounded("abcd", 3), "abc…");
    }
}
