//! What tells events apart: the identity of each, and a fingerprint of what two copies of it agree on.

use super::columns::Column;
use super::rows::Rows;
use crate::domain::event::{KeyEvent, Outcome, Provider};
use crate::domain::identity;

/// What the join step needs of a row beside its columns.
#[derive(Debug, Clone)]
pub struct RowMark {
    /// Identity: hash of (provider, account or namespace, event id, ordinal).
    pub uid: u128,
    /// Hash of what two copies of one event must agree on (time, actor, action, key, outcome, address).
    pub content: u64,
    /// A Vault request entry, waiting for its response, which has the same uid.
    pub awaits_response: bool,
    /// The first event of its record: the one that stands for the record in counts.
    pub first: bool,
    /// Which record of its chunk it is of: rows need not stand in the order in which they were read.
    pub record: u32,
}

impl RowMark {
    /// The mark of an event of the `record`-th record of its chunk.
    pub(super) fn of(event: &KeyEvent<'_>, record: u32) -> Self {
        let owner = event.account.or(event.namespace).unwrap_or_default();
        let provider = event.provider.map_or("", Provider::as_str);
        Self {
            uid: uid(provider, owner, event.event_id, event.ordinal),
            content: content(event),
            awaits_response: event.awaits_response,
            first: event.ordinal == 0,
            record,
        }
    }
}

/// The uid of an event that stands in a batch.
pub fn uid_of(rows: &Rows<'_>, row: usize) -> u128 {
    let text = |column| rows.text(column, row);
    let owner = text(Column::Account).or_else(|| text(Column::Namespace)).unwrap_or_default();
    let ordinal = rows.integer(Column::Ordinal, row).and_then(|ordinal| u8::try_from(ordinal).ok());
    let event_id = text(Column::EventId).unwrap_or_default();
    uid(text(Column::Provider).unwrap_or_default(), owner, event_id, ordinal.unwrap_or_default())
}

fn uid(provider: &str, owner: &str, event_id: &str, ordinal: u8) -> u128 {
    identity::uid(&[provider.as_bytes(), owner.as_bytes(), event_id.as_bytes(), &[ordinal]])
}

/// Kept on disk beside the uid, so its parts and their order are for ever. Vault's audit devices each write
/// an entry at a time of their own, a few milliseconds apart: there the time says nothing.
fn content(event: &KeyEvent<'_>) -> u64 {
    let time = if event.provider == Some(Provider::Vault) { 0 } else { event.event_time };
    let outcome = event.outcome.map(Outcome::as_str);
    let texts = [event.principal, event.action, event.key_id, outcome, event.source_ip];
    let mut hash = identity::fingerprint(0, &time.to_le_bytes());
    for text in texts {
        hash = identity::fingerprint(hash ^ u64::from(text.is_some()), text.unwrap_or_default().as_bytes());
    }
    hash
}
