//! The one integration-test binary; its modules mirror the stages.
#![cfg(test)]

mod catalog_samples;
mod catalog_schema;
mod check;
mod damage;
mod demo;
mod detect;
mod differential;
mod history;
mod hostile;
mod ingest;
mod labelled;
mod layers;
mod made;
mod normalize_cloudtrail;
mod normalize_cloudtrail_samples;
mod normalize_vault;
mod normalize_vault_samples;
mod query;
mod redact;
mod reference;
mod samples;
mod scan;
mod scan_inputs;
mod scan_same;
mod secrets;
mod source;
mod support;
mod verbs_alerts;
mod verbs_explain;
mod verbs_logs;
mod verbs_rules;
