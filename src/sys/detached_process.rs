//! Processes that continue when this process or its terminal ends, such as a browser.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::child_process::{POLL_INTERVAL, ProcessCommand, open_pidfd};
use super::thread;
use super::wait::{Interest, Interrupt, WaitContext};
use super::waitable::Waitable;

/// A process in a separate session, with /dev/null as its standard streams. If it is running when this value is
/// dropped, a thread waits for its exit, so that it does not become a zombie.
pub struct DetachedProcess {
    /// `None` once the process has exited and was reaped.
    child: Option<Child>,
    /// Readable once the process has exited; `None` on systems without pidfd.
    pidfd: Option<OwnedFd>,
}

impl DetachedProcess {
    /// Starts a command. The file for its stderr is not used.
    pub fn start(command: &ProcessCommand) -> io::Result<DetachedProcess> {
        let mut prepared = command.command()?;
        prepared.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: it only makes a system call, which is allowed between fork and exec.
        unsafe { prepared.pre_exec(leave_session) };
        let child = command.spawn(&mut prepared)?;
        Ok(DetachedProcess { pidfd: open_pidfd(child.id()), child: Some(child) })
    }

    /// Waits until the process has exited, at most for `limit`, and reaps it. `None` if it is still running.
    pub fn wait(&mut self, limit: Duration, wait_context: &WaitContext) -> Result<Option<ExitStatus>, Interrupt> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.try_reap() {
                return Ok(Some(status));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            match &self.pidfd {
                Some(pidfd) => wait_context.wait_any(&[(Waitable::of(pidfd), Interest::Read)], Some(left))?,
                None => wait_context.wait_any(&[], Some(left.min(POLL_INTERVAL)))?,
            };
        }
    }

    /// The status of the process if it has exited.
    fn try_reap(&mut self) -> Option<ExitStatus> {
        let status = match self.child.as_mut()?.try_wait() {
            Ok(status) => status?,
            // The host process has reaped it, or ignores SIGCHLD. Its status is lost: assume success.
            Err(_) => ExitStatus::default(),
        };
        self.child = None;
        Some(status)
    }
}

impl Drop for DetachedProcess {
    fn drop(&mut self) {
        if self.try_reap().is_none()
            && let Some(mut child) = self.child.take()
        {
            // If no thread can be created, the process remains a zombie after its exit until this process ends.
            let _ = thread::spawn("mcp-reaper", move || {
                let _ = child.wait();
            });
        }
    }
}

/// Starts a new session: the terminal's signals, also when it is closed, do not reach the process.
fn leave_session() -> io::Result<()> {
    // SAFETY: takes no pointers. Fails only for the leader of a process group, which a new process is not.
    unsafe { libc::setsid() };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::child_process::StopTimeouts;
    use crate::sys::test_folder::TestFolder;
    use std::fs;
    use std::path::Path;

    const LONG: Duration = Duration::from_secs(60);

    fn start(script: &str, argument: &Path) -> DetachedProcess {
        let argv = ["/bin/sh", "-c", script, argument.to_str().unwrap()].map(String::from).to_vec();
        let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let stop_timeouts = StopTimeouts::default();
        DetachedProcess::start(&ProcessCommand { argv, environment, directory: None, stderr: None, stop_timeouts })
            .unwrap()
    }

    fn id(process: &DetachedProcess) -> libc::pid_t {
        process.child.as_ref().unwrap().id() as libc::pid_t
    }

    /// Whether the process exists, also as a zombie.
    fn exists(id: libc::pid_t) -> bool {
        // SAFETY: takes no pointers. Signal 0 only checks whether the process exists.
        unsafe { libc::kill(id, 0) == 0 }
    }

    #[test]
    fn the_exit_status_is_returned_and_the_process_reaped() {
        let mut process = start("exit 3", Path::new("/"));
        let id = id(&process);
        let status = process.wait(LONG, &WaitContext::default()).unwrap().unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(!exists(id));
    }

    #[test]
    fn the_process_has_a_session_and_no_streams() {
        let base = TestFolder::new();
        let output = base.0.join("output");
        let script = "(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2; cut -d' ' -f6 /proc/$$/stat) > $0";
        let mut process = start(script, &output);
        let id = id(&process);
        assert!(process.wait(LONG, &WaitContext::default()).unwrap().unwrap().success());
        let expected = format!("/dev/null\n/dev/null\n/dev/null\n{id}\n");
        if cfg!(target_os = "linux") {
            assert_eq!(fs::read_to_string(&output).unwrap(), expected);
        }
    }

    // The processes of the following tests end without the test, even if it fails or is killed.

    #[test]
    fn a_running_process_continues_and_is_reaped_later() {
        let base = TestFolder::new();
        let output = base.0.join("output");
        let process = start("sleep 0.2; echo done > $0", &output);
        let (id, exit) = (id(&process), open_pidfd(process.child.as_ref().unwrap().id()));
        drop(process);
        if let Some(exit) = exit {
            WaitContext::default().wait(Waitable::of(&exit), Interest::Read).unwrap();
        }
        while exists(id) {
            std::thread::yield_now();
        }
        assert_eq!(fs::read_to_string(&output).unwrap(), "done\n");
    }

    #[test]
    fn a_passed_deadline_ends_the_wait_for_an_exit() {
        let mut process = start("sleep 3", Path::new("/"));
        assert!(process.wait(Duration::ZERO, &WaitContext::default()).unwrap().is_none());
        let expired = WaitContext::until(Instant::now());
        assert!(matches!(process.wait(LONG, &expired), Err(Interrupt::TimedOut)));
    }
}
