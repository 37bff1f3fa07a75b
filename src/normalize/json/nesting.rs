//! How deep a record nests, told without parsing it.

/// The deepest nesting of a record, in objects and arrays. Real records stay under 20; the readers
/// recurse, and `serde_json` itself stops at 127.
pub const MAX_NESTING: usize = 100;

/// Whether a record nests deeper than [`MAX_NESTING`]. Only one with enough opening brackets can, so
/// nearly all are decided by counting.
pub fn nests_too_deep(record: &[u8]) -> bool {
    memchr::memchr2_iter(b'{', b'[', record).nth(MAX_NESTING).is_some()
        && deepest_nesting(record) > MAX_NESTING
}

/// The deepest nesting, brackets inside strings left out.
fn deepest_nesting(record: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in record {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
