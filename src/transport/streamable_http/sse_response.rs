//! Reading an answer from an event stream; where the stream of a legacy server breaks off, it is resumed (2025-11-25,
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
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::wait::Interrupt;
use crate::transport::event_reader::EventReader;
use crate::transport::interface::Transport;
use crate::transport::reply_slot::CallLifetime;

/// How long to wait before a stream is resumed, where the server does not say.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);

/// A server that ends its stream again and again is not asked more often than this, nor waited for longer than that.
const SHORTEST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// How often a stream is resumed in a row without anything new on it.
const MAX_WITHOUT_PROGRESS: u32 = 5;

const RESUMING: &str = "before the stream was resumed";

/// How far a stream has come, over all its connections.
#[derive(Default)]
struct ResumeState {
    last_id: Option<HeaderValue>,
    retry: Option<Duration>,
    resumed_in_vain: u32,
    skipped: SkippedInput,
    /// What the server asks on it.
    asking: CallLifetime,
}

impl StreamableHttp {
    /// The answer to request `id`, from a stream that is resumed where that can be done.
    pub(super) fn read_stream<'a>(
        &'a self,
        call: &CallContext,
        peer_context: &PeerContext,
        response: &mut HttpResponse<'a>,
        id: u64,
    ) -> Result<RpcResponse> {
        let mut progress = ResumeState::default();
        loop {
            let error = match self.read_connection(call, peer_context, response, id, &mut progress) {
                Err(error) if error.status() == MCP_TRUNCATED && can_resume(peer_context, &progress) => error,
                outcome => return outcome.map_err(|error| progress.explained(call, error)),
            };
            let resumed = self.resume(call, peer_context, &mut progress, error);
            *response = resumed.map_err(|error| progress.explained(call, error))?;
        }
    }

    /// Reads one connection to its end, or to the answer.
    fn read_connection(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        response: &mut HttpResponse,
        id: u64,
        progress: &mut ResumeState,
    ) -> Result<RpcResponse> {
        let mut stream = EventReader::new(self.host.limits.event);
        loop {
            let Some(events) = stream.next(|buffer| response.read(buffer))? else {
                return Err(Error::new(MCP_TRUNCATED, "the server's event stream ended without the response"));
            };
            progress.note(&stream);
            let mut asked: Vec<ServerRequest> = Vec::new();
            let paused = call.paused_so_far();
            for event in events {
                // Streams begin with priming events, which are empty, and may carry events that are no messages.
                if event.data.is_empty() {
                    continue;
                }
                let skipped = progress.skipped.count;
                if let Some(answered) = self.take_event(call, event, id, &mut asked, &mut progress.skipped)? {
                    return Ok(answered);
                }
                if progress.skipped.count == skipped {
                    progress.resumed_in_vain = 0;
                }
            }
            // Only now: a server whose answer is there already needs no reply.
            for asked in &asked {
                call.wait_context().check().map_err(|stop| call.stopped_while(&stop, RequestPhase::Body.doing()))?;
                let slot = progress.asking.slot(self.me.clone(), peer_context, call);
                self.host.inbound.server_request(call, asked, slot);
            }
            // The time of callbacks does not count.
            if call.paused_so_far() != paused {
                response.set_wait_context(&call.wait_context());
            }
        }
    }

    /// The next connection of a stream that ended with `error`; or that error, with why there is none.
    fn resume<'a>(
        &'a self,
        call: &CallContext,
        peer_context: &PeerContext,
        progress: &mut ResumeState,
        error: Error,
    ) -> Result<HttpResponse<'a>> {
        loop {
            progress.resumed_in_vain += 1;
            if progress.resumed_in_vain > MAX_WITHOUT_PROGRESS {
                return Err(explained(error, format!("it was resumed {MAX_WITHOUT_PROGRESS} times without new data")));
            }
            let retry = progress.retry.unwrap_or(DEFAULT_RETRY).max(SHORTEST_RETRY);
            if retry > LONGEST_RETRY {
                let why = format!("the server wants {} ms before it is resumed, which is too long", retry.as_millis());
                return Err(explained(error, why));
            }
            call.log(LogLevel::Debug, || format!("{error}; resuming it in {} ms", retry.as_millis()));
            self.pause(call, retry)?;
            let resumed = self.peer.get_stream(call, self.target(peer_context), progress.last_id.as_ref());
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
                    _ => Err(explained(error, format!("it cannot be resumed: {failure}"))),
                };
            }
            if response.content_type().as_deref() != Some(EVENT_STREAM) {
                return Err(explained(
                    error,
                    "it cannot be resumed: the server offers no event stream for that".into(),
                ));
            }
            return Ok(response);
        }
    }
}

impl StreamableHttp {
    /// Waits before a stream is resumed; no byte comes meanwhile, so the idle limit ends it.
    fn pause(&self, call: &CallContext, retry: Duration) -> Result<()> {
        let wait_context = call.wait_context().clone();
        let idle = wait_context.idle.filter(|idle| *idle < retry);
        wait_context.wait_any(&[], Some(idle.unwrap_or(retry))).map_err(|stop| call.stopped_while(&stop, RESUMING))?;
        if idle.is_some() { Err(call.stopped_while(&Interrupt::Idle, RESUMING)) } else { Ok(()) }
    }
}

impl ResumeState {
    /// The error of a stream on which no answer came.
    fn explained(&self, call: &CallContext, error: Error) -> Error {
        skipped_input::explained(error, call, skipped_input::ON_STREAM, self.skipped.first().map(|first| &**first))
    }

    fn note(&mut self, stream: &EventReader) {
        self.retry = stream.retry().or(self.retry);
        let Some(id) = stream.last_id() else { return };
        if id != self.last_id {
            self.last_id = id;
            self.resumed_in_vain = 0;
        }
    }
}

/// Modern streams are not resumed, and a handshake is begun anew instead.
fn can_resume(peer_context: &PeerContext, progress: &ResumeState) -> bool {
    peer_context.era == Era::Legacy && peer_context.version.is_some() && progress.last_id.is_some()
}

fn explained(mut error: Error, more: String) -> Error {
    error.report_mut().message.push_str("; ");
    error.report_mut().message.push_str(&more);
    error
}
