//! Requests to foreign servers: authorization servers and documents that the MCP server names. They have no cookies and
//! headers of the client, and use new connections. A policy decides which servers may be named.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Method, header};
use zeroize::Zeroizing;

use super::client::Http;
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::fields::{FORM, JSON, retry_after_ms};
use super::pool::ConnectionPool;
use super::response::HttpResponse;
use super::send::{OutgoingRequest, send};
use crate::call::request_headers::RequestHeaders;
use crate::error::{Error, Result};
use crate::net::address_policy::{AddressExceptions, AddressPolicy};
use crate::net::connection_factory::ConnectionFactory;
use crate::net::origin::Origin;
use crate::protocol::message_text::{EMPTY_BODY, MessageText};
use crate::status::MCP_INVALID_MESSAGE;
use crate::sys::wait::WaitContext;

/// The time limit for a request, with its redirects.
const MAX_TIME: Duration = Duration::from_secs(30);

/// How many redirects of a GET are followed.
const MAX_REDIRECTS: usize = 3;

/// The limit for the body of a response, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// Usual responses fit into this many bytes. A larger buffer would be a copy, and the old one would not be wiped.
const USUAL_BODY: usize = 16 * 1024;

/// Sends requests to foreign servers, over connections with the settings of a client. May be used after the client's
/// calls have ended.
#[derive(Clone)]
pub struct ForeignHttp {
    /// The client's own server.
    server: Origin,
    /// The client's own connections.
    factory: Arc<ConnectionFactory>,
    max_head: usize,
}

/// A request to a foreign server: a GET, or with a body, a POST. No `Debug`: it may contain secrets.
pub struct ForeignRequest<'a> {
    /// What is requested, for error messages, such as "the token endpoint".
    pub what: &'a str,
    pub url: &'a str,
    /// Added to `Content-Type` and `Accept: application/json`; another `Accept` replaces that one.
    pub headers: HeaderMap,
    pub body: Option<ForeignBody<'a>>,
}

/// The body of a POST.
#[derive(Clone, Copy)]
pub enum ForeignBody<'a> {
    /// `application/x-www-form-urlencoded`
    Form(&'a str),
    Json(&'a str),
}

/// The response of a foreign server, with any status. No `Debug`: it may contain secrets.
pub struct ForeignResponse {
    pub status: u16,
    pub retry_after_ms: Option<u64>,
    /// If the status is not a success: at most the first 1 MiB.
    pub body: Zeroizing<Vec<u8>>,
}

impl ForeignHttp {
    pub fn new(http: &Http) -> ForeignHttp {
        let pool = http.pool();
        let server = http.endpoint().origin().clone();
        ForeignHttp { server, factory: Arc::clone(pool.factory()), max_head: pool.max_head() }
    }

    /// Sends a request, and reads the whole response. An error names what was requested and the URL.
    pub fn send(
        &self,
        request: &ForeignRequest,
        exceptions: AddressExceptions,
        wait_context: &WaitContext,
    ) -> Result<ForeignResponse> {
        let mut target = Arc::new(Endpoint::parse(request.url).map_err(|why| invalid_url(request, &why))?);
        let wait_context = wait_context.within(MAX_TIME);
        let pool = self.pool(request, exceptions, &wait_context);
        for _ in 0..=MAX_REDIRECTS {
            let in_context = |error: Error| error.with_context(request.what, target.shown());
            let mut response = send_to(&pool, &target, request, &wait_context).map_err(in_context)?;
            let next = response.redirect_target().map_err(|failed| in_context(failed.error))?;
            let Some(next) = next else { return ForeignResponse::read(&mut response).map_err(in_context) };
            check_redirect(request, &target, &next, response.status).map_err(in_context)?;
            target = Arc::new(next);
        }
        let why = format!("the server redirects more than {MAX_REDIRECTS} times");
        Err(HttpError::redirect_refused(why, 0).error.with_context(request.what, target.shown()))
    }

    /// A pool for the connections of one request.
    fn pool(
        &self,
        request: &ForeignRequest,
        exceptions: AddressExceptions,
        wait_context: &WaitContext,
    ) -> ConnectionPool {
        let server_scope = self.factory.server_scope(&self.server, wait_context);
        let mut policy = AddressPolicy::new(server_scope, exceptions);
        // A document that the MCP server publishes about itself is as safe as its other responses. A GET carries no
        // secrets.
        if request.body.is_none() {
            policy = policy.with_plain_http_to(self.server.clone());
        }
        ConnectionPool::new(Arc::new(self.factory.for_foreign_servers(policy)), self.max_head)
    }
}

/// Sends the request to `target` on a new connection, and waits for the head of the response.
fn send_to<'a>(
    pool: &'a ConnectionPool,
    target: &Arc<Endpoint>,
    request: &ForeignRequest,
    wait_context: &WaitContext,
) -> Result<HttpResponse<'a>> {
    let mut headers = RequestHeaders::default();
    headers.push(header::ACCEPT, HeaderValue::from_static(JSON));
    request.headers.iter().for_each(|(name, value)| headers.set(name.clone(), value.clone()));
    // Not gzip: the documents are small, and the memory of a decompressor is not wiped.
    headers.set(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.set(header::CONNECTION, HeaderValue::from_static("close"));
    let (method, body) = match request.body {
        None => (Method::GET, &EMPTY_BODY),
        Some(body) => {
            headers.set(header::CONTENT_TYPE, HeaderValue::from_static(body.content_type()));
            (Method::POST, &MessageText::referenced(body.text()))
        }
    };
    let outgoing = OutgoingRequest { to: target, method, headers: Cow::Owned(headers), body };
    send(pool, outgoing, wait_context, |_| ()).map_err(|failed| failed.error)
}

/// Fails unless the request is a GET and the target of the redirect has the same origin.
fn check_redirect(request: &ForeignRequest, from: &Endpoint, to: &Endpoint, http_status: u16) -> Result<()> {
    let shown = to.shown();
    let why = if request.body.is_some() {
        format!("the server redirects (HTTP {http_status}) to {shown}, but a POST is not sent to another URL")
    } else if from.origin() != to.origin() {
        format!(
            "the server redirects (HTTP {http_status}) to {shown}, which is another origin: only redirects on the same \
             origin are followed"
        )
    } else {
        return Ok(());
    };
    Err(HttpError::redirect_refused(why, http_status).error)
}

fn invalid_url(request: &ForeignRequest, why: &str) -> Error {
    Error::new(MCP_INVALID_MESSAGE, format!("the URL of {} cannot be used: {why}", request.what))
}

impl<'a> ForeignBody<'a> {
    fn content_type(self) -> &'static str {
        match self {
            ForeignBody::Form(_) => FORM,
            ForeignBody::Json(_) => JSON,
        }
    }

    fn text(self) -> &'a str {
        match self {
            ForeignBody::Form(text) | ForeignBody::Json(text) => text,
        }
    }
}

impl ForeignResponse {
    fn read(response: &mut HttpResponse) -> Result<ForeignResponse> {
        let mut body = Zeroizing::new(Vec::with_capacity(USUAL_BODY));
        if response.is_success() {
            response.read_all_into(MAX_BODY, &mut body)?;
        } else {
            // The status is sufficient to report it, also if the page about it is longer.
            response.read_up_to(MAX_BODY, &mut body)?;
            body.truncate(MAX_BODY);
        }
        Ok(ForeignResponse { status: response.status, retry_after_ms: retry_after_ms(&response.headers), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::path::PathBuf;
    use std::thread::JoinHandle;

    use crate::call::known_secrets::KnownSecrets;
    use crate::net::connection_factory::ConnectionOptions;
    use crate::net::proxy::{Proxy, ProxyChoice};
    use crate::status::*;

    const NONE: AddressExceptions = AddressExceptions { private_addresses: false, plain_http: false };
    const PLAIN_HTTP: AddressExceptions = AddressExceptions { plain_http: true, ..NONE };

    /// The HTTP client of an MCP server at `url`.
    fn client(url: &str, change: impl FnOnce(&mut ConnectionOptions)) -> Http {
        let mut options = ConnectionOptions { proxy: ProxyChoice::None, ..ConnectionOptions::default() };
        change(&mut options);
        let http = Http::new(Arc::new(Endpoint::parse(url).unwrap()), options, Arc::new(KnownSecrets::default()));
        http.pool().factory().dns().add("mcp.example", &["1.1.1.1:443".parse().unwrap()]);
        http
    }

    fn foreign(url: &str) -> ForeignHttp {
        ForeignHttp::new(&client(url, |_| ()))
    }

    const LOCAL: &str = "http://127.0.0.1:1/mcp";
    const PUBLIC: &str = "https://mcp.example/mcp";

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// A server that sends one of `responses` on each connection. Returns the requests.
    fn serve(listener: TcpListener, responses: Vec<String>) -> JoinHandle<Vec<String>> {
        std::thread::spawn(move || responses.iter().map(|response| answer(&listener, response)).collect())
    }

    /// Accepts a connection, reads a request and sends `response`. Returns the request.
    fn answer(listener: &TcpListener, response: &str) -> String {
        let (mut socket, _) = listener.accept().unwrap();
        let (mut request, mut buffer) = (String::new(), [0; 4096]);
        loop {
            let count = socket.read(&mut buffer).unwrap();
            request.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            let (head, body) = request.split_once("\r\n\r\n").unwrap_or((&request, ""));
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let expected = length.map_or(0, |length| length.parse().unwrap());
            if count == 0 || (request.contains("\r\n\r\n") && body.len() >= expected) {
                break;
            }
        }
        // The client may not read all of it.
        let _ = socket.write_all(response.as_bytes());
        request
    }

    fn response(status: u16, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn redirect(status: u16, location: &str) -> String {
        response(status, &format!("Location: {location}\r\n"), "")
    }

    fn get(url: &str) -> ForeignRequest<'_> {
        ForeignRequest { what: "the metadata", url, headers: HeaderMap::new(), body: None }
    }

    fn post(url: &str) -> ForeignRequest<'_> {
        let body = Some(ForeignBody::Form("grant_type=x"));
        ForeignRequest { what: "the token endpoint", url, headers: HeaderMap::new(), body }
    }

    fn send_in_time(
        http: &ForeignHttp,
        request: &ForeignRequest,
        exceptions: AddressExceptions,
    ) -> Result<ForeignResponse> {
        http.send(request, exceptions, &WaitContext::default().within(Duration::from_secs(10)))
    }

    fn fails(http: &ForeignHttp, request: &ForeignRequest, exceptions: AddressExceptions) -> (Status, String) {
        let error = send_in_time(http, request, exceptions).err().expect("a failure");
        (error.status(), error.to_string())
    }

    /// Checks that no connection was opened.
    fn assert_not_contacted(listener: &TcpListener) {
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err());
    }

    #[test]
    fn requests_have_no_cookies_and_only_the_given_headers() {
        let (listener, address) = listener();
        let url = format!("http://{address}/mcp");
        let http = client(&url, |_| ());
        let server = serve(listener, vec![response(200, "Set-Cookie: sid=s3cr3t\r\n", "1"), response(200, "", "2")]);
        let to = Arc::clone(http.endpoint());
        let own = OutgoingRequest { to: &to, method: Method::GET, headers: Cow::default(), body: &EMPTY_BODY };
        http.send(&own, &WaitContext::default()).unwrap().read_all(1).unwrap();
        let mut request = get(&url);
        request.headers.insert("mcp-protocol-version", HeaderValue::from_static("2025-03-26"));
        assert_eq!(*send_in_time(&ForeignHttp::new(&http), &request, NONE).unwrap().body, b"2");
        let sent = server.join().unwrap().pop().unwrap();
        let mut headers: Vec<&str> = sent.trim_end().lines().skip(1).collect();
        headers.sort_unstable();
        let [host, user_agent] = [format!("host: {address}"), headers[5].to_owned()];
        let expected = [
            "accept-encoding: identity",
            "accept: application/json",
            "connection: close",
            &host,
            "mcp-protocol-version: 2025-03-26",
            &user_agent,
        ];
        assert_eq!(headers, expected);
        assert!(user_agent.starts_with("user-agent: libmcp/"), "{user_agent}");
    }

    #[test]
    fn posts_return_responses_of_any_status() {
        let (listener, address) = listener();
        let server = serve(listener, vec![response(400, "Retry-After: 7\r\n", r#"{"error":"invalid_grant"}"#)]);
        let response = send_in_time(&foreign(LOCAL), &post(&format!("http://{address}/token?a=b")), NONE).unwrap();
        assert_eq!((response.status, response.retry_after_ms), (400, Some(7000)));
        assert_eq!(*response.body, br#"{"error":"invalid_grant"}"#);
        let sent = server.join().unwrap().remove(0);
        assert!(sent.starts_with("POST /token?a=b HTTP/1.1\r\n") && sent.ends_with("\r\n\r\ngrant_type=x"), "{sent}");
        assert!(sent.contains("content-type: application/x-www-form-urlencoded\r\n"), "{sent}");
        assert!(sent.contains("content-length: 12\r\n"), "{sent}");
    }

    #[test]
    fn a_get_follows_three_redirects_on_the_same_origin() {
        let locations = ["/b", "c?x", "/d", "/e"];
        let (first, address) = listener();
        let hops = [301, 302, 308].iter().zip(locations).map(|(status, location)| redirect(*status, location));
        let server = serve(first, hops.chain([response(200, "", "end")]).collect());
        let response = send_in_time(&foreign(LOCAL), &get(&format!("http://{address}/a")), NONE).unwrap();
        assert_eq!(*response.body, b"end");
        let paths = server.join().unwrap().into_iter().map(|request| request.split(' ').nth(1).unwrap().to_owned());
        assert_eq!(paths.collect::<Vec<_>>(), ["/a", "/b", "/c?x", "/d"]);

        let (first, address) = listener();
        let _server = serve(first, locations.iter().map(|location| redirect(307, location)).collect());
        let (status, message) = fails(&foreign(LOCAL), &get(&format!("http://{address}/a")), NONE);
        assert_eq!(status, MCP_REDIRECT_REFUSED);
        assert_eq!(message, format!("the metadata http://{address}/e: the server redirects more than 3 times"));
    }

    #[test]
    fn other_redirects_are_refused() {
        let (other, other_address) = listener();
        for (location, request) in [
            (format!("http://{other_address}/x"), get as fn(&str) -> ForeignRequest),
            (format!("http://localhost:{}/x", other_address.port()), get),
            ("ftp://x/".into(), get),
            ("/x".into(), post),
        ] {
            let (listener, address) = listener();
            let _server = serve(listener, vec![redirect(307, &location)]);
            let (status, message) = fails(&foreign(LOCAL), &request(&format!("http://{address}/a")), NONE);
            assert!(status == MCP_REDIRECT_REFUSED && message.contains(&format!("{address}/a: ")), "{message}");
        }
        assert_not_contacted(&other);
    }

    #[test]
    fn documents_are_limited_to_one_mebibyte() {
        let large = "x".repeat(MAX_BODY + 1);
        let chunked = format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n", large.len());
        for sent in [response(200, "", &large), chunked] {
            let (listener, address) = listener();
            let _server = serve(listener, vec![sent]);
            let (status, message) = fails(&foreign(LOCAL), &get(&format!("http://{address}/a")), NONE);
            assert!(status == MCP_TOO_LARGE && message.contains("1048576 bytes"), "{message}");
        }
        let (listener, address) = listener();
        let _server = serve(listener, vec![response(404, "", &large), response(200, "", &large[1..])]);
        let get = || send_in_time(&foreign(LOCAL), &get(&format!("http://{address}/a")), NONE).unwrap();
        assert_eq!((get().status, get().body.len()), (404, MAX_BODY));
    }

    #[test]
    fn failures_name_the_request_and_its_url() {
        let (listener, address) = listener();
        let url = format!("http://{address}/token?code=s3cr3t");
        let silent = foreign(LOCAL).send(&post(&url), NONE, &WaitContext::default().within(Duration::from_millis(50)));
        let error = silent.err().expect("no response");
        let expected = "the timeout of 50 ms passed while waiting for the server's response";
        assert_eq!(error.status(), MCP_TIMEOUT);
        assert_eq!(error.to_string(), format!("the token endpoint http://{address}/token?...: {expected}"));
        drop(listener);
        let (status, message) = fails(&foreign(LOCAL), &get(&url), NONE);
        assert!(status == MCP_CONNECT_FAILED && message.starts_with("the metadata http://127.0.0.1:"), "{message}");
        let (status, message) = fails(&foreign(LOCAL), &get("as.example"), NONE);
        assert!(status == MCP_INVALID_MESSAGE && message.starts_with("the URL of the metadata"), "{message}");
    }

    #[test]
    fn a_public_mcp_server_cannot_direct_requests_to_this_machine() {
        let (listener, address) = listener();
        let http = client(PUBLIC, |_| ());
        let (port, dns) = (address.port(), http.pool().factory().dns());
        dns.add("as.example", &[address]);
        let http = ForeignHttp::new(&http);
        for (url, exceptions) in [
            (format!("http://{address}/"), NONE),
            (format!("http://localhost:{port}/"), NONE),
            (format!("https://localhost:{port}/"), NONE),
            (format!("https://[::ffff:127.0.0.1]:{port}/"), NONE),
            (format!("https://as.example:{port}/"), NONE),
            (format!("http://as.example:{port}/"), AddressExceptions { private_addresses: true, ..NONE }),
        ] {
            let (status, message) = fails(&http, &get(&url), exceptions);
            assert!(status == MCP_INSECURE && message.starts_with("the metadata"), "{message}");
        }
        assert_not_contacted(&listener);
    }

    #[test]
    fn refused_addresses_of_a_name_are_skipped() {
        let (listener, address) = listener();
        let http = client(PUBLIC, |_| ());
        let private = SocketAddr::new("10.0.0.1".parse().unwrap(), address.port());
        http.pool().factory().dns().add("as.example", &[private, address]);
        let _server = serve(listener, vec![response(200, "", "x")]);
        let url = format!("http://as.example:{}/", address.port());
        assert_eq!(*send_in_time(&ForeignHttp::new(&http), &get(&url), PLAIN_HTTP).unwrap().body, b"x");
    }

    #[test]
    fn the_unix_socket_of_the_client_is_not_used() {
        let (listener, address) = listener();
        let http = client("http://mcp/", |options| options.unix_socket = Some(PathBuf::from("/does/not/exist")));
        let _server = serve(listener, vec![response(200, "", "x")]);
        let response = send_in_time(&ForeignHttp::new(&http), &get(&format!("http://{address}/")), NONE);
        assert_eq!(*response.unwrap().body, b"x");
    }

    #[test]
    fn only_hosts_are_checked_if_a_proxy_does_the_lookup() {
        let (listener, address) = listener();
        let proxy = Proxy::parse(&format!("http://{address}")).unwrap();
        let http = client(PUBLIC, |options| options.proxy = ProxyChoice::Set(Arc::new(proxy)));
        let http = ForeignHttp::new(&http);
        for url in ["https://10.0.0.1/", "https://2130706433/", "https://localhost/", "http://as.example/"] {
            assert_eq!(fails(&http, &get(url), NONE).0, MCP_INSECURE, "{url}");
        }
        let proxy = serve(listener, vec![response(403, "", "")]);
        assert_eq!(fails(&http, &get("https://as.example/"), NONE).0, MCP_PROXY_FAILED);
        assert!(proxy.join().unwrap()[0].starts_with("CONNECT as.example:443 HTTP/1.1\r\n"));
    }

    #[test]
    fn the_own_origin_may_publish_documents_over_plain_http() {
        let (listener, address) = listener();
        let url = format!("http://intranet.example:{}/mcp", address.port());
        let http = client(&url, |_| ());
        http.pool().factory().dns().add("intranet.example", &[address]);
        let _server = serve(listener, vec![response(200, "", "x")]);
        let http = ForeignHttp::new(&http);
        assert_eq!(*send_in_time(&http, &get(&url), NONE).unwrap().body, b"x");
        assert_eq!(fails(&http, &post(&url), NONE).0, MCP_INSECURE);
    }
}
