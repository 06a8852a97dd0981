//! Which call gets which message, and how many messages may wait.

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::sample::Index;

use super::*;
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::transport::context::TransportContext;
use crate::transport::fake::{answer, call, call_with, notification, recording_context, server_request, with_progress};

/// How many messages may wait for one call.
const MAX_MESSAGES: usize = 256;

fn pending() -> PendingRequests {
    PendingRequests::new(false, Arc::default()).unwrap()
}

fn context() -> Arc<TransportContext> {
    recording_context().0
}

fn progress_call(context: &TransportContext) -> CallContext {
    call_with(context, &with_progress(|_, _, _| ()))
}

fn progress(call: &CallContext, number: usize, message: &str) -> Notification {
    let token = call.progress_token();
    let params = format!(r#"{{"progressToken":{token},"progress":{number},"message":"{message}"}}"#);
    notification("notifications/progress", &params)
}

fn result(text: &str) -> RpcOutcome {
    RpcOutcome::Result(answer(text).response)
}

fn result_text(outcome: Option<RpcOutcome>) -> String {
    let Some(RpcOutcome::Result(response)) = outcome else { panic!("no result") };
    response.result.text().to_owned()
}

/// All messages that wait for a call. Delivers the call's response first, so that the wait ends.
fn mailbox(pending: &PendingRequests, pending_response: &PendingResponse, call: &CallContext) -> Vec<InboundMessage> {
    assert!(pending.deliver(Some(pending_response.slot.id), result("{}")).is_none());
    let mut found = Vec::new();
    loop {
        match pending_response.wait(call).unwrap() {
            PendingEvent::Message(message) => found.push(message),
            PendingEvent::Outcome(_) => return found,
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

/// The id of a server request.
fn id(message: &InboundMessage) -> &str {
    let InboundMessage::ServerRequest(server_request) = message else { panic!("no request") };
    &server_request.id
}

fn next_message(pending_response: &PendingResponse) -> Option<InboundMessage> {
    match pending_response.pending.next_event(&pending_response.slot)? {
        PendingEvent::Message(message) => Some(message),
        PendingEvent::Outcome(_) => None,
    }
}

/// Looks for a message and finds none: the call is then not busy.
fn wait_without_message(pending_response: &PendingResponse) {
    assert!(next_message(pending_response).is_none());
}

#[test]
fn of_more_than_256_notifications_the_oldest_are_dropped_and_counted() {
    let (context, pending) = (context(), pending());
    let call = progress_call(&context);
    let pending_response = pending.add_request(&call, 1, "m", false).unwrap();
    (0..MAX_MESSAGES + 44).for_each(|n| assert!(pending.deliver_notification(progress(&call, n, "")).is_none()));
    assert_eq!(pending_response.dropped(), 44);
    let numbers: Vec<u64> = mailbox(&pending, &pending_response, &call).iter().map(number).collect();
    assert_eq!(numbers, (44..300).collect::<Vec<_>>());
}

#[test]
fn of_more_than_8_mib_of_notifications_the_oldest_are_dropped_and_counted() {
    let (context, pending) = (context(), pending());
    let call = progress_call(&context);
    let pending_response = pending.add_request(&call, 1, "m", false).unwrap();
    let long = "x".repeat(1_000_000);
    (0..10).for_each(|n| assert!(pending.deliver_notification(progress(&call, n, &long)).is_none()));
    assert_eq!(pending_response.dropped(), 2);
    let numbers: Vec<u64> = mailbox(&pending, &pending_response, &call).iter().map(number).collect();
    assert_eq!(numbers, (2..10).collect::<Vec<_>>());
}

#[test]
fn a_list_change_is_kept_longer_than_newer_notifications() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let pending_response = pending.add_subscription(&call, 5, "subscriptions/listen").unwrap();
    let change = |method: &str, uri: usize| {
        let meta = r#""_meta":{"io.modelcontextprotocol/subscriptionId":5}"#;
        assert!(pending.deliver_notification(notification(method, &format!(r#"{{{meta},"uri":"{uri}"}}"#))).is_none());
    };
    change("notifications/tools/list_changed", 0);
    (0..MAX_MESSAGES + 44).for_each(|n| change("notifications/resources/updated", n));
    // A newer change of the same list replaces the older one.
    change("notifications/tools/list_changed", 1);
    assert_eq!(pending_response.dropped(), 45);
    let found = mailbox(&pending, &pending_response, &call);
    let uri = |message: &InboundMessage| RawValue::of(params(message)).member("uri").unwrap().raw().to_owned();
    let expected: Vec<String> = (45..300).chain([1]).map(|n| format!("\"{n}\"")).collect();
    assert_eq!(found.iter().map(uri).collect::<Vec<_>>(), expected);
}

#[test]
fn a_server_request_is_not_dropped_for_notifications() {
    let (context, pending) = (context(), pending());
    let call = progress_call(&context);
    let pending_response = pending.add_request(&call, 1, "m", true).unwrap();
    wait_without_message(&pending_response);
    assert!(pending.deliver_server_request(server_request("7", "roots/list")).is_ok());
    (0..MAX_MESSAGES).for_each(|n| drop(pending.deliver_notification(progress(&call, n, ""))));
    let found = mailbox(&pending, &pending_response, &call);
    assert_eq!((id(&found[0]), number(&found[1]), found.len()), ("7", 1, MAX_MESSAGES));
}

#[test]
fn sixty_four_server_requests_wait_for_a_busy_call_and_others_are_returned() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let pending_response = pending.add_request(&call, 1, "m", true).unwrap();
    for n in 0..64 {
        assert!(pending.deliver_server_request(server_request(&n.to_string(), "roots/list")).is_ok(), "{n}");
    }
    let Err(UnclaimedRequest::TooMany(refused)) = pending.deliver_server_request(server_request("64", "roots/list"))
    else {
        panic!("the request is not refused")
    };
    assert_eq!(refused.id, "64");
    let first = next_message(&pending_response).unwrap();
    assert_eq!(id(&first), "0");
    assert!(pending.deliver_server_request(server_request("65", "roots/list")).is_ok());
    let found = mailbox(&pending, &pending_response, &call);
    let expected: Vec<String> = (1..64).chain([65]).map(|n| n.to_string()).collect();
    assert_eq!(found.iter().map(id).collect::<Vec<_>>(), expected);
}

#[test]
fn a_server_request_goes_to_the_oldest_free_call_without_a_response() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let subscription = pending.add_subscription(&call, 1, "subscriptions/listen").unwrap();
    let without_mailbox = pending.add_request(&call, 2, "m", false).unwrap();
    let unclaimed = pending.deliver_server_request(server_request("0", "roots/list"));
    assert!(matches!(unclaimed, Err(UnclaimedRequest::NoCallWaits(server_request)) if server_request.id == "0"));
    let [answered, second, third] = [3, 4, 5].map(|id| pending.add_request(&call, id, "m", true).unwrap());
    [&subscription, &answered, &second, &third].into_iter().for_each(wait_without_message);
    assert!(pending.deliver(Some(3), result("{}")).is_none());
    for n in ["1", "2", "3"] {
        assert!(pending.deliver_server_request(server_request(n, "roots/list")).is_ok());
    }
    let taken =
        |pending_response: &PendingResponse| next_message(pending_response).map(|message| id(&message).to_owned());
    assert_eq!((taken(&subscription), taken(&without_mailbox), taken(&answered)), (None, None, None));
    // The first call that is free takes the queued request.
    assert_eq!((taken(&second).as_deref(), taken(&second).as_deref()), (Some("1"), Some("3")));
    assert_eq!((taken(&third).as_deref(), taken(&third)), (Some("2"), None));
}

#[test]
fn server_requests_go_to_another_call_when_theirs_ends() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let [first, second] = [1, 2].map(|id| pending.add_request(&call, id, "m", true).unwrap());
    [&first, &second].into_iter().for_each(wait_without_message);
    assert!(pending.deliver_server_request(server_request("7", "roots/list")).is_ok());
    assert!(first.unregister().is_empty());
    assert_eq!(next_message(&second).as_ref().map(id), Some("7"));
}

#[test]
fn the_ids_of_server_requests_are_returned_when_the_last_call_ends() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let pending_response = pending.add_request(&call, 1, "m", true).unwrap();
    wait_without_message(&pending_response);
    for id in ["7", "8", "9"] {
        assert!(pending.deliver_server_request(server_request(id, "roots/list")).is_ok());
    }
    assert_eq!(pending_response.unregister(), ["7", "8", "9"]);
    assert!(!pending.is_awaited(1) && pending_response.unregister().is_empty());
}

#[test]
fn a_cancelled_server_request_is_removed_from_queue_and_mailbox() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let pending_response = pending.add_request(&call, 1, "m", true).unwrap();
    wait_without_message(&pending_response);
    for id in ["7", "8", "9"] {
        assert!(pending.deliver_server_request(server_request(id, "roots/list")).is_ok());
    }
    pending.forget_server_request("7.0");
    pending.forget_server_request("9");
    pending.forget_server_request("\"8\"");
    assert_eq!(mailbox(&pending, &pending_response, &call).iter().map(id).collect::<Vec<_>>(), ["8"]);
}

#[test]
fn a_notification_goes_to_the_waiting_call_with_its_token_or_subscription() {
    let (context, pending) = (context(), pending());
    let [own, other] = [(); 2].map(|()| progress_call(&context));
    let without = call(&context);
    let pending_response = pending.add_request(&own, 1, "m", false).unwrap();
    let _other = pending.add_request(&other, 2, "m", true).unwrap();
    let _without = pending.add_request(&without, 3, "m", true).unwrap();
    let subscription = pending.add_subscription(&without, 4, "subscriptions/listen").unwrap();
    assert!(pending.deliver_notification(progress(&own, 5, "")).is_none());
    let of = |id: u64| format!(r#"{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#);
    assert!(pending.deliver_notification(notification("x", &of(4))).is_none());
    // Notifications for no call are returned: zero is not a token, and request 3 is not a subscription.
    assert!(pending.deliver_notification(progress(&without, 5, "")).is_some());
    assert!(pending.deliver_notification(notification("x", &of(3))).is_some());
    assert!(pending.deliver_notification(notification("x", "{}")).is_some());
    assert_eq!(mailbox(&pending, &pending_response, &own).iter().map(number).collect::<Vec<_>>(), [5]);
    assert_eq!(mailbox(&pending, &subscription, &without).len(), 1);
    // After the response, the call accepts no more notifications.
    assert!(pending.deliver_notification(progress(&own, 6, "")).is_some());
}

#[test]
fn a_response_without_an_id_goes_to_the_only_waiting_call() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    assert!(pending.deliver(None, result("{}")).is_some());
    let first = pending.add_request(&call, 1, "m", false).unwrap();
    let second = pending.add_request(&call, 2, "m", false).unwrap();
    assert!(pending.deliver(None, result("{}")).is_some());
    assert!(first.outcome().is_none() && second.outcome().is_none());
    drop(second);
    assert!(pending.deliver(None, result(r#"{"a":1}"#)).is_none());
    assert_eq!(result_text(first.outcome()), r#"{"a":1}"#);
}

#[test]
fn a_response_goes_to_the_call_with_its_id_and_the_first_one_counts() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let [first, second] = [1, 2].map(|id| pending.add_request(&call, id, "m", false).unwrap());
    assert!(pending.deliver(Some(3), result("{}")).is_some());
    assert!(pending.deliver(Some(2), result(r#"{"a":1}"#)).is_none());
    assert!(pending.deliver(Some(2), result(r#"{"a":2}"#)).is_none());
    assert!(first.outcome().is_none());
    assert_eq!(result_text(second.outcome()), r#"{"a":1}"#);
}

#[test]
fn the_end_fails_waiting_calls_after_their_messages_and_all_later_calls() {
    let (context, pending) = (context(), pending());
    let (own, other) = (progress_call(&context), call(&context));
    let first = pending.add_request(&own, 1, "m", false).unwrap();
    let second = pending.add_request(&other, 2, "m", false).unwrap();
    assert!(pending.deliver_notification(progress(&own, 5, "")).is_none());
    assert!(!pending.end_event.is_set() && pending.end_reason().is_none() && !pending.needs_new_session());
    pending.end(&Error::new(MCP_TRUNCATED, "the end"));
    assert!(matches!(first.wait(&own), Ok(PendingEvent::Message(InboundMessage::Notification(_)))));
    for (pending_response, call) in [(&first, &own), (&second, &other)] {
        let Ok(PendingEvent::Outcome(RpcOutcome::Failed(error))) = pending_response.wait(call) else {
            panic!("no failure")
        };
        assert_eq!((error.status(), error.report().message.as_str()), (MCP_TRUNCATED, "the end"));
    }
    let later = pending.add_request(&other, 3, "m", false).err().unwrap();
    assert_eq!((later.status(), pending.end_reason().unwrap().status()), (MCP_TRUNCATED, MCP_TRUNCATED));
    assert!(pending.end_event.is_set() && pending.needs_new_session());
}

#[test]
fn a_retired_connection_accepts_no_new_call_and_keeps_waiting_ones() {
    let (context, pending) = (context(), pending());
    let call = call(&context);
    let pending_response = pending.add_request(&call, 1, "m", false).unwrap();
    pending.retire();
    assert!(pending.needs_new_session() && !pending.end_event.is_set());
    assert_eq!(pending.add_request(&call, 2, "m", false).err().unwrap().status(), MCP_DISCONNECTED);
    assert!(pending.deliver(Some(1), result("{}")).is_none());
    assert!(matches!(pending_response.wait(&call), Ok(PendingEvent::Outcome(RpcOutcome::Result(_)))));
}

#[test]
fn a_retired_process_accepts_calls_until_the_version_is_negotiated() {
    let (context, pending) = (context(), PendingRequests::new(true, Arc::default()).unwrap());
    let call = call(&context);
    pending.retire();
    assert!(pending.add_request(&call, 1, "m", false).is_ok());
    pending.version.set("2025-11-25").unwrap();
    assert_eq!(pending.add_request(&call, 2, "m", false).err().unwrap().status(), MCP_DISCONNECTED);
}

#[test]
fn a_connection_is_retired_after_20_seconds_of_silence_unless_it_is_a_process() {
    for (is_process, has_received, is_retired) in [(false, false, true), (false, true, false), (true, false, false)] {
        let pending = PendingRequests::new(is_process, Arc::default()).unwrap();
        let last_received = Instant::now().checked_sub(Duration::from_secs(20));
        pending.lock().last_received = last_received.expect("the system has run for that long");
        if has_received {
            pending.record_received();
        }
        pending.retire_if_silent();
        assert_eq!(pending.needs_new_session(), is_retired, "{is_process} {has_received}");
    }
}

#[test]
fn a_sent_request_that_a_process_returns_is_an_echo() {
    let (context, pending) = (context(), PendingRequests::new(true, Arc::default()).unwrap());
    let call = call(&context);
    let _pending_responses =
        [(1, "initialize"), (2, "ping")].map(|(id, method)| pending.add_request(&call, id, method, false).unwrap());
    let is_echo = |id: &str, method: &str| pending.is_echo(id, method);
    assert!(is_echo("1", "initialize"));
    assert!(!is_echo("\"1\"", "initialize") && !is_echo("1", "tools/list") && !is_echo("3", "initialize"));
    // A server may send a ping, too, so it proves no echo.
    assert!(!is_echo("2", "ping"));
    assert!(pending.record_echo() && !pending.record_echo());
    assert!(is_echo("2", "ping") && !is_echo("3", "ping") && is_echo("3", "tools/list"));
    let over_http = PendingRequests::new(false, Arc::default()).unwrap();
    let _pending_response = over_http.add_request(&call, 1, "initialize", false).unwrap();
    assert!(!over_http.is_echo("1", "initialize"));
}

#[test]
fn the_error_of_a_call_without_a_response_quotes_what_the_process_printed() {
    let (context, pending) = (context(), PendingRequests::new(true, Arc::default()).unwrap());
    let call = call(&context);
    let skip = |text: &str| {
        pending.record_skipped(&Arc::new(Excerpt::of(text.as_bytes())), false);
    };
    pending.version.set("2025-11-25").unwrap();
    skip("banner");
    let pending_response = pending.add_request(&call, 1, "m", false).unwrap();
    let message = |status| pending_response.explained(&call, Error::new(status, "why")).to_string();
    const INSTEAD: &str = "why; instead of a response, the server printed this on stdout, which is only for messages: ";
    assert_eq!(
        message(MCP_TIMEOUT),
        "why; before this call, the server printed this on stdout, which is only for messages: banner"
    );
    assert_eq!(message(MCP_PROCESS_FAILED), "why");
    pending.record_unfinished_line(b"Password: ");
    assert_eq!(message(MCP_TIMEOUT), format!("{INSTEAD}Password:"));
    pending.record_unfinished_line(br#"{"id":1"#);
    let unfinished = r#"why; the server has printed a message without the line break that ends it: {"id":1"#;
    assert_eq!(message(MCP_TIMEOUT), unfinished);
    pending.record_unfinished_line(b"");
    skip("log line");
    skip("second log line");
    for status in [MCP_TIMEOUT, MCP_PROCESS_FAILED] {
        assert_eq!(message(status), format!("{INSTEAD}log line"));
    }
    assert_eq!(message(MCP_CANCELLED), "why");
}

/// The indexes of the pending requests, and what a search of all pending requests finds instead.
fn check_indexes(pending: &PendingRequests, busy: &HashMap<u64, bool>) {
    let state = pending.lock();
    let search = |is_indexed: &dyn Fn(&PendingSlot) -> bool| -> BTreeSet<u64> {
        state.slots.values().filter(|slot| is_indexed(slot)).map(|slot| slot.id).collect()
    };
    let handles = |slot: &PendingSlot| slot.mailbox.is_some() && !slot.is_subscription && slot.outcome.get().is_none();
    let handling = search(&handles);
    assert_eq!(state.handling_calls, handling.len());
    assert_eq!(state.free_calls, handling.into_iter().filter(|id| !busy[id]).collect());
    assert_eq!(state.without_excerpt, search(&|slot| slot.skipped.get().is_none()));
    let has_request = |slot: &PendingSlot| slot.mailbox.as_ref().is_some_and(Mailbox::has_server_request);
    assert_eq!(state.with_server_request, search(&has_request));
    let by_token = state.slots.values().filter(|slot| slot.progress_token != 0);
    let tokens: HashMap<_, _> = state.progress_tokens.iter().map(|(token, slot)| (*token, slot.id)).collect();
    assert_eq!(tokens, by_token.map(|slot| (slot.progress_token, slot.id)).collect());
}

proptest! {
    #[test]
    fn the_indexes_find_what_a_search_of_all_pending_requests_finds(steps in vec((0..8u8, any::<Index>()), 0..60)) {
        let (context, pending) = (context(), pending());
        let mut calls: Vec<(CallContext, PendingResponse)> = Vec::new();
        let mut busy = HashMap::new();
        for (number, (step, index)) in (1..).zip(steps) {
            let chosen = (!calls.is_empty()).then(|| index.index(calls.len()));
            match (step, chosen) {
                (0 | 1, _) => {
                    let call = if step == 0 { call(&context) } else { progress_call(&context) };
                    let added = match index.index(3) {
                        0 => pending.add_subscription(&call, number, "m"),
                        accepts => pending.add_request(&call, number, "m", accepts == 1),
                    };
                    calls.push((call, added.unwrap()));
                    busy.insert(number, true);
                }
                (2, Some(chosen)) => {
                    let slot = &calls[chosen].1.slot;
                    let taken = next_message(&calls[chosen].1);
                    busy.insert(slot.id, taken.is_some());
                }
                (3, Some(chosen)) => drop(pending.deliver(Some(calls[chosen].1.slot.id), result("{}"))),
                (4, Some(chosen)) => {
                    let (id, unhandled) = (calls[chosen].1.slot.id, calls.remove(chosen).1.unregister());
                    // Its server requests went to the oldest calls that are not busy.
                    drop(unhandled);
                    busy.remove(&id);
                    let state = pending.lock();
                    busy.iter_mut().for_each(|(id, is_busy)| *is_busy = !state.free_calls.contains(id));
                }
                (5, _) => {
                    let oldest = pending.lock().slots.values().filter(|slot| {
                        slot.mailbox.is_some() && !slot.is_subscription && slot.outcome.get().is_none()
                    }).map(|slot| (busy[&slot.id], slot.id)).min();
                    let delivered = pending.deliver_server_request(server_request(&number.to_string(), "roots/list"));
                    prop_assert_eq!(delivered.is_ok(), oldest.is_some());
                    if let Some((false, id)) = oldest {
                        busy.insert(id, true);
                    }
                }
                (6, _) => pending.forget_server_request(&index.index(60).to_string()),
                (7, _) => drop(pending.record_skipped(&Arc::new(Excerpt::of(b"text")), false)),
                _ => {}
            }
            check_indexes(&pending, &busy);
        }
        drop(calls);
        busy.clear();
        check_indexes(&pending, &busy);
    }
}
