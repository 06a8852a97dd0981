//! The log of a client, which passes messages to the hook that the application set.

use std::sync::Arc;

use crate::sanitize::shortened;
use crate::sys::lock::RwLock;

/// The longest name in a message, in bytes.
const MAX_NAME: usize = 200;

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the numbers are part of the C interface, including unused levels")]
pub enum LogLevel {
    Error = 1,
    Warning = 2,
    Info = 3,
    Debug = 4,
}

/// Receives messages. It is dropped when no thread can call it any more.
pub type LogHook = dyn Fn(LogLevel, &str) + Send + Sync;

/// Runs a hook elsewhere, with a copy of its argument.
pub type LogForward = dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync;

/// The hook of one client, which can be replaced at any time, and the name in its messages.
#[derive(Default)]
pub struct Log {
    hook: RwLock<Option<Arc<LogHook>>>,
    name: RwLock<Option<Arc<str>>>,
    /// `None`: the hook runs on the thread that logs.
    forward: RwLock<Option<Arc<LogForward>>>,
}

impl Log {
    /// Replaces the hook. Returns the old one, so that the caller drops it without holding the lock.
    pub fn set(&self, hook: Option<Arc<LogHook>>) -> Option<Arc<LogHook>> {
        std::mem::replace(&mut *self.hook.write(), hook)
    }

    /// Sets where hooks run: this one, and that of the server's log.
    pub fn set_forward(&self, forward: Option<Arc<LogForward>>) {
        let old = std::mem::replace(&mut *self.forward.write(), forward);
        drop(old);
    }

    /// Where hooks run; `None` for this thread.
    pub fn forward(&self) -> Option<Arc<LogForward>> {
        self.forward.read().clone()
    }

    /// Sets the name with which messages begin; `None` removes it.
    pub fn set_name(&self, name: Option<&str>) {
        *self.name.write() = name.map(Arc::from);
    }

    /// The name with which messages begin.
    pub fn name(&self) -> Option<Arc<str>> {
        self.name.read().clone()
    }

    /// Whether a hook is set.
    pub fn has_hook(&self) -> bool {
        self.hook.read().is_some()
    }

    /// Logs a message. `text` is only called if a hook is set. No lock is held while the hook runs.
    pub fn line(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some(hook) = self.hook() {
            self.run_hook(hook, level, text());
        }
    }

    /// Logs a message on this thread.
    pub fn line_here(&self, level: LogLevel, text: &str) {
        if let Some(hook) = self.hook() {
            hook(level, &self.named(text.to_owned()));
        }
    }

    /// Not inlined: dozens of places log a message.
    #[inline(never)]
    fn run_hook(&self, hook: Arc<LogHook>, level: LogLevel, text: String) {
        let text = self.named(text);
        match self.forward() {
            None => hook(level, &text),
            Some(forward) => forward(Box::new(move || hook(level, &text))),
        }
    }

    /// The message with the name of the client, if one is set.
    fn named(&self, text: String) -> String {
        match self.name() {
            Some(name) => format!("{}: {text}", shortened(&name, MAX_NAME)),
            None => text,
        }
    }

    /// Not inlined: dozens of places log a message.
    #[inline(never)]
    fn hook(&self) -> Option<Arc<LogHook>> {
        self.hook.read().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::lock::Mutex;

    #[test]
    fn messages_begin_with_the_name_that_is_set() {
        let (log, lines) = (Log::default(), Arc::<Mutex<Vec<String>>>::default());
        let recorded = Arc::clone(&lines);
        log.set(Some(Arc::new(move |_, text| recorded.lock().push(text.to_owned()))));
        for name in [None, Some("files"), Some("memory"), None] {
            log.set_name(name);
            log.line(LogLevel::Info, || "connected".into());
        }
        assert_eq!(*lines.lock(), ["connected", "files: connected", "memory: connected", "connected"]);
    }
}
