//! Where credentials come from that are issued during calls: an auth callback, or OAuth.

use std::sync::Arc;

use super::auth_callback::AuthCallbackState;
use super::oauth::authorization::{Authorization, OAuthSubject};
use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::IssuedCredentials;

/// Where the issued credentials of a client come from.
#[derive(Clone)]
pub enum CredentialSource {
    Callback(Arc<AuthCallbackState>),
    OAuth(Arc<Authorization>),
}

/// Identifies issued credentials: a private result in the cache is returned only for the same ones.
#[derive(Clone)]
pub enum IssuedIdentity {
    /// The callback may issue those of another user for the next request.
    Headers(Arc<HeaderSet>),
    Subject(OAuthSubject),
}

impl PartialEq for IssuedIdentity {
    fn eq(&self, other: &IssuedIdentity) -> bool {
        match (self, other) {
            (IssuedIdentity::Headers(a), IssuedIdentity::Headers(b)) => Arc::ptr_eq(a, b),
            (IssuedIdentity::Subject(a), IssuedIdentity::Subject(b)) => a == b,
            _ => false,
        }
    }
}

impl CredentialSource {
    /// Unique in this process.
    pub fn id(&self) -> u64 {
        match self {
            CredentialSource::Callback(callback_state) => callback_state.id,
            CredentialSource::OAuth(authorization) => authorization.id,
        }
    }

    /// The credentials that were issued last.
    pub fn last(&self) -> IssuedCredentials {
        match self {
            CredentialSource::Callback(callback_state) => callback_state.last(),
            CredentialSource::OAuth(authorization) => authorization.last(),
        }
    }

    /// Whether a thread is issuing credentials.
    pub fn is_running(&self) -> bool {
        match self {
            CredentialSource::Callback(callback_state) => callback_state.is_running(),
            CredentialSource::OAuth(authorization) => authorization.is_renewing(),
        }
    }

    pub fn identity(&self) -> IssuedIdentity {
        match self {
            CredentialSource::Callback(callback_state) => IssuedIdentity::Headers(callback_state.last().headers),
            CredentialSource::OAuth(authorization) => IssuedIdentity::Subject(authorization.subject()),
        }
    }
}
