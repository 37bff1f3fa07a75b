//! Lists of patterns in which `*` stands for anything, `/` and `:` included, and `?` for one character.

use regex::Regex;

use crate::sql::glob::Glob;

/// Patterns of which one has to fit.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns(Vec<Regex>);

impl Patterns {
    /// Reads them.
    ///
    /// # Errors
    /// The pattern that is too long.
    pub fn parse(patterns: &[String]) -> Result<Self, String> {
        let read = |pattern: &String| {
            Glob::parse(pattern).regex().map_err(|_| format!("the pattern `{pattern}` is too long"))
        };
        Ok(Self(patterns.iter().map(read).collect::<Result<_, _>>()?))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one fits the text.
    pub fn fit(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(text))
    }

    /// Whether one fits one of the texts; the text.
    pub fn first<'t>(&self, texts: impl IntoIterator<Item = Option<&'t str>>) -> Option<&'t str> {
        texts.into_iter().flatten().find(|text| self.fit(text))
    }
}
