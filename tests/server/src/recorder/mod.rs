//! A reverse proxy that records every request.
//!
//! It forwards bytes without delay, and changes only the Host header. It parses the framing only to find the ends of
//! messages. So event streams work, and a test sees exactly what a client sent.

mod pump;
mod record;

pub use record::{Recorder, Requirement};

use crate::serve::accept;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

/// Listens on loopback, forwards to `target` (host and port), and returns the port.
pub fn listen(port: u16, target: String, recorder: Arc<Recorder>) -> io::Result<u16> {
    accept(port, move |client| {
        let (target, recorder) = (target.clone(), recorder.clone());
        let number = recorder.connection_opened();
        move || {
            if let Err(error) = connection(client, &target, number, &recorder) {
                eprintln!("mcp-recorder: connection {number}: {error}");
            }
            recorder.connection_closed();
        }
    })
}

/// Forwards both directions on separate threads, because a response may begin before its request has ended.
fn connection(client: TcpStream, target: &str, number: u64, recorder: &Recorder) -> io::Result<()> {
    client.set_nodelay(true)?;
    let server = TcpStream::connect(target)?;
    server.set_nodelay(true)?;
    let (started, pending) = channel();
    thread::scope(|scope| {
        let requests = || {
            let result = pump::requests(&client, &server, target, number, recorder, &started);
            drop(started);
            // The client has disconnected: the server must notice, or a cancelled call would continue there.
            let _ = server.shutdown(Shutdown::Both);
            result
        };
        let (from, to) = (&server, &client);
        let responses = scope.spawn(move || {
            let result = pump::responses(from, to, recorder, &pending);
            let _ = to.shutdown(Shutdown::Both);
            // Requests without a response are recorded, too.
            pending.iter().for_each(|mut pending| pending.write(recorder, None));
            result
        });
        let (requests, responses) = (requests(), responses.join().unwrap_or(Ok(())));
        only_protocol_errors(requests).and(only_protocol_errors(responses))
    })
}

/// Keeps only protocol errors: interrupted connections are part of the tests, and are not logged.
fn only_protocol_errors(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(error),
        _ => Ok(()),
    }
}
