//! Templates of what people read: built in, each to be replaced by a file of the operator's folder.
//!
//! A template's name is `PART` for all channels or `KIND/PART` for those of one kind, such as `body.txt` and
//! `slack/body.txt`. What events say are values of a template, never part of one; each is escaped for the
//! format that the template is for.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, escape_formatter};

use super::error::NotifyError;
use super::message::Message;
use super::plain::{Escape, bounded};

/// The longest template, in bytes.
const LONGEST: u64 = 256 * 1024;

/// Calls within calls: deeper ones no template needs.
const DEEPEST: usize = 50;

/// What begins the names of the built-in ones, to fall back on.
const BUILT_IN: &str = "built-in/";

/// The built-in templates by part.
const PARTS: [(&str, &str); 4] = [
    ("subject.txt", include_str!("templates/subject.txt")),
    ("body.txt", include_str!("templates/body.txt")),
    ("body.html", include_str!("templates/body.html")),
    ("body.json", include_str!("templates/body.json")),
];

/// Kinds of channels with templates, and how what events say is escaped in their plain parts.
const KINDS: [(&str, Escape); 8] = [
    ("alertmanager", Escape::Neutral),
    ("email", Escape::None),
    ("opsgenie", Escape::Neutral),
    ("pagerduty", Escape::Neutral),
    ("slack", Escape::Slack),
    ("syslog", Escape::None),
    ("teams", Escape::Neutral),
    ("webhook", Escape::None),
];

/// All templates, compiled.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// The built-in templates, and those of a folder in the place of those of the same names.
    ///
    /// # Errors
    /// Where a file cannot be read, has a name that nothing asks for, or is no template.
    pub fn load(folder: Option<&Path>) -> Result<Self, NotifyError> {
        let own = folder.map(read).transpose()?.unwrap_or_default();
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(escape_of);
        environment.set_formatter(format);
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_recursion_limit(DEEPEST);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        for (kind, _) in KINDS {
            for (part, built_in) in PARTS {
                let name = format!("{kind}/{part}");
                let text = own.get(&name).or_else(|| own.get(part)).map_or(built_in, String::as_str);
                for (name, text) in [(format!("{BUILT_IN}{name}"), built_in), (name, text)] {
                    let told = name.clone();
                    environment
                        .add_template_owned(name, text.to_owned())
                        .map_err(|error| NotifyError::Template { name: told, why: error.to_string() })?;
                }
            }
        }
        let templates = Self { environment };
        templates.try_out(own.keys())?;
        Ok(templates)
    }

    /// Makes a message of each template of the operator's: what is misspelt shows now, and not at night.
    fn try_out<'n>(&self, own: impl Iterator<Item = &'n String>) -> Result<(), NotifyError> {
        let message = Message::sample();
        for name in own {
            let of_all = KINDS.iter().map(|(kind, _)| format!("{kind}/{name}"));
            let of_one = [name.clone()].into_iter().filter(|name| name.contains('/'));
            let names: Vec<String> = if name.contains('/') { of_one.collect() } else { of_all.collect() };
            for full in names {
                let wrong = |why: String| NotifyError::Template { name: name.clone(), why };
                let text = self.try_render(&full, &message).map_err(|error| wrong(error.to_string()))?;
                if full.ends_with(".json") && serde_json::from_str::<serde_json::Value>(&text).is_err() {
                    return Err(wrong(format!("it makes no JSON: {text}")));
                }
            }
        }
        Ok(())
    }

    /// A part of a message in words, of at most so many characters. Where a template of the operator fails,
    /// the built-in one has its place: people are told all the same.
    pub fn render(&self, kind: &str, part: &str, message: &Message, most: usize) -> String {
        let name = format!("{kind}/{part}");
        let text = self.try_render(&name, message).or_else(|error| {
            tracing::warn!(template = name, %error, "the template failed; the built-in one takes its place");
            self.try_render(&format!("{BUILT_IN}{name}"), message)
        });
        // The built-in templates are tested with every message.
        bounded(&text.unwrap_or_else(|_| message.alert.clone()), most)
    }

    /// The same for a body that has to be JSON.
    pub fn render_json(&self, kind: &str, part: &str, message: &Message) -> String {
        let name = format!("{kind}/{part}");
        let json = |name: &str| {
            let text = self.try_render(name, message).map_err(|error| error.to_string())?;
            let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            Ok(value.to_string())
        };
        let text = json(&name).or_else(|error: String| {
            tracing::warn!(
                template = name,
                error,
                "the template makes no JSON; the built-in one takes its place"
            );
            json(&format!("{BUILT_IN}{name}"))
        });
        text.unwrap_or_default()
    }

    fn try_render(&self, name: &str, message: &Message) -> Result<String, minijinja::Error> {
        self.environment.get_template(name)?.render(message)
    }
}

/// By name: HTML and JSON by their ending, plain parts by the kind of channel.
fn escape_of(name: &str) -> AutoEscape {
    let name = name.strip_prefix(BUILT_IN).unwrap_or(name);
    if name.ends_with(".html") {
        return AutoEscape::Custom(Escape::Html.name());
    }
    if name.ends_with(".json") {
        return AutoEscape::Json;
    }
    let kind = name.split('/').next().unwrap_or_default();
    let escape =
        KINDS.iter().find(|(known, _)| *known == kind).map_or(Escape::Neutral, |(_, escape)| *escape);
    AutoEscape::Custom(escape.name())
}

fn format(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    let AutoEscape::Custom(name) = state.auto_escape() else { return escape_formatter(out, state, value) };
    if value.is_safe() || value.is_none() || value.is_undefined() {
        return escape_formatter_plain(out, value);
    }
    let escape = Escape::named(name).unwrap_or(Escape::Neutral);
    escape.write(&value.to_string(), out).map_err(minijinja::Error::from)
}

/// What is marked as safe is written as it is, and what is not there not at all.
fn escape_formatter_plain(out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
    if value.is_none() || value.is_undefined() {
        return Ok(());
    }
    std::fmt::Write::write_str(out, &value.to_string()).map_err(minijinja::Error::from)
}

/// The files of a folder by their template's name.
fn read(folder: &Path) -> Result<BTreeMap<String, String>, NotifyError> {
    let wrong = |path: &Path, why: String| NotifyError::Templates { path: path.to_owned(), why };
    let mut own = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).follow_links(true).max_depth(2).sort_by_file_name() {
        let entry = entry.map_err(|error| wrong(folder, error.to_string()))?;
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let name = relative.to_string_lossy().into_owned();
        // Kubernetes keeps the files behind its links in folders that begin with a dot.
        if entry.file_type().is_dir() || name.starts_with('.') {
            continue;
        }
        if !is_known(&name) {
            let parts: Vec<_> = PARTS.iter().map(|(part, _)| *part).collect();
            let why = format!(
                "nothing asks for `{name}`; known are {}, alone or in a folder of a channel's \
                kind",
                parts.join(", ")
            );
            return Err(wrong(folder, why));
        }
        let length = entry.metadata().map_err(|error| wrong(entry.path(), error.to_string()))?.len();
        if length > LONGEST {
            return Err(wrong(entry.path(), format!("it is longer than {LONGEST} bytes")));
        }
        let text =
            std::fs::read_to_string(entry.path()).map_err(|error| wrong(entry.path(), error.to_string()))?;
        own.insert(name, text);
    }
    Ok(own)
}

fn is_known(name: &str) -> bool {
    let (kind, part) = name.split_once('/').map_or((None, name), |(kind, part)| (Some(kind), part));
    PARTS.iter().any(|(known, _)| *known == part)
        && kind.is_none_or(|kind| KINDS.iter().any(|(known, _)| *known == kind))
}
