//! Vault and OpenBao entries, over the real and labelled logs where they are present.

use std::collections::HashMap;
use std::io::Read;

use keyward::domain::event::{KeyEvent, Outcome};
use keyward::normalize::vault::{EntryType, normalize, normalize_plain, request_id};
use keyward::normalize::{Arena, Normalized};

/// The sample file, unpacked, or nothing where the samples are not there.
fn sample(path: &str) -> Option<String> {
    let packed = std::fs::read(crate::samples::find(path)?).unwrap();
    if !path.ends_with(".gz") {
        return Some(String::from_utf8(packed).unwrap());
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    Some(text)
}

/// What the tests compare of an event.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    id: String,
    key: Option<String>,
    principal: Option<String>,
    action: String,
    outcome: Outcome,
    awaits: bool,
    request: String,
}

fn seen(event: &KeyEvent<'_>) -> Seen {
    Seen {
        id: event.event_id.to_owned(),
        key: event.key_id.map(str::to_owned),
        principal: event.principal.map(str::to_owned),
        action: event.action.unwrap_or_default().to_owned(),
        outcome: event.outcome.unwrap(),
        awaits: event.awaits_response,
        request: event.request.unwrap_or_default().to_owned(),
    }
}

/// Normalizes every line; every so many also with the plain parser, which must agree.
fn all(log: &str, compare_every: usize) -> (Vec<Seen>, usize) {
    let (mut events, mut irrelevant) = (Vec::new(), 0);
    let mut arena = Arena::new();
    for (number, line) in log.lines().enumerate() {
        arena.reset();
        let result = normalize(line.as_bytes(), &arena, &mut |event| events.push(seen(event))).unwrap();
        irrelevant += usize::from(matches!(result, Normalized::Irrelevant(_)));
        if number % compare_every == 0 {
            let (mut fast, mut plain) = (Vec::new(), Vec::new());
            let again = normalize(line.as_bytes(), &arena, &mut |event| fast.push(format!("{event:?}")));
            let oracle =
                normalize_plain(line.as_bytes(), &arena, &mut |event| plain.push(format!("{event:?}")));
            assert_eq!((again, fast), (oracle, plain));
        }
    }
    (events, irrelevant)
}

/// The key of a labelled call, worked out from its path as a reader of the documentation would.
fn expected_key(path: &str, namespace: &str) -> Option<String> {
    let space = if namespace == "root" { String::new() } else { format!("{namespace}/") };
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let name = match parts[..] {
        ["sys" | "auth", ..] | ["transit", "config", ..] | ["transit", "keys"] => return None,
        ["pki" | "pki_int" | "ssh-client-signer", ..] => parts[0].to_owned(),
        ["kv", "data", ..] => format!("kv/{}", parts[2..].join("/")),
        [mount, "export" | "datakey", _, name, ..]
        | [mount, "byok-export", _, name]
        | [mount, _, name, ..] => {
            format!("{mount}/{name}")
        }
        _ => panic!("{path}"),
    };
    Some(format!("vault:{space}{name}"))
}

fn expected_principal(actor: Option<&str>) -> String {
    match actor {
        None | Some("labroot" | "root-ns") => "root".to_owned(),
        Some(user @ ("alice" | "mallory")) => format!("userpass:{user}"),
        Some(role) => format!("approle:{role}"),
    }
}

fn check(label: &serde_json::Value, event: &Seen) {
    let path = label["path"].as_str().unwrap();
    assert_eq!(event.key, expected_key(path, label["namespace"].as_str().unwrap()), "{label}");
    if event.action != "auth.login" {
        assert_eq!(event.principal, Some(expected_principal(label["actor"].as_str())), "{label}");
    }
    match label["status"].as_i64().unwrap() {
        200..300 => assert_eq!(event.outcome, Outcome::Success, "{label}"),
        403 => assert_eq!(event.outcome, Outcome::Denied, "{label}"),
        _ => assert!(matches!(event.outcome, Outcome::Refused | Outcome::Failed), "{label} {event:?}"),
    }
}

#[test]
fn every_labelled_openbao_call_is_one_event_with_its_key_caller_and_outcome() {
    let (Some(log), Some(labels)) = (sample("openbao/audit.log.gz"), sample("openbao/labels.jsonl")) else {
        return;
    };
    let (events, irrelevant) = all(&log, 20);
    assert!(!events.iter().any(|event| event.request.contains("clear_secrets")));
    let mut answered: HashMap<&str, Vec<&Seen>> = HashMap::new();
    for event in events.iter().filter(|event| !event.awaits) {
        answered.entry(&event.id).or_default().push(event);
    }
    let (mut calls, mut quiet) = (0, 0);
    for label in labels.lines() {
        let label: serde_json::Value = serde_json::from_str(label).unwrap();
        let found = answered.get(label["event_id"].as_str().unwrap()).map_or(&[][..], Vec::as_slice);
        if found.is_empty() {
            let path = label["path"].as_str().unwrap();
            assert!(path.ends_with("/role-id"), "no event for {label}");
            quiet += 1;
            continue;
        }
        assert_eq!(found.len(), 1, "{label}");
        check(&label, found[0]);
        calls += 1;
    }
    assert_eq!((calls, quiet, irrelevant), (4563, 12, 25));
}

#[test]
fn an_openbao_request_and_its_response_share_an_id_that_a_peek_finds() {
    let Some(log) = sample("openbao/audit.log.gz") else { return };
    let mut open: HashMap<String, usize> = HashMap::new();
    for line in log.lines() {
        let Some((kind, id)) = request_id(line.as_bytes()) else { continue };
        if kind == EntryType::Request {
            *open.entry(id.into_owned()).or_default() += 1;
        } else {
            open.remove(&*id);
        }
    }
    assert_eq!(open.len(), 1, "only the new device's probe has no response");
}

#[test]
fn a_vault_of_2020_is_read_from_its_paths_alone() {
    let Some(log) = sample("vault/vault-audit-2020.log.gz") else { return };
    let (events, _) = all(&log, 1);
    let responses: Vec<_> = events.iter().filter(|event| !event.awaits).collect();
    let implicit = responses.iter().filter(|event| event.request.contains("implicit_creation")).count();
    assert_eq!(implicit, 99);
    assert!(!events.iter().any(|event| event.request.contains("clear_secrets")));
    let keyed = |key: &str| responses.iter().filter(|event| event.key.as_deref() == Some(key)).count();
    assert_eq!(keyed("vault:totp/my-key"), 26);
    assert_eq!(keyed("vault:pki_int"), 25);
    assert_eq!(keyed("vault:kv-v2/lab/lab-credential-1"), 4);
    let mut principals: Vec<_> = responses.iter().filter_map(|event| event.principal.as_deref()).collect();
    principals.sort_unstable();
    principals.dedup();
    assert_eq!(
        principals,
        [
            "approle:my-role",
            "root",
            "token:token",
            "token:token-lab-admins",
            "userpass:lab-user-1",
            "userpass:lab-user-3",
            "userpass:lab-user-4",
            "userpass:lab-user-5",
            "userpass:lab-user-7",
        ]
    );
}

#[test]
fn kmip_entries_are_read_from_their_tree() {
    let Some(log) = sample("vault/vault-kmip.ndjson") else { return };
    let (events, irrelevant) = all(&log, 1);
    assert_eq!((events.len(), irrelevant), (2, 0));
    assert!(events.iter().all(|event| event.action == "kmip.discover_versions"), "{events:?}");
    assert_eq!(events[1].outcome, Outcome::Success);
    assert_eq!(events[0].principal.as_deref(), Some("cert:79311139933792246475030417908586135267121780670"));
    let ids: Vec<_> = log.lines().map(|line| request_id(line.as_bytes()).unwrap().1.into_owned()).collect();
    assert_eq!(ids[0], ids[1], "the two halves share an id");
}
