//! Finds the end of JSON strings and decodes them (RFC 8259, section 7), in blocks of 64 bytes: JSON inside text has an
//! escape every few bytes, and is scanned and decoded at nearly the speed of other text.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use crate::sys::text::utf8;
use crate::sys::vector::{self, AsciiClass, BLOCK, ByteWriter, Kernel, LetterMap, Vectors, load_first};

/// The bytes that are an escape together with a backslash before them.
const SIMPLE: AsciiClass = AsciiClass::new(b"\"\\/bfnrt");

/// The meaning of letters after a backslash. The meaning of other bytes is the byte.
const MEANINGS: LetterMap = LetterMap::new(&[(b'b', 0x8), (b'f', 0xC), (b'n', b'\n'), (b'r', b'\r'), (b't', b'\t')]);

/// Checks a string, and returns the position after its closing quote. `start` is the position of its opening quote.
/// `None` if the string is invalid or has no end.
#[inline]
pub fn end(bytes: &[u8], start: usize) -> Option<usize> {
    // Most strings are short: keys, names, numbers in text. For them, a block would take longer than this.
    let mut at = start + 1;
    for _ in 0..2 {
        let rest = bytes.get(at..)?;
        let count = plain_start(rest);
        at += count;
        if count < WORD {
            break;
        }
    }
    if bytes.get(at) == Some(&b'"') {
        return Some(at + 1);
    }
    vector::run(End { bytes, at })
}

/// Whether the text needs no escapes in a JSON string.
pub fn is_plain(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let count = plain_start(text);
        if count < text.len().min(WORD) {
            return false;
        }
        text = &text[count..];
    }
    true
}

/// The number of bytes that [`plain_start`] checks.
const WORD: usize = 8;

/// The number of bytes before the first quote, backslash or control character, among the first eight bytes.
#[inline]
fn plain_start(bytes: &[u8]) -> usize {
    let Some(word) = bytes.first_chunk::<WORD>() else {
        let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
        return bytes.iter().position(is_special).unwrap_or(bytes.len());
    };
    let word = u64::from_le_bytes(*word);
    let controls = word.wrapping_sub(LOW * 0x20) & !word;
    let quotes = zeros(word ^ (LOW * u64::from(b'"')));
    let backslashes = zeros(word ^ (LOW * u64::from(b'\\')));
    first_byte(controls | quotes | backslashes)
}

const LOW: u64 = 0x0101_0101_0101_0101;

/// Sets the highest bit of each zero byte, and perhaps those of bytes above the lowest zero byte.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word
}

/// The first byte of a word whose highest bit is set; 8 if there is none.
#[inline]
fn first_byte(word: u64) -> usize {
    // Without such a byte, 64 bits are zero.
    (word & (LOW << 7)).trailing_zeros() as usize / 8
}

/// Finds the escapes in successive blocks.
#[derive(Default)]
pub struct Escapes {
    /// The last byte of the previous block is a backslash that escapes the first byte of this one: 1, otherwise 0.
    carry: u64,
}

impl Escapes {
    /// The backslashes of a block that escape a byte, and the bytes that are escaped.
    #[inline(always)]
    pub fn find(&mut self, backslashes: u64) -> (u64, u64) {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        if backslashes == 0 {
            return (0, std::mem::take(&mut self.carry));
        }
        // In a run of backslashes, every other one escapes the next byte, beginning with the first. The subtraction
        // borrows from the end of a run to its start, and so inverts the odd bits of runs that begin at an odd
        // position: "escapes next" is then in the even or the odd bits of the run, as its start requires.
        let unescaped = backslashes & !self.carry;
        let after = unescaped << 1;
        let escapes_and_ends = (after | ODD).wrapping_sub(unescaped) ^ ODD;
        let escaped = escapes_and_ends ^ (backslashes | self.carry);
        let starts = escapes_and_ends & backslashes;
        self.carry = starts >> 63;
        (starts, escaped)
    }
}

/// Checks a string and finds its end. `at` is inside of the string, and not in an escape.
struct End<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Kernel for End<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Option<usize> {
        let (bytes, mut at) = (self.bytes, self.at);
        let mut escapes = Escapes::default();
        // Control characters are rare, and invalid: one check at the end is enough.
        let mut least = vectors.load(&[u8::MAX; BLOCK]);
        loop {
            // After the end of the text, a block has zeros, which are control characters, too.
            let (block, _) = load_first(vectors, bytes.get(at..)?);
            let (quotes, backslashes) = (vectors.equal(block, b'"'), vectors.equal(block, b'\\'));
            let (_, escaped) = escapes.find(backslashes);
            let ends = quotes & !escaped;
            // The bits before the first end.
            let inside = ends.wrapping_sub(1) & !ends;
            if !are_escapes(vectors, block, escaped & inside, &bytes[at..]) {
                return None;
            }
            if ends == 0 {
                least = vectors.least(least, block);
                at += BLOCK;
                continue;
            }
            let controls = vectors.at_most(least, HIGHEST_CONTROL) | vectors.at_most(block, HIGHEST_CONTROL) & inside;
            return (controls == 0).then_some(at + ends.trailing_zeros() as usize + 1);
        }
    }
}

/// The last control character, which must be escaped, as must those before it.
pub const HIGHEST_CONTROL: u8 = 0x1F;

/// Whether the bytes of `positions` are escapes together with a backslash before them. `rest` is the text that begins
/// with the block.
#[inline(always)]
pub fn are_escapes<V: Vectors>(vectors: V, block: V::Block, positions: u64, rest: &[u8]) -> bool {
    if positions == 0 {
        return true;
    }
    let first = positions.trailing_zeros() as usize;
    // Text that is not JSON has few escapes. One is checked faster without vectors.
    if positions & (positions - 1) == 0 && rest.get(first).is_some_and(|byte| SIMPLE.contains(*byte)) {
        return true;
    }
    let mut others = vectors.outside(block, positions, &SIMPLE);
    while others != 0 {
        if !is_escape(&rest[others.trailing_zeros() as usize..]) {
            return false;
        }
        others &= others - 1;
    }
    true
}

/// Whether the text begins with an escape, without its backslash.
pub fn is_escape(text: &[u8]) -> bool {
    match text {
        [b'u', digits @ ..] => starts_with_unit(digits),
        [byte, ..] => SIMPLE.contains(*byte),
        [] => false,
    }
}

/// Whether the text begins with the four digits of an escape like `\u0041`.
fn starts_with_unit(text: &[u8]) -> bool {
    text.first_chunk::<4>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Decodes a valid string, given with its quotes. An unpaired surrogate becomes U+FFFD, as in browsers and
/// most decoders: servers that cut a text within an emoji send it.
pub fn decode(quoted: &str) -> Cow<'_, str> {
    let inside = &quoted[1..quoted.len() - 1];
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let decoded = vector::collect(inside.len(), |to| vector::run(Decode { inside, to }));
    // The decoded text of a valid string is UTF-8.
    Cow::Owned(utf8(decoded).unwrap_or_default())
}

/// The decoded length, in bytes, of a valid string, given without its quotes.
pub fn decoded_length(inside: &str) -> usize {
    let mut length = 0;
    vector::run(Decode { inside, to: &mut length });
    length
}

/// Decodes a valid string, given without its quotes, into `to`, and returns the decoded length. `to` must be large
/// enough; the length of `inside` always is. May overwrite the bytes after the text in `to`.
pub fn decode_into(inside: &str, to: &mut [MaybeUninit<u8>]) -> usize {
    vector::write_to(to, |to| vector::run(Decode { inside, to }))
}

/// Decodes the start of a valid string, given without its quotes, into `to`, which is at least as long. Stops before an
/// escape like `\u0041`. Returns the length of that start in `inside`, and of the decoded text. May overwrite the bytes
/// after the text in `to`.
///
/// For strings of few blocks: reading the texts of 1,000 tools takes 20 % fewer instructions than with [`decode_into`].
pub fn decode_start(inside: &str, to: &mut [MaybeUninit<u8>]) -> (usize, usize) {
    let bytes = inside.as_bytes();
    let to = &mut to[..bytes.len()];
    let (mut at, mut written) = (0, 0);
    loop {
        let (words, rest) = bytes[at..].as_chunks::<WORD>();
        // There is room for all words, because no text is longer when it is decoded.
        let (places, _) = to[written..].as_chunks_mut::<WORD>();
        let (mut count, mut plain) = (0, WORD);
        for (word, place) in words.iter().zip(places) {
            *place = word.map(MaybeUninit::new);
            plain = first_byte(zeros(u64::from_le_bytes(*word) ^ (LOW * u64::from(b'\\'))));
            count += plain;
            if plain < WORD {
                break;
            }
        }
        let rest = if plain < WORD { &[] } else { rest };
        (at, written) = (at + count, written + count);
        for byte in rest.iter().take_while(|byte| **byte != b'\\') {
            to[written].write(*byte);
            (at, written) = (at + 1, written + 1);
        }
        match bytes[at..] {
            [b'\\', letter, ..] if letter != b'u' => to[written].write(MEANINGS.replacement(letter)),
            _ => return (at, written),
        };
        (at, written) = (at + 2, written + 1);
    }
}

/// Takes decoded text.
trait Sink {
    fn push(&mut self, decoded: char);
    fn push_without<V: Vectors>(&mut self, vectors: V, block: V::Block, position: usize, next: u8);
    fn push_block<V: Vectors>(&mut self, vectors: V, block: V::Block, positions: u64);
}

/// Only the length of the text.
impl Sink for usize {
    fn push(&mut self, decoded: char) {
        *self += decoded.len_utf8();
    }

    #[inline(always)]
    fn push_without<V: Vectors>(&mut self, _: V, _: V::Block, _: usize, _: u8) {
        *self += BLOCK - 1;
    }

    #[inline(always)]
    fn push_block<V: Vectors>(&mut self, _: V, _: V::Block, positions: u64) {
        *self += positions.count_ones() as usize;
    }
}

impl Sink for ByteWriter<'_> {
    fn push(&mut self, decoded: char) {
        ByteWriter::push(self, decoded.encode_utf8(&mut [0; 4]).as_bytes());
    }

    #[inline(always)]
    fn push_without<V: Vectors>(&mut self, vectors: V, block: V::Block, position: usize, next: u8) {
        ByteWriter::push_without(self, vectors, block, position, next);
    }

    #[inline(always)]
    fn push_block<V: Vectors>(&mut self, vectors: V, block: V::Block, positions: u64) {
        ByteWriter::push_block(self, vectors, block, positions);
    }
}

/// Decodes a valid string, given without its quotes.
struct Decode<'a, S> {
    inside: &'a str,
    to: &'a mut S,
}

impl<S: Sink> Kernel for Decode<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) {
        let bytes = self.inside.as_bytes();
        let mut escapes = Escapes::default();
        let mut at = 0;
        while let Some(rest @ [_, ..]) = bytes.get(at..) {
            let (block, all) = load_first(vectors, rest);
            let (starts, escaped) = escapes.find(vectors.equal(block, b'\\'));
            // Text that is not JSON has few escapes. One is decoded faster without the operations on sets of them.
            if starts.is_power_of_two() && escaped == starts << 1 && all == u64::MAX {
                let position = starts.trailing_zeros() as usize;
                let next = rest[position + 1];
                if next != b'u' {
                    self.to.push_without(vectors, block, position, MEANINGS.replacement(next));
                    at += BLOCK;
                    continue;
                }
            }
            let (mut block, mut unicode, mut before) = (block, 0, u64::MAX);
            if escaped != 0 {
                unicode = vectors.equal(block, b'u') & escaped;
                before = unicode.wrapping_sub(1) & !unicode;
                block = vectors.replace(block, escaped & before, &MEANINGS);
            }
            self.to.push_block(vectors, block, all & before & !starts);
            if unicode == 0 {
                at += BLOCK;
            } else {
                // The backslash may be the last byte of the previous block.
                at = decode_unicode(bytes, at + unicode.trailing_zeros() as usize - 1, self.to);
                escapes = Escapes::default();
            }
        }
    }
}

/// Decodes successive escapes like `\u0041`, and returns the position after them.
fn decode_unicode(bytes: &[u8], mut at: usize, to: &mut impl Sink) -> usize {
    while bytes[at..].starts_with(b"\\u") {
        let (decoded, length) = unicode_escape(&bytes[at..]);
        to.push(decoded);
        at += length;
    }
    at
}

/// Decodes the escape `\u0041`, or a surrogate pair of such escapes, at the beginning of `bytes`. Returns the length of
/// the escapes.
fn unicode_escape(bytes: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
    };
    let first = unit(2).unwrap_or(0xFFFD);
    let pair = || {
        let high = first.checked_sub(0xD800).filter(|high| *high < 0x400)?;
        bytes.get(6..8).filter(|prefix| *prefix == b"\\u")?;
        let low = unit(8)?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + (high << 10) + low)
    };
    match pair() {
        Some(decoded) => (decoded, 12),
        // The text after an unpaired surrogate is decoded separately.
        None => (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}

#[cfg(test)]
mod tests;
