//! Immutable JSON values: validated text, and an index that is recorded when the text is validated, or built when a
//! part of the value is first accessed.
//!
//! A result can be 100 MB long and never be read, or be read by many threads: so the text is kept, and the index is
//! optional. The index is a flat list of nodes in document order. An object's keys are nodes, too, each directly before
//! its value.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::sync::{Arc, OnceLock};

use zeroize::Zeroize;

use super::json_index::JsonNode;
pub use super::json_index::Kind;
use super::json_scanner::{self, InvalidJson, Scanner};
use super::{json_index, json_strings, json_walk};

/// A JSON value, shared by its clones. Keeps the whole text in memory that it is a part of.
#[derive(Clone, Debug)]
pub struct Json(Arc<JsonDocument>);

/// A text that is, or is about to be, validated as JSON.
#[derive(Debug)]
pub struct ValidatedText(String);

#[derive(Debug)]
struct JsonDocument {
    text: Arc<ValidatedText>,
    /// The bytes of `text` that the value consists of.
    start: usize,
    end: usize,
    /// The index.
    nodes: OnceLock<Vec<JsonNode>>,
}

/// The maximum length of a text: nodes have 32-bit offsets.
pub const MAX_TEXT: usize = u32::MAX as usize;

/// Why a value cannot be converted to the requested type.
#[derive(Debug, PartialEq, Eq)]
pub enum JsonConversionError {
    /// The value has this other kind.
    Mismatch(Kind),
    /// The number does not fit into this type.
    Range(&'static str),
}

impl Json {
    /// Validates `text`. The error describes the first syntax error.
    pub fn parse(text: String) -> Result<Json, String> {
        if text.len() > MAX_TEXT {
            return Err(format!("JSON text of {} bytes is larger than {MAX_TEXT}", text.len()));
        }
        let end = text.len();
        let text = Arc::new(ValidatedText(text));
        let mut scanner = text.scanner();
        scanner.record();
        scanner.value().and_then(|_| scanner.end()).map_err(|InvalidJson| json_scanner::syntax_error(text.text()))?;
        let index = scanner.take_index();
        Ok(Json::in_text(text, 0, end, index))
    }

    /// The value `part`, which is a slice of the validated `text`, and its index, if it was recorded.
    pub fn part(text: &Arc<ValidatedText>, part: &str, index: Option<Vec<JsonNode>>) -> Json {
        let start = offset(text.text(), part);
        Json::in_text(Arc::clone(text), start, start + part.len(), index)
    }

    /// Takes text that was validated as a part of a larger text. It is not checked again.
    pub fn from_validated(text: String) -> Json {
        let end = text.len();
        Json::in_text(Arc::new(ValidatedText(text)), 0, end, None)
    }

    fn in_text(text: Arc<ValidatedText>, start: usize, end: usize, index: Option<Vec<JsonNode>>) -> Json {
        // Trim once, not on every access: a message may end with megabytes of white space.
        let trimmed = text.text()[start..end].trim_matches([' ', '\t', '\n', '\r']);
        let start = offset(text.text(), trimmed);
        let end = start + trimmed.len();
        let nodes = index.map_or_else(OnceLock::new, OnceLock::from);
        Json(Arc::new(JsonDocument { text, start, end, nodes }))
    }

    /// Overwrites the text with zeros, unless other values share it.
    pub fn wipe(self) {
        if let Some(text) = Arc::into_inner(self.0).and_then(|document| Arc::into_inner(document.text)) {
            let ValidatedText(mut text) = text;
            text.zeroize();
        }
    }

    /// The value's text, without white space around it.
    #[inline]
    pub fn text(&self) -> &str {
        &self.0.text.text()[self.0.start..self.0.end]
    }

    /// The bytes of text that this value keeps in memory, including the text around it.
    pub fn held(&self) -> usize {
        self.0.text.text().len()
    }

    /// The bytes of its index, if that exists.
    pub fn index_size(&self) -> usize {
        self.0.nodes.get().map_or(0, |nodes| size_of_val(nodes.as_slice()))
    }

    /// Copies the value if the text around it takes more memory than the value, so that that text can be freed.
    pub fn alone(self) -> Json {
        /// Not worth a copy.
        const LITTLE: usize = 4096;
        let text = self.text();
        if self.held() <= 2 * text.len() + LITTLE {
            return self;
        }
        Json::from_validated(text.to_owned())
    }

    pub fn root(&self) -> Value<'_> {
        Value { json: self, index: 0 }
    }

    /// The value, if its index exists already.
    pub fn indexed_root(&self) -> Option<Value<'_>> {
        self.0.nodes.get().map(|_| self.root())
    }

    /// The number of nodes, including those of keys. Builds the index.
    pub fn len(&self) -> usize {
        self.nodes().len()
    }

    /// The value whose [`Value::node_index`] is `index`.
    pub fn value(&self, index: usize) -> Value<'_> {
        Value { json: self, index }
    }

    #[inline]
    fn nodes(&self) -> &[JsonNode] {
        self.0.nodes.get_or_init(|| json_walk::index(self.text()))
    }
}

impl ValidatedText {
    /// A text that the caller is about to validate.
    pub fn unchecked(text: String) -> ValidatedText {
        ValidatedText(text)
    }

    /// A scanner to validate the text.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(&self.0)
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A part of a validated text, which needs no separate allocation. Keeps the whole text in memory.
#[derive(Clone, Debug)]
pub struct TextPart {
    text: Arc<ValidatedText>,
    start: usize,
    end: usize,
}

impl TextPart {
    /// `part` is a slice of `text`.
    pub fn new(text: &Arc<ValidatedText>, part: &str) -> TextPart {
        let start = offset(text.text(), part);
        TextPart { text: Arc::clone(text), start, end: start + part.len() }
    }

    pub fn text(&self) -> &str {
        &self.text.text()[self.start..self.end]
    }
}

/// The position of `part` in `text`, of which it is a slice.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// A reference to a value inside of a [`Json`].
#[derive(Clone, Copy)]
pub struct Value<'a> {
    json: &'a Json,
    /// The index of its node; 0 is the root.
    index: usize,
}

impl<'a> Value<'a> {
    /// The index of the value's node, for [`Json::value`].
    #[inline]
    pub fn node_index(self) -> usize {
        self.index
    }

    #[inline]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The value's JSON text, unchanged.
    pub fn raw(self) -> &'a str {
        // The root needs no index.
        if self.index == 0 { self.json.text() } else { self.raw_of(self.node()) }
    }

    /// The value as a separate one, which shares the text. Its part of the index is copied, so that it is not parsed
    /// again.
    pub fn to_json(self) -> Json {
        if self.index == 0 {
            return self.json.clone();
        }
        let (document, node) = (&self.json.0, self.node());
        Json(Arc::new(JsonDocument {
            text: Arc::clone(&document.text),
            start: document.start + node.start as usize,
            end: document.start + node.end as usize,
            nodes: OnceLock::from(json_index::part(self.json.nodes(), self.index)),
        }))
    }

    /// The number of elements of an array or of members of an object; zero for other kinds.
    pub fn size(self) -> usize {
        self.node().count as usize
    }

    /// The first element of an array, or the value of the first member of an object.
    pub fn first(self) -> Option<Value<'a>> {
        let node = self.node();
        let key = usize::from(node.kind == Kind::Object);
        (node.count > 0).then_some(Value { json: self.json, index: self.index + 1 + key })
    }

    /// The sibling after this one.
    pub fn next(self) -> Option<Value<'a>> {
        let node = self.node();
        let index = node.next as usize + usize::from(node.member);
        (!node.last).then_some(Value { json: self.json, index })
    }

    pub fn children(self) -> impl Iterator<Item = Value<'a>> {
        std::iter::successors(self.first(), |child| child.next())
    }

    /// The decoded key, if the value is a member of an object.
    pub fn key(self) -> Option<Cow<'a, str>> {
        self.raw_key().map(json_strings::decode)
    }

    /// The key as JSON text, with its quotes.
    pub fn raw_key(self) -> Option<&'a str> {
        self.key_node().map(Value::raw)
    }

    /// The key as a value, if the value is a member of an object.
    pub fn key_node(self) -> Option<Value<'a>> {
        self.node().member.then(|| Value { json: self.json, index: self.index - 1 })
    }

    /// The member `name` of an object; of members with the same name, the last.
    pub fn member(self, name: &str) -> Option<Value<'a>> {
        self.member_named(name.as_bytes())
    }

    /// The member with this name, the last of several. `None` if the name is not UTF-8, as all keys are.
    pub fn member_named(self, name: &[u8]) -> Option<Value<'a>> {
        // A program reads members of thousands of objects: so the nodes and the text are looked up once.
        let (nodes, text) = (self.json.nodes(), &self.json.0.text.text().as_bytes()[self.json.0.start..]);
        let node = &nodes[self.index];
        if node.kind != Kind::Object || node.count == 0 {
            return None;
        }
        let mut found = None;
        let mut index = self.index + 2;
        loop {
            let (key, value) = (&nodes[index - 1], &nodes[index]);
            // No decoded key is longer than its text.
            if (key.end - key.start) as usize - QUOTES >= name.len() && is_key(text, key, name) {
                found = Some(Value { json: self.json, index });
            }
            if value.last {
                return found;
            }
            index = value.next as usize + 1;
        }
    }

    pub fn element(self, index: usize) -> Option<Value<'a>> {
        let is_array = self.kind() == Kind::Array && index < self.size();
        is_array.then(|| self.children().nth(index)).flatten()
    }

    /// The value at a JSON Pointer (RFC 6901).
    pub fn at(self, pointer: &str) -> Option<Value<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| match value.kind() {
            Kind::Object => value.member(&unescape_token(token)?),
            Kind::Array => value.element(array_index(token)?),
            _ => None,
        })
    }

    pub fn bool(self) -> Result<bool, JsonConversionError> {
        self.expect(Kind::Bool).map(|raw| raw == "true")
    }

    pub fn string(self) -> Result<Cow<'a, str>, JsonConversionError> {
        self.expect(Kind::String).map(json_strings::decode)
    }

    /// The text between the quotes of a string, not decoded. It is at least as long as the decoded text.
    #[inline]
    pub fn escaped_text(self) -> Result<&'a str, JsonConversionError> {
        let node = self.node();
        let is_string = node.kind == Kind::String;
        if is_string {
            Ok(self.slice(node.start + 1, node.end - 1))
        } else {
            Err(JsonConversionError::Mismatch(node.kind))
        }
    }

    /// The length of the decoded string, in bytes.
    pub fn string_length(self) -> Result<usize, JsonConversionError> {
        self.escaped_text().map(json_strings::decoded_length)
    }

    /// Decodes the string into `to`, which must be large enough, and returns its length.
    pub fn string_into(self, to: &mut [MaybeUninit<u8>]) -> Result<usize, JsonConversionError> {
        self.escaped_text().map(|escaped| json_strings::decode_into(escaped, to))
    }

    /// The decoded text, if the value is a string.
    pub fn text(self) -> Option<Cow<'a, str>> {
        self.string().ok()
    }

    pub fn double(self) -> Result<f64, JsonConversionError> {
        let number: f64 = self.expect(Kind::Number)?.parse().map_err(|_| JsonConversionError::Range("a double"))?;
        if number.is_finite() { Ok(number) } else { Err(JsonConversionError::Range("a double")) }
    }

    pub fn int64(self) -> Result<i64, JsonConversionError> {
        let whole = whole_number(self.expect(Kind::Number)?);
        whole.and_then(|n| i64::try_from(n).ok()).ok_or(JsonConversionError::Range("a 64-bit signed integer"))
    }

    pub fn uint64(self) -> Result<u64, JsonConversionError> {
        let whole = whole_number(self.expect(Kind::Number)?);
        whole.and_then(|n| u64::try_from(n).ok()).ok_or(JsonConversionError::Range("a 64-bit unsigned integer"))
    }

    fn expect(self, kind: Kind) -> Result<&'a str, JsonConversionError> {
        if self.kind() == kind { Ok(self.raw()) } else { Err(JsonConversionError::Mismatch(self.kind())) }
    }

    #[inline]
    fn node(self) -> &'a JsonNode {
        &self.json.nodes()[self.index]
    }

    #[inline]
    fn raw_of(self, node: &JsonNode) -> &'a str {
        self.slice(node.start, node.end)
    }

    /// A part of the text, which is sliced only once.
    #[inline]
    fn slice(self, start: u32, end: u32) -> &'a str {
        let document = &self.json.0;
        &document.text.text()[document.start + start as usize..document.start + end as usize]
    }
}

/// The bytes of a string's quotes.
const QUOTES: usize = 2;

/// Whether a key of `text` is `name` when it is decoded. It is not shorter than `name`.
#[inline]
fn is_key(text: &[u8], key: &JsonNode, name: &[u8]) -> bool {
    let escaped = &text[key.start as usize + 1..key.end as usize - 1];
    // An escape is longer than what it stands for: a key of the same length is equal only if it has none.
    if escaped.len() == name.len() {
        return escaped.iter().zip(name).all(|(a, b)| a == b && *a != b'\\');
    }
    let same_start = escaped[0] == b'\\' || name.first() == Some(&escaped[0]);
    same_start && is_escaped_key(&text[key.start as usize..key.end as usize], name)
}

#[cold]
fn is_escaped_key(quoted: &[u8], name: &[u8]) -> bool {
    let decoded = || str::from_utf8(quoted).is_ok_and(|quoted| json_strings::decode(quoted).as_bytes() == name);
    quoted.contains(&b'\\') && decoded()
}

/// Replaces `~1` with a slash and `~0` with a tilde; any other tilde is invalid (RFC 6901, section 3).
fn unescape_token(token: &str) -> Option<Cow<'_, str>> {
    let Some((plain, rest)) = token.split_once('~') else { return Some(Cow::Borrowed(token)) };
    let mut text = plain.to_owned();
    for part in rest.split('~') {
        text.push(match part.chars().next()? {
            '0' => '~',
            '1' => '/',
            _ => return None,
        });
        text.push_str(&part[1..]);
    }
    Some(Cow::Owned(text))
}

/// Parses an array index: digits without a leading zero (RFC 6901, section 4).
fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with('0');
    let digits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit());
    (canonical && digits).then(|| token.parse().ok()).flatten()
}

/// The value of a JSON number, if it is an integer in any notation: `5`, `5.0` and `50e-1` are all five.
pub(super) fn whole_number(number: &str) -> Option<i128> {
    if let Ok(whole) = number.parse::<i128>() {
        return Some(whole);
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()),
        None => (number, Some(0)),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let negative = before.starts_with('-');
    let digits = format!("{}{after}", before.trim_start_matches('-'));
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let trimmed = i64::try_from(digits.len() - significant.len()).ok()?;
    let zeros = i64::from(exponent?) - i64::try_from(after.len()).ok()? + trimmed;
    // A 64-bit integer has at most 20 digits.
    if zeros < 0 || significant.len() as i64 + zeros > 20 {
        return None;
    }
    let whole: i128 = format!("{significant}{}", "0".repeat(zeros as usize)).parse().ok()?;
    Some(if negative { -whole } else { whole })
}

#[cfg(test)]
mod tests;
