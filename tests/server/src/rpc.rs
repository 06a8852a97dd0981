//! Received JSON-RPC messages, and errors to send.

use serde_json::{Value, json};

/// The message of a POST.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A message that requires a response.
    Request {
        /// A string or an integer.
        id: Value,
        /// The method.
        method: String,
        /// `null` when absent.
        params: Value,
    },
    /// A message without a response.
    Notification {
        /// The method.
        method: String,
        /// `null` when absent.
        params: Value,
    },
    /// A response to a request of the server.
    Response {
        /// The id of the server's request.
        id: Value,
    },
    /// Not a valid message.
    Invalid(Error),
}

impl Message {
    /// Parses a body.
    pub fn parse(body: &[u8]) -> Self {
        let mut object = match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => object,
            Ok(Value::Array(_)) => return Self::refused("Bad Request: batches are not accepted"),
            Ok(_) => return Self::refused("Bad Request: not a JSON object"),
            Err(error) => {
                return Self::Invalid(Error::new(-32700, format!("Parse error: {error}")).status(400));
            }
        };
        if object.get("jsonrpc") != Some(&Value::from("2.0")) {
            return Self::refused("Bad Request: jsonrpc is not \"2.0\"");
        }
        let id = object.remove("id");
        let params = object.remove("params").unwrap_or_default();
        if !(params.is_null() || params.is_object()) {
            return Self::refused("Bad Request: params is not an object");
        }
        match (object.remove("method"), id) {
            (Some(Value::String(method)), None) => Self::Notification { method, params },
            (Some(Value::String(method)), Some(id)) if id.is_string() || id.is_i64() || id.is_u64() => {
                Self::Request { id, method, params }
            }
            (None, Some(id)) if object.contains_key("result") || object.contains_key("error") => Self::Response { id },
            _ => Self::refused("Bad Request: neither a request nor a notification nor a response"),
        }
    }

    fn refused(message: &str) -> Self {
        Self::Invalid(Error::new(-32600, message).status(400))
    }

    /// The method of a request or a notification.
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Request { method, .. } | Self::Notification { method, .. } => Some(method),
            _ => None,
        }
    }

    /// The id of a request, `null` for everything else.
    pub fn id(&self) -> &Value {
        match self {
            Self::Request { id, .. } => id,
            _ => &Value::Null,
        }
    }

    /// The parameters, `null` when there are none.
    pub fn params(&self) -> &Value {
        match self {
            Self::Request { params, .. } | Self::Notification { params, .. } => params,
            _ => &Value::Null,
        }
    }
}

/// A JSON-RPC error, and the HTTP status of the response.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Error {
    /// An error with the HTTP status 200.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { status: 200, code, message: message.into(), data: None }
    }

    /// Sets the HTTP status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds data.
    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// The whole message.
    pub fn body(&self, id: &Value) -> Vec<u8> {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        // The usual order of the members.
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into_bytes()
    }
}

/// The message with a result, which is already JSON text: the performance-critical path builds no `Value` tree.
pub fn result(id: &Value, result: &str) -> Vec<u8> {
    let id = id.to_string();
    let mut out = Vec::with_capacity(result.len() + id.len() + 40);
    for part in [r#"{"jsonrpc":"2.0","id":"#, &id, r#","result":"#, result, "}"] {
        out.extend_from_slice(part.as_bytes());
    }
    out
}
