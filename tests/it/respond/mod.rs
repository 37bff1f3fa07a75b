//! Remediation on a real OpenBao: a misuse is proposed against, approved, stopped, seen to be stopped, and allowed
//! again; and what keeps such an action from being done.

mod hand;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{PATIENCE, Service, Site, ask, until};
use crate::services::openbao::OpenBao;
use hand::Hand;

const TOKEN: &str = "the token of the audit device";

const CATALOG: &str = "version: 1\nkeys:\n  - { id: release-signing, keys: ['vault:transit/release-signing'], \
     purpose: signature, use: releases, owner: team-release }\n";

const PLAINTEXT: &str = r#"{"plaintext":"aGVsbG8="}"#;
const INPUT: &str = r#"{"input":"aGVsbG8="}"#;

/// The service beside a real OpenBao, and who acts there.
struct Scene {
    site: Site,
    service: Service,
    bao: Arc<OpenBao>,
    hand: Hand,
    /// The token of somebody who may use every key, and of whoever holds the rights.
    mallory: String,
    writer: String,
    address: String,
}

impl Scene {
    /// Nothing where there can be no OpenBao here.
    fn new(more: &str) -> Option<Self> {
        // Each audit device hashes accessors with a salt of its own. Of a call's two copies keyward keeps the first
        // to come, so that only with one device what a refused call shows surely compares.
        let other_device = reads_and_forgets();
        let site = Site::new("[{ name: bao, http: { token: token } }]");
        let hand = Hand::start();
        let playbooks =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/playbooks/openbao-contain-caller.yaml");
        let respond = format!(
            "respond:\n  mode: propose\n  playbooks: ['{}']\n  receivers: [{{ name: openbao, url: \
             'http://{}/act', signing_keys: [hand-key], allow_networks: ['127.0.0.0/8'] }}]\n  \
             actors: ['userpass:hand']\n  {more}\n",
            playbooks.display(),
            hand.address
        );
        let config = std::fs::read_to_string(site.keyward.path("keyward.yaml")).unwrap() + &respond;
        let files = [
            ("keyward.yaml", config.as_str()),
            ("token", TOKEN),
            ("catalog.yaml", CATALOG),
            ("hand-key", hand::KEY),
            ("ada", "the token of ada"),
            ("ben", "the token of ben"),
        ];
        for (name, text) in files {
            std::fs::write(site.keyward.path(name), text).unwrap();
        }
        let users = "[{ name: ada, role: responder, token: ada }, { name: ben, role: viewer, token: ben }]";
        let mut service = site.start_as(|command| {
            command.env("KEYWARD__http__users", users);
        });
        service.ready();
        let address = service.address();
        let ingest = format!("http://{address}/api/v1/ingest/bao");
        let bao = Arc::new(OpenBao::start(&ingest, TOKEN, &other_device)?);
        let (mallory, writer) = people(&bao);
        hand.holds(Arc::clone(&bao), writer.clone());
        Some(Self { site, service, bao, hand, mallory, writer, address: format!("http://{address}") })
    }

    /// What the status is when mallory does something to the key.
    fn mallory(&self, verb: &str, body: &str) -> u16 {
        let path = format!("transit/{verb}/release-signing");
        self.bao.ask_as(&self.mallory, "POST", &path, body).unwrap().0
    }

    /// `keyward actions` on somebody's word: the exit code, and what it prints.
    fn actions(&self, token: &str, args: &[&str]) -> (Option<i32>, String) {
        let place = ["--url", &self.address, "--token", token];
        let run = self.site.keyward.args([["actions"].as_slice(), args, &place].concat()).run();
        (run.code, run.stdout + &run.stderr)
    }

    /// The one action there is, once it is in this state.
    #[track_caller]
    fn once(&self, state: &str) -> Value {
        self.once_all([state]).remove(0)
    }

    /// The actions there are, those proposed last first, once they are in these states.
    #[track_caller]
    fn once_all<const N: usize>(&self, states: [&str; N]) -> Vec<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let (_, told) = self.actions("ben", &["list", "--format", "json"]);
            let found: Vec<Value> = told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if found.iter().map(|action| &action["state"]).eq(states) {
                return found;
            }
            assert!(Instant::now() < end, "never {states:?}: {told}\n{}", self.service.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// How many of the findings in history, and of the alerts, are about whoever holds the rights.
    fn of_writer(&self) -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM findings WHERE principal = 'userpass:hand') AS findings, \
             (SELECT count(*) FROM alerts WHERE principal = 'userpass:hand') AS alerts";
        let counts = &self.site.ask("data", sql)[0];
        (counts["findings"].as_i64().unwrap(), counts["alerts"].as_i64().unwrap())
    }
}

/// The address of somebody who takes what an audit device sends, and does nothing with it.
fn reads_and_forgets() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut connection, &mut std::io::sink()));
        }
    });
    address
}

/// Somebody who may use every key, and whoever may write policies; their tokens.
fn people(bao: &OpenBao) -> (String, String) {
    bao.call("POST", "sys/mounts/transit", r#"{"type":"transit"}"#);
    bao.call("POST", "transit/keys/release-signing", r#"{"type":"rsa-2048"}"#);
    bao.call("POST", "sys/auth/userpass", r#"{"type":"userpass"}"#);
    let rights = [
        ("mallory", r#"path "transit/*" { capabilities = ["create", "update", "read"] }"#),
        (
            "hand",
            r#"path "sys/policies/acl/*" { capabilities = ["create", "update", "read", "delete"] }
               path "identity/entity/id/*" { capabilities = ["create", "update", "read"] }"#,
        ),
    ];
    let tokens = rights.map(|(name, policy)| {
        bao.call("POST", &format!("sys/policies/acl/{name}"), &json!({ "policy": policy }).to_string());
        let user = json!({ "password": "a", "token_policies": name }).to_string();
        bao.call("POST", &format!("auth/userpass/users/{name}"), &user);
        let login = bao.call("POST", &format!("auth/userpass/login/{name}"), r#"{"password":"a"}"#);
        let login: Value = serde_json::from_str(&login).unwrap();
        login["auth"]["client_token"].as_str().unwrap().to_owned()
    });
    tokens.into()
}

#[test]
fn a_misuse_on_a_real_openbao_is_proposed_against_approved_stopped_verified_and_taken_back() {
    let Some(mut scene) = Scene::new("") else { return };
    assert_eq!(scene.mallory("sign", INPUT), 200);
    assert_eq!(scene.mallory("encrypt", PLAINTEXT), 200);

    let action = scene.once("proposed");
    assert_eq!((&action["kind"], &action["needs"]), (&json!("deny_path"), &json!(1)));
    assert_eq!(action["principal"], "userpass:mallory");
    let impact = &action["impact"];
    assert_eq!((&impact["uses"], &impact["conforming"]), (&json!(2), &json!(1)), "{impact}");
    assert!(impact["used"].as_array().unwrap().iter().any(|used| used["function"] == "sign"), "{impact}");
    assert!(!impact["unknown"].as_array().unwrap().is_empty(), "an hour of history is no month: {impact}");
    assert_eq!(impact["caveat"], "stored data not observed may break too");

    let id = action["id"].as_str().unwrap();
    let (code, told) = scene.actions("ben", &["approve", id]);
    assert!(code == Some(4) && told.contains("ben is a viewer"), "{code:?} {told}");
    assert_eq!(scene.mallory("encrypt", PLAINTEXT), 200, "nothing is done before somebody approves");
    let (code, told) = scene.actions("ada", &["approve", id, "--reason", "agreed"]);
    assert_eq!(code, Some(0), "{told}");
    scene.once("done");
    assert_eq!(scene.mallory("encrypt", PLAINTEXT), 403);
    assert_eq!(scene.mallory("sign", INPUT), 403);
    let verified = scene.once("verified");
    assert_eq!(verified["approvals"], json!(["ada"]));

    let (code, told) = scene.actions("ada", &["rollback", id, "--reason", "it was a drill"]);
    assert_eq!(code, Some(0), "{told}");
    scene.once("rolled_back");
    assert_eq!(scene.mallory("sign", INPUT), 200);
    let operations: Vec<Value> = scene.hand.asked().iter().map(|asked| asked["operation"].clone()).collect();
    assert_eq!(operations, ["do", "undo"]);

    let (_, told) = scene.actions("ben", &["show", id]);
    for line in
        ["proposed by keyward", "approved by ada: agreed", "verified by keyward", "rolled_back by keyward"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    let counted = ask(scene.address.trim_start_matches("http://"), "/metrics");
    assert!(counted.contains("keyward_action_transitions_total{state=\"verified\"} 1"), "{counted}");
    scene.service.stop();
    let sql = "SELECT action, state FROM actions";
    assert_eq!(scene.site.ask("data", sql), [json!({ "action": "deny_path", "state": "rolled_back" })]);
}

#[test]
fn a_step_that_the_receiver_refuses_has_the_next_one_proposed_and_a_disabled_entity_is_seen_to_be_stopped() {
    let Some(mut scene) = Scene::new("") else { return };
    scene.hand.refuses("deny_path");
    scene.mallory("encrypt", PLAINTEXT);
    let first = scene.once("proposed")["id"].as_str().unwrap().to_owned();
    scene.actions("ada", &["approve", &first]);
    let next = scene.once_all(["proposed", "failed"]).remove(0);
    assert_eq!(next["kind"], "disable_entity");
    let id = next["id"].as_str().unwrap();
    scene.actions("ada", &["approve", id]);
    scene.once_all(["done", "failed"]);
    assert_eq!(scene.mallory("encrypt", PLAINTEXT), 403);
    scene.once_all(["verified", "failed"]);
    scene.actions("ada", &["rollback", id]);
    scene.once_all(["rolled_back", "failed"]);
    assert_eq!(scene.mallory("sign", INPUT), 200);
    scene.service.stop();
}

#[test]
fn what_the_receiver_does_for_an_action_raises_no_alert_and_at_other_times_it_does() {
    let Some(mut scene) = Scene::new("") else { return };
    // The receiver's identity by itself excuses nothing.
    let policy = json!({ "policy": "path \"a\" { capabilities = [\"read\"] }" }).to_string();
    let written = scene.bao.ask_as(&scene.writer, "POST", "sys/policies/acl/other", &policy).unwrap();
    assert_eq!(written.0, 204, "{}", written.1);
    until(PATIENCE, || scene.of_writer().1 >= 1, || scene.service.log());
    let before = scene.of_writer();

    scene.mallory("encrypt", PLAINTEXT);
    let id = scene.once("proposed")["id"].as_str().unwrap().to_owned();
    let alerts = "SELECT sum(findings) AS folded FROM alerts WHERE principal = 'userpass:hand'";
    let folded = scene.site.ask("data", alerts);
    scene.actions("ada", &["approve", &id]);
    scene.once("done");
    until(PATIENCE, || scene.of_writer().0 > before.0, || scene.service.log());
    assert_eq!(scene.site.ask("data", alerts), folded, "it is in history, and in no alert");
    scene.service.stop();
}

#[test]
fn a_bound_a_protected_key_and_the_kill_switch_each_stop_the_real_thing_with_a_reason() {
    for (more, reason) in [
        ("limits: { per_hour: 0 }", "the bound is 0"),
        ("protected: ['vault:transit/release-*']", "vault:transit/release-signing is protected"),
        ("kill_switch: stop", "the kill switch is on"),
    ] {
        let Some(mut scene) = Scene::new(more) else { return };
        std::fs::write(scene.site.keyward.path("stop"), "").unwrap();
        scene.mallory("encrypt", PLAINTEXT);
        let state = if more.starts_with("protected") { "stopped" } else { "proposed" };
        let id = scene.once(state)["id"].as_str().unwrap().to_owned();
        let (code, told) = scene.actions("ada", &["approve", &id]);
        assert_eq!(code, Some(0), "{told}");
        let stopped = scene.once("stopped");
        assert!(stopped["reason"].as_str().unwrap().contains(reason), "{stopped}");
        assert_eq!(scene.mallory("encrypt", PLAINTEXT), 200);
        assert_eq!(scene.hand.asked(), [] as [Value; 0]);
        scene.service.stop();
    }
}

#[test]
fn the_playbooks_that_ship_are_right_and_their_schema_is_current() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let schema = deploy.join("playbook.schema.json");
    let current = keyward::respond::json_schema();
    if std::env::var_os("KEYWARD_WRITE").is_some() {
        std::fs::write(&schema, &current).unwrap();
    }
    assert!(std::fs::read_to_string(schema).unwrap() == current, "run with KEYWARD_WRITE=1 to write it anew");
    let receiver = |name: &str| {
        let config = json!({ "name": name, "url": "https://a.example", "signing_keys": ["/k"] });
        serde_json::from_value::<keyward::config::Receiver>(config).unwrap()
    };
    let loaded = keyward::respond::load(&[deploy.join("playbooks")], &[receiver("openbao"), receiver("aws")]);
    assert_eq!(loaded.unwrap_or_else(|problems| panic!("{problems:#?}")).len(), 4);
}
