//! The CPU time of the server, with which a run can show that the server was not the bottleneck.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static OPEN: AtomicU64 = AtomicU64::new(0);
static REQUESTS: AtomicU64 = AtomicU64::new(0);
static NANOSECONDS: AtomicU64 = AtomicU64::new(0);

/// To be called when the thread of a connection starts.
pub fn opened() {
    OPEN.fetch_add(1, SeqCst);
}

/// To be called on the thread of a connection when it ends, with the number of its requests.
pub fn closed(requests: u64) {
    if requests > 0 {
        REQUESTS.fetch_add(requests, SeqCst);
        NANOSECONDS.fetch_add(thread_nanoseconds(), SeqCst);
    }
    OPEN.fetch_sub(1, SeqCst);
}

/// The number of open connections (including the current one), and the requests and CPU time of all closed connections.
pub fn text() -> String {
    let (open, requests, time) = (OPEN.load(SeqCst), REQUESTS.load(SeqCst), NANOSECONDS.load(SeqCst));
    format!(r#"{{"open":{open},"requests":{requests},"cpu_ns":{time}}}"#)
}

/// The CPU time of this thread, from the scheduler's statistics.
fn thread_nanoseconds() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}
