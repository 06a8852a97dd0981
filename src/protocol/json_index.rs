//! The index over a JSON text: a flat list of nodes in document order.

use std::cmp::Ordering;

use super::json_scanner::Span;
use super::json_strings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

#[derive(Clone, Copy, Debug)]
pub struct JsonNode {
    /// Where the value's text begins and ends, from the start of the document.
    pub start: u32,
    pub end: u32,
    /// The node after this one's last descendant.
    pub next: u32,
    /// Elements or members.
    pub count: u32,
    pub kind: Kind,
    /// No sibling follows.
    pub last: bool,
    /// The node before this one is its key.
    pub member: bool,
}

/// A container that is still open while the index is made.
struct OpenContainer {
    at: usize,
    last_child: Option<usize>,
    /// In an object: the next string is a key.
    key_next: bool,
}

/// Long strings whose ends are known; of a larger text, in which the indexed one begins at `start`.
pub struct LongStrings<'a> {
    pub start: usize,
    pub spans: &'a [Span],
}

impl LongStrings<'_> {
    /// The end of the string that begins at `at`, where it is one of them. To be asked in the order of the text.
    fn end(&mut self, at: usize) -> Option<usize> {
        while let Some(((start, end), rest)) = self.spans.split_first() {
            match (*start as usize).cmp(&(at + self.start)) {
                Ordering::Less => self.spans = rest,
                Ordering::Equal => return Some(*end as usize - self.start),
                Ordering::Greater => break,
            }
        }
        None
    }
}

/// Makes the nodes of `text`, which is valid JSON. Nesting costs memory, never stack.
pub fn index(text: &str, mut long: LongStrings) -> Vec<JsonNode> {
    let bytes = text.as_bytes();
    let mut nodes: Vec<JsonNode> = Vec::with_capacity((text.len() / 8).clamp(1, 64));
    let mut open: Vec<OpenContainer> = Vec::with_capacity(8);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' | b':' => at += 1,
            b',' => {
                if let Some(container) = open.last_mut() {
                    container.key_next = nodes[container.at].kind == Kind::Object;
                }
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                close(&mut nodes, &mut open, at);
            }
            byte => {
                let (kind, end) = match byte {
                    b'{' => (Kind::Object, at + 1),
                    b'[' => (Kind::Array, at + 1),
                    b'"' => (Kind::String, long.end(at).unwrap_or_else(|| json_strings::end(bytes, at))),
                    b'n' => (Kind::Null, at + 4),
                    b't' => (Kind::Bool, at + 4),
                    b'f' => (Kind::Bool, at + 5),
                    _ => (Kind::Number, number_end(bytes, at)),
                };
                add(&mut nodes, &mut open, kind, at, end);
                at = end;
            }
        }
    }
    // A large index is kept as small as it can be.
    if nodes.len() > 64 {
        nodes.shrink_to_fit();
    }
    nodes
}

fn add(nodes: &mut Vec<JsonNode>, open: &mut Vec<OpenContainer>, kind: Kind, start: usize, end: usize) {
    let at = nodes.len();
    let mut member = false;
    if let Some(container) = open.last_mut() {
        if container.key_next {
            container.key_next = false;
        } else {
            member = nodes[container.at].kind == Kind::Object;
            nodes[container.at].count += 1;
            container.last_child = Some(at);
        }
    }
    let (start, end, next) = (start as u32, end as u32, at as u32 + 1);
    nodes.push(JsonNode { start, end, next, count: 0, kind, last: open.is_empty(), member });
    if matches!(kind, Kind::Object | Kind::Array) {
        open.push(OpenContainer { at, last_child: None, key_next: kind == Kind::Object });
    }
}

fn close(nodes: &mut [JsonNode], open: &mut Vec<OpenContainer>, end: usize) {
    let Some(container) = open.pop() else { return };
    let next = nodes.len() as u32;
    nodes[container.at].end = end as u32;
    nodes[container.at].next = next;
    if let Some(child) = container.last_child {
        nodes[child].last = true;
    }
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    start + bytes[start..].iter().take_while(|b| is_part(b)).count().max(1)
}
