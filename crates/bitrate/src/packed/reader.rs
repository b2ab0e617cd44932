//! Numbers out of bytes.

/// Reads from the front; a number that is not there is none.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline]
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (read, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        self.at += count;
        Some(read)
    }

    /// The next `COUNT` bytes; with their number known, numbers are taken out of them without a look at the end.
    #[inline]
    pub(super) fn array<const COUNT: usize>(&mut self) -> Option<&'a [u8; COUNT]> {
        let (read, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        self.at += COUNT;
        Some(read)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| *byte)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    #[inline]
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    #[inline]
    pub(super) fn f64(&mut self) -> Option<f64> {
        self.array().map(|bytes| f64::from_le_bytes(*bytes))
    }
}
