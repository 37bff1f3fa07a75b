//! The one integration-test binary; its modules mirror the stages.

mod normalize_cloudtrail;
mod normalize_cloudtrail_samples;
