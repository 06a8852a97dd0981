//! Creates the call contexts of one client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::authorizer::Authorizer;
use crate::call::context::{CallContext, CallOptions, RequestExtras, limit};
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::call::secrets::{LastPatterns, SecretTexts};
use crate::log::Log;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::WaitContext;

/// Creates call contexts. They share the client's log, known secrets, credentials and close event.
pub struct CallFactory {
    pub authorizer: Authorizer,
    pub log: Arc<Log>,
    /// Set when the client is closed.
    pub closed: Arc<PollableEvent>,
    pub known: Arc<KnownSecrets>,
    last_patterns: Arc<LastPatterns>,
    next_id: AtomicU64,
}

impl CallFactory {
    /// `url_secrets` are the secrets in the client's URL; empty if the server is a process.
    pub fn new(url_secrets: Arc<SecretTexts>, closed: PollableEvent) -> CallFactory {
        let known = Arc::new(KnownSecrets::default());
        known.set_texts(SecretSource::Url, url_secrets);
        CallFactory {
            authorizer: Authorizer::new(Arc::clone(&known)),
            log: Arc::default(),
            closed: Arc::new(closed),
            known,
            last_patterns: Arc::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// Starts a call of the application; `timeout` applies if the options have none.
    pub fn start(&self, options: &CallOptions, timeout: Option<Duration>) -> CallContext {
        let allowed = options.timeout_ms.map_or(timeout, limit);
        let wait_context = WaitContext {
            // No deadline if the clock cannot represent it.
            deadline: allowed.and_then(|allowed| Instant::now().checked_add(allowed)),
            timeout: allowed,
            idle: limit(options.idle_ms),
            cancel: options.cancel.clone(),
            closed: Some(Arc::clone(&self.closed)),
            done: None,
        };
        let progress_token = if options.extras.progress.is_some() { self.next_id() } else { 0 };
        self.make(wait_context, true, (options.extras.clone(), progress_token))
    }

    /// Starts an internal call of the client. It does not run the auth callback: its requests carry the credentials
    /// that the callback issued last.
    pub fn start_internal(&self, wait_context: WaitContext) -> CallContext {
        self.make(wait_context, false, (RequestExtras::default(), 0))
    }

    fn make(
        &self,
        wait_context: WaitContext,
        may_run_auth_callback: bool,
        extras: (RequestExtras, u64),
    ) -> CallContext {
        let secrets = (Arc::clone(&self.known), Arc::clone(&self.last_patterns));
        CallContext::new(wait_context, may_run_auth_callback, extras, secrets, Arc::clone(&self.log))
    }

    /// The id of the next request, and of the next progress token.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}
