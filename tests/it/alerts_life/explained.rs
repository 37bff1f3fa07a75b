//! `keyward explain` of an alert.

use keyward::domain::level::Level;

use super::{finding, open, raise};
use crate::support::{Keyward, Ran};
use crate::verbs_logs::company;

/// Checks the company's catalog with this beside it.
fn check_with(keyward: &Keyward, patch: &str) -> Ran {
    std::fs::write(keyward.path("patch.yaml"), patch).unwrap();
    keyward.args(["check", "--catalog", "catalog.yaml", "--catalog", "patch.yaml"]).run()
}

#[tokio::test]
async fn an_alert_is_explained_with_all_that_somebody_needs_to_decide() {
    let keyward = company();
    keyward.args(["scan", "--catalog", "catalog.yaml", "--data", "data", "logs", "--quiet"]).run();
    let store = open(&keyward.path("data")).await;
    raise(&store, &[finding(1, "orders", "approle:shop", Level::High)]).await;
    store.close().await;
    let listed = keyward.args(["alerts", "list", "--data", "data", "--format", "json"]).run().json();
    let id = listed[0]["id"].as_str().unwrap();

    let ran = keyward.args(["explain", "--data", "data", id]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for told in [
        "What happened\n    Key used for a function outside its declared purpose, high.\n",
        "function: declared ",
        "vault:transit/orders is orders (data-encryption), declared at catalog.yaml:3.",
        "It belongs to nobody.",
        "orders has no exception, in force or ended.",
        "Nothing about the key or in the catalog, in the week before.",
        "encrypt",
        "What to think of it\n",
        "The alert is open.",
        "KP-001 ",
        &format!("Then: keyward alerts resolve {id} --as "),
    ] {
        assert!(ran.stdout.contains(told), "{told}\n{}", ran.stdout);
    }
    let json = &keyward.args(["explain", "--data", "data", id, "--format", "json"]).run().json()[0];
    assert_eq!((&json["alert"]["id"], &json["entry"]["id"]), (&id.into(), &"orders".into()));
    let lately = json["lately"].as_array().unwrap();
    assert!(
        lately.iter().any(|one| one["verdict"] == "conforming" && one["function"] == "encrypt"),
        "{json}"
    );
    assert!(!json["steps"][0]["runbook"].as_str().unwrap().is_empty());
    assert!(
        json["likelier"]["signs"].as_array().unwrap().iter().all(|sign| sign["weight"].as_i64() > Some(0))
    );

    let patch = json["patch"].as_str().unwrap();
    assert!(
        ran.stdout
            .contains("What to add to the catalog, if the use is right\n    version: 1\n    exceptions:\n")
    );
    let refused = check_with(&keyward, patch);
    assert_eq!(refused.code, Some(3), "nobody has approved it: {}", refused.stderr);
    let filled = [
        ("reason:      # why it is right", "reason: the shop encrypts too"),
        ("ticket:", "ticket: SEC-1 "),
        ("requester:", "requester: a.b "),
        ("approver:", "approver: c.d "),
    ];
    let filled = filled.iter().fold(patch.to_owned(), |patch, (from, to)| patch.replace(from, to));
    let taken = check_with(&keyward, &filled);
    assert_eq!(taken.code, Some(0), "{filled}{}", taken.stderr);

    let event = keyward.args(["explain", "--data", "data", crate::verbs_logs::EVENT_ID]).run();
    assert_eq!(event.code, Some(0), "events are explained as before: {}", event.stderr);
}
