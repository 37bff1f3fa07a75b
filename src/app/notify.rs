//! What was told whom: lists what was given up and an alert's ledger, sends again, and tries routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use secrecy::ExposeSecret;

use crate::config::{Config, SecretError, StoreAddress};
use crate::notify::{self, NotifyError, Tried};
use crate::store::{AnswerRow, BlockingStore, DeliveryRow, Place, Replay, Store, StoreError};

/// Parked deliveries that are listed.
const MOST: i64 = 10_000;

/// How long the running service may take to answer.
const WAIT: Duration = Duration::from_secs(10);

/// Why there is nothing to show, or nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("there is no data folder {}: give the one that the service's configuration names", .0.display())]
    NoFolder(PathBuf),
    #[error("no alert that was told of begins with {0}; `keyward alerts list` lists them")]
    NoAlert(String),
    #[error("several alerts begin with {0}; give more of the id")]
    Several(String),
    #[error("nothing is called `{name}`; known are {known}")]
    NoRoute { name: String, known: String },
    #[error("the service runs, and may be told to send again only with `http: admin_token`: set it")]
    NoToken,
    #[error("the service at {address} did not do it: {why}")]
    Service { address: SocketAddr, why: String },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Notify(#[from] NotifyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("could not start the runtime: {0}")]
    Runtime(std::io::Error),
}

/// What was given up, the oldest first. The service may run meanwhile.
///
/// # Errors
/// Where there is no such folder, or its store cannot be read.
pub fn parked(data: &Path) -> Result<Vec<DeliveryRow>, DeliveryError> {
    let store = open(data)?;
    Ok(store.wait(store.store().parked(MOST))?)
}

/// The deliveries of the alert whose id begins like this, in their order, and every different answer to them.
///
/// # Errors
/// As [`parked`], and where no alert or more than one begins like this.
pub fn ledger(data: &Path, alert: &str) -> Result<(Vec<DeliveryRow>, Vec<AnswerRow>), DeliveryError> {
    let store = open(data)?;
    let found = store.wait(store.store().alerts_told_of(alert))?;
    match found.as_slice() {
        [] => Err(DeliveryError::NoAlert(alert.to_owned())),
        [alert] => Ok(store.wait(store.store().ledger(alert))?),
        _ => Err(DeliveryError::Several(alert.to_owned())),
    }
}

/// Puts what was given up back into the outbox: in the store, or by asking the service that has it.
///
/// # Errors
/// Where neither works.
pub fn replay(config: &Config, which: Replay<'_>, now: i64) -> Result<u64, DeliveryError> {
    let runtime = runtime()?;
    if config.store == StoreAddress::Embedded && !config.data.is_dir() {
        return Err(DeliveryError::NoFolder(config.data.clone()));
    }
    runtime.block_on(async {
        let place = Place { root: &config.data, address: &config.store, instance: "keyward notify replay" };
        match Store::open_at(place, now).await {
            Ok(store) => {
                let replayed = store.replay_parked(which, now).await;
                store.close().await;
                Ok(replayed?)
            }
            Err(StoreError::InUse { .. }) => ask(config, which).await,
            Err(error) => Err(error.into()),
        }
    })
}

/// Sends a test message by the route, or to the channel, of this name.
///
/// # Errors
/// Where nothing is called so, or a channel, route or template is wrong.
pub fn try_out(config: &Config, name: &str, now: i64) -> Result<Vec<Tried>, DeliveryError> {
    let tried = runtime()?.block_on(notify::try_out(&config.alerts, name, now))?;
    match tried {
        Some(tried) => Ok(tried),
        None => {
            let known = notify::names(&config.alerts)?.join(" ");
            Err(DeliveryError::NoRoute { name: name.to_owned(), known })
        }
    }
}

fn open(data: &Path) -> Result<BlockingStore, DeliveryError> {
    if !data.is_dir() {
        return Err(DeliveryError::NoFolder(data.to_owned()));
    }
    Ok(BlockingStore::open_read_only(data)?)
}

fn runtime() -> Result<tokio::runtime::Runtime, DeliveryError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DeliveryError::Runtime)
}

/// Asks the service that runs.
async fn ask(config: &Config, which: Replay<'_>) -> Result<u64, DeliveryError> {
    let token = config.http.admin_token.as_ref().ok_or(DeliveryError::NoToken)?.read()?;
    let address = reachable(config.http.listen);
    let failed = |why: String| DeliveryError::Service { address, why };
    let mut url = Url::parse(&format!("http://{address}/api/v1/deliveries/replay"))
        .map_err(|error| failed(error.to_string()))?;
    match which {
        Replay::All => {}
        Replay::Channel(name) => drop(url.query_pairs_mut().append_pair("channel", name)),
        Replay::Delivery(id) => drop(url.query_pairs_mut().append_pair("delivery", id)),
    }
    let client = reqwest::Client::builder().no_proxy().timeout(WAIT).build();
    let client = client.map_err(|error| failed(error.to_string()))?;
    let answer = client.post(url).bearer_auth(token.expose_secret()).send().await;
    let answer = answer.map_err(|error| failed(error.without_url().to_string()))?;
    let status = answer.status();
    let body = answer.text().await.unwrap_or_default();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    match body.get("replayed").and_then(serde_json::Value::as_u64) {
        Some(replayed) if status.is_success() => Ok(replayed),
        _ => {
            let told = body.get("error").and_then(|error| error.as_str()).unwrap_or_default();
            Err(failed(format!("HTTP {}: {told}", status.as_u16())))
        }
    }
}

/// Where a server that listens everywhere can be asked from its own host.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let own = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(own, listen.port())
}
