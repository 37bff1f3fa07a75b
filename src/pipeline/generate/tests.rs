//! The generator gives the same true-shaped lines every time, and its catalog declares its keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use super::*;
use crate::domain::event::{KeyEvent, Outcome};
use crate::domain::time::parse_rfc3339;
use crate::normalize::{Arena, cloudtrail, vault as vault_entries};

/// 2026-11-24T08:00:00Z.
const MORNING: i64 = 1_795_507_200_000_000;

/// Enough lines for every family of misuse to happen.
const A_ROUND: usize = 20_000;

static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| Company::new(7, MORNING).take(A_ROUND).collect());

fn lines(count: usize) -> &'static [Line] {
    &LINES[..count]
}

fn parsed(line: &Line) -> Value {
    serde_json::from_slice(&line.bytes).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_lines_and_another_seed_gives_others() {
    assert!(Company::new(7, MORNING).take(2_000).eq(lines(2_000).iter().cloned()));
    assert!(!Company::new(8, MORNING).take(2_000).eq(lines(2_000).iter().cloned()));
}

#[test]
fn lines_arrive_in_order_and_events_do_not() {
    let lines = lines(5_000);
    assert!(lines.is_sorted_by_key(|line| line.arrives));
    let times: Vec<_> = lines
        .iter()
        .filter(|line| line.provider == Provider::Aws)
        .map(|line| {
            let time = parse_rfc3339(parsed(line)["eventTime"].as_str().unwrap()).unwrap();
            assert!(time <= line.arrives, "an event arrives after it happened");
            time
        })
        .collect();
    let inversions = times.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!(inversions > 50, "{inversions} of {}", times.len());
}

#[test]
fn a_request_of_vault_comes_before_its_response_and_both_tell_of_the_same_call() {
    let mut open = BTreeMap::new();
    for line in lines(5_000).iter().filter(|line| line.provider == Provider::Vault) {
        let entry = parsed(line);
        let id = entry["request"]["id"].as_str().unwrap().to_owned();
        if entry["type"] == "request" {
            assert!(entry.get("response").is_none() && line.label.is_none());
            assert!(open.insert(id, entry["request"].clone()).is_none());
        } else {
            assert_eq!(open.remove(&id).unwrap(), entry["request"]);
            assert!(entry["response"].is_object());
        }
    }
}

#[test]
fn some_records_are_delivered_twice_and_no_other_id_repeats() {
    let mut seen: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut repeated = 0;
    let records = lines(A_ROUND).iter().filter(|line| line.provider == Provider::Aws);
    for line in records {
        let id = parsed(line)["eventID"].as_str().unwrap().to_owned();
        if let Some(first) = seen.insert(id, line.bytes.clone()) {
            assert_eq!(first, line.bytes);
            repeated += 1;
        }
    }
    assert!(repeated > 10 && repeated < seen.len() / 50, "{repeated} of {}", seen.len());
}

#[test]
fn every_family_of_misuse_happens_and_misuse_stays_rare() {
    let lines = lines(A_ROUND);
    let labels: Vec<_> = lines.iter().filter_map(|line| line.label.as_ref()).collect();
    let stories: BTreeSet<_> = labels.iter().map(|label| label.story).collect();
    assert_eq!(stories.len(), Company::families());
    assert!(labels.len() * 200 < lines.len(), "{} of {}", labels.len(), lines.len());
}

#[test]
fn a_label_names_the_event_of_its_line_and_agrees_with_itself() {
    for line in lines(A_ROUND) {
        let Some(label) = &line.label else { continue };
        let record = parsed(line);
        let id = if line.provider == Provider::Aws { &record["eventID"] } else { &record["request"]["id"] };
        assert_eq!(id, &label.event_id);
        let violated = label.verdict == Some(Verdict::Violation);
        assert_eq!(violated, !label.aspects.is_empty(), "{}", label.story);
        assert!(label.verdict.is_some() || !label.detectors.is_empty(), "{}", label.story);
    }
}

#[test]
fn the_audit_device_hides_every_text_that_was_passed() {
    for line in lines(5_000).iter().filter(|line| line.provider == Provider::Vault) {
        let entry = parsed(line);
        for data in [&entry["request"]["data"], &entry["response"]["data"]] {
            assert_all_hashed(data);
        }
    }
}

fn assert_all_hashed(data: &Value) {
    match data {
        Value::String(text) => {
            let digits = text.strip_prefix("hmac-sha256:").unwrap();
            assert!(digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{text}");
        }
        Value::Array(items) => items.iter().for_each(assert_all_hashed),
        Value::Object(fields) => fields.values().for_each(assert_all_hashed),
        _ => {}
    }
}

#[test]
fn the_example_catalog_declares_every_key_that_is_used_rightly() {
    let yaml = Company::catalog_yaml();
    for key in [
        cast::ORDERS,
        cast::ORDERS_ALIAS,
        cast::ORDERS_BUCKET,
        cast::MODEL_SIGNING,
        cast::MODEL_WEIGHTS,
        cast::SESSION_MAC,
        cast::BACKUP_WRAPPING,
        cast::APP_SECRETS,
        cast::ARCHIVE,
        cast::FIRMWARE,
        cast::DECOY,
        cast::DATABASE_PASSWORD,
        cast::CUSTOMER_RECORDS,
        cast::RELEASE_SIGNING,
        "vault:transit/login-tokens",
        "vault:transit/backup-keys",
        cast::ISSUING_CA,
        cast::SHOP_PASSWORD,
        cast::ENCLAVE_IMAGE,
    ] {
        assert!(yaml.contains(key), "{key}");
    }
    for undeclared in [cast::SCRATCH, cast::SCRATCHPAD, cast::FOREIGN] {
        assert!(!yaml.contains(undeclared), "{undeclared}");
    }
}

#[test]
fn the_migration_runs_while_its_exception_holds() {
    let yaml = Company::catalog_yaml();
    for (field, micros) in [("from", cast::MIGRATION.start), ("until", cast::MIGRATION.end)] {
        let line = format!("    {field}: {}\n", crate::domain::time::format_rfc3339(micros));
        assert!(yaml.contains(&line), "{line}");
    }
    let migrates = |start: i64| {
        Company::new(7, start)
            .take(5_000)
            .any(|line| String::from_utf8_lossy(&line.bytes).contains("role/migrator"))
    };
    assert!(migrates(MORNING));
    assert!(!migrates(cast::MIGRATION.end));
}

#[test]
fn a_record_of_the_corpus_has_the_size_and_the_share_of_kms_that_was_asked_for() {
    let records: Vec<_> = corpus(5_000, 0.4).collect();
    assert_eq!(records.len(), 5_000);
    let bytes: usize = records.iter().map(Vec::len).sum();
    let mean = bytes / records.len();
    assert!((1_300..1_500).contains(&mean), "{mean} bytes");
    let of_kms = |record: &&Vec<u8>| {
        serde_json::from_slice::<Value>(record).unwrap()["eventSource"] == "kms.amazonaws.com"
    };
    let share = records.iter().filter(of_kms).count() as f64 / records.len() as f64;
    assert!((0.37..0.43).contains(&share), "{share}");
    assert_eq!(corpus(50, 0.4).collect::<Vec<_>>(), records[..50]);
}

#[test]
fn the_corpus_and_its_catalog_have_the_same_keys() {
    let yaml = corpus_catalog(20);
    assert_eq!(yaml.lines().count(), 22);
    let arns: BTreeSet<_> = Corpus::new(500, 1.0, 20)
        .filter_map(|record| {
            let record: Value = serde_json::from_slice(&record).unwrap();
            record["resources"][0]["ARN"].as_str().map(str::to_owned)
        })
        .collect();
    assert_eq!(arns.len(), 20);
    for arn in arns {
        assert!(yaml.contains(&arn), "{arn}");
    }
    assert!(corpus_catalog(1_000).starts_with(&yaml));
}

/// One emitted event, as far as a label speaks of it.
struct Seen {
    event_id: String,
    key_id: Option<String>,
    outcome: Option<Outcome>,
}

/// The events of a line; a reject fails the test.
fn normalized(line: &Line) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut emit = |event: &KeyEvent<'_>| {
        seen.push(Seen {
            event_id: event.event_id.to_owned(),
            key_id: event.key_id.map(str::to_owned),
            outcome: event.outcome,
        });
    };
    let normalize = match line.provider {
        Provider::Aws => cloudtrail::normalize,
        Provider::Vault => vault_entries::normalize,
    };
    let result = normalize(&line.bytes, &Arena::new(), &mut emit);
    assert!(result.is_ok(), "{result:?}: {}", String::from_utf8_lossy(&line.bytes));
    seen
}

#[test]
fn every_line_normalizes_and_a_label_names_an_event_of_its_line() {
    for line in lines(A_ROUND) {
        let seen = normalized(line);
        let Some(label) = &line.label else { continue };
        let told = seen.iter().find(|seen| seen.event_id == label.event_id);
        let told = told.unwrap_or_else(|| panic!("{}: {} gives no event", label.story, label.event_id));
        if label.verdict.is_some() {
            assert_eq!(told.key_id, label.key_id, "{}", label.story);
            assert_ne!(told.outcome, Some(Outcome::Failed), "{}", label.story);
        }
    }
}

#[test]
fn every_record_of_the_corpus_normalizes() {
    for bytes in corpus(3_000, 0.4) {
        let line = Line { bytes, provider: Provider::Aws, arrives: 0, label: None };
        normalized(&line);
    }
}
