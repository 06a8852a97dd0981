//! How both programs run: they print a URL and wait for the end, or run a command and return its exit code.

use crate::sys;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// How long the command may take to exit after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// Runs the program until its end. Blocks the signals that end a process, so it must be created before the first
/// thread.
pub struct Runner {
    signals: libc::sigset_t,
}

impl Runner {
    /// Blocks the signals.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { signals: sys::block_ending_signals() }
    }

    /// Prints the lines to stdout, and returns at the end of stdin or on a signal.
    pub fn serve(self, lines: &[String]) -> io::Result<u8> {
        let mut out = io::stdout().lock();
        for line in lines {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        let (sender, receiver) = std::sync::mpsc::channel();
        let ended = sender.clone();
        thread::spawn(move || {
            let mut sink = [0; 1024];
            let mut stdin = io::stdin().lock();
            while matches!(stdin.read(&mut sink), Ok(count) if count > 0) {}
            let _ = ended.send(0);
        });
        thread::spawn(move || {
            sys::wait_for_signal(&self.signals);
            let _ = sender.send(0);
        });
        Ok(receiver.recv().unwrap_or(0))
    }

    /// Runs a command to its end and returns its exit code, 128 + n when signal n killed it, and
    /// 2 when it cannot start.
    pub fn run(self, program: &[String], variables: &[(&str, String)]) -> u8 {
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).envs(variables.iter().map(|(name, value)| (name, value))).stdin(Stdio::inherit());
        sys::die_with_parent(&mut command);
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                eprintln!("cannot run {}: {error}", program[0]);
                return 2;
            }
        };
        self.forward_signals_to(child.id());
        wait(child)
    }

    /// Forwards signals to the command: a test runner sends them only to this process.
    fn forward_signals_to(self, pid: u32) {
        thread::spawn(move || {
            let signal = sys::wait_for_signal(&self.signals);
            sys::send_signal(pid, signal);
            thread::sleep(GRACE);
            sys::send_signal(pid, libc::SIGKILL);
        });
    }
}

fn wait(mut child: Child) -> u8 {
    match child.wait() {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => code as u8,
            (None, signal) => 128u8.wrapping_add(signal.unwrap_or(0) as u8),
        },
        Err(error) => {
            eprintln!("cannot wait for the command: {error}");
            2
        }
    }
}
