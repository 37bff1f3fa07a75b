//! What one call comes to: its action, and what its path says about the key.

use super::action::Action;
use super::json::Json;

/// The operation of a request, in Vault's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A write to something that did not exist; only told apart where the engine checks existence.
    Create,
    Update,
    Patch,
    Read,
    List,
    Delete,
    /// help, alias-lookahead, revoke, renew, rollback, and what is yet to come.
    Other,
}

impl Operation {
    /// The operation written as `word`.
    pub fn from_word(word: &str) -> Self {
        match word {
            "create" => Self::Create,
            "update" => Self::Update,
            "patch" => Self::Patch,
            "read" => Self::Read,
            "list" | "scan" => Self::List,
            "delete" => Self::Delete,
            _ => Self::Other,
        }
    }

    /// Whether it writes.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Patch)
    }

    /// Whether it reads or lists.
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::List)
    }
}

/// Which key a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyName<'a> {
    /// None, or none that the entry shows.
    #[default]
    None,
    /// The mount itself is the key: PKI and SSH.
    Mount,
    /// This name inside the mount.
    Named(&'a str),
}

/// A call that is worth an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    pub action: Action,
    pub key: KeyName<'a>,
    /// The name of a second key of the same mount.
    pub other_key: Option<&'a str>,
    /// The algorithm, where the path names it.
    pub algorithm: Option<&'a str>,
    /// The key's version, where the path names it.
    pub version: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// A call about no key.
    pub const fn plain(action: Action) -> Self {
        Self { action, key: KeyName::None, other_key: None, algorithm: None, version: None }
    }

    /// A call about the key called `name`.
    pub const fn named(action: Action, name: &'a str) -> Self {
        Self { key: KeyName::Named(name), ..Self::plain(action) }
    }

    /// A call about the mount's one key.
    pub const fn mount(action: Action) -> Self {
        Self { key: KeyName::Mount, ..Self::plain(action) }
    }
}

/// What an engine's module decides by.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The path below the mount, without slashes at its ends.
    pub rest: &'a str,
    pub operation: Operation,
    /// `request.data`, or null.
    pub data: &'a Json<'a>,
}

impl<'a> Asked<'a> {
    /// The path's segments, as many as are told apart; the last one takes what remains.
    pub fn segments<const N: usize>(&self) -> [&'a str; N] {
        let mut segments = [""; N];
        segments.iter_mut().zip(self.rest.splitn(N, '/')).for_each(|(to, from)| *to = from);
        segments
    }

    /// Whether `request.data` has a member called `name` that holds something.
    pub fn has(&self, name: &str) -> bool {
        self.data.get(name).is_some_and(|value| !value.is_empty())
    }
}
