//! Passes the messages of a call to the application's trace.

use super::CallContext;
use crate::protocol::message_text::MessageText;
use crate::trace::TraceDirection;

impl CallContext {
    /// Passes a message to the trace before it is sent.
    #[inline]
    pub fn trace_sent(&self, message: &MessageText) {
        if self.is_traced() {
            let pieces: String = message.pieces().collect();
            self.run_trace(TraceDirection::Sent, &pieces);
        }
    }

    /// Passes what the server has sent to the trace: a response body, the data of an event, or a line.
    #[inline]
    pub fn trace_received(&self, message: &[u8]) {
        if self.is_traced() {
            let text = String::from_utf8_lossy(message);
            self.run_trace(TraceDirection::Received, &text);
        }
    }

    /// Whether the application has set a trace.
    #[inline]
    pub fn is_traced(&self) -> bool {
        self.shared.client.trace.is_set()
    }

    /// Not inlined: most clients have no trace.
    #[cold]
    #[inline(never)]
    fn run_trace(&self, direction: TraceDirection, text: &str) {
        if let Some(hook) = self.shared.client.trace.hook().filter(|_| !text.trim_ascii().is_empty()) {
            hook(direction, &self.secrets().redact_message(text));
        }
    }
}
