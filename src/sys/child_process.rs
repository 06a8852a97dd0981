//! Child processes: their standard streams are pipes of ours, nothing else is inherited, and neither a zombie nor a member of their
//! process group is left.

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

/// A process that does not end at SIGKILL hangs in the system itself; it is not waited for any longer than this.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How often to look meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// What to start.
#[derive(Clone, Debug)]
pub struct ProcessCommand {
    /// The program, found by PATH where it has no slash, and its arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
    /// `None`: the one of this process.
    pub directory: Option<PathBuf>,
    /// Where stderr is appended to; `None`: it is read.
    pub stderr: Option<PathBuf>,
}

/// A running process, and our ends of its streams.
///
/// Its number is also that of its process group. It stays a zombie, which keeps the number from being used again, until the group
/// has been ended: [`ChildProcess::reap`] comes last.
pub struct ChildProcess {
    child: Child,
    pub stdin: Option<WriteEnd>,
    pub stdout: ReadEnd,
    /// `None` where it goes into a file.
    pub stderr: Option<ReadEnd>,
    /// Readable from the moment the process has ended; `None` where the system has no such thing.
    pub ended: Option<OwnedFd>,
    state: ProcessState,
    /// The process that has started it: a child of a fork has nothing to end.
    parent: u32,
}

enum ProcessState {
    Running,
    /// It has ended, and its number is still its own.
    Ended(ExitDescription),
    /// Its number may belong to another process or group by now.
    Reaped(ExitDescription),
}

/// How a process ended, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitDescription(pub String);

impl ProcessCommand {
    pub fn start(&self) -> io::Result<ChildProcess> {
        let (stdin, its_stdin) = pipe::to_child()?;
        let (stdout, its_stdout) = pipe::from_child()?;
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::from(its_stdin)).stdout(Stdio::from(its_stdout));
        // A group of its own: it is ended with whatever it has started, and a Ctrl-C at the terminal is not for it.
        command.process_group(0);
        if let Some(directory) = &self.directory {
            std::fs::metadata(directory.join("."))
                .map_err(|error| named("its working directory", directory, &error))?;
            command.current_dir(directory);
        }
        let stderr = match &self.stderr {
            Some(path) => {
                let file = open_for_appending(path).map_err(|error| named("the file for its stderr", path, &error))?;
                command.stderr(Stdio::from(file));
                None
            }
            None => {
                let (stderr, its_stderr) = pipe::from_child()?;
                command.stderr(Stdio::from(its_stderr));
                Some(stderr)
            }
        };
        // SAFETY: between fork and exec only a system call is made.
        unsafe { command.pre_exec(keep_nothing) };
        let child = command.spawn().map_err(|error| {
            let path = self.environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.as_str());
            exec::explained(error, &self.argv[0], path, self.directory.as_deref())
        })?;
        let ended = watch(child.id());
        Ok(ChildProcess {
            child,
            stdin: Some(stdin),
            stdout,
            stderr,
            ended,
            state: ProcessState::Running,
            parent: process::id(),
        })
    }
}

/// A pipe that nobody reads is an error, and not waited for.
fn open_for_appending(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    // The process itself may wait.
    // SAFETY: takes no pointers; the descriptor is open.
    unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK);
    }
    Ok(file)
}

/// The error, with what it is about: the program is not to blame.
fn named(what: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}, {}: {error}", path.display()))
}

/// Where nothing has ended it in good order, it is not left behind, nor is its group, nor its zombie.
impl Drop for ChildProcess {
    fn drop(&mut self) {
        if self.parent == process::id() && !self.is_reaped() {
            self.kill();
            let deadline = Instant::now() + LAST_WAIT;
            while self.ending().is_none() && Instant::now() < deadline {
                let wait_context = WaitContext::until(deadline.min(Instant::now() + LOOK));
                let _ = match self.ended_waitable() {
                    Some(fd) => wait_context.wait(fd, Interest::Read),
                    None => wait_context.wait_any(&[], None).map(|_| ()),
                };
            }
            self.reap();
        }
    }
}

impl ChildProcess {
    /// How it ended, if it has. It is not reaped by that.
    pub fn ending(&mut self) -> Option<ExitDescription> {
        if let ProcessState::Running = self.state {
            // SAFETY: an all-zero siginfo_t is a valid value of the type.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            // SAFETY: `info` is writable.
            let failed = unsafe { libc::waitid(libc::P_PID, self.child.id() as libc::id_t, &raw mut info, how) } < 0;
            if failed {
                // The host has waited for it, or ignores SIGCHLD.
                self.state = ProcessState::Reaped(ExitDescription("ended".into()));
            // SAFETY: waitid has filled it in, or left the zero of a process that runs.
            } else if unsafe { info.si_pid() } != 0 {
                self.state = ProcessState::Ended(describe(&info));
            }
        }
        match &self.state {
            ProcessState::Running => None,
            ProcessState::Ended(ending) | ProcessState::Reaped(ending) => Some(ending.clone()),
        }
    }

    fn is_reaped(&self) -> bool {
        matches!(self.state, ProcessState::Reaped(_))
    }

    /// Asks it to end, and everything that it has started.
    pub fn terminate(&mut self) {
        self.signal(libc::SIGTERM);
    }

    /// Ends it, and everything that it has started.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
    }

    /// Sends a signal to its process group, whether or not it has ended itself.
    fn signal(&mut self, signal: libc::c_int) {
        if self.signal_by_descriptor(signal) {
            return;
        }
        self.ending();
        if !self.is_reaped() {
            // SAFETY: takes no pointers.
            unsafe { libc::kill(-(self.child.id() as libc::pid_t), signal) };
        }
    }

    /// Sends it by the descriptor of the process, which means this group also where the number belongs to another one by now. Says
    /// whether the system could (Linux 6.9).
    fn signal_by_descriptor(&self, signal: libc::c_int) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(process) = &self.ended {
            const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 4;
            let (fd, no_info) = (process.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
            // SAFETY: a NULL info stands for what kill would send.
            let sent =
                unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_info, PIDFD_SIGNAL_PROCESS_GROUP) }
                    == 0;
            return sent || io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
        }
        let _ = signal;
        false
    }

    /// Whether a process of its group runs that has not ended yet; the process itself counts as long as it runs. Where the system
    /// does not tell, none does.
    pub fn has_group(&mut self) -> bool {
        self.ending().is_none() || group_runs(self.child.id() as libc::pid_t)
    }

    /// Gives its number back once it has ended. The group is not signalled any more.
    pub fn reap(&mut self) {
        let Some(ending) = self.ending().filter(|_| !self.is_reaped()) else { return };
        let _ = self.child.wait();
        self.state = ProcessState::Reaped(ending);
    }

    /// Readable when it has ended, where the system tells.
    pub fn ended_waitable(&self) -> Option<Waitable<'_>> {
        self.ended.as_ref().map(Waitable::of)
    }
}

/// Whether a process of a group runs, be it one of another user. Zombies do not.
#[cfg(target_os = "linux")]
fn group_runs(group: libc::pid_t) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let is_number = |name: &[u8]| name.iter().all(u8::is_ascii_digit);
    let mut processes = processes.flatten().filter(|entry| is_number(entry.file_name().as_encoded_bytes()));
    processes.any(|entry| std::fs::read(entry.path().join("stat")).is_ok_and(|stat| runs_in(&stat, group)))
}

/// Whether what `/proc/PID/stat` says is of a process that runs in `group`: "PID (NAME) STATE PARENT GROUP ...", where the name may
/// hold anything.
#[cfg(target_os = "linux")]
fn runs_in(stat: &[u8], group: libc::pid_t) -> bool {
    let Some(behind) = stat.iter().rposition(|byte| *byte == b')') else { return false };
    let Ok(rest) = std::str::from_utf8(&stat[behind + 1..]) else { return false };
    let mut fields = rest.split_ascii_whitespace();
    let is_alive = fields.next().is_some_and(|state| !matches!(state, "Z" | "X" | "x"));
    is_alive && fields.nth(1).and_then(|number| number.parse().ok()) == Some(group)
}

/// The systems that have no such list do not count zombies as members that can be signalled.
#[cfg(not(target_os = "linux"))]
fn group_runs(group: libc::pid_t) -> bool {
    // SAFETY: takes no pointers; signal 0 only asks.
    unsafe { libc::kill(-group, 0) == 0 }
}

fn describe(info: &libc::siginfo_t) -> ExitDescription {
    // SAFETY: waitid has filled it in.
    let status = unsafe { info.si_status() };
    ExitDescription(match info.si_code {
        libc::CLD_EXITED => format!("exited with status {status}"),
        libc::CLD_KILLED | libc::CLD_DUMPED => format!("was terminated by signal {status}"),
        _ => "ended".into(),
    })
}

/// The descriptors of the host that are open for whomever it starts are none of the server's business. Those of this library and
/// the standard library close by themselves.
fn keep_nothing() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
        // Where the kernel is older than the call, they stay open: nothing else can be done here without allocating.
        // SAFETY: takes no pointers.
        unsafe { libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn watch(id: u32) -> Option<OwnedFd> {
    use std::os::fd::{FromRawFd, RawFd};
    // SAFETY: takes no pointers; what comes back is a new descriptor, or an error.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id as libc::pid_t, 0) };
    // SAFETY: the descriptor was just made and belongs to nobody else. It is close-on-exec.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

#[cfg(not(target_os = "linux"))]
fn watch(_id: u32) -> Option<OwnedFd> {
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

    fn ending(process: &mut ChildProcess) -> ExitDescription {
        WaitContext::default().wait(process.ended_waitable().unwrap(), Interest::Read).unwrap();
        process.ending().unwrap()
    }

    #[test]
    fn streams_environment_and_exit_status() {
        let mut process = program("read x; echo $x $A $PWD; echo oh >&2; exit 3").start().unwrap();
        process.stdin.as_ref().unwrap().send(b"hello\n").unwrap();
        assert_eq!(read(&process.stdout), "hello b /\n");
        assert_eq!(read(process.stderr.as_ref().unwrap()), "oh\n");
        assert_eq!(ending(&mut process), ExitDescription("exited with status 3".into()));
    }

    #[test]
    fn nothing_but_the_streams_is_inherited() {
        // SAFETY: a descriptor that survives an exec, as a host may have it; closed below.
        let leak = unsafe { libc::dup(2) };
        let mut process = program("ls /proc/self/fd | wc -l").start().unwrap();
        // Three streams, and the folder that ls itself has open.
        assert_eq!(read(&process.stdout).trim(), "4");
        assert_eq!(ending(&mut process), ExitDescription("exited with status 0".into()));
        // SAFETY: it is ours.
        unsafe { libc::close(leak) };
    }

    #[test]
    fn a_process_is_ended_with_what_it_has_started() {
        let mut process = program("trap '' TERM; sleep 1000 & echo $!; wait").start().unwrap();
        let mut number = [0; 32];
        WaitContext::default().wait(process.stdout.waitable(), Interest::Read).unwrap();
        let count = process.stdout.receive(&mut number).unwrap();
        let sleeper: libc::pid_t = std::str::from_utf8(&number[..count]).unwrap().trim().parse().unwrap();
        process.kill();
        assert_eq!(ending(&mut process), ExitDescription("was terminated by signal 9".into()));
        // The end of the stream: nobody holds it any more, the sleeper neither.
        assert_eq!(read(&process.stdout), "");
        // It may be a zombie of init's for a moment.
        assert!(!group_runs(process.child.id() as libc::pid_t) && sleeper > 0);
    }

    #[test]
    fn the_group_is_signalled_after_its_leader_has_ended() {
        let mut process = program("sleep 1000 & exit 3").start().unwrap();
        assert_eq!(ending(&mut process), ExitDescription("exited with status 3".into()));
        assert!(process.has_group());
        process.kill();
        assert_eq!(read(&process.stdout), "");
        while process.has_group() {
            std::thread::yield_now();
        }
        process.reap();
        assert_eq!(process.ending(), Some(ExitDescription("exited with status 3".into())));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_group_of_a_process_is_read_whatever_its_name_is() {
        assert!(runs_in(b"17 (a) S 1 Z) 2) S 1 42 42 0 -1", 42));
        assert!(!runs_in(b"17 (x) Z 1 42 42 0 -1", 42));
        assert!(!runs_in(b"17 (x) S 42 1 42 0 -1", 42));
        for bad in [&b""[..], b")", b"1 (x)", b"1 (x) S", b"1 (x) S 1", b"1 (x) S 1 \xff"] {
            assert!(!runs_in(bad, 42));
        }
    }

    #[test]
    fn what_cannot_be_started_says_so() {
        let mut program = program("");
        program.argv = vec!["/there/is/none".into()];
        assert_eq!(program.start().err().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
