//! The files that keyward is run with say what the program says: configuration, schema, dashboards, rules.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward::config::{json_schema, read};
use keyward::detect::detectors::Detectors;
use keyward::metrics::table::{Kind, TABLE};
use serde_json::Value;

use crate::support::Keyward;

/// Set this variable to write the schema anew: `KEYWARD_WRITE=1 cargo test deployed`.
const WRITE: &str = "KEYWARD_WRITE";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// `deploy/keyward.yaml` with everything that is commented out taken in: a line that begins with `#` and
/// then a key, at an even indentation. Sentences have one space after the `#`.
fn whole() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') || setting.starts_with("  ") => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    text("deploy/keyward.yaml").lines().map(line).collect()
}

#[test]
fn the_schema_of_the_configuration_is_current_and_printed() {
    let file = "deploy/config.schema.json";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path(file), json_schema()).unwrap();
    }
    assert!(text(file) == json_schema(), "{file} is old; run with {WRITE}=1 to write it anew");
    let printed = Keyward::new().args(["config", "schema"]).run();
    assert_eq!((printed.code, printed.stdout), (Some(0), json_schema()));
}

#[test]
fn the_configuration_that_ships_loads_and_its_values_are_the_defaults() {
    let shipped = text("deploy/keyward.yaml");
    let config = read(Path::new("keyward.yaml"), &shipped, []).unwrap();
    let mut least = yaml(&shipped);
    least.as_object_mut().unwrap().retain(|key, _| ["data", "sources"].contains(&key.as_str()));
    for source in least["sources"].as_array_mut().unwrap() {
        let needed = ["name", "kafka", "brokers", "topics", "group"];
        source.as_object_mut().unwrap().retain(|key, _| needed.contains(&key.as_str()));
        source["kafka"].as_object_mut().unwrap().retain(|key, _| needed.contains(&key.as_str()));
    }
    let defaults = read(Path::new("least.yaml"), &least.to_string(), []).unwrap();
    assert_eq!(format!("{config:#?}"), format!("{defaults:#?}"));
}

#[test]
fn the_configuration_that_ships_has_every_key_and_all_of_it_is_right() {
    let whole = whole();
    let problems = read(Path::new("keyward.yaml"), &whole, []);
    problems.unwrap_or_else(|problems| panic!("{problems:#?}\n{whole}"));
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
    name_keys("", &schema, &mut known);
    for (name, inner) in schema["$defs"].as_object().unwrap() {
        name_keys(name, inner, &mut known);
    }
    use_keys("", &yaml(&whole), &schema, &schema, &mut used);
    let missing: Vec<_> = known.difference(&used).collect();
    assert!(known.len() > 60 && missing.is_empty(), "deploy/keyward.yaml does not tell of {missing:#?}");
}

/// The alternatives of a schema, itself among them.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let mut all = vec![schema];
    for word in ["anyOf", "oneOf", "allOf"] {
        all.extend(schema[word].as_array().into_iter().flatten().flat_map(alternatives));
    }
    all
}

/// Every key that a schema knows by itself, with the name of the schema.
fn name_keys(name: &str, schema: &Value, known: &mut BTreeSet<(String, String)>) {
    for schema in alternatives(schema) {
        let keys = schema["properties"].as_object().into_iter().flatten();
        known.extend(keys.map(|(key, _)| (name.to_owned(), key.clone())));
    }
}

/// Every key that a value uses, with the name of the schema that it belongs to.
fn use_keys(name: &str, value: &Value, schema: &Value, root: &Value, used: &mut BTreeSet<(String, String)>) {
    for schema in alternatives(schema) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            use_keys(name, value, &root["$defs"][name], root, used);
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            if let Some(inner) = schema["properties"].get(key) {
                used.insert((name.to_owned(), key.clone()));
                use_keys(name, value, inner, root, used);
            }
        }
        for value in value.as_array().into_iter().flatten() {
            use_keys(name, value, &schema["items"], root, used);
        }
    }
}

#[test]
fn check_says_whether_a_configuration_is_right() {
    let keyward = Keyward::new().file("keyward.yaml", text("deploy/keyward.yaml"));
    let ran = keyward.args(["check", "--config", "keyward.yaml"]).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("checked: the configuration, "), "{}", ran.stdout);
    let keyward = keyward.file("wrong.yaml", "data: d\nsources: [{ name: a b, stdin: {} }]\n");
    let ran = keyward.args(["check", "--config", "wrong.yaml"]).run();
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.contains("wrong.yaml") && ran.stderr.contains("`a b`"), "{}", ran.stderr);
}

#[test]
fn a_detector_of_the_configuration_takes_the_place_of_the_built_in_one_with_its_id() {
    let mine = "id: KP-001\ntitle: Mine\nlevel: low\nstatus: stable\nmatch: nonsense = 1\n";
    let keyward = Keyward::new()
        .file("keyward.yaml", "data: d\ndetectors: [rules]\nsources: [{ name: a, stdin: {} }]\n")
        .file("rules/mine.yaml", mine);
    let ran = keyward.args(["check", "--config", "keyward.yaml"]).run();
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("rules/mine.yaml:5:"), "{}", ran.stderr);
    let keyward = keyward.file("rules/mine.yaml", mine.replace("nonsense = 1", "outcome = 'denied'"));
    let ran = keyward.args(["check", "--config", "keyward.yaml"]).run();
    // Its cases are missing, which is what this command is for; it took the other's place.
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("rules/mine.yaml:1:5: error: KP-001: add a case"), "{}", ran.stderr);
    let count = Detectors::embedded().unwrap().len();
    assert!(ran.stdout.contains(&format!(", {count} detectors with")), "{}", ran.stdout);
}

/// The names of metrics in a query.
fn metrics_of(query: &str) -> BTreeSet<&str> {
    query
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("keyward_"))
        .collect()
}

/// Whether a scrape has a series of this name.
fn exists(name: &str) -> bool {
    TABLE.iter().any(|spec| match spec.kind {
        Kind::Histogram => {
            name.strip_prefix(spec.name).is_some_and(|end| ["_bucket", "_sum", "_count"].contains(&end))
        }
        _ => name == spec.name,
    })
}

/// Every query of a dashboard: panels and variables.
fn queries(dashboard: &Value, found: &mut Vec<String>) {
    match dashboard {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(query) if ["expr", "query", "definition"].contains(&key.as_str()) => {
                        found.push(query.to_owned());
                    }
                    _ => queries(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

#[test]
fn every_query_of_the_dashboards_and_rules_is_of_a_metric_that_exists() {
    let mut found = Vec::new();
    for dashboard in ["operations", "key-misuse"] {
        let dashboard: Value =
            serde_json::from_str(&text(&format!("dashboards/grafana/{dashboard}.json"))).unwrap();
        assert!(dashboard["panels"].as_array().unwrap().len() >= 8);
        assert!(dashboard["uid"].as_str().is_some() && dashboard["title"].as_str().is_some());
        queries(&dashboard, &mut found);
    }
    let rules = yaml(&text("dashboards/prometheus/alerts.yaml"));
    queries(&rules, &mut found);
    assert!(found.len() > 40, "{}", found.len());
    let (mut all, mut wrong) = (BTreeSet::new(), Vec::new());
    for query in &found {
        all.extend(metrics_of(query));
        wrong.extend(metrics_of(query).into_iter().filter(|name| !exists(name)).map(|name| (name, query)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(all.len() > 30, "the dashboards show {} metrics", all.len());
}

#[test]
fn every_rule_says_what_is_wrong_and_what_to_do() {
    let rules = yaml(&text("dashboards/prometheus/alerts.yaml"));
    let groups = rules["groups"].as_array().unwrap();
    let rules: Vec<&Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() >= 12);
    for rule in rules {
        for text in ["summary", "to_do"] {
            assert!(rule["annotations"][text].as_str().is_some_and(|text| text.len() > 15), "{rule}");
        }
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["page", "ticket"].contains(&severity), "{rule}");
    }
}

/// Says on the test's output that it could not be run.
fn skipped(missing: &str) {
    writeln!(std::io::stderr(), "skipped: {missing} is not installed").unwrap();
}

#[test]
fn the_rules_fire_when_they_should() {
    let folder = path("dashboards/prometheus");
    let run = |args: &[&str]| Command::new("promtool").args(args).current_dir(&folder).output();
    let Ok(checked) = run(&["check", "rules", "alerts.yaml"]) else {
        return skipped("promtool (Debian's package `prometheus`)");
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let tested = run(&["test", "rules", "alerts.test.yaml"]).unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
}

#[test]
fn the_compose_file_mounts_what_is_there_and_its_configuration_loads() {
    let compose = yaml(&text("deploy/compose.yaml"));
    let services = compose["services"].as_object().unwrap();
    for name in ["kafka", "keyward", "prometheus", "grafana", "mail"] {
        assert!(services.contains_key(name), "{name}");
    }
    for service in services.values() {
        for volume in service["volumes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let source = volume.split(':').next().unwrap();
            if source.starts_with('.') {
                assert!(path("deploy").join(source).exists(), "{volume}");
            }
        }
    }
    let keyward = &services["keyward"];
    assert_eq!(keyward["read_only"], true);
    assert_eq!(keyward["cap_drop"], serde_json::json!(["ALL"]));
    let config = text("deploy/compose/keyward.yaml");
    read(Path::new("keyward.yaml"), &config, []).unwrap_or_else(|problems| panic!("{problems:#?}"));
    yaml(&text("deploy/compose/prometheus.yaml"));
}

#[test]
fn the_unit_is_one_that_systemd_takes_and_shields() {
    let unit = text("deploy/keyward.service");
    for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "CapabilityBoundingSet="] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("keyward.service");
    // Only the program is not where the unit will find it.
    std::fs::write(&program, unit.replace("/usr/bin/keyward", env!("CARGO_BIN_EXE_keyward"))).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&program).output();
    let Ok(verified) = verified else {
        return skipped("systemd-analyze");
    };
    let told = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("keyward.service")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}
