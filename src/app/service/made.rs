//! A made-up log as a source: what `keyward demo` watches.
//!
//! In: lines in the order of their arrival. Out: signals as those of any other source, so that the service
//! cannot tell. It has one partition, whose positions count lines; it can be read again from any of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::feeds::Ground;
use crate::app::clock::now_micros;
use crate::source::Limits;
use crate::source::feed::{Arrival, Feed, Partition, Signal, Signals, Status};
use crate::source::message::Gatherer;
use crate::store::{BlockingStore, Position, PositionMove};

/// The name of the source.
pub const NAME: &str = "company";

/// Lines that belong together: they arrived at the same time.
pub type Delivery = Vec<Vec<u8>>;

/// A log that is made up.
pub struct MadeLog {
    /// What arrives, in this order.
    pub deliveries: Vec<Delivery>,
    /// How long to wait between two deliveries.
    pub pause: Duration,
}

struct State {
    /// The generation that is read.
    generation: AtomicU64,
    stopped: AtomicBool,
}

/// The running source.
struct Made {
    state: Arc<State>,
}

impl Feed for Made {
    fn name(&self) -> &str {
        NAME
    }

    fn sealed(&self, _: &[PositionMove]) {}

    fn rewind(&self, generation: u64) {
        self.state.generation.store(generation, Ordering::Release);
    }

    fn status(&self) -> Status {
        Status { ready: true, ..Status::default() }
    }

    fn stop(&self) {
        self.state.stopped.store(true, Ordering::Release);
    }
}

impl MadeLog {
    /// Starts to read it where the store says.
    pub(super) fn start(self, ground: &Ground<'_>) -> Result<Arc<dyn Feed>> {
        let state = Arc::new(State { generation: AtomicU64::new(0), stopped: AtomicBool::new(false) });
        let reader = Reader {
            log: self,
            state: Arc::clone(&state),
            store: Arc::clone(ground.store),
            signals: ground.signals.clone(),
            partition: Arc::new(Partition {
                identity: identity(),
                label: NAME.to_owned(),
                source: NAME.into(),
            }),
        };
        thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || reader.read())
            .context("could not start a thread")?;
        Ok(Arc::new(Made { state }))
    }
}

fn identity() -> String {
    format!("made:{NAME}")
}

struct Reader {
    log: MadeLog,
    state: Arc<State>,
    store: Arc<BlockingStore>,
    signals: Signals,
    partition: Arc<Partition>,
}

impl Reader {
    fn read(self) {
        let mut generation = 0;
        let mut from = self.stored();
        loop {
            let newest = self.state.generation.load(Ordering::Acquire);
            if newest > generation {
                generation = newest;
                from = self.stored();
            }
            if self.state.stopped.load(Ordering::Acquire) {
                break;
            }
            let Some(arrival) = self.arrival(from, generation) else { break };
            from = Some(arrival.to);
            if self.signals.send(Signal::Records(Box::new(arrival))).is_err() {
                return;
            }
            thread::sleep(self.log.pause);
        }
        // The loop may have ended by itself.
        let _ = self.signals.send(Signal::Ended { source: NAME.into() });
    }

    fn stored(&self) -> Option<Position> {
        let stored = self.store.wait(self.store.store().position_of(&self.partition.identity));
        match stored {
            Ok(stored) => stored.map(|stored| stored.next),
            Err(error) => {
                tracing::error!(%error, "the position could not be read; reading from the start");
                None
            }
        }
    }

    /// The delivery that begins at or after `from`.
    fn arrival(&self, from: Option<Position>, generation: u64) -> Option<Arrival> {
        let start = from.map_or(0, |position| u64::try_from(position.offset).unwrap_or_default());
        let mut line = 0;
        for lines in &self.log.deliveries {
            let end = line + lines.len() as u64;
            if line < start || lines.is_empty() {
                line = end;
                continue;
            }
            let mut gatherer = Gatherer::new(Limits::default());
            for (place, text) in (line..).zip(lines) {
                gatherer.add(text, place);
            }
            return Some(Arrival {
                partition: Arc::clone(&self.partition),
                from,
                to: Position { offset: i64::try_from(end).unwrap_or(i64::MAX), index: 0 },
                chunk: gatherer.take(&self.partition.source, None, end),
                generation,
                received_at: now_micros(),
                written_at: None,
            });
        }
        None
    }
}
