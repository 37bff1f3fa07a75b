//! The schema that editors check a catalog with.

use std::path::Path;

use keyward::catalog::json_schema;

const FILE: &str = "deploy/catalog.schema.json";

/// Set this variable to write the file anew: `KEYWARD_WRITE=1 cargo test catalog_schema`.
const WRITE: &str = "KEYWARD_WRITE";

#[test]
fn the_schema_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, json_schema()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == json_schema(), "{FILE} is old; run with {WRITE}=1 to write it anew");
}

#[test]
fn the_schema_refuses_unknown_fields_everywhere_and_knows_all_words() {
    let schema: serde_json::Value = serde_json::from_str(&json_schema()).unwrap();
    let mut open = Vec::new();
    find_open(&schema, "", &mut open);
    assert!(open.is_empty(), "these mappings take any field: {open:#?}");
    let key = &schema["$defs"]["KeyDocument"];
    assert_eq!(key["required"], serde_json::json!(["id", "keys"]));
    for field in ["extends", "use", "grants", "context", "networks", "reencrypt_to", "mode"] {
        assert!(key["properties"].get(field).is_some(), "{field}");
    }
    let exception = &schema["$defs"]["ExceptionDocument"];
    assert_eq!(
        exception["required"],
        serde_json::json!(["id", "key", "aspects", "principals", "until", "reason", "ticket", "approver"])
    );
}

/// Objects with named properties that take others too.
fn find_open(schema: &serde_json::Value, path: &str, open: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(fields) => {
            if fields.contains_key("properties") && fields.get("additionalProperties") != Some(&false.into())
            {
                open.push(path.to_owned());
            }
            fields.iter().for_each(|(name, inner)| find_open(inner, &format!("{path}/{name}"), open));
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|inner| find_open(inner, path, open));
        }
        _ => {}
    }
}
