//! The uids of the newest events, to recognise an event that comes again.

use hashbrown::HashTable;

use crate::history::REMEMBERED_UIDS;

/// How many event uids are remembered, in about 140 MB when full: as many as history keeps for a restart.
pub const DUPLICATE_HORIZON: usize = REMEMBERED_UIDS;

/// What is known of an event by its uid: the hash of its content, or nothing where only a Vault request
/// was seen, with which any later response agrees.
pub type Content = Option<u64>;

/// Stands for no content; a content that is this number counts as its neighbour.
const NO_CONTENT: u64 = u64::MAX;

/// The newest uids, up to a number; the oldest make place for new ones.
#[derive(Debug)]
pub struct Seen {
    horizon: usize,
    /// Places in `uids`, by uid.
    index: HashTable<u32>,
    uids: Vec<u128>,
    /// Of the uid at the same place.
    contents: Vec<u64>,
    /// The place of the oldest once the horizon is reached.
    oldest: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self::with_horizon(DUPLICATE_HORIZON)
    }
}

impl Seen {
    /// Remembers this many uids.
    pub fn with_horizon(horizon: usize) -> Self {
        let horizon = horizon.clamp(1, u32::MAX as usize);
        Self { horizon, index: HashTable::new(), uids: Vec::new(), contents: Vec::new(), oldest: 0 }
    }

    /// Makes room for so many more at once.
    pub fn reserve(&mut self, more: usize) {
        let more = more.min(self.horizon.saturating_sub(self.uids.len()));
        let uids = &self.uids;
        self.index.reserve(more, |place| uids.get(*place as usize).map_or(0, |uid| hash(*uid)));
        self.uids.reserve(more);
        self.contents.reserve(more);
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.uids.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.uids.is_empty()
    }

    /// What is known of an event; nothing where it was not seen, or too long ago.
    pub fn get(&self, uid: u128) -> Option<Content> {
        let place = self.index.find(hash(uid), |place| self.uids.get(*place as usize) == Some(&uid))?;
        self.contents.get(*place as usize).map(|content| unpack(*content))
    }

    /// Remembers an event, and returns what was known of it.
    pub fn insert(&mut self, uid: u128, content: Content) -> Option<Content> {
        let known = self.index.find(hash(uid), |place| self.uids.get(*place as usize) == Some(&uid));
        if let Some(slot) = known.and_then(|place| self.contents.get_mut(*place as usize)) {
            return Some(unpack(std::mem::replace(slot, pack(content))));
        }
        let place = self.place_for(uid, pack(content));
        let uids = &self.uids;
        self.index
            .insert_unique(hash(uid), place, |place| uids.get(*place as usize).map_or(0, |uid| hash(*uid)));
        None
    }

    /// Puts a new uid where there is room, or in the place of the oldest.
    fn place_for(&mut self, uid: u128, content: u64) -> u32 {
        if self.uids.len() < self.horizon {
            self.uids.push(uid);
            self.contents.push(content);
            return (self.uids.len() - 1) as u32;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % self.horizon;
        if let (Some(old), Some(slot)) = (self.uids.get_mut(place), self.contents.get_mut(place)) {
            if let Ok(entry) = self.index.find_entry(hash(*old), |other| *other == place as u32) {
                entry.remove();
            }
            (*old, *slot) = (uid, content);
        }
        place as u32
    }
}

/// Uids are hashes already.
const fn hash(uid: u128) -> u64 {
    uid as u64
}

fn pack(content: Content) -> u64 {
    content.map_or(NO_CONTENT, |content| content.min(NO_CONTENT - 1))
}

fn unpack(content: u64) -> Content {
    (content != NO_CONTENT).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_place_for_new_ones() {
        let mut seen = Seen::with_horizon(3);
        for uid in 1..=5 {
            assert_eq!(seen.insert(uid, Some(uid as u64)), None);
        }
        assert_eq!([1, 2, 3, 4, 5].map(|uid| seen.get(uid).is_some()), [false, false, true, true, true]);
        assert_eq!(seen.insert(1, None), None, "it was forgotten");
        assert_eq!(seen.get(3), None);
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn a_known_uid_keeps_its_place_and_takes_the_new_content() {
        let mut seen = Seen::with_horizon(2);
        seen.insert(1, None);
        seen.insert(2, Some(u64::MAX));
        assert_eq!(seen.insert(1, Some(7)), Some(None));
        assert_eq!(seen.get(1), Some(Some(7)));
        assert_eq!(seen.get(2), Some(Some(u64::MAX - 1)));
        seen.insert(3, None);
        assert_eq!(seen.get(1), None, "it is still the oldest");
    }
}
