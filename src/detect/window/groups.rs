//! Groups and what is remembered of each, within a bound. Whoever was quiet the longest is forgotten first,
//! and that is counted.

use hashbrown::HashTable;

use super::batch::GroupId;

/// Groups that one detector remembers: some 200 MB. More distinct callers and keys than a day of a large
/// company has.
pub const MAX_GROUPS: usize = 1 << 20;

/// When the bound is reached, one in this many is forgotten at once, since finding out who was quiet the
/// longest means looking at all.
const FORGET_SHARE: usize = 8;

/// What is remembered of one group.
pub trait State {
    /// The event time of its newest row, in microseconds since the epoch.
    fn newest(&self) -> i64;

    /// About how many bytes it has on the heap.
    fn heap_bytes(&self) -> usize;
}

/// The groups of one detector.
#[derive(Debug)]
pub struct Groups<S> {
    index: HashTable<(GroupId, S)>,
    most: usize,
    forgotten: u64,
}

impl<S> Default for Groups<S> {
    fn default() -> Self {
        Self::within(MAX_GROUPS)
    }
}

impl<S> Groups<S> {
    /// No group yet, and never more than `most`.
    pub fn within(most: usize) -> Self {
        Self { index: HashTable::new(), most: most.max(1), forgotten: 0 }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// How many were forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// One more thing was forgotten within a group.
    pub fn forget_one(&mut self) {
        self.forgotten += 1;
    }

    /// What is remembered of a group that is there.
    pub fn get_mut(&mut self, group: GroupId) -> Option<&mut S> {
        self.index.find_mut(hash(group), |(known, _)| *known == group).map(|(_, state)| state)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut S> {
        self.index.iter_mut().map(|(_, state)| state)
    }

    /// Drops the groups that `keep` says no to.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut S) -> bool) {
        self.index.retain(|(_, state)| keep(state));
    }
}

impl<S: State> Groups<S> {
    /// What is remembered of a group, which is `new` where nothing is.
    pub fn at(&mut self, group: GroupId, new: impl FnOnce() -> S) -> &mut S {
        if self.index.len() >= self.most && self.get_mut(group).is_none() {
            self.make_room();
        }
        let entry = self.index.entry(hash(group), |(known, _)| *known == group, |(known, _)| hash(*known));
        &mut entry.or_insert_with(|| (group, new())).into_mut().1
    }

    fn make_room(&mut self) {
        let mut times: Vec<i64> = self.index.iter().map(|(_, state)| state.newest()).collect();
        let share = (times.len() / FORGET_SHARE).min(times.len().saturating_sub(1));
        let (_, cut, _) = times.select_nth_unstable(share);
        let (cut, before) = (*cut, self.index.len());
        let mut surplus = share.max(1);
        self.index.retain(|(_, state)| {
            let goes = surplus > 0 && state.newest() <= cut;
            surplus -= usize::from(goes);
            !goes
        });
        self.forgotten += (before - self.index.len()) as u64;
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        let heap: usize = self.index.iter().map(|(_, state)| state.heap_bytes()).sum();
        heap + self.index.capacity() * (size_of::<(GroupId, S)>() + 1)
    }
}

/// The id is a hash already.
fn hash(group: GroupId) -> u64 {
    (group.0 >> 64) as u64 ^ group.0 as u64
}
