//! Counts brackets in valid JSON text, 64 bytes at a time: finds the end of arrays and objects, so that a member of a
//! large result is read without checking again what is around it.

use super::json_strings::Escapes;
use crate::sys::vector::{self, BLOCK, Kernel, Vectors, load_first};

/// The position after the closing bracket of the array or object at `start`. In text that is not valid JSON, it is any
/// closing bracket, or `None`.
pub fn container_end(bytes: &[u8], start: usize) -> Option<usize> {
    vector::run(ContainerEnd { bytes, start })
}

struct ContainerEnd<'a> {
    bytes: &'a [u8],
    start: usize,
}

impl Kernel for ContainerEnd<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Option<usize> {
        let mut strings = Strings::default();
        let (mut at, mut depth) = (self.start, 0_u32);
        while at < self.bytes.len() {
            let (block, _) = load_first(vectors, &self.bytes[at..]);
            let outside = !strings.find(vectors, block).inside;
            let opening = (vectors.equal(block, b'{') | vectors.equal(block, b'[')) & outside;
            let closing = (vectors.equal(block, b'}') | vectors.equal(block, b']')) & outside;
            if depth > closing.count_ones() {
                // The container cannot end in this block. The text has at most 4 GiB, so the depth fits.
                depth += opening.count_ones();
                depth -= closing.count_ones();
            } else if let Some(end) = end_in_block(opening, closing, &mut depth) {
                return Some(at + end);
            }
            at += BLOCK;
        }
        None
    }
}

/// Finds the strings in successive blocks.
#[derive(Default)]
pub struct Strings {
    escapes: Escapes,
    /// All bits are set if a string continues in the next block.
    continues: u64,
}

/// The strings in a block.
pub struct StringBits {
    /// The bytes in strings, with the opening quotes and without the closing ones.
    pub inside: u64,
    /// The quotes that begin or end a string.
    pub quotes: u64,
    /// The bytes after a backslash that escapes them.
    pub escaped: u64,
}

impl Strings {
    /// Finds the strings in the next block.
    #[inline(always)]
    pub fn find<V: Vectors>(&mut self, vectors: V, block: V::Block) -> StringBits {
        let (_, escaped) = self.escapes.find(vectors.equal(block, b'\\'));
        let quotes = vectors.equal(block, b'"') & !escaped;
        // Most blocks of a long string have no quote.
        let inside = if quotes == 0 { self.continues } else { inside_quotes(quotes) ^ self.continues };
        self.continues = (inside.cast_signed() >> 63).cast_unsigned();
        StringBits { inside, quotes, escaped }
    }
}

/// The bits from each opening quote up to the closing one, which is not included.
#[inline(always)]
fn inside_quotes(quotes: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(quotes, |bits, distance| bits ^ bits << distance)
}

/// The position after the bracket that closes the outermost container.
#[inline(always)]
fn end_in_block(opening: u64, closing: u64, depth: &mut u32) -> Option<usize> {
    let mut brackets = opening | closing;
    while brackets != 0 {
        let lowest = brackets & brackets.wrapping_neg();
        if opening & lowest != 0 {
            *depth += 1;
        } else {
            *depth = depth.saturating_sub(1);
            if *depth == 0 {
                return Some(lowest.trailing_zeros() as usize + 1);
            }
        }
        brackets ^= lowest;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sys::vector::run_all;

    fn ends(text: &str, start: usize) -> [Option<usize>; 2] {
        run_all(|| ContainerEnd { bytes: text.as_bytes(), start })
    }

    #[test]
    fn a_container_ends_at_its_own_bracket() {
        for container in [
            "[]",
            "{}",
            r#"[1,{"a":[]},"]"]"#,
            r#"{"a]}":"\"}\\","b\\":["\\\\\"]"]}"#,
            &format!(r#"["{}]","{}"]"#, "x".repeat(200), r#"\""#.repeat(100)),
            &format!("{}{}", "[".repeat(300), "]".repeat(300)),
            &format!("[{}{{}}]", r#"{"a":[1,2]},"#.repeat(50)),
        ] {
            for before in 0..130 {
                let text = format!("{}{container}]}}\"", " ".repeat(before));
                assert_eq!(ends(&text, before), [Some(before + container.len()); 2], "{text}");
            }
        }
    }

    #[test]
    fn a_container_without_an_end_is_skipped_to_the_end_of_the_text() {
        for text in ["[", "[[]", r#"["]"#, r#"{"\"}"#, "", &"[".repeat(200)] {
            assert_eq!(ends(text, 0), [None; 2], "{text}");
        }
    }

    /// What a string contains.
    const PIECES: &[&str] = &["\"", "\\", "\\\"", "[", "]", "{", "}", "é", "ab"];

    proptest! {
        #[test]
        fn the_end_is_that_of_a_check(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..200),
            before in 0..100_usize,
        ) {
            let value = serde_json::json!([pieces.concat(), {pieces.concat(): [pieces, {}]}, []]).to_string();
            let text = format!("{}{value}, [\"]", " ".repeat(before));
            prop_assert_eq!(ends(&text, before), [Some(before + value.len()); 2]);
        }
    }
}
