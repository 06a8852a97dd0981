//! Files for secrets: only their owner can read them (0600), in a folder in which only its owner can create files.

use std::ffi::CString;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{file, process};

/// The end of the name of a file that is being written.
const TEMPORARY: &str = ".tmp";

/// A temporary file of this age was left by a process that died. Writing a file takes milliseconds.
const LEFTOVER_AGE: Duration = Duration::from_secs(60);

/// How often another temporary name is tried. A name may be taken if processes in two containers have the same id.
const MAX_NAME_ATTEMPTS: usize = 100;

const FILE_MODE: libc::c_uint = 0o600;

/// An open folder. Its files are found by the open folder and not by its path, which another program may change.
#[derive(Debug)]
pub struct PrivateFolder {
    folder: File,
    path: PathBuf,
}

impl PrivateFolder {
    /// Opens a folder. Fails if another user may create files in it.
    pub fn open(path: &Path) -> io::Result<PrivateFolder> {
        // A symbolic link to a folder is allowed: the folder itself is checked.
        let folder = File::options().read(true).custom_flags(libc::O_DIRECTORY).open(path)?;
        let metadata = folder.metadata()?;
        check_owner(metadata.uid())?;
        check_mode(metadata.mode())?;
        Ok(PrivateFolder { folder, path: path.to_owned() })
    }

    /// Opens a folder, and creates it and its missing parents (0700) if it does not exist.
    pub fn create(path: &Path) -> io::Result<PrivateFolder> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        PrivateFolder::open(path)
    }

    /// Reads a regular file of at most `limit` bytes. A symbolic link is not followed.
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        file::read_opened(self.open_file(name, libc::O_RDONLY | libc::O_NONBLOCK)?, limit)
    }

    /// Creates or replaces a file (0600). Whenever the process or the system ends, the file has the old or the new
    /// content.
    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.remove_temporary_files(name, LEFTOVER_AGE);
        let mut temporary = TemporaryFile::create(self, name)?;
        temporary.file.write_all(content)?;
        // Otherwise a crash of the system could leave a renamed file without content.
        temporary.file.sync_all()?;
        temporary.rename(name)?;
        // Not all file systems support this. Without it, a crash of the system may restore the old content.
        let _ = self.folder.sync_all();
        Ok(())
    }

    /// Removes a file, and what interrupted writes have left of it. Not an error if there is none.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_temporary_files(name, Duration::ZERO);
        match self.unlink(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Opens a file for a lock, and creates it (0600) if it does not exist.
    pub(super) fn open_or_create(&self, name: &str) -> io::Result<File> {
        // Some network file systems lock only files that are open for writing.
        self.open_file(name, libc::O_RDWR | libc::O_CREAT | libc::O_NONBLOCK)
    }

    fn open_file(&self, name: &str, flags: libc::c_int) -> io::Result<File> {
        let c_name = file_name(name)?;
        let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        loop {
            // SAFETY: the name is a NUL-terminated string; openat reads the mode only if it creates a file.
            let fd = unsafe { libc::openat(self.folder.as_raw_fd(), c_name.as_ptr(), flags, FILE_MODE) };
            if fd >= 0 {
                // SAFETY: the descriptor is new and has no other owner.
                return Ok(unsafe { File::from_raw_fd(fd) });
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::ELOOP) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link"));
                }
                _ => return Err(error),
            }
        }
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        let name = file_name(name)?;
        // SAFETY: the name is a NUL-terminated string.
        let failed = unsafe { libc::unlinkat(self.folder.as_raw_fd(), name.as_ptr(), 0) } < 0;
        if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Removes temporary files of `name` that are at least as old as `age`. Best effort.
    fn remove_temporary_files(&self, name: &str, age: Duration) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten() {
            let entry_name = entry.file_name();
            let Some(found) = entry_name.to_str().filter(|found| is_temporary(found, name)) else { continue };
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            if modified.is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed >= age)) {
                let _ = self.unlink(found);
            }
        }
    }
}

/// A file that is removed unless it is renamed.
struct TemporaryFile<'a> {
    folder: &'a PrivateFolder,
    name: String,
    file: File,
    is_renamed: bool,
}

impl TemporaryFile<'_> {
    /// Creates a file with a new name: two writers of one file must not write into the same temporary file.
    fn create<'a>(folder: &'a PrivateFolder, target: &str) -> io::Result<TemporaryFile<'a>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..MAX_NAME_ATTEMPTS {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{target}.{}-{number}{TEMPORARY}", process::id());
            match folder.open_file(&name, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL) {
                Ok(file) => return Ok(TemporaryFile { folder, name, file, is_renamed: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }

    fn rename(&mut self, target: &str) -> io::Result<()> {
        let (from, to) = (file_name(&self.name)?, file_name(target)?);
        let folder = self.folder.folder.as_raw_fd();
        // SAFETY: both names are NUL-terminated strings.
        if unsafe { libc::renameat(folder, from.as_ptr(), folder, to.as_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for TemporaryFile<'_> {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = self.folder.unlink(&self.name);
        }
    }
}

/// Whether `found` is a temporary file of `name`.
fn is_temporary(found: &str, name: &str) -> bool {
    found.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(TEMPORARY))
}

fn file_name(name: &str) -> io::Result<CString> {
    let is_plain = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
    let name = CString::new(name).ok().filter(|_| is_plain);
    name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it is not the name of a file"))
}

fn check_owner(owner: u32) -> io::Result<()> {
    // SAFETY: has no arguments, and cannot fail.
    let user = unsafe { libc::geteuid() };
    if owner == user || owner == 0 {
        return Ok(());
    }
    let why = format!("the folder belongs to another user (id {owner}; this process runs as {user})");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

fn check_mode(mode: u32) -> io::Result<()> {
    if mode & 0o022 == 0 {
        return Ok(());
    }
    let why = format!("other users may create files in the folder (mode {:04o}); run chmod 700 on it", mode & 0o7777);
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::test_folder::{TestFolder, create_fifo, names_in};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn folders_and_files_are_private() {
        let base = TestFolder::new();
        let path = base.0.join("a/b");
        let folder = PrivateFolder::create(&path).unwrap();
        folder.write("record", b"secret").unwrap();
        assert_eq!([mode(&base.0.join("a")), mode(&path), mode(&path.join("record"))], [0o700, 0o700, 0o600]);
        folder.open_or_create("lock").unwrap();
        assert_eq!(mode(&path.join("lock")), 0o600);
    }

    #[test]
    fn a_written_file_is_read_replaced_and_removed() {
        let base = TestFolder::new();
        let folder = PrivateFolder::create(&base.0).unwrap();
        for content in [&b"first, longer"[..], b"second", b""] {
            folder.write("record", content).unwrap();
            assert_eq!(*folder.read("record", 13).unwrap(), content);
        }
        assert_eq!(names_in(&base.0), ["record"]);
        folder.remove("record").unwrap();
        folder.remove("record").unwrap();
        assert_eq!(folder.read("record", 13).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn replacing_a_readable_file_makes_it_private() {
        let base = TestFolder::new();
        let record = base.0.join("record");
        fs::write(&record, "old").unwrap();
        set_mode(&record, 0o644);
        PrivateFolder::open(&base.0).unwrap().write("record", b"new").unwrap();
        assert_eq!(mode(&record), 0o600);
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        let base = TestFolder::new();
        for other_mode in [0o777, 0o1777, 0o720, 0o702] {
            set_mode(&base.0, other_mode);
            let error = PrivateFolder::create(&base.0).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(error.to_string().contains(&format!("(mode {other_mode:04o}); run chmod 700")), "{error}");
        }
        set_mode(&base.0, 0o755);
        PrivateFolder::create(&base.0).unwrap();
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        // SAFETY: has no arguments, and cannot fail.
        let user = unsafe { libc::geteuid() };
        assert!(check_owner(user).is_ok() && check_owner(0).is_ok());
        let error = check_owner(user + 1).unwrap_err().to_string();
        assert_eq!(error, format!("the folder belongs to another user (id {}; this process runs as {user})", user + 1));
    }

    #[test]
    fn a_missing_folder_is_not_found_and_a_file_is_not_a_folder() {
        let base = TestFolder::new();
        assert_eq!(PrivateFolder::open(&base.0.join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(base.0.join("file"), "").unwrap();
        assert!(PrivateFolder::create(&base.0.join("file")).is_err());
    }

    #[test]
    fn symbolic_links_are_not_followed() {
        let base = TestFolder::new();
        let folder = PrivateFolder::open(&base.0).unwrap();
        let target = base.0.join("target");
        fs::write(&target, "old").unwrap();
        symlink(&target, base.0.join("link")).unwrap();
        assert_eq!(folder.read("link", 100).unwrap_err().to_string(), "it is a symbolic link");
        assert_eq!(folder.open_or_create("link").unwrap_err().to_string(), "it is a symbolic link");
        folder.write("link", b"new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert_eq!(*folder.read("link", 100).unwrap(), b"new");
        symlink(&target, base.0.join("link2")).unwrap();
        folder.remove("link2").unwrap();
        assert!(target.exists() && !base.0.join("link2").exists());
    }

    #[test]
    fn large_and_special_files_are_not_read() {
        let base = TestFolder::new();
        let folder = PrivateFolder::open(&base.0).unwrap();
        folder.write("record", &[b'x'; 100]).unwrap();
        assert!(folder.read("record", 99).unwrap_err().to_string().contains("larger than 99 bytes"));
        fs::create_dir(base.0.join("folder")).unwrap();
        assert!(folder.read("folder", 99).unwrap_err().to_string().contains("directory"));
        create_fifo(&base.0.join("fifo"));
        assert!(folder.read("fifo", 99).unwrap_err().to_string().contains("FIFO"));
    }

    #[test]
    fn only_plain_names_are_accepted() {
        let base = TestFolder::new();
        let folder = PrivateFolder::open(&base.0).unwrap();
        for name in ["", ".", "..", "a/b", "/etc/passwd", "../a", "a\0b"] {
            assert_eq!(folder.read(name, 9).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(folder.write(name, b"x").unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(folder.remove(name).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        assert!(names_in(&base.0).is_empty());
    }

    #[test]
    fn a_failed_write_leaves_the_old_content_and_no_temporary_file() {
        let base = TestFolder::new();
        let folder = PrivateFolder::open(&base.0).unwrap();
        // A file cannot replace a folder.
        fs::create_dir(base.0.join("record")).unwrap();
        folder.write("record", b"new").unwrap_err();
        assert_eq!(names_in(&base.0), ["record"]);
    }

    #[test]
    fn temporary_files_of_dead_processes_are_removed() {
        let base = TestFolder::new();
        let folder = PrivateFolder::open(&base.0).unwrap();
        let (old, recent) = (base.0.join("record.7-1.tmp"), base.0.join("record.7-2.tmp"));
        let two_minutes_ago = std::time::SystemTime::now() - Duration::from_secs(120);
        File::create(&old).unwrap().set_modified(two_minutes_ago).unwrap();
        File::create(base.0.join("recorder.7-1.tmp")).unwrap().set_modified(two_minutes_ago).unwrap();
        File::create(&recent).unwrap();
        folder.write("record", b"new").unwrap();
        assert!(!old.exists() && recent.exists());
        folder.remove("record").unwrap();
        assert_eq!(names_in(&base.0), ["recorder.7-1.tmp"]);
    }

    #[test]
    fn concurrent_writers_replace_the_whole_file() {
        let base = TestFolder::new();
        let folder = PrivateFolder::open(&base.0).unwrap();
        let contents: Vec<Vec<u8>> = (b'a'..b'e').map(|byte| vec![byte; 5000 * byte as usize]).collect();
        folder.write("record", &contents[0]).unwrap();
        std::thread::scope(|scope| {
            for content in &contents {
                scope.spawn(|| (0..3).for_each(|_| folder.write("record", content).unwrap()));
            }
            for _ in 0..40 {
                assert!(contents.contains(&folder.read("record", 1 << 20).unwrap()));
            }
        });
        assert_eq!(names_in(&base.0), ["record"]);
    }
}
