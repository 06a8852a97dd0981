//! A reverse proxy that writes down every request.
//!
//! It forwards bytes as they come and follows the framing only to know where messages end, so
//! that event streams flow and a test sees what a client really sent.

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

/// Two pumps, so that a response may begin before its request has ended.
fn connection(client: TcpStream, target: &str, number: u64, recorder: &Recorder) -> io::Result<()> {
    client.set_nodelay(true)?;
    let server = TcpStream::connect(target)?;
    server.set_nodelay(true)?;
    let (started, awaited) = channel();
    thread::scope(|scope| {
        let up = || {
            let result = pump::requests(&client, &server, target, number, recorder, &started);
            drop(started);
            // The client left: the server must see it, or a cancelled call would go on there.
            let _ = server.shutdown(Shutdown::Both);
            result
        };
        let (from, to) = (&server, &client);
        let down = scope.spawn(move || {
            let result = pump::responses(from, to, recorder, &awaited);
            let _ = to.shutdown(Shutdown::Both);
            // What never got a response is written down as well.
            awaited.iter().for_each(|mut pending| pending.write(recorder, None));
            result
        });
        let (up, down) = (up(), down.join().unwrap_or(Ok(())));
        quiet(up).and(quiet(down))
    })
}

/// Connections that break are part of what is tested; only protocol errors are worth a line.
fn quiet(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(error),
        _ => Ok(()),
    }
}
