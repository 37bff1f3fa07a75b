//! The one integration-test binary; its modules mirror the stages.

mod source;
