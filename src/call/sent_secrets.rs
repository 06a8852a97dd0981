//! The secrets that were sent with the requests of a call.

use std::collections::VecDeque;
use std::sync::Arc;

use ::http::HeaderValue;

use super::headers::HeaderSet;
use super::secrets::{SecretTexts, Secrets};

/// How many sets of secrets are kept that a server may change with each response.
pub(super) const MAX_CHANGING_SECRETS: usize = 16;

/// Secrets that were sent with the requests of a call. They stay secret even if the application has set other
/// credentials since.
#[derive(Default)]
pub struct SentSecrets {
    credentials: Vec<Arc<HeaderSet>>,
    session_id: Option<HeaderValue>,
    /// Those of other sessions, if the call was retried in a new one.
    other_session_ids: Vec<HeaderValue>,
    /// From URLs and proxy settings.
    fixed: Vec<Arc<SecretTexts>>,
    /// From cookies, the newest last.
    pub(super) changing: VecDeque<Arc<SecretTexts>>,
}

impl SentSecrets {
    pub fn add_credentials(&mut self, credentials: &Arc<HeaderSet>) {
        if !self.credentials.iter().any(|known| Arc::ptr_eq(known, credentials)) {
            self.credentials.push(Arc::clone(credentials));
        }
    }

    pub fn add_session_id(&mut self, id: &HeaderValue) {
        match &self.session_id {
            None => self.session_id = Some(id.clone()),
            Some(first) if first == id || self.other_session_ids.contains(id) => {}
            Some(_) => self.other_session_ids.push(id.clone()),
        }
    }

    pub fn add_fixed(&mut self, texts: &Arc<SecretTexts>) {
        if !self.fixed.iter().any(|known| Arc::ptr_eq(known, texts)) {
            self.fixed.push(Arc::clone(texts));
        }
    }

    /// Removes the oldest secrets of this kind when there are too many.
    pub fn add_changing(&mut self, texts: &Arc<SecretTexts>) {
        if self.changing.iter().any(|known| Arc::ptr_eq(known, texts)) {
            return;
        }
        if self.changing.len() == MAX_CHANGING_SECRETS {
            self.changing.pop_front();
        }
        self.changing.push_back(Arc::clone(texts));
    }

    pub fn credentials(&self) -> &[Arc<HeaderSet>] {
        &self.credentials
    }

    /// Adds all of them to the texts that are redacted.
    pub fn add_to(&self, secrets: &mut Secrets) {
        self.credentials.iter().for_each(|set| set.add_to(secrets));
        let session_ids = self.session_id.iter().chain(&self.other_session_ids);
        session_ids.filter_map(|id| id.to_str().ok()).for_each(|id| secrets.add(id));
        self.fixed.iter().chain(&self.changing).for_each(|texts| secrets.add_all(texts));
    }
}
