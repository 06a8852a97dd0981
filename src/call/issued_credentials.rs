//! What the auth callback has given, and which of its answers that was.

use std::sync::Arc;

use ::http::Method;

use super::headers::HeaderSet;

/// The callback's answer.
#[derive(Clone)]
pub struct IssuedCredentials {
    pub headers: Arc<HeaderSet>,
    pub generation: CredentialGeneration,
}

/// Whose answer it was, and after how many refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialGeneration {
    pub callback_state: u64,
    pub refreshes: u64,
}

/// A server's answer to what the callback gave.
#[derive(Clone, Debug)]
pub struct CredentialRefusal {
    pub url: String,
    pub method: Method,
    pub http_status: u16,
    pub challenge: Option<String>,
    /// Which of the callback's answers was refused.
    pub generation: CredentialGeneration,
}
