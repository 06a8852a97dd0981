//! Reading JSON-RPC 2.0 messages.

use std::borrow::Cow;
use std::sync::Arc;

use super::json::{Checked, Json};
use super::scan::{self, NotJson, Scanner};
use super::strings;
use crate::error::RpcError;

/// One message from a server.
#[derive(Clone, Debug)]
pub enum Message {
    Result {
        id: String,
        answered: Answered,
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

/// What the answer to a request brings.
#[derive(Clone, Debug)]
pub struct Answered {
    pub result: Json,
    pub kind: ResultType,
}

/// What a result says that it is (2026-07-28, "ResultType"); absent means "complete".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResultType {
    #[default]
    Complete,
    InputRequired,
    Task,
    /// Another word; empty for what is no text.
    Other(String),
}

impl ResultType {
    /// By the member's value, as it stands there.
    fn of(value: &str) -> ResultType {
        let word = if value.starts_with('"') { strings::decode(value) } else { "".into() };
        match &*word {
            "complete" => ResultType::Complete,
            "input_required" => ResultType::InputRequired,
            "task" => ResultType::Task,
            _ => ResultType::Other(word.into_owned()),
        }
    }
}

/// Why a text holds no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    NotJson(String),
    NotMessage(&'static str),
}

/// The members of a message, each as it stands there.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    result: Option<&'a str>,
    /// The member `resultType` of the result.
    result_type: Option<&'a str>,
    error: Option<&'a str>,
    /// A member is there twice.
    is_double: bool,
}

impl<'a> Envelope<'a> {
    /// Reads the object that `scanner` stands before, in one go.
    fn read(scanner: &mut Scanner<'a>) -> Result<Envelope<'a>, NotJson> {
        let mut envelope = Envelope::default();
        scanner.members(|scanner, key| {
            let value = match key {
                r#""result""# if scanner.peek() == Some(b'{') => envelope.read_result(scanner)?,
                _ => scanner.value()?,
            };
            envelope.put(&strings::decode(key), value);
            Ok(())
        })?;
        Ok(envelope)
    }

    fn read_result(&mut self, scanner: &mut Scanner<'a>) -> Result<&'a str, NotJson> {
        scanner.span(|scanner| {
            scanner.members(|scanner, key| {
                let value = scanner.value()?;
                if strings::decode(key) == "resultType" {
                    self.result_type = Some(value);
                }
                Ok(())
            })
        })
    }

    fn put(&mut self, key: &str, value: &'a str) {
        let place = match key {
            "id" => &mut self.id,
            "method" => &mut self.method,
            "params" => &mut self.params,
            "result" => &mut self.result,
            "error" => &mut self.error,
            _ => return,
        };
        self.is_double |= place.replace(value).is_some();
    }
}

/// Reads the error object that a message has in a part of its text; `None` for what is none.
fn rpc_error<'a>(text: &Arc<Checked>, error: &'a str) -> Option<RpcError> {
    let (mut code, mut message, mut data) = (None, None, None);
    let mut is_double = false;
    let look = |scanner: &mut Scanner<'a>, key: &str| {
        let value = scanner.value()?;
        let place = match &*strings::decode(key) {
            "code" => &mut code,
            "message" => &mut message,
            "data" => &mut data,
            _ => return Ok(()),
        };
        is_double |= place.replace(value).is_some();
        Ok(())
    };
    Scanner::new(error).members(look).ok().filter(|()| !is_double)?;
    let message = message.map_or(Some(Cow::Borrowed("")), string)?.into_owned();
    let data = there(data).map(|data| Json::part(text, data));
    Some(RpcError { code: code?.parse().ok()?, message, data })
}

/// What a value says, where it is a string.
fn string(value: &str) -> Option<Cow<'_, str>> {
    value.starts_with('"').then(|| strings::decode(value))
}

/// Not a null, which stands for nothing.
fn there(value: Option<&str>) -> Option<&str> {
    value.filter(|value| *value != "null")
}

/// Reads a text that holds one message, or, as servers of 2025-03-26 may send, an array of them.
pub fn read(text: String) -> Result<Vec<Message>, ReadError> {
    let text = Arc::new(Checked::before(text));
    let envelopes = envelopes(&text).map_err(|NotJson| ReadError::NotJson(scan::why(text.text())))?;
    envelopes.into_iter().map(|envelope| message(&text, envelope)).collect()
}

/// What is no object is none.
fn envelopes<'a>(text: &'a Checked) -> Result<Vec<Option<Envelope<'a>>>, NotJson> {
    let mut scanner = text.scanner();
    let mut envelopes = Vec::with_capacity(1);
    let mut one = |scanner: &mut Scanner<'a>| {
        let is_object = scanner.peek() == Some(b'{');
        envelopes.push(if is_object { Some(Envelope::read(scanner)?) } else { scanner.value().map(|_| None)? });
        Ok(())
    };
    match scanner.peek() {
        Some(b'[') => scanner.elements(one)?,
        _ => one(&mut scanner)?,
    }
    text.passed(scanner.end()?);
    Ok(envelopes)
}

fn message(text: &Arc<Checked>, envelope: Option<Envelope>) -> Result<Message, ReadError> {
    let envelope = envelope.ok_or(ReadError::NotMessage("it is no object"))?;
    let malformed = ReadError::NotMessage("a member is missing, double, or of the wrong type");
    if envelope.is_double {
        return Err(malformed);
    }
    let id = there(envelope.id).map(str::to_owned);
    if let Some(error) = there(envelope.error) {
        let error = rpc_error(text, error).ok_or(malformed)?;
        return Ok(Message::Error { id, error });
    }
    if let Some(result) = envelope.result {
        if !result.starts_with('{') {
            return Err(ReadError::NotMessage("its result is no object"));
        }
        let id = id.ok_or(ReadError::NotMessage("its result has no id"))?;
        let kind = envelope.result_type.map(ResultType::of).unwrap_or_default();
        return Ok(Message::Result { id, answered: Answered { result: Json::part(text, result), kind } });
    }
    let method = there(envelope.method).map(|method| string(method).map(Cow::into_owned).ok_or(malformed));
    let params = there(envelope.params).map(|params| Json::part(text, params));
    match (method.transpose()?, id) {
        (Some(method), Some(id)) => Ok(Message::Request { id, method, params }),
        (Some(method), None) => Ok(Message::Notification { method, params }),
        (None, _) => Err(ReadError::NotMessage("it has neither a method, a result nor an error")),
    }
}

/// The number that an id, as it stood in a message, is. Some servers send numbers back as strings; the other clients accept
/// that, and no other request can be meant.
pub fn number(raw: &str) -> Option<u64> {
    let digits = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(raw);
    let is_canonical = digits == "0" || digits.starts_with(|first: char| ('1'..='9').contains(&first));
    digits.parse().ok().filter(|_| is_canonical)
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
        let Message::Result { id, answered } = one(r#" {"jsonrpc":"2.0","id":7,"result": {"a" : 1} }"#) else {
            panic!()
        };
        assert_eq!((id.as_str(), answered.result.text()), ("7", r#"{"a" : 1}"#));
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
    fn half_a_surrogate_pair_spoils_nothing() {
        let text =
            r#"{"id":1,"x\ud83d":0,"error":{"\ud83d":"\ud83d","code":-1,"message":"no \ud83d","data":["\ude00"]}}"#;
        let Message::Error { error, .. } = one(text) else { panic!() };
        assert_eq!((error.code, error.message.as_str()), (-1, "no \u{fffd}"));
        assert_eq!(error.data.unwrap().text(), r#"["\ude00"]"#);
        let Message::Notification { method, .. } = one(r#"{"method":"x\ud83d"}"#) else { panic!() };
        assert_eq!(method, "x\u{fffd}");
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
            r#"{"id":1,"error":[]}"#,
            r#"{"id":1,"error":{}}"#,
            r#"{"id":1,"error":{"code":"1"}}"#,
            r#"{"id":1,"error":{"code":1,"message":2}}"#,
            r#"{"id":1,"error":{"code":1,"message":null}}"#,
            r#"{"id":1,"error":{"code":1,"code":1}}"#,
            r#"{"id":1,"method":1}"#,
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
