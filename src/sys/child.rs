//! Child processes: their standard streams are sockets of ours, nothing else is inherited, and no zombie is left.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::process;
use super::socket::Socket;

/// What to start.
#[derive(Clone, Debug)]
pub struct Program {
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
pub struct Process {
    child: Child,
    pub stdin: Option<Socket>,
    pub stdout: Socket,
    /// `None` where it goes into a file.
    pub stderr: Option<Socket>,
    /// Readable from the moment the process has ended; `None` where the system has no such thing.
    pub ended: Option<OwnedFd>,
    /// The process that has started it: a child of a fork has nothing to end.
    parent: u32,
}

/// How a process ended, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending(pub String);

impl Program {
    pub fn start(&self) -> io::Result<Process> {
        let (stdin, its_stdin) = Socket::pair()?;
        let (stdout, its_stdout) = Socket::pair()?;
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
                let (stderr, its_stderr) = Socket::pair()?;
                command.stderr(Stdio::from(its_stderr));
                Some(stderr)
            }
        };
        // SAFETY: between fork and exec only a system call is made.
        unsafe { command.pre_exec(keep_nothing) };
        let child = command.spawn()?;
        let ended = watch(child.id());
        Ok(Process { child, stdin: Some(stdin), stdout, stderr, ended, parent: process::id() })
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

/// Who watches it ends it in good order. Where nobody does, it is not left behind, nor is its zombie.
impl Drop for Process {
    fn drop(&mut self) {
        if self.parent == process::id() && self.ending().is_none() {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

impl Process {
    /// How it ended, if it has.
    pub fn ending(&mut self) -> Option<Ending> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(Ending(describe(status))),
            // Somebody else has waited for it, or the program ignores SIGCHLD.
            Err(_) => Some(Ending("ended".into())),
        }
    }

    /// Asks it to end, and everything that it has started.
    pub fn terminate(&mut self) {
        self.signal(libc::SIGTERM);
    }

    /// Ends it, and everything that it has started.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(&mut self, signal: libc::c_int) {
        // As long as nobody has waited for it, its number is nobody else's.
        if self.ending().is_none() {
            // SAFETY: takes no pointers.
            unsafe { libc::kill(-(self.child.id() as libc::pid_t), signal) };
        }
    }

    pub fn ended_fd(&self) -> Option<RawFd> {
        self.ended.as_ref().map(AsRawFd::as_raw_fd)
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        _ => "ended".into(),
    }
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
    use crate::sys::wait::{Budget, Interest};

    fn program(script: &str) -> Program {
        Program {
            argv: ["/bin/sh", "-c", script].map(String::from).to_vec(),
            environment: vec![("A".into(), "b".into())],
            directory: Some("/".into()),
            stderr: None,
        }
    }

    fn read(socket: &Socket) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 256];
        loop {
            Budget::default().wait(socket.fd(), Interest::Read).unwrap();
            match socket.receive(&mut buffer).unwrap() {
                0 => return String::from_utf8(text).unwrap(),
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn ending(process: &mut Process) -> Ending {
        Budget::default().wait(process.ended_fd().unwrap(), Interest::Read).unwrap();
        process.ending().unwrap()
    }

    #[test]
    fn streams_environment_and_exit_status() {
        let mut process = program("read x; echo $x $A $PWD; echo oh >&2; exit 3").start().unwrap();
        process.stdin.as_ref().unwrap().send(b"hello\n").unwrap();
        assert_eq!(read(&process.stdout), "hello b /\n");
        assert_eq!(read(process.stderr.as_ref().unwrap()), "oh\n");
        assert_eq!(ending(&mut process), Ending("exited with status 3".into()));
    }

    #[test]
    fn nothing_but_the_streams_is_inherited() {
        // SAFETY: a descriptor that survives an exec, as a host may have it; closed below.
        let leak = unsafe { libc::dup(2) };
        let mut process = program("ls /proc/self/fd | wc -l").start().unwrap();
        // Three streams, and the folder that ls itself has open.
        assert_eq!(read(&process.stdout).trim(), "4");
        assert_eq!(ending(&mut process), Ending("exited with status 0".into()));
        // SAFETY: it is ours.
        unsafe { libc::close(leak) };
    }

    #[test]
    fn a_process_is_ended_with_what_it_has_started() {
        let mut process = program("trap '' TERM; sleep 1000 & echo $!; wait").start().unwrap();
        let mut number = [0; 32];
        Budget::default().wait(process.stdout.fd(), Interest::Read).unwrap();
        let count = process.stdout.receive(&mut number).unwrap();
        let sleeper: libc::pid_t = std::str::from_utf8(&number[..count]).unwrap().trim().parse().unwrap();
        process.kill();
        assert_eq!(ending(&mut process), Ending("was ended by signal 9".into()));
        // The end of the stream: nobody holds it any more, the sleeper neither.
        assert_eq!(read(&process.stdout), "");
        // SAFETY: takes no pointers; signal 0 only asks. It may be a zombie of init's for a moment.
        let _ = unsafe { libc::kill(sleeper, 0) };
    }

    #[test]
    fn what_cannot_be_started_says_so() {
        let mut program = program("");
        program.argv = vec!["/there/is/none".into()];
        assert_eq!(program.start().err().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
