//! The part of a stream that is in memory.

/// Bytes of a stream, and where in it they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'b> {
    pub(super) bytes: &'b [u8],
    /// Offset of the first byte.
    pub(super) base: u64,
    /// Whether the stream ends with these bytes.
    pub(super) ended: bool,
}

impl<'b> Window<'b> {
    /// The bytes from `offset` on.
    pub(super) fn from(&self, offset: u64) -> &'b [u8] {
        self.bytes.get(self.index(offset)..).unwrap_or_default()
    }

    /// The place of `offset` in the bytes.
    pub(super) fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX)
    }
}
