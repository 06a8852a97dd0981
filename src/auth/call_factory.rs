//! Creates the call contexts of one client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::authorizer::Authorizer;
use crate::call::callback_runner::{CallbackRunner, CallbackThreads};
use crate::call::context::{CallClient, CallContext, CallOptions, RequestExtras, limit};
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::call::secrets::{LastPatterns, SecretTexts};
use crate::log::Log;
use crate::protocol::incoming::Notification;
use crate::sys::lock::{Mutex, RwLock};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::{Activity, WaitContext};
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
    /// The calls with an idle timeout that request progress, ordered by the progress token.
    activities: Mutex<Vec<(u64, Weak<Activity>)>>,
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
            activities: Mutex::default(),
        }
    }

    /// Starts a call of the application; `timeout` and `idle` apply if the options have none.
    pub fn start(&self, options: &CallOptions, timeout: Option<Duration>, idle: Option<Duration>) -> CallContext {
        let callbacks = options.queued.as_ref().map(|queued| Arc::clone(&queued.callbacks));
        let callbacks = callbacks.unwrap_or_else(|| Arc::<CallbackThreads>::clone(&self.callback_threads));
        self.start_with(options, (timeout, idle), callbacks)
    }

    /// Like [`CallFactory::start`]. `callbacks` runs the callbacks of the call.
    pub fn start_with(
        &self,
        options: &CallOptions,
        (timeout, idle): (Option<Duration>, Option<Duration>),
        callbacks: Arc<dyn CallbackRunner>,
    ) -> CallContext {
        let allowed = options.timeout_ms.map_or(timeout, limit);
        let wait_context = WaitContext {
            // No deadline if the clock cannot represent it.
            deadline: allowed.and_then(|allowed| Instant::now().checked_add(allowed)),
            timeout: allowed,
            is_connect_timeout: false,
            idle: options.idle_ms.map_or(idle, limit),
            cancel: options.cancel.clone(),
            // A queue ends its calls itself.
            closed: options.queued.is_none().then(|| Arc::clone(&self.closed)),
            ended: options.queued.as_ref().map(|queued| Arc::clone(&queued.ended)),
            // The progress callback can end the call.
            stopped: options.extras.progress.as_ref().map(|_| Arc::default()),
            done: None,
            activity: None,
            heartbeat: None,
        };
        let progress_token = if options.extras.progress.is_some() { self.next_id() } else { 0 };
        let activity = (progress_token != 0 && wait_context.idle.is_some()).then(|| self.add_activity(progress_token));
        let wait_context = WaitContext { activity, ..wait_context };
        self.make(wait_context, true, (options.extras.clone(), progress_token), Some(callbacks))
    }

    /// Starts an internal call of the client. It does not run the auth callback: its requests carry the credentials
    /// that the callback issued last.
    pub fn start_internal(&self, wait_context: WaitContext) -> CallContext {
        self.make(wait_context, false, (RequestExtras::default(), 0), self.own_callbacks.read().clone()).internal()
    }

    fn add_activity(&self, progress_token: u64) -> Arc<Activity> {
        let activity = Arc::default();
        let mut all = self.activities.lock();
        if all.len() == all.capacity() {
            all.retain(|(_, activity)| activity.strong_count() > 0);
            // Otherwise each call would look through all of them again, if nearly all go on.
            if all.len() > all.capacity() / 2 {
                let more = all.capacity();
                all.reserve(more);
            }
        }
        let at = all.partition_point(|(token, _)| *token < progress_token);
        all.insert(at, (progress_token, Arc::downgrade(&activity)));
        activity
    }

    /// Starts the idle time of a call again if this is progress of it. For progress that arrives on a stream that the
    /// call does not read.
    pub fn record_progress(&self, notification: &Notification) {
        let Some(token) = notification.progress_token() else { return };
        let activity = {
            let all = self.activities.lock();
            all.binary_search_by_key(&token, |(token, _)| *token).ok().and_then(|at| all[at].1.upgrade())
        };
        activity.iter().for_each(|activity| activity.record());
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

    /// Uses only ids from `first` on.
    pub fn skip_ids_to(&self, first: u64) {
        self.next_id.fetch_max(first, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::new_event;
    use crate::protocol::json::Json;
    use crate::transport::fake::with_progress;

    #[test]
    fn a_call_rarely_looks_through_the_calls_that_go_on() {
        let calls = CallFactory::new(Arc::default(), new_event().unwrap(), "test");
        let options = CallOptions { idle_ms: Some(1000), ..with_progress(|_, _, _| ()) };
        let is_full = || {
            let all = calls.activities.lock();
            all.len() == all.capacity() && !all.is_empty()
        };
        let mut going_on: Vec<_> = (0..64).map(|_| calls.start(&options, None, None)).collect();
        // The list is full from time to time, and nearly all of it goes on.
        let mut times_full = 0;
        for _ in 0..256 {
            drop(going_on.pop());
            going_on.push(calls.start(&options, None, None));
            times_full += u32::from(is_full());
        }
        assert!(times_full <= 8, "the list was full after {times_full} of 256 calls");
    }

    #[test]
    fn progress_on_any_stream_is_recorded_for_its_call() {
        let calls = CallFactory::new(Arc::default(), new_event().unwrap(), "test");
        let options = CallOptions { idle_ms: Some(1000), ..with_progress(|_, _, _| ()) };
        let started: Vec<_> = (0..20).map(|_| calls.start(&options, None, None)).collect();
        let token = started[7].progress_token();
        for token in [token, u64::MAX] {
            let params = Json::parse(format!(r#"{{"progressToken":{token},"progress":1}}"#)).unwrap();
            calls.record_progress(&Notification { method: "notifications/progress".into(), params: Some(params) });
        }
        let recorded = |call: &CallContext| call.wait_context().activity.as_ref().unwrap().is_recorded();
        assert_eq!(started.iter().position(recorded), Some(7));
        assert_eq!(started.iter().filter(|call| recorded(call)).count(), 1);
        drop(started);
        for _ in 0..100 {
            drop(calls.start(&options, None, None));
        }
        assert!(calls.activities.lock().len() < 40);
        assert!(calls.start(&with_progress(|_, _, _| ()), None, None).wait_context().activity.is_none());
    }
}
