//! Operations on blocks, and what they have as arguments.

use std::mem::MaybeUninit;

use crate::sys::memory::wipe;

/// The number of bytes in a block.
pub const BLOCK: usize = 64;

/// Operations on blocks. A `u64` has one bit for each byte of a block; the lowest bit is the first byte.
///
/// # Safety
///
/// `store` initializes all of `to`, and `compress` the bytes that it counts.
pub unsafe trait Vectors: Copy {
    type Block: Copy;

    fn load(self, bytes: &[u8; BLOCK]) -> Self::Block;

    fn store(self, block: Self::Block, to: &mut [MaybeUninit<u8>; BLOCK]);

    /// The bytes that are equal to `byte`.
    fn equal(self, block: Self::Block, byte: u8) -> u64;

    /// The bytes that are at most `limit`.
    fn at_most(self, block: Self::Block, limit: u8) -> u64;

    /// The lesser byte at each position.
    fn least(self, block: Self::Block, other: Self::Block) -> Self::Block;

    /// The bytes of `positions` that are not in the class.
    fn outside(self, block: Self::Block, positions: u64, class: &AsciiClass) -> u64;

    /// Replaces the letters of `positions`. Their other bytes must be less than 0x60, and are unchanged.
    fn replace(self, block: Self::Block, positions: u64, letters: &LetterMap) -> Self::Block;

    /// Moves the bytes after `position` one position to the left. The last byte is undefined.
    fn remove(self, block: Self::Block, position: usize) -> Self::Block;

    /// Writes the bytes of `positions` one after another, and returns their number. May overwrite all of `to`.
    fn compress(self, block: Self::Block, positions: u64, to: &mut [MaybeUninit<u8>; BLOCK]) -> usize;
}

/// An algorithm on blocks.
pub trait Kernel {
    type Output;

    /// Must be `inline(always)`, as must be the functions that it calls with `vectors`. Otherwise they are not compiled
    /// with the instructions of the processor, and each operation is a function call.
    fn run<V: Vectors>(self, vectors: V) -> Self::Output;
}

/// Loads the first block of `bytes`, filled up with zeros, and returns the bits of its bytes.
#[inline(always)]
pub fn load_first<V: Vectors>(vectors: V, bytes: &[u8]) -> (V::Block, u64) {
    if let Some(block) = bytes.first_chunk() {
        return (vectors.load(block), u64::MAX);
    }
    let mut block = [0; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    let loaded = vectors.load(&block);
    // The text may be a token.
    wipe(&mut block);
    (loaded, (1 << bytes.len()) - 1)
}

/// A set of ASCII characters. Each upper half of a byte (its high nibble) has a bit, which is set for the lower halves
/// that it is combined with.
pub struct AsciiClass {
    pub low: [u8; 16],
    pub high: [u8; 16],
}

impl AsciiClass {
    pub const fn new(bytes: &[u8]) -> AsciiClass {
        let mut class = AsciiClass { low: [0; 16], high: [0; 16] };
        let mut index = 0;
        while index < bytes.len() {
            let byte = bytes[index];
            assert!(byte.is_ascii());
            class.high[byte as usize >> 4] = 1 << (byte >> 4);
            class.low[byte as usize & 15] |= 1 << (byte >> 4);
            index += 1;
        }
        class
    }

    #[inline]
    pub fn contains(&self, byte: u8) -> bool {
        self.low[usize::from(byte & 15)] & self.high[usize::from(byte >> 4)] != 0
    }
}

/// What some letters are replaced with. The key is (letter >> 1) & 15.
pub struct LetterMap(pub [u8; 16]);

impl LetterMap {
    /// The letters must have different keys.
    pub const fn new(replacements: &[(u8, u8)]) -> LetterMap {
        let mut map = [0; 16];
        let mut index = 0;
        while index < replacements.len() {
            let (letter, replacement) = replacements[index];
            let key = (letter >> 1) as usize & 15;
            assert!(letter.is_ascii_lowercase() && map[key] == 0);
            map[key] = replacement;
            index += 1;
        }
        LetterMap(map)
    }

    /// What a byte is replaced with.
    #[inline]
    pub fn replacement(&self, byte: u8) -> u8 {
        if byte < 0x60 { byte } else { self.0[usize::from(byte >> 1 & 15)] }
    }
}
