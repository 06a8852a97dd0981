//! The server of the benchmark. It must use less CPU time than any client, so it does as little as possible: one thread
//! for each connection, one pass over the request, and a response that consists of constant parts and the text of the
//! caller, which is never decoded, encoded or copied.
//!
//! It prints its port, and exits at the end of its standard input. Built with the feature `tls` and started with
//! `--tls CERT KEY` (PEM files), it accepts only TLS. The path selects the protocol version and the form of responses:
//!
//!     /legacy/json   initialize and a session; responses are JSON
//!     /legacy/sse    initialize and a session; responses are event streams
//!     /modern/json   server/discover, no session; responses are JSON
//!     /modern/sse    server/discover, no session; responses are event streams
//!     ?tools=N       after one of these: the list has N generated tools, which return their text like "echo"
//!     ?members=N     after one of these: the list of tools has N members that no client knows
//!     /stats         GET: the number of requests, and their CPU time

mod connection;
mod http;
mod json;
mod lists;
mod mcp;
mod reply;
mod stats;
mod tls;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

fn main() -> std::io::Result<()> {
    let tls = tls::from_arguments(std::env::args().skip(1));
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = tls.clone();
            thread::spawn(move || connection::serve(stream, &tls));
        }
    });
    // Nothing is written to the standard input. It ends when the parent process ends or closes it.
    let mut ignored = [0; 64];
    while std::io::stdin().read(&mut ignored)? > 0 {}
    Ok(())
}
