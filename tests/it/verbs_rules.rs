//! `keyward catalog` and `keyward detectors` through the front door, and the schema that lies in `deploy/`.

use std::path::Path;

use keyward::detect::document::json_schema_text;

use crate::support::Keyward;
use crate::verbs_logs::{CATALOG, company};

#[test]
fn lint_points_at_mistakes_and_is_stricter_when_asked() {
    let keyward =
        Keyward::new().file("good.yaml", CATALOG).file("bad.yaml", CATALOG.replace("purpose", "porpoise"));
    let good = keyward.args(["catalog", "lint", "good.yaml"]).run();
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    assert!(good.stdout.contains("2 keys declared"), "{}", good.stdout);
    assert_eq!(keyward.args(["catalog", "lint", "--strict", "good.yaml"]).run().code, Some(3));
    let bad = keyward.args(["catalog", "lint", "bad.yaml"]).run();
    assert_eq!(bad.code, Some(3));
    assert!(bad.stderr.contains("bad.yaml:5:"), "{}", bad.stderr);
}

#[test]
fn entries_are_listed_in_every_form() {
    let keyward = company();
    for (format, told) in
        [("table", "vault:transit/orders"), ("json", "\"id\":\"spare\""), ("csv", "id,key,kind")]
    {
        let ran = keyward.args(["catalog", "entries", "catalog.yaml", "--format", format]).run();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
    }
}

#[test]
fn coverage_is_the_same_from_paths_and_from_history() {
    let keyward = company();
    let args = ["catalog", "coverage", "--format", "csv"];
    let seen = keyward.args(args).args(["--catalog", "catalog.yaml", "logs"]).run();
    assert_eq!(seen.code, Some(0), "{}", seen.stderr);
    for row in [
        "undeclared,,vault:transit/unheard-of,,1,1,",
        "used,orders,vault:transit/orders,exact,4,4,1,3,",
        "unused,spare,vault:transit/spare,,0,0,",
    ] {
        assert!(seen.stdout.contains(row), "{row} is missing in\n{}", seen.stdout);
    }
    keyward.args(["scan", "--catalog", "catalog.yaml", "--data", "history", "logs"]).run();
    let kept = keyward.args(args).args(["--data", "history"]).run();
    assert_eq!(kept.stdout, seen.stdout, "{}", kept.stderr);
}

#[test]
fn a_scan_keeps_its_catalog_for_queries() {
    let keyward = company();
    keyward.args(["scan", "--catalog", "catalog.yaml", "--data", "history", "logs"]).run();
    let ran = keyward
        .args(["query", "--data", "history", "--format", "csv", "SELECT id FROM catalog ORDER BY id"])
        .run();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), ["id", "orders", "spare"], "{}", ran.stderr);
}

#[test]
fn diff_names_what_was_added_removed_and_changed() {
    let changed = CATALOG.replace("approle:shop", "approle:till").replace("id: spare", "id: reserve");
    let keyward = company().file("new.yaml", changed);
    let ran = keyward.args(["catalog", "diff", "catalog.yaml", "new.yaml", "--format", "csv"]).run();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for row in [
        "changed,entry,orders,principals,approle:shop,approle:till",
        "added,entry,reserve",
        "removed,entry,spare",
    ] {
        assert!(ran.stdout.contains(row), "{row} is missing in\n{}", ran.stdout);
    }
    assert_eq!(keyward.args(["catalog", "diff", "new.yaml", "new.yaml"]).run().code, Some(0));
}

#[test]
fn detectors_are_listed_and_shown_with_their_runbook() {
    let keyward = Keyward::new();
    let list = keyward.args(["detectors", "list"]).run();
    assert_eq!(list.code, Some(0), "{}", list.stderr);
    assert!(list.stdout.lines().count() > 50, "{}", list.stdout);
    let page = keyward.args(["detectors", "show", "kp-001"]).run();
    for told in ["KP-001", "Match", "array_has(violations, 'function')", "Runbook", "Cases"] {
        assert!(page.stdout.contains(told), "{told} is missing in\n{}", page.stdout);
    }
    let none = keyward.args(["detectors", "show", "KP-999"]).run();
    assert_eq!(none.code, Some(3));
    assert!(none.stderr.contains("KP-999"), "{}", none.stderr);
}

/// To write it anew: `cargo run -- detectors schema > deploy/detector.schema.json`.
#[test]
fn the_committed_schema_of_detectors_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/detector.schema.json");
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed.trim_end() == json_schema_text().unwrap(),
        "run `keyward detectors schema` and commit it"
    );
    let printed = Keyward::new().args(["detectors", "schema"]).run().stdout;
    assert_eq!(printed, committed);
}
