//! Verdicts around the aspects: what is judged at all, what goes before what, what exceptions lift, and
//! what the columns and explanations say of it.

use super::*;
use crate::catalog::explain::Finding;
use crate::domain::function::Function::*;
use crate::domain::verdict::{Aspect, Verdict};

#[test]
fn a_violated_aspect_outweighs_an_unknown_one_and_all_violated_ones_are_named() {
    let catalog = declared("via: [s3], principals: [x], regions: [us-east-1], functions: [encrypt]");
    let event = KeyEvent { via: Some("unknown"), ..aws(Decrypt) };
    assert_eq!(verdict(&catalog, &event), "violation function principal region ?via");
    assert_eq!(column(&catalog, &event, Column::Reason), None);
    let unknown = declared("via: [s3]");
    assert_eq!(column(&unknown, &event, Column::Reason).as_deref(), Some("service_not_named"));
}

#[test]
fn assessed_are_the_aspects_that_were_tested() {
    let catalog = declared("via: [direct], principals: [x], algorithms: [a], min_version: 1");
    assert_eq!(assessed(&catalog, &aws(Encrypt)), "function principal via");
}

#[test]
fn metadata_is_not_applicable_and_so_is_a_call_without_a_key() {
    let catalog = declared("principals: []");
    let reason = |event: &KeyEvent<'_>| {
        (verdict(&catalog, event), column(&catalog, event, Column::Reason).unwrap_or_default())
    };
    assert_eq!(reason(&aws(Read)), ("not_applicable".into(), "metadata".into()));
    assert_eq!(column(&catalog, &aws(Read), Column::CatalogId).as_deref(), Some("k"));
    let random = KeyEvent { function: None, key_id: None, ..aws(Read) };
    assert_eq!(reason(&random), ("not_applicable".into(), "no_key".into()));
    let list = KeyEvent { key_id: None, ..aws(Read) };
    assert_eq!(reason(&list), ("not_applicable".into(), "metadata".into()));
    let access = KeyEvent { function: None, ..aws(Read) };
    assert_eq!(reason(&access), ("not_applicable".into(), "no_function".into()));
}

#[test]
fn a_denied_call_that_names_no_key_is_unknown_if_it_needs_one() {
    let catalog = Catalog::empty();
    let denied = |function, action| KeyEvent {
        key_id: None,
        action: Some(action),
        outcome: Some(Outcome::Denied),
        ..aws(function)
    };
    assert_eq!(verdict(&catalog, &denied(Decrypt, "Decrypt")), "unknown");
    assert_eq!(
        column(&catalog, &denied(Decrypt, "Decrypt"), Column::Reason).as_deref(),
        Some("key_not_named")
    );
    assert_eq!(verdict(&catalog, &denied(Manage, "PutKeyPolicy")), "unknown");
    assert_eq!(verdict(&catalog, &denied(Manage, "CreateKey")), "not_applicable");
    assert_eq!(verdict(&catalog, &denied(Manage, "DisconnectCustomKeyStore")), "not_applicable");
}

#[test]
fn an_undeclared_key_is_undeclared_for_all_but_metadata() {
    let catalog = Catalog::empty();
    for function in [Encrypt, Sign, Manage, Import, Export, Backup] {
        assert_eq!(verdict(&catalog, &aws(function)), "undeclared", "{function}");
    }
    assert_eq!(verdict(&catalog, &aws(Read)), "not_applicable");
}

#[test]
fn a_scheduled_rotation_by_kms_itself_accuses_nobody() {
    let catalog = declared("administrators: [\"arn:aws:iam::111122223333:role/key-admin\"]");
    let rotation = KeyEvent {
        action: Some("RotateKey"),
        principal: Some("service:aws-internal"),
        caller_kind: Some(CallerKind::Service),
        ..aws(Function::Manage)
    };
    assert_eq!(verdict(&catalog, &rotation), "not_applicable");
}

#[test]
fn changing_a_key_is_judged_by_administrators_only() {
    let admins = "administrators: [\"arn:aws:iam::111122223333:role/key-admin\"], regions: [us-east-1], functions: [encrypt]";
    for function in [Manage, Import] {
        check(
            function,
            &[
                ("principals: []", |_| {}, "not_applicable"),
                (admins, |_| {}, "violation principal"),
                (admins, |e| e.principal = Some("arn:aws:iam::111122223333:role/key-admin"), "conforming"),
                (admins, |e| e.principal = Some("account:111122223333"), "unknown ?principal"),
            ],
        );
    }
    let catalog = declared(&format!("{admins}, principals: [x]"));
    let admin = KeyEvent { principal: Some("arn:aws:iam::111122223333:role/key-admin"), ..aws(Encrypt) };
    assert_eq!(verdict(&catalog, &admin), "violation principal region", "an administrator is not a user");
}

#[test]
fn private_material_leaves_only_where_it_is_exportable_and_then_by_its_principals() {
    for function in [Export, Backup] {
        check(
            function,
            &[
                ("use: x", |_| {}, "violation function"),
                ("exportable: false, functions: [export, backup]", |_| {}, "violation function"),
                ("exportable: true", |_| {}, "conforming"),
                (
                    "exportable: true, principals: [x], regions: [us-east-1], state: destroyed",
                    |_| {},
                    "violation principal",
                ),
                ("principals: [x]", |_| {}, "violation function"),
            ],
        );
    }
}

#[test]
fn every_outcome_is_judged() {
    let catalog = declared("principals: [x]");
    for outcome in Outcome::ALL {
        let event = KeyEvent { outcome: Some(*outcome), ..aws(Decrypt) };
        assert_eq!(verdict(&catalog, &event), "violation principal", "{outcome}");
    }
}

/// The catalog with an exception of these fields for the key.
fn excepted(fields: &str, exception: &str) -> Catalog {
    catalog(&format!(
        "keys: [{{ id: k, keys: [\"{KEY}\"], purpose: data-encryption, {fields} }}]\nexceptions: [{{ id: E, key: k, reason: r, ticket: T-1, approver: b, {exception} }}]\n"
    ))
}

#[test]
fn an_exception_lifts_its_aspects_for_its_callers_in_its_time() {
    let whole = format!(
        "aspects: [principal], principals: [\"{ROLE}\"], from: 2026-11-24T08:00:00Z, until: 2026-11-24T08:00:01Z"
    );
    let rows = [
        ("principals: [x]", whole.clone(), "conforming"),
        ("principals: [x], regions: [x]", whole.clone(), "violation region"),
        ("principals: [x]", whole.replace("role/orders-api", "role/other"), "violation principal"),
        (
            "principals: [x]",
            whole.replace("from: 2026-11-24T08:00:00Z", "from: 2026-11-24T08:00:00.5Z"),
            "violation principal",
        ),
        (
            "principals: [x]",
            whole.replace(
                "from: 2026-11-24T08:00:00Z, until: 2026-11-24T08:00:01Z",
                "until: 2026-11-24T08:00:00Z",
            ),
            "violation principal",
        ),
        ("principals: [x]", format!("{whole}, functions: [unwrap]"), "conforming"),
        ("principals: [x]", format!("{whole}, functions: [encrypt]"), "violation principal"),
        ("principals: [x]", format!("{whole}, sessions: [\"i-*\"]"), "conforming"),
        ("principals: [x]", format!("{whole}, sessions: [\"incident-*\"]"), "violation principal"),
    ];
    for (fields, exception, expected) in rows {
        assert_eq!(verdict(&excepted(fields, &exception), &aws(Decrypt)), expected, "{exception}");
    }
    let catalog = excepted("principals: [x]", &whole);
    let judged = catalog.judge(&batch(&[aws(Decrypt)]), &AliasBook::default()).unwrap();
    assert_eq!(words(&judged, Column::Waived, 0), "principal");
    assert_eq!(words(&judged, Column::Assessed, 0), "function principal");
    assert_eq!(Rows::of(&judged).text(Column::ExceptionId, 0), Some("E"));
}

#[test]
fn no_exception_lifts_a_destroyed_key_or_material_that_leaves() {
    let all = format!("aspects: [function, principal, state], principals: [\"{ROLE}\"], until: 2027-01-01");
    assert_eq!(verdict(&excepted("state: destroyed", &all), &aws(Encrypt)), "violation state");
    assert_eq!(verdict(&excepted("state: suspended", &all), &aws(Encrypt)), "conforming");
    assert_eq!(verdict(&excepted("use: x", &all), &aws(Export)), "violation function");
    assert_eq!(
        verdict(&excepted("exportable: true, principals: [x]", &all), &aws(Backup)),
        "violation principal"
    );
}

#[test]
fn break_glass_holds_for_the_day_before_its_end_and_for_named_sessions() {
    let fields =
        format!("kind: break-glass, aspects: [principal], principals: [\"{ROLE}\"], sessions: [\"i-*\"]");
    let until = |until: &str| {
        verdict(&excepted("principals: [x]", &format!("{fields}, until: {until}")), &aws(Decrypt))
    };
    assert_eq!(until("2026-11-25T08:00:00Z"), "conforming");
    assert_eq!(until("2026-11-25T08:00:01Z"), "violation principal", "more than 24 h before its end");
}

#[test]
fn the_entrys_fields_and_the_callers_rights_are_columns() {
    let catalog = catalog(&format!(
        "defaults: {{ environment: prod, mode: observe }}\npipelines: [\"{ROLE}\"]\nkeys: [{{ id: k, keys: [\"{KEY}\"], purpose: data-encryption, use: orders, owner: team, tenant: t, criticality: high, state: active, responsibility: [mp, osp], canary: true, administrators: [\"{ROLE}\"] }}]\naccounts: {{ \"111122223333\": {{ tenant: t, environment: prod }} }}\n"
    ));
    let judged = catalog
        .judge(
            &batch(&[aws(Encrypt), KeyEvent { key_id: None, function: None, ..aws(Read) }]),
            &AliasBook::default(),
        )
        .unwrap();
    let rows = Rows::of(&judged);
    let expected = [
        (Column::CatalogId, "k"),
        (Column::MatchedBy, "exact"),
        (Column::Purpose, "data-encryption"),
        (Column::Use, "orders"),
        (Column::Owner, "team"),
        (Column::Responsibility, "mp,osp"),
        (Column::Tenant, "t"),
        (Column::Environment, "prod"),
        (Column::Criticality, "high"),
        (Column::KeyState, "active"),
        (Column::Mode, "observe"),
        (Column::CallerTenant, "t"),
        (Column::CallerEnvironment, "prod"),
    ];
    for (column, text) in expected {
        assert_eq!(rows.text(column, 0), Some(text), "{}", column.name());
    }
    for column in [Column::CatalogId, Column::Purpose, Column::KeyState, Column::Mode] {
        assert_eq!(rows.text(column, 1), None, "{}", column.name());
    }
    assert_eq!(rows.text(Column::CatalogVersion, 1), Some(catalog.short_version()));
    assert_eq!(
        [Column::Exportable, Column::Canary].map(|column| rows.flag(column, 0)),
        [Some(false), Some(true)]
    );
    assert_eq!([Column::Exportable, Column::Canary].map(|column| rows.flag(column, 1)), [None, None]);
    let rights =
        [Column::ByPipeline, Column::ByAdministrator, Column::ByScanner].map(|column| rows.flag(column, 0));
    assert_eq!(rights, [Some(true), Some(true), Some(false)]);
    let owner = judged.column(Column::Owner as usize).as_any_dictionary();
    assert_eq!(owner.values().len(), 1, "only values in use");
}

#[test]
fn judging_again_replaces_the_earlier_judgement() {
    let first = declared("principals: [x]");
    let second = declared("use: x");
    let once = first.judge(&batch(&[aws(Decrypt)]), &AliasBook::default()).unwrap();
    let twice = second.judge(&once, &AliasBook::default()).unwrap();
    assert_eq!(Rows::of(&twice).text(Column::Verdict, 0), Some("conforming"));
    assert_eq!(once.schema(), twice.schema());
}

#[test]
fn an_explanation_names_entry_aspects_and_what_does_not_fit() {
    let catalog = declared(
        "principals: [\"approle:model-ci\"], functions: [decrypt], grants: [{ principals: [auditor], functions: [decrypt] }], regions: [us-east-1], via: [s3], algorithms: [a]",
    );
    let explanation = explained(&catalog, &KeyEvent { via: Some("unknown"), ..aws(Decrypt) });
    assert_eq!(explanation.verdict, Verdict::Violation);
    let entry = explanation.entry.as_ref().unwrap();
    assert_eq!((entry.id.as_str(), entry.declared_at.as_str()), ("k", "c.yaml:3"));
    assert_eq!(explanation.with(Finding::Violated).collect::<Vec<_>>(), [Aspect::Principal, Aspect::Region]);
    assert_eq!(explanation.with(Finding::Unknown).collect::<Vec<_>>(), [Aspect::Via]);
    assert_eq!(
        explanation.message_parts().collect::<Vec<_>>(),
        ["allowed to decrypt: approle:model-ci, auditor", "region us-east-1 → eu-west-1"]
    );
    let why =
        |aspect: Aspect| explanation.aspects.iter().find(|known| known.aspect == aspect).unwrap().why.clone();
    assert_eq!(why(Aspect::Algorithm).as_deref(), Some("the log names no algorithm"));
    assert_eq!(why(Aspect::Network).as_deref(), Some("the entry does not constrain it"));
    assert_eq!(why(Aspect::Via).as_deref(), Some("service_not_named"));
}

#[test]
fn a_message_of_a_context_has_names_and_never_values() {
    const SECRET: &[(&str, &str)] = &[("tenant", "umbrella")];
    let catalog = declared("context: { require: [tenant], allow: { tenant: [acme] } }");
    let explanation = explained(&catalog, &KeyEvent { context: Some(SECRET), ..aws(Encrypt) });
    let parts: Vec<&str> = explanation.message_parts().collect();
    assert_eq!(parts, ["context requires tenant; tenant of acme → names tenant"]);
}

#[test]
fn every_aspect_has_a_message_when_it_is_violated() {
    let rows: [(Function, Row<'_>); 8] = [
        (Sign, ("functions: [encrypt]", |_| {}, "declared for data-encryption (encrypt) → sign")),
        (Export, ("use: x", |_| {}, "not exportable → export")),
        (Encrypt, ("state: suspended", |_| {}, "the key is suspended → encrypt")),
        (
            Encrypt,
            (
                "active_until: 2026-01-01",
                |_| {},
                "window protects until 2026-01-01T00:00:00Z → 2026-11-24T08:00:00Z",
            ),
        ),
        (Encrypt, ("min_version: 3", |e| e.key_version = Some(1), "version at least 3 → 1")),
        (Encrypt, ("require: { mfa: true }", |e| e.mfa = Some(false), "requirement mfa → no mfa")),
        (Decrypt, ("attestation: { image_digests: [ab] }", |_| {}, "attestation ab → none")),
        (Manage, ("administrators: [a]", |_| {}, "allowed to administer: a")),
    ];
    for (function, (fields, change, expected)) in rows {
        let mut event = aws(function);
        change(&mut event);
        assert_eq!(explained(&declared(fields), &event).message_parts().collect::<Vec<_>>(), [expected]);
    }
}
