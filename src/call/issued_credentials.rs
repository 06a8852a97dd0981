//! Credentials from the auth callback, and which of its answers they are from.

use std::sync::Arc;

use ::http::Method;

use super::headers::HeaderSet;

/// Credentials from the auth callback.
#[derive(Clone)]
pub struct IssuedCredentials {
    pub headers: Arc<HeaderSet>,
    pub generation: CredentialGeneration,
}

/// Which callback issued the credentials, and after how many refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialGeneration {
    /// The number of the callback that was set.
    pub callback_number: u64,
    pub refreshes: u64,
}

/// A response that refuses credentials from the auth callback.
#[derive(Clone, Debug)]
pub struct CredentialRefusal {
    pub url: String,
    pub method: Method,
    pub http_status: u16,
    pub challenge: Option<String>,
    /// Which credentials were refused.
    pub generation: CredentialGeneration,
}
