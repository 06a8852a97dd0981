//! Keeping a listener alive: a ping to the server after each interval. A server, a proxy or a connection that has
//! vanished without a notice is then noticed, and others see that the session is in use.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ping::LEGACY_PING;
use crate::call::callback_runner::{CallbackRunner, CallbacksBeside};
use crate::call::context::{CallContext, CallOptions, RequestExtras};
use crate::call::request::{EncodedRequest, RequestPolicy};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::rpc::send_request::send_request;
use crate::session::negotiate::discover;
use crate::session::state::Session;
use crate::status::*;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::Heartbeat;
use crate::transport::context::TransportContext;

/// The pings of one listener in one session.
pub struct KeepAlive {
    interval: Duration,
    pings: Arc<Pings>,
}

/// What the thread of a ping needs. It runs on a thread of the client's pool, so that the listener receives changes
/// meanwhile, and no thread exists between two pings.
struct Pings {
    /// `None` after the listener has ended: an idle connection may still refer to the heartbeat.
    target: Mutex<Option<Arc<PingTarget>>>,
    /// Set when the listener has ended.
    ended: Arc<PollableEvent>,
    /// Set when a ping has failed.
    failed: Arc<PollableEvent>,
    state: Mutex<PingState>,
}

struct PingTarget {
    context: Arc<TransportContext>,
    session: Arc<Session>,
    /// Of the call that listens: its headers, and its object for callbacks.
    extras: RequestExtras,
    /// Runs the callbacks of the call that listens.
    callbacks: Arc<dyn CallbackRunner>,
}

#[derive(Default)]
struct PingState {
    /// `None` before the subscription is open.
    due: Option<Instant>,
    is_running: bool,
    failure: Option<Error>,
}

/// A listener. Dropping it ends the pings.
pub struct KeptAlive {
    keep_alive: Option<Arc<KeepAlive>>,
    /// The call, with the heartbeat if there is one.
    pub call: CallContext,
}

impl Client {
    /// Prepares the pings of a listener, if they are wanted.
    pub(super) fn keep_alive(&self, call: &CallContext, session: &Arc<Session>) -> KeptAlive {
        let Some(interval) = self.settings.keep_alive() else {
            return KeptAlive { keep_alive: None, call: call.clone() };
        };
        KeptAlive::new(Arc::clone(self.transport_context()), session, call, interval)
    }
}

impl KeptAlive {
    fn new(
        context: Arc<TransportContext>,
        session: &Arc<Session>,
        call: &CallContext,
        interval: Duration,
    ) -> KeptAlive {
        let (headers, data) = (call.headers().map(Arc::clone), call.data().cloned());
        let extras = RequestExtras { headers, data, ..RequestExtras::default() };
        let callbacks = Arc::clone(call.callbacks());
        let target = PingTarget { context, session: Arc::clone(session), extras, callbacks };
        let pings = Arc::new(Pings {
            target: Mutex::new(Some(Arc::new(target))),
            ended: Arc::default(),
            failed: Arc::default(),
            state: Mutex::default(),
        });
        let failed = Arc::clone(&pings.failed);
        let keep_alive = Arc::new(KeepAlive { interval, pings });
        let heartbeat = Arc::clone(&keep_alive) as Arc<dyn Heartbeat>;
        KeptAlive { keep_alive: Some(keep_alive), call: call.with_heartbeat(heartbeat, &failed) }
    }

    /// The subscription is open: the pings begin.
    pub fn begin(&self) {
        let Some(keep_alive) = &self.keep_alive else { return };
        let mut state = keep_alive.pings.state.lock();
        // Also called for each later notification: a ping that has failed is the last one.
        if state.due.is_none() && state.failure.is_none() {
            state.due = Instant::now().checked_add(keep_alive.interval);
        }
    }

    /// Why a subscription ended: `error`, unless a ping has ended it.
    pub fn end_reason(&self, error: Error) -> Error {
        if matches!(error.status(), MCP_CANCELLED | MCP_CLOSED) {
            return error;
        }
        let failure = self.keep_alive.as_ref().and_then(|keep_alive| keep_alive.pings.state.lock().failure.take());
        failure.unwrap_or(error)
    }
}

impl Drop for KeptAlive {
    fn drop(&mut self) {
        if let Some(keep_alive) = &self.keep_alive {
            keep_alive.pings.ended.set();
            let target = keep_alive.pings.target.lock().take();
            drop(target);
            keep_alive.pings.state.lock().due = None;
        }
    }
}

impl Heartbeat for KeepAlive {
    fn due(&self) -> Option<Instant> {
        self.pings.state.lock().due
    }

    fn beat(&self) {
        let Some(target) = self.pings.target.lock().clone() else {
            // Otherwise a wait that still refers to the heartbeat would poll in a busy loop.
            self.pings.state.lock().due = None;
            return;
        };
        {
            let mut state = self.pings.state.lock();
            state.due = Instant::now().checked_add(self.interval);
            // The last ping waits for as long as an interval, and may just be ending.
            if std::mem::replace(&mut state.is_running, true) {
                return;
            }
        }
        let (pings, interval, call) = (Arc::clone(&self.pings), self.interval, self.call(&target));
        let threads = Arc::clone(&target.context.calls.callback_threads);
        let own_call = call.clone();
        let started = threads.run_internal(Box::new(move || pings.run(&target, &own_call, interval)));
        if let Err(error) = started {
            self.pings.state.lock().is_running = false;
            call.log(LogLevel::Warning, || format!("a keep-alive ping was left out: {error}"));
        }
    }
}

impl fmt::Debug for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeepAlive({:?})", self.interval)
    }
}

impl KeepAlive {
    /// A separate call: the one that listens may end meanwhile, and what it owns with it.
    fn call(&self, target: &PingTarget) -> CallContext {
        let cancel = Some(Arc::clone(&self.pings.ended));
        let options = CallOptions { cancel, extras: target.extras.clone(), ..CallOptions::default() };
        let callbacks = CallbacksBeside::of(&target.callbacks);
        // Without login: the user has not asked for anything.
        target.context.calls.start_with(&options, (Some(self.interval), None), callbacks).without_login()
    }
}

impl Pings {
    fn run(&self, target: &PingTarget, call: &CallContext, interval: Duration) {
        let outcome = target.ping(call);
        let mut state = self.state.lock();
        state.is_running = false;
        let Err(error) = outcome else { return };
        if self.ended.is_set() || shows_life(&error) {
            drop(state);
            call.log(LogLevel::Debug, || format!("a keep-alive ping was not answered as expected: {error}"));
            return;
        }
        state.due = None;
        state.failure = Some(call.secrets().sanitize_error(failure_of(error, interval)));
        drop(state);
        self.failed.set();
    }
}

impl PingTarget {
    fn ping(&self, call: &CallContext) -> Result<()> {
        let (transport, peer_context) = (&*self.session.transport, self.session.peer_context());
        match self.session.era {
            Era::Modern => discover(&self.context, call, transport, &peer_context, &self.session.meta).map(|_| ()),
            Era::Legacy => {
                // Not cancelled when the listener ends: the response is of no use, but harmless.
                let params = Params::new();
                let request = EncodedRequest::new(LEGACY_PING, &params, RequestPolicy::PROBE);
                let response = send_request(&self.context, transport, call, &peer_context, &request);
                response.map(|_| ()).map_err(|send_error| send_error.error)
            }
        }
    }
}

/// Whether a ping that failed with `error` has reached the server: it responded, but refuses the ping for a reason that
/// is not the end of the subscription, such as too many requests. Refused credentials or a lost session are its end.
fn shows_life(error: &Error) -> bool {
    let is_end = matches!(
        error.status(),
        MCP_SESSION_LOST | MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_LOGIN_REQUIRED | MCP_TIMEOUT
    );
    let report = error.report();
    error.status() == MCP_RPC_ERROR || (report.http_status != 0 && !is_end && !report.session_is_gone)
}

/// The error of a listener whose ping has failed with `error`.
fn failure_of(mut error: Error, interval: Duration) -> Error {
    if error.status() == MCP_TIMEOUT {
        let ms = interval.as_millis();
        let why = format!("the server did not respond to a keep-alive ping within {ms} ms; see mcp_set_keep_alive");
        return Error::new(MCP_TIMEOUT, why);
    }
    let report = error.report_mut();
    report.message = format!("a keep-alive ping failed: {}", report.message);
    error
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::call::send_error::SendError;
    use crate::sys::wait::Interrupt;
    use crate::transport::fake::{FakeTransport, ScriptStep, answer, call, recording_context, rpc_error};
    use crate::transport::interface::TransportKind;

    /// The status and the message with which pings end a listener, whose server responds to them in this way.
    fn end_of(era: Era, steps: Vec<ScriptStep>) -> (usize, Error) {
        let (context, ..) = recording_context();
        let transport = FakeTransport::new(&context, TransportKind::StreamableHttp);
        let method = if era == Era::Modern { "server/discover" } else { LEGACY_PING };
        steps.into_iter().for_each(|step| transport.script(method, [step]));
        let session = Arc::new(Session {
            era,
            version: "v",
            id: None,
            transport: Arc::clone(&transport) as _,
            meta: String::new(),
            task_meta: String::new(),
            has_core_tasks: false,
            handshake_result: None,
            era_is_certain: true,
            is_unproven: AtomicBool::new(false),
        });
        let kept = KeptAlive::new(Arc::clone(&context), &session, &call(&context), Duration::from_millis(1));
        let wait_context = kept.call.without_deadline().wait_context().clone();
        assert!(matches!(wait_context.wait_any(&[], Some(Duration::from_millis(5))), Ok(None)));
        assert!(transport.seen().is_empty(), "a ping was sent before the subscription was open");
        kept.begin();
        assert!(matches!(wait_context.wait_any(&[], None), Err(Interrupt::Done)));
        // Like each notification that arrives after the failure.
        kept.begin();
        let heartbeat = wait_context.heartbeat.as_ref().unwrap();
        assert!(heartbeat.due().is_none(), "a ping is due after one has failed");
        let cancelled = kept.end_reason(Error::new(MCP_CANCELLED, "cancelled"));
        assert_eq!(cancelled.status(), MCP_CANCELLED);
        let reason = kept.end_reason(Error::new(MCP_DISCONNECTED, "stopped"));
        drop(kept);
        heartbeat.beat();
        assert!(heartbeat.due().is_none(), "a ping is due after the listener has ended");
        (transport.seen().len(), reason)
    }

    fn fails(status: crate::status::Status) -> ScriptStep {
        ScriptStep::Fails(SendError::after_sending(Error::new(status, "no")))
    }

    #[test]
    fn pings_go_on_until_one_has_no_response() {
        for era in [Era::Legacy, Era::Modern] {
            let alive = || ScriptStep::Responds(answer("{}"));
            let refused = ScriptStep::Fails(rpc_error(-32601, "no", 200));
            let (count, error) = end_of(era, vec![alive(), refused, alive(), fails(MCP_TIMEOUT)]);
            assert_eq!((count, error.status()), (4, MCP_TIMEOUT));
            assert!(error.to_string().contains("did not respond to a keep-alive ping within 1 ms"), "{error}");
        }
    }

    #[test]
    fn a_server_that_refuses_a_ping_is_alive() {
        let refused = |status: crate::status::Status, http_status| {
            let error = Error::new(status, "no").with_http_status(http_status);
            ScriptStep::Fails(SendError::after_sending(error))
        };
        let alive = [(MCP_HTTP_ERROR, 429), (MCP_HTTP_ERROR, 503), (MCP_HTTP_ERROR, 405)];
        let mut steps: Vec<_> = alive.into_iter().map(|(status, code)| refused(status, code)).collect();
        steps.push(refused(MCP_UNAUTHORIZED, 401));
        let (count, error) = end_of(Era::Legacy, steps);
        assert_eq!((count, error.status()), (4, MCP_UNAUTHORIZED));
        let (count, error) = end_of(Era::Legacy, vec![refused(MCP_SESSION_LOST, 404)]);
        assert_eq!((count, error.status()), (1, MCP_SESSION_LOST));
    }

    #[test]
    fn another_failure_of_a_ping_is_the_end_of_the_subscription() {
        let (count, error) = end_of(Era::Legacy, vec![fails(MCP_DISCONNECTED)]);
        assert_eq!((count, error.to_string().as_str()), (1, "a keep-alive ping failed: no"));
    }
}
