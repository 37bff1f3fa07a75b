//! The one integration-test binary; its modules mirror the stages.

mod catalog_samples;
mod catalog_schema;
mod normalize_vault;
mod normalize_vault_samples;
