//! The server that the benchmark's clients talk to. It must cost less than any client, so it does as little as a server
//! can: a thread a connection, one pass over the request to find what is asked, and an answer made of fixed pieces
//! around the caller's own text, which is never decoded, encoded or copied.
//!
//! It prints its port, and ends when its standard input does. Built with the feature `tls` and started with
//! `--tls CERT KEY` (PEM files), it speaks TLS only. A path says how it answers:
//!
//!     /legacy/json   initialize and a session; answers are JSON
//!     /legacy/sse    the same, answers are event streams
//!     /modern/json   server/discover, no session; answers are JSON
//!     /modern/sse    the same, answers are event streams
//!     /stats         GET: how many requests were answered, and the processor time that took

mod connection;
mod http;
mod json;
mod mcp;
mod reply;
mod stats;
mod tls;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

fn main() -> std::io::Result<()> {
    let tls = tls::asked_for(std::env::args().skip(1));
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = tls.clone();
            thread::spawn(move || connection::serve(stream, &tls));
        }
    });
    // Nobody writes there: it ends when the parent does, or when that wants an end.
    let mut nothing = [0; 64];
    while std::io::stdin().read(&mut nothing)? > 0 {}
    Ok(())
}
