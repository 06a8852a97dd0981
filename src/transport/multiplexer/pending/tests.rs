//! Which call gets what, and how much may wait.

use super::*;
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::transport::context::TransportContext;
use crate::transport::fake::{answer, asked, call, call_with, notice, recording_host, with_progress};

/// The most notifications that wait for one call.
const MOST: usize = 256;

fn pending() -> PendingRequests {
    PendingRequests::new(false, Arc::default()).unwrap()
}

fn host() -> Arc<TransportContext> {
    recording_host().0
}

fn progress_call(host: &TransportContext) -> CallContext {
    call_with(host, &with_progress(|_, _, _| ()))
}

fn progress(call: &CallContext, number: usize, message: &str) -> Notification {
    let token = call.progress_token();
    let params = format!(r#"{{"progressToken":{token},"progress":{number},"message":"{message}"}}"#);
    notice("notifications/progress", &params)
}

fn result(text: &str) -> RpcOutcome {
    RpcOutcome::Result(answer(text).answered)
}

fn result_text(delivered: Option<RpcOutcome>) -> String {
    let Some(RpcOutcome::Result(answered)) = delivered else { panic!("no result") };
    answered.result.text().to_owned()
}

/// Everything that waits for a call, which gets its answer here.
fn mailbox(pending: &PendingRequests, response: &PendingResponse, call: &CallContext) -> Vec<InboundMessage> {
    assert!(pending.deliver(Some(response.id), result("{}")).is_none());
    let mut found = Vec::new();
    loop {
        match response.wait(call).unwrap() {
            PendingEvent::InboundMessage(message) => found.push(message),
            PendingEvent::TransportResponse(_) => return found,
        }
    }
}

fn params(message: &InboundMessage) -> &Json {
    let InboundMessage::Notification(Notification { params: Some(params), .. }) = message else {
        panic!("no notification")
    };
    params
}

fn number(message: &InboundMessage) -> u64 {
    RawValue::of(params(message)).member("progress").and_then(RawValue::uint64).unwrap()
}

/// The id of a request of the server's.
fn id(message: &InboundMessage) -> &str {
    let InboundMessage::ServerRequest(asked) = message else { panic!("no request") };
    &asked.id
}

/// The call looks for something to do, and finds nothing.
fn wait_in_vain(response: &PendingResponse) {
    assert!(response.pending.next_message(&response.slot).is_none());
}

#[test]
fn of_more_than_256_notifications_the_oldest_are_dropped_and_counted() {
    let (host, pending) = (host(), pending());
    let call = progress_call(&host);
    let response = pending.expect(&call, 1, "m", false).unwrap();
    (0..MOST + 44).for_each(|n| assert!(pending.deliver_notice(progress(&call, n, "")).is_none()));
    assert_eq!(response.dropped(), 44);
    let numbers: Vec<u64> = mailbox(&pending, &response, &call).iter().map(number).collect();
    assert_eq!(numbers, (44..300).collect::<Vec<_>>());
}

#[test]
fn of_more_than_8_mib_of_notifications_the_oldest_are_dropped_and_counted() {
    let (host, pending) = (host(), pending());
    let call = progress_call(&host);
    let response = pending.expect(&call, 1, "m", false).unwrap();
    let long = "x".repeat(1_000_000);
    (0..10).for_each(|n| assert!(pending.deliver_notice(progress(&call, n, &long)).is_none()));
    assert_eq!(response.dropped(), 2);
    let numbers: Vec<u64> = mailbox(&pending, &response, &call).iter().map(number).collect();
    assert_eq!(numbers, (2..10).collect::<Vec<_>>());
}

#[test]
fn a_change_of_a_list_outlasts_newer_notifications() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let response = pending.expect_changes(&call, 5, "subscriptions/listen").unwrap();
    let change = |method: &str, uri: usize| {
        let meta = r#""_meta":{"io.modelcontextprotocol/subscriptionId":5}"#;
        assert!(pending.deliver_notice(notice(method, &format!(r#"{{{meta},"uri":"{uri}"}}"#))).is_none());
    };
    change("notifications/tools/list_changed", 0);
    (0..MOST + 44).for_each(|n| change("notifications/resources/updated", n));
    // Another one of the same list makes the first needless.
    change("notifications/tools/list_changed", 1);
    assert_eq!(response.dropped(), 45);
    let found = mailbox(&pending, &response, &call);
    let uri = |message: &InboundMessage| RawValue::of(params(message)).member("uri").unwrap().raw().to_owned();
    let expected: Vec<String> = (45..300).chain([1]).map(|n| format!("\"{n}\"")).collect();
    assert_eq!(found.iter().map(uri).collect::<Vec<_>>(), expected);
}

#[test]
fn a_request_of_the_server_is_not_dropped_for_notifications() {
    let (host, pending) = (host(), pending());
    let call = progress_call(&host);
    let response = pending.expect(&call, 1, "m", true).unwrap();
    wait_in_vain(&response);
    assert!(pending.deliver_asked(asked("7", "roots/list")).is_ok());
    (0..MOST).for_each(|n| drop(pending.deliver_notice(progress(&call, n, ""))));
    let found = mailbox(&pending, &response, &call);
    assert_eq!((id(&found[0]), number(&found[1]), found.len()), ("7", 1, MOST));
}

#[test]
fn sixty_four_requests_of_the_server_wait_for_a_busy_call_and_more_are_given_back() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let response = pending.expect(&call, 1, "m", true).unwrap();
    for n in 0..64 {
        assert!(pending.deliver_asked(asked(&n.to_string(), "roots/list")).is_ok(), "{n}");
    }
    let Err(UnclaimedRequest::TooMany(refused)) = pending.deliver_asked(asked("64", "roots/list")) else {
        panic!("it is not refused")
    };
    assert_eq!(refused.id, "64");
    let first = pending.next_message(&response.slot).unwrap();
    assert_eq!(id(&first), "0");
    assert!(pending.deliver_asked(asked("65", "roots/list")).is_ok());
    let found = mailbox(&pending, &response, &call);
    let expected: Vec<String> = (1..64).chain([65]).map(|n| n.to_string()).collect();
    assert_eq!(found.iter().map(id).collect::<Vec<_>>(), expected);
}

#[test]
fn a_request_of_the_server_goes_to_the_oldest_free_call_that_has_no_answer_yet() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let subscription = pending.expect_changes(&call, 1, "subscriptions/listen").unwrap();
    let deaf = pending.expect(&call, 2, "m", false).unwrap();
    let nobody = pending.deliver_asked(asked("0", "roots/list"));
    assert!(matches!(nobody, Err(UnclaimedRequest::NoCallWaits(asked)) if asked.id == "0"));
    let [answered, second, third] = [3, 4, 5].map(|id| pending.expect(&call, id, "m", true).unwrap());
    [&subscription, &answered, &second, &third].into_iter().for_each(wait_in_vain);
    assert!(pending.deliver(Some(3), result("{}")).is_none());
    for n in ["1", "2", "3"] {
        assert!(pending.deliver_asked(asked(n, "roots/list")).is_ok());
    }
    let taken =
        |response: &PendingResponse| pending.next_message(&response.slot).map(|message| id(&message).to_owned());
    assert_eq!((taken(&subscription), taken(&deaf), taken(&answered)), (None, None, None));
    // The first that is free again takes what waits for a call.
    assert_eq!((taken(&second).as_deref(), taken(&second).as_deref()), (Some("1"), Some("3")));
    assert_eq!((taken(&third).as_deref(), taken(&third)), (Some("2"), None));
}

#[test]
fn requests_of_the_server_go_to_another_call_when_theirs_ends() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let [first, second] = [1, 2].map(|id| pending.expect(&call, id, "m", true).unwrap());
    [&first, &second].into_iter().for_each(wait_in_vain);
    assert!(pending.deliver_asked(asked("7", "roots/list")).is_ok());
    assert!(first.leave().is_empty());
    assert_eq!(pending.next_message(&second.slot).as_ref().map(id), Some("7"));
}

#[test]
fn the_ids_of_requests_of_the_server_are_given_back_when_the_last_call_ends() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let response = pending.expect(&call, 1, "m", true).unwrap();
    wait_in_vain(&response);
    for id in ["7", "8", "9"] {
        assert!(pending.deliver_asked(asked(id, "roots/list")).is_ok());
    }
    assert_eq!(response.leave(), ["7", "8", "9"]);
    assert!(!pending.is_awaited(1) && response.leave().is_empty());
}

#[test]
fn a_cancelled_request_of_the_server_is_forgotten_wherever_it_waits() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let response = pending.expect(&call, 1, "m", true).unwrap();
    wait_in_vain(&response);
    for id in ["7", "8", "9"] {
        assert!(pending.deliver_asked(asked(id, "roots/list")).is_ok());
    }
    pending.forget_asked("7.0");
    pending.forget_asked("9");
    pending.forget_asked("\"8\"");
    assert_eq!(mailbox(&pending, &response, &call).iter().map(id).collect::<Vec<_>>(), ["8"]);
}

#[test]
fn a_notification_goes_to_the_waiting_call_with_its_token_or_subscription() {
    let (host, pending) = (host(), pending());
    let [own, other] = [(); 2].map(|()| progress_call(&host));
    let without = call(&host);
    let response = pending.expect(&own, 1, "m", false).unwrap();
    let _other = pending.expect(&other, 2, "m", true).unwrap();
    let _without = pending.expect(&without, 3, "m", true).unwrap();
    let subscription = pending.expect_changes(&without, 4, "subscriptions/listen").unwrap();
    assert!(pending.deliver_notice(progress(&own, 5, "")).is_none());
    let of = |id: u64| format!(r#"{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#);
    assert!(pending.deliver_notice(notice("x", &of(4))).is_none());
    // What is for no call is given back: zero is no token, and request 3 no subscription.
    assert!(pending.deliver_notice(progress(&without, 5, "")).is_some());
    assert!(pending.deliver_notice(notice("x", &of(3))).is_some());
    assert!(pending.deliver_notice(notice("x", "{}")).is_some());
    assert_eq!(mailbox(&pending, &response, &own).iter().map(number).collect::<Vec<_>>(), [5]);
    assert_eq!(mailbox(&pending, &subscription, &without).len(), 1);
    // Behind the answer nothing is for the call any more.
    assert!(pending.deliver_notice(progress(&own, 6, "")).is_some());
}

#[test]
fn an_answer_without_an_id_goes_to_the_one_call_that_waits() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    assert!(pending.deliver(None, result("{}")).is_some());
    let first = pending.expect(&call, 1, "m", false).unwrap();
    let second = pending.expect(&call, 2, "m", false).unwrap();
    assert!(pending.deliver(None, result("{}")).is_some());
    assert!(first.delivered().is_none() && second.delivered().is_none());
    drop(second);
    assert!(pending.deliver(None, result(r#"{"a":1}"#)).is_none());
    assert_eq!(result_text(first.delivered()), r#"{"a":1}"#);
}

#[test]
fn an_answer_goes_to_the_call_with_its_id_and_the_first_one_counts() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let [first, second] = [1, 2].map(|id| pending.expect(&call, id, "m", false).unwrap());
    assert!(pending.deliver(Some(3), result("{}")).is_some());
    assert!(pending.deliver(Some(2), result(r#"{"a":1}"#)).is_none());
    assert!(pending.deliver(Some(2), result(r#"{"a":2}"#)).is_none());
    assert!(first.delivered().is_none());
    assert_eq!(result_text(second.delivered()), r#"{"a":1}"#);
}

#[test]
fn the_end_fails_all_waiting_calls_behind_what_came_before_and_each_later_one() {
    let (host, pending) = (host(), pending());
    let (own, other) = (progress_call(&host), call(&host));
    let first = pending.expect(&own, 1, "m", false).unwrap();
    let second = pending.expect(&other, 2, "m", false).unwrap();
    assert!(pending.deliver_notice(progress(&own, 5, "")).is_none());
    assert!(!pending.end_event.is_set() && pending.ended().is_none() && !pending.needs_new_session());
    pending.end(&Error::new(MCP_TRUNCATED, "the end"));
    assert!(matches!(first.wait(&own), Ok(PendingEvent::InboundMessage(InboundMessage::Notification(_)))));
    for (response, call) in [(&first, &own), (&second, &other)] {
        let Ok(PendingEvent::TransportResponse(RpcOutcome::Failed(error))) = response.wait(call) else {
            panic!("no failure")
        };
        assert_eq!((error.status(), error.report().message.as_str()), (MCP_TRUNCATED, "the end"));
    }
    let later = pending.expect(&other, 3, "m", false).err().unwrap();
    assert_eq!((later.status(), pending.ended().unwrap().status()), (MCP_TRUNCATED, MCP_TRUNCATED));
    assert!(pending.end_event.is_set() && pending.needs_new_session());
}

#[test]
fn a_retired_line_takes_no_new_call_and_keeps_those_that_wait() {
    let (host, pending) = (host(), pending());
    let call = call(&host);
    let response = pending.expect(&call, 1, "m", false).unwrap();
    pending.retire();
    assert!(pending.needs_new_session() && !pending.end_event.is_set());
    assert_eq!(pending.expect(&call, 2, "m", false).err().unwrap().status(), MCP_DISCONNECTED);
    assert!(pending.deliver(Some(1), result("{}")).is_none());
    assert!(matches!(response.wait(&call), Ok(PendingEvent::TransportResponse(RpcOutcome::Result(_)))));
}

#[test]
fn a_retired_process_takes_calls_until_the_handshake_has_settled_on_a_version() {
    let (host, pending) = (host(), PendingRequests::new(true, Arc::default()).unwrap());
    let call = call(&host);
    pending.retire();
    assert!(pending.expect(&call, 1, "m", false).is_ok());
    pending.version.set("2025-11-25").unwrap();
    assert_eq!(pending.expect(&call, 2, "m", false).err().unwrap().status(), MCP_DISCONNECTED);
}

#[test]
fn a_line_is_retired_after_20_seconds_of_silence_unless_it_is_a_process() {
    for (is_process, is_heard, is_retired) in [(false, false, true), (false, true, false), (true, false, false)] {
        let pending = PendingRequests::new(is_process, Arc::default()).unwrap();
        let received_any = Instant::now().checked_sub(Duration::from_secs(20));
        pending.lock().received_any = received_any.expect("the system has run for that long");
        if is_heard {
            pending.record_heard();
        }
        pending.retire_if_silent();
        assert_eq!(pending.needs_new_session(), is_retired, "{is_process} {is_heard}");
    }
}

#[test]
fn a_request_of_our_own_that_comes_back_from_a_process_is_an_echo() {
    let (host, pending) = (host(), PendingRequests::new(true, Arc::default()).unwrap());
    let call = call(&host);
    let _places =
        [(1, "initialize"), (2, "ping")].map(|(id, method)| pending.expect(&call, id, method, false).unwrap());
    let is_echo = |id: &str, method: &str| pending.is_echo(id, method);
    assert!(is_echo("1", "initialize"));
    assert!(!is_echo("\"1\"", "initialize") && !is_echo("1", "tools/list") && !is_echo("3", "initialize"));
    // A server may ping, too, where nothing says that there is an echo.
    assert!(!is_echo("2", "ping"));
    assert!(pending.record_echo() && !pending.record_echo());
    assert!(is_echo("2", "ping") && !is_echo("3", "ping") && is_echo("3", "tools/list"));
    let over_http = PendingRequests::new(false, Arc::default()).unwrap();
    let _place = over_http.expect(&call, 1, "initialize", false).unwrap();
    assert!(!over_http.is_echo("1", "initialize"));
}
