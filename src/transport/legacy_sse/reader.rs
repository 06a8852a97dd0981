//! The thread that reads the event stream of an HTTP+SSE connection.

use crate::error::Error;
use crate::http::response_body::ResponseBody;
use crate::log::LogLevel;
use crate::protocol::event_stream::SseEvent;
use crate::status::*;
use crate::transport::event_reader::EventReader;
use crate::transport::messages::is_named;
use crate::transport::multiplexer::message_router::{MessageRouter, UnclaimedRequests};

/// A stream to be read.
pub struct LegacyStreamReader {
    pub to: MessageRouter,
    pub body: ResponseBody,
    pub stream: EventReader,
    /// Events that have come already.
    pub events: Vec<SseEvent>,
}

impl LegacyStreamReader {
    /// Reads until the stream ends, or nobody wants it any more.
    pub fn run(mut self) {
        let reading = self.to.begin();
        let why = self.read();
        let text = format!("the event stream has ended: {why}");
        // First: a call that comes now must not be sent for an answer on this stream.
        reading.end(why);
        if !self.to.pending.stop.is_set() {
            self.to.log(LogLevel::Info, || text);
        }
    }

    /// The reason for the end.
    fn read(&mut self) -> Error {
        loop {
            self.take_events();
            match self.stream.next(|buffer| {
                let count = self.body.read(buffer)?;
                if count > 0 {
                    self.to.pending.record_heard();
                }
                Ok(count)
            }) {
                Ok(Some(events)) => self.events.extend(events),
                Ok(None) => return Error::new(MCP_DISCONNECTED, "the server ended the event stream"),
                Err(mut error) => {
                    if error.status() == MCP_TRUNCATED {
                        error.report_mut().status = MCP_DISCONNECTED;
                        error.report_mut().message = format!("the event stream was interrupted: {error}");
                    }
                    return error;
                }
            }
        }
    }

    fn take_events(&mut self) {
        let mut unclaimed = UnclaimedRequests::default();
        for event in std::mem::take(&mut self.events) {
            match event.name.as_slice() {
                b"endpoint" => self
                    .to
                    .log(LogLevel::Warning, || "the server sent a second endpoint event; the first one is used".into()),
                _ => {
                    let is_named = is_named(&event);
                    self.to.take_message(event.data, is_named, &mut unclaimed);
                }
            }
        }
        self.to.answer(&unclaimed);
    }
}
