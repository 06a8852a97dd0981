//! Changes of a registration in the store. Other processes may use the same record.

use super::authorization::{Authorization, TokenSource};
use crate::error::Result;
use crate::protocol::oauth::record::{ClientOrigin, OAuthRecord, RecordedClient};
use crate::sys::wait::WaitContext;

impl Authorization {
    /// Saves a registration before its login: the next attempt uses it again. Not if another process has stored tokens
    /// meanwhile, because a refresh needs the client that they were issued to.
    pub(super) fn save_registration(&self, record: OAuthRecord, wait_context: &WaitContext) -> Result<()> {
        let _lock = self.lock_record(wait_context)?;
        let has_tokens = |stored: OAuthRecord| stored.tokens.is_some();
        if self.read_store()?.is_some_and(has_tokens) { Ok(()) } else { self.install(record, TokenSource::Store) }
    }

    /// Keeps the next login from using a registration that the authorization server seems to have forgotten. Tokens are
    /// kept.
    pub(super) fn retire_registration(&self, client_id: &str, wait_context: &WaitContext) -> Result<()> {
        let _lock = self.lock_record(wait_context)?;
        let record = if self.settings.store.is_shared() {
            self.read_store()?
        } else {
            self.record().map(|record| (*record).clone())
        };
        match record {
            Some(record) if record.client.id == client_id && record.client.origin == ClientOrigin::Registered => {
                let client = retired(&record.client);
                self.install(OAuthRecord { client, ..record }, TokenSource::Store)
            }
            _ => Ok(()),
        }
    }
}

/// The client, marked so that no login uses its registration again.
pub(super) fn retired(client: &RecordedClient) -> RecordedClient {
    RecordedClient { secret_expires_at: Some(0), ..client.clone() }
}
