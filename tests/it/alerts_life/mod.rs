//! What people do to alerts, through the command line and over HTTP.

mod commands;
mod explained;
mod http;

use std::path::Path;

use keyward::alerts::Keeper;
use keyward::app::clock::now_micros;
use keyward::config::Mode;
use keyward::domain::alert::Folding;
use keyward::domain::event::Outcome;
use keyward::domain::finding::Finding;
use keyward::domain::level::Level;
use keyward::domain::verdict::{Aspect, Verdict};
use keyward::store::{Store, StoreError};

use crate::verbs_logs::EVENT_ID;

/// Text that would steer a terminal.
pub const HOSTILE: &str = "approle:\u{1b}[2Jshop\u{202e}\u{7}";

/// A finding about the event of the made-up log; `id` tells it from others.
pub fn finding(id: u32, key: &str, principal: &str, level: Level) -> (Finding, Folding) {
    let (key, principal) = (Some(format!("vault:transit/{key}")), Some(principal.to_owned()));
    let finding = Finding {
        id: format!("{id:032x}"),
        detector: "KP-001".to_owned(),
        level,
        title: "Key used for a function outside its declared purpose".to_owned(),
        event_id: EVENT_ID.to_owned(),
        event_time: "2026-11-24T09:00:02Z".to_owned(),
        provider: Some("vault".to_owned()),
        key_id: key.clone(),
        catalog_id: Some("orders".to_owned()),
        principal: principal.clone(),
        session_name: None,
        function: None,
        action: None,
        outcome: Some(Outcome::Success),
        verdict: Verdict::Violation,
        violations: vec![Aspect::Function],
        message: format!("{} signed", principal.as_deref().unwrap_or_default()),
        tags: vec!["ccm.cek-11".to_owned()],
        source: None,
        position: None,
        window: None,
    };
    (finding, Folding::by([("key_id".into(), key), ("principal".into(), principal)].into()))
}

/// A process that another test starts has our lock for the moment between its fork and its exec.
pub async fn open(data: &Path) -> Store {
    let opened = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        loop {
            match Store::open(data, now_micros()).await {
                Err(StoreError::InUse { .. }) => {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await
                }
                other => return other.unwrap(),
            }
        }
    });
    opened.await.unwrap()
}

/// Keeps findings as the service does.
pub async fn raise(store: &Store, findings: &[(Finding, Folding)]) {
    let keeper = Keeper::new(Mode::Page, vec!["webhook".to_owned()]);
    keeper.raise(store, findings, now_micros()).await.unwrap();
}
