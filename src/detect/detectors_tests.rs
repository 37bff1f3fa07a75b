use std::fmt::Write as _;

use super::*;
use crate::detect::cases::CaseRecord;
use crate::table::columns::Column;

const GOOD: &str = "\
id: T-1
title: Signed with the wrong key
level: high
status: stable
description: Finds it.
match: |-
  verdict = 'violation'
  AND array_has(violations, 'function')
requires: [catalog, via, service:kms]
tags: [ccm.cek-11]
false_positives: none known
runbook: Ask the owner.
cases:
  - name: fires
    catalog: { version: 1, keys: [] }
    events: [{ eventID: e-1, recipientAccountId: \"111122223333\", mfa: true }]
    expect: [{ key_id: k, function: sign }]
  - name: silent
    events:
      - file: silent.json
      - '{\"eventID\": \"e-2\"}'
    expect: []
";

fn load(text: &str) -> Result<Detectors, Vec<Problem>> {
    Detectors::of_texts([(PathBuf::from("d/t.yaml"), text)])
}

/// Every problem, one a line.
fn problems(text: &str) -> String {
    let mut told = String::new();
    match load(text) {
        Ok(_) => told.push_str("loads"),
        Err(problems) => problems.iter().for_each(|problem| writeln!(told, "{problem}").unwrap()),
    }
    told.trim_end().to_owned()
}

#[test]
fn a_detector_is_read_with_its_cases() {
    let detectors = load(GOOD).unwrap();
    let detector = detectors.iter().next().unwrap();
    assert_eq!((detector.id.as_str(), detector.level, detector.line), ("T-1", Level::High, 1));
    assert_eq!(detector.alert_by, [Column::KeyId, Column::Principal]);
    assert_eq!(detector.requires.len(), 3);
    assert_eq!(detector.false_positives, ["none known"]);
    assert_eq!(detector.cases.len(), 2);
    assert_eq!(detector.cases[0].line, 14);
    let json = r#"{"eventID":"e-1","mfa":true,"recipientAccountId":"111122223333"}"#;
    assert_eq!(detector.cases[0].input(&detector.file).unwrap().records, [CaseRecord::Json(json.to_owned())]);
    let expected =
        [CaseRecord::File("silent.json".into()), CaseRecord::Json(r#"{"eventID": "e-2"}"#.to_owned())];
    assert_eq!(detector.cases[1].input(&detector.file).unwrap().records, expected);
    assert_eq!(detectors.lint(), []);
}

#[test]
fn mistakes_point_at_file_line_and_column() {
    let swap = |from: &str, to: &str| problems(&GOOD.replacen(from, to, 1));
    insta::assert_snapshot!(swap("array_has(violations, 'function')", "verdit = 'x' OR array_has(violations, 'functon')"), @r"
    d/t.yaml:8:7: error: there is no column `verdit`; did you mean `verdict`?
    d/t.yaml:8:45: error: `violations` is never 'functon'; did you mean `function`?
    ");
    insta::assert_snapshot!(swap("match: |-\n  verdict = 'violation'\n  AND", "match: verdict = 7 AND"), @"d/t.yaml:6:8: error: `verdict` is text, 7 is a number; put quotes around the value");
    insta::assert_snapshot!(swap("match: |-\n  verdict = 'violation'\n  AND", "match: >\n  verdict = 'violation'\n  AND outcom = 'success' AND"), @"d/t.yaml:8:7: error: there is no column `outcom`; did you mean `outcome`?");
    insta::assert_snapshot!(swap("match: |-\n  verdict = 'violation'\n  AND array_has(violations, 'function')", "match: \"mfa\n   AND verdikt = 'violation'\""), @"d/t.yaml:7:8: error: there is no column `verdikt`; did you mean `verdict`?");
    insta::assert_snapshot!(swap("level: high", "level: hihg"), @"d/t.yaml:3:8: error: unknown variant `hihg`, expected one of informational, low, medium, high, critical");
    insta::assert_snapshot!(swap("runbook:", "runbok:"), @"d/t.yaml:12:1: error: unknown field `runbok`, expected one of id, title, level, status, description, match, alert_by, alert_span, notice, requires, tags, false_positives, runbook, references, author, related, window, cases");
    insta::assert_snapshot!(swap("title: Signed with the wrong key\n", ""), @"d/t.yaml:12:1: error: missing field `title`");
    insta::assert_snapshot!(swap("[catalog, via, service:kms]", "[catalog, vai]\nalert_by: [key, principal]"), @r"
    d/t.yaml:10:12: error: there is no column `key`; `keyward columns` lists them
    d/t.yaml:9:21: error: `vai` is nothing to depend on; did you mean `via`?
    ");
    insta::assert_snapshot!(swap("function: sign", "functoin: sign"), @"d/t.yaml:14:5: error: there is no column `functoin`; did you mean `function`?");
    insta::assert_snapshot!(swap("events: [{", "events: [{ {"), @"d/t.yaml:16:14: error: mismatched bracket '{' closed by ']'");
    insta::assert_snapshot!(swap("id: T-1", "id: T 1"), @"d/t.yaml:1:5: error: an id is made of letters, digits, `-`, `_` and `.`");
    insta::assert_snapshot!(swap("level: high", "level: high\nlevel: low"), @"d/t.yaml:4:1: error: duplicate mapping key: level");
    insta::assert_snapshot!(problems(""), @"d/t.yaml:1:1: error: unexpected end of input");
}

#[test]
fn all_problems_of_all_files_are_told_and_ids_are_unique() {
    let bad = GOOD.replace("verdict = ", "verdit = ");
    let two = Detectors::of_texts([("a.yaml".into(), bad.as_str()), ("b.yaml".into(), bad.as_str())]);
    assert_eq!(two.unwrap_err().len(), 2);
    let same = Detectors::of_texts([("b.yaml".into(), GOOD), ("a.yaml".into(), GOOD)]).unwrap_err();
    assert_eq!(same[0].to_string(), "b.yaml:1:5: error: detector T-1 is also in a.yaml");
}

#[test]
fn a_detector_without_proof_or_runbook_is_linted() {
    let bare = "id: T-2\ntitle: t\nlevel: low\nstatus: test\nmatch: mfa\n";
    let told: Vec<_> = load(bare).unwrap().lint().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    d/t.yaml:1:5: warning: T-2: say in `description` what it finds and what it does not see
    d/t.yaml:1:5: warning: T-2: say in `runbook` what to do when it fires
    d/t.yaml:1:5: warning: T-2: say in `false_positives` what else looks like this
    d/t.yaml:1:5: error: T-2: add a case that fires
    d/t.yaml:1:5: error: T-2: add a case that stays silent
    ");
}

#[test]
fn windows_are_checked_and_never_silently_ignored() {
    let with =
        |window: &str| format!("id: T-3\ntitle: t\nlevel: low\nstatus: test\nmatch: mfa\nwindow: {window}\n");
    let detectors = load(&with("{ kind: threshold, over: 10m, count: 3, group_by: [key_id] }")).unwrap();
    let detector = detectors.iter().next().unwrap();
    assert_eq!(detector.set_aside(), None);
    let window = detector.window.as_ref().unwrap();
    assert_eq!(window.to_string(), "threshold count 3 over 10m by key_id");
    insta::assert_snapshot!(problems(&with("{ kind: threshold, over: ten, of: funktion }")), @r"
    d/t.yaml:6:9: error: a threshold window needs `count`
    d/t.yaml:6:9: error: `of` means nothing in a threshold window
    d/t.yaml:6:9: error: `over: ten` is no time span: write 30s, 10m, 24h, 14d or 2w
    d/t.yaml:6:43: error: there is no column `funktion`; did you mean `function`?
    ");
    insta::assert_snapshot!(problems(&with("{ kind: sequence, over: 1h, absent: c, steps: [{ name: a, match: mfa }, { name: a, match: mfo }] }")), @r"
    d/t.yaml:6:9: error: two steps are called `a`
    d/t.yaml:6:9: error: `absent: c` names no step
    d/t.yaml:6:99: error: there is no column `mfo`; did you mean `mfa`?
    ");
    insta::assert_snapshot!(problems(&with("{ kind: threshold, over: 10m, count: 0, group_by: [violations] }")), @r"
    d/t.yaml:6:9: error: `count` must be at least 1 and `factor` more than 1
    d/t.yaml:6:60: error: `violations` has no one value to group or count by
    ");
    insta::assert_snapshot!(problems(&with("{ kind: treshold }")), @"d/t.yaml:6:17: error: unknown variant `treshold`, expected one of threshold, distinct, sequence, first_seen, dormant, rate, silence, overdue");
    insta::assert_snapshot!(problems(&with("{ kind: overdue, due: principal }")), @"d/t.yaml:6:31: error: `principal` holds no date");
    for good in [
        "{ kind: distinct, over: 1h, count: 3, of: function }",
        "{ kind: sequence, over: 1h, ordered: false, absent: b, steps: [{ name: a, match: mfa }, { name: b, match: NOT mfa }] }",
        "{ kind: first_seen, of: principal, learn: 14d }",
        "{ kind: dormant, after: 90d }",
        "{ kind: rate, over: 1h, factor: 3 }",
        "{ kind: silence, every: learnt }",
        "{ kind: silence, every: 2h }",
        "{ kind: overdue, due: event_time }",
    ] {
        assert_eq!(problems(&with(good)), "loads", "{good}");
    }
}

#[test]
fn a_folder_is_read_with_yaml_files_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), GOOD).unwrap();
    std::fs::write(folder.path().join("b.yml"), GOOD.replace("T-1", "T-0")).unwrap();
    std::fs::write(folder.path().join("README.md"), "no").unwrap();
    let ids: Vec<_> = Detectors::load(folder.path()).unwrap().iter().map(|found| found.id.clone()).collect();
    assert_eq!(ids, ["T-0", "T-1"]);
    std::fs::write(folder.path().join("c.yaml"), [0xff, 0xfe]).unwrap();
    assert_eq!(Detectors::load(folder.path()).unwrap_err().len(), 1);
    assert!(Detectors::load(&folder.path().join("absent")).is_err());
}

#[test]
fn the_embedded_detectors_load() {
    let detectors = Detectors::embedded().unwrap();
    assert_eq!(detectors.is_empty(), embedded::FILES.is_empty());
}

#[test]
fn the_json_schema_knows_every_field() {
    let schema = crate::detect::document::json_schema_text().unwrap();
    for field in ["\"match\"", "\"requires\"", "\"cases\"", "\"window\"", "\"group_by\"", "\"expect\""] {
        assert!(schema.contains(field), "{field}");
    }
}

/// The detectors that are written beside this code, where `KEYWARD_DETECTORS` names their folder.
#[test]
fn detectors_of_another_folder_compile() {
    let Ok(folder) = std::env::var("KEYWARD_DETECTORS") else { return };
    if let Err(problems) = Detectors::load(Path::new(&folder)) {
        panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>());
    }
}
