//! Which keys and principals a file may hold, small enough for the manifest, so that a question
//! about one key opens only the files that know it.
//!
//! A sorted list of 32-bit hashes: four bytes a value, and a wrong "maybe" once in four billion
//! divided by the number of values.

/// The columns that a filter knows.
pub(super) const FILTERED: &[&str] = &["key_id", "principal"];

/// Beyond this a filter would weigh more than opening the file: 1 MiB.
const MOST_VALUES: usize = 256 * 1024;

/// The first byte of a stored filter, so that its form can change.
const FORM: u8 = 1;

/// Collects the values of a file.
#[derive(Debug, Default)]
pub(super) struct Collector {
    hashes: Vec<u32>,
}

impl Collector {
    /// Notes that `column` holds `value`.
    pub(super) fn add(&mut self, column: &str, value: &str) {
        self.hashes.push(hash(column, value));
    }

    /// The stored form; empty, which knows nothing, where there are too many values.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        if self.hashes.len() > MOST_VALUES {
            return Vec::new();
        }
        let mut bytes = Vec::with_capacity(1 + 4 * self.hashes.len());
        bytes.push(FORM);
        bytes.extend(self.hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        bytes
    }
}

/// Whether a file with this stored filter may hold `value` in `column`.
pub(super) fn may_hold(filter: &[u8], column: &str, value: &str) -> bool {
    let Some((&FORM, hashes)) = filter.split_first() else { return true };
    let (hashes, _) = hashes.as_chunks::<4>();
    let wanted = hash(column, value);
    hashes.binary_search_by(|bytes| u32::from_le_bytes(*bytes).cmp(&wanted)).is_ok()
}

/// FNV-1a over the column, a zero and the value, its halves folded. Stored: it must never change.
fn hash(column: &str, value: &str) -> u32 {
    let bytes = column.bytes().chain([0]).chain(value.bytes());
    let whole = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (whole ^ whole >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_holds_what_was_added_and_little_else() {
        let mut collector = Collector::default();
        for number in 0..10_000 {
            collector.add("key_id", &format!("key-{number}"));
        }
        let filter = collector.finish();
        assert!((0..10_000).all(|number| may_hold(&filter, "key_id", &format!("key-{number}"))));
        let wrong = (0..10_000).filter(|n| may_hold(&filter, "key_id", &format!("other-{n}"))).count();
        assert!(wrong <= 2, "{wrong}");
        assert!(!may_hold(&filter, "principal", "key-1"), "a column's values are its own");
    }

    #[test]
    fn a_file_without_keys_is_skipped_and_one_without_a_filter_never() {
        assert!(!may_hold(&Collector::default().finish(), "key_id", "k"));
        assert!(may_hold(&[], "key_id", "k"));
        assert!(may_hold(&[9, 0, 0], "key_id", "k"), "a form of a later version is not understood");
    }

    #[test]
    fn the_stored_form_never_changes() {
        let mut collector = Collector::default();
        collector.add("key_id", "vault:transit/orders");
        assert_eq!(collector.finish(), [1, 229, 235, 107, 171]);
    }
}
