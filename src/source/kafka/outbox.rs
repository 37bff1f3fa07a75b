//! Puts signals into the service's queue, and holds them back, in order, while it is full.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, TrySendError};

use crate::source::feed::{Signal, Signals};

/// How long a full queue is waited for before partitions are paused: pausing throws away what was
/// fetched ahead, and a busy service takes something every few milliseconds.
const PATIENCE: Duration = Duration::from_millis(100);

/// Signals on their way.
pub(super) struct Outbox {
    signals: Signals,
    held: VecDeque<Signal>,
    /// Whether nobody takes signals any more.
    closed: bool,
}

impl Outbox {
    pub(super) fn new(signals: Signals) -> Self {
        Self { signals, held: VecDeque::new(), closed: false }
    }

    /// Whether signals are held back.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether nobody takes signals any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Sends a signal, or holds it back.
    pub(super) fn put(&mut self, signal: Signal) {
        if self.closed {
            return;
        }
        if self.is_holding() {
            return self.held.push_back(signal);
        }
        match self.signals.send_timeout(signal, PATIENCE) {
            Ok(()) => {}
            Err(SendTimeoutError::Timeout(signal)) => self.held.push_back(signal),
            Err(SendTimeoutError::Disconnected(_)) => self.close(),
        }
    }

    /// Sends what was held back, as far as there is room.
    pub(super) fn send_held(&mut self) {
        while let Some(signal) = self.held.pop_front() {
            match self.signals.try_send(signal) {
                Ok(()) => {}
                Err(TrySendError::Full(signal)) => return self.held.push_front(signal),
                Err(TrySendError::Disconnected(_)) => return self.close(),
            }
        }
    }

    /// Sends a signal past those held back, and says whether it was taken before `deadline`.
    pub(super) fn send_by(&mut self, signal: Signal, deadline: Instant) -> bool {
        !self.closed && self.signals.send_deadline(signal, deadline).is_ok()
    }

    /// Forgets the records held back of these partitions, or of all.
    pub(super) fn forget_records(&mut self, of: impl Fn(&str) -> bool) {
        self.held.retain(|signal| match signal {
            Signal::Records(arrival) => !of(&arrival.partition.identity),
            _ => true,
        });
    }

    fn close(&mut self) {
        self.closed = true;
        self.held.clear();
    }
}
