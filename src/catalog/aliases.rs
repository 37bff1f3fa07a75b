//! Which key an alias pointed at and which tags a key had, and when: dated facts from the logs.
//!
//! In: facts, in any order. Out: answers as of a time, which use no fact from after it, so that a scan
//! judges an event as the live stream did.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::dated::Dated;

/// The facts that are known of aliases and tags.
#[derive(Debug, Clone, Default)]
pub struct AliasBook {
    /// By alias.
    facts: HashMap<Arc<str>, Dated>,
    /// The aliases that have ever pointed at a key.
    aliases: HashMap<Arc<str>, Vec<Arc<str>>>,
    /// By key, then by the tag's name.
    tags: HashMap<Arc<str>, BTreeMap<Arc<str>, Dated>>,
}

impl AliasBook {
    /// Learns that from `at` on (microseconds since the epoch) `alias` pointed at `key`, or at nothing. As
    /// with all that is learnt, repeating and reordering change nothing.
    pub fn learn(&mut self, at: i64, alias: &str, key: Option<&str>) {
        let key: Option<Arc<str>> = key.map(|key| self.known_key(key));
        let alias =
            self.facts.get_key_value(alias).map_or_else(|| alias.into(), |(known, _)| Arc::clone(known));
        if let Some(key) = &key {
            let aliases = self.aliases.entry(Arc::clone(key)).or_default();
            if !aliases.contains(&alias) {
                aliases.push(Arc::clone(&alias));
                aliases.sort_unstable();
            }
        }
        self.facts.entry(alias).or_default().learn(at, key);
    }

    /// Learns that from `at` on `key` had the tag `name` with this value, or had it no more.
    pub fn learn_tag(&mut self, at: i64, key: &str, name: &str, value: Option<&str>) {
        let key = self.known_key(key);
        let tags = self.tags.entry(key).or_default();
        if !tags.contains_key(name) {
            tags.insert(name.into(), Dated::default());
        }
        if let Some(tag) = tags.get_mut(name) {
            tag.learn(at, value.map(Arc::from));
        }
    }

    /// The value of a tag of `key`, at the time `at`.
    pub fn tag_of(&self, key: &str, name: &str, at: i64) -> Option<&str> {
        self.tags.get(key)?.get(name)?.at(at)
    }

    fn known_key(&self, key: &str) -> Arc<str> {
        self.aliases.get_key_value(key).map_or_else(|| key.into(), |(known, _)| Arc::clone(known))
    }

    /// The key that `alias` pointed at, at the time `at`.
    pub fn key_of(&self, alias: &str, at: i64) -> Option<&str> {
        self.facts.get(alias)?.at(at)
    }

    /// The first key that `alias` is known to have pointed at, of those before or at the time `at`: the
    /// key that a declaration of the alias stands for.
    pub fn first_key(&self, alias: &str, at: i64) -> Option<&str> {
        self.facts.get(alias)?.first(at)
    }

    /// The aliases that pointed at `key` at the time `at`, in order of name.
    pub fn aliases_of(&self, key: &str, at: i64) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.get(key).map_or(&[][..], Vec::as_slice);
        let key: Box<str> = key.into();
        aliases.iter().map(AsRef::as_ref).filter(move |alias| self.key_of(alias, at) == Some(&*key))
    }

    /// Whether nothing about `key` changed in (`from`, `to`], so that one answer holds for all of it.
    pub fn is_settled(&self, key: &str, from: i64, to: i64) -> bool {
        let aliases = self.aliases.get(key).map_or(&[][..], Vec::as_slice);
        aliases.iter().all(|alias| self.is_alias_settled(alias, from, to))
            && self.tags.get(key).is_none_or(|tags| tags.values().all(|tag| tag.is_settled(from, to)))
    }

    /// Whether `alias` did not change in (`from`, `to`].
    pub fn is_alias_settled(&self, alias: &str, from: i64, to: i64) -> bool {
        self.facts.get(alias).is_none_or(|facts| facts.is_settled(from, to))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.tags.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIAS: &str = "arn:aws:kms:eu-west-1:1:alias/app";

    #[test]
    fn an_alias_is_resolved_as_of_the_time_asked() {
        let mut book = AliasBook::default();
        book.learn(20, ALIAS, Some("new"));
        book.learn(10, ALIAS, Some("old"));
        book.learn(30, ALIAS, None);
        assert_eq!(book.key_of(ALIAS, 9), None);
        assert_eq!(book.key_of(ALIAS, 10), Some("old"));
        assert_eq!(book.key_of(ALIAS, 25), Some("new"));
        assert_eq!(book.key_of(ALIAS, 30), None);
        assert_eq!(book.first_key(ALIAS, 25), Some("old"));
        assert_eq!(book.aliases_of("old", 15).collect::<Vec<_>>(), [ALIAS]);
        assert_eq!(book.aliases_of("old", 25).count(), 0);
    }

    #[test]
    fn repeated_facts_are_one_and_the_earliest_counts() {
        let mut book = AliasBook::default();
        for at in [30, 10, 20, 40] {
            book.learn(at, ALIAS, Some("key"));
        }
        assert_eq!(book.facts[ALIAS].len(), 1);
        assert_eq!(book.key_of(ALIAS, 10), Some("key"));
        assert!(book.is_settled("key", 10, 100));
        assert!(!book.is_settled("key", 5, 100));
    }

    #[test]
    fn a_tag_is_known_as_of_the_time_asked_and_settles_its_key() {
        let mut book = AliasBook::default();
        book.learn_tag(20, "key", "data", Some("customer"));
        book.learn_tag(10, "key", "data", Some("test"));
        book.learn_tag(30, "key", "data", None);
        let at = |at| book.tag_of("key", "data", at);
        assert_eq!([9, 10, 25, 30].map(at), [None, Some("test"), Some("customer"), None]);
        assert_eq!((book.tag_of("key", "other", 25), book.tag_of("another", "data", 25)), (None, None));
        assert!(book.is_settled("key", 20, 29) && !book.is_settled("key", 20, 30) && !book.is_empty());
    }

    #[test]
    fn a_contradicted_run_resumes_when_it_was_last_seen() {
        let mut book = AliasBook::default();
        book.learn(10, ALIAS, Some("a"));
        book.learn(20, ALIAS, Some("a"));
        book.learn(15, ALIAS, Some("b"));
        assert_eq!(
            [12, 15, 19, 20].map(|at| book.key_of(ALIAS, at).unwrap().to_owned()),
            ["a", "b", "b", "a"]
        );
    }

    #[test]
    fn the_order_of_learning_does_not_matter() {
        let facts = [(10, Some("a")), (10, Some("b")), (20, None), (30, Some("a")), (40, Some("c"))];
        let learn = |order: &[usize]| {
            let mut book = AliasBook::default();
            for place in order {
                let (at, key) = facts[*place];
                book.learn(at, ALIAS, key);
            }
            (0..50).map(|at| book.key_of(ALIAS, at).map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(learn(&[0, 1, 2, 3, 4]), learn(&[4, 3, 2, 1, 0]));
        assert_eq!(learn(&[0, 1, 2, 3, 4]), learn(&[2, 4, 1, 0, 3]));
    }
}
