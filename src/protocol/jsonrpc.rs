//! Reads JSON-RPC 2.0 messages.

use std::borrow::Cow;
use std::sync::Arc;

use super::json::{Json, TextPart, ValidatedText};
use super::json_index::JsonNode;
use super::json_scanner::{self, InvalidJson, Scanner};
use super::json_strings;
use crate::error::RpcError;

/// One message from a server.
#[derive(Clone, Debug)]
pub enum Message {
    Result {
        id: TextPart,
        response: RpcResponse,
    },
    /// Some servers omit the id: the error then belongs to the request whose HTTP response contains it.
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

/// The result of a request.
#[derive(Clone, Debug)]
pub struct RpcResponse {
    pub result: Json,
    pub kind: ResultType,
}

/// The member `resultType` of a result (2026-07-28, "ResultType"); if it is missing, "complete".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResultType {
    #[default]
    Complete,
    InputRequired,
    Task,
    /// An unknown type; empty if it is not a string.
    Other(String),
}

impl ResultType {
    /// `value` is JSON text.
    fn of(value: &str) -> ResultType {
        let name = if value.starts_with('"') { json_strings::decode(value) } else { "".into() };
        match &*name {
            "complete" => ResultType::Complete,
            "input_required" => ResultType::InputRequired,
            "task" => ResultType::Task,
            _ => ResultType::Other(name.into_owned()),
        }
    }
}

/// The messages in a text from the server.
#[derive(Debug)]
pub struct ParsedMessages {
    pub text: Arc<ValidatedText>,
    /// One per message. Consecutive elements of a batch that are not messages share one item.
    pub items: Items,
}

/// A list that needs no allocation for one item: only batches have several.
#[derive(Debug, Default)]
pub struct Items {
    /// All but the last.
    others: Vec<Item>,
    last: Option<Item>,
}

impl Items {
    pub fn push(&mut self, item: Item) {
        self.others.extend(self.last.replace(item));
    }

    pub fn pop(&mut self) -> Option<Item> {
        std::mem::replace(&mut self.last, self.others.pop())
    }

    pub fn last(&self) -> Option<&Item> {
        self.last.as_ref()
    }
}

impl IntoIterator for Items {
    type Item = Item;
    type IntoIter = std::iter::Chain<std::vec::IntoIter<Item>, std::option::IntoIter<Item>>;

    fn into_iter(self) -> Self::IntoIter {
        self.others.into_iter().chain(self.last)
    }
}

impl FromIterator<Item> for Items {
    fn from_iter<T: IntoIterator<Item = Item>>(items: T) -> Items {
        let mut others: Vec<Item> = items.into_iter().collect();
        let last = others.pop();
        Items { others, last }
    }
}

/// A message, or an invalid value in the place of one.
#[derive(Debug)]
pub struct Item {
    /// It has the member `jsonrpc`.
    has_version: bool,
    /// It has members that JSON-RPC does not define.
    has_unknown_members: bool,
    content: Result<Message, InvalidMessage>,
}

/// A value that is not a valid message.
#[derive(Debug)]
pub struct InvalidMessage {
    /// JSON text, as received.
    pub id: Option<String>,
    pub reason: InvalidReason,
    /// It has a member that only responses have.
    is_response: bool,
    /// It has a method and no member that only responses have.
    is_call: bool,
}

/// Why a value is not a valid message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidReason {
    /// [`ParsedMessages::json_error`] describes the error.
    InvalidJson,
    NotUtf8(String),
    NotMessage(&'static str),
}

/// The classification of an item of an event stream or of stdout, where other output may occur.
#[derive(Debug)]
pub enum ItemClass {
    Message(Message),
    /// An invalid message that is meant as a response.
    InvalidResponse(InvalidMessage),
    /// Not a JSON-RPC message, or an invalid one that cannot be a response.
    Foreign,
}

impl ParsedMessages {
    /// Describes the syntax error of a text with an item that is [`InvalidReason::InvalidJson`].
    pub fn json_error(text: &ValidatedText) -> String {
        json_scanner::syntax_error(text.text())
    }

    /// Makes all items invalid: the text was decoded with replacement characters.
    pub fn with_invalid_utf8(mut self, why: &str) -> ParsedMessages {
        let reason = || InvalidReason::NotUtf8(why.to_owned());
        self.items = self.items.into_iter().map(|item| item.invalidated(reason())).collect();
        self
    }
}

impl Item {
    /// Classifies the item where output other than messages may occur. `is_ours` returns whether a response with the id
    /// is expected, and for `None` whether an error without an id belongs to the caller's request.
    pub fn classify(self, is_ours: impl Fn(Option<&str>) -> bool) -> ItemClass {
        match self.content {
            Ok(message) if self.has_version => ItemClass::Message(message),
            _ if !self.has_version && self.has_unknown_members => ItemClass::Foreign,
            // Some servers omit `jsonrpc` in responses. A request or a notification without it is log output.
            Ok(message) => {
                let is_response = match &message {
                    Message::Result { id, .. } => is_ours(Some(id.text())),
                    Message::Error { id, .. } => is_ours(id.as_deref()),
                    Message::Request { .. } | Message::Notification { .. } => false,
                };
                if is_response { ItemClass::Message(message) } else { ItemClass::Foreign }
            }
            Err(invalid) => {
                let is_response = if self.has_version {
                    !invalid.is_call
                } else {
                    invalid.is_response && invalid.id.as_deref().is_some_and(|id| is_ours(Some(id)))
                };
                if is_response { ItemClass::InvalidResponse(invalid) } else { ItemClass::Foreign }
            }
        }
    }

    /// The message, where only messages may occur.
    pub fn strict(self) -> Result<Message, InvalidReason> {
        self.content.map_err(|invalid| invalid.reason)
    }

    pub fn invalid_reason(&self) -> Option<&InvalidReason> {
        self.content.as_ref().err().map(|invalid| &invalid.reason)
    }

    /// Makes the item invalid, because the text around it is.
    fn invalidated(self, reason: InvalidReason) -> Item {
        let invalid = match self.content {
            Ok(message) => {
                let is_call = matches!(message, Message::Request { .. } | Message::Notification { .. });
                let id = match message {
                    Message::Result { id, .. } => Some(id.text().to_owned()),
                    Message::Request { id, .. } => Some(id),
                    Message::Error { id, .. } => id,
                    Message::Notification { .. } => None,
                };
                InvalidMessage { id, reason, is_response: !is_call, is_call }
            }
            Err(invalid) => InvalidMessage { reason, ..invalid },
        };
        Item { content: Err(invalid), ..self }
    }

    /// It has neither the member `jsonrpc` nor an id.
    fn is_unrelated(&self) -> bool {
        !self.has_version && self.content.as_ref().is_err_and(|invalid| invalid.id.is_none())
    }
}

/// The index of a result is built when it is needed if the text ends this many bytes after the result's start, or less.
const TINY_RESULT: usize = 64;

/// The members of a message, as JSON text.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    result: Option<&'a str>,
    /// The member `resultType` of the result.
    result_type: Option<&'a str>,
    result_index: Option<Vec<JsonNode>>,
    error: Option<&'a str>,
    has_duplicates: bool,
    is_object: bool,
    /// It has at least one member of any name. This and what follows are set before the member's value is checked.
    has_members: bool,
    /// It has the member `jsonrpc`.
    has_version: bool,
    has_unknown_members: bool,
    has_method: bool,
    /// It has a result or an error.
    has_outcome: bool,
}

impl<'a> Envelope<'a> {
    /// Reads the next value in one pass. After a syntax error, the members before it remain.
    fn read(&mut self, scanner: &mut Scanner<'a>) -> Result<(), InvalidJson> {
        self.is_object = scanner.peek() == Some(b'{');
        if !self.is_object {
            return scanner.value().map(|_| ());
        }
        scanner.members(|scanner, key| {
            self.has_members = true;
            let key = json_strings::decode(key);
            self.record_name(&key);
            let value = match &*key {
                "result" if scanner.peek() == Some(b'{') => self.read_result(scanner)?,
                _ => scanner.value()?,
            };
            self.record_value(&key, value);
            Ok(())
        })
    }

    fn read_result(&mut self, scanner: &mut Scanner<'a>) -> Result<&'a str, InvalidJson> {
        // No program looks into a tiny result, such as that of a ping.
        if scanner.remaining() > TINY_RESULT {
            scanner.record();
        }
        let result = scanner.span(|scanner| {
            scanner.members(|scanner, key| {
                let value = scanner.value()?;
                if json_strings::decode(key) == "resultType" {
                    self.result_type = Some(value);
                }
                Ok(())
            })
        });
        self.result_index = scanner.take_index();
        result
    }

    fn record_name(&mut self, key: &str) {
        match key {
            "jsonrpc" => self.has_version = true,
            "method" => self.has_method = true,
            "result" | "error" => self.has_outcome = true,
            "id" | "params" => {}
            _ => self.has_unknown_members = true,
        }
    }

    fn record_value(&mut self, key: &str, value: &'a str) {
        let member = match key {
            "id" => &mut self.id,
            "method" => &mut self.method,
            "params" => &mut self.params,
            "result" => &mut self.result,
            "error" => &mut self.error,
            _ => return,
        };
        self.has_duplicates |= member.replace(value).is_some();
    }

    fn invalid(&self, reason: InvalidReason) -> InvalidMessage {
        InvalidMessage {
            id: non_null(self.id).map(str::to_owned),
            reason,
            is_response: self.has_outcome,
            is_call: self.has_method && !self.has_outcome,
        }
    }
}

/// Reads the error object of a message; `None` if it is invalid.
fn rpc_error<'a>(error: &'a str) -> Option<RpcError> {
    let (mut code, mut message, mut data) = (None, None, None);
    let mut has_duplicates = false;
    let visit = |scanner: &mut Scanner<'a>, key: &str| {
        let value = scanner.value()?;
        let member = match &*json_strings::decode(key) {
            "code" => &mut code,
            "message" => &mut message,
            "data" => &mut data,
            _ => return Ok(()),
        };
        has_duplicates |= member.replace(value).is_some();
        Ok(())
    };
    Scanner::new(error).members(visit).ok().filter(|()| !has_duplicates)?;
    let message = message.map_or(Some(Cow::Borrowed("")), decode_string)?.into_owned();
    let data = non_null(data).map(str::to_owned);
    Some(RpcError { code: code?.parse().ok()?, message, data })
}

/// The decoded text, if the value is a string.
fn decode_string(value: &str) -> Option<Cow<'_, str>> {
    value.starts_with('"').then(|| json_strings::decode(value))
}

/// A member with the value null counts as missing.
fn non_null(value: Option<&str>) -> Option<&str> {
    value.filter(|value| *value != "null")
}

/// Reads a text with one message, or with a batch, which servers of 2025-03-26 may send. An invalid message of a batch
/// does not affect the others; after a syntax error, the messages before it are returned.
pub fn read(text: String) -> ParsedMessages {
    let text = Arc::new(ValidatedText::unchecked(text));
    let mut items = Items::default();
    let mut scanner = text.scanner();
    let is_batch = scanner.peek() == Some(b'[');
    let mut read_item = |scanner: &mut Scanner| {
        let mut envelope = Envelope::default();
        let outcome = envelope.read(scanner);
        let item = item(&text, &mut envelope, outcome.is_ok());
        if !(item.is_unrelated() && items.last().is_some_and(Item::is_unrelated)) {
            items.push(item);
        }
        outcome
    };
    let outcome = if is_batch { scanner.elements(read_item) } else { read_item(&mut scanner) };
    if outcome.and_then(|()| scanner.end()).is_err() {
        record_syntax_error(&mut items, is_batch);
    }
    ParsedMessages { text, items }
}

fn item(text: &Arc<ValidatedText>, envelope: &mut Envelope, is_json: bool) -> Item {
    // The member `jsonrpc` may follow a syntax error. Log output with unknown members may contain it in a nested value.
    let may_have_version = || {
        envelope.has_members
            && !envelope.has_unknown_members
            && memchr::memmem::find(text.text().as_bytes(), br#""jsonrpc""#).is_some()
    };
    let has_version = envelope.has_version || (!is_json && may_have_version());
    let content = if is_json { message(text, envelope) } else { Err(InvalidReason::InvalidJson) };
    Item {
        has_version,
        has_unknown_members: envelope.has_unknown_members,
        content: content.map_err(|reason| envelope.invalid(reason)),
    }
}

/// Marks the last item as invalid JSON, or adds such an item after the valid messages of a batch.
fn record_syntax_error(items: &mut Items, is_batch: bool) {
    let last = items.pop();
    match last {
        Some(last) if last.invalid_reason() == Some(&InvalidReason::InvalidJson) => items.push(last),
        Some(last) if !is_batch => items.push(last.invalidated(InvalidReason::InvalidJson)),
        last => {
            last.into_iter().for_each(|last| items.push(last));
            let invalid =
                InvalidMessage { id: None, reason: InvalidReason::InvalidJson, is_response: false, is_call: false };
            items.push(Item { has_version: false, has_unknown_members: false, content: Err(invalid) });
        }
    }
}

fn message(text: &Arc<ValidatedText>, envelope: &mut Envelope) -> Result<Message, InvalidReason> {
    let malformed = InvalidReason::NotMessage("a member is missing, duplicated or of the wrong type");
    if !envelope.is_object {
        return Err(InvalidReason::NotMessage("it is not an object"));
    }
    if envelope.has_duplicates {
        return Err(malformed);
    }
    let id = non_null(envelope.id);
    if let Some(error) = non_null(envelope.error) {
        let error = rpc_error(error).ok_or(malformed)?;
        return Ok(Message::Error { id: id.map(str::to_owned), error });
    }
    if let Some(result) = envelope.result {
        if !result.starts_with('{') {
            return Err(InvalidReason::NotMessage("its result is not an object"));
        }
        let id = id.ok_or(InvalidReason::NotMessage("its result has no id"))?;
        let kind = envelope.result_type.map(ResultType::of).unwrap_or_default();
        let index = envelope.result_index.take();
        let id = TextPart::new(text, id);
        return Ok(Message::Result { id, response: RpcResponse { result: Json::part(text, result, index), kind } });
    }
    let method = non_null(envelope.method).map(|method| decode_string(method).map(Cow::into_owned).ok_or(malformed));
    let params = non_null(envelope.params).map(|params| Json::part(text, params, None));
    match (method.transpose()?, id) {
        (Some(method), Some(id)) => Ok(Message::Request { id: id.to_owned(), method, params }),
        (Some(method), None) => Ok(Message::Notification { method, params }),
        (None, _) => Err(InvalidReason::NotMessage("it has neither a method, a result nor an error")),
    }
}

#[cfg(test)]
mod tests;
