//! Loading: what is refused, where, and with what advice; what is warned of; what a version is.

use std::fs;

use super::*;

fn source(name: &str, text: &str) -> SourceText {
    SourceText { name: name.into(), text: text.to_owned() }
}

fn catalog(text: &str) -> Catalog {
    Catalog::parse(&[source("c.yaml", text)]).unwrap().catalog
}

/// The errors of a text as `line:column message`.
fn errors(text: &str) -> Vec<String> {
    let problems = match Catalog::parse(&[source("c.yaml", text)]) {
        Ok(_) => return Vec::new(),
        Err(error) => error.problems,
    };
    let shown = |problem: &Problem| format!("{}:{} {}", problem.line, problem.column, problem.message);
    problems.iter().filter(|problem| problem.severity == Severity::Error).map(shown).collect()
}

/// Asserts that the text has exactly one error, at this place and saying this.
fn refuses(text: &str, place: &str, says: &str) {
    let errors = errors(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with(&format!("{place} ")), "not at {place}: {}", errors[0]);
    assert!(errors[0].contains(says), "does not say `{says}`: {}", errors[0]);
}

const KEY: &str = "keys: [\"vault:transit/a\"], purpose: signature";

#[test]
fn every_field_of_the_contract_is_read() {
    let text = r#"
version: 1
defaults: { environment: prod, mode: enforce }
groups: { orders-apps: ["approle:payments-api", "arn:aws:iam::111122223333:role/orders-*"] }
keys:
  - id: orders-encryption
    extends: customer-data
    keys: ["vault:transit/orders-encryption", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-0000-0000-0000-000000000000", "arn:aws:kms:*:111122223333:alias/orders"]
    purpose: data-encryption
    use: order-records
    asset: other
    functions: [encrypt, decrypt]
    algorithms: [SYMMETRIC_DEFAULT]
    principals: ["@orders-apps", { principal: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/*", callers: human, sessions: ["*@example.com"] }]
    grants: [{ principals: ["approle:auditor"], functions: [decrypt] }]
    administrators: ["arn:aws:iam::111122223333:role/key-admin"]
    callers: workload
    via: [direct, rds]
    context: { require: ["aws:s3:arn"], allow: { "aws:s3:arn": ["arn:aws:s3:::orders-*"] }, closed: true }
    accounts: ["111122223333"]
    regions: [eu-west-1]
    networks: ["10.0.0.0/8", "2001:db8::1"]
    require: { mfa: true, source_identity: true, vpc_endpoints: ["vpce-1"], tls_min: "1.2" }
    attestation: { image_digests: ["abab"] }
    tenant: orders
    environment: prod
    state: active
    state_since: 2026-01-01T00:00:00Z
    active_from: 2026-01-01T00:00:00Z
    active_until: 2027-01-01T00:00:00Z
    process_until: 2028-01-01
    min_version: 3
    rotate_every: 365d
    rotated: 2026-06-01
    exportable: false
    reencrypt_to: [orders-encryption-2]
    max_rate: { count: 500, per: 1m }
    canary: false
    multi_tenant: false
    expect: { key_usage: ENCRYPT_DECRYPT, key_spec: SYMMETRIC_DEFAULT, origin: AWS_KMS, multi_region: false }
    criticality: high
    owner: team-orders
    contact: orders-oncall@example.com
    responsibility: [mp, osp]
    shared_with: [{ party: acme, role: osp, contract: C-17, functions: [verify] }]
    reviews: [{ by: b.lee, on: 2026-10-01, outcome: kept }]
    review_every: 365d
    mode: observe
  - { id: orders-encryption-2, keys: ["vault:transit/orders-2"], purpose: data-encryption }
classes:
  - { id: customer-data, match: { accounts: ["1111*"], tags: { data: customer } }, priority: 10, purpose: data-encryption, criticality: high }
callers: [{ match: "tenant-a/*", tenant: a }, { match: "arn:aws:iam::777788889999:*", environment: dev }]
accounts: { "777788889999": { environment: dev, tenant: sandbox } }
pipelines: ["arn:aws:iam::111122223333:role/terraform"]
scanners: ["arn:aws:iam::*:role/cspm"]
exceptions:
  - { id: EX-7, key: orders-encryption, aspects: [function], functions: [mac_generate], principals: ["approle:overbroad"], from: 2026-11-01T00:00:00Z, until: 2026-12-31T00:00:00Z, reason: migration, ticket: SEC-12, requester: c.doe, approver: a.ng }
  - { id: BG-1, kind: break-glass, key: orders-encryption, aspects: [principal], principals: ["approle:emergency"], sessions: ["incident-*"], until: 2026-11-25T00:00:00Z, reason: outage, ticket: INC-1, requester: c.doe, approver: a.ng }
blind_spots: [{ source: "trail/dev", what: KMS excluded, until: 2027-01-01, approver: a.ng }]
"#;
    let loaded = Catalog::parse(&[source("c.yaml", text)]).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.catalog.len(), 2);
    assert_eq!(loaded.catalog.blind_spots().len(), 1);
    let entries = loaded.catalog.entries().unwrap();
    assert_eq!(entries.num_rows(), 5, "four names and a class");
    assert_eq!(loaded.catalog.exceptions().unwrap().num_rows(), 2);
}

#[test]
fn unknown_words_are_refused_at_their_place_with_the_nearest_known_one() {
    let key = |field: &str| {
        format!("version: 1\nkeys:\n  - id: a\n    {KEY}\n    {field}\n")
            .replace(", purpose", "\n    purpose")
    };
    refuses(&key("principal: [x]"), "6:5", "did you mean `principals`?");
    refuses(&key("functions: [sing]"), "6:17", "did you mean `sign`?");
    refuses(&key("state: actve"), "6:12", "did you mean `active`?");
    refuses(&key("require: { tls_min: \"0.9\" }"), "6:25", "known are: 1.0 1.1 1.2 1.3");
    refuses(&key("rotate_every: 1y"), "6:19", "365d");
    refuses(&key("rotated: yesterday"), "6:14", "2026-11-24");
    refuses(&key("networks: [10.0.0.0/33]"), "6:16", "10.0.0.0/8");
    refuses(&key("exportable: 1"), "6:17", "true or false");
    refuses(&key("max_rate: { count: 5 }"), "6:15", "`per` is missing");
    refuses(&key("principals: approle:x"), "6:17", "a list");
    refuses(&key("principals: [{ principal: x, session: y }]"), "6:34", "did you mean `sessions`?");
    refuses("version: 1\nkees: []\n", "2:1", "there is no section `kees`");
    refuses("version: 2\n", "1:10", "write `version: 1`");
    refuses("keys: []\n", "1:1", "begin with `version: 1`");
    refuses("version: 1\nkeys: {}\n", "2:1", "`keys` is a list");
}

#[test]
fn one_key_has_one_purpose_and_one_use() {
    let two = |field: &str| format!("version: 1\nkeys:\n  - {{ id: a, keys: [\"vault:t/a\"], {field} }}\n");
    let purposes = errors(&two("purpose: [signature, key-wrapping]"));
    assert_eq!(purposes.len(), 1, "{purposes:?}");
    assert!(purposes[0].contains("a list"), "{purposes:?}");
    let uses = errors(&two("purpose: signature, use: [a, b]"));
    assert!(uses[0].contains("one key, one use"), "{uses:?}");
    let claimed_twice = "version: 1\nkeys:\n  - { id: a, keys: [\"vault:t/a\"], purpose: signature }\n  - { id: b, keys: [\"vault:t/a\"], purpose: key-wrapping }\n";
    refuses(claimed_twice, "4:21", "for another purpose (signature, here key-wrapping) (c.yaml:3)");
    let other_use = "version: 1\nkeys:\n  - { id: a, keys: [\"vault:t/a\"], purpose: signature, use: x }\n  - { id: b, keys: [\"vault:t/a\"], purpose: signature, use: y }\n";
    refuses(other_use, "4:21", "for another use");
}

#[test]
fn a_name_is_claimed_once_whatever_its_form() {
    let two = |first: &str, second: &str| {
        format!(
            "version: 1\nkeys:\n  - {{ id: a, keys: [\"{first}\"], purpose: signature }}\n  - {{ id: b, keys: [\"{second}\"], purpose: signature }}\n"
        )
    };
    for name in ["vault:t/*", "arn:aws:kms:eu-west-1:1:alias/x", "arn:aws:kms:eu-west-1:1:key/x"] {
        refuses(&two(name, name), "4:21", "is declared by `a` too");
    }
    let replica = "arn:aws:kms:us-east-1:1:key/mrk-0123";
    refuses(&two("arn:aws:kms:eu-west-1:1:key/mrk-0123", replica), "4:21", "is declared by `a` too");
    assert_eq!(
        errors(&two("vault:t/a", "vault:t/*")),
        Vec::<String>::new(),
        "the exact name goes before the glob"
    );
}

#[test]
fn what_is_referred_to_must_exist() {
    let with =
        |field: &str, rest: &str| format!("version: 1\nkeys:\n  - {{ id: a, {field}, {KEY} }}\n{rest}");
    refuses(&with("principals: [\"@apps\"]", ""), "3:27", "there is no group `apps`");
    refuses(
        &with("grants: [{ principals: [\"@apps\"], functions: [sign] }]", ""),
        "3:38",
        "there is no group `apps`",
    );
    refuses(&with("extends: customer", ""), "3:23", "there is no class `customer`");
    refuses(&with("reencrypt_to: [b]", ""), "3:29", "no entry's id");
    refuses(&with("use: x", "pipelines: [\"@ci\"]\n"), "4:13", "there is no group `ci`");
    refuses(&with("use: x", "groups: { a: [\"@b\"], b: [x] }\n"), "4:15", "a group cannot hold a group");
}

#[test]
fn names_that_no_log_writes_are_refused_with_the_right_form() {
    let named =
        |name: &str| format!("version: 1\nkeys:\n  - {{ id: a, keys: [\"{name}\"], purpose: signature }}\n");
    refuses(&named("alias/orders"), "3:21", "arn:aws:kms:REGION:ACCOUNT:alias/orders");
    refuses(&named("1234abcd-12ab-34cd-56ef-1234567890ab"), "3:21", "write an ARN");
    refuses(&named("vault:pki/"), "3:21", "ends with a slash");
    refuses(&named(""), "3:21", "empty");
    refuses("version: 1\nkeys:\n  - { id: a, keys: [], purpose: signature }\n", "3:11", "`keys` is empty");
}

#[test]
fn ids_are_unique_over_entries_and_classes() {
    let text =
        format!("version: 1\nkeys:\n  - {{ id: a, {KEY} }}\nclasses:\n  - {{ id: a, purpose: signature }}\n");
    refuses(&text, "5:11", "the id `a` is taken by c.yaml:3");
    refuses(&format!("version: 1\nkeys:\n  - {{ id: aws-managed, {KEY} }}\n"), "3:11", "built-in class");
}

#[test]
fn a_purpose_may_come_from_the_class_but_must_come() {
    let text = |class: &str| {
        format!(
            "version: 1\nkeys:\n  - {{ id: a, extends: c, keys: [\"vault:t/a\"] }}\nclasses:\n  - {{ id: c{class} }}\n"
        )
    };
    assert_eq!(errors(&text(", purpose: signature")), Vec::<String>::new());
    refuses(&text(""), "3:11", "`a` has no purpose");
    refuses(
        &text(", match: { accounts: [x] }").replace("extends: c", "purpose: signature"),
        "5:11",
        "`c` has no purpose",
    );
    refuses(&text(", match: {}, purpose: signature"), "5:11", "`match` is empty");
}

#[test]
fn lists_of_a_class_are_replaced_and_not_merged() {
    let text = "version: 1\nkeys:\n  - { id: a, extends: c, keys: [\"vault:t/a\"], functions: [sign] }\nclasses:\n  - { id: c, purpose: signature, functions: [verify], owner: o }\n";
    let catalog = catalog(text);
    let entry = &catalog.entries[0];
    assert_eq!(entry.functions(false).iter().map(|function| function.as_str()).collect::<Vec<_>>(), ["sign"]);
    assert_eq!(entry.declaration.owner.as_deref(), Some("o"));
}

#[test]
fn an_exception_names_all_that_it_lacks_at_once() {
    let text = format!("version: 1\nkeys:\n  - {{ id: a, {KEY} }}\nexceptions:\n  - {{ id: E }}\n");
    let missing = errors(&text);
    for field in ["key", "aspects", "principals", "until", "reason", "ticket", "approver"] {
        assert!(
            missing.iter().any(|error| error.contains(&format!("needs `{field}`"))),
            "{field}: {missing:#?}"
        );
    }
    assert_eq!(missing.len(), 7);
}

#[test]
fn an_exception_is_bounded_approved_by_another_and_never_for_everybody() {
    let with = |fields: &str| {
        format!(
            "version: 1\nkeys:\n  - {{ id: a, {KEY} }}\nexceptions:\n  - {{ id: E, aspects: [function], until: 2026-12-01, reason: r, ticket: T-1, {fields} }}\n"
        )
    };
    let whole = "key: a, principals: [x], approver: b";
    assert_eq!(errors(&with(whole)), Vec::<String>::new());
    assert!(errors(&with(&format!("{whole}, requester: b")))[0].contains("the approver is the requester"));
    assert!(errors(&with(&format!("{whole}, from: 2026-12-02")))[0].contains("before it begins"));
    assert!(errors(&with("key: b, principals: [x], approver: b"))[0].contains("no entry or class `b`"));
    assert!(errors(&with("key: a, principals: [\"*\"], approver: b"))[0].contains("everybody"));
    let break_glass = format!("{whole}, kind: break-glass");
    assert!(errors(&with(&break_glass))[0].contains("needs `sessions`"));
    let two_days = format!("{break_glass}, sessions: [i-*], from: 2026-11-29");
    assert!(errors(&with(&two_days))[0].contains("24 h"));
    assert_eq!(errors(&with(&format!("{break_glass}, sessions: [i-*]"))), Vec::<String>::new());
}

#[test]
fn all_problems_of_all_files_come_at_once_in_order() {
    let sources = [
        source(
            "b.yaml",
            "version: 1\nkeys:\n  - { id: x, keyz: [] }\n  - { id: y, keys: [bad], purpose: signature }\n",
        ),
        source(
            "a.yaml",
            "version: 1\nkeys:\n  - { id: z, keys: [\"vault:t/y\"], purpose: sigature, owner: [1] }\n",
        ),
    ];
    let error = Catalog::parse(&sources).unwrap_err();
    let shown: Vec<String> = error
        .problems
        .iter()
        .map(|problem| format!("{}:{}:{}", problem.file, problem.line, problem.column))
        .collect();
    assert_eq!(shown, ["a.yaml:3:44", "a.yaml:3:61", "b.yaml:3:14", "b.yaml:4:21"], "{error}");
}

#[test]
fn a_folder_is_one_catalog_of_its_yaml_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "b.yml",
        "version: 1\nkeys:\n  - { id: b, extends: c, keys: [\"vault:t/b\"], principals: [\"@g\"] }\n",
    );
    write("a.yaml", "version: 1\nclasses: [{ id: c, purpose: signature }]\ngroups: { g: [x] }\n");
    write("notes.txt", "not a catalog");
    let catalog = Catalog::load(&[folder.path().to_owned()]).unwrap().catalog;
    assert_eq!(catalog.len(), 1);
    let error = Catalog::load(&[folder.path().join("missing.yaml")]).unwrap_err();
    assert!(error.to_string().contains("missing.yaml:0:0: error: cannot be read"), "{error}");
}

#[test]
fn the_version_is_of_what_is_said_and_not_of_how() {
    let version = |texts: &[&str]| {
        let sources: Vec<SourceText> = texts.iter().map(|text| source("x.yaml", text)).collect();
        Catalog::parse(&sources).unwrap().catalog.version().to_owned()
    };
    let one = "version: 1\nkeys:\n  - { id: a, keys: [\"vault:t/a\"], purpose: signature }\n  - { id: b, keys: [\"vault:t/b\"], purpose: signature }\n";
    let other = "# comment\nversion: 1\nkeys:\n- purpose: \"signature\"\n  keys:\n  - vault:t/b\n  id: b\n";
    let rest = "version: 1\nkeys: [{ id: a, keys: [\"vault:t/a\"], purpose: signature }]\n";
    assert_eq!(version(&[one]), version(&[other, rest]));
    assert_ne!(version(&[one]), version(&[&one.replace("t/b", "t/c")]));
    assert_ne!(version(&[one]), version(&[&one.replace("signature }\n", "key-wrapping }\n")]));
    let callers = |order: &str| version(&[&format!("version: 1\ncallers: [{order}]\n")]);
    let (first, second) = ("{ match: a, tenant: x }", "{ match: \"*\", tenant: y }");
    assert_ne!(callers(&format!("{first}, {second}")), callers(&format!("{second}, {first}")));
    assert_eq!(catalog(one).short_version().len(), 12);
}

#[test]
fn warnings_by_content_come_with_loading_and_those_by_date_when_asked() {
    let text = r#"
version: 1
keys:
  - { id: all, keys: ["vault:*"], purpose: signature, principals: ["*"] }
  - { id: type, keys: ["arn:aws:kms:eu-west-1:1:key/a"], purpose: signature, functions: [sign, encrypt], expect: { key_usage: SIGN_VERIFY } }
  - { id: grant, keys: ["vault:t/b"], purpose: signature, grants: [{ principals: [x], functions: [decrypt] }] }
  - { id: reviewed, keys: ["vault:t/c"], purpose: signature, reviews: [{ by: b, on: 2026-01-01 }], review_every: 30d }
exceptions:
  - { id: E, key: all, aspects: [function], principals: [x], from: 2026-01-01, until: 2026-06-01, reason: r, ticket: t, approver: b }
"#;
    let loaded = Catalog::parse(&[source("c.yaml", text)]).unwrap();
    let shown = |problems: &[Problem]| {
        problems.iter().map(|problem| format!("{} {}", problem.line, problem.message)).collect::<Vec<_>>()
    };
    let warnings = shown(&loaded.warnings);
    assert_eq!(warnings.len(), 5, "{warnings:#?}");
    for (warning, says) in warnings.iter().zip([
        "matches every key",
        "matches every caller",
        "cannot encrypt",
        "gives decrypt",
        "151 days",
    ]) {
        assert!(warning.contains(says), "{says}: {warning}");
    }
    let december = crate::domain::time::parse_rfc3339("2026-12-01T00:00:00Z").unwrap();
    let later = shown(&loaded.catalog.lint(december, false));
    assert!(
        later.iter().any(|warning| warning.contains("the review of `reviewed` was due on 2026-01-31")),
        "{later:#?}"
    );
    assert!(later.iter().any(|warning| warning.contains("expired on 2026-06-01")), "{later:#?}");
    let strict = shown(&loaded.catalog.lint(december, true));
    for field in ["use", "owner", "reviews"] {
        assert!(
            strict.iter().any(|warning| warning.contains(&format!("`all` has no `{field}`"))),
            "{strict:#?}"
        );
    }
}

#[test]
fn the_empty_catalog_declares_nothing() {
    let empty = Catalog::empty();
    assert!(empty.is_empty());
    assert_eq!(empty.entries().unwrap().num_rows(), 0);
    assert_eq!(empty.version(), catalog("version: 1\n").version());
}

#[test]
fn tens_of_thousands_of_entries_load_and_each_is_found() {
    let entry = |number: u32| {
        format!(
            "  - {{ id: k{number}, keys: [\"arn:aws:kms:*:1:alias/app-{number}\"], purpose: signature }}\n"
        )
    };
    let text: String = (0..20_000).map(entry).collect();
    let catalog = catalog(&format!("version: 1\nkeys:\n{text}"));
    assert_eq!(catalog.len(), 20_000);
    let names = index::KeyNames { alias: Some("arn:aws:kms:r:1:alias/app-19999"), ..Default::default() };
    let found = catalog.index.find(names, &AliasBook::default());
    assert!(matches!(found, index::Match::Declared(index::Declared { entry: 19_999, .. })), "{found:?}");
}
