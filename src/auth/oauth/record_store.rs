//! Where records are kept: in memory only, in a folder, or with the application's callbacks.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::folder_store::FolderStore;
use crate::call::callback_scope::run_callback;
use crate::error::{Error, Result};
use crate::status::MCP_OAUTH_FAILED;
use crate::sys::lock_file::LockFile;
use crate::sys::wait::WaitContext;

/// A place for records. Their texts are opaque to it.
#[derive(Clone)]
pub enum RecordStore {
    /// Records are kept by the client only.
    Memory,
    Folder(FolderStore),
    Custom(Arc<dyn CustomStore>),
}

/// The application's callbacks of a store. They may run on any thread, but not at the same time for one record.
pub trait CustomStore: Send + Sync {
    fn load(&self, request: &mut StoreRequest);
    /// Saves the text of the request, or removes the record if it has none.
    fn save(&self, request: &mut StoreRequest);
    /// Blocks until no other process uses the record.
    fn lock(&self, request: &mut StoreRequest);
    fn unlock(&self, request: &mut StoreRequest);
}

/// The argument of a callback of a store. No `Debug`: the text contains tokens.
pub struct StoreRequest {
    pub key: String,
    pub text: Option<Zeroizing<String>>,
    failure: Option<String>,
}

/// A locked record; dropping it releases the lock.
pub(super) enum RecordLock {
    /// Nothing else uses the record.
    NotNeeded,
    File {
        _file: LockFile,
    },
    Custom {
        _lock: CustomLock,
    },
}

/// Calls the unlock callback when it is dropped.
pub(super) struct CustomLock {
    store: Arc<dyn CustomStore>,
    key: String,
    owner: usize,
}

impl StoreRequest {
    fn new(key: &str, text: Option<Zeroizing<String>>) -> StoreRequest {
        StoreRequest { key: key.into(), text, failure: None }
    }

    pub fn fail(&mut self, reason: &str) {
        self.failure = Some(reason.into());
    }

    fn outcome(self, what: &str) -> Result<Option<Zeroizing<String>>> {
        match self.failure {
            None => Ok(self.text),
            Some(reason) => {
                Err(Error::new(MCP_OAUTH_FAILED, format!("the {what} callback of the OAuth store failed: {reason}")))
            }
        }
    }
}

/// Methods have a parameter `owner`: what [`run_callback`] needs.
impl RecordStore {
    /// Whether other processes may change the records.
    pub(super) fn is_shared(&self) -> bool {
        !matches!(self, RecordStore::Memory)
    }

    pub(super) fn load(&self, key: &str, owner: usize) -> Result<Option<Zeroizing<String>>> {
        match self {
            RecordStore::Memory => Ok(None),
            RecordStore::Folder(folder) => folder.load(key),
            RecordStore::Custom(store) => {
                let mut request = StoreRequest::new(key, None);
                run_callback(owner, || store.load(&mut request));
                request.outcome("load")
            }
        }
    }

    /// Saves a record; `None` removes it.
    pub(super) fn save(&self, key: &str, text: Option<Zeroizing<String>>, owner: usize) -> Result<()> {
        match (self, text) {
            (RecordStore::Memory, _) => Ok(()),
            (RecordStore::Folder(folder), Some(text)) => folder.save(key, &text),
            (RecordStore::Folder(folder), None) => folder.remove(key),
            (RecordStore::Custom(store), text) => {
                let mut request = StoreRequest::new(key, text);
                run_callback(owner, || store.save(&mut request));
                request.outcome("save").map(drop)
            }
        }
    }

    /// Waits until no other process uses the record. A callback of the application is not interrupted.
    pub(super) fn lock(&self, key: &str, owner: usize, wait_context: &WaitContext) -> Result<RecordLock> {
        match self {
            RecordStore::Memory => Ok(RecordLock::NotNeeded),
            RecordStore::Folder(folder) => folder.lock(key, wait_context).map(|file| RecordLock::File { _file: file }),
            RecordStore::Custom(store) => {
                let mut request = StoreRequest::new(key, None);
                run_callback(owner, || store.lock(&mut request));
                request.outcome("lock")?;
                Ok(RecordLock::Custom { _lock: CustomLock { store: Arc::clone(store), key: key.into(), owner } })
            }
        }
    }
}

impl Drop for CustomLock {
    fn drop(&mut self) {
        let mut request = StoreRequest::new(&self.key, None);
        run_callback(self.owner, || self.store.unlock(&mut request));
    }
}
