//! Reads a body into memory within bounds: its own, and one for all bodies in hand together.

use std::io::Read;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;
use crate::config::Server;

/// Bytes of one permit of what is in hand: permits are counted with 32 bits.
const PERMIT: usize = 1 << 10;

/// How many of the largest bodies, packed and unpacked, may be in hand together.
const LARGEST_IN_HAND: u64 = 2;

/// How gzip begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Bytes unpacked between two looks at the bounds.
const STEP: u64 = 256 << 10;

/// What all bodies in hand may take.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new(limits: &Server) -> Self {
        let bytes = LARGEST_IN_HAND * (limits.body.bytes() + limits.unpacked.bytes());
        let permits = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(PERMIT);
        Self(Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))))
    }
}

/// Bytes in hand; the room for them comes back with them.
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    room: Room,
    permits: Option<OwnedSemaphorePermit>,
    taken: usize,
}

impl Held {
    fn new(room: &Room) -> Self {
        Self { bytes: Vec::new(), room: room.clone(), permits: None, taken: 0 }
    }

    /// Sees to room for `more` bytes.
    fn reserve(&mut self, more: usize) -> Result<(), Refusal> {
        let wanted = (self.bytes.len() + more).div_ceil(PERMIT);
        let missing = u32::try_from(wanted.saturating_sub(self.taken)).map_err(|_| Refusal::Busy)?;
        let permits = Arc::clone(&self.room.0).try_acquire_many_owned(missing).map_err(|_| Refusal::Busy)?;
        self.taken = self.taken.max(wanted);
        match &mut self.permits {
            Some(held) => held.merge(permits),
            None => self.permits = Some(permits),
        }
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.reserve(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// The whole body, unpacked, within the bounds and the time that `limits` give.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limits: &Server,
    room: &Room,
) -> Result<Held, Refusal> {
    let packed = is_gzip(headers)?;
    let most = limits.body.in_memory();
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > most) {
        return Err(Refusal::TooLarge(limits.body.to_string()));
    }
    let collected = collect(body, most, limits, room);
    let held =
        tokio::time::timeout(limits.timeout.duration(), collected).await.map_err(|_| Refusal::TooSlow)??;
    // Some send what they stored as it is, without saying so.
    if !packed && !held.bytes.starts_with(&GZIP) {
        return Ok(held);
    }
    let (room, limits) = (room.clone(), limits.clone());
    let unpacked = tokio::task::spawn_blocking(move || unpack(&held.bytes, &limits, &room));
    unpacked.await.map_err(|_| Refusal::Broken)?
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok(""), |encoding| encoding.to_str());
    match encoding.map(|encoding| encoding.trim().to_ascii_lowercase()).as_deref() {
        Ok("" | "identity") => Ok(false),
        Ok("gzip" | "x-gzip") => Ok(true),
        _ => Err(Refusal::Encoding),
    }
}

async fn collect(body: Body, most: usize, limits: &Server, room: &Room) -> Result<Held, Refusal> {
    let mut held = Held::new(room);
    let mut stream = body.into_data_stream();
    while let Some(part) = stream.next().await {
        let part: Bytes = part.map_err(|_| Refusal::Broken)?;
        if held.bytes.len() + part.len() > most {
            return Err(Refusal::TooLarge(limits.body.to_string()));
        }
        held.push(&part)?;
    }
    Ok(held)
}

/// Unpacks in steps, so that a bomb is noticed before it goes off.
fn unpack(packed: &[u8], limits: &Server, room: &Room) -> Result<Held, Refusal> {
    let mut held = Held::new(room);
    let mut decoder = MultiGzDecoder::new(packed);
    let mut step = Vec::new();
    loop {
        step.clear();
        let read = decoder.by_ref().take(STEP).read_to_end(&mut step).map_err(|_| Refusal::NotGzip)?;
        if read == 0 {
            return Ok(held);
        }
        if held.bytes.len() + read > limits.unpacked.in_memory() {
            return Err(Refusal::TooLargeUnpacked(limits.unpacked.to_string()));
        }
        held.push(&step)?;
    }
}
