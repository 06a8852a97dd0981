//! Which call gets what, and how much may wait.

use super::*;
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::transport::context::TransportContext;
use crate::transport::fake::{answer, asked, call, call_with, notice, recording_host, with_progress};

/// The most notifications that wait for one call.
const MOST: usize = 256;

fn line() -> PendingRequests {
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
fn letters(line: &PendingRequests, place: &PendingResponse, call: &CallContext) -> Vec<InboundMessage> {
    assert!(line.deliver(Some(place.id), result("{}")).is_none());
    let mut found = Vec::new();
    loop {
        match place.wait(call).unwrap() {
            PendingEvent::InboundMessage(letter) => found.push(letter),
            PendingEvent::TransportResponse(_) => return found,
        }
    }
}

fn params(letter: &InboundMessage) -> &Json {
    let InboundMessage::Notification(Notification { params: Some(params), .. }) = letter else {
        panic!("no notification")
    };
    params
}

fn number(letter: &InboundMessage) -> u64 {
    RawValue::of(params(letter)).member("progress").and_then(RawValue::uint64).unwrap()
}

/// The id of a request of the server's.
fn id(letter: &InboundMessage) -> &str {
    let InboundMessage::ServerRequest(asked) = letter else { panic!("no request") };
    &asked.id
}

/// The call looks for something to do, and finds nothing.
fn wait_in_vain(place: &PendingResponse) {
    assert!(place.line.next_letter(&place.slot).is_none());
}

#[test]
fn of_more_than_256_notifications_the_oldest_are_dropped_and_counted() {
    let (host, line) = (host(), line());
    let call = progress_call(&host);
    let place = line.expect(&call, 1, "m", false).unwrap();
    (0..MOST + 44).for_each(|n| assert!(line.deliver_notice(progress(&call, n, "")).is_none()));
    assert_eq!(place.dropped(), 44);
    let numbers: Vec<u64> = letters(&line, &place, &call).iter().map(number).collect();
    assert_eq!(numbers, (44..300).collect::<Vec<_>>());
}

#[test]
fn of_more_than_8_mib_of_notifications_the_oldest_are_dropped_and_counted() {
    let (host, line) = (host(), line());
    let call = progress_call(&host);
    let place = line.expect(&call, 1, "m", false).unwrap();
    let long = "x".repeat(1_000_000);
    (0..10).for_each(|n| assert!(line.deliver_notice(progress(&call, n, &long)).is_none()));
    assert_eq!(place.dropped(), 2);
    let numbers: Vec<u64> = letters(&line, &place, &call).iter().map(number).collect();
    assert_eq!(numbers, (2..10).collect::<Vec<_>>());
}

#[test]
fn a_change_of_a_list_outlasts_newer_notifications() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let place = line.expect_changes(&call, 5, "subscriptions/listen").unwrap();
    let change = |method: &str, uri: usize| {
        let meta = r#""_meta":{"io.modelcontextprotocol/subscriptionId":5}"#;
        assert!(line.deliver_notice(notice(method, &format!(r#"{{{meta},"uri":"{uri}"}}"#))).is_none());
    };
    change("notifications/tools/list_changed", 0);
    (0..MOST + 44).for_each(|n| change("notifications/resources/updated", n));
    // Another one of the same list makes the first needless.
    change("notifications/tools/list_changed", 1);
    assert_eq!(place.dropped(), 45);
    let found = letters(&line, &place, &call);
    let uri = |letter: &InboundMessage| RawValue::of(params(letter)).member("uri").unwrap().raw().to_owned();
    let expected: Vec<String> = (45..300).chain([1]).map(|n| format!("\"{n}\"")).collect();
    assert_eq!(found.iter().map(uri).collect::<Vec<_>>(), expected);
}

#[test]
fn a_request_of_the_server_is_not_dropped_for_notifications() {
    let (host, line) = (host(), line());
    let call = progress_call(&host);
    let place = line.expect(&call, 1, "m", true).unwrap();
    wait_in_vain(&place);
    assert!(line.deliver_asked(asked("7", "roots/list")).is_ok());
    (0..MOST).for_each(|n| drop(line.deliver_notice(progress(&call, n, ""))));
    let found = letters(&line, &place, &call);
    assert_eq!((id(&found[0]), number(&found[1]), found.len()), ("7", 1, MOST));
}

#[test]
fn sixty_four_requests_of_the_server_wait_for_a_busy_call_and_more_are_given_back() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let place = line.expect(&call, 1, "m", true).unwrap();
    for n in 0..64 {
        assert!(line.deliver_asked(asked(&n.to_string(), "roots/list")).is_ok(), "{n}");
    }
    let Err(UnclaimedRequest::TooMany(refused)) = line.deliver_asked(asked("64", "roots/list")) else {
        panic!("it is not refused")
    };
    assert_eq!(refused.id, "64");
    let first = line.next_letter(&place.slot).unwrap();
    assert_eq!(id(&first), "0");
    assert!(line.deliver_asked(asked("65", "roots/list")).is_ok());
    let found = letters(&line, &place, &call);
    let expected: Vec<String> = (1..64).chain([65]).map(|n| n.to_string()).collect();
    assert_eq!(found.iter().map(id).collect::<Vec<_>>(), expected);
}

#[test]
fn a_request_of_the_server_goes_to_the_oldest_free_call_that_has_no_answer_yet() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let subscription = line.expect_changes(&call, 1, "subscriptions/listen").unwrap();
    let deaf = line.expect(&call, 2, "m", false).unwrap();
    let nobody = line.deliver_asked(asked("0", "roots/list"));
    assert!(matches!(nobody, Err(UnclaimedRequest::NoCallWaits(asked)) if asked.id == "0"));
    let [answered, second, third] = [3, 4, 5].map(|id| line.expect(&call, id, "m", true).unwrap());
    [&subscription, &answered, &second, &third].into_iter().for_each(wait_in_vain);
    assert!(line.deliver(Some(3), result("{}")).is_none());
    for n in ["1", "2", "3"] {
        assert!(line.deliver_asked(asked(n, "roots/list")).is_ok());
    }
    let taken = |place: &PendingResponse| line.next_letter(&place.slot).map(|letter| id(&letter).to_owned());
    assert_eq!((taken(&subscription), taken(&deaf), taken(&answered)), (None, None, None));
    // The first that is free again takes what waits for a call.
    assert_eq!((taken(&second).as_deref(), taken(&second).as_deref()), (Some("1"), Some("3")));
    assert_eq!((taken(&third).as_deref(), taken(&third)), (Some("2"), None));
}

#[test]
fn requests_of_the_server_go_to_another_call_when_theirs_ends() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let [first, second] = [1, 2].map(|id| line.expect(&call, id, "m", true).unwrap());
    [&first, &second].into_iter().for_each(wait_in_vain);
    assert!(line.deliver_asked(asked("7", "roots/list")).is_ok());
    assert!(first.leave().is_empty());
    assert_eq!(line.next_letter(&second.slot).as_ref().map(id), Some("7"));
}

#[test]
fn the_ids_of_requests_of_the_server_are_given_back_when_the_last_call_ends() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let place = line.expect(&call, 1, "m", true).unwrap();
    wait_in_vain(&place);
    for id in ["7", "8", "9"] {
        assert!(line.deliver_asked(asked(id, "roots/list")).is_ok());
    }
    assert_eq!(place.leave(), ["7", "8", "9"]);
    assert!(!line.is_awaited(1) && place.leave().is_empty());
}

#[test]
fn a_cancelled_request_of_the_server_is_forgotten_wherever_it_waits() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let place = line.expect(&call, 1, "m", true).unwrap();
    wait_in_vain(&place);
    for id in ["7", "8", "9"] {
        assert!(line.deliver_asked(asked(id, "roots/list")).is_ok());
    }
    line.forget_asked("7.0");
    line.forget_asked("9");
    line.forget_asked("\"8\"");
    assert_eq!(letters(&line, &place, &call).iter().map(id).collect::<Vec<_>>(), ["8"]);
}

#[test]
fn a_notification_goes_to_the_waiting_call_with_its_token_or_subscription() {
    let (host, line) = (host(), line());
    let [own, other] = [(); 2].map(|()| progress_call(&host));
    let without = call(&host);
    let place = line.expect(&own, 1, "m", false).unwrap();
    let _other = line.expect(&other, 2, "m", true).unwrap();
    let _without = line.expect(&without, 3, "m", true).unwrap();
    let subscription = line.expect_changes(&without, 4, "subscriptions/listen").unwrap();
    assert!(line.deliver_notice(progress(&own, 5, "")).is_none());
    let of = |id: u64| format!(r#"{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#);
    assert!(line.deliver_notice(notice("x", &of(4))).is_none());
    // What is for no call is given back: zero is no token, and request 3 no subscription.
    assert!(line.deliver_notice(progress(&without, 5, "")).is_some());
    assert!(line.deliver_notice(notice("x", &of(3))).is_some());
    assert!(line.deliver_notice(notice("x", "{}")).is_some());
    assert_eq!(letters(&line, &place, &own).iter().map(number).collect::<Vec<_>>(), [5]);
    assert_eq!(letters(&line, &subscription, &without).len(), 1);
    // Behind the answer nothing is for the call any more.
    assert!(line.deliver_notice(progress(&own, 6, "")).is_some());
}

#[test]
fn an_answer_without_an_id_goes_to_the_one_call_that_waits() {
    let (host, line) = (host(), line());
    let call = call(&host);
    assert!(line.deliver(None, result("{}")).is_some());
    let first = line.expect(&call, 1, "m", false).unwrap();
    let second = line.expect(&call, 2, "m", false).unwrap();
    assert!(line.deliver(None, result("{}")).is_some());
    assert!(first.delivered().is_none() && second.delivered().is_none());
    drop(second);
    assert!(line.deliver(None, result(r#"{"a":1}"#)).is_none());
    assert_eq!(result_text(first.delivered()), r#"{"a":1}"#);
}

#[test]
fn an_answer_goes_to_the_call_with_its_id_and_the_first_one_counts() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let [first, second] = [1, 2].map(|id| line.expect(&call, id, "m", false).unwrap());
    assert!(line.deliver(Some(3), result("{}")).is_some());
    assert!(line.deliver(Some(2), result(r#"{"a":1}"#)).is_none());
    assert!(line.deliver(Some(2), result(r#"{"a":2}"#)).is_none());
    assert!(first.delivered().is_none());
    assert_eq!(result_text(second.delivered()), r#"{"a":1}"#);
}

#[test]
fn the_end_fails_all_waiting_calls_behind_what_came_before_and_each_later_one() {
    let (host, line) = (host(), line());
    let (own, other) = (progress_call(&host), call(&host));
    let first = line.expect(&own, 1, "m", false).unwrap();
    let second = line.expect(&other, 2, "m", false).unwrap();
    assert!(line.deliver_notice(progress(&own, 5, "")).is_none());
    assert!(!line.over.is_raised() && line.ended().is_none() && !line.is_closed_to_calls());
    line.end(&Error::new(MCP_TRUNCATED, "the end"));
    assert!(matches!(first.wait(&own), Ok(PendingEvent::InboundMessage(InboundMessage::Notification(_)))));
    for (place, call) in [(&first, &own), (&second, &other)] {
        let Ok(PendingEvent::TransportResponse(RpcOutcome::Failed(error))) = place.wait(call) else {
            panic!("no failure")
        };
        assert_eq!((error.status(), error.report().message.as_str()), (MCP_TRUNCATED, "the end"));
    }
    let later = line.expect(&other, 3, "m", false).err().unwrap();
    assert_eq!((later.status(), line.ended().unwrap().status()), (MCP_TRUNCATED, MCP_TRUNCATED));
    assert!(line.over.is_raised() && line.is_closed_to_calls());
}

#[test]
fn a_retired_line_takes_no_new_call_and_keeps_those_that_wait() {
    let (host, line) = (host(), line());
    let call = call(&host);
    let place = line.expect(&call, 1, "m", false).unwrap();
    line.retire();
    assert!(line.is_closed_to_calls() && !line.over.is_raised());
    assert_eq!(line.expect(&call, 2, "m", false).err().unwrap().status(), MCP_DISCONNECTED);
    assert!(line.deliver(Some(1), result("{}")).is_none());
    assert!(matches!(place.wait(&call), Ok(PendingEvent::TransportResponse(RpcOutcome::Result(_)))));
}

#[test]
fn a_retired_process_takes_calls_until_the_handshake_has_settled_on_a_version() {
    let (host, line) = (host(), PendingRequests::new(true, Arc::default()).unwrap());
    let call = call(&host);
    line.retire();
    assert!(line.expect(&call, 1, "m", false).is_ok());
    line.version.set("2025-11-25").unwrap();
    assert_eq!(line.expect(&call, 2, "m", false).err().unwrap().status(), MCP_DISCONNECTED);
}

#[test]
fn a_line_is_retired_after_20_seconds_of_silence_unless_it_is_a_process() {
    for (is_process, is_heard, is_retired) in [(false, false, true), (false, true, false), (true, false, false)] {
        let line = PendingRequests::new(is_process, Arc::default()).unwrap();
        let heard = Instant::now().checked_sub(Duration::from_secs(20));
        line.lock().heard = heard.expect("the system has run for that long");
        if is_heard {
            line.note_heard();
        }
        line.retire_if_silent();
        assert_eq!(line.is_closed_to_calls(), is_retired, "{is_process} {is_heard}");
    }
}

#[test]
fn a_request_of_our_own_that_comes_back_from_a_process_is_an_echo() {
    let (host, line) = (host(), PendingRequests::new(true, Arc::default()).unwrap());
    let call = call(&host);
    let _places = [(1, "initialize"), (2, "ping")].map(|(id, method)| line.expect(&call, id, method, false).unwrap());
    let is_echo = |id: &str, method: &str| line.is_echo(id, method);
    assert!(is_echo("1", "initialize"));
    assert!(!is_echo("\"1\"", "initialize") && !is_echo("1", "tools/list") && !is_echo("3", "initialize"));
    // A server may ping, too, where nothing says that there is an echo.
    assert!(!is_echo("2", "ping"));
    assert!(line.note_echo() && !line.note_echo());
    assert!(is_echo("2", "ping") && !is_echo("3", "ping") && is_echo("3", "tools/list"));
    let over_http = PendingRequests::new(false, Arc::default()).unwrap();
    let _place = over_http.expect(&call, 1, "initialize", false).unwrap();
    assert!(!over_http.is_echo("1", "initialize"));
}
