//! Secrets that belong to no call alone: any call of a client may meet them.

use std::sync::Arc;

use super::headers::HeaderSet;
use super::secrets::{SecretTexts, Secrets};
use crate::sys::lock::Mutex;

/// Where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The client's URL.
    Url,
    ProxySettings,
    Redirects,
    Cookies,
    /// What the program has set on the client.
    Credentials,
    /// What the auth callback gave last.
    IssuedCredentials,
}

/// What must not be shown of anything of one client. Whoever learns a secret tells it here; calls look when they show something.
#[derive(Default)]
pub struct KnownSecrets {
    texts: Mutex<Vec<(SecretSource, Arc<SecretTexts>)>>,
    headers: Mutex<Vec<(SecretSource, Arc<HeaderSet>)>>,
}

impl KnownSecrets {
    /// Replaces what the source told before.
    pub fn add_texts(&self, source: SecretSource, texts: Arc<SecretTexts>) {
        replace(&mut self.texts.lock(), source, texts);
    }

    /// The same for headers.
    pub fn add_headers(&self, source: SecretSource, headers: Arc<HeaderSet>) {
        replace(&mut self.headers.lock(), source, headers);
    }

    pub fn add_to(&self, secrets: &mut Secrets) {
        self.headers.lock().iter().for_each(|(_, headers)| headers.add_to(secrets));
        self.texts.lock().iter().for_each(|(_, texts)| secrets.add_all(texts));
    }
}

fn replace<T>(known: &mut Vec<(SecretSource, T)>, source: SecretSource, told: T) {
    match known.iter_mut().find(|(known, _)| *known == source) {
        Some((_, before)) => *before = told,
        None => known.push((source, told)),
    }
}
