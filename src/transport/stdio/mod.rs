//! A server that runs as a process of its own, with messages on its standard streams, one a line (2026-07-28, "stdio").

pub mod environment;
mod lines;
mod outbox;
mod process;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use zeroize::Zeroizing;

use super::host::Host;
use super::interface::{Answer, Hear, Transport, Travels, Unsubscribed};
use super::multiplexer::pending::{Arrived, Delivered, Line};
use super::multiplexer::receiver::Receiver;
use super::multiplexer::{Letter, await_answer, make_place, remark_dropped};
use crate::call::context::Call;
use crate::call::failure::rpc_failure;
use crate::call::request::{Ask, Speaking};
use crate::call::secrets::SecretTexts;
use crate::call::setback::Setback;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::lost_session::Carried;
use crate::protocol::messages;
use crate::protocol::text::Text;
use crate::sanitize;
use crate::status::*;
use crate::sys::child::Program;
use crate::sys::signal::Signal;
use outbox::Pipe;
use process::Watch;

#[cfg(fuzzing)]
pub use lines::{Lines, is_cut_off};

/// The longest name of a program in an error, in bytes.
const LONGEST_NAME: usize = 200;

/// A process; its reader ends it when this is dropped.
pub struct Stdio {
    me: Weak<dyn Transport>,
    host: Arc<Host>,
    line: Arc<Line>,
    pipe: Arc<Pipe>,
}

impl Drop for Stdio {
    fn drop(&mut self) {
        self.line.stop.raise();
    }
}

impl Stdio {
    /// Starts the server.
    pub fn start(host: &Arc<Host>, program: &Program, call: &Call) -> Result<Arc<Stdio>> {
        let mut process = program.start().map_err(|error| {
            let name = sanitize::shortened(&program.argv[0], LONGEST_NAME);
            let why = format!("the server's program {name:?} cannot be started: {error}");
            Error::new(MCP_PROCESS_FAILED, why)
        })?;
        let secrets = environment::secrets_of(program).into_iter().map(Zeroizing::new).collect();
        let pipe = Arc::new(Pipe::new(process.stdin.take())?);
        let line = Arc::new(Line::new(true, SecretTexts::new(secrets, Vec::new()))?);
        call.remark(Level::Debug, || format!("started {}", program.argv[0]));
        let made = Arc::new_cyclic(|me: &Weak<Stdio>| Stdio { me: me.clone(), host: Arc::clone(host), line, pipe });
        let watch = Watch {
            to: Receiver::new(host, Weak::clone(&made.me), &made.line),
            pipe: Arc::clone(&made.pipe),
            process,
            limit: host.limits.event,
            last_words: VecDeque::new(),
        };
        host.readers.start(move || watch.run())?;
        Ok(made)
    }

    /// A subscription among everything else that comes from the process.
    fn listen(&self, call: &Call, ask: &Ask, hear: &mut Hear) -> Result<()> {
        let id = self.host.calls.next_id();
        self.line.carried(call);
        let place = self.line.expect_changes(call, id, ask.method)?;
        self.pipe.write(&messages::request(id, ask.method, ask.params))?;
        let mut waiting = call.clone();
        let end = loop {
            match place.wait(&waiting) {
                Ok(Arrived::Answer(Delivered::Result(_))) => break Ok(()),
                Ok(Arrived::Answer(Delivered::Refused(error))) => break Err(rpc_failure(call, error)),
                Ok(Arrived::Answer(Delivered::Failed(error))) => break Err(error),
                Ok(Arrived::Letter(letter)) => {
                    if let Letter::Notice(notice) = letter {
                        hear(&notice);
                    }
                    // It is open; from now on only the caller ends it.
                    waiting = call.without_deadline();
                }
                Err(error) => {
                    let _ = self.pipe.write(&messages::cancelled(id, "nobody listens any more").into());
                    break Err(error);
                }
            }
        };
        remark_dropped(call, place.dropped());
        end
    }
}

impl Transport for Stdio {
    fn travels(&self) -> Travels {
        Travels::Stdio
    }

    fn request(&self, call: &Call, speaking: &Speaking, ask: &Ask, asked: &Cell<u64>) -> Result<Answer, Setback> {
        let id = self.host.calls.next_id();
        asked.set(id);
        let place = make_place(&self.host, &self.line, call, (id, ask.method))?;
        self.pipe.write(&messages::request(id, ask.method, ask.params)).map_err(Setback::before_sending)?;
        await_answer(&self.host, (self, &self.me), call, speaking, &place, ask.rules)
    }

    fn post(&self, _: &Call, _: &Speaking, message: &Text, _: bool) -> Result<()> {
        self.pipe.write(message)
    }

    fn post_and_leave(&self, _: &Call, _: &Speaking, message: &Text) -> Result<()> {
        self.pipe.write(message)
    }

    fn subscribe(&self, call: &Call, _: &Speaking, ask: &Ask, hear: &mut Hear) -> Result<(), Unsubscribed> {
        let mut heard = false;
        let outcome = self.listen(call, ask, &mut |notice| {
            heard = true;
            hear(notice);
        });
        outcome.map_err(|error| Unsubscribed { error, heard })
    }

    /// The session is the process.
    fn carried<'a>(&self, _: &'a Speaking) -> Carried<'a> {
        Carried::Nothing
    }

    fn bind(&self, version: &'static str) {
        let _ = self.line.version.set(version);
    }

    fn over(&self) -> Option<Arc<Signal>> {
        Some(Arc::clone(&self.line.over))
    }

    fn why_over(&self) -> Option<Error> {
        self.line.ended()
    }

    fn is_closed_to_calls(&self) -> bool {
        self.line.is_closed_to_calls()
    }
}
