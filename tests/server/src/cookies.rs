//! Cookies, as a load balancer uses them to route the requests of a session to one server.

use crate::protocol::Request;
use crate::reply::Reply;

/// Refuses a request of a session without all its cookies.
pub fn check(request: &Request) -> Result<(), Reply> {
    if request.session_id().is_none() || missing(request).next().is_none() {
        return Ok(());
    }
    Err(Reply::text(400, "no cookie\n"))
}

/// Sets the cookies that the client did not send, before there is a session.
pub fn add(request: &Request, reply: &mut Reply) {
    if request.session_id().is_none() {
        reply.headers.extend(missing(request).map(|cookie| ("Set-Cookie", cookie.clone())));
    }
}

/// The scenario's cookies that are missing in the request, with their attributes.
fn missing<'a>(request: &'a Request) -> impl Iterator<Item = &'a String> {
    let sent =
        |pair: &str| request.head.all("Cookie").flat_map(|value| value.split(';')).any(|sent| sent.trim() == pair);
    let pair = |cookie: &'a String| cookie.split(';').next().unwrap_or(cookie).trim();
    request.scenario.cookies.iter().filter(move |cookie| !sent(pair(cookie)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Head;
    use crate::options::Scenario;
    use crate::rpc::Message;
    use crate::state::State;

    /// The status of the refusal, and the cookies that the response sets.
    fn check_and_add(lines: &str) -> (Option<u16>, Vec<String>) {
        let scenario = Scenario::parse("cookie=a=1;%20Path=/+cookie=b=2").unwrap();
        let mut head = Head::default();
        head.parse(format!("POST / HTTP/1.1\r\n{lines}\r\n").as_bytes()).unwrap();
        let (state, message) = (State::default(), Message::parse(b""));
        let request =
            Request { state: &state, scenario: &scenario, head: &head, message: &message, body: b"", endpoint: None };
        let mut reply = Reply::empty(200);
        add(&request, &mut reply);
        let set = reply.headers.into_iter().map(|(_, value)| value).collect();
        (check(&request).err().map(|reply| reply.status), set)
    }

    #[test]
    fn cookies_are_set_without_a_session_and_required_with_one() {
        assert_eq!(check_and_add(""), (None, vec!["a=1; Path=/".into(), "b=2".into()]));
        assert_eq!(check_and_add("Cookie: b=2\r\n"), (None, vec!["a=1; Path=/".into()]));
        assert_eq!(check_and_add("Mcp-Session-Id: x\r\nCookie: b=2\r\n"), (Some(400), vec![]));
        assert_eq!(check_and_add("Mcp-Session-Id: x\r\nCookie: b=2; a=1\r\n"), (None, vec![]));
        assert_eq!(check_and_add("Mcp-Session-Id: x\r\nCookie: b=2\r\nCookie: a=1\r\n"), (None, vec![]));
    }
}
