//! A scan knows what history holds already: the same file, and a copy of it.

use crate::made::{decrypt, deletion, request, response};
use crate::support::{Keyward, Ran};

fn lines(records: &[serde_json::Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

fn scan(keyward: &Keyward, path: &str) -> Ran {
    let ran = keyward.args(["scan", "--data", "data", path]).run();
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
    assert_eq!(ran.account().received, ran.account().sum());
    ran
}

fn stored(keyward: &Keyward) -> (String, String) {
    let count = |table| {
        let question = format!("SELECT count(*) FROM {table}");
        keyward.args(["query", "--data", "data", "--format", "csv", &question]).run().stdout
    };
    (count("events"), count("findings"))
}

#[test]
fn a_copied_file_is_told_again_and_not_stored_again() {
    let log = lines(&[decrypt(1), deletion(2), request(3), response(3)]);
    let longer = format!("{log}{}", lines(&[decrypt(4)]));
    let keyward = Keyward::new().file("a.ndjson", &log).file("b.ndjson", &log).file("c.ndjson", &longer);
    let first = scan(&keyward, "a.ndjson");
    assert!(!first.stderr.contains("already"), "{}", first.stderr);
    let held = stored(&keyward);
    assert!(held.0.contains("\n3\r") || held.0.contains("\n3\n"), "{held:?}");

    let copy = scan(&keyward, "b.ndjson");
    assert_eq!(copy.stdout.lines().count(), first.stdout.lines().count(), "the findings are told again");
    assert!(copy.stderr.contains("held 3 of these events already"), "{}", copy.stderr);
    assert_eq!(stored(&keyward), held);
    let again = scan(&keyward, "b.ndjson");
    assert!(again.stderr.contains("held 3 of these events already"), "{}", again.stderr);

    let more = scan(&keyward, "c.ndjson");
    assert!(more.stderr.contains("held 3 of these events already"), "{}", more.stderr);
    assert!(stored(&keyward).0.contains('4'));
}
