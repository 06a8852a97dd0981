//! A server that runs as a process of its own, with messages on its standard streams, one a line (2026-07-28, "stdio").

pub mod environment;
mod line_buffer;
mod process_reader;
mod stdin_writer;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use zeroize::Zeroizing;

use super::context::TransportContext;
use super::interface::{NotificationCallback, SubscriptionFailure, Transport, TransportKind, TransportResponse};
use super::multiplexer::message_router::MessageRouter;
use super::multiplexer::pending::{PendingEvent, PendingRequests, RpcOutcome};
use super::multiplexer::{InboundMessage, await_answer, log_dropped, register};
use crate::call::context::CallContext;
use crate::call::failure::rpc_failure;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::secrets::SecretTexts;
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::MessageText;
use crate::protocol::messages;
use crate::sanitize;
use crate::status::*;
use crate::sys::child_process::ProcessCommand;
use crate::sys::pollable_event::PollableEvent;
use process_reader::ProcessReader;
use stdin_writer::StdinWriter;

#[cfg(fuzzing)]
pub use line_buffer::{LineBuffer, is_cut_off};

/// The longest name of a program in an error, in bytes.
const LONGEST_NAME: usize = 200;

/// A process; its reader ends it when this is dropped.
pub struct Stdio {
    me: Weak<dyn Transport>,
    host: Arc<TransportContext>,
    pending: Arc<PendingRequests>,
    pipe: Arc<StdinWriter>,
}

impl Drop for Stdio {
    fn drop(&mut self) {
        self.pending.stop.set();
    }
}

impl Stdio {
    /// Starts the server.
    pub fn start(host: &Arc<TransportContext>, program: &ProcessCommand, call: &CallContext) -> Result<Arc<Stdio>> {
        let mut process = program.start().map_err(|error| {
            let name = sanitize::shortened(&program.argv[0], LONGEST_NAME);
            let why = format!("the server's program {name:?} cannot be started: {error}");
            Error::new(MCP_PROCESS_FAILED, why)
        })?;
        let secrets = environment::secrets_of(program).into_iter().map(Zeroizing::new).collect();
        let pipe = Arc::new(StdinWriter::new(process.stdin.take())?);
        let pending = Arc::new(PendingRequests::new(true, SecretTexts::new(secrets, Vec::new()))?);
        call.log(LogLevel::Debug, || format!("started {}", program.argv[0]));
        let made = Arc::new_cyclic(|me: &Weak<Stdio>| Stdio { me: me.clone(), host: Arc::clone(host), pending, pipe });
        let watch = ProcessReader {
            to: MessageRouter::new(host, Weak::clone(&made.me), &made.pending),
            pipe: Arc::clone(&made.pipe),
            process,
            limit: host.limits.event,
            last_words: VecDeque::new(),
        };
        host.readers.start(move || watch.run())?;
        Ok(made)
    }

    /// A subscription among everything else that comes from the process.
    fn listen(
        &self,
        call: &CallContext,
        ask: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<()> {
        let id = self.host.calls.next_id();
        self.pending.share_credentials(call);
        let response = self.pending.expect_changes(call, id, ask.method)?;
        self.pipe.write(&messages::request(id, ask.method, ask.params))?;
        let mut waiting = call.clone();
        let end = loop {
            match response.wait(&waiting) {
                Ok(PendingEvent::TransportResponse(RpcOutcome::Result(_))) => break Ok(()),
                Ok(PendingEvent::TransportResponse(RpcOutcome::Refused(error))) => break Err(rpc_failure(call, error)),
                Ok(PendingEvent::TransportResponse(RpcOutcome::Failed(error))) => break Err(error),
                Ok(PendingEvent::InboundMessage(message)) => {
                    if let InboundMessage::Notification(notice) = message {
                        on_notification(&notice);
                    }
                    // It is open; from now on only the caller ends it.
                    waiting = call.without_deadline();
                }
                Err(error) => {
                    let _ = self.pipe.write(&messages::cancelled(id, "the subscription was closed").into());
                    break Err(error);
                }
            }
        };
        log_dropped(call, response.dropped());
        end
    }
}

impl Transport for Stdio {
    fn transport_kind(&self) -> TransportKind {
        TransportKind::Stdio
    }

    fn request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let id = self.host.calls.next_id();
        asked.set(id);
        let response = register(&self.host, &self.pending, call, (id, ask.method))?;
        self.pipe.write(&messages::request(id, ask.method, ask.params)).map_err(SendError::before_sending)?;
        await_answer(&self.host, (self, &self.me), call, peer_context, &response, ask.rules)
    }

    fn post(&self, _: &CallContext, _: &PeerContext, message: &MessageText, _: bool) -> Result<()> {
        self.pipe.write(message)
    }

    fn post_best_effort(&self, _: &CallContext, _: &PeerContext, message: &MessageText) -> Result<()> {
        self.pipe.write(message)
    }

    fn subscribe(
        &self,
        call: &CallContext,
        _: &PeerContext,
        ask: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let mut received_any = false;
        let outcome = self.listen(call, ask, &mut |notice| {
            received_any = true;
            on_notification(notice);
        });
        outcome.map_err(|error| SubscriptionFailure { error, received_any })
    }

    /// The session is the process.
    fn session_reference<'a>(&self, _: &'a PeerContext) -> SessionReference<'a> {
        SessionReference::Nothing
    }

    fn bind(&self, version: &'static str) {
        let _ = self.pending.version.set(version);
    }

    fn end_event(&self) -> Option<Arc<PollableEvent>> {
        Some(Arc::clone(&self.pending.end_event))
    }

    fn end_reason(&self) -> Option<Error> {
        self.pending.ended()
    }

    fn needs_new_session(&self) -> bool {
        self.pending.needs_new_session()
    }
}
