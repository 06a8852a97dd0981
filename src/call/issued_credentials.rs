//! Credentials from the auth callback, and which run of the callback issued them.

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
    /// The `id` of its `AuthCallbackState`: another callback may have been set since.
    pub callback_id: u64,
    pub refreshes: u64,
}

/// A response that refuses credentials from the auth callback.
#[derive(Clone, Debug)]
pub struct CredentialRefusal {
    pub url: String,
    pub method: Method,
    pub http_status: u16,
    /// The header `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// Which credentials were refused.
    pub generation: CredentialGeneration,
}
