//! Takes the join step back to an earlier place: what was read since will be read again.
//!
//! A service that could not seal drops what it read since the last seal and reads it again. If the join
//! step remembered those records, it would take them for duplicates of themselves, and they were lost.

use std::sync::Arc;

use super::{Join, OpenRequest, OpenRow};

/// A place between two batches.
#[derive(Debug, Default)]
pub struct Mark {
    /// How many uids had ever been remembered.
    remembered: u64,
    /// The requests that waited.
    open: Vec<(u128, OpenRequest)>,
    latest: i64,
}

impl Join {
    /// The place where the join step is now.
    pub fn mark(&self) -> Mark {
        let open = self.open.iter().filter_map(|(uid, request)| Some((*uid, request.kept()?))).collect();
        Mark { remembered: self.remembered, open, latest: self.latest }
    }

    /// Forgets everything since `mark`. What fell out of the memory meanwhile, because it was the
    /// oldest of four million, stays out.
    pub fn roll_back(&mut self, mark: &Mark) {
        while self.remembered > mark.remembered
            && let Some(uid) = self.order.pop_back()
        {
            self.remembered -= 1;
            self.seen.remove(&uid);
        }
        self.open = mark.open.iter().filter_map(|(uid, request)| Some((*uid, request.kept()?))).collect();
        self.latest = mark.latest;
    }
}

impl OpenRequest {
    /// A second handle on the request; between two batches every one is kept.
    fn kept(&self) -> Option<Self> {
        match &self.row {
            OpenRow::Kept(batch, row) => {
                Some(Self { row: OpenRow::Kept(Arc::clone(batch), *row), time: self.time })
            }
            OpenRow::Here(_) => None,
        }
    }
}
