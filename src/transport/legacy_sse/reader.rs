//! The thread that reads the event stream of an HTTP+SSE connection.

use crate::error::{Error, Result};
use crate::http::response_body::ResponseBody;
use crate::log::LogLevel;
use crate::status::*;
use crate::transport::event_reader::EventReader;
use crate::transport::messages::has_custom_name;
use crate::transport::multiplexer::message_router::{MessageRouter, UnclaimedRequests};

/// Reads an event stream.
pub struct LegacyStreamReader {
    pub router: MessageRouter,
    pub body: ResponseBody,
    pub reader: EventReader,
}

impl LegacyStreamReader {
    /// Reads until the stream ends or the connection is closed.
    pub fn run(mut self) {
        let reading = self.router.start_reading();
        let reason = self.read();
        let text = format!("the event stream has ended: {reason}");
        // Before logging, because the log callback may take long: from now on, no call sends a request and waits for
        // the response on this stream.
        reading.end(reason);
        if !self.router.pending.stop.is_set() {
            self.router.log(LogLevel::Info, || text);
        }
    }

    /// Reads until the end; the reason for it.
    fn read(&mut self) -> Error {
        loop {
            // At first, these are events that have arrived with the endpoint.
            if let Err(error) = self.route_events() {
                return error;
            }
            match self.reader.read(|buffer, most| {
                let count = self.body.read_into(buffer, most)?;
                if count > 0 {
                    self.router.pending.record_received();
                }
                Ok(count)
            }) {
                Ok(true) => {}
                Ok(false) => return Error::new(MCP_DISCONNECTED, "the server ended the event stream"),
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

    /// Routes the events that were read.
    fn route_events(&mut self) -> Result<()> {
        let mut unclaimed = UnclaimedRequests::default();
        let outcome = loop {
            let event = match self.reader.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            match event.name.as_slice() {
                b"endpoint" => self
                    .router
                    .log(LogLevel::Warning, || "the server sent a second endpoint event; the first one is used".into()),
                _ => {
                    let has_custom_name = has_custom_name(event);
                    self.router.route_text(std::mem::take(&mut event.data), has_custom_name, &mut unclaimed);
                }
            }
        };
        self.router.handle_unclaimed(&unclaimed);
        outcome
    }
}
