//! Finds the labelled and real logs that do not belong to the checkout; tests skip where they are absent.

use std::path::{Path, PathBuf};

/// `part` of the samples, in the folder that `KEYWARD_SAMPLES` names or beside the checkout.
pub fn folder(part: &str) -> Option<PathBuf> {
    let all = std::env::var_os("KEYWARD_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples"), PathBuf::from);
    let folder = all.join(part);
    folder.is_dir().then_some(folder)
}
