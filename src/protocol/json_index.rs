//! The index of a JSON text: a flat list of nodes in document order.

use std::cmp::Ordering;

use super::json_scanner::Span;
use super::json_strings;
use super::json_structure::most_nodes;

/// The nodes of longer texts are counted first: that takes less time than moving a growing index.
const LONG_TEXT: usize = 512;

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
#[derive(Clone, Copy, Debug)]
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

/// An array or an object whose end was not reached.
struct OpenContainer {
    /// The index of its node.
    node: usize,
    last_child: Option<usize>,
    /// The next string is a key of this object.
    expects_key: bool,
}

/// The long strings that the scanner found.
pub struct LongStrings<'a> {
    /// The position of the indexed text in the scanned text.
    pub start: usize,
    /// The strings not reached yet, as positions in the scanned text, in order.
    pub spans: &'a [Span],
}

impl LongStrings<'_> {
    /// The end of the string at `at`, if it is a long one. Must be called in the order of the text.
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

    /// The most nodes of `text`, which is the indexed text. The long strings are not searched for brackets and commas.
    fn most_nodes(&self, text: &str) -> usize {
        let (mut at, mut count) = (0, 0);
        for (start, end) in self.spans.iter().map(|(start, end)| (*start as usize, *end as usize)) {
            // The scanned text has long strings before and after the indexed one.
            if start >= self.start && end <= self.start + text.len() {
                count += most_nodes(&text[at..start - self.start]);
                at = end - self.start;
            }
        }
        count + most_nodes(&text[at..])
    }
}

/// Builds the index of `text`, which is valid JSON. Nested values need heap memory, not stack.
pub fn build_index(text: &str, mut long_strings: LongStrings) -> Vec<JsonNode> {
    let bytes = text.as_bytes();
    let capacity = if text.len() < LONG_TEXT { text.len() / 8 + 1 } else { long_strings.most_nodes(text) };
    let mut nodes: Vec<JsonNode> = Vec::with_capacity(capacity);
    let mut open: Vec<OpenContainer> = Vec::with_capacity(8);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' | b':' => at += 1,
            b',' => {
                if let Some(container) = open.last_mut() {
                    container.expects_key = nodes[container.node].kind == Kind::Object;
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
                    b'"' => (Kind::String, string_end(bytes, at, &mut long_strings)),
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
    // Free the spare capacity of a large index.
    if nodes.len() > LONG_TEXT / 8 {
        nodes.shrink_to_fit();
    }
    nodes
}

fn add(nodes: &mut Vec<JsonNode>, open: &mut Vec<OpenContainer>, kind: Kind, start: usize, end: usize) {
    let node = nodes.len();
    let mut member = false;
    if let Some(container) = open.last_mut() {
        if container.expects_key {
            container.expects_key = false;
        } else {
            member = nodes[container.node].kind == Kind::Object;
            nodes[container.node].count += 1;
            container.last_child = Some(node);
        }
    }
    let (start, end, next) = (start as u32, end as u32, node as u32 + 1);
    nodes.push(JsonNode { start, end, next, count: 0, kind, last: open.is_empty(), member });
    if matches!(kind, Kind::Object | Kind::Array) {
        open.push(OpenContainer { node, last_child: None, expects_key: kind == Kind::Object });
    }
}

fn close(nodes: &mut [JsonNode], open: &mut Vec<OpenContainer>, end: usize) {
    let Some(container) = open.pop() else { return };
    let next = nodes.len() as u32;
    nodes[container.node].end = end as u32;
    nodes[container.node].next = next;
    if let Some(child) = container.last_child {
        nodes[child].last = true;
    }
}

fn string_end(bytes: &[u8], start: usize, long_strings: &mut LongStrings) -> usize {
    // In valid JSON, each string has an end.
    long_strings.end(start).or_else(|| json_strings::end(bytes, start)).unwrap_or(bytes.len())
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    start + bytes[start..].iter().take_while(|b| is_part(b)).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_strings_are_not_searched_for_nodes() {
        let long = "[,".repeat(5000);
        let inner = format!(r#"{{"a":["{long}",1],"{long}":{{}}}}"#);
        let text = format!(r#"["{long}",{inner},"{long}"]"#);
        let is_quote = |(at, byte): (usize, u8)| (byte == b'"').then_some(at as u32);
        let quotes: Vec<u32> = text.bytes().enumerate().filter_map(is_quote).collect();
        let strings = quotes.chunks(2).map(|quotes| (quotes[0], quotes[1] + 1));
        let spans: Vec<Span> = strings.filter(|(start, end)| end - start > 5000).collect();
        assert_eq!(spans.len(), 4);
        let start = text.find('{').unwrap();
        for (start, indexed) in [(0, text.as_str()), (start, &inner)] {
            let long_strings = || LongStrings { start, spans: &spans };
            let count = build_index(indexed, long_strings()).len();
            // One too many for each long string, and for each empty object.
            assert!((count..count + 6).contains(&long_strings().most_nodes(indexed)));
            assert_eq!(count, build_index(indexed, LongStrings { start, spans: &[] }).len());
        }
    }
}
