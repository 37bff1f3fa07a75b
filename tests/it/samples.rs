//! Finds the labelled and real logs that do not belong to the checkout; tests skip where they are absent.

use std::path::{Path, PathBuf};

/// A file or folder of the samples, which are where `KEYWARD_SAMPLES` says or beside the checkout.
pub fn find(part: &str) -> Option<PathBuf> {
    let all = std::env::var_os("KEYWARD_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples"), PathBuf::from);
    let found = all.join(part);
    found.exists().then_some(found)
}
