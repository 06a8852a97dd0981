//! Reading JSON-RPC 2.0 messages.

use std::borrow::Cow;
use std::sync::Arc;

use super::json::{Json, ValidatedText};
use super::json_scanner::{self, InvalidJson, Scanner};
use super::json_strings;
use crate::error::RpcError;

/// One message from a server.
#[derive(Clone, Debug)]
pub enum Message {
    Result {
        id: String,
        answered: RpcResponse,
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
pub struct RpcResponse {
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
        let word = if value.starts_with('"') { json_strings::decode(value) } else { "".into() };
        match &*word {
            "complete" => ResultType::Complete,
            "input_required" => ResultType::InputRequired,
            "task" => ResultType::Task,
            _ => ResultType::Other(word.into_owned()),
        }
    }
}

/// What a text holds that came where messages belong.
#[derive(Debug)]
pub struct ParsedMessages {
    pub text: Arc<ValidatedText>,
    /// One for each message; elements of a list that are nothing of the kind and follow each other share one.
    pub items: Vec<Item>,
}

/// One message, or what stands in its place.
#[derive(Debug)]
pub struct Item {
    /// It has the member `jsonrpc`.
    is_rpc: bool,
    /// It has members that no message has.
    has_others: bool,
    content: Result<Message, InvalidMessage>,
}

/// A message that breaks the rules, or something else.
#[derive(Debug)]
pub struct InvalidMessage {
    /// As it stood there.
    pub id: Option<String>,
    pub fault: InvalidReason,
    /// It has a member that only answers have.
    is_answer: bool,
    /// It has a method, and nothing that only answers have.
    is_call: bool,
}

/// Why something is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidReason {
    /// [`ParsedMessages::why_not_json`] says what is wrong.
    InvalidJson,
    NotUtf8(String),
    NotMessage(&'static str),
}

/// What an item is to those who wait for messages.
#[derive(Debug)]
pub enum ItemClass {
    Message(Message),
    /// A broken answer.
    InvalidMessage(InvalidMessage),
    /// No JSON-RPC message, or none that can be an answer.
    Foreign,
}

impl ParsedMessages {
    /// Why a text is no JSON that has a [`InvalidReason::InvalidJson`].
    pub fn why_not_json(text: &ValidatedText) -> String {
        json_scanner::why(text.text())
    }

    /// The same items where the text had to be repaired to be read: none of them is a message then.
    pub fn spoiled(mut self, why: &str) -> ParsedMessages {
        let fault = || InvalidReason::NotUtf8(why.to_owned());
        self.items = self.items.into_iter().map(|item| item.spoiled(fault())).collect();
        self
    }
}

impl Item {
    /// What it is where other things than messages may come. `is_ours` says of an id whether an answer to that is awaited, and of
    /// `None` whether an answer without an id is for the one who asks.
    pub fn judge(self, is_ours: impl Fn(Option<&str>) -> bool) -> ItemClass {
        match self.content {
            Ok(message) if self.is_rpc => ItemClass::Message(message),
            _ if !self.is_rpc && self.has_others => ItemClass::Foreign,
            // Some servers leave the member out of their answers. A request or a notification without it is a line of a log.
            Ok(message) => {
                let is_answer = match &message {
                    Message::Result { id, .. } => is_ours(Some(id)),
                    Message::Error { id, .. } => is_ours(id.as_deref()),
                    Message::Request { .. } | Message::Notification { .. } => false,
                };
                if is_answer { ItemClass::Message(message) } else { ItemClass::Foreign }
            }
            Err(broken) => {
                let says_so = if self.is_rpc {
                    !broken.is_call
                } else {
                    broken.is_answer && broken.id.as_deref().is_some_and(|id| is_ours(Some(id)))
                };
                if says_so { ItemClass::InvalidMessage(broken) } else { ItemClass::Foreign }
            }
        }
    }

    /// What it is where nothing but messages may come.
    pub fn strict(self) -> Result<Message, InvalidReason> {
        self.content.map_err(|broken| broken.fault)
    }

    pub fn fault(&self) -> Option<&InvalidReason> {
        self.content.as_ref().err().map(|broken| &broken.fault)
    }

    /// The same place where what follows shows that the text is none.
    fn spoiled(self, fault: InvalidReason) -> Item {
        let broken = match self.content {
            Ok(message) => {
                let is_call = matches!(message, Message::Request { .. } | Message::Notification { .. });
                let id = match message {
                    Message::Result { id, .. } | Message::Request { id, .. } => Some(id),
                    Message::Error { id, .. } => id,
                    Message::Notification { .. } => None,
                };
                InvalidMessage { id, fault, is_answer: !is_call, is_call }
            }
            Err(broken) => InvalidMessage { fault, ..broken },
        };
        Item { content: Err(broken), ..self }
    }

    /// Nothing of it says that it is a message.
    fn is_nothing(&self) -> bool {
        !self.is_rpc && self.content.as_ref().is_err_and(|broken| broken.id.is_none())
    }
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
    is_object: bool,
    /// It has a member, of whatever name.
    has_members: bool,
    is_rpc: bool,
    has_others: bool,
    has_method: bool,
    has_outcome: bool,
}

impl<'a> Envelope<'a> {
    /// Reads the value that `scanner` stands before, in one go. Where it breaks off, what came before is kept.
    fn read(&mut self, scanner: &mut Scanner<'a>) -> Result<(), InvalidJson> {
        self.is_object = scanner.peek() == Some(b'{');
        if !self.is_object {
            return scanner.value().map(|_| ());
        }
        scanner.members(|scanner, key| {
            self.has_members = true;
            let key = json_strings::decode(key);
            self.note(&key);
            let value = match &*key {
                "result" if scanner.peek() == Some(b'{') => self.read_result(scanner)?,
                _ => scanner.value()?,
            };
            self.put(&key, value);
            Ok(())
        })
    }

    fn read_result(&mut self, scanner: &mut Scanner<'a>) -> Result<&'a str, InvalidJson> {
        scanner.span(|scanner| {
            scanner.members(|scanner, key| {
                let value = scanner.value()?;
                if json_strings::decode(key) == "resultType" {
                    self.result_type = Some(value);
                }
                Ok(())
            })
        })
    }

    fn note(&mut self, key: &str) {
        match key {
            "jsonrpc" => self.is_rpc = true,
            "method" => self.has_method = true,
            "result" | "error" => self.has_outcome = true,
            "id" | "params" => {}
            _ => self.has_others = true,
        }
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

    /// Why it is no message.
    fn broken(&self, fault: InvalidReason) -> InvalidMessage {
        InvalidMessage {
            id: there(self.id).map(str::to_owned),
            fault,
            is_answer: self.has_outcome,
            is_call: self.has_method && !self.has_outcome,
        }
    }
}

/// Reads the error object that a message has in a part of its text; `None` for what is none.
fn rpc_error<'a>(error: &'a str) -> Option<RpcError> {
    let (mut code, mut message, mut data) = (None, None, None);
    let mut is_double = false;
    let look = |scanner: &mut Scanner<'a>, key: &str| {
        let value = scanner.value()?;
        let place = match &*json_strings::decode(key) {
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
    let data = there(data).map(str::to_owned);
    Some(RpcError { code: code?.parse().ok()?, message, data })
}

/// What a value says, where it is a string.
fn string(value: &str) -> Option<Cow<'_, str>> {
    value.starts_with('"').then(|| json_strings::decode(value))
}

/// Not a null, which stands for nothing.
fn there(value: Option<&str>) -> Option<&str> {
    value.filter(|value| *value != "null")
}

/// Reads a text that holds one message, or, as servers of 2025-03-26 may send, an array of them. Each is judged alone; where the
/// text is no JSON from some place on, what came before in an array counts.
pub fn read(text: String) -> ParsedMessages {
    let text = Arc::new(ValidatedText::before(text));
    let mut items: Vec<Item> = Vec::with_capacity(1);
    let mut scanner = text.scanner();
    let is_list = scanner.peek() == Some(b'[');
    let mut one = |scanner: &mut Scanner| {
        let mut envelope = Envelope::default();
        let outcome = envelope.read(scanner);
        let item = item(&text, &envelope, outcome.is_ok());
        if !(item.is_nothing() && items.last().is_some_and(Item::is_nothing)) {
            items.push(item);
        }
        outcome
    };
    let outcome = if is_list { scanner.elements(one) } else { one(&mut scanner) };
    match outcome.and_then(|()| scanner.end()) {
        Ok(long) => text.passed(long),
        Err(InvalidJson) => record_break(&mut items, is_list),
    }
    ParsedMessages { text, items }
}

fn item(text: &Arc<ValidatedText>, envelope: &Envelope, is_json: bool) -> Item {
    // Where it broke off before the member that says so, the text may have that further on. A line of a log may have it within.
    let may_say_so = || {
        envelope.has_members
            && !envelope.has_others
            && memchr::memmem::find(text.text().as_bytes(), br#""jsonrpc""#).is_some()
    };
    let content = if is_json { message(text, envelope) } else { Err(InvalidReason::InvalidJson) };
    Item {
        is_rpc: envelope.is_rpc || (!is_json && may_say_so()),
        has_others: envelope.has_others,
        content: content.map_err(|fault| envelope.broken(fault)),
    }
}

/// The text is no JSON: the last item says so.
fn record_break(items: &mut Vec<Item>, is_list: bool) {
    let last = items.pop();
    match last {
        Some(last) if last.fault() == Some(&InvalidReason::InvalidJson) => items.push(last),
        Some(last) if !is_list => items.push(last.spoiled(InvalidReason::InvalidJson)),
        last => {
            items.extend(last);
            let broken =
                InvalidMessage { id: None, fault: InvalidReason::InvalidJson, is_answer: false, is_call: false };
            items.push(Item { is_rpc: false, has_others: false, content: Err(broken) });
        }
    }
}

fn message(text: &Arc<ValidatedText>, envelope: &Envelope) -> Result<Message, InvalidReason> {
    let malformed = InvalidReason::NotMessage("a member is missing, duplicated or of the wrong type");
    if !envelope.is_object {
        return Err(InvalidReason::NotMessage("it is not an object"));
    }
    if envelope.is_double {
        return Err(malformed);
    }
    let id = there(envelope.id).map(str::to_owned);
    if let Some(error) = there(envelope.error) {
        let error = rpc_error(error).ok_or(malformed)?;
        return Ok(Message::Error { id, error });
    }
    if let Some(result) = envelope.result {
        if !result.starts_with('{') {
            return Err(InvalidReason::NotMessage("its result is not an object"));
        }
        let id = id.ok_or(InvalidReason::NotMessage("its result has no id"))?;
        let kind = envelope.result_type.map(ResultType::of).unwrap_or_default();
        return Ok(Message::Result { id, answered: RpcResponse { result: Json::part(text, result), kind } });
    }
    let method = there(envelope.method).map(|method| string(method).map(Cow::into_owned).ok_or(malformed));
    let params = there(envelope.params).map(|params| Json::part(text, params));
    match (method.transpose()?, id) {
        (Some(method), Some(id)) => Ok(Message::Request { id, method, params }),
        (Some(method), None) => Ok(Message::Notification { method, params }),
        (None, _) => Err(InvalidReason::NotMessage("it has neither a method, a result nor an error")),
    }
}

#[cfg(test)]
mod tests;
