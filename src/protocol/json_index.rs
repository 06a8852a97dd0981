//! The index of a JSON text: a flat list of nodes in document order.

/// The most nodes that are recorded while a text is checked, for all its results together; they need 20 MiB. The index
/// of a result with more nodes is built when it is needed: a program that does not look into it needs no memory for it.
const MAX_RECORDED: usize = 1 << 20;

/// The first nodes of an index: room for a small result.
const FIRST_NODES: usize = 16;

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// A value or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonNode {
    /// The range of its text, in bytes from the start of the document.
    pub start: u32,
    pub end: u32,
    /// The index of the node after its last descendant.
    pub next: u32,
    /// The number of elements or members.
    pub count: u32,
    pub kind: Kind,
    /// It is the last child of its parent, or the root.
    pub last: bool,
    /// It is a member's value: the node before it is the key.
    pub member: bool,
}

/// The index of the value whose node is `index`, as a separate value.
pub fn part(nodes: &[JsonNode], index: usize) -> Vec<JsonNode> {
    let root = nodes[index];
    let mut part: Vec<JsonNode> = nodes[index..root.next as usize].to_vec();
    for node in &mut part {
        node.start -= root.start;
        node.end -= root.start;
        node.next -= index as u32;
    }
    (part[0].last, part[0].member) = (true, false);
    part
}

/// Gets the values and keys of a text, in order, and records their nodes if this is requested.
#[derive(Default)]
pub struct IndexBuilder {
    is_recording: bool,
    /// While an array or an object is open, its `next` is the node of the one around it, and its `end` that of its last
    /// child, or 0.
    nodes: Vec<JsonNode>,
    /// The node of the innermost open array or object; `NONE` outside of all of them.
    open: u32,
    /// The range of the text that is recorded.
    start: usize,
    end: usize,
    max_nodes: usize,
    /// The number of nodes in the indexes that were returned.
    recorded: usize,
}

const NONE: u32 = u32::MAX;

impl IndexBuilder {
    /// Begins to record the value at `start`, which ends at `end` or before. If it has more nodes, no index is built.
    pub fn record(&mut self, start: usize, end: usize, max_nodes: usize) {
        let recorded = self.recorded;
        *self = IndexBuilder { is_recording: true, nodes: Vec::new(), open: NONE, start, end, max_nodes, recorded };
    }

    /// Begins to record the value at `start` of a text that is checked.
    pub fn record_checked(&mut self, start: usize, end: usize) {
        // A batch has many results.
        self.record(start, end, MAX_RECORDED.saturating_sub(self.recorded));
    }

    /// Ends the recording, and returns the index of the value; `None` if it was not recorded.
    pub fn finish(&mut self) -> Option<Vec<JsonNode>> {
        let mut nodes = std::mem::take(&mut self.nodes);
        let is_complete = std::mem::take(&mut self.is_recording);
        self.recorded += nodes.len();
        // The capacity of a large index was estimated.
        if nodes.capacity() > 2 * FIRST_NODES {
            nodes.shrink_to_fit();
        }
        is_complete.then_some(nodes)
    }

    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.nodes.capacity()
    }

    /// An array or an object begins.
    #[inline(always)]
    pub fn open(&mut self, kind: Kind, start: usize) {
        if self.is_recording {
            let node = self.nodes.len() as u32;
            self.add(kind, start, self.start, self.open);
            self.open = node;
        }
    }

    /// The innermost open array or object ends.
    #[inline(always)]
    pub fn close(&mut self, end: usize) {
        let next = self.nodes.len() as u32;
        let Some(node) = self.nodes.get_mut(self.open as usize) else { return };
        let last_child = node.end as usize;
        self.open = node.next;
        (node.end, node.next) = ((end - self.start) as u32, next);
        if last_child > 0 {
            self.nodes[last_child].last = true;
        }
    }

    /// A key, with its quotes.
    #[inline(always)]
    pub fn key(&mut self, start: usize, end: usize) {
        if self.is_recording {
            let next = self.nodes.len() as u32 + 1;
            self.push(start, end, JsonNode { next, ..NODE });
        }
    }

    /// A value that is not an array or an object.
    #[inline(always)]
    pub fn scalar(&mut self, kind: Kind, start: usize, end: usize) {
        if self.is_recording {
            self.add(kind, start, end, self.nodes.len() as u32 + 1);
        }
    }

    /// Adds a value to the open array or object.
    #[inline(always)]
    fn add(&mut self, kind: Kind, start: usize, end: usize, next: u32) {
        let node = self.nodes.len() as u32;
        let parent = self.nodes.get_mut(self.open as usize);
        let member = parent.as_ref().is_some_and(|parent| parent.kind == Kind::Object);
        let last = parent.is_none();
        if let Some(parent) = parent {
            parent.count += 1;
            parent.end = node;
        }
        self.push(start, end, JsonNode { next, kind, last, member, ..NODE });
    }

    #[inline(always)]
    fn push(&mut self, start: usize, end: usize, node: JsonNode) {
        if self.nodes.len() == self.nodes.capacity() && !self.make_room(start) {
            return;
        }
        self.nodes.push(JsonNode { start: (start - self.start) as u32, end: (end - self.start) as u32, ..node });
    }

    /// Makes room for more nodes, as many as the rest of the text has if it is like the text before `at`. Returns false
    /// if there are too many: then the recording ends.
    #[cold]
    fn make_room(&mut self, at: usize) -> bool {
        let count = self.nodes.len();
        if count >= self.max_nodes {
            *self = IndexBuilder { open: NONE, recorded: self.recorded, ..IndexBuilder::default() };
            return false;
        }
        let rest = self.end - at;
        // 64 bits are enough: both factors are at most a text's length, which has 32.
        let expected =
            (rest as u64 * count as u64).checked_div((at - self.start) as u64).unwrap_or(rest as u64 / 8) + 1;
        // The text may begin with many small values and continue with a long string, or the reverse: then the estimates
        // are too low, and each one moves the nodes.
        let least = FIRST_NODES.max(count / 4);
        let more = (expected as usize).clamp(least, 64 * count.max(1)).min(self.max_nodes - count);
        self.nodes.reserve_exact(more);
        true
    }
}

/// A node without a position.
pub const NODE: JsonNode =
    JsonNode { start: 0, end: 0, next: 0, count: 0, kind: Kind::String, last: false, member: false };
