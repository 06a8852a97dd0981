//! Finds the end of the plain part of a JSON string, many bytes at a time.

use std::mem::MaybeUninit;

/// The number of bytes before the first quote, backslash or control character. All other bytes are plain in a JSON
/// string.
pub fn plain_length(bytes: &[u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= x86::LONG && is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { x86::plain_length(bytes) };
    }
    let (blocks, rest) = bytes.as_chunks();
    for (index, block) in blocks.iter().enumerate() {
        if let Some(at) = first_special(block) {
            return index * BLOCK + at;
        }
    }
    bytes.len() - rest.len() + plain_bytes(rest)
}

/// Copies [`plain_length`] bytes, at most as many as fit, and returns their number. May overwrite the bytes after them
/// in `to`.
pub fn copy_plain(from: &[u8], to: &mut [MaybeUninit<u8>]) -> usize {
    let room = from.len().min(to.len());
    let (from, to) = (&from[..room], &mut to[..room]);
    #[cfg(target_arch = "x86_64")]
    if room >= x86::LONG && is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, and both slices have the same length.
        return unsafe { x86::copy_plain(from, to) };
    }
    let (blocks, rest) = from.as_chunks();
    let (targets, rest_targets) = to.as_chunks_mut();
    for (index, (block, target)) in blocks.iter().zip(targets).enumerate() {
        *target = block.map(MaybeUninit::new);
        if let Some(at) = first_special(block) {
            return index * BLOCK + at;
        }
    }
    let count = plain_bytes(rest);
    rest.iter().zip(rest_targets).take(count).for_each(|(byte, target)| *target = MaybeUninit::new(*byte));
    from.len() - rest.len() + count
}

fn plain_bytes(bytes: &[u8]) -> usize {
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    bytes.iter().position(is_special).unwrap_or(bytes.len())
}

/// The number of bytes that are checked together without AVX2.
const BLOCK: usize = 8;

/// The position of the first special byte in a block.
fn first_special(block: &[u8; BLOCK]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(*block);
    // The highest bit of each zero byte is set, and perhaps those of bytes above the lowest zero byte.
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word;
    let controls = word.wrapping_sub(LOW * 0x20) & !word;
    let quotes = zeros(word ^ (LOW * u64::from(b'"')));
    let backslashes = zeros(word ^ (LOW * u64::from(b'\\')));
    let special = (controls | quotes | backslashes) & (LOW << 7);
    (special != 0).then(|| special.trailing_zeros() as usize / 8)
}

/// 32 bytes at a time.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::mem::MaybeUninit;

    const BLOCK: usize = 32;

    /// For shorter texts, the check for AVX2 takes longer than it saves.
    pub const LONG: usize = BLOCK;

    #[target_feature(enable = "avx2")]
    pub fn plain_length(bytes: &[u8]) -> usize {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            let special = special(load(block));
            if special != 0 {
                return index * BLOCK + special.trailing_zeros() as usize;
            }
        }
        bytes.len() - rest.len() + super::plain_length(rest)
    }

    /// Both slices have the same length.
    #[target_feature(enable = "avx2")]
    pub fn copy_plain(from: &[u8], to: &mut [MaybeUninit<u8>]) -> usize {
        let (blocks, rest) = from.as_chunks::<BLOCK>();
        let (targets, rest_targets) = to.as_chunks_mut::<BLOCK>();
        for (index, (block, target)) in blocks.iter().zip(targets).enumerate() {
            let bytes = load(block);
            // SAFETY: `target` is as large as the register.
            unsafe { _mm256_storeu_si256(target.as_mut_ptr().cast(), bytes) };
            let special = special(bytes);
            if special != 0 {
                return index * BLOCK + special.trailing_zeros() as usize;
            }
        }
        from.len() - rest.len() + super::copy_plain(rest, rest_targets)
    }

    #[target_feature(enable = "avx2")]
    fn load(block: &[u8; BLOCK]) -> __m256i {
        // SAFETY: `block` is as large as the register.
        unsafe { _mm256_loadu_si256(block.as_ptr().cast()) }
    }

    /// One bit per byte, set for special bytes. The lowest bit is the first byte.
    #[target_feature(enable = "avx2")]
    fn special(bytes: __m256i) -> u32 {
        let quotes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"' as i8));
        let backslashes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
        let highest = _mm256_set1_epi8(0x1F);
        let controls = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, highest), highest);
        _mm256_movemask_epi8(_mm256_or_si256(controls, _mm256_or_si256(quotes, backslashes))) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of all implementations for `bytes`.
    fn found(bytes: &[u8]) -> [usize; 3] {
        let mut target = vec![MaybeUninit::new(0xAA); bytes.len()];
        let copied = copy_plain(bytes, &mut target);
        // SAFETY: all of it was initialized.
        let copy: Vec<u8> = target.iter().map(|byte| unsafe { byte.assume_init() }).collect();
        assert_eq!(copy[..copied], bytes[..copied]);
        let (blocks, rest) = bytes.as_chunks();
        let in_blocks =
            blocks.iter().enumerate().find_map(|(index, block)| Some(index * BLOCK + first_special(block)?));
        let portable = in_blocks.unwrap_or_else(|| bytes.len() - rest.len() + plain_bytes(rest));
        [plain_length(bytes), copied, portable]
    }

    #[test]
    fn the_first_special_byte_is_found_at_any_position() {
        for length in 0..100 {
            let mut bytes = vec![b'a'; length];
            assert_eq!(found(&bytes), [length; 3]);
            for at in 0..length {
                for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
                    bytes[at] = special;
                    assert_eq!(found(&bytes), [at; 3]);
                }
                for other in [b' ', b'!', b'#', b'[', b']', 0x7F, 0x80, 0x9F, 0xA2, 0xDC, 0xFF] {
                    bytes[at] = other;
                    assert_eq!(found(&bytes), [length; 3], "{other}");
                }
                bytes[at] = b'a';
            }
        }
    }

    #[test]
    fn every_byte_value_is_classified_among_other_bytes() {
        for byte in 0..=u8::MAX {
            for around in [b'a', 0xFF, 0x80, b'!', b'#', b' '] {
                let mut bytes = [around; 40];
                bytes[35] = byte;
                let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(found(&bytes), [if is_special { 35 } else { 40 }; 3], "{byte} among {around}");
            }
        }
    }

    #[test]
    fn a_copy_ends_at_the_end_of_the_target() {
        let mut target = [MaybeUninit::uninit(); 50];
        assert_eq!(copy_plain(&[b'a'; 60], &mut target), 50);
    }
}
