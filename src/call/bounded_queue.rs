//! What a server has sent and no call has dealt with yet, within bounds: it may send faster than the program takes.

use std::collections::VecDeque;

use crate::protocol::incoming::{Notification, ServerRequest};

/// All that waits in one place may take so many bytes. One message may wait whatever its size.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A queue.
pub struct BoundedQueue<T> {
    waiting: VecDeque<T>,
    bytes: usize,
    most: usize,
}

/// What takes memory.
pub trait MemoryUse {
    /// In bytes.
    fn weight(&self) -> usize;

    /// The same without memory that belongs to what came with it.
    fn alone(self) -> Self;
}

impl<T: MemoryUse> BoundedQueue<T> {
    /// One for `most` things.
    pub fn new(most: usize) -> BoundedQueue<T> {
        BoundedQueue { waiting: VecDeque::new(), bytes: 0, most }
    }

    /// Adds something; gives it back where there is no room for it.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        let item = item.alone();
        if !self.has_room(item.weight()) {
            return Err(item);
        }
        self.add(item);
        Ok(())
    }

    /// Adds something. Where there is no room, one goes that says no more than that, and then the oldest of those that may go, of lower
    /// `worth` first. Gives how many of these have gone.
    pub fn push_instead(&mut self, item: T, is_same: impl Fn(&T, &T) -> bool, worth: impl Fn(&T) -> Option<u8>) -> u64 {
        let item = item.alone();
        if !self.has_room(item.weight())
            && let Some(at) = self.waiting.iter().position(|kept| is_same(&item, kept))
        {
            self.remove(at);
        }
        let mut gone = 0;
        while !self.has_room(item.weight()) {
            let may_go = self.waiting.iter().enumerate().filter_map(|(at, kept)| Some((worth(kept)?, at)));
            let Some((_, at)) = may_go.min() else { break };
            self.remove(at);
            gone += 1;
        }
        self.add(item);
        gone
    }

    fn remove(&mut self, at: usize) {
        self.bytes -= self.waiting.remove(at).map_or(0, |gone| gone.weight());
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.waiting.is_empty() || (self.waiting.len() < self.most && self.bytes + bytes <= MAX_BYTES)
    }

    fn add(&mut self, item: T) {
        self.bytes += item.weight();
        self.waiting.push_back(item);
    }

    pub fn pop(&mut self) -> Option<T> {
        let first = self.waiting.pop_front()?;
        self.bytes -= first.weight();
        Some(first)
    }

    /// Everything.
    pub fn take(&mut self) -> VecDeque<T> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    pub fn retain(&mut self, stays: impl FnMut(&T) -> bool) {
        self.waiting.retain(stays);
        self.bytes = self.waiting.iter().map(T::weight).sum();
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl MemoryUse for Notification {
    fn weight(&self) -> usize {
        size_of::<Notification>() + self.method.len() + self.params.as_ref().map_or(0, |params| params.held())
    }

    fn alone(self) -> Notification {
        Notification { params: self.params.map(|params| params.alone()), ..self }
    }
}

impl MemoryUse for ServerRequest {
    fn weight(&self) -> usize {
        let texts = self.id.len() + self.method.len();
        size_of::<ServerRequest>() + texts + self.params.as_ref().map_or(0, |params| params.held())
    }

    fn alone(self) -> ServerRequest {
        ServerRequest { params: self.params.map(|params| params.alone()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::json::Json;
    use crate::protocol::jsonrpc::{self, Message};

    fn notice(text: String) -> Notification {
        Notification { method: "m".into(), params: Some(Json::parse(text).unwrap()) }
    }

    fn of_size(bytes: usize) -> Notification {
        notice(format!("\"{}\"", "x".repeat(bytes)))
    }

    #[test]
    fn count_and_size_are_bounded() {
        let mut backlog = BoundedQueue::new(3);
        (0..3).for_each(|_| assert!(backlog.push(of_size(1)).is_ok()));
        assert!(backlog.push(of_size(1)).is_err());
        assert!(backlog.pop().is_some());
        assert!(backlog.push(of_size(MAX_BYTES)).is_err());
        assert_eq!(backlog.take().len(), 2);
        // Alone, it may be as large as it likes.
        assert!(backlog.push(of_size(2 * MAX_BYTES)).is_ok());
        assert!(backlog.push(of_size(1)).is_err());
        backlog.retain(|_| false);
        assert!(backlog.is_empty() && backlog.bytes == 0);
    }

    #[test]
    fn the_oldest_go() {
        let mut backlog = BoundedQueue::new(3);
        for number in 0..5 {
            let worth = |kept: &Notification| (kept.params.as_ref().unwrap().text() != "0").then_some(0);
            let gone = backlog.push_instead(notice(number.to_string()), |_, _| false, worth);
            assert_eq!(gone, u64::from(number > 2));
        }
        // Where there is no room, what says the same goes, and takes nothing with it.
        let is_same = |new: &Notification, kept: &Notification| {
            new.params.as_ref().unwrap().text() == kept.params.as_ref().unwrap().text()
        };
        assert_eq!(backlog.push_instead(notice("3".into()), is_same, |_| Some(0)), 0);
        let kept = backlog.take().into_iter().map(|kept| kept.params.unwrap().text().to_owned());
        assert_eq!(kept.collect::<Vec<_>>(), ["0", "4", "3"]);
    }

    #[test]
    fn a_part_does_not_hold_the_whole() {
        let small = r#"{"jsonrpc":"2.0","method":"m","params":[1]}"#;
        let text = format!("[{small},{small},\"{}\"]", "x".repeat(MAX_BYTES));
        let mut backlog = BoundedQueue::new(3);
        for item in jsonrpc::read(text).items.into_iter().take(2) {
            let Ok(Message::Notification { method, params }) = item.strict() else { panic!("no notification") };
            let part = Notification { method, params };
            assert!(part.weight() > MAX_BYTES);
            assert!(backlog.push(part).is_ok());
        }
        assert!(backlog.bytes < 1024);
    }
}
