//! Many globs at once: which entries declare a name by the matching globs of the longest literal prefix.
//!
//! Filed by what a name must begin and end with, so that 100,000 globs that differ at either end are not
//! tried one by one.

use std::collections::{BTreeMap, HashMap};

use super::document::scalars::Pattern;
use super::glob::{literal_prefix, literal_suffix};

/// A declared glob, and the entry that declares it.
type Claim = (Pattern, u32);

/// Texts of one length, and what is filed under each.
type ByText<T> = HashMap<Box<str>, T>;

/// By the length of a text, then by the text.
#[derive(Debug)]
struct ByLength<T>(BTreeMap<usize, ByText<T>>);

impl<T> Default for ByLength<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> ByLength<T> {
    fn entry(&mut self, text: &str) -> &mut T {
        self.0.entry(text.len()).or_default().entry(text.into()).or_default()
    }
}

/// Globs by literal prefix, then by literal suffix.
#[derive(Debug, Default)]
pub struct Globs(ByLength<ByLength<Vec<Claim>>>);

impl Globs {
    /// Adds a glob; gives the entry back that has declared the same glob before.
    pub fn add(&mut self, entry: u32, glob: &Pattern) -> Option<u32> {
        let alike = self.0.entry(literal_prefix(&glob.text)).entry(literal_suffix(&glob.text));
        let earlier = alike.iter().find(|(known, _)| known.text == glob.text).map(|(_, entry)| *entry);
        alike.push((glob.clone(), entry));
        earlier
    }

    /// The entries of the globs that match one of the names and have the longest literal prefix of those.
    pub fn longest<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<u32> {
        let names: Vec<&str> = names.collect();
        for (length, by_prefix) in self.0.0.iter().rev() {
            let mut found = Vec::new();
            for name in &names {
                let suffixes = name.get(..*length).and_then(|prefix| by_prefix.get(prefix));
                suffixes.into_iter().for_each(|suffixes| matching(suffixes, name, &mut found));
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

fn matching(suffixes: &ByLength<Vec<Claim>>, name: &str, found: &mut Vec<u32>) {
    for (length, by_suffix) in &suffixes.0 {
        let suffix = name.len().checked_sub(*length).and_then(|start| name.get(start..));
        let claims = suffix.and_then(|suffix| by_suffix.get(suffix)).into_iter().flatten();
        found.extend(claims.filter(|(glob, _)| glob.matches(name)).map(|(_, entry)| *entry));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::glob;
    use crate::catalog::yaml::Place;

    proptest! {
        #[test]
        fn finds_what_trying_every_glob_finds(
            patterns in prop::collection::vec("[ab]{0,2}[*?][ab*?]{0,3}", 1..12),
            name in "[ab]{0,6}",
        ) {
            let mut globs = Globs::default();
            for (entry, pattern) in patterns.iter().enumerate() {
                globs.add(entry as u32, &Pattern::new(pattern, Place::default()));
            }
            let fitting = || (0..).zip(&patterns).filter(|(_, pattern)| glob::matches(pattern, &name));
            let longest = fitting().map(|(_, pattern)| literal_prefix(pattern).len()).max();
            let expected: Vec<u32> = fitting()
                .filter(|(_, pattern)| Some(literal_prefix(pattern).len()) == longest)
                .map(|(entry, _)| entry)
                .collect();
            let mut found = globs.longest(std::iter::once(name.as_str()));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
