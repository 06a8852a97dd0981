//! How large what a server sends may be.

/// The largest of what a server may send, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeLimits {
    pub message: usize,
    pub event: usize,
}
