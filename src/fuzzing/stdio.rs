//! The standard output of a server process, without a process.

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use serde_json::Value as Tree;

use crate::call::context::{CallContext, RequestExtras};
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::secrets::SecretTexts;
use crate::call::send_error::SendError;
use crate::call::skipped_input::on_one_line;
use crate::client::{CallOptions, Client};
use crate::error::{Error, Result};
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::MessageText;
use crate::status::MCP_INTERNAL;
use crate::sys::pipe;
use crate::sys::pollable_event::PollableEvent;
use crate::transport::interface::{Transport, TransportKind, TransportResponse};
use crate::transport::multiplexer::message_router::MessageRouter;
use crate::transport::multiplexer::pending::{PendingRequests, RpcOutcome};
use crate::transport::stdio::{LineBuffer, is_cut_off};

/// The id of the pending request.
const REQUEST_ID: u64 = 7;

/// The first byte is the size of the pieces in which the rest is received. Its lines do not depend on that size. A
/// pending request gets its response from the messages in the lines, or an error.
pub fn stdio_lines(bytes: &[u8]) {
    let Some((size, output)) = bytes.split_first() else { return };
    let lines = read(output, usize::from(*size).max(1));
    let mut expected: Vec<&[u8]> = output.split(|byte| *byte == b'\n').collect();
    // Text after the last line break is a line, unless it is empty.
    let rest = expected.pop().filter(|rest| !rest.is_empty());
    let expected = expected.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).chain(rest);
    assert!(expected.eq(lines.iter().map(Vec::as_slice)), "{}", output.escape_ascii());

    for line in &lines {
        let shown = on_one_line(&String::from_utf8_lossy(line), 400);
        assert!(shown.chars().count() <= 403 && !shown.contains(char::is_control), "{shown:?}");
        is_cut_off(line);
    }
    deliver(&lines);
}

/// Writes the output to a pipe in pieces, and reads its lines.
fn read(output: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (reader, writer) = pipe::from_child().expect("a pipe");
    let mut writer = File::from(writer);
    let mut lines = LineBuffer::open();
    let mut found = Vec::new();
    for piece in output.chunks(size) {
        writer.write_all(piece).expect("the pipe has room");
        lines.read(&reader, usize::MAX).expect("there is no limit");
        found.extend(std::iter::from_fn(|| lines.next()));
    }
    drop(writer);
    lines.read(&reader, usize::MAX).expect("there is no limit");
    found.extend(std::iter::from_fn(|| lines.next()));
    found
}

/// Delivers the lines to a client with a pending request.
fn deliver(lines: &[Vec<u8>]) {
    let client = Client::new("http://localhost/").expect("a client");
    let secrets = SecretTexts::new(vec!["zqxw-secret".to_owned().into()], Vec::new());
    let pending = Arc::new(PendingRequests::new(true, secrets).expect("the pending requests"));
    let server: Arc<dyn Transport> = Arc::new(FuzzProcess);
    let router = MessageRouter::new(client.transport_context(), Arc::downgrade(&server), &pending);
    let options = CallOptions {
        extras: RequestExtras { progress: Some(Arc::new(|_, _, _| true)), ..Default::default() },
        ..CallOptions::default()
    };
    let outcome = client.call("fuzz", &options, |call| {
        let pending_response = pending.add_request(call, REQUEST_ID, "fuzz", false)?;
        lines.iter().filter(|line| line.trim_ascii_start().starts_with(b"{")).for_each(|line| {
            router.take_text(line.clone());
        });
        Ok(pending_response.outcome())
    });
    match outcome.expect("a pending request") {
        Some(RpcOutcome::Result(_)) => {
            let is_response = |line: &Vec<u8>| {
                // serde_json rejects deep nesting and lone surrogates, the client does not.
                let Ok(tree) = serde_json::from_slice::<Tree>(line) else { return true };
                tree["id"] == REQUEST_ID && !tree["result"].is_null()
            };
            assert!(lines.iter().any(is_response), "no line is the response");
        }
        Some(RpcOutcome::Refused(_) | RpcOutcome::Failed(_)) => {
            assert!(lines.iter().any(|line| line.trim_ascii_start().starts_with(b"{")));
        }
        None => {}
    }
    client.shut_down();
}

/// A transport that checks that sent messages are JSON.
struct FuzzProcess;

impl Transport for FuzzProcess {
    fn transport_kind(&self) -> TransportKind {
        TransportKind::Stdio
    }

    fn request(
        &self,
        _: &CallContext,
        _: &PeerContext,
        _: &EncodedRequest,
        _: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        Err(SendError::before_sending(Error::new(MCP_INTERNAL, "no request is sent")))
    }

    fn post(&self, call: &CallContext, peer_context: &PeerContext, message: &MessageText, _: bool) -> Result<()> {
        self.post_best_effort(call, peer_context, message)
    }

    fn post_best_effort(&self, _: &CallContext, _: &PeerContext, message: &MessageText) -> Result<()> {
        let text: String = message.pieces().collect();
        serde_json::from_str::<Tree>(&text).expect("the message is JSON");
        Ok(())
    }

    fn session_reference<'a>(&self, _: &'a PeerContext) -> SessionReference<'a> {
        SessionReference::Nothing
    }

    fn end_event(&self) -> Option<Arc<PollableEvent>> {
        None
    }

    fn end_reason(&self) -> Option<Error> {
        None
    }
}
