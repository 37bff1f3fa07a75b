//! CloudTrail records.

use super::{Arena, Emit, Normalized, Result};
use crate::domain::reject::Aside;

/// Normalizes one CloudTrail record.
///
/// # Errors
/// Where the record cannot be understood.
pub fn normalize(_record: &[u8], _arena: &Arena, _emit: &mut Emit<'_>) -> Result {
    Ok(Normalized::Irrelevant(Aside::OtherCall))
}
