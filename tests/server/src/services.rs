//! The paths other than scenarios: records, and the token service.

use crate::http::Head;
use crate::reply::Reply;
use crate::state::State;

/// The response to a request for one of these paths.
pub fn answer(state: &State, head: &Head, body: &[u8]) -> Option<Reply> {
    let (service, name) = head.path().strip_prefix("/_")?.split_once('/')?;
    Some(match (service, head.method()) {
        ("log", _) => Reply::json(200, state.log.read(name)),
        ("clear", _) => {
            state.log.clear(name);
            state.reset_counts(name);
            Reply::empty(204)
        }
        ("token", "POST") => state.tokens.issue(name, head, body),
        ("revoke", "POST") => state.tokens.revoke(name),
        ("tokens", "GET") => state.tokens.counts(name),
        ("token" | "revoke" | "tokens", _) => Reply::text(405, "method not allowed\n"),
        _ => return None,
    })
}
