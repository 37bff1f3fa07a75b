//! Patterns with `*` and `?`, as Sigma writes them.
//!
//! `*` is any text, `?` any one character; a backslash before one of them or before itself takes the
//! special meaning away, and stands for itself elsewhere. Case is ignored by comparing lower case.

use regex::Regex;

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// `*`
    Any,
    /// `?`
    One,
}

/// A pattern for a whole text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glob(pub Vec<Piece>);

impl Glob {
    /// Reads a pattern; every text is one.
    pub fn parse(pattern: &str) -> Self {
        let mut glob = Self::default();
        let mut letters = pattern.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '*' => glob.0.push(Piece::Any),
                '?' => glob.0.push(Piece::One),
                '\\' => match letters.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                    Some(escaped) => glob.push_letter(escaped),
                    None => glob.push_letter('\\'),
                },
                other => glob.push_letter(other),
            }
        }
        glob
    }

    /// A text in which nothing is special.
    pub fn plain(text: &str) -> Self {
        if text.is_empty() { Self::default() } else { Self(vec![Piece::Text(text.to_owned())]) }
    }

    fn push_letter(&mut self, letter: char) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.push(letter),
            _ => self.0.push(Piece::Text(letter.to_string())),
        }
    }

    /// The text, where nothing in it is special.
    pub fn as_plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether an empty text fits.
    pub fn takes_nothing(&self) -> bool {
        self.0.iter().all(|piece| *piece == Piece::Any)
    }

    /// The same in lower case.
    #[must_use]
    pub fn lower(&self) -> Self {
        let lower = |piece: &Piece| match piece {
            Piece::Text(text) => Piece::Text(text.to_lowercase()),
            other => other.clone(),
        };
        Self(self.0.iter().map(lower).collect())
    }

    /// The pattern as it is written; [`Self::parse`] gives it back.
    pub fn written(&self) -> String {
        let mut written = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Any => written.push('*'),
                Piece::One => written.push('?'),
                Piece::Text(text) => {
                    for letter in text.chars() {
                        if matches!(letter, '*' | '?' | '\\') {
                            written.push('\\');
                        }
                        written.push(letter);
                    }
                }
            }
        }
        written
    }

    /// The regular expression of the pattern, from the first to the last character.
    pub fn regex_text(&self) -> String {
        let part = |piece: &Piece| match piece {
            Piece::Any => ".*".to_owned(),
            Piece::One => ".".to_owned(),
            Piece::Text(text) => regex::escape(text),
        };
        format!("(?s)^{}$", self.0.iter().map(part).collect::<String>())
    }

    /// The pattern ready to match.
    ///
    /// # Errors
    /// Where it is too long for a regular expression.
    pub fn regex(&self) -> Result<Regex, regex::Error> {
        Regex::new(&self.regex_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_back_as_they_were_written() {
        for pattern in ["", "*", "a*b?c", r"a\*b", r"\\srv\?x", r"C:\Windows\*", "50%_"] {
            let glob = Glob::parse(pattern);
            assert_eq!(Glob::parse(&glob.written()), glob, "{pattern}");
        }
        assert_eq!(Glob::parse(r"C:\Windows").as_plain(), Some(r"C:\Windows"));
        assert_eq!(Glob::parse(r"a\*b").as_plain(), Some("a*b"));
    }

    #[test]
    fn a_pattern_is_for_the_whole_text() {
        let holds = |pattern: &str, text: &str| Glob::parse(pattern).regex().unwrap().is_match(text);
        assert!(holds("*:user/?ob*", "arn:aws:iam::1:user/bob\nx") && !holds("user", "user1"));
        assert!(holds("", "") && !holds("", "x") && holds("*", "") && holds(r"1\*", "1*"));
    }
}
