//! What the server itself costs, so that a run can show that it was not the bottleneck.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static OPEN: AtomicU64 = AtomicU64::new(0);
static REQUESTS: AtomicU64 = AtomicU64::new(0);
static NANOSECONDS: AtomicU64 = AtomicU64::new(0);

/// A connection's thread has started.
pub fn opened() {
    OPEN.fetch_add(1, SeqCst);
}

/// A connection's thread ends, after so many requests.
pub fn closed(requests: u64) {
    if requests > 0 {
        REQUESTS.fetch_add(requests, SeqCst);
        NANOSECONDS.fetch_add(thread_nanoseconds(), SeqCst);
    }
    OPEN.fetch_sub(1, SeqCst);
}

/// Connections that are open now (the one that asks among them), and what those that ended have cost in all.
pub fn text() -> String {
    let (open, requests, time) = (OPEN.load(SeqCst), REQUESTS.load(SeqCst), NANOSECONDS.load(SeqCst));
    format!(r#"{{"open":{open},"requests":{requests},"cpu_ns":{time}}}"#)
}

/// The processor time of this thread, as the scheduler counts it.
fn thread_nanoseconds() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}
