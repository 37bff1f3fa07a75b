//! The one integration-test binary; its modules mirror the stages.
#![cfg(test)]

mod catalog_samples;
mod detect;
mod history;
mod layers;
mod normalize_cloudtrail;
mod normalize_cloudtrail_samples;
mod normalize_vault;
mod normalize_vault_samples;
mod source;
mod support;
mod verbs_alerts;
mod verbs_explain;
mod verbs_logs;
mod verbs_rules;
