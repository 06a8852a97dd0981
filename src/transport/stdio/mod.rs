//! The stdio transport: one message per line, on the standard streams of a child process (2026-07-28, "stdio"), or on
//! streams that the application has opened.

pub mod environment;
mod line_buffer;
mod process_reader;
mod stdin_writer;
mod stream_reader;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use zeroize::Zeroizing;

use super::context::TransportContext;
use super::interface::{NotificationCallback, SubscriptionFailure, Transport, TransportKind, TransportResponse};
use super::multiplexer::message_router::MessageRouter;
use super::multiplexer::pending::{PendingEvent, PendingRequests, RpcOutcome};
use super::multiplexer::{InboundMessage, await_response, log_dropped, register};
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
use crate::sys::pipe::{ReadEnd, WriteEnd};
use crate::sys::pollable_event::PollableEvent;
use process_reader::ProcessReader;
use stdin_writer::StdinWriter;
use stream_reader::StreamReader;

#[cfg(fuzzing)]
pub use line_buffer::{LineBuffer, is_cut_off};

/// The maximum length of a program's name in an error message, in bytes.
const MAX_NAME_LENGTH: usize = 200;

/// The connection to a server. The reader thread ends it when this is dropped, with the process if it has one.
pub struct Stdio {
    me: Weak<dyn Transport>,
    context: Arc<TransportContext>,
    pending: Arc<PendingRequests>,
    stdin_writer: Arc<StdinWriter>,
}

impl Drop for Stdio {
    fn drop(&mut self) {
        self.pending.stop.set();
    }
}

impl Stdio {
    /// Starts the server process and its reader thread.
    pub fn start(context: &Arc<TransportContext>, command: &ProcessCommand, call: &CallContext) -> Result<Arc<Stdio>> {
        let mut process = command.start().map_err(|error| {
            let name = sanitize::shortened(&command.argv[0], MAX_NAME_LENGTH);
            let why = format!("the server's program {name:?} cannot be started: {error}");
            Error::new(MCP_PROCESS_FAILED, why)
        })?;
        let secrets = environment::secrets_of(command).into_iter().map(Zeroizing::new).collect();
        call.log(LogLevel::Debug, || format!("started {}", command.argv[0]));
        let secrets = SecretTexts::new(secrets, Vec::new());
        let transport = Stdio::new(context, (process.stdin.take(), true), secrets)?;
        let reader = ProcessReader {
            router: transport.router(),
            stdin_writer: Arc::clone(&transport.stdin_writer),
            process,
            limit: context.limits.event,
            stop_timeouts: command.stop_timeouts,
            stderr_lines: VecDeque::new(),
        };
        context.readers.start(move || reader.run())?;
        Ok(transport)
    }

    /// Starts the reader thread of streams that the application has opened.
    pub fn on_streams(context: &Arc<TransportContext>, (read, write): (ReadEnd, WriteEnd)) -> Result<Arc<Stdio>> {
        let transport = Stdio::new(context, (Some(write), false), Arc::default())?;
        let reader = StreamReader {
            router: transport.router(),
            writer: Arc::clone(&transport.stdin_writer),
            stream: read,
            limit: context.limits.event,
        };
        context.readers.start(move || reader.run())?;
        Ok(transport)
    }

    /// `write` is where the server reads from, and `is_process` whether it is a process.
    fn new(
        context: &Arc<TransportContext>,
        (write, is_process): (Option<WriteEnd>, bool),
        secrets: Arc<SecretTexts>,
    ) -> Result<Arc<Stdio>> {
        let stdin_writer = Arc::new(StdinWriter::new(write, is_process)?);
        let pending = Arc::new(PendingRequests::new(true, secrets)?);
        Ok(Arc::new_cyclic(|me: &Weak<Stdio>| Stdio {
            me: me.clone(),
            context: Arc::clone(context),
            pending,
            stdin_writer,
        }))
    }

    fn router(&self) -> MessageRouter {
        MessageRouter::new(&self.context, Weak::clone(&self.me), &self.pending)
    }

    fn write(&self, call: &CallContext, message: &MessageText) -> Result<()> {
        call.trace_sent(message);
        self.stdin_writer.write(message)
    }

    /// Opens a subscription and reads it until it ends.
    fn read_subscription(
        &self,
        call: &CallContext,
        request: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<()> {
        let id = self.context.calls.next_id();
        self.pending.share_secrets(call);
        let pending_response = self.pending.add_subscription(call, id, request.method)?;
        self.write(call, &messages::request(id, request.method, request.params))?;
        let mut waiting_call = call.clone();
        let outcome = loop {
            match pending_response.wait(&waiting_call) {
                Ok(PendingEvent::Outcome(RpcOutcome::Result(_))) => break Ok(()),
                Ok(PendingEvent::Outcome(RpcOutcome::Refused(error))) => break Err(rpc_failure(call, error)),
                Ok(PendingEvent::Outcome(RpcOutcome::Failed(error))) => {
                    break Err(pending_response.explained(&waiting_call, error));
                }
                Ok(PendingEvent::Message(message)) => {
                    if let InboundMessage::Notification(notification) = message {
                        on_notification(&notification);
                    }
                    // The subscription is open: from now on, only the caller ends it.
                    waiting_call = call.without_deadline();
                }
                Err(error) => {
                    let _ = self.write(call, &messages::cancelled(id, "the subscription was closed").into());
                    break Err(error);
                }
            }
        };
        log_dropped(call, pending_response.dropped());
        outcome
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
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let id = self.context.calls.next_id();
        last_id.set(id);
        let pending_response = register(&self.context, &self.pending, call, (id, request.method))?;
        self.write(call, &messages::request(id, request.method, request.params)).map_err(SendError::before_sending)?;
        await_response(&self.context, (self, &self.me), call, peer_context, &pending_response, request.policy)
    }

    fn post(&self, call: &CallContext, _: &PeerContext, message: &MessageText, _: bool) -> Result<()> {
        self.write(call, message)
    }

    fn post_best_effort(&self, call: &CallContext, _: &PeerContext, message: &MessageText) -> Result<()> {
        self.write(call, message)
    }

    fn subscribe(
        &self,
        call: &CallContext,
        _: &PeerContext,
        request: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let mut received_any = false;
        let outcome = self.read_subscription(call, request, &mut |notification| {
            received_any = true;
            on_notification(notification);
        });
        outcome.map_err(|error| SubscriptionFailure { error, received_any })
    }

    /// The session is the process, so requests carry no reference to it.
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
        self.pending.end_reason()
    }

    fn needs_new_session(&self) -> bool {
        self.pending.needs_new_session()
    }
}
