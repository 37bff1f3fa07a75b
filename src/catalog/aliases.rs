//! Which key an alias pointed at, and when: dated facts from the logs.
//!
//! In: facts, in any order. Out: answers as of a time, which use no fact from after it, so that a scan
//! judges an event as the live stream did.

use std::collections::HashMap;
use std::sync::Arc;

/// From a time on, an alias pointed at a key, or at nothing; last seen to do so at `last`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    at: i64,
    last: i64,
    key: Option<Arc<str>>,
}

/// The alias facts that are known.
#[derive(Debug, Clone, Default)]
pub struct AliasBook {
    /// By alias, in order of time.
    facts: HashMap<Arc<str>, Vec<Run>>,
    /// The aliases that have ever pointed at a key.
    aliases: HashMap<Arc<str>, Vec<Arc<str>>>,
}

impl AliasBook {
    /// Learns that from `at` on (microseconds since the epoch) `alias` pointed at `key`, or at nothing.
    ///
    /// Facts that repeat each other are kept as one run, so the book grows with changes and not with
    /// events. The order of learning matters only where a late fact contradicts the middle of a run: the
    /// run then resumes when it was last seen.
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
        insert(self.facts.entry(alias).or_default(), at, key);
    }

    fn known_key(&self, key: &str) -> Arc<str> {
        self.aliases.get_key_value(key).map_or_else(|| key.into(), |(known, _)| Arc::clone(known))
    }

    /// The key that `alias` pointed at, at the time `at`.
    pub fn key_of(&self, alias: &str, at: i64) -> Option<&str> {
        let facts = self.facts.get(alias)?;
        let after = facts.partition_point(|fact| fact.at <= at);
        facts.get(after.checked_sub(1)?)?.key.as_deref()
    }

    /// The first key that `alias` is known to have pointed at, of those before or at the time `at`: the
    /// key that a declaration of the alias stands for.
    pub fn first_key(&self, alias: &str, at: i64) -> Option<&str> {
        let facts = self.facts.get(alias)?;
        facts.iter().take_while(|fact| fact.at <= at).find_map(|fact| fact.key.as_deref())
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
    }

    /// Whether `alias` did not change in (`from`, `to`].
    pub fn is_alias_settled(&self, alias: &str, from: i64, to: i64) -> bool {
        let facts = self.facts.get(alias).map_or(&[][..], Vec::as_slice);
        !facts.iter().any(|fact| from < fact.at && fact.at <= to)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }
}

/// Inserts by time. Of two facts of one moment the one with the greater name counts, so that their order
/// does not matter.
fn insert(runs: &mut Vec<Run>, at: i64, key: Option<Arc<str>>) {
    let next = runs.partition_point(|run| run.at <= at);
    let before = next.checked_sub(1).and_then(|place| runs.get_mut(place));
    let mut resumed = None;
    let mut place = next;
    match before {
        Some(run) if run.key == key => {
            run.last = run.last.max(at);
            return;
        }
        Some(run) if run.at == at && key < run.key => return,
        Some(run) => {
            if run.last > at {
                resumed = Some(Run { at: run.last, last: run.last, key: run.key.clone() });
                run.last = run.at;
            }
            if run.at == at {
                place = next.saturating_sub(1);
                runs.remove(place);
            }
        }
        None => {}
    }
    match runs.get_mut(place) {
        Some(run) if run.key == key && resumed.is_none() => run.at = at,
        _ => runs.insert(place, Run { at, last: at, key }),
    }
    if let Some(run) = resumed {
        runs.insert(place + 1, run);
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
