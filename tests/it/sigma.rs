//! Sigma rules against a plain evaluation on raw JSON: the same matches, rule by rule and record by record.

mod made;
mod oracle;

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use keyward::app::load;
use keyward::catalog::Catalog;
use keyward::detect::detectors::Detectors;
use keyward::detect::engine::Engine;
use keyward::detect::sigma;
use keyward::domain::problem::Problem;
use keyward::normalize::{Arena, Normalized, cloudtrail, vault};
use keyward::pipeline::generate::Company;
use keyward::pipeline::rules::Rules;
use keyward::pipeline::scan::scan;
use keyward::source::{Input, Limits, Reader};
use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use serde_json::Value;

use made::Dice;

/// A rule's id and an event's.
type Matches = BTreeSet<(String, String)>;

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn fixtures() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sigma");
    Detectors::texts(&[folder]).unwrap()
}

fn loaded(texts: &[(PathBuf, String)]) -> Detectors {
    let texts = texts.iter().map(|(file, text)| (file.clone(), text.as_str()));
    Detectors::of_texts(texts).unwrap_or_else(|problems| panic!("{}", told(&problems)))
}

fn rules_of(texts: &[(PathBuf, String)]) -> Vec<SigmaRule> {
    texts.iter().flat_map(|(_, text)| parse_sigma_yaml(text).unwrap().rules).collect()
}

/// Rules, compiled and parsed.
struct Both {
    texts: Vec<(PathBuf, String)>,
    compiled: Rules,
    parsed: Vec<SigmaRule>,
}

impl Both {
    fn of(texts: Vec<(PathBuf, String)>) -> Self {
        let engine = Engine::new(&loaded(&texts)).unwrap();
        let compiled = Rules::new(Catalog::empty(), engine);
        Self { parsed: rules_of(&texts), compiled, texts }
    }
}

/// What the whole path finds in these lines.
fn compiled(rules: &Rules, lines: &[String]) -> Matches {
    let input = Input::stream("sigma", Cursor::new(lines.join("\n").into_bytes()));
    let mut reader = Reader::new(vec![input], Limits::default());
    let mut found = Matches::new();
    scan(&mut reader, rules, 1, 0, &mut |step| {
        assert_eq!(step.judged.failures, []);
        found.extend(step.judged.findings.into_iter().map(|finding| (finding.detector, finding.event_id)));
        Ok(None)
    })
    .unwrap();
    found
}

/// What a plain evaluation finds in them, and how many there were.
fn plainly(rules: &[SigmaRule], lines: &[String]) -> (Matches, usize) {
    let (mut found, mut events) = (Matches::new(), 0);
    for line in lines {
        let record: Value = serde_json::from_str(line).unwrap();
        let is_aws = record.get("eventVersion").is_some();
        let id = if is_aws { record["eventID"].as_str() } else { record["request"]["id"].as_str() };
        let Some(id) = id.filter(|_| gives_events(is_aws, line)) else { continue };
        events += 1;
        for rule in rules {
            let product = rule.logsource.product.as_deref();
            if (product == Some("aws")) == is_aws && oracle::holds(rule, &record) {
                found.insert((rule.id.clone().unwrap(), id.to_owned()));
            }
        }
    }
    (found, events)
}

fn gives_events(is_aws: bool, line: &str) -> bool {
    let arena = Arena::new();
    let normalized = match is_aws {
        true => cloudtrail::normalize(line.as_bytes(), &arena, &mut |_| {}),
        false => vault::normalize(line.as_bytes(), &arena, &mut |_| {}),
    };
    matches!(normalized, Ok(Normalized::Events(_)))
}

/// A pass of both over the same lines; what they find, and in how many events.
#[track_caller]
fn same(rules: &Both, lines: &[String]) -> (Matches, usize) {
    let (plain, events) = plainly(&rules.parsed, lines);
    let found = compiled(&rules.compiled, lines);
    let text_of = |id: &str| {
        let line = lines.iter().find(|line| line.contains(&format!("\"{id}\""))).cloned().unwrap_or_default();
        line.chars().take(3_000).collect::<String>()
    };
    let rule_of = |id: &str| rules.texts.iter().find(|(_, text)| text.contains(id)).unwrap().1.clone();
    for (what, more, less) in [("missed", &plain, &found), ("made up", &found, &plain)] {
        if let Some((rule, event)) = more.difference(less).next() {
            let count = more.difference(less).count();
            panic!("{count} {what}: {}\n{}", rule_of(rule), text_of(event));
        }
    }
    (found, events)
}

/// The bare records of a file in any envelope, of Vault the responses alone: the requests are merged.
fn lines_of(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => _ = flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut text).unwrap(),
        false => text = String::from_utf8(bytes).unwrap(),
    }
    let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let mut lines = Vec::new();
    documents.filter_map(Result::ok).for_each(|document| unwrapped(document, &mut lines));
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines
}

fn unwrapped(value: Value, lines: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| unwrapped(item, lines)),
        Value::Object(ref members) if members.contains_key("eventVersion") => lines.push(value.to_string()),
        Value::Object(ref members)
            if members.contains_key("request")
                && members.get("type").is_some_and(|kind| kind == "response") =>
        {
            lines.push(value.to_string());
        }
        Value::Object(ref members) if members.contains_key("request") && members.contains_key("type") => {}
        Value::Object(members) => members.into_iter().for_each(|(_, member)| unwrapped(member, lines)),
        _ => {}
    }
}

/// How many rules and records the generator makes.
const RULES: usize = 250;
const RECORDS: usize = 120;

#[test]
fn made_up_rules_match_made_up_records_as_a_plain_evaluation_says() {
    let mut dice = Dice(7);
    let lines: Vec<String> = (0..RECORDS).map(|place| made::record(&mut dice, place).to_string()).collect();
    let texts: Vec<_> = (0..RULES)
        .map(|place| (PathBuf::from(format!("{place}.yml")), made::rule(&mut dice, place)))
        .collect();
    let (found, events) = same(&Both::of(texts), &lines);
    assert_eq!(events, RECORDS);
    let matching = found.iter().map(|(rule, _)| rule).collect::<BTreeSet<_>>().len();
    assert!(matching > RULES / 2, "{matching} of {RULES} rules match at all");
    assert!(found.len() < RULES * RECORDS * 3 / 4, "{} matches", found.len());
}

#[test]
fn rules_of_public_shapes_match_the_company_s_logs_as_a_plain_evaluation_says() {
    let company = Company::new(11, 1_794_000_000_000_000);
    let lines = company.take(6_000).map(|line| String::from_utf8(line.bytes).unwrap());
    let mut seen = BTreeSet::new();
    let lines: Vec<_> = lines
        .filter(|line| !line.contains(r#""type":"request""#))
        .filter(|line| seen.insert(line.clone()))
        .collect();
    let (found, events) = same(&Both::of(fixtures()), &lines);
    assert!(events > 1_000 && !found.is_empty(), "{events} events, {found:?}");
}

#[test]
fn rules_of_public_shapes_match_real_logs_as_a_plain_evaluation_says() {
    let mut files = Vec::new();
    for part in ["cloudtrail", "openbao/audit.log.gz", "vault"] {
        let Some(path) = crate::samples::find(part) else { return };
        let all = walkdir::WalkDir::new(path).into_iter().map(|entry| entry.unwrap().into_path());
        files.extend(all.filter(|path| {
            let name = path.to_string_lossy();
            path.is_file() && [".json", ".gz", ".ndjson"].iter().any(|ending| name.ends_with(ending))
        }));
    }
    let rules = Both::of(fixtures());
    let mut matching = BTreeSet::new();
    let mut events = 0;
    for file in &files {
        let lines = lines_of(file);
        let mut ids = BTreeSet::new();
        // Of two records with one id the whole path drops the second.
        let lines: Vec<_> = lines
            .into_iter()
            .filter(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                let id = record.get("eventID").or_else(|| record["request"].get("id")).cloned();
                id.is_some_and(|id| ids.insert(id.to_string()))
            })
            .collect();
        let (found, some) = same(&rules, &lines);
        matching.extend(found.into_iter().map(|(rule, _)| rule));
        events += some;
    }
    assert!(events > 5_000, "{events} events in {} files", files.len());
    assert!(matching.len() >= 12, "{} rules match: {matching:?}", matching.len());
}

#[test]
fn every_fixture_loads_and_the_one_about_no_record_of_ours_says_so() {
    let detectors = load::where_records(loaded(&fixtures()));
    let aside: Vec<_> =
        detectors.iter().filter_map(|found| Some((found.title.clone(), found.set_aside()?))).collect();
    let why = "not evaluated: keyward reads no such records: ConsoleLogin (signin.amazonaws.com)";
    assert_eq!(aside, [("Console login without a second factor".to_owned(), why.to_owned())]);
}

#[test]
fn what_keyward_exports_loads_again_and_finds_what_its_detector_finds() {
    let ours = Detectors::embedded().unwrap();
    let mut exported = 0;
    for detector in ours.iter() {
        let Ok(rule) = sigma::export(detector) else { continue };
        exported += 1;
        let theirs = loaded(&[(PathBuf::from("x.yml"), rule.clone())]);
        let again = theirs.iter().next().unwrap();
        assert_eq!(again.set_aside(), None, "{rule}");
        assert_eq!((again.level, &again.title), (detector.level, &detector.title));
        for case in &detector.cases {
            let batch = keyward::app::check::judge_case(
                &Engine::new(&theirs).unwrap(),
                &case.input(&detector.file).unwrap(),
            )
            .unwrap();
            let hits = |detectors: &Detectors| {
                let hits = Engine::new(detectors).unwrap().run(&batch).hits;
                let provider = keyward::table::rows::Rows::of(&batch);
                let is_aws =
                    |row: usize| provider.text(keyward::table::columns::Column::Provider, row) == Some("aws");
                let detectors: Vec<_> = detectors.iter().map(|found| found.id.clone()).collect();
                let own = hits.into_iter().filter(|hit| {
                    let id = &detectors[hit.detector];
                    (*id == detector.id || *id == again.id) && is_aws(hit.row)
                });
                own.map(|hit| hit.row).collect::<BTreeSet<_>>()
            };
            let (ours, theirs) = (hits(&ours), hits(&theirs));
            assert!(ours.is_subset(&theirs), "{}: {}\n{rule}", detector.id, case.name);
            let narrower = rule.contains("Wider: ");
            assert!(narrower || ours == theirs, "{}: {}\n{rule}", detector.id, case.name);
        }
    }
    assert!(exported >= 3, "{exported} exported");
}
