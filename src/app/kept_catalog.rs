//! A catalog as the store keeps it: one text, whatever the number of its files.
//!
//! In: the texts that a catalog was read from. Out: one JSON text, and back. Whether a version is new,
//! and from when it holds, is the store's matter.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::load;
use crate::catalog::{Catalog, SourceText};
use crate::detect::detectors::Detectors;
use crate::detect::engine::Engine;
use crate::domain::problem::Problem;
use crate::pipeline::rules::Rules;
use crate::store::{Store, StoreError};

/// What a text is called that was kept without a name.
const UNNAMED: &str = "catalog of the last scan";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept<'a> {
    #[serde(borrow)]
    files: Vec<KeptFile<'a>>,
    /// Detectors beside the built-in ones.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    detectors: Vec<KeptFile<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptFile<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// Several texts as one.
///
/// # Errors
/// Never in practice: names and texts are plain.
pub fn pack(sources: &[SourceText]) -> serde_json::Result<String> {
    pack_rules(sources, &[])
}

/// The texts of a catalog and of detectors as one.
///
/// # Errors
/// Never in practice: names and texts are plain.
pub fn pack_rules(sources: &[SourceText], detectors: &[(PathBuf, String)]) -> serde_json::Result<String> {
    let file = |source: &'_ SourceText| KeptFile {
        name: Cow::Owned(source.name.to_string()),
        text: Cow::Owned(source.text.clone()),
    };
    let detector = |(path, text): &'_ (PathBuf, String)| KeptFile {
        name: Cow::Owned(path.to_string_lossy().into_owned()),
        text: Cow::Owned(text.clone()),
    };
    let (files, detectors) = (sources.iter().map(file), detectors.iter().map(detector));
    serde_json::to_string(&Kept { files: files.collect(), detectors: detectors.collect() })
}

/// The texts that were packed. A text that is no pack is itself a catalog: no catalog has `files`.
pub fn unpack(text: &str) -> Vec<SourceText> {
    unpack_rules(text).0
}

/// The texts of the catalog and of the detectors that were packed; see [`unpack`].
pub fn unpack_rules(text: &str) -> (Vec<SourceText>, Vec<(PathBuf, String)>) {
    let Ok(kept) = serde_json::from_str::<Kept<'_>>(text) else {
        return (vec![SourceText { name: UNNAMED.into(), text: text.to_owned() }], Vec::new());
    };
    let source =
        |file: KeptFile<'_>| SourceText { name: file.name.as_ref().into(), text: file.text.into_owned() };
    let detector = |file: KeptFile<'_>| (PathBuf::from(file.name.as_ref()), file.text.into_owned());
    (kept.files.into_iter().map(source).collect(), kept.detectors.into_iter().map(detector).collect())
}

/// Why the catalog that judged last is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Catalog(Vec<Problem>),
}

/// The catalog that judged last; an empty one where none did.
///
/// # Errors
/// Where the store fails, or this version of the program finds a mistake in the catalog.
pub async fn last(store: &Store) -> Result<Catalog, KeptError> {
    let versions = store.catalog_versions().await?;
    let Some(version) = versions.last() else { return Ok(Catalog::empty()) };
    load::parse(&unpack(&version.text)).map(|(catalog, _)| catalog).map_err(KeptError::Catalog)
}

/// The rules that judged last: the catalog, and the detectors kept with it beside the built-in ones.
///
/// # Errors
/// As [`last`], and where this version of the program finds a mistake in the detectors.
pub async fn last_rules(store: &Store) -> Result<Rules, KeptError> {
    let versions = store.catalog_versions().await?;
    let (sources, texts) = versions.last().map(|version| unpack_rules(&version.text)).unwrap_or_default();
    let (catalog, _) = load::parse(&sources).map_err(KeptError::Catalog)?;
    let detectors =
        Detectors::embedded_beside(&texts).map(load::where_records).map_err(KeptError::Catalog)?;
    Ok(Rules::new(catalog, Engine::new(&detectors).map_err(KeptError::Catalog)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> SourceText {
        SourceText { name: name.into(), text: text.to_owned() }
    }

    #[test]
    fn what_is_packed_is_unpacked_to_the_same_files() {
        let sources = [source("a.yaml", "version: 1\n# \"é\"\n"), source("b/c.yaml", "")];
        assert_eq!(unpack(&pack(&sources).unwrap()), sources);
        assert_eq!(unpack(&pack(&[]).unwrap()), []);
    }

    #[test]
    fn a_text_that_is_no_pack_is_a_catalog() {
        let text = "{\"version\": 1}";
        assert_eq!(unpack(text), [source(UNNAMED, text)]);
    }
}
