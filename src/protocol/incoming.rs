//! Messages from a server other than responses: notifications and, up to 2025-11-25, server requests.

use std::borrow::Cow;

use super::ids;
use super::json::{Json, Kind, Value};
use super::json_strings;
use super::progress::Progress;
use super::raw_value::RawValue;

/// The longest notification parameters that are parsed, in bytes. Those that the specification defines are short.
const MAX_PARSED_PARAMS: usize = 1024 * 1024;

/// A request from the server to the client.
#[derive(Clone)]
pub struct ServerRequest {
    /// JSON text, as received.
    pub id: String,
    pub method: String,
    pub params: Option<Json>,
}

/// A notification from the server.
#[derive(Clone)]
pub struct Notification {
    pub method: String,
    pub params: Option<Json>,
}

impl Notification {
    /// The progress token, if this is a progress notification.
    pub fn progress_token(&self) -> Option<u64> {
        (self.method == "notifications/progress").then(|| ids::number(self.member("progressToken")?.raw()))?
    }

    /// The progress in the parameters of a progress notification, if it is valid.
    pub fn progress(&self) -> Option<Progress> {
        let params = self.parsed_params().filter(|params| params.kind() == Kind::Object)?;
        let (mut progress, mut total, mut message) = (None, None, None);
        // One pass: each call of `member` scans all members.
        for (key, value) in params.children() {
            match &*json_strings::decode(key) {
                "progress" => progress = value.double(),
                "total" => total = value.double(),
                "message" => message = value.text().map(Cow::into_owned),
                _ => {}
            }
        }
        Some(Progress { progress: progress?, total, message })
    }

    /// The id of the subscription that this belongs to: that of its request (2026-07-28, "Subscriptions": Receiving
    /// Notifications).
    pub fn subscription(&self) -> Option<u64> {
        ids::number(self.member("_meta")?.member("io.modelcontextprotocol/subscriptionId")?.raw())
    }

    /// The id, as received, of the server request that this notification cancels.
    pub fn cancelled(&self) -> Option<&str> {
        (self.method == "notifications/cancelled").then(|| self.member("requestId").map(RawValue::raw))?
    }

    /// Whether a full queue may drop `older`, because this notification makes it redundant.
    pub fn supersedes(&self, older: &Notification) -> bool {
        self.method == older.method
            && match self.method.as_str() {
                "notifications/resources/updated" => {
                    self.params.as_ref().map(Json::text) == older.params.as_ref().map(Json::text)
                }
                method => method.ends_with("/list_changed"),
            }
    }

    /// A full queue drops notifications of lower priority first: changes of a list are kept longest.
    pub fn queue_priority(&self) -> u8 {
        u8::from(self.method.ends_with("/list_changed"))
    }

    /// Whether the parameters are too long to be parsed. Log messages may have any length.
    pub fn is_too_long(&self) -> bool {
        self.method != "notifications/message"
            && self.params.as_ref().is_some_and(|params| params.text().len() > MAX_PARSED_PARAMS)
    }

    /// A member of the parameters; `None` also if these are too long to be parsed.
    pub fn member(&self, name: &str) -> Option<RawValue<'_>> {
        self.parsed_params()?.member(name)
    }

    /// The parameters; `None` if they are too long to be parsed.
    fn parsed_params(&self) -> Option<RawValue<'_>> {
        self.params.as_ref().filter(|_| !self.is_too_long()).map(RawValue::of)
    }
}

/// What the server requests from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    Elicitation,
    Sampling,
    Roots,
}

impl InputKind {
    pub fn of(method: &str) -> Option<InputKind> {
        [InputKind::Elicitation, InputKind::Sampling, InputKind::Roots].into_iter().find(|kind| kind.method() == method)
    }

    pub fn method(self) -> &'static str {
        match self {
            InputKind::Elicitation => "elicitation/create",
            InputKind::Sampling => "sampling/createMessage",
            InputKind::Roots => "roots/list",
        }
    }

    /// The C function that sets the handler, for error messages.
    pub fn setter(self) -> &'static str {
        match self {
            InputKind::Elicitation => "mcp_set_elicitation",
            InputKind::Sampling => "mcp_set_sampling",
            InputKind::Roots => "mcp_set_roots",
        }
    }

    /// Checks the handler's result: fails if a required member is missing or wrong.
    pub fn check(self, result: &Json) -> Result<(), String> {
        let root = result.root();
        if root.kind() != Kind::Object {
            return Err("the result is not a JSON object".into());
        }
        let required: &[&str] = match self {
            InputKind::Elicitation => &["action"],
            InputKind::Sampling => &["role", "content", "model"],
            InputKind::Roots => &["roots"],
        };
        if let Some(missing) = required.iter().find(|name| root.member(name).is_none()) {
            return Err(format!("the result has no {missing:?}, which {} requires", self.method()));
        }
        let action = root.member("action").and_then(Value::text);
        match (self, action.as_deref()) {
            (InputKind::Elicitation, Some("accept" | "decline" | "cancel")) => Ok(()),
            (InputKind::Elicitation, _) => Err("the action is neither \"accept\", \"decline\" nor \"cancel\"".into()),
            _ => Ok(()),
        }
    }
}
