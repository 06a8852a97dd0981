use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::*;
use crate::sys::pollable_event::PollableEvent;

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const REQUEST: &[u8] = b"GET /callback?code=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Waits that fail the test instead of hanging.
fn limited() -> WaitContext {
    WaitContext::until(Instant::now() + Duration::from_secs(60))
}

fn connect(listener: &RedirectListener) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, listener.port())).unwrap()
}

/// A client that sends `request`, and returns what it receives until the connection is closed.
fn client(address: (IpAddr, u16), request: &'static [u8]) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    })
}

fn next(listener: &mut RedirectListener) -> RedirectRequest {
    listener.next_request(None, &limited()).unwrap().unwrap()
}

#[test]
fn a_request_gets_its_response() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    assert_ne!(listener.port(), 0);
    let browser = client((Ipv4Addr::LOCALHOST.into(), listener.port()), REQUEST);
    let request = next(&mut listener);
    assert_eq!(*request.head, REQUEST);
    listener.respond(&request, RESPONSE);
    listener.finish(&limited());
    assert_eq!(browser.join().unwrap(), RESPONSE);
}

#[test]
fn localhost_is_both_addresses_on_one_port() {
    let mut listener = RedirectListener::bind("LOCALHOST", 0).unwrap();
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        let has_address = listener.listeners.iter().any(|each| each.local_addr().unwrap().ip() == address);
        if !has_address && TcpListener::bind((address, 0)).is_err() {
            continue; // this machine does not have the family
        }
        let browser = client((address, listener.port()), REQUEST);
        let request = next(&mut listener);
        listener.respond(&request, RESPONSE);
        assert_eq!(browser.join().unwrap(), RESPONSE);
    }
}

#[test]
fn only_loopback_hosts_are_accepted() {
    for host in ["0.0.0.0", "[::]", "192.0.2.1", "example.com", "::1", "[127.0.0.1]", ""] {
        let error = RedirectListener::bind(host, 0).unwrap_err();
        assert!(error.kind() == io::ErrorKind::InvalidInput && error.to_string().contains("not a loopback"), "{error}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let error = RedirectListener::bind("127.0.0.1", taken.port()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(
        error.to_string(),
        format!("cannot listen on port {} of 127.0.0.1: another program uses it", taken.port())
    );
}

#[test]
fn a_port_can_be_used_again_after_a_response() {
    // Another test may get the port in between, so one success of several attempts is sufficient.
    let is_reusable = (0..8).any(|_| {
        let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
        let port = listener.port();
        let browser = client((Ipv4Addr::LOCALHOST.into(), port), REQUEST);
        let request = next(&mut listener);
        // This side closes first, so its connection stays in TIME_WAIT.
        listener.respond(&request, RESPONSE);
        assert_eq!(browser.join().unwrap(), RESPONSE);
        drop(listener);
        RedirectListener::bind("127.0.0.1", port).is_ok()
    });
    assert!(is_reusable);
}

#[test]
fn silent_and_slow_clients_do_not_block_a_request() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let mut others: Vec<_> = (0..50).map(|_| connect(&listener)).collect();
    for slow in others.iter_mut().step_by(2) {
        slow.write_all(b"GET /").unwrap();
    }
    let browser = client((Ipv4Addr::LOCALHOST.into(), listener.port()), REQUEST);
    let request = next(&mut listener);
    assert_eq!(*request.head, REQUEST);
    assert!(listener.connections.len() <= MAX_CONNECTIONS);
    listener.respond(&request, RESPONSE);
    listener.finish(&limited());
    assert_eq!(browser.join().unwrap(), RESPONSE);
}

#[test]
fn the_oldest_connection_is_closed_for_a_new_one() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let mut oldest = connect(&listener);
    let _spare: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connect(&listener)).collect();
    let browser = client((Ipv4Addr::LOCALHOST.into(), listener.port()), REQUEST);
    let request = next(&mut listener);
    assert_eq!(oldest.read(&mut [0; 8]).unwrap(), 0);
    listener.respond(&request, RESPONSE);
    assert_eq!(browser.join().unwrap(), RESPONSE);
}

#[test]
fn a_client_that_does_not_speak_http_is_disconnected() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    // The beginning of a TLS handshake.
    let mut garbage = connect(&listener);
    garbage.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").unwrap();
    let browser = client((Ipv4Addr::LOCALHOST.into(), listener.port()), REQUEST);
    let request = next(&mut listener);
    let end = garbage.read(&mut [0; 8]);
    assert!(matches!(end, Ok(0)) || end.unwrap_err().kind() == io::ErrorKind::ConnectionReset);
    listener.respond(&request, RESPONSE);
    assert_eq!(browser.join().unwrap(), RESPONSE);
}

#[test]
fn a_head_may_arrive_in_pieces() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let mut browser = connect(&listener);
    browser.set_nodelay(true).unwrap();
    let browser = thread::spawn(move || {
        REQUEST.iter().for_each(|byte| browser.write_all(&[*byte]).unwrap());
        browser
    });
    assert_eq!(*next(&mut listener).head, REQUEST);
    drop(browser.join().unwrap());
}

#[test]
fn the_end_of_a_head_is_found_wherever_it_was_divided() {
    for head in [&b"GET / HTTP/1.1\r\nA: b\r\n\r\n"[..], b"GET / HTTP/1.1\nA: b\n\n", b"GET / HTTP/1.1\nA: b\n\r\n"] {
        let bytes = [head, b"body\r\n\r\n"].concat();
        for first in 0..head.len() {
            assert_eq!(head_end(&bytes[..first], 0), None);
            assert_eq!(head_end(&bytes, first.saturating_sub(2)), Some(head.len()));
        }
    }
}

/// Lets the listener work until the client has its response. Returns that.
fn serve(listener: &mut RedirectListener, client: thread::JoinHandle<Vec<u8>>) -> Vec<u8> {
    let wakeup = Arc::new(PollableEvent::new().unwrap());
    let done = thread::spawn({
        let wakeup = Arc::clone(&wakeup);
        move || {
            let answer = client.join();
            wakeup.set();
            answer
        }
    });
    assert!(listener.next_request(Some(wakeup.waitable()), &limited()).unwrap().is_none());
    done.join().unwrap().unwrap()
}

#[test]
fn a_head_that_is_too_large_is_rejected() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let large: &'static [u8] = [b"GET /".to_vec(), vec![b'a'; 3 * MAX_HEAD]].concat().leak();
    let sender = client((Ipv4Addr::LOCALHOST.into(), listener.port()), large);
    assert_eq!(serve(&mut listener, sender), TOO_LARGE_RESPONSE);
}

#[test]
fn an_unread_body_does_not_destroy_the_response() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let post: &'static [u8] = [&b"POST / HTTP/1.1\r\n\r\n"[..], &[b'x'; 100_000]].concat().leak();
    let sender = client((Ipv4Addr::LOCALHOST.into(), listener.port()), post);
    let request = next(&mut listener);
    assert_eq!(*request.head, b"POST / HTTP/1.1\r\n\r\n");
    listener.respond(&request, RESPONSE);
    assert_eq!(serve(&mut listener, sender), RESPONSE);
}

#[test]
fn a_large_response_is_sent_to_a_slow_client() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let mut browser = connect(&listener);
    browser.write_all(REQUEST).unwrap();
    let request = next(&mut listener);
    let response = vec![b'x'; 16 << 20];
    listener.respond(&request, &response);
    assert!(listener.connections.iter().all(LoopbackConnection::is_writing));
    let reader = thread::spawn(move || {
        let mut answer = Vec::new();
        browser.read_to_end(&mut answer).unwrap();
        answer.len()
    });
    listener.send_rest(&limited()).unwrap();
    drop(listener);
    assert_eq!(reader.join().unwrap(), response.len());
}

#[test]
fn finishing_does_not_wait_longer_than_a_timeout_for_a_client_that_does_not_read() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let mut browser = connect(&listener);
    browser.write_all(REQUEST).unwrap();
    let request = next(&mut listener);
    listener.respond(&request, &vec![b'x'; 16 << 20]);
    listener.finish(&WaitContext::until(Instant::now()));
}

#[test]
fn requests_that_arrived_together_are_all_returned() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let mut browsers: Vec<_> = (0..3).map(|_| connect(&listener)).collect();
    browsers.iter_mut().for_each(|browser| browser.write_all(REQUEST).unwrap());
    for _ in 0..3 {
        let request = next(&mut listener);
        listener.respond(&request, RESPONSE);
    }
    for browser in &mut browsers {
        let mut answer = Vec::new();
        browser.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, RESPONSE);
    }
}

#[test]
fn cancelling_ends_the_wait_for_a_request() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let _silent = connect(&listener);
    let cancel = Arc::new(PollableEvent::new().unwrap());
    let wait_context = WaitContext { cancel: Some(Arc::clone(&cancel)), ..limited() };
    let canceller = thread::spawn(move || cancel.set());
    assert!(matches!(listener.next_request(None, &wait_context), Err(Interrupt::Cancelled)));
    canceller.join().unwrap();
}

#[test]
fn a_passed_deadline_takes_precedence_over_a_request() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    connect(&listener).write_all(REQUEST).unwrap();
    let expired = WaitContext::until(Instant::now());
    assert!(matches!(listener.next_request(None, &expired), Err(Interrupt::TimedOut)));
}

#[test]
fn a_wakeup_ends_the_wait_for_a_request() {
    let mut listener = RedirectListener::bind("127.0.0.1", 0).unwrap();
    let wakeup = PollableEvent::new().unwrap();
    wakeup.set();
    assert!(listener.next_request(Some(wakeup.waitable()), &limited()).unwrap().is_none());
}
