//! The thread of a process: it reads what the server says, sees it end, and writes what does not fit into its stdin at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line_buffer::{LineBuffer, is_cut_off};
use super::stdin_writer::StdinWriter;
use crate::call::failure::buffer_error;
use crate::call::skipped_input::Excerpt;
use crate::error::Error;
use crate::log::LogLevel;
use crate::status::*;
use crate::sys::child_process::{ChildProcess, ExitDescription};
use crate::sys::pipe::WriteEnd;
use crate::sys::wait::{Interest, WaitContext, Waitable};
use crate::transport::multiplexer::message_router::MessageRouter;

/// How long a server may take to end after its stdin was closed, and again after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// Where the system does not tell of the end of a process, how often to look.
const LOOK: Duration = Duration::from_millis(100);

/// And how soon for the first time.
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// After the end of a process, how long its last words may take.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// After the end of a process, how often its stderr is read once more: a full pipe is 64 KiB on Linux, and may be larger.
const MAX_READS: usize = 64;

/// So many of its last lines on stderr are part of an error.
const MAX_LINES: usize = 5;

/// What the reader of a process works with.
pub struct ProcessReader {
    pub to: MessageRouter,
    pub pipe: Arc<StdinWriter>,
    pub process: ChildProcess,
    /// Of a message, in bytes.
    pub limit: usize,
    pub last_words: VecDeque<Excerpt>,
}

impl ProcessReader {
    pub fn run(mut self) {
        let reading = self.to.begin();
        let why = self.read();
        if !self.to.pending.stop.is_set() {
            self.to.log(LogLevel::Info, || why.to_string());
        }
        // Nobody waits for the end of the process.
        reading.end(why);
        self.finish();
    }

    /// Reads until the server ends, or nobody wants it any more; the reason for the end.
    fn read(&mut self) -> Error {
        let wait_context = WaitContext { closed: Some(Arc::clone(&self.to.pending.stop)), ..WaitContext::default() };
        let (mut out, mut err) = (LineBuffer::open(), LineBuffer::open());
        let mut ended: Option<(ExitDescription, Instant)> = None;
        let mut silent_since: Option<Instant> = None;
        loop {
            let is_broken = self.pipe.is_broken();
            if is_broken
                && out.is_open
                && ended.is_none()
                && silent_since.get_or_insert_with(Instant::now).elapsed() >= LAST_WORDS
            {
                return Error::new(MCP_PROCESS_FAILED, format!("the server has closed its stdin{}", self.words()));
            }
            let last_words = ended.as_ref().map(|(_, at)| *at).or(silent_since);
            let pause = match last_words {
                Some(since) => Some(LAST_WORDS.saturating_sub(since.elapsed())),
                None if self.process.pidfd.is_none() => Some(LOOK),
                None => None,
            };
            let stdin = self.pipe.waits_for();
            let wakers = self.wakers(stdin.as_deref(), (&out, &err), ended.is_some());
            if wait_context.wait_any(&wakers, pause).is_err() {
                return Error::new(MCP_CLOSED, "the server's process was ended");
            }
            self.write();
            if out.is_open {
                match out.read(&self.process.stdout, self.limit) {
                    Ok(true) => self.to.pending.record_heard(),
                    Ok(false) => {}
                    Err(why) => return buffer_error(why, "a message of the server", self.limit),
                }
            }
            while let Some(line) = out.next_filled() {
                if out.is_open || !is_cut_off(&line) {
                    self.to.take_text(line);
                }
            }
            self.read_stderr(&mut err);
            if ended.is_none() {
                ended = self.process.exit_description().map(|ending| (ending, Instant::now()));
                if ended.is_some() {
                    // Whose answer is still to be read waits for that; the next call starts another process.
                    self.to.pending.retire();
                    self.to.log(LogLevel::Debug, || {
                        "the server's process has ended; the next call starts another one".into()
                    });
                }
            }
            if let Some((ending, at)) = &ended
                && (!out.is_open || at.elapsed() >= LAST_WORDS)
            {
                self.drain_stderr(&mut err);
                return self.gone(ending);
            }
            if !out.is_open && silent_since.get_or_insert_with(Instant::now).elapsed() >= LAST_WORDS {
                // It says nothing any more, and has not ended: that is awaited as after a close.
                return Error::new(MCP_PROCESS_FAILED, format!("the server has closed its stdout{}", self.words()));
            }
        }
    }

    /// What wakes the thread. `stdin` is the server's, where something waits for it.
    fn wakers<'a>(
        &'a self,
        stdin: Option<&'a WriteEnd>,
        (out, err): (&LineBuffer, &LineBuffer),
        has_ended: bool,
    ) -> Vec<(Waitable<'a>, Interest)> {
        let stderr = self.process.stderr.as_ref().filter(|_| err.is_open);
        let wakers = [
            Some((self.pipe.wakeup().waitable(), Interest::Read)),
            stdin.map(|stdin| (stdin.waitable(), Interest::Write)),
            out.is_open.then(|| (self.process.stdout.waitable(), Interest::Read)),
            stderr.map(|stderr| (stderr.waitable(), Interest::Read)),
            self.process.exit_waitable().filter(|_| !has_ended).map(|ended| (ended, Interest::Read)),
        ];
        wakers.into_iter().flatten().collect()
    }

    fn write(&self) {
        self.pipe.flush();
    }

    fn read_stderr(&mut self, err: &mut LineBuffer) {
        let Some(stderr) = self.process.stderr.as_ref().filter(|_| err.is_open) else { return };
        if err.read(stderr, self.limit).is_err() {
            err.drop_rest();
        }
        while let Some(line) = err.next_filled() {
            let line = Excerpt::of(&line);
            self.to.log_with(LogLevel::Info, |call| format!("the server says: {}", line.logged(call)));
            self.last_words.push_back(line);
            if self.last_words.len() > MAX_LINES {
                self.last_words.pop_front();
            }
        }
    }

    /// Reads what is left of stderr. What the server has started may hold it and write on.
    fn drain_stderr(&mut self, err: &mut LineBuffer) {
        for _ in 0..MAX_READS {
            let Some(stderr) = self.process.stderr.as_ref().filter(|_| err.is_open) else { return };
            let ready = WaitContext::default().wait_any(&[(stderr.waitable(), Interest::Read)], Some(Duration::ZERO));
            if !matches!(ready, Ok(Some(_))) {
                return;
            }
            self.read_stderr(err);
        }
    }

    /// The error for a server that has ended by itself.
    fn gone(&self, ExitDescription(how): &ExitDescription) -> Error {
        Error::new(MCP_PROCESS_FAILED, format!("the server's process {how}{}", self.words()))
    }

    fn words(&self) -> String {
        if self.last_words.is_empty() {
            return String::new();
        }
        let mut words = vec!["".to_owned()];
        self.to.with_call(|_, call| words = self.last_words.iter().map(|line| line.logged(call)).collect());
        format!("; its last lines on stderr: {}", words.join(" | "))
    }

    /// Ends the process and its group: its stdin is closed, then they are asked, then they are made to (2026-07-28, "stdio":
    /// Shutdown). What a process that has ended has started is asked at once.
    fn finish(&mut self) {
        self.pipe.close();
        self.awaits(|process| process.exit_description().is_some());
        self.process.terminate();
        self.awaits(|process| !process.is_group_running());
        // Also where nothing is seen to run: not every system tells.
        self.process.kill();
        self.awaits(|process| !process.is_group_running());
        self.process.reap();
    }

    /// Waits for `is_over`, but not for long. Meanwhile what the process writes is read: it may wait for that.
    fn awaits(&mut self, is_over: impl Fn(&mut ChildProcess) -> bool) {
        let deadline = Instant::now() + GRACE;
        let (mut out, mut err) = (LineBuffer::open(), LineBuffer::open());
        let mut look = FIRST_LOOK;
        while !is_over(&mut self.process) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // The end of the process is told; the end of what it has started is looked for.
            let has_ended = self.process.exit_description().is_some();
            let pause = if has_ended || self.process.pidfd.is_none() { look.min(left) } else { left };
            look = (look * 2).min(LOOK);
            let stdin = self.pipe.waits_for();
            let wakers = self.wakers(stdin.as_deref(), (&out, &err), has_ended);
            let _ = WaitContext::default().wait_any(&wakers, Some(pause));
            self.write();
            if out.is_open {
                let _ = out.read(&self.process.stdout, usize::MAX);
                out.drop_rest();
            }
            self.read_stderr(&mut err);
        }
    }
}
