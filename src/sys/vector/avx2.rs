//! AVX2: two registers of 32 bytes. Every processor with AVX2 is assumed to have BMI1 and POPCNT, too; one without them
//! uses the portable implementation.

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::interface::{AsciiClass, BLOCK, Kernel, LetterMap, Vectors};
use super::tables::{COMPRESSED, from_position, running_counts};

/// Exists only if the processor has AVX2, BMI1 and POPCNT.
#[derive(Clone, Copy)]
pub struct Avx2(());

pub type Avx2Block = [__m256i; 2];

impl Avx2 {
    #[inline]
    pub fn detect() -> Option<Avx2> {
        let has_all =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt");
        has_all.then_some(Avx2(()))
    }

    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: the processor has AVX2, BMI1 and POPCNT.
        unsafe { run(self, kernel) }
    }
}

/// The operations are inlined into this function, and so compiled with AVX2.
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn run<K: Kernel>(vectors: Avx2, kernel: K) -> K::Output {
    kernel.run(vectors)
}

// SAFETY: `store` writes all bytes, and `compress` those that it counts.
unsafe impl Vectors for Avx2 {
    type Block = Avx2Block;

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> Avx2Block {
        // SAFETY: the processor has AVX2.
        unsafe { load(bytes) }
    }

    #[inline(always)]
    fn store(self, block: Avx2Block, to: &mut [MaybeUninit<u8>; BLOCK]) {
        // SAFETY: the processor has AVX2.
        unsafe { store(block, to) }
    }

    #[inline(always)]
    fn equal(self, block: Avx2Block, byte: u8) -> u64 {
        // SAFETY: the processor has AVX2.
        unsafe { equal(block, byte) }
    }

    #[inline(always)]
    fn at_most(self, block: Avx2Block, limit: u8) -> u64 {
        // SAFETY: the processor has AVX2.
        unsafe { at_most(block, limit) }
    }

    #[inline(always)]
    fn least(self, block: Avx2Block, other: Avx2Block) -> Avx2Block {
        // SAFETY: the processor has AVX2.
        unsafe { least(block, other) }
    }

    #[inline(always)]
    fn outside(self, block: Avx2Block, positions: u64, class: &AsciiClass) -> u64 {
        // SAFETY: the processor has AVX2.
        positions & unsafe { outside(block, class) }
    }

    #[inline(always)]
    fn replace(self, block: Avx2Block, positions: u64, letters: &LetterMap) -> Avx2Block {
        // SAFETY: the processor has AVX2.
        unsafe { replace(block, positions, letters) }
    }

    #[inline(always)]
    fn remove(self, block: Avx2Block, position: usize) -> Avx2Block {
        // SAFETY: the processor has AVX2.
        unsafe { remove(block, position) }
    }

    #[inline(always)]
    fn compress(self, block: Avx2Block, positions: u64, to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
        // SAFETY: the processor has AVX2.
        unsafe { compress(block, positions, to) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; BLOCK]) -> Avx2Block {
    let start = bytes.as_ptr().cast();
    // SAFETY: `bytes` is as large as two registers.
    unsafe { [_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))] }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(block: Avx2Block, to: &mut [MaybeUninit<u8>; BLOCK]) {
    let start = to.as_mut_ptr().cast();
    // SAFETY: `to` is as large as two registers.
    unsafe {
        _mm256_storeu_si256(start, block[0]);
        _mm256_storeu_si256(start.add(1), block[1]);
    }
}

/// The highest bit of each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn mask(block: Avx2Block) -> u64 {
    // Not `map` of the array, here and below: with the limit for inlining of release builds, it would remain a call.
    let [low, high] = block;
    let (low, high) = (_mm256_movemask_epi8(low) as u32, _mm256_movemask_epi8(high) as u32);
    u64::from(low) | u64::from(high) << 32
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(block: Avx2Block, byte: u8) -> u64 {
    let byte = _mm256_set1_epi8(byte as i8);
    mask([_mm256_cmpeq_epi8(block[0], byte), _mm256_cmpeq_epi8(block[1], byte)])
}

#[inline]
#[target_feature(enable = "avx2")]
fn at_most(block: Avx2Block, limit: u8) -> u64 {
    let limit = _mm256_set1_epi8(limit as i8);
    let at_most = |half| _mm256_cmpeq_epi8(_mm256_max_epu8(half, limit), limit);
    mask([at_most(block[0]), at_most(block[1])])
}

#[inline]
#[target_feature(enable = "avx2")]
fn least(block: Avx2Block, other: Avx2Block) -> Avx2Block {
    [_mm256_min_epu8(block[0], other[0]), _mm256_min_epu8(block[1], other[1])]
}

/// The bytes that are not in the class.
#[inline]
#[target_feature(enable = "avx2")]
fn outside(block: Avx2Block, class: &AsciiClass) -> u64 {
    let (low, high) = (table(&class.low), table(&class.high));
    let outside = |half| {
        // A byte with the highest bit set has the result 0.
        let low = _mm256_shuffle_epi8(low, half);
        let high = _mm256_shuffle_epi8(high, shift_right::<4>(half));
        _mm256_cmpeq_epi8(_mm256_and_si256(low, high), _mm256_setzero_si256())
    };
    mask([outside(block[0]), outside(block[1])])
}

#[inline]
#[target_feature(enable = "avx2")]
fn replace(block: Avx2Block, positions: u64, letters: &LetterMap) -> Avx2Block {
    const LOW: i64 = 0x0101_0101_0101_0101;
    let table = table(&letters.0);
    // Each byte gets the eight bits that its own bit is one of, and then only that bit.
    let eight = _mm256_setr_epi64x(0, LOW, 2 * LOW, 3 * LOW);
    let one = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    let replace_half = |half: __m256i, positions: u32| {
        let bits = _mm256_shuffle_epi8(_mm256_set1_epi32(positions as i32), eight);
        let selected = _mm256_cmpeq_epi8(_mm256_and_si256(bits, one), one);
        let letters = _mm256_cmpgt_epi8(half, _mm256_set1_epi8(0x5F));
        let replacements = _mm256_shuffle_epi8(table, shift_right::<1>(half));
        _mm256_blendv_epi8(half, replacements, _mm256_and_si256(selected, letters))
    };
    [replace_half(block[0], positions as u32), replace_half(block[1], (positions >> 32) as u32)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn remove(block: Avx2Block, position: usize) -> Avx2Block {
    let [low, high] = block;
    // Bytes 16 to 47, and 48 to 63.
    let (middle, last) = (_mm256_permute2x128_si256::<0x21>(low, high), _mm256_permute2x128_si256::<0x81>(high, high));
    let moved = [_mm256_alignr_epi8::<1>(middle, low), _mm256_alignr_epi8::<1>(last, high)];
    let is_moved = load(from_position(position));
    let blend = |half: usize| _mm256_blendv_epi8(block[half], moved[half], is_moved[half]);
    [blend(0), blend(1)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn compress(block: Avx2Block, positions: u64, to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
    let counts = running_counts(positions);
    let start = to.as_mut_ptr();
    let [low, high] = block;
    let quarters = [
        _mm256_castsi256_si128(low),
        _mm256_extracti128_si256::<1>(low),
        _mm256_castsi256_si128(high),
        _mm256_extracti128_si256::<1>(high),
    ];
    for index in 0..8 {
        let quarter = quarters[index / 2];
        let group = if index % 2 == 0 { quarter } else { _mm_unpackhi_epi64(quarter, quarter) };
        let order = &COMPRESSED[usize::from((positions >> (8 * index)) as u8)];
        let before = usize::from((counts << 8 >> (8 * index)) as u8);
        // SAFETY: `order` is as large as the half of a register that is loaded. The groups before this one, of which
        // there are at most seven, have at most eight bytes each: there is room for eight more.
        unsafe {
            let order = _mm_loadl_epi64(order.as_ptr().cast());
            _mm_storel_epi64(start.add(before).cast(), _mm_shuffle_epi8(group, order));
        }
    }
    (counts >> 56) as usize
}

/// The table in both halves of a register, for lookups within each half.
#[inline]
#[target_feature(enable = "avx2")]
fn table(table: &[u8; 16]) -> __m256i {
    // SAFETY: the table is as large as the half of a register.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
}

/// The lowest four bits of each byte, shifted.
#[inline]
#[target_feature(enable = "avx2")]
fn shift_right<const BITS: i32>(half: __m256i) -> __m256i {
    _mm256_and_si256(_mm256_srli_epi16::<BITS>(half), _mm256_set1_epi8(0x0F))
}
