//! Limits on the size of data from a server.

/// The largest message and the largest event that a server may send, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeLimits {
    pub message: usize,
    pub event: usize,
}
