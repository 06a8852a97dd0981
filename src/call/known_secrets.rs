//! Secrets of a client: any call may receive them in a text from the server.

use std::sync::Arc;

use super::headers::HeaderSet;
use super::secrets::{SecretTexts, Secrets};
use crate::sys::lock::Mutex;

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The client's URL.
    Url,
    ProxySettings,
    Redirects,
    Cookies,
    /// Set on the client by the application.
    Credentials,
    /// The latest from the auth callback.
    IssuedCredentials,
}

/// The secrets of one client, which no message and no log line may contain. Code that receives a secret records it
/// here; a call reads them when it reports or logs something.
#[derive(Default)]
pub struct KnownSecrets {
    texts: Mutex<Vec<(SecretSource, Arc<SecretTexts>)>>,
    headers: Mutex<Vec<(SecretSource, Arc<HeaderSet>)>>,
}

impl KnownSecrets {
    /// Replaces the texts of this source.
    pub fn set_texts(&self, source: SecretSource, texts: Arc<SecretTexts>) {
        replace(&mut self.texts.lock(), source, texts);
    }

    /// Replaces the headers of this source.
    pub fn set_headers(&self, source: SecretSource, headers: Arc<HeaderSet>) {
        replace(&mut self.headers.lock(), source, headers);
    }

    /// Adds all of them to the secrets that a text is redacted with.
    pub fn add_to(&self, secrets: &mut Secrets) {
        self.headers.lock().iter().for_each(|(_, headers)| headers.add_to(secrets));
        self.texts.lock().iter().for_each(|(_, texts)| secrets.add_all(texts));
    }
}

fn replace<T>(known: &mut Vec<(SecretSource, T)>, source: SecretSource, new: T) {
    match known.iter_mut().find(|(known, _)| *known == source) {
        Some((_, old)) => *old = new,
        None => known.push((source, new)),
    }
}
