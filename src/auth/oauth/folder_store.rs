//! OAuth records as files in a folder, which processes share.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::keys::sha256;
use crate::call::interrupt::interrupt_error;
use crate::error::{Error, Result};
use crate::status::{MCP_INVALID_ARGUMENT, MCP_SYSTEM_ERROR};
use crate::sys::lock_file::{LockFile, LockFileError};
use crate::sys::private_file::PrivateFolder;
use crate::sys::wait::WaitContext;

/// The maximum size of a record, in bytes.
const MAX_RECORD: u64 = 1024 * 1024;

/// The folder of libmcp in the folder for the state of programs.
const SUBFOLDER: &str = "libmcp/oauth";

/// The folder for the state of programs, in the home folder.
const STATE_FOLDER: &str = if cfg!(target_vendor = "apple") { "Library/Application Support" } else { ".local/state" };

/// A folder with one file for each record, and one for its lock. The folder is created when something is written.
#[derive(Clone, Debug)]
pub struct FolderStore {
    folder: PathBuf,
}

impl FolderStore {
    /// A relative path is resolved now: the program may change its working directory later.
    pub fn new(folder: &Path) -> Result<FolderStore> {
        let folder = std::path::absolute(folder).map_err(|error| {
            Error::new(MCP_INVALID_ARGUMENT, format!("invalid OAuth folder {}: {error}", folder.display()))
        })?;
        Ok(FolderStore { folder })
    }

    /// The text of a record; `None` if it does not exist.
    pub fn load(&self, key: &str) -> Result<Option<Zeroizing<String>>> {
        let name = self.file_name(key);
        match PrivateFolder::open(&self.folder).and_then(|folder| folder.read(&name, MAX_RECORD)) {
            Ok(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
                Err(_) => Err(self.error("read", &name, "it is not UTF-8; remove the file and log in again")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error("read", &name, &error.to_string())),
        }
    }

    /// Creates or replaces a record.
    pub fn save(&self, key: &str, text: &str) -> Result<()> {
        let name = self.file_name(key);
        let saved = PrivateFolder::create(&self.folder).and_then(|folder| folder.write(&name, text.as_bytes()));
        saved.map_err(|error| self.error("write", &name, &error.to_string()))
    }

    /// Removes a record. Not an error if it does not exist.
    pub fn remove(&self, key: &str) -> Result<()> {
        let name = self.file_name(key);
        match PrivateFolder::open(&self.folder).and_then(|folder| folder.remove(&name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.error("remove", &name, &error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Waits until no other thread and no other process holds the lock of the record. It is released when it is dropped
    /// and when the process dies.
    pub fn lock(&self, key: &str, wait_context: &WaitContext) -> Result<LockFile> {
        let name = format!("{}.lock", self.file_name(key));
        let folder = PrivateFolder::create(&self.folder).map_err(LockFileError::Failed);
        let locked = folder.and_then(|folder| LockFile::acquire(&folder, &name, wait_context));
        locked.map_err(|error| match error {
            LockFileError::Stopped(interrupt) => {
                interrupt_error(&interrupt, "while waiting for another use of the OAuth record", wait_context)
            }
            LockFileError::Failed(error) => self.error("lock", &name, &error.to_string()),
        })
    }

    /// A key contains characters that are not allowed in file names, and may be longer than one.
    fn file_name(&self, key: &str) -> String {
        sha256(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn error(&self, doing: &str, name: &str, why: &str) -> Error {
        let path = self.folder.join(name);
        Error::new(MCP_SYSTEM_ERROR, format!("cannot {doing} the OAuth record {}: {why}", path.display()))
    }
}

/// The folder that is used if the program names none.
pub fn default_folder() -> Result<PathBuf> {
    default_folder_in(|name| std::env::var_os(name))
}

fn default_folder_in(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    // A relative path is invalid (XDG Base Directory Specification), and the meaning of one would change with the
    // working directory.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(STATE_FOLDER)));
    state.map(|state| state.join(SUBFOLDER)).ok_or_else(|| {
        Error::new(
            MCP_INVALID_ARGUMENT,
            "there is no default folder for OAuth records, because neither XDG_STATE_HOME nor HOME is an absolute \
             path; set one of them, or name a folder",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::MCP_TIMEOUT;
    use crate::sys::test_folder::{TestFolder, names_in};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    const KEY: &str = "https://mcp.example/mcp\nclient";
    /// `printf 'https://mcp.example/mcp\nclient' | sha256sum`
    const NAME: &str = "02a87d10a8301a1108fe05d7f63ccf427b57fd2d2e0b9fee05d6bba74433a7db";

    fn store(base: &TestFolder) -> FolderStore {
        FolderStore::new(&base.0.join("oauth")).unwrap()
    }

    #[test]
    fn a_record_is_loaded_as_it_was_saved() {
        let base = TestFolder::new();
        let store = store(&base);
        for text in ["{\"v\":1}", "", "{\"token\":\"é\"}"] {
            store.save(KEY, text).unwrap();
            assert_eq!(store.load(KEY).unwrap().unwrap().as_str(), text);
        }
        assert!(store.load("https://mcp.example/mcp\nother").unwrap().is_none());
        assert_eq!(names_in(&store.folder), [NAME]);
    }

    #[test]
    fn a_removed_record_does_not_exist() {
        let base = TestFolder::new();
        let store = store(&base);
        store.save(KEY, "x").unwrap();
        store.remove(KEY).unwrap();
        assert!(store.load(KEY).unwrap().is_none());
        store.remove(KEY).unwrap();
    }

    #[test]
    fn loading_and_removing_create_no_folder() {
        let base = TestFolder::new();
        let store = store(&base);
        assert!(store.load(KEY).unwrap().is_none());
        store.remove(KEY).unwrap();
        assert!(!base.0.join("oauth").exists());
    }

    #[test]
    fn a_lock_is_for_one_record() {
        let base = TestFolder::new();
        let store = store(&base);
        let limited = WaitContext::until(Instant::now() + Duration::from_secs(60));
        let held = store.lock(KEY, &limited).unwrap();
        store.lock("other", &limited).unwrap();
        let refused = store.lock(KEY, &WaitContext::default().within(Duration::from_millis(30))).unwrap_err();
        assert_eq!(refused.status(), MCP_TIMEOUT);
        assert_eq!(
            refused.to_string(),
            "the timeout of 30 ms passed while waiting for another use of the OAuth record"
        );
        // A record can be read and written while it is locked, and that does not release the lock.
        store.save(KEY, "x").unwrap();
        assert!(store.load(KEY).unwrap().is_some());
        assert!(store.lock(KEY, &WaitContext::default().within(Duration::ZERO)).is_err());
        drop(held);
        store.lock(KEY, &limited).unwrap();
        assert!(names_in(&store.folder).contains(&format!("{NAME}.lock")));
    }

    #[test]
    fn errors_name_the_file_and_not_its_content() {
        let base = TestFolder::new();
        let store = store(&base);
        store.save(KEY, "x").unwrap();
        let path = store.folder.join(NAME);
        fs::write(&path, b"secret\xff").unwrap();
        assert_eq!(
            store.load(KEY).unwrap_err().to_string(),
            format!(
                "cannot read the OAuth record {}: it is not UTF-8; remove the file and log in again",
                path.display()
            )
        );
    }

    #[test]
    fn a_folder_that_others_may_write_is_not_used() {
        let base = TestFolder::new();
        let store = store(&base);
        store.save(KEY, "x").unwrap();
        fs::set_permissions(&store.folder, fs::Permissions::from_mode(0o770)).unwrap();
        let limited = WaitContext::until(Instant::now() + Duration::from_secs(60));
        let errors = [
            store.load(KEY).map(drop).unwrap_err(),
            store.save(KEY, "y").unwrap_err(),
            store.remove(KEY).unwrap_err(),
            store.lock(KEY, &limited).map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().ends_with("(mode 0770); run chmod 700 on it"), "{error}");
        }
    }

    #[test]
    fn the_default_folder_is_the_state_folder() {
        let folder = |state: Option<&str>, home: Option<&str>| {
            default_folder_in(|name| match name {
                "XDG_STATE_HOME" => state.map(OsString::from),
                "HOME" => home.map(OsString::from),
                _ => None,
            })
        };
        let in_home = if cfg!(target_vendor = "apple") {
            "/home/u/Library/Application Support/libmcp/oauth"
        } else {
            "/home/u/.local/state/libmcp/oauth"
        };
        assert_eq!(folder(Some("/state"), Some("/home/u")).unwrap(), Path::new("/state/libmcp/oauth"));
        for state in [None, Some(""), Some("relative")] {
            assert_eq!(folder(state, Some("/home/u")).unwrap(), Path::new(in_home));
        }
        let error = folder(None, Some("")).unwrap_err();
        assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
        assert!(error.to_string().contains("neither XDG_STATE_HOME nor HOME"));
    }

    #[test]
    fn a_relative_folder_is_resolved_at_once() {
        let store = FolderStore::new(Path::new("some/folder")).unwrap();
        assert_eq!(store.folder, std::env::current_dir().unwrap().join("some/folder"));
        assert_eq!(FolderStore::new(Path::new("")).unwrap_err().status(), MCP_INVALID_ARGUMENT);
    }
}
