//! The record of what clients sent, under the tag of their path.

use crate::http::Head;
use crate::state::lock;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// Records by tag.
pub struct Log {
    started: Instant,
    records: Mutex<HashMap<String, Vec<Value>>>,
}

/// Where a record is, to complete it later.
pub struct Place {
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
    pub fn add(&self, tag: &str, connection: u64, head: &Head, body: &[u8], rpc_method: Option<&str>) -> Place {
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
        Place { tag: tag.into(), index: list.len() - 1 }
    }

    /// Notes that the client went away while this request waited: how cancelling looks from here.
    pub fn closed(&self, place: &Place) {
        let now = self.milliseconds();
        if let Some(record) = lock(&self.records).get_mut(&place.tag).and_then(|list| list.get_mut(place.index)) {
            record["closed_ms"] = now.into();
        }
    }

    /// The records of a tag as a JSON array.
    pub fn read(&self, tag: &str) -> Vec<u8> {
        let records = lock(&self.records);
        let list = records.get(tag).map(Vec::as_slice).unwrap_or_default();
        serde_json::to_vec(list).unwrap_or_default()
    }

    /// Forgets the records of a tag.
    pub fn clear(&self, tag: &str) {
        lock(&self.records).remove(tag);
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
