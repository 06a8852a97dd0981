//! What comes on a line, on the thread that reads it: answers go to the calls that wait for them, and what the server asks is
//! answered.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::pending::{MAX_QUESTIONS, PendingRequests, RpcOutcome, UnclaimedRequest};
use crate::call::context::CallContext;
use crate::call::skipped_input;
use crate::error::Error;
use crate::log::LogLevel;
use crate::protocol::ids;
use crate::protocol::incoming::{InputKind, Notification, ServerRequest};
use crate::protocol::jsonrpc::Message;
use crate::status::MCP_INTERNAL;
use crate::sys::wait::WaitContext;
use crate::transport::context::TransportContext;
use crate::transport::interface::Transport;
use crate::transport::messages::{StreamMessage, sort};
use crate::transport::reply_slot::CallLifetime;

/// The longest that the replies to what a server asks may take together: answers wait behind them.
const LIMIT: Duration = Duration::from_secs(2);

thread_local! {
    /// Whose transports this thread reads for, by its place.
    static READS_FOR: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is a reader of a client's: what it waited for would have to come through itself.
pub fn reads_for(host: &TransportContext) -> bool {
    READS_FOR.get() == std::ptr::from_ref(host).addr()
}

/// What the server asks that no call deals with.
#[derive(Default)]
pub struct UnclaimedRequests {
    unserved: Vec<ServerRequest>,
    /// The ids of those for which there is no room.
    refused: Vec<String>,
}

/// See the module.
pub struct MessageRouter {
    host: Weak<TransportContext>,
    transport: Weak<dyn Transport>,
    pub pending: Arc<PendingRequests>,
    /// What the server asks, and no call deals with, belongs to the stream.
    lifetime: CallLifetime,
}

impl MessageRouter {
    pub fn new(
        host: &Arc<TransportContext>,
        transport: Weak<dyn Transport>,
        pending: &Arc<PendingRequests>,
    ) -> MessageRouter {
        MessageRouter {
            host: Arc::downgrade(host),
            transport,
            pending: Arc::clone(pending),
            lifetime: CallLifetime::default(),
        }
    }

    /// Notes that this thread reads. Whatever ends it, nobody is left waiting.
    pub fn begin(&self) -> CloseOnDrop {
        READS_FOR.set(self.host.as_ptr().addr());
        CloseOnDrop {
            pending: Arc::clone(&self.pending),
            why: Error::new(MCP_INTERNAL, "the reader of the server's messages failed"),
        }
    }

    /// Takes the text of messages that has come by itself.
    pub fn take_text(&self, text: Vec<u8>) {
        let mut unclaimed = UnclaimedRequests::default();
        self.take_message(text, false, &mut unclaimed);
        self.answer(&unclaimed);
    }

    /// Answers what the server asks; after everything that has come with it: whose answer is there already need not wait.
    pub fn answer(&self, unclaimed: &UnclaimedRequests) {
        let UnclaimedRequests { unserved, refused } = unclaimed;
        if !unserved.is_empty() || !refused.is_empty() {
            self.with_call(|host, call| {
                let peer_context = self.pending.peer_context();
                if let Some(transport) = self.transport.upgrade() {
                    let why = "too many requests are waiting for a response";
                    host.refuse(&*transport, call, &peer_context, refused, why);
                }
                for asked in unserved {
                    let slot = self.lifetime.slot(Weak::clone(&self.transport), &peer_context, call);
                    host.inbound.server_request(call, asked, slot);
                }
            });
        }
    }

    /// Takes the data of an event, or a line; `is_named` says whether the event has a name that says nothing of messages.
    pub fn take_message(&self, text: Vec<u8>, is_named: bool, unclaimed: &mut UnclaimedRequests) {
        let number = |id: Option<&str>| id.and_then(ids::number);
        let is_ours = |id: Option<&str>| number(id).is_some_and(|id| self.pending.is_awaited(id));
        let rest = sort(text, is_ours, |taken| match taken {
            StreamMessage::Message(message) => {
                self.take_one(message, unclaimed);
                true
            }
            // Without an id, and where one call waits, it is meant for that.
            StreamMessage::InvalidMessage { id: None, error } => {
                self.pending.deliver(None, RpcOutcome::Failed(error)).is_none()
            }
            StreamMessage::InvalidMessage { id, error } => number(id.as_deref())
                .is_some_and(|id| self.pending.deliver(Some(id), RpcOutcome::Failed(error)).is_none()),
        });
        if let Some(rest) = rest {
            let rest = Arc::new(rest);
            let level = self.pending.record_skipped(&rest, is_named);
            self.log_with(level, |call| skipped_input::log(call, self.pending.response(), &rest));
        }
    }

    fn take_one(&self, message: Message, unclaimed: &mut UnclaimedRequests) {
        if self.pending.stop.is_set() {
            return;
        }
        let left = match message {
            Message::Result { id, response } => match ids::number(&id) {
                id @ Some(_) => self.pending.deliver(id, RpcOutcome::Result(response)).is_some(),
                None => true,
            },
            Message::Error { id, error } => {
                // Without an id it is meant for the one call that waits; under another's it is for nobody.
                let number = id.as_deref().and_then(ids::number);
                (id.is_some() && number.is_none()) || self.pending.deliver(number, RpcOutcome::Refused(error)).is_some()
            }
            Message::Request { id, method, .. } if self.pending.is_echo(&id, &method) => {
                if self.pending.record_echo() {
                    self.log(LogLevel::Warning, || {
                        "the server's terminal echoes its input, and the echoed requests are ignored; start it without a terminal (docker run -i, not -it)".into()
                    });
                }
                false
            }
            Message::Request { id, method, params } => {
                let request = ServerRequest { id, method, params };
                let is_input = InputKind::of(&request.method).is_some();
                let delivered = if is_input {
                    self.pending.deliver_asked(request)
                } else {
                    Err(UnclaimedRequest::NoCallWaits(request))
                };
                match delivered {
                    Ok(()) => {}
                    Err(UnclaimedRequest::NoCallWaits(asked)) if unclaimed.unserved.len() < MAX_QUESTIONS => {
                        unclaimed.unserved.push(asked);
                    }
                    Err(UnclaimedRequest::NoCallWaits(asked) | UnclaimedRequest::TooMany(asked)) => {
                        unclaimed.refused.push(asked.id)
                    }
                }
                false
            }
            Message::Notification { method, params } => {
                let notice = Notification { method, params };
                if let Some(id) = notice.cancelled() {
                    unclaimed.unserved.retain(|asked| !ids::is_same_id(&asked.id, id));
                    self.pending.forget_asked(id);
                }
                if let Some(host) = self.host.upgrade() {
                    host.inbound.on_arrival(&notice);
                }
                if let Some(notice) = self.pending.deliver_notice(notice) {
                    self.with_call(|host, call| host.inbound.notification(call, &notice));
                }
                false
            }
        };
        if left {
            self.log(LogLevel::Debug, || "the server sent a response to no pending request".into());
        }
    }

    pub fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        self.log_with(level, |_| text());
    }

    /// The same for what has to be shown without secrets. Nothing is put together where there is no log.
    pub fn log_with(&self, level: LogLevel, text: impl FnOnce(&CallContext) -> String) {
        if self.host.upgrade().is_some_and(|host| host.calls.log.has_hook()) {
            self.with_call(|_, call| call.log(level, || text(call)));
        }
    }

    /// What the reader does in its own name is bounded, ends with the line, and never asks the auth callback: that may take as
    /// long as it likes, and all answers come through here.
    pub fn with_call(&self, run: impl FnOnce(&TransportContext, &CallContext)) {
        if let Some(host) = self.host.upgrade() {
            let closed = Some(Arc::clone(&self.pending.stop));
            let wait_context =
                WaitContext { closed, timeout: Some(LIMIT), ..WaitContext::until(Instant::now() + LIMIT) };
            let call = host.calls.own(wait_context);
            self.pending.share_credentials(&call);
            run(&host, &call);
        }
    }
}

/// Ends the line, in whatever way its reader ends.
pub struct CloseOnDrop {
    pending: Arc<PendingRequests>,
    why: Error,
}

impl CloseOnDrop {
    pub fn end(mut self, why: Error) {
        self.why = why;
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.pending.end(&self.why);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::protocol::messages::{INTERNAL_ERROR, error_response};
    use crate::status::*;
    use crate::transport::fake::{
        FakeTransport, RecordingInbound, TransportMethod, call, call_with, recording_host, with_progress,
    };
    use crate::transport::interface::TransportKind;
    use crate::transport::reply_slot::ReplySlot;

    struct RouterFixture {
        host: Arc<TransportContext>,
        inbound: Arc<RecordingInbound>,
        requests: mpsc::Receiver<(ServerRequest, ReplySlot)>,
        fake: Arc<FakeTransport>,
        pending: Arc<PendingRequests>,
        receiver: MessageRouter,
    }

    impl RouterFixture {
        fn new(is_process: bool) -> RouterFixture {
            let (host, inbound, requests) = recording_host();
            let fake = FakeTransport::new(&host, TransportKind::Stdio);
            let pending = Arc::new(PendingRequests::new(is_process, Arc::default()).unwrap());
            let transport: Weak<dyn Transport> = Arc::downgrade(&(Arc::clone(&fake) as Arc<dyn Transport>));
            let receiver = MessageRouter::new(&host, transport, &pending);
            RouterFixture { host, inbound, requests, fake, pending, receiver }
        }

        fn take(&self, text: &str) {
            self.receiver.take_text(text.into());
        }

        /// The ids of the requests that were handed to the program so far.
        fn served(&self) -> Vec<String> {
            self.requests.try_iter().map(|(asked, _)| asked.id).collect()
        }
    }

    /// So many requests in one batch.
    fn batch(method: &str, count: usize) -> String {
        let one = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#);
        format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(","))
    }

    fn refusals(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
        let why = "too many requests are waiting for a response";
        ids.into_iter().map(|id| error_response(&id.to_string(), INTERNAL_ERROR, why)).collect()
    }

    #[test]
    fn requests_that_cannot_wait_for_a_call_are_refused_by_their_ids() {
        let fixture = RouterFixture::new(false);
        let call = call(&fixture.host);
        let response = fixture.pending.expect(&call, 1, "m", true).unwrap();
        fixture.take(&batch("roots/list", 67));
        assert_eq!(fixture.fake.sent(TransportMethod::PostAndLeave), refusals(64..67));
        assert!(fixture.served().is_empty());
        assert_eq!(response.leave().len(), 64);
    }

    #[test]
    fn of_requests_that_no_call_takes_64_are_served_and_more_are_refused_by_their_ids() {
        for (method, waits) in [("ping", true), ("roots/list", false)] {
            let fixture = RouterFixture::new(false);
            let call = call(&fixture.host);
            let _place = waits.then(|| fixture.pending.expect(&call, 1, "m", true).unwrap());
            fixture.take(&batch(method, 70));
            assert_eq!(fixture.served(), (0..64).map(|id| id.to_string()).collect::<Vec<_>>(), "{method}");
            assert_eq!(fixture.fake.sent(TransportMethod::PostAndLeave), refusals(64..70), "{method}");
        }
    }

    #[test]
    fn a_request_that_is_cancelled_before_it_is_served_gets_no_answer() {
        let fixture = RouterFixture::new(false);
        let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        fixture.take(&batch("ping", 3).replace(']', &format!(",{cancelled}]")));
        assert_eq!(fixture.served(), ["0", "2"]);
    }

    #[test]
    fn an_answer_is_handed_to_its_call_and_a_broken_one_fails_it() {
        for (text, status) in [
            (r#"{"jsonrpc":"2.0","id":"1","result":{}}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, Some(MCP_INVALID_MESSAGE)),
            (r#"{"jsonrpc":"2.0","id":1,"result":NaN}"#, Some(MCP_INVALID_JSON)),
            (r#"{"id":1,"result":1}"#, Some(MCP_INVALID_MESSAGE)),
        ] {
            let fixture = RouterFixture::new(false);
            let call = call(&fixture.host);
            let [own, other] = [1, 2].map(|id| fixture.pending.expect(&call, id, "m", false).unwrap());
            fixture.take(text);
            match own.delivered() {
                Some(RpcOutcome::Result(_)) => assert_eq!(status, None, "{text}"),
                Some(RpcOutcome::Failed(error)) => assert_eq!(Some(error.status()), status, "{text}"),
                _ => panic!("{text}"),
            }
            assert!(other.delivered().is_none());
        }
    }

    #[test]
    fn an_error_without_an_id_is_for_the_call_that_waits_alone() {
        for text in [r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#, r#"{"jsonrpc":"2.0","result":{}}"#]
        {
            for count in [1, 2] {
                let fixture = RouterFixture::new(false);
                let call = call(&fixture.host);
                let places: Vec<_> =
                    (0..count).map(|id| fixture.pending.expect(&call, id, "m", false).unwrap()).collect();
                fixture.take(text);
                let delivered = places.iter().filter(|response| response.delivered().is_some()).count();
                assert_eq!(delivered, usize::from(count == 1), "{text}");
            }
        }
    }

    #[test]
    fn an_error_with_an_id_that_is_no_number_is_for_nobody() {
        let fixture = RouterFixture::new(false);
        let response = fixture.pending.expect(&call(&fixture.host), 1, "m", false).unwrap();
        for id in [r#""abc""#, "1.5", r#""""#] {
            fixture.take(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"no"}}}}"#));
            assert!(response.delivered().is_none(), "{id}");
        }
        fixture.take(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"no"}}"#);
        assert!(response.delivered().is_some());
    }

    #[test]
    fn a_notification_is_noted_at_its_arrival_and_handed_to_a_call_or_to_the_program() {
        let fixture = RouterFixture::new(false);
        let call = call_with(&fixture.host, &with_progress(|_, _, _| ()));
        let _place = fixture.pending.expect(&call, 1, "m", false).unwrap();
        let token = call.progress_token();
        fixture.take(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token}}}}}"#
        ));
        fixture.take(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
        assert_eq!(fixture.inbound.arrivals(), ["notifications/progress", "notifications/tools/list_changed"]);
        let notices = fixture.inbound.notices();
        let methods: Vec<&str> = notices.iter().map(|(notice, _)| notice.method.as_str()).collect();
        assert_eq!(methods, ["notifications/tools/list_changed"]);
    }

    #[test]
    fn nothing_is_taken_after_the_line_was_stopped() {
        let fixture = RouterFixture::new(false);
        let call = call(&fixture.host);
        let response = fixture.pending.expect(&call, 1, "m", false).unwrap();
        fixture.pending.stop.set();
        fixture.take(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        fixture.take(r#"{"jsonrpc":"2.0","method":"n"}"#);
        assert!(response.delivered().is_none() && fixture.inbound.arrivals().is_empty());
    }

    #[test]
    fn an_echo_of_our_own_request_is_not_answered() {
        for is_process in [true, false] {
            let fixture = RouterFixture::new(is_process);
            let call = call(&fixture.host);
            let _place = fixture.pending.expect(&call, 1, "initialize", true).unwrap();
            fixture.take(r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#);
            assert_eq!(fixture.served().len(), usize::from(!is_process));
        }
    }

    #[test]
    fn waiting_calls_fail_however_the_reader_ends() {
        for (says_why, status) in [(true, MCP_DISCONNECTED), (false, MCP_INTERNAL)] {
            let fixture = RouterFixture::new(false);
            let call = call(&fixture.host);
            let response = fixture.pending.expect(&call, 1, "m", false).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    let reads = fixture.receiver.begin();
                    if says_why {
                        reads.end(Error::new(MCP_DISCONNECTED, "the end"));
                    }
                });
            });
            let Some(RpcOutcome::Failed(error)) = response.delivered() else { panic!("it waits still") };
            assert_eq!(error.status(), status);
        }
    }

    #[test]
    fn a_thread_reads_for_the_host_that_it_began_for() {
        // On a thread of its own: that it reads is noted for good.
        let reader = thread::spawn(|| {
            let (own, other) = (RouterFixture::new(false), RouterFixture::new(false));
            assert!(!reads_for(&own.host));
            let _reads = own.receiver.begin();
            assert!(reads_for(&own.host) && !reads_for(&other.host));
        });
        reader.join().unwrap();
    }
}
