//! Secrets that belong to no call alone: any call of a client may meet them.

use std::sync::Arc;

use super::headers::HeaderSet;
use super::secrets::{SecretTexts, Secrets};
use crate::sys::lock::Mutex;

/// Where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The client's URL.
    Url,
    Proxies,
    Redirects,
    Cookies,
    /// What the program has set on the client.
    Credentials,
    /// What the auth callback gave last.
    Granted,
}

/// What must not be shown of anything of one client. Whoever learns a secret tells it here; calls look when they show something.
#[derive(Default)]
pub struct KnownSecrets {
    texts: Mutex<Vec<(Source, Arc<SecretTexts>)>>,
    headers: Mutex<Vec<(Source, Arc<HeaderSet>)>>,
}

impl KnownSecrets {
    /// Replaces what the source told before.
    pub fn tell_texts(&self, source: Source, texts: Arc<SecretTexts>) {
        replace(&mut self.texts.lock(), source, texts);
    }

    /// The same for headers.
    pub fn tell_headers(&self, source: Source, headers: Arc<HeaderSet>) {
        replace(&mut self.headers.lock(), source, headers);
    }

    pub fn add_to(&self, secrets: &mut Secrets) {
        self.headers.lock().iter().for_each(|(_, headers)| headers.add_to(secrets));
        self.texts.lock().iter().for_each(|(_, texts)| secrets.add_all(texts));
    }
}

fn replace<T>(known: &mut Vec<(Source, T)>, source: Source, told: T) {
    match known.iter_mut().find(|(known, _)| *known == source) {
        Some((_, before)) => *before = told,
        None => known.push((source, told)),
    }
}
