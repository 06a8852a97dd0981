//! Many bytes at a time: what the processor has for that.

/// How many bytes are looked at together.
pub const BLOCK: usize = 16;

/// Which bytes of a block are special in a JSON string: quotes, backslashes and control characters. A bit for each, the first one
/// lowest; behind the first that is special, the bits say nothing.
#[cfg(target_arch = "x86_64")]
pub fn special_in_string(block: &[u8; BLOCK]) -> u32 {
    use std::arch::x86_64::*;
    // SAFETY: every x86-64 has SSE2, and the block is as large as the register.
    unsafe {
        let bytes = _mm_loadu_si128(block.as_ptr().cast());
        let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
        let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
        let highest = _mm_set1_epi8(0x1F);
        let controls = _mm_cmpeq_epi8(_mm_max_epu8(bytes, highest), highest);
        _mm_movemask_epi8(_mm_or_si128(controls, _mm_or_si128(quotes, backslashes))) as u32
    }
}

/// The same where nobody has measured the processor's own means.
#[cfg(not(target_arch = "x86_64"))]
pub fn special_in_string(block: &[u8; BLOCK]) -> u32 {
    words::special_in_string(block)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    /// Eight bytes as one number.
    pub fn special_in_string(block: &[u8; super::BLOCK]) -> u32 {
        let (words, _) = block.as_chunks();
        let [low, high] = [words[0], words[1]].map(|word| first_special(u64::from_le_bytes(word)));
        match (low, high) {
            (Some(at), _) => 1 << at,
            (None, Some(at)) => 1 << (8 + at),
            (None, None) => 0,
        }
    }

    fn first_special(word: u64) -> Option<u32> {
        const LOW: u64 = 0x0101_0101_0101_0101;
        // Marks the zeros among the bytes, and perhaps some above the first of them.
        let zeros = |word: u64| word.wrapping_sub(LOW) & !word;
        let controls = word.wrapping_sub(LOW * 0x20) & !word;
        let quotes = zeros(word ^ (LOW * u64::from(b'"')));
        let backslashes = zeros(word ^ (LOW * u64::from(b'\\')));
        let special = (controls | quotes | backslashes) & (LOW << 7);
        (special != 0).then(|| special.trailing_zeros() / 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found() {
        for byte in 0..=u8::MAX {
            for around in [b'a', 0xFF, 0x80, b'!', b'#', b' '] {
                for at in 0..BLOCK {
                    let mut block = [around; BLOCK];
                    block[at] = byte;
                    let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                    let wanted = if special { at as u32 } else { 32 };
                    for find in [special_in_string, words::special_in_string] {
                        assert_eq!(find(&block).trailing_zeros(), wanted, "{byte} at {at}, around it {around}");
                    }
                }
            }
        }
    }
}
