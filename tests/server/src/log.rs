//! Records of requests, by the tag of their path.

use crate::http::Head;
use crate::state::lock;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// The records of all tags.
pub struct Log {
    started: Instant,
    records: Mutex<HashMap<String, Vec<Value>>>,
}

/// Identifies a record that may be completed later.
pub struct RecordId {
    tag: String,
    index: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self { started: Instant::now(), records: Mutex::default() }
    }
}

impl Log {
    /// Adds one request.
    pub fn add(&self, tag: &str, connection: u64, head: &Head, body: &[u8], rpc_method: Option<&str>) -> RecordId {
        let headers: Vec<_> = head.pairs().map(|(name, value)| json!([name, value])).collect();
        let record = json!({
            "connection": connection,
            "method": head.method(),
            "path": head.target(),
            "headers": headers,
            "body": String::from_utf8_lossy(body),
            "rpc_method": rpc_method,
            "ms": self.milliseconds(),
            "closed_ms": null,
        });
        let mut records = lock(&self.records);
        let list = records.entry(tag.into()).or_default();
        list.push(record);
        RecordId { tag: tag.into(), index: list.len() - 1 }
    }

    /// Records that the client disconnected while this request was waiting. A cancelled call looks like this to a
    /// server.
    pub fn closed(&self, record_id: &RecordId) {
        let now = self.milliseconds();
        if let Some(record) = lock(&self.records).get_mut(&record_id.tag).and_then(|list| list.get_mut(record_id.index))
        {
            record["closed_ms"] = now.into();
        }
    }

    /// The records of a tag as a JSON array.
    pub fn read(&self, tag: &str) -> Vec<u8> {
        let records = lock(&self.records);
        let list = records.get(tag).map(Vec::as_slice).unwrap_or_default();
        serde_json::to_vec(list).unwrap_or_default()
    }

    /// Deletes the records of a tag.
    pub fn clear(&self, tag: &str) {
        lock(&self.records).remove(tag);
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
