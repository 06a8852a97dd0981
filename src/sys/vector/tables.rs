//! What vector instructions of several processors need.

use super::interface::BLOCK;

/// At an offset: zeros, and 0xFF from the position that is [`BLOCK`] minus the offset.
static FROM_POSITION: [u8; 2 * BLOCK] = {
    let mut bytes = [0; 2 * BLOCK];
    let mut at = BLOCK;
    while at < 2 * BLOCK {
        bytes[at] = 0xFF;
        at += 1;
    }
    bytes
};

/// 0xFF for each byte of a block at or after `position`.
#[inline(always)]
pub fn from_position(position: usize) -> &'static [u8; BLOCK] {
    FROM_POSITION[BLOCK - position % BLOCK..].first_chunk().expect("the offset is at most BLOCK")
}

/// For each set of positions in 8 bytes: these positions, one after another.
pub static COMPRESSED: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut positions = 0;
    while positions < 256 {
        let (mut at, mut count) = (0, 0);
        while at < 8 {
            if positions >> at & 1 == 1 {
                table[positions][count] = at;
                count += 1;
            }
            at += 1;
        }
        positions += 1;
    }
    table
};

/// Byte n of the result is the number of bits in the bytes 0 to n.
#[inline(always)]
pub fn running_counts(bits: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let pairs = bits - (bits >> 1 & (0x55 * LOW));
    let nibbles = (pairs & (0x33 * LOW)) + (pairs >> 2 & (0x33 * LOW));
    let bytes = (nibbles + (nibbles >> 4)) & (0x0F * LOW);
    bytes.wrapping_mul(LOW)
}
