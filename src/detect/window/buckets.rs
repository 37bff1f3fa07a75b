//! How many rows a group had in each bucket of time: what baselines and rhythms are made of.
//!
//! A bucket is as long as the window, aligned to the epoch. Those without a row are not kept.

/// Microseconds.
pub const HOUR: i64 = 3_600_000_000;

/// Microseconds.
pub const WEEK: i64 = 168 * HOUR;

/// Counts by bucket, oldest first, 8 bytes each.
#[derive(Debug, Default)]
pub struct Buckets {
    counts: Vec<(i32, u32)>,
}

impl Buckets {
    /// Counts a row; whether it is the first of its bucket.
    pub fn add(&mut self, place: i64) -> bool {
        let place = i32::try_from(place).unwrap_or(i32::MAX);
        match self.counts.last_mut() {
            Some((last, count)) if *last == place => {
                *count = count.saturating_add(1);
                return false;
            }
            Some((last, _)) if *last < place => {
                self.counts.push((place, 1));
                return true;
            }
            _ => {}
        }
        match self.counts.binary_search_by_key(&place, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, count)) = self.counts.get_mut(at) {
                    *count = count.saturating_add(1);
                }
                false
            }
            Err(at) => {
                self.counts.insert(at, (place, 1));
                true
            }
        }
    }

    /// How many rows a bucket has.
    pub fn count(&self, place: i64) -> u32 {
        let Ok(place) = i32::try_from(place) else { return 0 };
        let found = self.counts.binary_search_by_key(&place, |(known, _)| *known);
        found.ok().and_then(|at| self.counts.get(at)).map_or(0, |(_, count)| *count)
    }

    /// The first bucket that has a row.
    pub fn first(&self) -> Option<i64> {
        self.counts.first().map(|(place, _)| i64::from(*place))
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Drops the buckets before one.
    pub fn forget_before(&mut self, place: i64) {
        let kept = self.counts.partition_point(|(known, _)| i64::from(*known) < place);
        self.counts.drain(..kept);
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<(i32, u32)>()
    }
}
