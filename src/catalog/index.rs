//! Finds the entry that declares a key: exact id, exact alias, glob with the longest literal prefix, the
//! built-in class of AWS-managed keys, class by priority.

use std::collections::HashMap;
use std::sync::Arc;

use super::aliases::AliasBook;
use super::document::declaration::Criteria;
use super::document::scalars::Pattern;
use super::entry::{AWS_MANAGED_ALIAS, Entry};
use super::glob;
use super::globs::Globs;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// How the entry of a key was found.
    pub enum MatchedBy as "way of matching" {
        Exact = "exact",
        Alias = "alias",
        Glob = "glob",
        Class = "class",
        AwsManaged = "aws-managed",
    }
}

/// What an event says of its key.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyNames<'a> {
    pub key: Option<&'a str>,
    pub alias: Option<&'a str>,
    /// The account or namespace that owns the key.
    pub account: Option<&'a str>,
    pub time: i64,
}

/// What the catalog says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The event names no key.
    NoKey,
    /// No entry declares it.
    Undeclared,
    /// Several do, and none before the others.
    Ambiguous(Vec<u32>),
    /// This one does.
    Declared(Declared),
}

/// The entry that declares a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub entry: u32,
    pub by: MatchedBy,
    /// Whether the key is one of AWS KMS.
    pub kms: bool,
    /// The service whose AWS-managed key it is.
    pub service: Option<Box<str>>,
}

/// A declared alias.
#[derive(Debug, Clone, Copy)]
struct AliasClaim {
    entry: u32,
    /// The entry names the key behind it too, so the alias stands for that key and no other.
    bound: bool,
}

/// A class, and which keys it takes.
#[derive(Debug)]
struct ClassRule {
    entry: u32,
    priority: i32,
    criteria: Criteria,
}

/// Names to entries.
#[derive(Debug, Default)]
pub struct Index {
    exact: HashMap<Arc<str>, u32>,
    aliases: HashMap<Arc<str>, AliasClaim>,
    /// Secrets declared with the six characters that AWS adds to their name, by the name without them.
    secrets: HashMap<Box<str>, Vec<u32>>,
    globs: Globs,
    /// Highest priority first.
    classes: Vec<ClassRule>,
    aws_managed: u32,
}

/// A name that an earlier entry claims already.
#[derive(Debug)]
pub struct Clash {
    pub name: Pattern,
    pub entry: u32,
    pub earlier: u32,
}

impl Index {
    /// Adds an entry's names; the names that another entry has are given back.
    pub fn add(&mut self, place: u32, entry: &Entry) -> Vec<Clash> {
        let clash = |name: &Pattern, earlier| Clash { name: name.clone(), entry: place, earlier };
        let mut clashes = Vec::new();
        for name in &entry.names {
            let earlier = if name.is_glob() {
                self.globs.add(place, name)
            } else if is_alias(&name.text) {
                let bound = entry.names.iter().any(|key| owns_alias(&key.text, &name.text));
                self.aliases
                    .insert(Arc::clone(&name.text), AliasClaim { entry: place, bound })
                    .map(|claim| claim.entry)
            } else {
                let canonical = multi_region(&name.text).map_or_else(|| Arc::clone(&name.text), Arc::from);
                if let Some(stem) = secret_stem(&name.text) {
                    self.secrets.entry(stem.into()).or_default().push(place);
                }
                self.exact.insert(canonical, place)
            };
            clashes.extend(earlier.filter(|earlier| *earlier != place).map(|earlier| clash(name, earlier)));
        }
        clashes
    }

    /// Adds a class that takes the keys of `criteria`.
    pub fn add_class(&mut self, entry: u32, priority: i32, criteria: Criteria) {
        self.classes.push(ClassRule { entry, priority, criteria });
        self.classes.sort_by_key(|class| std::cmp::Reverse(class.priority));
    }

    /// Names the entry that stands for AWS-managed keys.
    pub fn set_aws_managed(&mut self, entry: u32) {
        self.aws_managed = entry;
    }

    /// The entry of the key that an event names, with aliases as of the event's time.
    pub fn find(&self, names: KeyNames<'_>, book: &AliasBook) -> Match {
        let (key, alias) = match names.key {
            Some(name) if is_alias(name) => (None, names.alias.or(Some(name))),
            key => (key, names.alias),
        };
        let key = key.or_else(|| book.key_of(alias?, names.time));
        let mut aliases: Vec<&str> = alias.into_iter().collect();
        if let Some(key) = key {
            aliases.extend(book.aliases_of(key, names.time).filter(|known| Some(*known) != alias));
        }
        let Some(name) = key.or(alias) else { return Match::NoKey };
        let pinned = |alias: &&str| is_pinned(alias, key, names.time, book);
        let kms = name.contains(":kms:");
        let lookup = Lookup { key, aliases: &aliases, account: names.account, kms, time: names.time, book };
        self.by_name(&lookup, pinned).unwrap_or(Match::Undeclared)
    }

    fn by_name(&self, lookup: &Lookup<'_>, pinned: impl Fn(&&str) -> bool) -> Option<Match> {
        let exact = lookup.key.map(|key| self.exact(key)).unwrap_or_default();
        if !exact.is_empty() {
            return lookup.one_of(exact, MatchedBy::Exact);
        }
        let claims =
            lookup.aliases.iter().filter(|alias| pinned(alias)).filter_map(|alias| self.aliases.get(*alias));
        let claims = claims.filter(|claim| !claim.bound || lookup.key.is_none()).map(|claim| claim.entry);
        let pinned_aliases = lookup.aliases.iter().copied().filter(|alias| pinned(alias));
        lookup
            .one_of(claims.collect(), MatchedBy::Alias)
            .or_else(|| {
                lookup
                    .one_of(self.globs.longest(lookup.key.into_iter().chain(pinned_aliases)), MatchedBy::Glob)
            })
            .or_else(|| self.aws_managed(lookup))
            .or_else(|| lookup.one_of(self.classes(lookup), MatchedBy::Class))
    }

    /// The entries that declare the key by an exact name. A log may name a secret without the characters
    /// that AWS adds to its name, and so may a catalog.
    fn exact(&self, key: &str) -> Vec<u32> {
        let found = match multi_region(key) {
            Some(canonical) => self.exact.get(canonical.as_str()),
            None => self.exact.get(key).or_else(|| self.exact.get(secret_stem(key)?)),
        };
        match found {
            Some(entry) => vec![*entry],
            None => self.secrets.get(key).cloned().unwrap_or_default(),
        }
    }

    fn aws_managed(&self, lookup: &Lookup<'_>) -> Option<Match> {
        let service = lookup.aliases.iter().find_map(|alias| Some(alias.split_once(AWS_MANAGED_ALIAS)?.1))?;
        Some(Match::Declared(Declared {
            entry: self.aws_managed,
            by: MatchedBy::AwsManaged,
            kms: true,
            service: Some(service.into()),
        }))
    }

    /// The entries of the matching classes of the highest priority.
    fn classes(&self, lookup: &Lookup<'_>) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut highest = None;
        for class in &self.classes {
            if highest.is_some_and(|priority| class.priority < priority) {
                break;
            }
            if lookup.fits(&class.criteria) {
                highest = Some(class.priority);
                found.push(class.entry);
            }
        }
        found
    }
}

/// The names by which a key is looked for.
struct Lookup<'a> {
    key: Option<&'a str>,
    aliases: &'a [&'a str],
    account: Option<&'a str>,
    kms: bool,
    time: i64,
    book: &'a AliasBook,
}

impl Lookup<'_> {
    fn declared(&self, entry: u32, by: MatchedBy) -> Match {
        Match::Declared(Declared { entry, by, kms: self.kms, service: None })
    }

    /// The one entry of those found, or that there are several.
    fn one_of(&self, mut found: Vec<u32>, by: MatchedBy) -> Option<Match> {
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [] => None,
            [entry] => Some(self.declared(*entry, by)),
            _ => Some(Match::Ambiguous(found)),
        }
    }

    fn fits(&self, criteria: &Criteria) -> bool {
        let account = criteria.accounts.as_ref().is_none_or(|accounts| {
            self.account.is_some_and(|account| accounts.iter().any(|pattern| pattern.matches(account)))
        });
        let name = criteria.keys.as_ref().is_none_or(|keys| {
            let mut names = self.key.iter().chain(self.aliases);
            names.any(|name| keys.iter().any(|pattern| pattern.matches(name)))
        });
        let tags = criteria.tags.as_ref().is_none_or(|tags| {
            tags.iter().all(|(tag, pattern)| {
                let value = self.key.and_then(|key| self.book.tag_of(key, tag, self.time));
                value.is_some_and(|value| pattern.matches(value))
            })
        });
        account && name && tags
    }
}

/// Whether a declared alias stands for this key: for the first that it pointed at.
fn is_pinned(alias: &str, key: Option<&str>, time: i64, book: &AliasBook) -> bool {
    match (key, book.first_key(alias, time)) {
        (Some(key), Some(first)) => key == first,
        _ => true,
    }
}

/// Whether a name is a KMS alias.
pub fn is_alias(name: &str) -> bool {
    name.contains(":alias/")
}

/// The name that a multi-region key has in all its regions: its ARN without the region.
pub fn multi_region(arn: &str) -> Option<String> {
    if !arn.contains(":key/mrk-") {
        return None;
    }
    let mut parts = arn.splitn(5, ':');
    let (_, partition, service, _) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{partition}:{service}:{}", parts.next()?))
}

/// The ARN of a secret without the hyphen and the six characters that AWS adds to its name.
fn secret_stem(arn: &str) -> Option<&str> {
    let (stem, added) = arn.rsplit_once('-').filter(|_| arn.contains(":secretsmanager:"))?;
    (added.len() == 6 && added.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(stem)
}

/// Whether `key` is an exact KMS key ARN of the same account and region as `alias`.
fn owns_alias(key: &str, alias: &str) -> bool {
    let owner = |name: &str, kind: &str| name.split_once(kind).map(|(owner, _)| owner.to_owned());
    let of_key = owner(key, ":key/").filter(|_| !glob::is_glob(key));
    of_key.is_some() && of_key == owner(alias, ":alias/")
}
