//! The one integration-test binary; its modules mirror the stages.
#![cfg(test)]

mod catalog_samples;
mod catalog_schema;
mod detect;
mod history;
mod layers;
mod normalize_cloudtrail;
mod normalize_cloudtrail_samples;
mod normalize_vault;
mod normalize_vault_samples;
mod source;
mod support;
