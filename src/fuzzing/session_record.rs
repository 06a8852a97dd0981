//! Saved sessions.

use super::oauth::check_error_text;
use crate::protocol::session_record::SessionRecord;
use crate::session::saved_session::{SavedFor, SavedSession, ServerIdentity};
use crate::transport::interface::TransportKind;

/// In values of an input that no error may show.
const SECRET: &str = "zqxw";

const TRANSPORTS: &[TransportKind] = &[TransportKind::StreamableHttp, TransportKind::Sse];

/// A text that another client has saved, or that someone has changed.
pub fn session_record(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let record = match SessionRecord::parse(text) {
        Ok(record) => record,
        Err(why) => {
            check_error_text(&why);
            return assert!(!why.contains(SECRET), "{why:?}");
        }
    };
    let written = record.to_json(0);
    let again = SessionRecord::parse(&written).unwrap_or_else(|why| panic!("{why}: {written:?}"));
    assert_eq!(again.to_json(0), written);
    let server = ServerIdentity { shown: &record.server, whole: String::new().into() };
    let client = SavedFor { server: &server, transports: TRANSPORTS, pinned: None };
    let of_another = SavedSession::parse(text, &client).err().expect("a hash cannot be guessed");
    check_error_text(&of_another.to_string());
    let of_this = SessionRecord { server: record.server.clone(), server_hash: server.hash("salt"), ..again }.to_json(0);
    match SavedSession::parse(&of_this, &client) {
        Ok(saved) => {
            let id = saved.id.as_ref().map(|id| id.to_str().expect("ASCII"));
            assert_eq!(id, record.session_id.as_deref());
            assert!(saved.discovered.transport_kind.supports_modern() || record.version < "2026");
        }
        Err(error) => check_error_text(&error.to_string()),
    }
}
