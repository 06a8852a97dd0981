//! Credentials that are issued during a call, by the auth callback or as an OAuth token, and by which of their runs.

use std::sync::Arc;

use ::http::Method;

use super::headers::HeaderSet;

/// Credentials from the auth callback or from OAuth.
#[derive(Clone)]
pub struct IssuedCredentials {
    pub headers: Arc<HeaderSet>,
    pub generation: CredentialGeneration,
}

/// Which source issued the credentials, and after how many refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialGeneration {
    /// The `id` of its `AuthCallbackState` or `Authorization`: another one may have been set since.
    pub source_id: u64,
    pub refreshes: u64,
}

/// A response that refuses issued credentials.
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
