//! Creates the call contexts of one client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::authorizer::Authorizer;
use crate::call::callback_runner::{CallbackRunner, CallbackThreads};
use crate::call::context::{CallClient, CallContext, CallOptions, RequestExtras, limit};
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::call::secrets::{LastPatterns, SecretTexts};
use crate::log::Log;
use crate::sys::lock::RwLock;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::WaitContext;
use crate::trace::Trace;

/// Creates call contexts. They share the client's log, known secrets, credentials and close event.
pub struct CallFactory {
    pub authorizer: Authorizer,
    pub log: Arc<Log>,
    pub trace: Arc<Trace>,
    /// Set when the client is closed.
    pub closed: Arc<PollableEvent>,
    pub known: Arc<KnownSecrets>,
    last_patterns: Arc<LastPatterns>,
    /// The host of the server's URL, or the program: the name of the client unless another one is set.
    pub default_name: Arc<str>,
    /// Run the callbacks of calls that belong to no queue.
    pub callback_threads: Arc<CallbackThreads>,
    /// Runs the callbacks that belong to no call; `None` for `callback_threads`.
    pub own_callbacks: RwLock<Option<Arc<dyn CallbackRunner>>>,
    next_id: AtomicU64,
}

impl CallFactory {
    /// `url_secrets` are the secrets in the client's URL; empty if the server is a process.
    pub fn new(url_secrets: Arc<SecretTexts>, closed: PollableEvent, default_name: &str) -> CallFactory {
        let known = Arc::new(KnownSecrets::default());
        known.set_texts(SecretSource::Url, url_secrets);
        CallFactory {
            authorizer: Authorizer::new(Arc::clone(&known)),
            log: Arc::default(),
            trace: Arc::default(),
            closed: Arc::new(closed),
            known,
            last_patterns: Arc::default(),
            default_name: default_name.into(),
            callback_threads: Arc::default(),
            own_callbacks: RwLock::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// Starts a call of the application; `timeout` and `idle` apply if the options have none.
    pub fn start(&self, options: &CallOptions, timeout: Option<Duration>, idle: Option<Duration>) -> CallContext {
        let allowed = options.timeout_ms.map_or(timeout, limit);
        let wait_context = WaitContext {
            // No deadline if the clock cannot represent it.
            deadline: allowed.and_then(|allowed| Instant::now().checked_add(allowed)),
            timeout: allowed,
            idle: options.idle_ms.map_or(idle, limit),
            cancel: options.cancel.clone(),
            // A queue ends its calls itself.
            closed: options.queued.is_none().then(|| Arc::clone(&self.closed)),
            ended: options.queued.as_ref().map(|queued| Arc::clone(&queued.ended)),
            // The progress callback can end the call.
            stopped: options.extras.progress.as_ref().map(|_| Arc::default()),
            done: None,
        };
        let progress_token = if options.extras.progress.is_some() { self.next_id() } else { 0 };
        let callbacks = options.queued.as_ref().map(|queued| Arc::clone(&queued.callbacks));
        self.make(wait_context, true, (options.extras.clone(), progress_token), callbacks)
    }

    /// Starts an internal call of the client. It does not run the auth callback: its requests carry the credentials
    /// that the callback issued last.
    pub fn start_internal(&self, wait_context: WaitContext) -> CallContext {
        self.make(wait_context, false, (RequestExtras::default(), 0), self.own_callbacks.read().clone()).internal()
    }

    fn make(
        &self,
        wait_context: WaitContext,
        may_run_auth_callback: bool,
        extras: (RequestExtras, u64),
        callbacks: Option<Arc<dyn CallbackRunner>>,
    ) -> CallContext {
        let client = CallClient {
            known: Arc::clone(&self.known),
            last_patterns: Arc::clone(&self.last_patterns),
            log: Arc::clone(&self.log),
            trace: Arc::clone(&self.trace),
            callbacks: callbacks.unwrap_or_else(|| Arc::<CallbackThreads>::clone(&self.callback_threads)),
            default_name: Arc::clone(&self.default_name),
        };
        CallContext::new(wait_context, may_run_auth_callback, extras, client)
    }

    /// The id of the next request, and of the next progress token.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}
