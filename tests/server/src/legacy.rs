//! The protocol versions with `initialize`: sessions, and a version header on all later requests.

use crate::methods;
use crate::options::Era;
use crate::protocol::Request;
use crate::reply::Reply;
use crate::resume;
use crate::rpc::{Error, Message};
use serde_json::{Value, json};

/// The id of the server's own ping, see the fault `ping-request`.
pub const PING_ID: &str = "srv-1";

/// The session of a request after `initialize`.
struct Context {
    session: Option<String>,
    version: String,
    initialized: bool,
}

/// Responds to a POST.
pub fn answer(request: &Request) -> Reply {
    match request.message {
        Message::Request { method, params, .. } if method == "initialize" => initialize(request, params),
        Message::Request { method, .. } if method == "server/discover" && is_probe(request) => missing_session(),
        message => match context(request) {
            Err(reply) => reply,
            Ok(context) => after_initialize(request, message, &context),
        },
    }
}

/// Ends a session.
pub fn delete(request: &Request) -> Reply {
    if request.scenario.stateless {
        return Reply::text(405, "this server has no sessions\n").header("Allow", "POST");
    }
    match context(request) {
        Err(reply) => reply,
        Ok(context) => {
            request.state.end_session(&context.session.unwrap_or_default());
            Reply::empty(200)
        }
    }
}

/// Resumes a stream.
pub fn resume(request: &Request) -> Reply {
    match context(request) {
        Err(reply) => reply,
        Ok(_) => resume::continue_stream(request),
    }
}

/// The key of the responses to the server's pings: the session, or the target without one.
pub fn pong_key(request: &Request) -> String {
    request.session_id().unwrap_or_else(|| request.head.target()).to_owned()
}

/// Whether this is the probe of a dual-era client. A legacy server treats it as a request without a session.
fn is_probe(request: &Request) -> bool {
    request.scenario.era == Era::Legacy && request.session_id().is_none()
}

fn initialize(request: &Request, params: &Value) -> Reply {
    if !request.scenario.sse && request.session_id().is_some() {
        return request.refusal(Error::new(-32600, "Bad Request: initialize with a session id").status(400));
    }
    let wanted = match checked_params(params) {
        Ok(wanted) => wanted,
        Err(error) => return request.wrap(Err(error), ""),
    };
    let offered = request.offered(false);
    if offered.is_empty() {
        let supported = json!({"supported": request.offered(true), "requested": wanted});
        return request.refusal(Error::new(-32602, "Unsupported protocol version").data(supported));
    }
    let negotiated = if offered.contains(&wanted) { wanted } else { offered[0] };
    let version = request.scenario.version.as_deref().unwrap_or(negotiated);
    let reply = request.wrap(Ok(methods::initialize(version)), version);
    if let (true, Some(session)) = (request.scenario.sse, request.session_id()) {
        request.state.negotiated(session, version);
        return reply;
    }
    if request.scenario.stateless {
        return reply;
    }
    reply.header("Mcp-Session-Id", request.state.open_session(version))
}

fn checked_params(params: &Value) -> Result<&str, Error> {
    let invalid = |what: &str| Error::new(-32602, format!("Invalid params: {what}"));
    let wanted = params["protocolVersion"].as_str().ok_or_else(|| invalid("no protocolVersion"))?;
    if !params["capabilities"].is_object() {
        return Err(invalid("no capabilities"));
    }
    let client = &params["clientInfo"];
    if !(client["name"].is_string() && client["version"].is_string()) {
        return Err(invalid("clientInfo lacks a name or a version"));
    }
    Ok(wanted)
}

fn after_initialize(request: &Request, message: &Message, context: &Context) -> Reply {
    match message {
        Message::Notification { method, .. } => {
            if let (Some(session), "notifications/initialized") = (&context.session, method.as_str()) {
                request.state.initialized(session);
            }
            Reply::empty(202)
        }
        Message::Request { method, params, .. } => {
            let outcome = match method.as_str() {
                "ping" => Ok("{}".to_owned()),
                _ if !context.initialized => {
                    Err(Error::new(-32600, "Bad Request: notifications/initialized has not come").status(400))
                }
                _ => methods::call(method, params, false),
            };
            let reply = request.wrap(outcome, &context.version);
            match request.scenario.resume {
                Some(resume) => resume::begin(request, resume, reply),
                None => reply,
            }
        }
        Message::Response { id } => {
            if id == PING_ID {
                let key = pong_key(request);
                request.state.pong(&key);
                request.state.sse_streams.release(&key);
            }
            Reply::empty(202)
        }
        Message::Invalid(error) => request.refusal(error.clone()),
    }
}

/// Finds the session, and checks the version header against it.
fn context(request: &Request) -> Result<Context, Reply> {
    let header = request.head.get("MCP-Protocol-Version");
    if request.scenario.stateless && !request.scenario.sse {
        // The negotiated version is not stored without a session, so any offered version is accepted.
        return match header {
            Some(version) if !request.offered(false).contains(&version) => Err(wrong_version(version, "one on offer")),
            version => {
                let version = version.unwrap_or("2025-03-26").to_owned();
                Ok(Context { session: None, version, initialized: true })
            }
        };
    }
    let id = request.session_id().ok_or_else(missing_session)?;
    let session = request.state.session(id).ok_or_else(|| server_error(404, "Session not found"))?;
    // The header exists since 2025-06-18: clients of older versions, and HTTP+SSE, do not have it.
    let optional = session.version.as_str() < "2025-06-18" || request.scenario.sse;
    match header {
        Some(version) if version == session.version => {}
        None if optional => {}
        header => return Err(wrong_version(header.unwrap_or("missing"), &session.version)),
    }
    Ok(Context { session: Some(id.into()), version: session.version, initialized: session.initialized })
}

fn missing_session() -> Reply {
    server_error(400, "Bad Request: Missing session ID")
}

fn wrong_version(found: &str, wanted: &str) -> Reply {
    server_error(400, &format!("Bad Request: MCP-Protocol-Version is {found}, not {wanted}"))
}

/// An error like FastMCP's before it has parsed the request's id.
fn server_error(status: u16, message: &str) -> Reply {
    Reply::json(status, Error::new(-32600, message).body(&json!("server-error")))
}
