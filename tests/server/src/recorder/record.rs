//! The file of records, and the header that every request must have.

use crate::http::Head;
use crate::state::lock;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long to wait for the other thread to report that a body is complete.
const BODY_DELAY: Duration = Duration::from_millis(20);

/// A header that every request must have.
pub struct Requirement {
    name: String,
    value: String,
}

impl Requirement {
    /// Parses `Name: value`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once(':')?;
        Some(Self { name: name.trim().into(), value: value.trim().into() })
    }
}

/// The record file and the state that all connections share.
pub struct Recorder {
    file: Mutex<File>,
    requirement: Option<Requirement>,
    requests: AtomicU64,
    violations: Mutex<Vec<String>>,
    connections: AtomicU64,
    open: Mutex<u64>,
    closed: Condvar,
}

/// A request whose record is not written yet.
pub struct PendingRecord {
    /// The method, which determines the framing of the response.
    pub method: String,
    pub(super) number: u64,
    pub(super) head: Head,
    /// The body, once it is complete.
    pub(super) body: Receiver<Vec<u8>>,
    pub(super) content: Option<Vec<u8>>,
}

impl Recorder {
    /// Opens the file. Records are appended to its content.
    pub fn new(path: &Path, requirement: Option<Requirement>) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            file: Mutex::new(file),
            requirement,
            requests: AtomicU64::new(0),
            violations: Mutex::default(),
            connections: AtomicU64::new(0),
            open: Mutex::default(),
            closed: Condvar::new(),
        })
    }

    /// Checks a request against the requirement.
    pub fn check(&self, head: &Head) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if let Some(required) = &self.requirement
            && !head.all(&required.name).any(|value| value == required.value)
        {
            lock(&self.violations).push(format!("{} {}", head.method(), head.target()));
        }
    }

    /// How the requirement was violated, if it was. A run without any request is a violation, too: it has tested
    /// nothing.
    pub fn violation(&self) -> Option<String> {
        let Requirement { name, .. } = self.requirement.as_ref()?;
        if self.requests.load(Ordering::SeqCst) == 0 {
            return Some("no request was received".into());
        }
        let violations = lock(&self.violations);
        // The value is omitted: it is usually a token.
        (!violations.is_empty()).then(|| format!("requests without the required {name}: {}", violations.join(", ")))
    }

    pub(super) fn connection_opened(&self) -> u64 {
        *lock(&self.open) += 1;
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn connection_closed(&self) {
        *lock(&self.open) -= 1;
        self.closed.notify_all();
    }

    /// Waits until connections have ended, so that the file contains their last records.
    pub fn wait_for_connections(&self, limit: Duration) {
        let open = lock(&self.open);
        drop(self.closed.wait_timeout_while(open, limit, |open| *open > 0).unwrap_or_else(PoisonError::into_inner));
    }
}

impl PendingRecord {
    /// Whether the body is complete. It is not if the response came before the end of the request.
    pub fn is_complete(&mut self) -> bool {
        if self.content.is_none() {
            self.content = self.body.recv_timeout(BODY_DELAY).ok();
        }
        self.content.is_some()
    }

    /// Appends the record in one write, so that lines are not mixed. Waits for the end of the body; the record has no
    /// body if the client disconnected before its end.
    pub fn write(&mut self, recorder: &Recorder, response: Option<&Head>) {
        let content = self.content.take().or_else(|| self.body.recv().ok());
        let body = content.map(|content| String::from_utf8_lossy(&content).into_owned());
        let record = json!({
            "connection": self.number,
            "method": self.method,
            "path": self.head.target(),
            "headers": pairs(&self.head),
            "body": body,
            "status": response.and_then(Head::status),
            "response_headers": response.map(pairs),
        });
        if let Err(error) = lock(&recorder.file).write_all(format!("{record}\n").as_bytes()) {
            eprintln!("mcp-recorder: cannot write a record: {error}");
        }
    }
}

fn pairs(head: &Head) -> Value {
    head.pairs().map(|(name, value)| json!([name, value])).collect()
}
