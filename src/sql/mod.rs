//! DataFusion sessions and their limits.
