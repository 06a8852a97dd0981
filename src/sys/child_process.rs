//! Child processes. Their standard streams are pipes to this process, they inherit no other descriptors, and neither a
//! zombie nor a member of their process group remains after them.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::pipe::{self, ReadEnd, WriteEnd};
use super::wait::{Interest, WaitContext};
use super::waitable::Waitable;
use super::{exec, process};

/// How long to wait after SIGKILL. A process that takes longer hangs in the kernel.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// The interval between checks whether a process has exited, on systems that do not notify about it.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a process may take to exit when it is ended, before the next step is taken.
#[derive(Clone, Copy, Debug)]
pub struct StopTimeouts {
    /// After its stdin was closed: then its group gets SIGTERM.
    pub term: Duration,
    /// After SIGTERM: then its group gets SIGKILL.
    pub kill: Duration,
}

impl Default for StopTimeouts {
    fn default() -> StopTimeouts {
        let grace_period = Duration::from_secs(2);
        StopTimeouts { term: grace_period, kill: grace_period }
    }
}

/// The command for a child process.
#[derive(Clone, Debug)]
pub struct ProcessCommand {
    /// The program and its arguments. A program without a slash is searched in PATH.
    pub argv: Vec<String>,
    /// The complete environment. Of variables with the same name, the last one counts.
    pub environment: Vec<(String, String)>,
    /// The working directory; `None` for that of this process.
    pub directory: Option<PathBuf>,
    /// The file to which stderr is appended; `None` for a pipe.
    pub stderr: Option<PathBuf>,
    pub stop_timeouts: StopTimeouts,
}

/// A child process, and this process's ends of its pipes.
///
/// Its process id is also its process group id. After its exit it remains a zombie, so that the id is not reused, until
/// the group was ended: [`ChildProcess::reap`] must be called last.
pub struct ChildProcess {
    child: Child,
    pub stdin: Option<WriteEnd>,
    pub stdout: ReadEnd,
    /// `None` if stderr is written to a file.
    pub stderr: Option<ReadEnd>,
    /// Readable once the process has exited; `None` on systems without pidfd.
    pub pidfd: Option<OwnedFd>,
    state: ProcessState,
    /// The process that started it. A copy of this value in a fork must not end the process.
    parent: u32,
}

enum ProcessState {
    Running,
    /// It has exited, and its id is not reused yet.
    Exited(ExitDescription),
    /// Its id may have been reused for another process or group.
    Reaped(ExitDescription),
}

/// How a process exited, as text for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitDescription(pub String);

impl ProcessCommand {
    pub fn start(&self) -> io::Result<ChildProcess> {
        let (stdin, child_stdin) = pipe::to_child()?;
        let (stdout, child_stdout) = pipe::from_child()?;
        let mut command = self.command()?;
        command.stdin(Stdio::from(child_stdin)).stdout(Stdio::from(child_stdout));
        // A new process group: processes that the child starts are ended with it, and Ctrl-C in the terminal does not
        // reach it.
        command.process_group(0);
        let stderr = match &self.stderr {
            Some(path) => {
                let file =
                    open_for_appending(path).map_err(|error| with_subject("the file for its stderr", path, &error))?;
                command.stderr(Stdio::from(file));
                None
            }
            None => {
                let (stderr, child_stderr) = pipe::from_child()?;
                command.stderr(Stdio::from(child_stderr));
                Some(stderr)
            }
        };
        let child = self.spawn(&mut command)?;
        let pidfd = open_pidfd(child.id());
        Ok(ChildProcess {
            child,
            stdin: Some(stdin),
            stdout,
            stderr,
            pidfd,
            state: ProcessState::Running,
            parent: process::id(),
        })
    }

    /// The command without its standard streams.
    pub(super) fn command(&self) -> io::Result<Command> {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).env_clear().envs(self.environment.iter().cloned());
        if let Some(directory) = &self.directory {
            std::fs::metadata(directory.join("."))
                .map_err(|error| with_subject("its working directory", directory, &error))?;
            command.current_dir(directory);
        }
        Ok(command)
    }

    /// Starts the command with no other descriptors than its standard streams.
    pub(super) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // SAFETY: it only makes a system call, which is allowed between fork and exec.
        unsafe { command.pre_exec(close_inherited_on_exec) };
        command.spawn().map_err(|error| {
            let path = self.environment.iter().rfind(|(name, _)| name == "PATH").map(|(_, path)| path.as_str());
            exec::with_cause(error, &self.argv[0], path, self.directory.as_deref())
        })
    }
}

/// Opens a file for appending. A FIFO without a reader is an error: it is not waited for.
fn open_for_appending(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    // The child's writes may block.
    // SAFETY: takes no pointers. The descriptor is open.
    unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK);
    }
    Ok(file)
}

/// Adds the path that the error is about, to tell it apart from an error of the program.
fn with_subject(what: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}, {}: {error}", path.display()))
}

/// Kills and reaps a process that was not ended before, and its group.
impl Drop for ChildProcess {
    fn drop(&mut self) {
        if self.parent == process::id() && !self.is_reaped() {
            self.kill();
            let deadline = Instant::now() + KILL_TIMEOUT;
            while self.exit_description().is_none() && Instant::now() < deadline {
                let wait_context = WaitContext::until(deadline.min(Instant::now() + POLL_INTERVAL));
                let _ = match self.exit_waitable() {
                    Some(pidfd) => wait_context.wait(pidfd, Interest::Read),
                    None => wait_context.wait_any(&[], None).map(|_| ()),
                };
            }
            self.reap();
        }
    }
}

impl ChildProcess {
    /// How the process exited; `None` while it is running. Does not reap it.
    pub fn exit_description(&mut self) -> Option<ExitDescription> {
        if let ProcessState::Running = self.state {
            // SAFETY: an all-zero siginfo_t is a valid value of the type.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            // SAFETY: `info` is writable.
            let failed =
                unsafe { libc::waitid(libc::P_PID, self.child.id() as libc::id_t, &raw mut info, options) } < 0;
            if failed {
                // The host process has reaped it, or ignores SIGCHLD.
                self.state = ProcessState::Reaped(ExitDescription("ended".into()));
            // SAFETY: waitid has initialized it. The pid is zero if the process is running.
            } else if unsafe { info.si_pid() } != 0 {
                self.state = ProcessState::Exited(describe(&info));
            }
        }
        match &self.state {
            ProcessState::Running => None,
            ProcessState::Exited(description) | ProcessState::Reaped(description) => Some(description.clone()),
        }
    }

    fn is_reaped(&self) -> bool {
        matches!(self.state, ProcessState::Reaped(_))
    }

    /// Sends SIGTERM to its process group.
    pub fn terminate(&mut self) {
        self.signal(libc::SIGTERM);
    }

    /// Sends SIGKILL to its process group.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
    }

    /// Sends a signal to its process group, even if the process itself has exited.
    fn signal(&mut self, signal: libc::c_int) {
        if self.signal_by_pidfd(signal) {
            return;
        }
        self.exit_description();
        if !self.is_reaped() {
            // SAFETY: takes no pointers.
            unsafe { libc::kill(-(self.child.id() as libc::pid_t), signal) };
        }
    }

    /// Sends the signal with the pidfd, which identifies the group even if its id was reused. Returns false if the
    /// system does not support that (before Linux 6.9).
    fn signal_by_pidfd(&self, signal: libc::c_int) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(pidfd) = &self.pidfd {
            const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 4;
            let (fd, no_info) = (pidfd.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
            // SAFETY: info may be NULL: the system then fills in the same values as for kill.
            let sent =
                unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_info, PIDFD_SIGNAL_PROCESS_GROUP) }
                    == 0;
            return sent || io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
        }
        let _ = signal;
        false
    }

    /// Whether the process or another process of its group is running. False for other processes if the system does not
    /// tell.
    pub fn is_group_running(&mut self) -> bool {
        self.exit_description().is_none() || is_group_running(self.child.id() as libc::pid_t)
    }

    /// Reaps the process if it has exited. Its group cannot be signaled afterwards.
    pub fn reap(&mut self) {
        let Some(description) = self.exit_description().filter(|_| !self.is_reaped()) else { return };
        let _ = self.child.wait();
        self.state = ProcessState::Reaped(description);
    }

    /// Readable once the process has exited; `None` on systems without pidfd.
    pub fn exit_waitable(&self) -> Option<Waitable<'_>> {
        self.pidfd.as_ref().map(Waitable::of)
    }
}

/// Whether a process of the group is running, possibly as another user. Zombies do not count.
#[cfg(target_os = "linux")]
fn is_group_running(group: libc::pid_t) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let is_number = |name: &[u8]| name.iter().all(u8::is_ascii_digit);
    let mut processes = processes.flatten().filter(|entry| is_number(entry.file_name().as_encoded_bytes()));
    processes.any(|entry| std::fs::read(entry.path().join("stat")).is_ok_and(|stat| is_running_in(&stat, group)))
}

/// Whether `stat`, the content of `/proc/PID/stat`, describes a running process in `group`. The format is "PID (NAME)
/// STATE PARENT GROUP ...", where the name may contain any bytes.
#[cfg(target_os = "linux")]
fn is_running_in(stat: &[u8], group: libc::pid_t) -> bool {
    let Some(name_end) = stat.iter().rposition(|byte| *byte == b')') else { return false };
    let Ok(rest) = std::str::from_utf8(&stat[name_end + 1..]) else { return false };
    let mut fields = rest.split_ascii_whitespace();
    let is_alive = fields.next().is_some_and(|state| !matches!(state, "Z" | "X" | "x"));
    is_alive && fields.nth(1).and_then(|number| number.parse().ok()) == Some(group)
}

/// Whether a process of the group is running. Systems without `/proc` do not signal zombies.
#[cfg(not(target_os = "linux"))]
fn is_group_running(group: libc::pid_t) -> bool {
    // SAFETY: takes no pointers. Signal 0 only checks whether a process exists.
    unsafe { libc::kill(-group, 0) == 0 }
}

fn describe(info: &libc::siginfo_t) -> ExitDescription {
    // SAFETY: waitid has initialized it.
    let status = unsafe { info.si_status() };
    ExitDescription(match info.si_code {
        libc::CLD_EXITED => format!("exited with status {status}"),
        libc::CLD_KILLED | libc::CLD_DUMPED => format!("was terminated by signal {status}"),
        _ => "ended".into(),
    })
}

/// Marks all descriptors except the standard streams as close-on-exec, so that the child does not inherit descriptors
/// of the host process. Those of this library and of the standard library are already marked.
fn close_inherited_on_exec() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
        // On a kernel without this system call they are inherited: the alternatives allocate memory, which is not
        // allowed here.
        // SAFETY: takes no pointers.
        unsafe { libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    }
    Ok(())
}

#[cfg(target_os = "linux")]
pub(super) fn open_pidfd(id: u32) -> Option<OwnedFd> {
    use std::os::fd::{FromRawFd, RawFd};
    // SAFETY: takes no pointers. It returns a new descriptor or an error.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id as libc::pid_t, 0) };
    // SAFETY: the descriptor is new and has no other owner. It is close-on-exec.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open_pidfd(_id: u32) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str) -> ProcessCommand {
        ProcessCommand {
            argv: ["/bin/sh", "-c", script].map(String::from).to_vec(),
            environment: vec![("A".into(), "b".into())],
            directory: Some("/".into()),
            stderr: None,
            stop_timeouts: StopTimeouts::default(),
        }
    }

    fn read(pipe: &ReadEnd) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 256];
        loop {
            WaitContext::default().wait(pipe.waitable(), Interest::Read).unwrap();
            match pipe.receive(&mut buffer).unwrap() {
                0 => return String::from_utf8(text).unwrap(),
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn wait_for_exit(process: &mut ChildProcess) -> ExitDescription {
        WaitContext::default().wait(process.exit_waitable().unwrap(), Interest::Read).unwrap();
        process.exit_description().unwrap()
    }

    #[test]
    fn a_child_gets_streams_environment_and_directory() {
        let mut process = program("read x; echo $x $A $PWD; echo oh >&2; exit 3").start().unwrap();
        process.stdin.as_ref().unwrap().send(b"hello\n").unwrap();
        assert_eq!(read(&process.stdout), "hello b /\n");
        assert_eq!(read(process.stderr.as_ref().unwrap()), "oh\n");
        assert_eq!(wait_for_exit(&mut process), ExitDescription("exited with status 3".into()));
    }

    #[test]
    fn only_the_standard_streams_are_inherited() {
        // SAFETY: takes no pointers. The new descriptor is not close-on-exec, as a host process may have them; it is
        // closed below.
        let inheritable = unsafe { libc::dup(2) };
        let mut process = program("ls /proc/self/fd | wc -l").start().unwrap();
        // Three streams, and the directory that ls has open.
        assert_eq!(read(&process.stdout).trim(), "4");
        assert_eq!(wait_for_exit(&mut process), ExitDescription("exited with status 0".into()));
        // SAFETY: it was opened above and has no other owner.
        unsafe { libc::close(inheritable) };
    }

    #[test]
    fn killing_a_process_ends_its_group() {
        let mut process = program("trap '' TERM; sleep 1000 & echo $!; wait").start().unwrap();
        let mut number = [0; 32];
        WaitContext::default().wait(process.stdout.waitable(), Interest::Read).unwrap();
        let count = process.stdout.receive(&mut number).unwrap();
        let sleeper: libc::pid_t = std::str::from_utf8(&number[..count]).unwrap().trim().parse().unwrap();
        process.kill();
        assert_eq!(wait_for_exit(&mut process), ExitDescription("was terminated by signal 9".into()));
        // End of file: the sleeper does not have the pipe open any more.
        assert_eq!(read(&process.stdout), "");
        // It may still be a zombie for a moment.
        assert!(!is_group_running(process.child.id() as libc::pid_t) && sleeper > 0);
    }

    #[test]
    fn the_group_is_signaled_after_its_leader_has_exited() {
        let mut process = program("sleep 1000 & exit 3").start().unwrap();
        assert_eq!(wait_for_exit(&mut process), ExitDescription("exited with status 3".into()));
        assert!(process.is_group_running());
        process.kill();
        assert_eq!(read(&process.stdout), "");
        while process.is_group_running() {
            std::thread::yield_now();
        }
        process.reap();
        assert_eq!(process.exit_description(), Some(ExitDescription("exited with status 3".into())));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_group_is_found_for_any_process_name() {
        assert!(is_running_in(b"17 (a) S 1 Z) 2) S 1 42 42 0 -1", 42));
        assert!(!is_running_in(b"17 (x) Z 1 42 42 0 -1", 42));
        assert!(!is_running_in(b"17 (x) S 42 1 42 0 -1", 42));
        for bad in [&b""[..], b")", b"1 (x)", b"1 (x) S", b"1 (x) S 1", b"1 (x) S 1 \xff"] {
            assert!(!is_running_in(bad, 42));
        }
    }

    #[test]
    fn a_missing_program_is_reported() {
        let mut program = program("");
        program.argv = vec!["/there/is/none".into()];
        assert_eq!(program.start().err().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
