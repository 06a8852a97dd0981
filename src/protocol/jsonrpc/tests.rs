use super::*;
use crate::protocol::ids::is_id;

fn one(text: &str) -> Message {
    read(text.to_owned()).items.into_iter().next().unwrap().strict().unwrap()
}

#[test]
fn a_result_keeps_its_json_text() {
    let Message::Result { id, response } = one(r#" {"jsonrpc":"2.0","id":7,"result": {"a" : 1} }"#) else { panic!() };
    assert_eq!((id.text(), response.result.text()), ("7", r#"{"a" : 1}"#));
}

#[test]
fn errors_may_lack_an_id() {
    for id in ["", r#""id":null,"#] {
        let text = format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32600,"message":"no","data":{{"x":1}}}}}}"#);
        let Message::Error { error, id: None } = one(&text) else { panic!() };
        assert_eq!((error.code, error.message.as_str()), (-32600, "no"));
        assert_eq!(error.data.as_deref(), Some(r#"{"x":1}"#));
    }
}

#[test]
fn unpaired_surrogates_are_replaced() {
    let text = r#"{"id":1,"x\ud83d":0,"error":{"\ud83d":"\ud83d","code":-1,"message":"no \ud83d","data":["\ude00"]}}"#;
    let Message::Error { error, .. } = one(text) else { panic!() };
    assert_eq!((error.code, error.message.as_str()), (-1, "no \u{fffd}"));
    assert_eq!(error.data.as_deref(), Some(r#"["\ude00"]"#));
    let Message::Notification { method, .. } = one(r#"{"method":"x\ud83d"}"#) else { panic!() };
    assert_eq!(method, "x\u{fffd}");
}

#[test]
fn a_batch_may_hold_requests_and_notifications() {
    let batch = r#"[{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":"a","method":"ping","params":{"a":1}}]"#;
    let messages: Vec<Message> = read(batch.into()).items.into_iter().map(|item| item.strict().unwrap()).collect();
    assert!(matches!(&messages[0], Message::Notification { method, params: None } if method == "n"));
    let Message::Request { id, method, params } = &messages[1] else { panic!() };
    assert_eq!((id.as_str(), method.as_str()), ("\"a\"", "ping"));
    assert_eq!(params.as_ref().map(Json::text), Some(r#"{"a":1}"#));
}

fn invalid_reasons(text: &str) -> Vec<Option<InvalidReason>> {
    read(text.to_owned()).items.into_iter().map(|item| item.invalid_reason().cloned()).collect()
}

#[test]
fn invalid_json_and_invalid_messages_are_told_apart() {
    for text in ["<html>", "", "[1", r#"{"id":1,"result":{}}x"#, r#"{"id":1,"result":{}}{"id":1,"result":{}}"#] {
        assert_eq!(invalid_reasons(text).last(), Some(&Some(InvalidReason::InvalidJson)), "{text}");
    }
    for bad in [
        r#"{"hello":1}"#,
        "1",
        "[1]",
        r#"{"id":1,"id":2,"result":{}}"#,
        r#"{"id":1,"result":[]}"#,
        r#"{"result":{}}"#,
        r#"{"id":1,"error":5}"#,
        r#"{"id":1,"error":[]}"#,
        r#"{"id":1,"error":{}}"#,
        r#"{"id":1,"error":{"code":"1"}}"#,
        r#"{"id":1,"error":{"code":1,"message":2}}"#,
        r#"{"id":1,"error":{"code":1,"message":null}}"#,
        r#"{"id":1,"error":{"code":1,"code":1}}"#,
        r#"{"id":1,"method":1}"#,
    ] {
        assert!(matches!(invalid_reasons(bad)[..], [Some(InvalidReason::NotMessage(_))]), "{bad}");
    }
    assert!(invalid_reasons("[]").is_empty());
}

#[test]
fn an_invalid_element_of_a_batch_does_not_affect_the_others() {
    let good = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    for (text, expected) in [
        (format!("[1,{good},2,3,[],{good}]"), "x.x."),
        (format!("[{good},{{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":null}},{good}]"), ".x."),
        (format!("[{good},{{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":N"), ".x"),
        (format!("[{good},{good}"), "..x"),
        (format!("[{good}]]"), ".x"),
    ] {
        let found: String =
            invalid_reasons(&text).iter().map(|reason| if reason.is_none() { '.' } else { 'x' }).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn other_output_is_told_apart_from_invalid_responses() {
    let class = |text: &str| {
        let is_ours = |id: Option<&str>| id.is_some_and(|id| is_id(id, 7));
        match read(text.to_owned()).items.into_iter().next().unwrap().classify(is_ours) {
            ItemClass::Message(_) => "message".to_owned(),
            ItemClass::InvalidResponse(invalid) => format!("invalid {}", invalid.id.unwrap_or_default()),
            ItemClass::Foreign => "foreign".to_owned(),
        }
    };
    for (text, expected) in [
        (r#"{"jsonrpc":"2.0","id":9,"result":{}}"#, "message"),
        (r#"{"id":7.0,"result":{}}"#, "message"),
        (r#"{"id":7,"error":{"code":1,"message":"x"}}"#, "message"),
        (r#"{"id":9,"result":{}}"#, "foreign"),
        (r#"{"error":{"code":1,"message":"x"}}"#, "foreign"),
        (r#"{"id":7,"error":{"code":1,"message":"x"},"level":50}"#, "foreign"),
        (r#"{"id":7,"error":"x","level":50}"#, "foreign"),
        (r#"{"id":7,"method":"GET"}"#, "foreign"),
        (r#"{"method":"x"}"#, "foreign"),
        (r#"{"type":"heartbeat"}"#, "foreign"),
        (r#"{"level":30,"x":{"jsonrpc":"2.0"}}"#, "foreign"),
        (r#"{"level":30,"x":{"jsonrpc":"2.0","id":7},"n":NaN}"#, "foreign"),
        (r#"[INFO] {"jsonrpc":"2.0","id":7}"#, "foreign"),
        ("5", "foreign"),
        (r#"{"id":7,"level":30}"#, "foreign"),
        (r#"{"id":7,"result":null}"#, "invalid 7"),
        (r#"{"jsonrpc":"2.0","id":9,"result":null}"#, "invalid 9"),
        (r#"{"jsonrpc":"2.0"}"#, "invalid "),
        (r#"{"jsonrpc":"2.0","method":5}"#, "foreign"),
        (r#"{"jsonrpc":"2.0","id":7,"method":5}"#, "foreign"),
        (r#"{"jsonrpc":"2.0","id":7,"result":NaN}"#, "invalid 7"),
        (r#"{"id":7,"result":NaN,"jsonrpc":"2.0"}"#, "invalid 7"),
        (r#"{"result":NaN,"id":7}"#, "foreign"),
        (r#"{"jsonrpc":"2.0","id":7,"result":{}}}"#, "invalid 7"),
        (r#"{"jsonrpc":"2.0","method":"x"}}"#, "foreign"),
    ] {
        assert_eq!(class(text), expected, "{text}");
    }
}
