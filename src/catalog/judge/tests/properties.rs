//! Judging does not depend on how it is asked: explained or in a batch, cut or whole, in any order.

use proptest::prelude::*;

use super::*;
use crate::catalog::explain::Finding;
use crate::domain::verdict::Aspect;

const CATALOG: &str = r#"
defaults: { environment: prod }
groups: { apps: ["arn:aws:iam::1:role/a*", "approle:a"] }
callers: [{ match: "n1/*", tenant: t1 }]
accounts: { "1": { tenant: t1, environment: prod }, "2": { tenant: t2, environment: dev } }
keys:
  - { id: k0, keys: ["arn:aws:kms:r1:1:key/k0", "arn:aws:kms:r1:1:alias/x0"], purpose: data-encryption, principals: ["@apps"], grants: [{ principals: ["arn:aws:iam::2:role/b"], functions: [decrypt] }], via: [direct, s3], regions: [r1], networks: [10.0.0.0/8] }
  - { id: k1, keys: ["arn:aws:kms:*:1:key/k1*"], purpose: signature, principals: [{ principal: "arn:aws:iam::*:role/*", callers: human, sessions: ["s*"] }], require: { mfa: true }, state: suspended, tenant: t1 }
  - { id: k2, keys: ["vault:transit/k2"], purpose: data-encryption, context: { require: [context], allow: { context: ["c{tenant}"] }, closed: true }, min_version: 2, active_from: 1970-01-02, algorithms: [a1], administrators: ["approle:a"], exportable: true }
  - { id: k3, keys: ["arn:aws:kms:r1:*:key/k*"], purpose: data-encryption, callers: workload, accounts: ["1"], attestation: { image_digests: ["d1"] }, state: destroyed, state_since: 1970-01-02 }
classes: [{ id: c, match: { accounts: ["2"] }, purpose: key-wrapping, principals: [] }]
exceptions:
  - { id: e0, key: k0, aspects: [principal, region], principals: ["approle:b", "arn:aws:iam::2:*"], until: 1970-01-03, reason: r, ticket: t, approver: a }
  - { id: e1, key: k1, aspects: [state, requirement], principals: ["*:role/*"], sessions: [s1], until: 1970-01-05, reason: r, ticket: t, approver: a }
"#;

const KEYS: [Option<&str>; 8] = [
    None,
    Some("arn:aws:kms:r1:1:key/k0"),
    Some("arn:aws:kms:r1:1:alias/x0"),
    Some("arn:aws:kms:r2:1:key/k1x"),
    Some("vault:transit/k2"),
    Some("arn:aws:kms:r1:1:key/k3"),
    Some("arn:aws:kms:r1:2:key/other"),
    Some("arn:aws:kms:r3:3:key/none"),
];
const PRINCIPALS: [Option<&str>; 8] = [
    None,
    Some("arn:aws:iam::1:role/a1"),
    Some("arn:aws:iam::2:role/b"),
    Some("approle:a"),
    Some("n1/auth/approle#approle:b"),
    Some("account:2"),
    Some("service:rds"),
    Some("root"),
];
const CONTEXTS: [Option<&[(&str, &str)]>; 4] = [
    None,
    Some(&[("context", "ct1")]),
    Some(&[("context", "hmac-sha256:0")]),
    Some(&[("context", "x"), ("y", "z")]),
];
const ADDRESSES: [Option<&str>; 5] =
    [None, Some("10.1.1.1"), Some("192.0.2.1"), Some("s3.amazonaws.com"), Some("AWS Internal")];

/// Small numbers to one event; every field takes every kind of value in some number.
fn event(seed: &[u8]) -> KeyEvent<'static> {
    let pick = |place: usize, of: usize| {
        usize::from(seed[place % seed.len()].wrapping_mul(37).wrapping_add(place as u8)) % of
    };
    let word =
        |place: usize, words: &'static [&'static str]| words.get(pick(place, words.len() + 1)).copied();
    KeyEvent {
        event_id: "e",
        event_time: 43_200_000_000 * pick(0, 8) as i64,
        provider: Provider::ALL.get(pick(1, 2)).copied(),
        service: Some("kms"),
        action: word(2, &["Decrypt", "Encrypt", "PutKeyPolicy"]),
        function: Function::ALL.get(pick(3, Function::ALL.len() + 1)).copied(),
        outcome: Outcome::ALL.get(pick(4, Outcome::ALL.len())).copied(),
        key_id: KEYS[pick(5, KEYS.len())],
        key_alias: word(
            6,
            &["arn:aws:kms:r1:1:alias/x0", "arn:aws:kms:r1:1:alias/aws/s3", "arn:aws:kms:r2:1:alias/x1"],
        ),
        key_account: word(7, &["1", "2"]),
        key_region: word(8, &["r1", "r2"]),
        key_version: Some(pick(9, 4) as i64).filter(|version| *version > 0),
        other_key_id: KEYS[pick(10, KEYS.len())],
        algorithm: word(11, &["a1", "a2", "hmac-sha256:1"]),
        context: CONTEXTS[pick(12, CONTEXTS.len())],
        attestation: word(13, &["d1", "d2"]),
        principal: PRINCIPALS[pick(14, PRINCIPALS.len())],
        principal_account: word(15, &["1", "2", "n1"]),
        session_name: word(16, &["s1", "t1"]),
        mfa: [None, Some(true), Some(false)][pick(17, 3)],
        caller_kind: CallerKind::ALL.get(pick(18, CallerKind::ALL.len())).copied(),
        via: word(19, &["direct", "s3", "unknown", "rds"]),
        region: word(20, &["r1", "r2"]),
        source_ip: ADDRESSES[pick(21, ADDRESSES.len())],
        ..KeyEvent::default()
    }
}

fn events() -> impl Strategy<Value = Vec<KeyEvent<'static>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 24).prop_map(|seed| event(&seed)), 1..24)
}

fn book(facts: &[(u8, u8, u8)]) -> AliasBook {
    let mut book = AliasBook::default();
    for (time, alias, key) in facts {
        let alias =
            ["arn:aws:kms:r1:1:alias/x0", "arn:aws:kms:r2:1:alias/x1", "arn:aws:kms:r1:2:alias/aws/rds"]
                [usize::from(alias % 3)];
        book.learn(
            i64::from(time % 8) * 43_200_000_000,
            alias,
            KEYS[usize::from(*key) % KEYS.len()].filter(|key| key.contains(":key/")),
        );
    }
    book
}

/// All the judge's columns of a row, as text.
fn rendered(batch: &RecordBatch, row: usize) -> String {
    let judged = batch.slice(row, 1);
    let shown = arrow::util::pretty::pretty_format_batches(&[judged
        .project(&(crate::table::columns::LOG_COLUMNS..judged.num_columns()).collect::<Vec<_>>())
        .unwrap()]);
    shown.unwrap().to_string()
}

fn all_rendered(batch: &RecordBatch) -> Vec<String> {
    (0..batch.num_rows()).map(|row| rendered(batch, row)).collect()
}

fn aspects(explanation: &Explanation, finding: Finding) -> String {
    explanation.with(finding).map(Aspect::as_str).collect::<Vec<_>>().join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_explanation_says_what_the_columns_say(events in events(), facts in prop::collection::vec(any::<(u8, u8, u8)>(), 0..6)) {
        let (catalog, book, batch) = (catalog(CATALOG), book(&facts), batch(&events));
        let judged = catalog.judge(&batch, &book).unwrap();
        let rows = Rows::of(&judged);
        for row in 0..events.len() {
            let explanation = catalog.explain(&judged, &book, row);
            prop_assert_eq!(rows.text(Column::Verdict, row), Some(explanation.verdict.as_str()));
            prop_assert_eq!(rows.text(Column::Reason, row), explanation.reason.map(|reason| reason.as_str()));
            prop_assert_eq!(rows.text(Column::CatalogId, row), explanation.entry.as_ref().map(|entry| entry.id.as_str()));
            prop_assert_eq!(words(&judged, Column::Violations, row), aspects(&explanation, Finding::Violated));
            prop_assert_eq!(words(&judged, Column::Unknowns, row), aspects(&explanation, Finding::Unknown));
            prop_assert_eq!(words(&judged, Column::Waived, row), aspects(&explanation, Finding::Waived));
            let tested = [Finding::Fits, Finding::Violated, Finding::Waived];
            let assessed: Vec<&str> = explanation.aspects.iter().filter(|known| tested.contains(&known.finding)).map(|known| known.aspect.as_str()).collect();
            prop_assert_eq!(words(&judged, Column::Assessed, row), assessed.join(" "));
            prop_assert_eq!(explanation.message_parts().count(), explanation.with(Finding::Violated).count());
            let messages = catalog.with_messages(&judged, &book, |messages| messages(row));
            prop_assert_eq!(explanation.message_parts().collect::<Vec<_>>(), messages);
        }
    }

    #[test]
    fn a_cut_of_the_batch_changes_nothing(events in events(), facts in prop::collection::vec(any::<(u8, u8, u8)>(), 0..6), cut in any::<prop::sample::Index>()) {
        let (catalog, book) = (catalog(CATALOG), book(&facts));
        let whole = all_rendered(&catalog.judge(&batch(&events), &book).unwrap());
        let (left, right) = events.split_at(cut.index(events.len()));
        let mut parts = all_rendered(&catalog.judge(&batch(left), &book).unwrap());
        parts.extend(all_rendered(&catalog.judge(&batch(right), &book).unwrap()));
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn the_order_of_entries_changes_nothing(events in events(), seed in any::<u64>()) {
        let mut lines: Vec<&str> = CATALOG.lines().filter(|line| line.starts_with("  - { id: k")).collect();
        let by_hash = |line: &&str| { use std::hash::{Hash, Hasher}; let mut hash = std::hash::DefaultHasher::new(); (seed, line).hash(&mut hash); hash.finish() };
        let head: String = CATALOG.lines().take_while(|line| !line.starts_with("  - { id: k")).map(|line| format!("{line}\n")).collect();
        let tail: String = CATALOG.lines().skip_while(|line| !line.starts_with("classes")).map(|line| format!("{line}\n")).collect();
        lines.sort_by_key(by_hash);
        let shuffled = catalog(&format!("{head}{}\n{tail}", lines.join("\n")));
        let original = catalog(CATALOG);
        prop_assert_eq!(original.version(), shuffled.version());
        let book = AliasBook::default();
        let batch = batch(&events);
        prop_assert_eq!(all_rendered(&original.judge(&batch, &book).unwrap()), all_rendered(&shuffled.judge(&batch, &book).unwrap()));
    }
}

#[test]
fn generated_events_come_to_every_verdict() {
    let catalog = catalog(CATALOG);
    let digest = |number: u32| crate::domain::identity::digest(&[&number.to_le_bytes()]);
    let events: Vec<KeyEvent<'_>> = (0..500).map(|number| event(&digest(number))).collect();
    let judged = catalog.judge(&batch(&events), &AliasBook::default()).unwrap();
    let verdicts = judged.column(Column::Verdict as usize).as_any_dictionary();
    assert_eq!(verdicts.values().len(), crate::domain::verdict::Verdict::ALL.len());
}
