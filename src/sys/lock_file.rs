//! A lock that processes and threads share through a file. The system releases it when the process dies.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use super::private_file::PrivateFolder;
use super::process;
use super::wait::{Interrupt, WaitContext};

// How long to wait before the next attempt, at first and at most: the system cannot report in `poll` that a lock is
// free.
const MIN_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// Why a lock was not acquired.
#[derive(Debug)]
pub enum LockFileError {
    /// The wait was interrupted.
    Stopped(Interrupt),
    /// The file cannot be created, or its file system has no locks.
    Failed(io::Error),
}

/// An acquired lock, released when dropped. The file remains: if it were removed, a process that has it open and one
/// that creates it again could both hold the lock.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    /// A child process that was created by `fork` shares the lock, and must not release it.
    process: u32,
}

impl LockFile {
    /// Waits until no other thread and no other process holds the lock. The idle limit does not apply.
    pub fn acquire(folder: &PrivateFolder, name: &str, wait_context: &WaitContext) -> Result<LockFile, LockFileError> {
        let mut pause = MIN_PAUSE;
        wait_context.check().map_err(LockFileError::Stopped)?;
        loop {
            if let Some(lock) = LockFile::try_acquire(folder, name).map_err(LockFileError::Failed)? {
                return Ok(lock);
            }
            wait_context.wait_any(&[], Some(pause)).map_err(LockFileError::Stopped)?;
            pause = MAX_PAUSE.min(pause * 2);
        }
    }

    fn try_acquire(folder: &PrivateFolder, name: &str) -> io::Result<Option<LockFile>> {
        // Opened for each attempt, because another program may have removed the file since the last one.
        let file = folder.open_or_create(name)?;
        if !try_lock(&file)? {
            return Ok(None);
        }
        let lock = LockFile { file, process: process::id() };
        // It may also have been removed before it was locked: other processes then use another file.
        let is_current = is_same_file(&lock.file, &folder.open_or_create(name)?)?;
        Ok(is_current.then_some(lock))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if self.process == process::id() {
            // Not only by closing the file: a child process between fork and exec has it open, too.
            // SAFETY: takes no pointers.
            unsafe { libc::flock(self.file.as_raw_fd(), libc::LOCK_UN) };
        }
    }
}

/// Returns false if the lock is held.
fn try_lock(file: &File) -> io::Result<bool> {
    loop {
        // SAFETY: takes no pointers.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::WouldBlock => return Ok(false),
            io::ErrorKind::Interrupted => {}
            _ => return Err(error),
        }
    }
}

fn is_same_file(a: &File, b: &File) -> io::Result<bool> {
    let (a, b) = (a.metadata()?, b.metadata()?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pollable_event::PollableEvent;
    use crate::sys::test_folder::TestFolder;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    fn limited() -> WaitContext {
        WaitContext::until(Instant::now() + Duration::from_secs(60))
    }

    fn acquire(base: &TestFolder) -> LockFile {
        LockFile::acquire(&PrivateFolder::open(&base.0).unwrap(), "lock", &limited()).unwrap()
    }

    #[test]
    fn one_thread_holds_the_lock() {
        let base = TestFolder::new();
        let holders = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3 {
                        let _lock = acquire(&base);
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        holders.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn a_passed_deadline_ends_the_wait_for_a_lock() {
        let base = TestFolder::new();
        let _held = acquire(&base);
        let folder = PrivateFolder::open(&base.0).unwrap();
        for limit in [0, 30] {
            let wait_context = WaitContext::default().within(Duration::from_millis(limit));
            let refused = LockFile::acquire(&folder, "lock", &wait_context);
            assert!(matches!(refused, Err(LockFileError::Stopped(Interrupt::TimedOut))));
        }
    }

    #[test]
    fn cancelling_ends_the_wait_for_a_lock() {
        let base = TestFolder::new();
        let _held = acquire(&base);
        let cancel = Arc::new(PollableEvent::new().unwrap());
        let wait_context = WaitContext { cancel: Some(Arc::clone(&cancel)), ..limited() };
        let canceller = std::thread::spawn(move || cancel.set());
        let refused = LockFile::acquire(&PrivateFolder::open(&base.0).unwrap(), "lock", &wait_context);
        assert!(matches!(refused, Err(LockFileError::Stopped(Interrupt::Cancelled))));
        canceller.join().unwrap();
    }

    #[test]
    fn the_death_of_a_process_releases_its_lock() {
        let base = TestFolder::new();
        drop(acquire(&base));
        // A process that holds the lock: flock(1) locks the descriptor that the shell has open.
        let script = "exec 9<>\"$0\" && flock 9 && echo locked && read forever";
        let mut child = Command::new("sh");
        let child = child.args(["-c", script]).arg(base.0.join("lock")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        let folder = PrivateFolder::open(&base.0).unwrap();
        assert!(LockFile::try_acquire(&folder, "lock").unwrap().is_none());
        child.kill().unwrap();
        drop(acquire(&base));
        child.wait().unwrap();
    }

    #[test]
    fn a_lock_on_a_removed_file_does_not_count() {
        let base = TestFolder::new();
        let folder = PrivateFolder::open(&base.0).unwrap();
        let old = acquire(&base);
        std::fs::remove_file(base.0.join("lock")).unwrap();
        let new = acquire(&base);
        assert!(LockFile::try_acquire(&folder, "lock").unwrap().is_none());
        drop(old);
        assert!(LockFile::try_acquire(&folder, "lock").unwrap().is_none());
        drop(new);
        assert!(LockFile::try_acquire(&folder, "lock").unwrap().is_some());
    }

    #[test]
    fn an_error_of_the_file_is_reported() {
        let base = TestFolder::new();
        std::fs::create_dir(base.0.join("lock")).unwrap();
        let folder = PrivateFolder::open(&base.0).unwrap();
        let refused = LockFile::acquire(&folder, "lock", &limited());
        assert!(matches!(refused, Err(LockFileError::Failed(_))));
    }
}
