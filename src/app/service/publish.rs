//! Writes sealed rejects to the topic of rejects.
//!
//! In: the files of rejects that their seals marked as not published. Out: one message a reject, under its
//! id. A file's mark goes once the brokers have acknowledged all of it, so a crash in between writes the
//! file's messages again: at least once, under the same keys and with the same bytes. A topic that does not
//! answer holds up nothing else; the rejects wait in history.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::Running;
use crate::app::clock::now_micros;
use crate::app::rejects::{self, Rejected};
use crate::domain::time::format_rfc3339;
use crate::metrics::Metrics;
use crate::notify::{Message, NotifyError, Topic};
use crate::store::{BlockingStore, FileRow, Store};

/// Messages under way at once: enough for a batch of librdkafka, few enough to be small.
const IN_FLIGHT: usize = 256;

/// How often marks are looked for although nobody told of a seal: an earlier process may have left some.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// After a failure, twice as long each time up to [`LONGEST_PAUSE`]: each attempt has waited already.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The version of a message's form.
const VERSION: u32 = 1;

const CONTENT_TYPE: (&str, &str) = ("content-type", "application/json");

/// Publishes until the service ends. `sealed` is notified after seals.
///
/// # Errors
/// Where what is configured of the topic is wrong.
pub(super) fn start(
    runtime: &Handle,
    store: &BlockingStore,
    running: &Running,
    sealed: Arc<Notify>,
) -> Result<(), NotifyError> {
    let Some(config) = &running.config.rejects.kafka else { return Ok(()) };
    let publisher = Publisher {
        store: store.shared(),
        topic: Topic::new(config, now_micros)?,
        metrics: Arc::clone(&running.metrics),
    };
    let end = running.end.clone();
    runtime.spawn(async move {
        let mut failures = 0;
        while !end.is_cancelled() {
            let pause = match publisher.round().await {
                Ok(()) => {
                    failures = 0;
                    LOOK_EVERY
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(topic = publisher.topic.name(), error, "rejects wait to be published");
                    failures += 1;
                    FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(6)).min(LONGEST_PAUSE)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = sealed.notified(), if failures == 0 => {}
                () = end.cancelled() => {}
            }
        }
    });
    Ok(())
}

struct Publisher {
    store: Arc<Store>,
    topic: Topic,
    metrics: Arc<Metrics>,
}

/// A reject as it is written; its key is its id.
#[derive(Serialize)]
struct Body<'r> {
    version: u32,
    id: &'r str,
    source: &'r str,
    position: i64,
    index: i64,
    reason: &'r str,
    detail: &'r str,
    sha256: &'r str,
    /// Masked unless configured otherwise; nothing where it is too large for the brokers.
    sample: Option<&'r str>,
    ingested_at: String,
}

impl Publisher {
    /// Publishes what is marked, the oldest first.
    async fn round(&self) -> Result<()> {
        let files = self.store.unpublished_rejects().await?;
        self.metrics.unpublished(files.len());
        let mut left = files.len();
        for file in files {
            let name = file.file.clone();
            for rejected in self.read(file).await? {
                self.publish(rejected).await?;
            }
            self.store.rejects_published(&name).await?;
            left -= 1;
            self.metrics.unpublished(left);
        }
        Ok(())
    }

    /// The rejects of a file, in parts.
    async fn read(&self, file: FileRow) -> Result<Vec<Vec<Rejected>>> {
        let folder = self.store.folder().clone();
        let read = move || rejects::of_file(&folder, file);
        tokio::task::spawn_blocking(read).await.context("reading rejects broke off")?
    }

    async fn publish(&self, rejected: Vec<Rejected>) -> Result<()> {
        for part in rejected.chunks(IN_FLIGHT) {
            let mut under_way = FuturesUnordered::new();
            for rejected in part {
                under_way.push(self.write(rejected));
            }
            while let Some(written) = under_way.next().await {
                written?;
            }
        }
        self.metrics.published(rejected.len() as u64);
        Ok(())
    }

    async fn write(&self, rejected: &Rejected) -> Result<()> {
        let sample = Some(rejected.sample.as_str()).filter(|sample| !sample.is_empty());
        match self.try_to_write(rejected, sample).await? {
            Ok(()) => Ok(()),
            Err(failure) if failure.for_good && sample.is_some() => {
                self.try_to_write(rejected, None).await?.map_err(|failure| anyhow!(failure.why))
            }
            Err(failure) => Err(anyhow!(failure.why)),
        }
    }

    async fn try_to_write(
        &self,
        rejected: &Rejected,
        sample: Option<&str>,
    ) -> Result<Result<(), crate::notify::Failure>> {
        let body = serde_json::to_string(&Body {
            version: VERSION,
            id: &rejected.id,
            source: &rejected.source,
            position: rejected.position,
            index: rejected.index,
            reason: &rejected.reason,
            detail: &rejected.detail,
            sha256: &rejected.sha256,
            sample,
            ingested_at: format_rfc3339(rejected.ingested_at),
        })?;
        let message = Message { key: &rejected.id, headers: &[CONTENT_TYPE], payload: &body };
        Ok(self.topic.write(message).await)
    }
}
