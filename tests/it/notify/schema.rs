//! As much of JSON Schema as the fixtures use, so that outgoing bodies can be held against them.

use serde_json::Value;

/// What is wrong with a value.
pub fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let inner = root.pointer(reference.trim_start_matches('#')).unwrap();
        check(root, inner, value, place, found);
    }
    let mut wrong = |told: String| found.push(format!("{place}: {told}"));
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one],
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|one| is(one, value)) {
        wrong(format!("{value} is no {}", types.join(" or ")));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        wrong(format!("{value} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        wrong(format!("{value} is none of {}", schema["enum"]));
    }
    let length = value.as_str().map_or(0, |text| text.chars().count() as u64);
    if schema["maxLength"].as_u64().is_some_and(|most| length > most) {
        wrong(format!("{length} characters are more than {}", schema["maxLength"]));
    }
    if schema["minLength"].as_u64().is_some_and(|least| value.is_string() && length < least) {
        wrong("too short".to_owned());
    }
    let items = value.as_array().map_or(0, Vec::len) as u64;
    if schema["maxItems"].as_u64().is_some_and(|most| items > most) {
        wrong(format!("{items} items are more than {}", schema["maxItems"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            wrong(format!("`{name}` is missing"));
        }
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let fits = choices.iter().filter(|choice| {
            let mut inner = Vec::new();
            check(root, choice, value, place, &mut inner);
            inner.is_empty()
        });
        if fits.count() == 0 {
            wrong(format!("{value} fits none of the alternatives"));
        }
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(inner), _) => check(root, inner, field, &place, found),
            (None, Value::Bool(false)) => found.push(format!("{place}: unknown")),
            (None, Value::Object(_)) => check(root, &schema["additionalProperties"], field, &place, found),
            (None, _) => {}
        }
    }
    if schema.get("items").is_some() {
        for (number, item) in value.as_array().into_iter().flatten().enumerate() {
            check(root, &schema["items"], item, &format!("{place}/{number}"), found);
        }
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
