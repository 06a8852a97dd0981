//! The reader thread of a process: it reads stdout and stderr, detects the exit, and writes messages that did not fit
//! into stdin at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line_buffer::{LineBuffer, is_cut_off};
use super::stdin_writer::StdinWriter;
use crate::call::failure::buffer_error;
use crate::call::skipped_input::{Excerpt, MAX_KEPT};
use crate::error::Error;
use crate::log::LogLevel;
use crate::status::*;
use crate::sys::child_process::{ChildProcess, ExitDescription, StopTimeouts};
use crate::sys::pipe::WriteEnd;
use crate::sys::wait::{Interest, WaitContext, Waitable};
use crate::transport::multiplexer::message_router::MessageRouter;

/// How long the processes of a server may take to exit after SIGKILL.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// The longest interval between checks whether a process has exited, on systems that do not notify about it.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The first interval while a process is being ended. Each of the next ones is twice as long.
const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long to read on after a process has exited or closed a pipe.
const DRAIN_LIMIT: Duration = Duration::from_millis(200);

/// The maximum number of reads of stderr after a process has exited. A full pipe has 64 KiB on Linux, or more.
const MAX_DRAIN_READS: usize = 64;

/// How many of the last lines on stderr an error quotes.
const MAX_STDERR_LINES: usize = 5;

/// Reads the output of a process.
pub struct ProcessReader {
    pub router: MessageRouter,
    pub stdin_writer: Arc<StdinWriter>,
    pub process: ChildProcess,
    /// The maximum size of a message, in bytes.
    pub limit: usize,
    pub stop_timeouts: StopTimeouts,
    /// The last lines on stderr.
    pub stderr_lines: VecDeque<Excerpt>,
}

impl ProcessReader {
    /// Reads until the process exits or the connection is closed, and then ends the process.
    pub fn run(mut self) {
        let reading = self.router.start_reading();
        let reason = self.read();
        if !self.router.pending.stop.is_set() {
            self.router.log(LogLevel::Info, || reason.to_string());
        }
        // Calls fail now: they do not wait for the process to exit.
        reading.end(reason);
        self.shut_down();
    }

    /// Reads until the process exits or the connection is closed; the reason for the end.
    fn read(&mut self) -> Error {
        let wait_context =
            WaitContext { closed: Some(Arc::clone(&self.router.pending.stop)), ..WaitContext::default() };
        let (mut stdout, mut stderr) = (LineBuffer::open(), LineBuffer::open());
        let mut exit: Option<(ExitDescription, Instant)> = None;
        let mut closed_since: Option<Instant> = None;
        // How many bytes of an unfinished line are recorded.
        let mut recorded = 0;
        loop {
            let is_broken = self.stdin_writer.is_broken();
            if is_broken
                && stdout.is_open
                && exit.is_none()
                && closed_since.get_or_insert_with(Instant::now).elapsed() >= DRAIN_LIMIT
            {
                return Error::new(
                    MCP_PROCESS_FAILED,
                    format!("the server has closed its stdin{}", self.stderr_suffix()),
                );
            }
            let drain_start = exit.as_ref().map(|(_, at)| *at).or(closed_since);
            let max_wait = match drain_start {
                Some(since) => Some(DRAIN_LIMIT.saturating_sub(since.elapsed())),
                None if self.process.pidfd.is_none() => Some(POLL_INTERVAL),
                None => None,
            };
            let stdin = self.stdin_writer.blocked_stdin();
            let waitables = self.waitables(stdin.as_deref(), (&stdout, &stderr), exit.is_some());
            if wait_context.wait_any(&waitables, max_wait).is_err() {
                return Error::new(MCP_CLOSED, "the server's process was ended");
            }
            self.stdin_writer.flush();
            if stdout.is_open {
                match stdout.read(&self.process.stdout, self.limit) {
                    Ok(true) => self.router.pending.record_received(),
                    Ok(false) => {}
                    Err(why) => return buffer_error(why, "a message of the server", self.limit),
                }
            }
            let mut has_new_line = false;
            while let Some(line) = stdout.next_nonblank() {
                has_new_line = true;
                if stdout.is_open || !is_cut_off(&line) {
                    self.router.take_text(line);
                }
            }
            let unfinished = stdout.unfinished_line();
            let length = unfinished.len().min(MAX_KEPT);
            if length != recorded || (has_new_line && length > 0) {
                self.router.pending.record_unfinished_line(unfinished);
                recorded = length;
            }
            self.read_stderr(&mut stderr);
            if exit.is_none() {
                exit = self.process.exit_description().map(|exit| (exit, Instant::now()));
                if exit.is_some() {
                    // Pending calls wait for responses that are still in the pipe. New calls start another process.
                    self.router.pending.retire();
                    self.router.log(LogLevel::Debug, || {
                        "the server's process has ended; the next call starts another one".into()
                    });
                }
            }
            if let Some((exit, at)) = &exit
                && (!stdout.is_open || at.elapsed() >= DRAIN_LIMIT)
            {
                self.drain_stderr(&mut stderr);
                return self.exit_error(exit);
            }
            if !stdout.is_open && closed_since.get_or_insert_with(Instant::now).elapsed() >= DRAIN_LIMIT {
                // The process still runs: it is ended like after a close of the client.
                return Error::new(
                    MCP_PROCESS_FAILED,
                    format!("the server has closed its stdout{}", self.stderr_suffix()),
                );
            }
        }
    }

    /// What the thread waits for. `stdin` is the server's stdin if messages for it are queued.
    fn waitables<'a>(
        &'a self,
        stdin: Option<&'a WriteEnd>,
        (stdout, stderr_buffer): (&LineBuffer, &LineBuffer),
        has_exited: bool,
    ) -> Vec<(Waitable<'a>, Interest)> {
        let stderr = self.process.stderr.as_ref().filter(|_| stderr_buffer.is_open);
        let waitables = [
            Some((self.stdin_writer.wakeup().waitable(), Interest::Read)),
            stdin.map(|stdin| (stdin.waitable(), Interest::Write)),
            stdout.is_open.then(|| (self.process.stdout.waitable(), Interest::Read)),
            stderr.map(|stderr| (stderr.waitable(), Interest::Read)),
            self.process.exit_waitable().filter(|_| !has_exited).map(|exit| (exit, Interest::Read)),
        ];
        waitables.into_iter().flatten().collect()
    }

    fn read_stderr(&mut self, buffer: &mut LineBuffer) {
        let Some(stderr) = self.process.stderr.as_ref().filter(|_| buffer.is_open) else { return };
        if buffer.read(stderr, self.limit).is_err() {
            buffer.discard();
        }
        while let Some(line) = buffer.next_nonblank() {
            let line = Excerpt::of(&line);
            self.router.log_with(LogLevel::Info, |call| format!("the server says: {}", line.logged(call)));
            self.stderr_lines.push_back(line);
            if self.stderr_lines.len() > MAX_STDERR_LINES {
                self.stderr_lines.pop_front();
            }
        }
    }

    /// Reads the rest of stderr, within limits: processes that the server has started may keep it open and write on.
    fn drain_stderr(&mut self, buffer: &mut LineBuffer) {
        for _ in 0..MAX_DRAIN_READS {
            let Some(stderr) = self.process.stderr.as_ref().filter(|_| buffer.is_open) else { return };
            let ready = WaitContext::default().wait_any(&[(stderr.waitable(), Interest::Read)], Some(Duration::ZERO));
            if !matches!(ready, Ok(Some(_))) {
                return;
            }
            self.read_stderr(buffer);
        }
    }

    /// The error for a server that has exited.
    fn exit_error(&self, ExitDescription(how): &ExitDescription) -> Error {
        Error::new(MCP_PROCESS_FAILED, format!("the server's process {how}{}", self.stderr_suffix()))
    }

    /// The last lines on stderr, as a suffix for an error message.
    fn stderr_suffix(&self) -> String {
        if self.stderr_lines.is_empty() {
            return String::new();
        }
        let mut lines = vec!["".to_owned()];
        self.router.with_call(|_, call| lines = self.stderr_lines.iter().map(|line| line.logged(call)).collect());
        format!("; its last lines on stderr: {}", lines.join(" | "))
    }

    /// Ends the process and its group: closes its stdin, then sends SIGTERM, then SIGKILL (2026-07-28, "stdio":
    /// Shutdown). If the process has exited already, the rest of its group gets SIGTERM at once.
    fn shut_down(&mut self) {
        let StopTimeouts { term, kill } = self.stop_timeouts;
        self.stdin_writer.close();
        self.wait_until(term, |process| process.exit_description().is_some());
        self.process.terminate();
        self.wait_until(kill, |process| !process.is_group_running());
        // Sent even if no process of the group is seen: not every system reports them.
        self.process.kill();
        self.wait_until(KILL_LIMIT, |process| !process.is_group_running());
        self.process.reap();
    }

    /// Waits until `is_done`, for at most `limit`. Reads the output meanwhile: a process may block until it is read.
    fn wait_until(&mut self, limit: Duration, is_done: impl Fn(&mut ChildProcess) -> bool) {
        let start = Instant::now();
        let (mut stdout, mut stderr) = (LineBuffer::open(), LineBuffer::open());
        let mut interval = FIRST_POLL_INTERVAL;
        while !is_done(&mut self.process) {
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            // The exit of the process wakes this thread. The exit of its children must be polled.
            let has_exited = self.process.exit_description().is_some();
            let max_wait = if has_exited || self.process.pidfd.is_none() { interval.min(left) } else { left };
            interval = (interval * 2).min(POLL_INTERVAL);
            let stdin = self.stdin_writer.blocked_stdin();
            let waitables = self.waitables(stdin.as_deref(), (&stdout, &stderr), has_exited);
            let _ = WaitContext::default().wait_any(&waitables, Some(max_wait));
            self.stdin_writer.flush();
            if stdout.is_open {
                let _ = stdout.read(&self.process.stdout, usize::MAX);
                stdout.discard();
            }
            self.read_stderr(&mut stderr);
        }
    }
}
