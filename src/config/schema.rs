//! The JSON schema of the configuration, for editors.

use super::Config;

/// The schema as indented JSON, ending with a line break.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Config);
    // A schema is plain JSON data; serializing it cannot fail.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
