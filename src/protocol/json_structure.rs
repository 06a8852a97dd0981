//! Counts brackets and commas in valid JSON text, 64 bytes at a time: finds the end of arrays and objects, so that a
//! member of a large result is read without checking again what is around it.

use super::json_strings::Escapes;
use crate::sys::vector::{self, BLOCK, Kernel, Vectors, load_first};

/// The position after the closing bracket of the array or object at `start`. In text that is not valid JSON, it is any
/// closing bracket, or `None`.
pub fn container_end(bytes: &[u8], start: usize) -> Option<usize> {
    vector::run(ContainerEnd { bytes, start })
}

/// The most values and keys that `text` can contain, which is their number unless arrays or objects are empty.
pub fn most_nodes(text: &str) -> usize {
    vector::run(MostNodes { bytes: text.as_bytes() })
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
            let outside = !strings.find(vectors, block);
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

struct MostNodes<'a> {
    bytes: &'a [u8],
}

impl Kernel for MostNodes<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> usize {
        let mut strings = Strings::default();
        let mut count = 1;
        for part in self.bytes.chunks(BLOCK) {
            let (block, _) = load_first(vectors, part);
            let outside = !strings.find(vectors, block);
            // A container has a value for each comma and one more, and an object has a key for each colon.
            let containers = vectors.equal(block, b'{') | vectors.equal(block, b'[');
            let others = vectors.equal(block, b',') | vectors.equal(block, b':');
            count += ((containers | others) & outside).count_ones() as usize;
        }
        count
    }
}

/// Finds the strings in successive blocks.
#[derive(Default)]
struct Strings {
    escapes: Escapes,
    /// All bits are set if a string continues in the next block.
    continues: u64,
}

impl Strings {
    /// The bytes of a block that are in strings, with the opening quotes and without the closing ones.
    #[inline(always)]
    fn find<V: Vectors>(&mut self, vectors: V, block: V::Block) -> u64 {
        let (_, escaped) = self.escapes.find(vectors.equal(block, b'\\'));
        let quotes = vectors.equal(block, b'"') & !escaped;
        let strings = inside_quotes(quotes) ^ self.continues;
        self.continues = (strings.cast_signed() >> 63).cast_unsigned();
        strings
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
    fn the_number_of_nodes_is_exact_without_empty_containers() {
        for (text, values_and_keys, empty) in [
            ("1", 1, 0),
            ("\",:[{\"", 1, 0),
            (r#"{"a":[1,",\"",{"b":2}]}"#, 8, 0),
            ("[[],{},[ ]]", 4, 3),
            (&format!("[{}1]", r#""\\","\"",[{":":2}],"#.repeat(100)), 602, 0),
        ] {
            let found = run_all(|| MostNodes { bytes: text.as_bytes() });
            assert_eq!(found, [values_and_keys + empty; 2], "{text}");
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
