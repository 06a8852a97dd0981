//! Reads a response from an event stream. If the stream of a legacy server breaks, it is resumed (2025-11-25,
//! "Resumability and Redelivery").

use std::time::Duration;

use ::http::HeaderValue;

use super::StreamableHttp;
use crate::call::context::CallContext;
use crate::call::request::PeerContext;
use crate::call::retry::{Disposition, FailedStep, disposition};
use crate::call::skipped_input::{self, SkippedInput};
use crate::error::{Error, Result};
use crate::http::fields::EVENT_STREAM;
use crate::http::response::HttpResponse;
use crate::log::LogLevel;
use crate::net::progress::RequestPhase;
use crate::protocol::incoming::ServerRequest;
use crate::protocol::jsonrpc::RpcResponse;
use crate::protocol::progress::{self, Progress};
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::wait::Interrupt;
use crate::transport::event_reader::EventReader;
use crate::transport::interface::Transport;
use crate::transport::reply_slot::CallLifetime;

/// How long to wait before resuming a stream if the server sends no `retry`.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);

/// The limits of the wait before resuming a stream. A longer `retry` of the server is an error.
const MIN_RETRY: Duration = Duration::from_millis(100);
const MAX_RETRY: Duration = Duration::from_secs(300);

/// How often in a row a stream is resumed without new data.
const MAX_RESUMES_WITHOUT_PROGRESS: u32 = 5;

const BEFORE_RESUMING: &str = "before the stream was resumed";

/// The state of a stream over all its connections.
#[derive(Default)]
struct ResumeState {
    last_id: Option<HeaderValue>,
    retry: Option<Duration>,
    resumes_without_progress: u32,
    skipped: SkippedInput,
    /// The lifetime of the server requests on the stream.
    lifetime: CallLifetime,
}

impl StreamableHttp {
    /// Reads the response to request `id`. Resumes the stream if it breaks and can be resumed.
    pub(super) fn read_stream<'a>(
        &'a self,
        call: &CallContext,
        peer_context: &PeerContext,
        response: &mut HttpResponse<'a>,
        id: u64,
    ) -> Result<RpcResponse> {
        let mut state = ResumeState::default();
        loop {
            let error = match self.read_connection(call, peer_context, response, id, &mut state) {
                Err(error) if error.status() == MCP_TRUNCATED && can_resume(peer_context, &state) => error,
                outcome => return outcome.map_err(|error| state.explained(call, error)),
            };
            let resumed = self.resume(call, peer_context, &mut state, error);
            *response = resumed.map_err(|error| state.explained(call, error))?;
        }
    }

    /// Reads one connection until its end or until the response.
    fn read_connection(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        response: &mut HttpResponse,
        id: u64,
        state: &mut ResumeState,
    ) -> Result<RpcResponse> {
        let mut reader = EventReader::new(self.context.limits.event);
        let mut progress: Vec<Progress> = Vec::new();
        // The trace and the callback for all notifications get also the progress, one by one.
        let has_observer = call.is_traced() || self.context.inbound.observes_notifications();
        loop {
            if !reader.read(|buffer, most| response.read_into(buffer, most))? {
                return Err(Error::new(MCP_TRUNCATED, "the server's event stream ended without the response"));
            }
            let mut server_requests: Vec<ServerRequest> = Vec::new();
            let paused = call.paused_so_far();
            let handled = loop {
                let event = match reader.next_event() {
                    Ok(Some(event)) => event,
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                };
                // Streams start with empty priming events, and may contain events that are not messages.
                if event.data.is_empty() {
                    continue;
                }
                if !has_observer && let Some(new) = own_progress(call, &event.data) {
                    progress.push(new);
                    state.resumes_without_progress = 0;
                    continue;
                }
                report_all(call, &mut progress)?;
                let skipped_before = state.skipped.count;
                if let Some(rpc_response) =
                    self.take_event(call, event, id, &mut server_requests, &mut state.skipped)?
                {
                    return Ok(rpc_response);
                }
                if state.skipped.count == skipped_before {
                    state.resumes_without_progress = 0;
                }
            };
            // Even after an error: the progress has arrived before it.
            report_all(call, &mut progress)?;
            handled?;
            state.update(&reader);
            // Handled after all events: if the response has arrived with them, the server requests need none.
            for request in &server_requests {
                call.wait_context()
                    .check()
                    .map_err(|interrupt| call.interrupt_error_while(&interrupt, RequestPhase::Body.doing()))?;
                let slot = state.lifetime.slot(self.me.clone(), peer_context, call);
                self.context.inbound.server_request(call, request, slot);
            }
            // The time in callbacks does not count against the timeout.
            if call.paused_so_far() != paused {
                response.set_wait_context(&call.wait_context());
            }
        }
    }

    /// Opens the next connection of a stream that ended with `error`. If that fails, returns `error` and the reason.
    fn resume<'a>(
        &'a self,
        call: &CallContext,
        peer_context: &PeerContext,
        state: &mut ResumeState,
        error: Error,
    ) -> Result<HttpResponse<'a>> {
        loop {
            state.resumes_without_progress += 1;
            if state.resumes_without_progress > MAX_RESUMES_WITHOUT_PROGRESS {
                return Err(with_reason(
                    error,
                    format!("it was resumed {MAX_RESUMES_WITHOUT_PROGRESS} times without new data"),
                ));
            }
            let retry = state.retry.unwrap_or(DEFAULT_RETRY).max(MIN_RETRY);
            if retry > MAX_RETRY {
                let why = format!(
                    "the server requests a wait of {} ms before it is resumed, which is too long",
                    retry.as_millis()
                );
                return Err(with_reason(error, why));
            }
            call.log(LogLevel::Debug, || format!("{error}; resuming it in {} ms", retry.as_millis()));
            self.pause(call, retry)?;
            let resumed = self.peer.get_stream(call, self.target(peer_context), state.last_id.as_ref());
            let mut response = match resumed {
                Ok(response) => response,
                Err(send_error)
                    if disposition(&send_error.error, FailedStep::ResumedResponse) == Disposition::Retry =>
                {
                    continue;
                }
                Err(send_error) => return Err(send_error.error),
            };
            if !response.is_success() {
                let failure = self.peer.http_failure(call, &mut response, self.session_reference(peer_context));
                return match failure.status() {
                    MCP_CANCELLED | MCP_CLOSED | MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_SESSION_LOST => Err(failure),
                    _ => Err(with_reason(error, format!("it cannot be resumed: {failure}"))),
                };
            }
            if !response.has_content_type(EVENT_STREAM) {
                return Err(with_reason(
                    error,
                    "it cannot be resumed: the server offers no event stream for that".into(),
                ));
            }
            return Ok(response);
        }
    }
}

impl StreamableHttp {
    /// Waits before resuming a stream. Fails if the idle timeout is shorter, because no bytes can arrive meanwhile.
    fn pause(&self, call: &CallContext, retry: Duration) -> Result<()> {
        let wait_context = call.wait_context().clone();
        let idle = wait_context.idle.filter(|idle| *idle < retry);
        wait_context
            .wait_any(&[], Some(idle.unwrap_or(retry)))
            .map_err(|interrupt| call.interrupt_error_while(&interrupt, BEFORE_RESUMING))?;
        if idle.is_some() { Err(call.interrupt_error_while(&Interrupt::Idle, BEFORE_RESUMING)) } else { Ok(()) }
    }
}

impl ResumeState {
    /// The error of a stream without a response, with the skipped data that arrived instead.
    fn explained(&self, call: &CallContext, error: Error) -> Error {
        skipped_input::explained(error, call, self.skipped.first().map(|first| &**first))
    }

    /// Records the `retry` and the last event id of the stream. A new id is progress.
    fn update(&mut self, reader: &EventReader) {
        self.retry = reader.retry().or(self.retry);
        let Some(id) = reader.last_id() else { return };
        if id != self.last_id {
            self.last_id = id;
            self.resumes_without_progress = 0;
        }
    }
}

/// The progress, if the data of an event is nothing else than a progress notification for the call.
fn own_progress(call: &CallContext, data: &[u8]) -> Option<Progress> {
    let token = call.progress_token();
    let (theirs, progress) = (token != 0).then(|| progress::read(data))??;
    (theirs == token).then_some(progress)
}

/// Runs the progress callback for each of `all`, and removes them.
fn report_all(call: &CallContext, all: &mut Vec<Progress>) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let checked = call.wait_context().check();
    let outcome = checked.and_then(|()| call.report_progress(all));
    all.clear();
    outcome.map_err(|interrupt| call.interrupt_error_while(&interrupt, RequestPhase::Body.doing()))
}

/// Whether the stream can be resumed: not on modern servers, and not during a handshake, which has no version yet.
fn can_resume(peer_context: &PeerContext, state: &ResumeState) -> bool {
    peer_context.era == Era::Legacy && peer_context.version.is_some() && state.last_id.is_some()
}

/// Appends a reason to the message of an error.
fn with_reason(mut error: Error, reason: String) -> Error {
    error.report_mut().message.push_str("; ");
    error.report_mut().message.push_str(&reason);
    error
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::call::context::CallOptions;
    use crate::sys::lock::Mutex;
    use crate::transport::fake::{call_with, recording_context, with_progress};

    fn notification(token: u64, progress: u32) -> String {
        let params = format!(r#"{{"progressToken":{token},"progress":{progress}}}"#);
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{params}}}"#)
    }

    #[test]
    fn only_progress_with_the_token_of_the_call_is_its_progress() {
        let (context, ..) = recording_context();
        let (without, own) = (CallOptions::default(), with_progress(|_, _, _| ()));
        let (without, own) = (call_with(&context, &without), call_with(&context, &own));
        let token = own.progress_token();
        let found = own_progress(&own, notification(token, 5).as_bytes());
        assert_eq!(found.map(|progress| progress.progress), Some(5.0));
        assert_eq!(own_progress(&own, notification(token + 1, 5).as_bytes()), None);
        assert_eq!(own_progress(&without, notification(0, 5).as_bytes()), None);
    }

    #[test]
    fn a_cancel_in_a_progress_callback_prevents_the_next_one() {
        let (context, ..) = recording_context();
        let (cancel, seen) = (Arc::new(crate::call::new_event().unwrap()), Arc::<Mutex<Vec<f64>>>::default());
        let (set, recorded) = (Arc::clone(&cancel), Arc::clone(&seen));
        let callback = move |progress, _: Option<f64>, _: Option<&str>| {
            recorded.lock().push(progress);
            if progress == 2.0 {
                set.set();
            }
        };
        let call = call_with(&context, &CallOptions { cancel: Some(cancel), ..with_progress(callback) });
        let of = |numbers: &[u32]| {
            let progress = numbers.iter().map(|number| f64::from(*number));
            progress.map(|progress| Progress { progress, total: None, message: None }).collect::<Vec<_>>()
        };
        assert!(report_all(&call, &mut of(&[])).is_ok());
        assert!(report_all(&call, &mut of(&[1])).is_ok());
        assert_eq!(report_all(&call, &mut of(&[2, 3])).unwrap_err().status(), MCP_CANCELLED);
        assert_eq!(report_all(&call, &mut of(&[4])).unwrap_err().status(), MCP_CANCELLED);
        assert_eq!(*seen.lock(), [1.0, 2.0]);
    }

    #[test]
    fn a_progress_callback_that_returns_false_ends_the_call() {
        let (context, ..) = recording_context();
        let seen = Arc::<Mutex<Vec<f64>>>::default();
        let recorded = Arc::clone(&seen);
        let mut options = CallOptions::default();
        options.extras.progress = Some(Arc::new(move |progress: f64, _: Option<f64>, _: Option<&str>| {
            recorded.lock().push(progress);
            progress < 2.0
        }));
        let call = call_with(&context, &options);
        let mut all = [1.0, 2.0, 3.0].map(|progress| Progress { progress, total: None, message: None }).to_vec();
        assert_eq!(report_all(&call, &mut all).unwrap_err().status(), MCP_CANCELLED);
        assert!(matches!(call.without_deadline().wait_context().check(), Err(Interrupt::Cancelled)));
        assert!(call_with(&context, &options).wait_context().check().is_ok());
        assert_eq!(*seen.lock(), [1.0, 2.0]);
    }
}
