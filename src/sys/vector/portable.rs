//! Without vector instructions: eight bytes at a time.

use std::mem::MaybeUninit;

use super::interface::{AsciiClass, BLOCK, LetterMap, Vectors};

#[derive(Clone, Copy)]
pub struct Portable;

/// The lowest bit of each byte.
const LOW: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte.
const HIGH: u64 = LOW << 7;

// SAFETY: `store` writes all bytes, and `compress` those that it counts.
unsafe impl Vectors for Portable {
    type Block = [u8; BLOCK];

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> [u8; BLOCK] {
        *bytes
    }

    #[inline(always)]
    fn store(self, block: [u8; BLOCK], to: &mut [MaybeUninit<u8>; BLOCK]) {
        *to = block.map(MaybeUninit::new);
    }

    #[inline(always)]
    fn equal(self, block: [u8; BLOCK], byte: u8) -> u64 {
        // Only a byte that is equal becomes zero.
        masked(&block, |word| !above(word ^ (LOW * u64::from(byte)), 0))
    }

    #[inline(always)]
    fn at_most(self, block: [u8; BLOCK], limit: u8) -> u64 {
        masked(&block, |word| !above(word, limit))
    }

    #[inline(always)]
    fn least(self, block: [u8; BLOCK], other: [u8; BLOCK]) -> [u8; BLOCK] {
        std::array::from_fn(|at| block[at].min(other[at]))
    }

    #[inline(always)]
    fn outside(self, block: [u8; BLOCK], positions: u64, class: &AsciiClass) -> u64 {
        bits(positions).filter(|at| !class.contains(block[*at])).fold(0, |outside, at| outside | 1 << at)
    }

    #[inline(always)]
    fn replace(self, mut block: [u8; BLOCK], positions: u64, letters: &LetterMap) -> [u8; BLOCK] {
        for at in bits(positions) {
            block[at] = letters.replacement(block[at]);
        }
        block
    }

    #[inline(always)]
    fn remove(self, mut block: [u8; BLOCK], position: usize) -> [u8; BLOCK] {
        block.copy_within(position + 1.., position);
        block
    }

    #[inline(always)]
    fn compress(self, block: [u8; BLOCK], positions: u64, to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
        let mut count = 0;
        for (at, byte) in block.into_iter().enumerate() {
            // Without a branch: a byte that does not count is overwritten. The remainder only avoids a bounds check.
            to[count % BLOCK].write(byte);
            count += (positions >> at & 1) as usize;
        }
        count
    }
}

/// One bit for each byte of a block: the highest bit of each byte of `select`.
#[inline(always)]
fn masked(block: &[u8; BLOCK], select: impl Fn(u64) -> u64) -> u64 {
    let (words, _) = block.as_chunks();
    let bits = |word: &[u8; 8]| {
        // The product has the bit of byte n at 56 + n; no other bits are added to those.
        ((select(u64::from_le_bytes(*word)) & HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    words.iter().rev().fold(0, |mask, word| mask << 8 | bits(word))
}

/// The highest bit of each byte that is more than `limit`, which is less than 0x80. The other bits are undefined.
#[inline(always)]
fn above(word: u64, limit: u8) -> u64 {
    // A sum does not overflow into the next byte.
    ((word & !HIGH) + LOW * u64::from(0x7F - limit)) | word
}

/// The positions of the bits that are set.
fn bits(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = (bits != 0).then_some(bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(first)
    })
}
