//! What a server sends beside answers: notifications, and, up to 2025-11-25, requests of its own.

use super::ids;
use super::json::{Json, Kind, Value};
use super::raw_value::RawValue;

/// The longest parameters of a notification that are looked into, in bytes. Those that the protocol has are short.
const LONGEST: usize = 1024 * 1024;

/// A request of the server's own.
#[derive(Clone)]
pub struct ServerRequest {
    pub id: String,
    pub method: String,
    pub params: Option<Json>,
}

/// A notification.
#[derive(Clone)]
pub struct Notification {
    pub method: String,
    pub params: Option<Json>,
}

impl Notification {
    /// The token of a progress notification.
    pub fn progress_token(&self) -> Option<u64> {
        (self.method == "notifications/progress").then(|| ids::number(self.member("progressToken")?.raw()))?
    }

    /// The request that a subscription was opened with (2026-07-28, "Subscriptions": Receiving Notifications).
    pub fn subscription(&self) -> Option<u64> {
        ids::number(self.member("_meta")?.member("io.modelcontextprotocol/subscriptionId")?.raw())
    }

    /// The server's own request that it does not want to be answered any more, by its id as it stands there.
    pub fn cancelled(&self) -> Option<&str> {
        (self.method == "notifications/cancelled").then(|| self.member("requestId").map(RawValue::raw))?
    }

    /// Whether it makes an older one needless that was not looked at yet, where there is no room for both.
    pub fn says_the_same(&self, older: &Notification) -> bool {
        self.method == older.method
            && match self.method.as_str() {
                "notifications/resources/updated" => {
                    self.params.as_ref().map(Json::text) == older.params.as_ref().map(Json::text)
                }
                method => method.ends_with("/list_changed"),
            }
    }

    /// What goes first where too many wait: of changes, those of a list are kept the longest.
    pub fn worth(&self) -> u8 {
        u8::from(self.method.ends_with("/list_changed"))
    }

    /// It is longer than any that the protocol has; but a log message may say what it likes.
    pub fn is_too_long(&self) -> bool {
        self.method != "notifications/message"
            && self.params.as_ref().is_some_and(|params| params.text().len() > LONGEST)
    }

    /// A member of its parameters, where these are not too long.
    pub fn member(&self, name: &str) -> Option<RawValue<'_>> {
        RawValue::of(self.params.as_ref().filter(|_| !self.is_too_long())?).member(name)
    }
}

/// What is asked for.
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

    /// The function that sets its handler; for messages.
    pub fn setter(self) -> &'static str {
        match self {
            InputKind::Elicitation => "mcp_set_elicitation",
            InputKind::Sampling => "mcp_set_sampling",
            InputKind::Roots => "mcp_set_roots",
        }
    }

    /// Why a result is none of this kind.
    pub fn check(self, result: &Json) -> Result<(), String> {
        let root = result.root();
        if root.kind() != Kind::Object {
            return Err("the result is not a JSON object".into());
        }
        let wanted: &[&str] = match self {
            InputKind::Elicitation => &["action"],
            InputKind::Sampling => &["role", "content", "model"],
            InputKind::Roots => &["roots"],
        };
        if let Some(missing) = wanted.iter().find(|name| root.member(name).is_none()) {
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
