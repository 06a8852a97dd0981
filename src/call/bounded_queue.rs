//! A bounded queue for messages from a server, which may send them faster than the application handles them.

use std::collections::VecDeque;

use crate::protocol::incoming::{Notification, ServerRequest};

/// The limit for all items of a queue together, in bytes. A single item may be larger.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A queue with a maximum number of items and a maximum size.
pub struct BoundedQueue<T> {
    items: VecDeque<T>,
    bytes: usize,
    max_items: usize,
}

/// The memory that an item of a queue uses.
pub trait MemoryUse {
    /// The size in bytes.
    fn weight(&self) -> usize;

    /// The item without the memory that it shares with other parts of the input, such as the other messages of a batch.
    fn alone(self) -> Self;
}

impl<T: MemoryUse> BoundedQueue<T> {
    /// An empty queue for at most `max_items` items.
    pub fn new(max_items: usize) -> BoundedQueue<T> {
        BoundedQueue { items: VecDeque::new(), bytes: 0, max_items }
    }

    /// Adds an item. If the queue is full, returns the item instead.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        let item = item.alone();
        if !self.has_room(item.weight()) {
            return Err(item);
        }
        self.add(item);
        Ok(())
    }

    /// Adds an item. If the queue is full, first removes one item that the new one makes redundant (`supersedes`); then
    /// removes items that have a `priority`, the lowest and oldest first. Returns how many items of the second kind
    /// were removed.
    pub fn push_instead(
        &mut self,
        item: T,
        supersedes: impl Fn(&T, &T) -> bool,
        priority: impl Fn(&T) -> Option<u8>,
    ) -> u64 {
        let item = item.alone();
        if !self.has_room(item.weight())
            && let Some(at) = self.items.iter().position(|queued| supersedes(&item, queued))
        {
            self.remove(at);
        }
        let mut removed = 0;
        while !self.has_room(item.weight()) {
            let removable = self.items.iter().enumerate().filter_map(|(at, queued)| Some((priority(queued)?, at)));
            let Some((_, at)) = removable.min() else { break };
            self.remove(at);
            removed += 1;
        }
        self.add(item);
        removed
    }

    fn remove(&mut self, at: usize) {
        self.bytes -= self.items.remove(at).map_or(0, |removed| removed.weight());
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.items.is_empty() || (self.items.len() < self.max_items && self.bytes + bytes <= MAX_BYTES)
    }

    fn add(&mut self, item: T) {
        self.bytes += item.weight();
        self.items.push_back(item);
    }

    pub fn pop(&mut self) -> Option<T> {
        let first = self.items.pop_front()?;
        self.bytes -= first.weight();
        Some(first)
    }

    /// Removes and returns all items.
    pub fn take(&mut self) -> VecDeque<T> {
        self.bytes = 0;
        std::mem::take(&mut self.items)
    }

    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.items.retain(keep);
        self.bytes = self.items.iter().map(T::weight).sum();
    }

    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
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

    fn notification(text: String) -> Notification {
        Notification { method: "m".into(), params: Some(Json::parse(text).unwrap()) }
    }

    fn of_size(bytes: usize) -> Notification {
        notification(format!("\"{}\"", "x".repeat(bytes)))
    }

    #[test]
    fn count_and_size_are_bounded() {
        let mut queue = BoundedQueue::new(3);
        (0..3).for_each(|_| assert!(queue.push(of_size(1)).is_ok()));
        assert!(queue.push(of_size(1)).is_err());
        assert!(queue.pop().is_some());
        assert!(queue.push(of_size(MAX_BYTES)).is_err());
        assert_eq!(queue.take().len(), 2);
        // A single item may have any size.
        assert!(queue.push(of_size(2 * MAX_BYTES)).is_ok());
        assert!(queue.push(of_size(1)).is_err());
        queue.retain(|_| false);
        assert!(queue.is_empty() && queue.bytes == 0);
    }

    #[test]
    fn redundant_and_then_the_oldest_items_are_removed() {
        let mut queue = BoundedQueue::new(3);
        for number in 0..5 {
            let priority = |queued: &Notification| (queued.params.as_ref().unwrap().text() != "0").then_some(0);
            let removed = queue.push_instead(notification(number.to_string()), |_, _| false, priority);
            assert_eq!(removed, u64::from(number > 2));
        }
        // A redundant item is removed first, and then no other one.
        let supersedes = |new: &Notification, queued: &Notification| {
            new.params.as_ref().unwrap().text() == queued.params.as_ref().unwrap().text()
        };
        assert_eq!(queue.push_instead(notification("3".into()), supersedes, |_| Some(0)), 0);
        let items = queue.take().into_iter().map(|item| item.params.unwrap().text().to_owned());
        assert_eq!(items.collect::<Vec<_>>(), ["0", "4", "3"]);
    }

    #[test]
    fn queued_messages_do_not_keep_their_batch_in_memory() {
        let small = r#"{"jsonrpc":"2.0","method":"m","params":[1]}"#;
        let text = format!("[{small},{small},\"{}\"]", "x".repeat(MAX_BYTES));
        let mut queue = BoundedQueue::new(3);
        for item in jsonrpc::read(text).items.into_iter().take(2) {
            let Ok(Message::Notification { method, params }) = item.strict() else { panic!("not a notification") };
            let part = Notification { method, params };
            assert!(part.weight() > MAX_BYTES);
            assert!(queue.push(part).is_ok());
        }
        assert!(queue.bytes < 1024);
    }
}
