//! Vault and OpenBao entries, over fixtures in the shape of the real thing.

use keyward::domain::event::KeyEvent;
use keyward::normalize::vault::{normalize, normalize_plain};
use keyward::normalize::{Arena, Normalized};

/// The fixture file `tests/fixtures/vault/NAME`.
fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("tests/fixtures/vault/{name}")).unwrap()
}

/// What an event says, in one line.
fn line(event: &KeyEvent<'_>) -> String {
    let word = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let number = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
    [
        word(event.action),
        word(event.category.map(|category| category.as_str())),
        word(event.function.map(|function| function.as_str())),
        word(event.outcome.map(|outcome| outcome.as_str())),
        word(event.key_id),
        format!("other={}", word(event.other_key_id)),
        format!("v={}", number(event.key_version)),
        format!("alg={}", word(event.algorithm)),
        format!("n={}", number(event.batch_size)),
        format!("ctx={}", event.context.map_or(0, <[_]>::len)),
        format!("by={}", word(event.principal)),
        format!("req={}", word(event.request)),
        format!("resp={}", word(event.response)),
    ]
    .join(" ")
}

/// Path and operation of a fixture, for people who read the snapshot.
fn asked(record: &str) -> String {
    let entry: serde_json::Value = serde_json::from_str(record).unwrap();
    let request = &entry["request"];
    format!("{} {}", request["operation"].as_str().unwrap_or("-"), request["path"].as_str().unwrap_or("-"))
}

fn lines(name: &str) -> String {
    let mut out = String::new();
    for record in fixture(name).lines() {
        let arena = Arena::new();
        let (mut fast, mut plain) = (Vec::new(), Vec::new());
        let result = normalize(record.as_bytes(), &arena, &mut |event| fast.push(line(event)));
        let oracle = normalize_plain(record.as_bytes(), &arena, &mut |event| plain.push(line(event)));
        assert_eq!((&result, &fast), (&oracle, &plain), "{record}");
        out.push_str(&format!("{}\n", asked(record)));
        match result.unwrap() {
            Normalized::Events(count) => assert_eq!(usize::from(count), fast.len()),
            Normalized::Irrelevant(aside) => out.push_str(&format!("    irrelevant: {}\n", aside.as_str())),
        }
        fast.iter().for_each(|line| out.push_str(&format!("    {line}\n")));
    }
    out
}

#[test]
fn every_path_of_every_engine_has_its_action_function_key_and_outcome() {
    insta::assert_snapshot!("vault_paths", lines("paths.ndjson"));
}

#[test]
fn every_kmip_operation_has_its_action_function_key_and_outcome() {
    insta::assert_snapshot!("vault_kmip", lines("kmip.ndjson"));
}
