//! NEON: four registers of 16 bytes. Every arm64 processor has it.

use std::arch::aarch64::*;
use std::mem::MaybeUninit;

use super::interface::{AsciiClass, BLOCK, LetterMap, Vectors};
use super::tables::{COMPRESSED, from_position, running_counts};

#[derive(Clone, Copy)]
pub struct Neon;

pub type NeonBlock = [uint8x16_t; 4];

// SAFETY: `store` writes all bytes, and `compress` those that it counts.
unsafe impl Vectors for Neon {
    type Block = NeonBlock;

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> NeonBlock {
        // SAFETY: the processor has NEON.
        unsafe { load(bytes) }
    }

    #[inline(always)]
    fn store(self, block: NeonBlock, to: &mut [MaybeUninit<u8>; BLOCK]) {
        // SAFETY: the processor has NEON.
        unsafe { store(block, to) }
    }

    #[inline(always)]
    fn equal(self, block: NeonBlock, byte: u8) -> u64 {
        // SAFETY: the processor has NEON.
        unsafe { equal(block, byte) }
    }

    #[inline(always)]
    fn at_most(self, block: NeonBlock, limit: u8) -> u64 {
        // SAFETY: the processor has NEON.
        unsafe { at_most(block, limit) }
    }

    #[inline(always)]
    fn least(self, block: NeonBlock, other: NeonBlock) -> NeonBlock {
        // SAFETY: the processor has NEON.
        unsafe { least(block, other) }
    }

    #[inline(always)]
    fn outside(self, block: NeonBlock, positions: u64, class: &AsciiClass) -> u64 {
        // SAFETY: the processor has NEON.
        positions & unsafe { outside(block, class) }
    }

    #[inline(always)]
    fn replace(self, block: NeonBlock, positions: u64, letters: &LetterMap) -> NeonBlock {
        // SAFETY: the processor has NEON.
        unsafe { replace(block, positions, letters) }
    }

    #[inline(always)]
    fn remove(self, block: NeonBlock, position: usize) -> NeonBlock {
        // SAFETY: the processor has NEON.
        unsafe { remove(block, position) }
    }

    #[inline(always)]
    fn compress(self, block: NeonBlock, positions: u64, to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
        // SAFETY: the processor has NEON.
        unsafe { compress(block, positions, to) }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[u8; BLOCK]) -> NeonBlock {
    let start = bytes.as_ptr();
    // SAFETY: `bytes` is as large as four registers.
    each([0, 16, 32, 48], |offset| unsafe { vld1q_u8(start.add(offset)) })
}

#[inline]
#[target_feature(enable = "neon")]
fn store(block: NeonBlock, to: &mut [MaybeUninit<u8>; BLOCK]) {
    let start = to.as_mut_ptr().cast::<u8>();
    for (index, quarter) in block.into_iter().enumerate() {
        // SAFETY: `to` is as large as four registers.
        unsafe { vst1q_u8(start.add(16 * index), quarter) };
    }
}

/// Not `map` of the array: the limit for inlining in release builds could keep a call of it.
#[inline(always)]
fn each<T, U>([a, b, c, d]: [T; 4], function: impl Fn(T) -> U) -> [U; 4] {
    [function(a), function(b), function(c), function(d)]
}

/// The bits of a block whose bytes are 0 or 0xFF.
#[inline]
#[target_feature(enable = "neon")]
fn mask(block: NeonBlock) -> u64 {
    let [a, b, c, d] = each(block, |quarter| vandq_u8(quarter, bits()));
    // Three sums of neighbors put the bits of eight bytes into one.
    let sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    let mut lowest = 0;
    // SAFETY: `lowest` is as large as the lower half of a register.
    unsafe { vst1_u64(&mut lowest, vget_low_u64(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))) };
    lowest
}

/// Byte n has only bit n % 8.
#[inline]
#[target_feature(enable = "neon")]
fn bits() -> uint8x16_t {
    vreinterpretq_u8_u64(vdupq_n_u64(0x8040_2010_0804_0201))
}

#[inline]
#[target_feature(enable = "neon")]
fn equal(block: NeonBlock, byte: u8) -> u64 {
    mask(each(block, |quarter| vceqq_u8(quarter, vdupq_n_u8(byte))))
}

#[inline]
#[target_feature(enable = "neon")]
fn at_most(block: NeonBlock, limit: u8) -> u64 {
    mask(each(block, |quarter| vcleq_u8(quarter, vdupq_n_u8(limit))))
}

#[inline]
#[target_feature(enable = "neon")]
fn least(block: NeonBlock, other: NeonBlock) -> NeonBlock {
    each([0, 1, 2, 3], |index| vminq_u8(block[index], other[index]))
}

/// The bytes that are not in the class.
#[inline]
#[target_feature(enable = "neon")]
fn outside(block: NeonBlock, class: &AsciiClass) -> u64 {
    let (low, high) = (table(&class.low), table(&class.high));
    mask(each(block, |quarter| {
        let low = vqtbl1q_u8(low, vandq_u8(quarter, vdupq_n_u8(0x0F)));
        let high = vqtbl1q_u8(high, vshrq_n_u8::<4>(quarter));
        vceqq_u8(vandq_u8(low, high), vdupq_n_u8(0))
    }))
}

#[inline]
#[target_feature(enable = "neon")]
fn replace(block: NeonBlock, positions: u64, letters: &LetterMap) -> NeonBlock {
    let table = table(&letters.0);
    each([0, 1, 2, 3], |index| {
        let quarter = block[index];
        let [low, high, ..] = (positions >> (16 * index)).to_le_bytes();
        let selected = vtstq_u8(vcombine_u8(vdup_n_u8(low), vdup_n_u8(high)), bits());
        let letters = vcgeq_u8(quarter, vdupq_n_u8(0x60));
        let replacements = vqtbl1q_u8(table, vandq_u8(vshrq_n_u8::<1>(quarter), vdupq_n_u8(0x0F)));
        vbslq_u8(vandq_u8(selected, letters), replacements, quarter)
    })
}

#[inline]
#[target_feature(enable = "neon")]
fn remove(block: NeonBlock, position: usize) -> NeonBlock {
    let [a, b, c, d] = block;
    let moved = [vextq_u8::<1>(a, b), vextq_u8::<1>(b, c), vextq_u8::<1>(c, d), vextq_u8::<1>(d, d)];
    let is_moved = load(from_position(position));
    each([0, 1, 2, 3], |index| vbslq_u8(is_moved[index], moved[index], block[index]))
}

#[inline]
#[target_feature(enable = "neon")]
fn compress(block: NeonBlock, positions: u64, to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
    let counts = running_counts(positions);
    let start = to.as_mut_ptr();
    let write = |group: uint8x8_t, index: usize| {
        let order = &COMPRESSED[usize::from((positions >> (8 * index)) as u8)];
        let before = usize::from((counts << 8 >> (8 * index)) as u8);
        // SAFETY: `order` is as large as the register. The groups before this one, of which there are at most seven,
        // have at most eight bytes each: there is room for eight more.
        unsafe { vst1_u8(start.add(before).cast(), vtbl1_u8(group, vld1_u8(order.as_ptr()))) };
    };
    for (index, quarter) in block.into_iter().enumerate() {
        write(vget_low_u8(quarter), 2 * index);
        write(vget_high_u8(quarter), 2 * index + 1);
    }
    (counts >> 56) as usize
}

#[inline]
#[target_feature(enable = "neon")]
fn table(table: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the table is as large as the register.
    unsafe { vld1q_u8(table.as_ptr()) }
}
