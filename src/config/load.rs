//! Reads the configuration, and says where each mistake is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Config, Raw};
use crate::domain::problem::Problem;

/// What an environment variable that overrides a value begins with: `KEYWARD__http__listen=0.0.0.0:9464`
/// sets `http: listen:`.
const PREFIX: &str = "KEYWARD__";

/// The configuration in the file at `path`, with what the environment overrides.
///
/// # Errors
/// Every mistake, with its place where it has one.
pub fn load(
    path: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, Vec<Problem>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        vec![Problem::error(path, 0, 0, format!("could not read the configuration: {error}"))]
    })?;
    read(path, &text, environment)
}

/// The configuration in `text`; `path` only names it in problems.
///
/// # Errors
/// As [`load`].
pub fn read(
    path: &Path,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, Vec<Problem>> {
    let overrides = overrides(environment);
    // First as it stands, so that mistakes have their place in the file.
    let mut config: Config = parse(path, text)?;
    if !overrides.is_empty() {
        config = overridden(path, text, &overrides)?;
    }
    check(path, &config)?;
    Ok(config)
}

fn parse(path: &Path, text: &str) -> Result<Config, Vec<Problem>> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let (line, column) =
            error.location().map_or((0, 0), |place| (place.line() as usize, place.column() as usize));
        vec![Problem::error(path, line, column, error.to_string())]
    })
}

fn overrides(environment: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value)))
        .collect()
}

/// The configuration with single values replaced; a value is read as YAML, so `["a"]` is a list.
fn overridden(path: &Path, text: &str, overrides: &BTreeMap<String, String>) -> Result<Config, Vec<Problem>> {
    let whole = |told: String| vec![Problem::error(path, 0, 0, told)];
    let mut document: serde_json::Value =
        serde_saphyr::from_str(text).map_err(|error| whole(error.to_string()))?;
    for (name, value) in overrides {
        let value: serde_json::Value =
            serde_saphyr::from_str(value).map_err(|error| whole(format!("{PREFIX}{name}: {error}")))?;
        set(&mut document, name, value)
            .ok_or_else(|| whole(format!("{PREFIX}{name}: there is no such place in the configuration")))?;
    }
    serde_json::from_value(document)
        .map_err(|error| whole(format!("with the values of the environment ({PREFIX}…): {error}")))
}

fn set(document: &mut serde_json::Value, name: &str, value: serde_json::Value) -> Option<()> {
    let mut place = document;
    for part in name.split("__") {
        place = match part.parse::<usize>() {
            Ok(index) => place.get_mut(index)?,
            Err(_) => place.as_object_mut()?.entry(part).or_insert_with(|| serde_json::json!({})),
        };
    }
    *place = value;
    Some(())
}

/// What the types cannot say.
fn check(path: &Path, config: &Config) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut report = |told: String| problems.push(Problem::error(path, 0, 0, told));
    if config.sources.is_empty() {
        report("`sources` is empty: there is nothing to watch".to_owned());
    }
    let mut names = BTreeSet::new();
    for source in &config.sources {
        let name = &source.name;
        let plain = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !plain {
            report(format!("the source name `{name}` may only have letters, digits, `-`, `_` and `.`"));
        }
        if !names.insert(name) {
            report(format!(
                "two sources are called `{name}`: positions and metrics could not tell them apart"
            ));
        }
    }
    let mut users = BTreeSet::new();
    for user in &config.http.users {
        if user.name.trim().is_empty() || user.name == crate::domain::alert::KEYWARD {
            report(format!("`{}` is no name for somebody in `http.users`", user.name));
        }
        if !users.insert(&user.name) {
            report(format!(
                "two of `http.users` are called `{}`: the journal could not tell them apart",
                user.name
            ));
        }
    }
    config.privacy.problems().into_iter().for_each(&mut report);
    if config.privacy.hides() && config.raw() != Raw::None {
        report("`history: raw:` would keep what `privacy:` hides; leave it out, or say none".to_owned());
    }
    super::channel_check::check(&config.alerts, &mut report);
    super::respond::check(&config.respond, &mut report);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
