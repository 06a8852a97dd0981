//! What a server says on its standard output, without a process.

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

/// The number of the request that waits for its answer.
const ASKED: u64 = 7;

/// A byte for how large the pieces are in which the rest comes. However it is cut, its lines are the same; and of the messages in
/// them a call that waits gets the answer that is meant for it, or learns why there is none.
pub fn stdio_lines(bytes: &[u8]) {
    let Some((size, said)) = bytes.split_first() else { return };
    let lines = read(said, usize::from(*size).max(1));
    let mut expected: Vec<&[u8]> = said.split(|byte| *byte == b'\n').collect();
    // Behind the last line break is a line only where something stands there.
    let rest = expected.pop().filter(|rest| !rest.is_empty());
    let expected = expected.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).chain(rest);
    assert!(expected.eq(lines.iter().map(Vec::as_slice)), "{}", said.escape_ascii());

    for line in &lines {
        let shown = on_one_line(&String::from_utf8_lossy(line), 400);
        assert!(shown.chars().count() <= 403 && !shown.contains(char::is_control), "{shown:?}");
        is_cut_off(line);
    }
    answer(&lines);
}

fn read(said: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (ours, theirs) = pipe::from_child().expect("a pipe");
    let mut theirs = File::from(theirs);
    let mut lines = LineBuffer::open();
    let mut found = Vec::new();
    for piece in said.chunks(size) {
        theirs.write_all(piece).expect("it fits");
        lines.read(&ours, usize::MAX).expect("there is no limit");
        found.extend(std::iter::from_fn(|| lines.next()));
    }
    drop(theirs);
    lines.read(&ours, usize::MAX).expect("there is no limit");
    found.extend(std::iter::from_fn(|| lines.next()));
    found
}

/// Gives the lines to a call that waits.
fn answer(lines: &[Vec<u8>]) {
    let client = Client::new("http://localhost/").expect("a client");
    let secrets = SecretTexts::new(vec!["zqxw-secret".to_owned().into()], Vec::new());
    let pending = Arc::new(PendingRequests::new(true, secrets).expect("a line"));
    let server: Arc<dyn Transport> = Arc::new(FuzzProcess);
    let receiver = MessageRouter::new(client.host(), Arc::downgrade(&server), &pending);
    let progress = CallOptions {
        extras: RequestExtras { progress: Some(Arc::new(|_, _, _| ())), ..Default::default() },
        ..CallOptions::default()
    };
    let outcome = client.call("fuzz", &progress, |call| {
        let response = pending.add_request(call, ASKED, "fuzz", false)?;
        lines.iter().filter(|line| line.trim_ascii_start().starts_with(b"{")).for_each(|line| {
            receiver.take_text(line.clone());
        });
        Ok(response.outcome())
    });
    match outcome.expect("a place") {
        Some(RpcOutcome::Result(_)) => {
            let is_it = |line: &Vec<u8>| {
                // What serde_json does not read, ours may: deep nesting, halves of surrogate pairs.
                let Ok(tree) = serde_json::from_slice::<Tree>(line) else { return true };
                tree["id"] == ASKED && !tree["result"].is_null()
            };
            assert!(lines.iter().any(is_it), "a result out of nothing");
        }
        Some(RpcOutcome::Refused(_) | RpcOutcome::Failed(_)) => {
            assert!(lines.iter().any(|line| line.trim_ascii_start().starts_with(b"{")));
        }
        None => {}
    }
    client.shut_down();
}

/// What it asks is answered with JSON.
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
        Err(SendError::before_sending(Error::new(MCP_INTERNAL, "nothing is asked")))
    }

    fn post(&self, call: &CallContext, peer_context: &PeerContext, message: &MessageText, _: bool) -> Result<()> {
        self.post_best_effort(call, peer_context, message)
    }

    fn post_best_effort(&self, _: &CallContext, _: &PeerContext, message: &MessageText) -> Result<()> {
        let text: String = message.pieces().collect();
        serde_json::from_str::<Tree>(&text).expect("what is sent is JSON");
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
