//! Vault and OpenBao audit entries.

use super::{Arena, Emit, Normalized, Result};
use crate::domain::reject::Aside;

/// Normalizes one audit entry.
///
/// # Errors
/// Where the entry cannot be understood.
pub fn normalize(_record: &[u8], _arena: &Arena, _emit: &mut Emit<'_>) -> Result {
    Ok(Normalized::Irrelevant(Aside::OtherCall))
}
