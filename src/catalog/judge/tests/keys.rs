//! Which entry declares a key.

use super::*;
use crate::domain::function::Function::*;

const ALIAS: &str = "arn:aws:kms:eu-west-1:111122223333:alias/orders";
const OTHER_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/other";

/// A catalog of entries `id: names`, all for data encryption.
fn entries(entries: &[(&str, &str)]) -> Catalog {
    let lines = entries
        .iter()
        .map(|(id, keys)| format!("  - {{ id: {id}, keys: [{keys}], purpose: data-encryption }}\n"));
    catalog(&format!("keys:\n{}", lines.collect::<String>()))
}

fn found(catalog: &Catalog, event: &KeyEvent<'_>, book: &AliasBook) -> String {
    let judged = catalog.judge(&batch(std::slice::from_ref(event)), book).unwrap();
    let rows = Rows::of(&judged);
    match rows.text(Column::CatalogId, 0) {
        Some(id) => format!("{id} {}", rows.text(Column::MatchedBy, 0).unwrap()),
        None => format!(
            "{} {}",
            rows.text(Column::Verdict, 0).unwrap(),
            rows.text(Column::Reason, 0).unwrap_or("")
        ),
    }
}

#[test]
fn exact_goes_before_alias_before_the_longest_glob_before_class() {
    let exact = ("exact", format!("\"{KEY}\""));
    let alias = ("alias", format!("\"{ALIAS}\""));
    let longer = ("longer", "\"arn:aws:kms:eu-west-1:111122223333:key/12*\"".to_owned());
    let shorter = ("shorter", "\"arn:aws:kms:eu-west-1:*\"".to_owned());
    let class = "classes: [{ id: low, match: { accounts: [\"1111*\"] }, purpose: signature }, { id: high, match: { keys: [\"*:key/1234*\"] }, priority: 5, purpose: signature }]\n";
    let event = KeyEvent { key_alias: Some(ALIAS), ..aws(Encrypt) };
    let all = [exact, alias, longer, shorter];
    let expected = ["exact exact", "alias alias", "longer glob", "shorter glob", "high class"];
    for (skipped, expected) in expected.into_iter().enumerate() {
        let lines = all
            .iter()
            .skip(skipped)
            .map(|(id, keys)| format!("  - {{ id: {id}, keys: [{keys}], purpose: data-encryption }}\n"));
        let catalog = catalog(&format!("keys:\n{}{class}", lines.collect::<String>()));
        assert_eq!(found(&catalog, &event, &AliasBook::default()), expected);
    }
}

#[test]
fn a_tie_at_run_time_is_ambiguous() {
    let globs = entries(&[("a", "\"arn:aws:kms:*:111122223333:key/1*\""), ("b", "\"arn:aws:kms:*:key/1*\"")]);
    assert_eq!(found(&globs, &aws(Encrypt), &AliasBook::default()), "unknown ambiguous_declaration");
    let explanation = explained(&globs, &aws(Encrypt));
    assert_eq!(explanation.candidates, ["a", "b"]);
    let one_entry = entries(&[("a", "\"arn:aws:kms:*:111122223333:key/1*\", \"arn:aws:kms:*:key/1*\"")]);
    assert_eq!(found(&one_entry, &aws(Encrypt), &AliasBook::default()), "a glob");
    let classes = catalog(
        "classes: [{ id: a, match: { accounts: [\"1*\"] }, purpose: signature }, { id: b, match: { accounts: [\"11*\"] }, purpose: signature }]\n",
    );
    assert_eq!(found(&classes, &aws(Encrypt), &AliasBook::default()), "unknown ambiguous_declaration");
}

#[test]
fn a_class_that_asks_for_tags_takes_the_keys_that_have_them_at_the_time() {
    let tagged = catalog(
        "classes: [{ id: a, match: { accounts: [\"1*\"], tags: { data: \"cust*\" } }, purpose: signature }]\n",
    );
    let event = aws(Encrypt);
    assert_eq!(found(&tagged, &event, &AliasBook::default()), "undeclared ");
    let key = event.key_id.unwrap();
    let with = |facts: &[(i64, Option<&str>)]| {
        let mut book = AliasBook::default();
        facts.iter().for_each(|(after, value)| book.learn_tag(event.event_time + after, key, "data", *value));
        found(&tagged, &event, &book)
    };
    assert_eq!(with(&[(-1, Some("customer"))]), "a class");
    assert_eq!(with(&[(-1, Some("test"))]), "undeclared ");
    assert_eq!(with(&[(1, Some("customer"))]), "undeclared ");
    assert_eq!(with(&[(-2, Some("customer")), (-1, None)]), "undeclared ");
}

#[test]
fn a_multi_region_key_is_one_key_in_all_regions() {
    let catalog = entries(&[("mrk", "\"arn:aws:kms:eu-west-1:111122223333:key/mrk-0123\"")]);
    let in_region = |key| KeyEvent { key_id: Some(key), ..aws(Encrypt) };
    let book = AliasBook::default();
    assert_eq!(
        found(&catalog, &in_region("arn:aws:kms:us-east-1:111122223333:key/mrk-0123"), &book),
        "mrk exact"
    );
    assert_eq!(
        found(&catalog, &in_region("arn:aws:kms:us-east-1:999922223333:key/mrk-0123"), &book),
        "undeclared "
    );
    assert_eq!(
        found(&catalog, &in_region("arn:aws:kms:us-east-1:111122223333:key/mrk-01234"), &book),
        "undeclared "
    );
}

#[test]
fn a_secret_is_known_with_and_without_the_characters_that_aws_adds() {
    let stem = "arn:aws:secretsmanager:eu-west-1:1:secret:app/db";
    let full = "arn:aws:secretsmanager:eu-west-1:1:secret:app/db-AbCdEf";
    let recreated = "arn:aws:secretsmanager:eu-west-1:1:secret:app/db-Gh1jKl";
    let read = |declared: &str, key| {
        let event = KeyEvent { key_id: Some(key), ..aws(Retrieve) };
        found(&entries(&[("s", &format!("\"{declared}\""))]), &event, &AliasBook::default())
    };
    assert_eq!(read(full, full), "s exact");
    assert_eq!(read(full, stem), "s exact");
    assert_eq!(read(stem, full), "s exact");
    assert_eq!(read(full, recreated), "undeclared ", "another secret of the same name");
    let two = entries(&[("s", &format!("\"{full}\"")), ("t", &format!("\"{recreated}\""))]);
    let event = KeyEvent { key_id: Some(stem), ..aws(Retrieve) };
    assert_eq!(found(&two, &event, &AliasBook::default()), "unknown ambiguous_declaration");
}

#[test]
fn an_alias_is_resolved_as_of_the_events_time() {
    let catalog = entries(&[("a", &format!("\"{KEY}\""))]);
    let mut book = AliasBook::default();
    book.learn(at("2026-11-24T08:00:00Z"), ALIAS, Some(KEY));
    let by_alias = |time| KeyEvent {
        key_id: Some(ALIAS),
        key_alias: Some(ALIAS),
        key_by_alias: true,
        event_time: at(time),
        ..aws(Encrypt)
    };
    assert_eq!(found(&catalog, &by_alias("2026-11-24T08:00:00Z"), &book), "a exact");
    assert_eq!(found(&catalog, &by_alias("2026-11-24T07:59:59Z"), &book), "undeclared ");
}

#[test]
fn a_declared_alias_stands_for_the_first_key_it_pointed_at() {
    let catalog = entries(&[("a", &format!("\"{ALIAS}\""))]);
    let mut book = AliasBook::default();
    book.learn(at("2026-11-01T00:00:00Z"), ALIAS, Some(KEY));
    book.learn(at("2026-11-20T00:00:00Z"), ALIAS, Some(OTHER_KEY));
    let on = |key, alias| KeyEvent { key_id: key, key_alias: alias, ..aws(Encrypt) };
    assert_eq!(
        found(&catalog, &on(Some(OTHER_KEY), Some(ALIAS)), &book),
        "undeclared ",
        "a repoint declares nothing"
    );
    assert_eq!(found(&catalog, &on(Some(OTHER_KEY), None), &book), "undeclared ");
    assert_eq!(found(&catalog, &on(Some(KEY), Some(ALIAS)), &book), "a alias");
    let before = KeyEvent { event_time: at("2026-11-10T00:00:00Z"), ..on(Some(KEY), None) };
    assert_eq!(
        found(&catalog, &before, &book),
        "a alias",
        "by a learnt alias, the event naming only the key"
    );
    let first_sight = KeyEvent { event_time: at("2026-10-01T00:00:00Z"), ..on(Some(KEY), Some(ALIAS)) };
    assert_eq!(found(&catalog, &first_sight, &book), "a alias");
}

#[test]
fn an_alias_declared_beside_its_key_stands_for_no_other() {
    let catalog = entries(&[("a", &format!("\"{KEY}\", \"{ALIAS}\""))]);
    let book = AliasBook::default();
    let on = |key| KeyEvent { key_id: Some(key), key_alias: Some(ALIAS), ..aws(Encrypt) };
    assert_eq!(found(&catalog, &on(KEY), &book), "a exact");
    assert_eq!(found(&catalog, &on(OTHER_KEY), &book), "undeclared ");
    let only_alias = KeyEvent { key_id: Some(ALIAS), key_by_alias: true, ..on(KEY) };
    assert_eq!(
        found(&catalog, &only_alias, &book),
        "a alias",
        "judged by the alias where nothing else is known"
    );
}

#[test]
fn an_alias_glob_names_the_keys_of_its_aliases() {
    let catalog = entries(&[("a", "\"arn:aws:kms:*:111122223333:alias/orders\"")]);
    let event = KeyEvent { key_alias: Some(ALIAS), ..aws(Encrypt) };
    assert_eq!(found(&catalog, &event, &AliasBook::default()), "a glob");
}

#[test]
fn an_answer_is_not_remembered_over_a_change_of_the_alias_within_a_batch() {
    let catalog = entries(&[("a", &format!("\"{KEY}\""))]);
    let mut book = AliasBook::default();
    book.learn(at("2026-11-24T08:00:00Z"), ALIAS, Some(KEY));
    book.learn(at("2026-11-24T09:00:00Z"), ALIAS, Some(OTHER_KEY));
    let hours = ["07", "08", "09", "08"];
    let events: Vec<KeyEvent<'_>> = hours
        .iter()
        .map(|hour| KeyEvent {
            key_id: Some(ALIAS),
            key_alias: Some(ALIAS),
            key_by_alias: true,
            event_time: at(&format!("2026-11-24T{hour}:30:00Z")),
            ..aws(Encrypt)
        })
        .collect();
    let judged = catalog.judge(&batch(&events), &book).unwrap();
    let rows = Rows::of(&judged);
    let ids: Vec<Option<&str>> = (0..4).map(|row| rows.text(Column::CatalogId, row)).collect();
    assert_eq!(ids, [None, Some("a"), None, Some("a")]);
}

#[test]
fn an_aws_managed_key_is_for_its_service_only() {
    let managed = "arn:aws:kms:eu-west-1:111122223333:alias/aws/rds";
    let mut book = AliasBook::default();
    book.learn(at("2026-11-01T00:00:00Z"), managed, Some(KEY));
    let via = |via| KeyEvent { via: Some(via), ..aws(Decrypt) };
    let empty = Catalog::empty();
    assert_eq!(found(&empty, &via("rds"), &book), "aws-managed aws-managed");
    assert_eq!(verdict_with(&empty, &via("rds"), &book), "conforming");
    assert_eq!(verdict_with(&empty, &via("s3"), &book), "violation via");
    assert_eq!(verdict_with(&empty, &via("direct"), &book), "violation via");
    assert_eq!(verdict_with(&empty, &via("unknown"), &book), "unknown ?via");
    let declared = entries(&[("a", &format!("\"{KEY}\""))]);
    assert_eq!(found(&declared, &via("s3"), &book), "a exact");
    let ebs = KeyEvent { key_alias: Some("arn:aws:kms:eu-west-1:111122223333:alias/aws/ebs"), ..via("ec2") };
    assert_eq!(verdict(&empty, &ebs), "conforming");
}

#[test]
fn a_declared_alias_of_an_aws_managed_key_limits_it_to_its_service_too() {
    let catalog = entries(&[("a", "\"arn:aws:kms:eu-west-1:111122223333:alias/aws/rds\"")]);
    let via = |via| KeyEvent {
        via: Some(via),
        key_alias: Some("arn:aws:kms:eu-west-1:111122223333:alias/aws/rds"),
        ..aws(Decrypt)
    };
    assert_eq!(verdict(&catalog, &via("rds")), "conforming");
    assert_eq!(verdict(&catalog, &via("s3")), "violation via");
}
