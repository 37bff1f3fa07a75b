//! The one integration-test binary; its modules mirror the stages.

#[cfg(test)]
mod normalize_vault;
#[cfg(test)]
mod normalize_vault_samples;
