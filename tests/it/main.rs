//! The one integration-test binary; its modules mirror the stages.

#[cfg(test)]
mod source;
