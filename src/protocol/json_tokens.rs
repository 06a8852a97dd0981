//! Finds the tokens of JSON text, 64 bytes at a time: brackets, commas, colons, quotes, and the first bytes of numbers
//! and literals. Everything else that is valid outside of strings is white space or belongs to the token before it.

use super::json_strings::{HIGHEST_CONTROL, are_escapes, is_escape};
use super::json_structure::Strings;
use crate::sys::vector::{self, AsciiClass, BLOCK, Kernel, Vectors, load_first};

/// Tokens are searched until there is no room for those of another block.
const CAPACITY: usize = 3 * BLOCK;

/// The most bytes that are searched at once, unless they have no tokens.
const MAX_SEARCHED: usize = 16 * BLOCK;

const OPERATORS: AsciiClass = AsciiClass::new(b"{}[],:");
const SPACES: AsciiClass = AsciiClass::new(b" \t\n\r");

/// The tokens of a text, in order. A loop over positions is faster than one that looks at each byte, and needs to be
/// compiled only once, while the search is compiled for each kind of processor.
pub struct Tokens<'a> {
    bytes: &'a [u8],
    /// The start of the first block that was not searched yet.
    next_block: usize,
    /// The most bytes of the next search. It begins with one block and doubles: what follows the value is searched
    /// again for the next value, and there may be millions of short values.
    searched_next: usize,
    positions: [usize; CAPACITY],
    /// How many of `positions` were found, and how many of these were taken.
    found: usize,
    taken: usize,
    strings: Strings,
    /// The last byte that was searched is in a number or a literal: 1, otherwise 0.
    scalar_continues: u64,
    /// The position of the first byte that is invalid in a string.
    invalid: usize,
}

impl<'a> Tokens<'a> {
    /// `start` is outside of strings.
    pub fn new(bytes: &'a [u8], start: usize) -> Tokens<'a> {
        Tokens {
            bytes,
            next_block: start,
            searched_next: BLOCK,
            positions: [0; CAPACITY],
            found: 0,
            taken: 0,
            strings: Strings::default(),
            scalar_continues: 0,
            invalid: usize::MAX,
        }
    }

    /// The position of the next token. After the opening quote of a string, it is that of the closing one.
    #[inline(always)]
    pub fn next(&mut self) -> Option<usize> {
        if self.taken == self.found && !self.search() {
            return None;
        }
        let at = self.positions[self.taken];
        self.taken += 1;
        Some(at)
    }

    /// Whether all strings before `end`, which follows a token that was taken, are valid.
    pub fn strings_are_valid_before(&self, end: usize) -> bool {
        self.invalid >= end
    }

    /// Whether a number or a literal can end at `at`, which is the position after it.
    pub fn scalar_can_end_at(&self, at: usize) -> bool {
        self.bytes.get(at).is_none_or(|byte| OPERATORS.contains(*byte) || SPACES.contains(*byte))
    }

    /// Searches for more tokens, and returns whether there are any.
    #[inline(never)]
    fn search(&mut self) -> bool {
        (self.found, self.taken) = (0, 0);
        vector::run(Search(self));
        self.found > 0
    }
}

struct Search<'a, 'b>(&'a mut Tokens<'b>);

impl Kernel for Search<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) {
        let Search(tokens) = self;
        let mut found = 0;
        let limit = tokens.next_block + tokens.searched_next;
        tokens.searched_next = (2 * tokens.searched_next).min(MAX_SEARCHED);
        while found <= CAPACITY - BLOCK && tokens.next_block < tokens.bytes.len() && tokens.invalid == usize::MAX {
            let start = tokens.next_block;
            if found > 0 && start >= limit {
                break;
            }
            let rest = &tokens.bytes[start..];
            let (block, present) = load_first(vectors, rest);
            tokens.next_block += BLOCK;
            let string = tokens.strings.find(vectors, block);
            let inside = string.inside & present;
            let mut bits = string.quotes;
            // A block inside of a long string has no other tokens.
            if inside != present {
                let operators = present & !(vectors.outside(block, u64::MAX, &OPERATORS) | inside);
                let spaces = !vectors.outside(block, u64::MAX, &SPACES);
                let scalars = present & !(operators | spaces | inside | string.quotes);
                bits |= operators | scalars & !(scalars << 1 | tokens.scalar_continues);
                tokens.scalar_continues = scalars >> 63;
            }
            let mut invalid = vectors.at_most(block, HIGHEST_CONTROL) & inside;
            let escaped = string.escaped & inside;
            if !are_escapes(vectors, block, escaped, rest) {
                invalid |= first_invalid_escape(escaped, rest);
            }
            if invalid != 0 {
                tokens.invalid = start + invalid.trailing_zeros() as usize;
            }
            found += add(bits, start, &mut tokens.positions[found..]);
        }
        tokens.found = found;
    }
}

/// Writes the positions of the set bits, and returns their number. May overwrite the first 64 of `positions`.
#[inline(always)]
fn add(mut bits: u64, start: usize, positions: &mut [usize]) -> usize {
    let count = bits.count_ones() as usize;
    // Four at a time, without a branch for each: more than the set ones are not used.
    for group in positions[..BLOCK].chunks_exact_mut(4) {
        if bits == 0 {
            break;
        }
        for position in group {
            *position = start + bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
        }
    }
    count
}

/// The lowest of the `escaped` bytes, of which at least one is not an escape together with the backslash before it.
#[cold]
fn first_invalid_escape(mut escaped: u64, rest: &[u8]) -> u64 {
    while is_escape(&rest[escaped.trailing_zeros() as usize..]) {
        escaped &= escaped - 1;
    }
    escaped & escaped.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::sys::vector::Portable;

    /// All tokens, and the first byte that is invalid in a string.
    fn tokens(text: &str, is_portable: bool) -> (Vec<usize>, usize) {
        let mut tokens = Tokens::new(text.as_bytes(), 0);
        let mut all = Vec::new();
        loop {
            if is_portable {
                Search(&mut tokens).run(Portable);
            } else {
                vector::run(Search(&mut tokens));
            }
            if tokens.found == 0 {
                return (all, tokens.invalid);
            }
            all.extend_from_slice(&tokens.positions[..tokens.found]);
        }
    }

    /// Finds the tokens byte by byte. They are not searched after the block with the invalid byte.
    fn expected(text: &str) -> (Vec<usize>, usize) {
        let (mut all, mut invalid, mut is_inside, mut was_scalar) = (Vec::new(), usize::MAX, false, false);
        let mut is_escaped = false;
        for (at, byte) in text.bytes().enumerate() {
            if invalid < at && at.is_multiple_of(BLOCK) {
                break;
            }
            let is_quote = byte == b'"' && !is_escaped;
            if is_inside && !is_quote && (byte < 0x20 || is_escaped && !is_escape(&text.as_bytes()[at..])) {
                invalid = invalid.min(at);
            }
            let is_scalar = !is_inside && !is_quote && !OPERATORS.contains(byte) && !SPACES.contains(byte);
            if is_quote || !is_inside && OPERATORS.contains(byte) || is_scalar && !was_scalar {
                all.push(at);
            }
            was_scalar = is_scalar;
            is_inside ^= is_quote;
            is_escaped = byte == b'\\' && !is_escaped;
        }
        (all, invalid)
    }

    const PIECES: &[&str] = &[
        "\"",
        "\\",
        "\\\"",
        "\\\\",
        "\\u0041",
        "\\u004",
        "\\n",
        "\\x",
        "{",
        "]",
        ",",
        ":",
        " ",
        "\t",
        "1",
        "true",
        "é",
        "\n",
        "\u{1}",
        "x",
        "\"a\":",
        "                                ",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    ];

    /// Takes two tokens, and returns how many bytes were searched for them.
    fn searched_for_two(text: &str) -> usize {
        let mut tokens = Tokens::new(text.as_bytes(), 0);
        assert!(tokens.next().is_some() && tokens.next().is_some());
        tokens.next_block
    }

    #[test]
    fn little_is_searched_after_the_end_of_a_value() {
        assert_eq!(searched_for_two(&format!("[]{}", " ".repeat(100_000))), BLOCK);
        assert_eq!(searched_for_two(&format!("[]{}", ",[]".repeat(100_000))), BLOCK);
        let text = format!("\"{}\"{}", "x".repeat(10_000), "[],".repeat(100_000));
        assert!(searched_for_two(&text) <= 10_002 + MAX_SEARCHED);
    }

    proptest! {
        #[test]
        fn all_implementations_find_the_tokens(pieces in vec(select(PIECES), 0..400)) {
            let text = pieces.concat();
            let expected = expected(&text);
            prop_assert_eq!(&tokens(&text, true), &expected, "{:?}", text);
            prop_assert_eq!(&tokens(&text, false), &expected, "{:?}", text);
        }
    }
}
