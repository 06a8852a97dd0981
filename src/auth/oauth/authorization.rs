//! The authorization at one MCP server: its tokens, and which call renews them.
//!
//! One call at a time renews the tokens of an authorization. All other calls that are refused meanwhile take its
//! outcome: 64 refused calls cause one login.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::pending_login::PendingLogins;
use super::record_store::RecordLock;
use super::renewal_progress::{RenewalOutcome, RenewalProgress, SharedOutcome};
use super::settings::{Grant, OAuthSettings};
use super::token_age::{is_fresh, is_older, is_usable, unix_time};
use crate::call::callback_scope::is_in_callback_of;
use crate::call::context::CallContext;
use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::{CredentialGeneration, IssuedCredentials};
use crate::error::{Error, Result};
use crate::protocol::oauth::record::OAuthRecord;
use crate::protocol::oauth::scope::ScopeSet;
use crate::status::MCP_OAUTH_FAILED;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::WaitContext;

/// After a failed renewal of tokens that can still be used, the next one is tried later.
const EARLY_RENEWAL_PAUSE: Duration = Duration::from_secs(10);

/// Tokens that the server refused are not renewed in the same way again if they are younger.
const MIN_RENEWAL_INTERVAL: Duration = Duration::from_secs(60);

/// The authorization at one MCP server. The clients of the server share it.
pub struct Authorization {
    /// Unique in this process.
    pub id: u64,
    /// The URL of the MCP server. It may contain secrets.
    pub(super) server_url: String,
    /// The URL without secrets.
    pub(super) display_name: String,
    pub(super) settings: Arc<OAuthSettings>,
    pub(super) logins: Arc<PendingLogins>,
    /// The key of the record in the store.
    pub(super) key: String,
    state: Mutex<AuthorizationState>,
}

struct AuthorizationState {
    /// The store was read.
    is_loaded: bool,
    /// The record could not be saved.
    is_unsaved: bool,
    /// When the tokens could last not be renewed before their end.
    early_renewal_failed: Option<Instant>,
    record: Option<Arc<OAuthRecord>>,
    /// With the access token; empty if there is none.
    headers: Arc<HeaderSet>,
    /// Counts the changes of the access token.
    generation: u64,
    /// Counts the changes after which another user may be logged in.
    subject: u64,
    source: TokenSource,
    /// When the tokens were received.
    since: Instant,
    /// The MCP server has accepted the access token.
    is_accepted: bool,
    renewal: Option<Arc<RenewalProgress>>,
    login_failure: Option<Error>,
    /// Failures that do not count any more. They may own objects of the application, which are released after the
    /// renewal: their destructors may use the client.
    discarded: Vec<Error>,
    /// The scopes that the server has required, and for which no login could begin.
    wanted_scopes: ScopeSet,
}

/// Where the tokens come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenSource {
    Store,
    Refresh,
    /// A login, or another grant than a refresh token.
    Grant,
}

/// The right to renew the tokens. It ends when the last copy is dropped: a token request may outlive its call.
pub(super) struct RenewalTurn {
    authorization: Arc<Authorization>,
    progress: Arc<RenewalProgress>,
}

/// What a call does that needs credentials.
pub(super) enum Entry {
    Use(IssuedCredentials),
    Wait(Arc<RenewalProgress>),
    Renew(Arc<RenewalTurn>),
}

/// Identifies the user for whom private results are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OAuthSubject {
    authorization_id: u64,
    subject: u64,
}

impl Authorization {
    pub(super) fn new(
        server_url: &str,
        display_name: &str,
        settings: Arc<OAuthSettings>,
        logins: &Arc<PendingLogins>,
    ) -> Authorization {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let state = AuthorizationState {
            is_loaded: false,
            is_unsaved: false,
            early_renewal_failed: None,
            record: None,
            headers: Arc::default(),
            generation: 0,
            subject: 0,
            source: TokenSource::Store,
            since: Instant::now(),
            is_accepted: false,
            renewal: None,
            login_failure: None,
            discarded: Vec::new(),
            wanted_scopes: ScopeSet::default(),
        };
        Authorization {
            // The auth callbacks count from zero, too.
            id: u64::MAX - COUNT.fetch_add(1, Ordering::Relaxed),
            server_url: server_url.into(),
            display_name: display_name.into(),
            key: settings.record_key(server_url),
            settings,
            logins: Arc::clone(logins),
            state: Mutex::new(state),
        }
    }

    /// Identifies the application's callbacks for [`crate::call::callback_scope`].
    pub(super) fn owner(&self) -> usize {
        Arc::as_ptr(&self.settings).addr()
    }

    /// Whether this thread runs a callback of this OAuth client.
    pub fn is_in_callback(&self) -> bool {
        is_in_callback_of(self.owner())
    }

    /// The current credentials, which may have expired.
    pub fn last(&self) -> IssuedCredentials {
        self.issued(&self.lock())
    }

    pub fn is_renewing(&self) -> bool {
        self.lock().renewal.is_some()
    }

    pub fn subject(&self) -> OAuthSubject {
        OAuthSubject { authorization_id: self.id, subject: self.lock().subject }
    }

    /// What a call does whose credentials of the generation `refused` were refused, or that was not refused yet.
    pub(super) fn enter(self: &Arc<Self>, call: &CallContext, refused: Option<u64>) -> Entry {
        let mut state = self.lock();
        if refused.is_some_and(|refused| refused < state.generation) {
            return Entry::Use(self.issued(&state));
        }
        if let Some(progress) = &state.renewal {
            if refused.is_none() && progress.has_user_part() {
                // The request may not need a token.
                return Entry::Use(self.issued(&state));
            }
            return Entry::Wait(Arc::clone(progress));
        }
        if refused.is_none() && state.is_loaded && !self.is_renewal_due(&state) {
            return Entry::Use(self.issued(&state));
        }
        Entry::Renew(self.begin(&mut state, call))
    }

    /// Begins a step that no other renewal may overlap, or returns the renewal in progress.
    pub(super) fn try_begin(self: &Arc<Self>, call: &CallContext) -> Entry {
        let mut state = self.lock();
        match &state.renewal {
            None => Entry::Renew(self.begin(&mut state, call)),
            Some(progress) => Entry::Wait(Arc::clone(progress)),
        }
    }

    /// Begins a renewal. There must be none.
    fn begin(self: &Arc<Self>, state: &mut AuthorizationState, call: &CallContext) -> Arc<RenewalTurn> {
        let progress = Arc::new(RenewalProgress::new(call.clock()));
        state.renewal = Some(Arc::clone(&progress));
        Arc::new(RenewalTurn { authorization: Arc::clone(self), progress })
    }

    /// Whether the tokens have to be renewed before the next request, and can be without the user.
    fn is_renewal_due(&self, state: &AuthorizationState) -> bool {
        let Some(record) = &state.record else { return false };
        let Some(tokens) = &record.tokens else { return false };
        let can_renew = tokens.refresh_token.is_some() || self.settings.grant != Grant::Login;
        let now = unix_time();
        let may_wait = is_usable(tokens, now)
            && state.early_renewal_failed.is_some_and(|failed| failed.elapsed() < EARLY_RENEWAL_PAUSE);
        can_renew && !is_fresh(tokens, now) && !may_wait
    }

    fn issued(&self, state: &AuthorizationState) -> IssuedCredentials {
        let generation = CredentialGeneration { source_id: self.id, refreshes: state.generation };
        IssuedCredentials { headers: Arc::clone(&state.headers), generation }
    }

    /// The current credentials as the outcome of a renewal.
    pub(super) fn issued_now(&self) -> RenewalOutcome {
        RenewalOutcome::Issued(self.last())
    }

    pub fn has_tokens(&self) -> bool {
        self.record().is_some_and(|record| record.tokens.is_some())
    }

    /// The current record.
    pub fn record(&self) -> Option<Arc<OAuthRecord>> {
        self.lock().record.clone()
    }

    /// Reads the record from the store, unless it was read before.
    pub fn load_once(&self) -> Result<()> {
        if self.lock().is_loaded {
            return Ok(());
        }
        let record = self.read_store()?;
        let headers = headers_of(record.as_ref())?;
        let mut state = self.lock();
        // Another thread may have read it meanwhile, and may even have newer tokens.
        if !state.is_loaded {
            state.replace(record.map(Arc::new), headers, TokenSource::Store);
        }
        Ok(())
    }

    /// The record in the store. One that is not valid is as good as none.
    pub(super) fn read_store(&self) -> Result<Option<OAuthRecord>> {
        let Some(text) = self.settings.store.load(&self.key, self.owner())? else { return Ok(None) };
        match OAuthRecord::parse(&text) {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.must_be_kept() => Err(Error::new(MCP_OAUTH_FAILED, error.message())),
            Err(_) => Ok(None),
        }
    }

    /// Replaces the record with one from the store.
    pub(super) fn adopt(&self, record: Option<OAuthRecord>) -> Result<()> {
        self.set_record(record.map(Arc::new), TokenSource::Store)
    }

    /// Saves a record and uses it. If it cannot be saved, it is used nevertheless: a refresh token that was replaced
    /// cannot be used again.
    pub(super) fn install(&self, record: OAuthRecord, source: TokenSource) -> Result<()> {
        let headers = headers_of(Some(&record))?;
        // First: if the process ended in between, a token would be lost that the server may have seen.
        let saved = self.settings.store.save(&self.key, Some(record.to_json()), self.owner());
        let mut state = self.lock();
        state.replace(Some(Arc::new(record)), headers, source);
        state.is_unsaved = saved.is_err();
        drop(state);
        saved
    }

    /// Uses a record that cannot be saved.
    pub(super) fn use_unsaved(&self, record: OAuthRecord) -> Result<()> {
        self.set_record(Some(Arc::new(record)), TokenSource::Grant)?;
        self.lock().is_unsaved = true;
        Ok(())
    }

    /// Whether the record of the store may replace the current one: that is not newer.
    pub(super) fn may_adopt(&self, stored: &OAuthRecord) -> bool {
        let state = self.lock();
        !(state.is_unsaved || is_older(stored, state.record.as_deref()))
    }

    /// Waits until no other process uses the record.
    pub(super) fn lock_record(&self, wait_context: &WaitContext) -> Result<RecordLock> {
        self.settings.store.lock(&self.key, self.owner(), wait_context)
    }

    fn set_record(&self, record: Option<Arc<OAuthRecord>>, source: TokenSource) -> Result<()> {
        let headers = headers_of(record.as_deref())?;
        self.lock().replace(record, headers, source);
        Ok(())
    }

    /// The MCP server has accepted a request with these credentials.
    pub fn record_accepted(&self, generation: CredentialGeneration) {
        let mut state = self.lock();
        if generation.source_id == self.id && generation.refreshes == state.generation {
            state.is_accepted = true;
        }
    }

    /// Whether the MCP server has accepted the current credentials.
    pub(super) fn is_accepted(&self) -> bool {
        self.lock().is_accepted
    }

    /// Whether refused tokens have just come from this source, so that more of it would be futile. A login is never
    /// repeated: the user would be asked again and again.
    pub(super) fn is_futile(&self, source: TokenSource) -> bool {
        let state = self.lock();
        let needs_user = source == TokenSource::Grant && self.settings.grant == Grant::Login;
        let is_new = needs_user || state.since.elapsed() < MIN_RENEWAL_INTERVAL;
        state.source == source && !state.is_accepted && is_new
    }

    pub fn wanted_scopes(&self) -> ScopeSet {
        self.lock().wanted_scopes.clone()
    }

    /// Remembers scopes for the next login.
    pub(super) fn want_scopes(&self, scopes: &ScopeSet) {
        let mut state = self.lock();
        state.wanted_scopes = state.wanted_scopes.union(scopes);
    }

    /// The tokens could not be renewed, but can still be used.
    pub(super) fn record_failed_early_renewal(&self) {
        self.lock().early_renewal_failed = Some(Instant::now());
    }

    /// Why no login begins without `mcp_login`.
    pub(super) fn login_failure(&self) -> Option<Error> {
        self.lock().login_failure.clone()
    }

    pub fn set_login_failure(&self, failure: Option<Error>) {
        let mut state = self.lock();
        let old = std::mem::replace(&mut state.login_failure, failure);
        if state.renewal.is_some() {
            state.discarded.extend(old);
            return;
        }
        drop(state);
        // Dropped without the lock: it may own an object of the application.
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, AuthorizationState> {
        self.state.lock()
    }
}

impl AuthorizationState {
    fn replace(&mut self, record: Option<Arc<OAuthRecord>>, headers: HeaderSet, source: TokenSource) {
        self.is_loaded = true;
        self.is_unsaved = false;
        self.record = record;
        // A login or refresh may return the same token again: it counts as a new one, or the same would be repeated.
        if *self.headers == headers && source == TokenSource::Store {
            return;
        }
        let has_tokens = !headers.is_empty();
        self.headers = Arc::new(headers);
        self.generation += 1;
        self.is_accepted = false;
        self.since = Instant::now();
        self.source = source;
        if source != TokenSource::Refresh {
            self.subject += 1;
        }
        if source == TokenSource::Grant {
            self.wanted_scopes = ScopeSet::default();
        }
        if has_tokens {
            self.discarded.extend(self.login_failure.take());
        }
    }
}

impl RenewalTurn {
    /// Tells the calls that wait how the renewal ended. Without this, one of them tries again.
    pub fn end(&self, outcome: SharedOutcome) {
        self.progress.set_outcome(outcome);
    }

    /// The renewal begins to wait for the user. Calls whose requests were not refused do not wait for the rest of it.
    pub fn begin_user_part(&self) {
        {
            // With the lock held: a call that is about to wait must not miss it.
            let _state = self.authorization.lock();
            self.progress.set_user_part();
        }
        self.progress.wake_at_user();
    }
}

impl Drop for RenewalTurn {
    fn drop(&mut self) {
        let discarded = {
            let mut state = self.authorization.lock();
            state.renewal = None;
            std::mem::take(&mut state.discarded)
        };
        self.progress.wake_all();
        drop(discarded);
    }
}

/// The headers with the access token of a record.
fn headers_of(record: Option<&OAuthRecord>) -> Result<HeaderSet> {
    let mut headers = HeaderSet::default();
    if let Some(tokens) = record.and_then(|record| record.tokens.as_ref()) {
        headers.set_bearer(Some(&tokens.access_token)).map_err(|error| {
            let why = format!("the authorization server returned a token that cannot be used: {error}");
            Error::new(MCP_OAUTH_FAILED, why)
        })?;
    }
    Ok(headers)
}
