//! Reading JSON-RPC 2.0 messages.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::json::Json;
use crate::error::RpcError;

/// One message from a server.
#[derive(Clone, Debug)]
pub enum Message {
    Result {
        id: String,
        result: Json,
    },
    /// An error body may lack its id, and belongs then to the request whose answer it is in.
    Error {
        id: Option<String>,
        error: RpcError,
    },
    Request {
        id: String,
        method: String,
        params: Option<Json>,
    },
    Notification {
        method: String,
        params: Option<Json>,
    },
}

/// Why a text holds no message.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError {
    NotJson(String),
    NotMessage(&'static str),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<ErrorObject<'a>>,
}

/// A member that is null is there: serde's own `Option` takes it for a missing one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Reads a text that holds one message, or, as servers of 2025-03-26 may send, an array of them.
pub fn read(text: String) -> Result<Vec<Message>, ReadError> {
    let text = Arc::new(text);
    if !text.trim_start().starts_with('[') {
        return Ok(vec![message(&text, &text)?]);
    }
    let batch: Vec<&RawValue> = serde_json::from_str(&text).map_err(|error| ReadError::NotJson(error.to_string()))?;
    batch.into_iter().map(|part| message(&text, part.get())).collect()
}

fn message(text: &Arc<String>, part: &str) -> Result<Message, ReadError> {
    let envelope: Envelope = serde_json::from_str(part).map_err(|_| not_an_envelope(part))?;
    let id = envelope.id.map(|id| id.get().to_owned());
    if let Some(error) = envelope.error {
        let data = error.data.map(|data| Json::part(text, data));
        let error = RpcError { code: error.code, message: error.message, data };
        return Ok(Message::Error { id, error });
    }
    if let Some(result) = envelope.result {
        if !result.get().starts_with('{') {
            return Err(ReadError::NotMessage("its result is no object"));
        }
        let id = id.ok_or(ReadError::NotMessage("its result has no id"))?;
        return Ok(Message::Result { id, result: Json::part(text, result) });
    }
    let params = envelope.params.map(|params| Json::part(text, params));
    match (envelope.method.map(Cow::into_owned), id) {
        (Some(method), Some(id)) => Ok(Message::Request { id, method, params }),
        (Some(method), None) => Ok(Message::Notification { method, params }),
        (None, _) => Err(ReadError::NotMessage("it has neither a method, a result nor an error")),
    }
}

/// Tells what is no JSON at all from what is JSON of another shape. What serde says of a shape quotes values, and those may be
/// secrets; what it says of the grammar does not.
fn not_an_envelope(part: &str) -> ReadError {
    match serde_json::from_str::<&RawValue>(part) {
        Ok(_) if part.trim_start().starts_with('{') => {
            ReadError::NotMessage("a member is missing, double, or of the wrong type")
        }
        Ok(_) => ReadError::NotMessage("it is no object"),
        Err(error) => ReadError::NotJson(error.to_string()),
    }
}

/// The number that an id, as it stood in a message, is. Some servers send numbers back as strings; the other clients accept
/// that, and no other request can be meant.
pub fn number(raw: &str) -> Option<u64> {
    let digits = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(raw);
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// Whether an id, as it stood in a message, is the number `ours`.
pub fn is_id(raw: &str, ours: u64) -> bool {
    number(raw) == Some(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Message {
        read(text.to_owned()).unwrap().remove(0)
    }

    #[test]
    fn results_keep_their_text() {
        let Message::Result { id, result } = one(r#" {"jsonrpc":"2.0","id":7,"result": {"a" : 1} }"#) else { panic!() };
        assert_eq!((id.as_str(), result.text()), ("7", r#"{"a" : 1}"#));
    }

    #[test]
    fn errors_may_lack_an_id() {
        for id in ["", r#""id":null,"#] {
            let text = format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32600,"message":"no","data":{{"x":1}}}}}}"#);
            let Message::Error { error, id: None } = one(&text) else { panic!() };
            assert_eq!((error.code, error.message.as_str()), (-32600, "no"));
            assert_eq!(error.data.unwrap().text(), r#"{"x":1}"#);
        }
    }

    #[test]
    fn requests_notifications_and_batches() {
        let batch = r#"[{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":"a","method":"ping","params":{"a":1}}]"#;
        let messages = read(batch.into()).unwrap();
        assert!(matches!(&messages[0], Message::Notification { method, params: None } if method == "n"));
        let Message::Request { id, method, params } = &messages[1] else { panic!() };
        assert_eq!((id.as_str(), method.as_str()), ("\"a\"", "ping"));
        assert_eq!(params.as_ref().map(Json::text), Some(r#"{"a":1}"#));
    }

    #[test]
    fn what_is_no_message() {
        assert!(matches!(read("<html>".into()), Err(ReadError::NotJson(_))));
        assert!(matches!(read("[1".into()), Err(ReadError::NotJson(_))));
        for bad in [
            r#"{"hello":1}"#,
            "1",
            "[1]",
            r#"{"id":1,"id":2,"result":{}}"#,
            r#"{"id":1,"result":[]}"#,
            r#"{"result":{}}"#,
            r#"{"id":1,"error":5}"#,
        ] {
            assert!(matches!(read(bad.into()), Err(ReadError::NotMessage(_))), "{bad}");
        }
    }

    #[test]
    fn an_id_may_come_back_as_a_string() {
        assert!(is_id("12", 12) && is_id("\"12\"", 12));
        assert!(!is_id("13", 12) && !is_id("\"12", 12) && !is_id("null", 12));
        assert!(!is_id("\"+12\"", 12) && !is_id("\"012\"", 12));
    }
}
