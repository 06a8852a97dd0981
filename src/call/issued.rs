//! What the auth callback has given, and which of its answers that was.

use std::sync::Arc;

use super::headers::HeaderSet;

/// The callback's answer.
#[derive(Clone)]
pub struct Granted {
    pub headers: Arc<HeaderSet>,
    pub generation: Generation,
}

/// Whose answer it was, and after how many refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    pub scheme: u64,
    pub refreshes: u64,
}
