//! Walks through a JSON array or object in one pass, and checks its syntax (RFC 8259). Nested values need heap memory,
//! not stack.

use super::json_index::{IndexBuilder, JsonNode, Kind};
use super::json_tokens::Tokens;

/// The index of `text`, which is valid JSON without white space around it.
pub fn index(text: &str) -> Vec<JsonNode> {
    let bytes = text.as_bytes();
    let mut index = IndexBuilder::default();
    index.record(0, text.len(), usize::MAX);
    if let Some(b'{' | b'[') = bytes.first() {
        walk(bytes, 0, &mut index);
    } else {
        let kind = number_or_literal(bytes, 0).map_or(Kind::String, |(kind, _)| kind);
        index.scalar(kind, 0, text.len());
    }
    index.finish().unwrap_or_default()
}

/// Walks through the array or object at `start`, and adds its nodes to `index`. Returns the position after it; `None`
/// if it is invalid.
pub fn walk(bytes: &[u8], start: usize, index: &mut IndexBuilder) -> Option<usize> {
    let mut tokens = Tokens::new(bytes, start);
    let mut open = NestingBits::default();
    let mut at = tokens.next()?;
    // Each turn begins at a value.
    loop {
        match bytes[at] {
            byte @ (b'{' | b'[') => {
                let kind = if byte == b'{' { Kind::Object } else { Kind::Array };
                index.open(kind, at);
                open.push(kind);
                at = tokens.next()?;
                if bytes[at] != closing_bracket(kind) {
                    if kind == Kind::Object {
                        at = member(bytes, &mut tokens, at, index)?;
                    }
                    continue;
                }
                index.close(at + 1);
                open.pop();
            }
            b'"' => {
                let end = tokens.next()? + 1;
                index.scalar(Kind::String, at, end);
            }
            _ => {
                let (kind, end) = number_or_literal(bytes, at).filter(|(_, end)| tokens.scalar_can_end_at(*end))?;
                index.scalar(kind, at, end);
            }
        }
        // Closing brackets, and the comma before the next value.
        loop {
            let Some(kind) = open.last() else {
                let end = at + 1;
                return tokens.strings_are_valid_before(end).then_some(end);
            };
            at = tokens.next()?;
            if bytes[at] == b',' {
                at = tokens.next()?;
                if kind == Kind::Object {
                    at = member(bytes, &mut tokens, at, index)?;
                }
                break;
            }
            if bytes[at] != closing_bracket(kind) {
                return None;
            }
            index.close(at + 1);
            open.pop();
        }
    }
}

/// Takes the key at `at` and the colon after it. Returns the position of the member's value.
#[inline(always)]
fn member(bytes: &[u8], tokens: &mut Tokens, at: usize, index: &mut IndexBuilder) -> Option<usize> {
    if bytes[at] != b'"' {
        return None;
    }
    index.key(at, tokens.next()? + 1);
    let colon = tokens.next()?;
    if bytes[colon] == b':' { tokens.next() } else { None }
}

#[inline(always)]
fn closing_bracket(kind: Kind) -> u8 {
    if kind == Kind::Object { b'}' } else { b']' }
}

/// The kind of the number or the literal at `start`, and the position after it; `None` if it is invalid.
pub fn number_or_literal(bytes: &[u8], start: usize) -> Option<(Kind, usize)> {
    let (kind, literal) = match bytes.get(start)? {
        b'-' | b'0'..=b'9' => return Some((Kind::Number, number_end(bytes, start)?)),
        b't' => (Kind::Bool, "true"),
        b'f' => (Kind::Bool, "false"),
        b'n' => (Kind::Null, "null"),
        _ => return None,
    };
    bytes[start..].starts_with(literal.as_bytes()).then_some((kind, start + literal.len()))
}

fn number_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + usize::from(bytes[start] == b'-');
    // Leading zeros are invalid.
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits_end(bytes, at)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits_end(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits_end(bytes, at + 1 + sign)?;
    }
    Some(at)
}

/// The position after the digits at `start`, of which there must be at least one.
fn digits_end(bytes: &[u8], start: usize) -> Option<usize> {
    let count = bytes.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(start + count)
}

/// The open arrays and objects, one bit for each.
#[derive(Default)]
struct NestingBits {
    /// The innermost ones, at most 64. The lowest bit is the innermost one; it is set for objects.
    inner: u64,
    /// The others, in groups of 64.
    outer: Vec<u64>,
    depth: usize,
}

impl NestingBits {
    #[inline(always)]
    fn push(&mut self, kind: Kind) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(kind == Kind::Object);
        self.depth += 1;
    }

    #[inline(always)]
    fn last(&self) -> Option<Kind> {
        let kind = if self.inner & 1 == 1 { Kind::Object } else { Kind::Array };
        (self.depth > 0).then_some(kind)
    }

    /// Removes the innermost one, which exists.
    #[inline(always)]
    fn pop(&mut self) {
        self.depth -= 1;
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.inner = self.outer.pop().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests;
