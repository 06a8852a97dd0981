//! A server that runs as a process of its own, with messages on its standard streams, one a line (2026-07-28, "stdio").
//!
//! One thread reads what it says, sees it end, and writes what does not fit into its stdin at once: no call waits for a server
//! that does not read.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memchr;

use super::Client;
use super::channel::Channel;
use super::config::secrets_of;
use super::line::{Line, Way};
use super::receiver::Receiver;
use crate::call::context::Call;
use crate::call::failure::unheld;
use crate::call::new_signal;
use crate::call::skipped::Excerpt;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::event_stream::{Unheld, append};
use crate::protocol::text::Text;
use crate::sanitize;
use crate::status::*;
use crate::sys::child::{Ending, Process};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pipe::{ReadEnd, WriteEnd};
use crate::sys::signal::Signal;
use crate::sys::wait::{Budget, Interest};

/// How long a server may take to end after its stdin was closed, and again after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// Where the system does not tell of the end of a process, how often to look.
const LOOK: Duration = Duration::from_millis(100);

/// And how soon for the first time.
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// After the end of a process, how long its last words may take.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// After the end of a process, how often its stderr is read once more: a full pipe is 64 KiB on Linux, and may be larger.
const MOST_READS: usize = 64;

/// So many of its last lines on stderr are part of an error.
const MOST_LINES: usize = 5;

/// The longest name of a program in an error, in bytes.
const LONGEST_NAME: usize = 200;

/// Of what a server has not read, in bytes.
const MOST_WAITING: usize = 64 * 1024 * 1024;

/// What is to be written.
pub struct Pipe {
    /// What the environment gives the server to know, and nobody else.
    pub secrets: Vec<String>,
    outbox: Mutex<Outbox>,
    /// Rung when something waits.
    bell: Signal,
}

#[derive(Default)]
struct Outbox {
    stdin: Option<Arc<WriteEnd>>,
    /// Bytes that did not fit; the first has been written up to `written`.
    waiting: VecDeque<Vec<u8>>,
    /// How many bytes that are.
    size: usize,
    written: usize,
    /// Nobody reads any more.
    broken: bool,
}

impl Pipe {
    pub fn new(stdin: Option<WriteEnd>, secrets: Vec<String>) -> Result<Pipe> {
        let outbox = Outbox { stdin: stdin.map(Arc::new), ..Outbox::default() };
        Ok(Pipe { secrets, outbox: Mutex::new(outbox), bell: new_signal()? })
    }

    /// Writes a message, or leaves it to the reader. That the server is gone is seen there; fails where it reads nothing.
    pub fn write(&self, message: &Text) -> Result<()> {
        let mut line = Vec::with_capacity(message.len() + 1);
        // A line break between two tokens of a caller's JSON is white space; inside a text none can be.
        let in_line = |byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
        message.pieces().for_each(|piece| line.extend(piece.bytes().map(in_line)));
        line.push(b'\n');
        let mut outbox = self.lock();
        let waiting = outbox.size;
        if waiting > 0 && waiting + line.len() > MOST_WAITING {
            let why = format!("the server does not read: {waiting} bytes wait for it already");
            return Err(Error::new(MCP_PROCESS_FAILED, why));
        }
        outbox.push(line);
        outbox.flush();
        if !outbox.waiting.is_empty() || outbox.broken {
            drop(outbox);
            self.bell.raise();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock()
    }
}

impl Outbox {
    fn push(&mut self, line: Vec<u8>) {
        self.size += line.len();
        self.waiting.push_back(line);
    }

    fn clear(&mut self) {
        self.waiting.clear();
        (self.size, self.written) = (0, 0);
    }

    /// Writes what fits.
    fn flush(&mut self) {
        let Some(stdin) = &self.stdin else { return self.clear() };
        while let Some(first) = self.waiting.front() {
            match stdin.send(&first[self.written..]) {
                Ok(count) if self.written + count < first.len() => self.written += count,
                Ok(_) => {
                    self.size -= first.len();
                    self.waiting.pop_front();
                    self.written = 0;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.broken = true;
                    return self.clear();
                }
            }
        }
    }
}

impl Client {
    /// Starts the server.
    pub(super) fn open_pipe(&self, call: &Call) -> Result<Channel> {
        let program = self.settings.program().ok_or_else(|| Error::new(MCP_INTERNAL, "there is nothing to start"))?;
        let mut process = program.start().map_err(|error| {
            let name = sanitize::shortened(&program.argv[0], LONGEST_NAME);
            let why = format!("the server's program {name:?} cannot be started: {error}");
            Error::new(MCP_PROCESS_FAILED, why)
        })?;
        let line = Arc::new(Line::new(Way::Pipe(Pipe::new(process.stdin.take(), secrets_of(&program))?))?);
        call.remark(Level::Debug, || format!("started {}", program.argv[0]));
        let to = Receiver { client: self.me.clone(), line: Arc::clone(&line) };
        let limit = self.settings.limits().event;
        let channel = Channel { line };
        self.readers.start_other(move || Watch { to, process, limit, last_words: VecDeque::new() }.run())?;
        Ok(channel)
    }
}

/// What the reader of a process works with.
struct Watch {
    to: Receiver,
    process: Process,
    /// Of a message, in bytes.
    limit: usize,
    last_words: VecDeque<Excerpt>,
}

/// Bytes of which some are lines already.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the first line begins that was not given yet.
    start: usize,
    /// So far no line break was found behind that.
    looked: usize,
    is_open: bool,
}

impl Lines {
    pub fn open() -> Lines {
        Lines { is_open: true, ..Lines::default() }
    }

    /// Reads what is there: at most `limit` bytes without a line break. Whether there was something.
    pub fn read(&mut self, from: &ReadEnd, limit: usize) -> Result<bool, Unheld> {
        // What was given goes, all at once.
        self.buffer.drain(..self.start);
        self.looked -= self.start;
        self.start = 0;
        let mut chunk = [0; 16 * 1024];
        match from.receive(&mut chunk) {
            Ok(0) => self.is_open = false,
            Ok(count) => {
                append(&mut self.buffer, &chunk[..count])?;
                let is_held = self.buffer.len() <= limit || self.buffer[self.looked..].contains(&b'\n');
                return if is_held { Ok(true) } else { Err(Unheld::TooLarge) };
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_open = false,
        }
        Ok(false)
    }

    fn drop_rest(&mut self) {
        self.buffer.clear();
        (self.start, self.looked) = (0, 0);
    }

    /// Passes blank lines, and the blanks at the beginning of a line: many of them cost little then.
    fn skip_blank(&mut self) {
        let is_there = |byte: &u8| !byte.is_ascii_whitespace();
        let blank = self.buffer[self.start..].iter().position(is_there);
        self.start = blank.map_or(self.buffer.len(), |blank| self.start + blank);
        self.looked = self.looked.max(self.start);
    }

    fn next_filled(&mut self) -> Option<Vec<u8>> {
        self.skip_blank();
        self.next()
    }

    /// The next whole line; at the end of the stream also one without a line break.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        let Some(at) = memchr(b'\n', &self.buffer[self.looked..]).map(|at| at + self.looked) else {
            self.looked = self.buffer.len();
            let is_rest = !self.is_open && self.start < self.buffer.len();
            return is_rest.then(|| {
                let rest = self.buffer.split_off(self.start);
                self.drop_rest();
                rest
            });
        };
        let behind = self.buffer.len() - (at + 1);
        let mut line = if self.start == 0 && behind <= at {
            // The smaller part is copied.
            let rest = self.buffer.split_off(at + 1);
            let mut line = std::mem::replace(&mut self.buffer, rest);
            line.truncate(at);
            self.looked = 0;
            line
        } else {
            let line = self.buffer[self.start..at].to_vec();
            self.start = at + 1;
            self.looked = self.start;
            line
        };
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }
}

impl Watch {
    fn run(mut self) {
        let reading = self.to.begin();
        let why = self.read();
        if !self.to.line.stop.is_raised() {
            self.to.remark(Level::Info, || why.to_string());
        }
        // Nobody waits for the end of the process.
        reading.end(why);
        self.finish();
    }

    /// Reads until the server ends, or nobody wants it any more; the reason for the end.
    fn read(&mut self) -> Error {
        let budget = Budget { closed: Some(Arc::clone(&self.to.line.stop)), ..Budget::default() };
        let (mut out, mut err) = (Lines::open(), Lines::open());
        let mut ended: Option<(Ending, Instant)> = None;
        let mut silent_since: Option<Instant> = None;
        loop {
            let is_broken = self.to.line.pipe().is_some_and(|pipe| pipe.lock().broken);
            if is_broken
                && out.is_open
                && ended.is_none()
                && silent_since.get_or_insert_with(Instant::now).elapsed() >= LAST_WORDS
            {
                return Error::new(MCP_PROCESS_FAILED, format!("the server has closed its stdin{}", self.words()));
            }
            let fds = self.fds(&out, &err, ended.is_some());
            let last_words = ended.as_ref().map(|(_, at)| *at).or(silent_since);
            let pause = match last_words {
                Some(since) => Some(LAST_WORDS.saturating_sub(since.elapsed())),
                None if self.process.ended.is_none() => Some(LOOK),
                None => None,
            };
            if budget.wait_any(&fds, pause).is_err() {
                return Error::new(MCP_CLOSED, "the server's process was ended");
            }
            self.write();
            if out.is_open {
                match out.read(&self.process.stdout, self.limit) {
                    Ok(true) => self.to.line.note_heard(),
                    Ok(false) => {}
                    Err(why) => return unheld(why, "a message of the server", self.limit),
                }
            }
            while let Some(line) = out.next_filled() {
                if out.is_open || !is_cut_off(&line) {
                    self.to.take_text(line);
                }
            }
            self.read_stderr(&mut err);
            if ended.is_none() {
                ended = self.process.ending().map(|ending| (ending, Instant::now()));
                if ended.is_some() {
                    // Whose answer is still to be read waits for that; the next call starts another process.
                    self.to.line.retire();
                    self.to.remark(Level::Debug, || {
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

    fn fds(&self, out: &Lines, err: &Lines, has_ended: bool) -> Vec<(RawFd, Interest)> {
        let pipe = self.to.line.pipe();
        let outbox = pipe.map(Pipe::lock);
        let stdin = outbox.as_ref().filter(|outbox| !outbox.waiting.is_empty()).and_then(|o| o.stdin.as_ref());
        let stderr = self.process.stderr.as_ref().filter(|_| err.is_open);
        let fds = [
            pipe.map(|pipe| (pipe.bell.fd(), Interest::Read)),
            stdin.map(|stdin| (stdin.fd(), Interest::Write)),
            out.is_open.then(|| (self.process.stdout.fd(), Interest::Read)),
            stderr.map(|stderr| (stderr.fd(), Interest::Read)),
            self.process.ended_fd().filter(|_| !has_ended).map(|fd| (fd, Interest::Read)),
        ];
        fds.into_iter().flatten().collect()
    }

    fn write(&self) {
        if let Some(pipe) = self.to.line.pipe() {
            pipe.bell.lower();
            pipe.lock().flush();
        }
    }

    fn read_stderr(&mut self, err: &mut Lines) {
        let Some(stderr) = self.process.stderr.as_ref().filter(|_| err.is_open) else { return };
        if err.read(stderr, self.limit).is_err() {
            err.drop_rest();
        }
        while let Some(line) = err.next_filled() {
            let line = Excerpt::of(&line);
            self.to.remark_with(Level::Info, |call| format!("the server says: {}", line.logged(call)));
            self.last_words.push_back(line);
            if self.last_words.len() > MOST_LINES {
                self.last_words.pop_front();
            }
        }
    }

    /// Reads what is left of stderr. What the server has started may hold it and write on.
    fn drain_stderr(&mut self, err: &mut Lines) {
        for _ in 0..MOST_READS {
            let Some(stderr) = self.process.stderr.as_ref().filter(|_| err.is_open) else { return };
            let ready = Budget::default().wait_any(&[(stderr.fd(), Interest::Read)], Some(Duration::ZERO));
            if !matches!(ready, Ok(Some(_))) {
                return;
            }
            self.read_stderr(err);
        }
    }

    /// The error for a server that has ended by itself.
    fn gone(&self, Ending(how): &Ending) -> Error {
        Error::new(MCP_PROCESS_FAILED, format!("the server's process {how}{}", self.words()))
    }

    fn words(&self) -> String {
        if self.last_words.is_empty() {
            return String::new();
        }
        let mut words = vec!["".to_owned()];
        self.to.with_call(|_, call| words = self.last_words.iter().map(|line| line.logged(call)).collect());
        format!("; its last words on stderr: {}", words.join(" | "))
    }

    /// Ends the process and its group: its stdin is closed, then they are asked, then they are made to (2026-07-28, "stdio":
    /// Shutdown). What a process that has ended has started is asked at once.
    fn finish(&mut self) {
        if let Some(pipe) = self.to.line.pipe() {
            pipe.lock().stdin = None;
        }
        self.awaits(|process| process.ending().is_some());
        self.process.terminate();
        self.awaits(|process| !process.has_group());
        // Also where nothing is seen to run: not every system tells.
        self.process.kill();
        self.awaits(|process| !process.has_group());
        self.process.reap();
    }

    /// Waits for `is_over`, but not for long. Meanwhile what the process writes is read: it may wait for that.
    fn awaits(&mut self, is_over: impl Fn(&mut Process) -> bool) {
        let deadline = Instant::now() + GRACE;
        let (mut out, mut err) = (Lines::open(), Lines::open());
        let mut look = FIRST_LOOK;
        while !is_over(&mut self.process) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // The end of the process is told; the end of what it has started is looked for.
            let has_ended = self.process.ending().is_some();
            let pause = if has_ended || self.process.ended.is_none() { look.min(left) } else { left };
            look = (look * 2).min(LOOK);
            let _ = Budget::default().wait_any(&self.fds(&out, &err, has_ended), Some(pause));
            self.write();
            if out.is_open {
                let _ = out.read(&self.process.stdout, usize::MAX);
                out.drop_rest();
            }
            self.read_stderr(&mut err);
        }
    }
}

/// Whether a last line is the beginning of a message: the server ended while it wrote, and why is said otherwise.
pub fn is_cut_off(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;
    use crate::sys::pipe;

    #[test]
    fn the_outbox_knows_how_much_waits() {
        let (ours, theirs) = pipe::to_child().unwrap();
        let mut theirs = File::from(theirs);
        let pipe = Pipe::new(Some(ours), Vec::new()).unwrap();
        let line = "x".repeat(100_000);
        let check = || {
            let outbox = pipe.lock();
            assert_eq!(outbox.size, outbox.waiting.iter().map(Vec::len).sum::<usize>());
            outbox.size
        };
        for _ in 0..20 {
            pipe.write(&line.as_str().into()).unwrap();
            check();
        }
        assert!(check() > 0, "the system takes everything");
        let mut buffer = vec![0; 70_000];
        while check() > 0 {
            let _ = theirs.read(&mut buffer);
            pipe.lock().flush();
        }
        drop(theirs);
        pipe.write(&line.as_str().into()).unwrap();
        assert_eq!(check(), 0, "nobody reads any more");
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let said = b"\n  \r\n{\"a\":1}\r\n\n [2]\n\n\nlast";
        for size in 1..=said.len() {
            let (ours, theirs) = pipe::from_child().unwrap();
            let mut theirs = File::from(theirs);
            let mut lines = Lines::open();
            let mut found = Vec::new();
            for piece in said.chunks(size) {
                std::io::Write::write_all(&mut theirs, piece).unwrap();
                assert!(lines.read(&ours, 100).unwrap());
                found.extend(std::iter::from_fn(|| lines.next_filled()));
            }
            drop(theirs);
            assert!(!lines.read(&ours, 100).unwrap());
            found.extend(std::iter::from_fn(|| lines.next_filled()));
            assert_eq!(found, [&b"{\"a\":1}"[..], b"[2]", b"last"], "{size}");
        }
    }
}
