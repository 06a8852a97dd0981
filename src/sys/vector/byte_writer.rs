//! Writes bytes and parts of blocks one after another.

use std::mem::MaybeUninit;

use super::interface::{BLOCK, Vectors};

/// Appends bytes to memory of fixed size, which need not be initialized. Panics if there is not enough memory.
pub struct ByteWriter<'a> {
    to: &'a mut [MaybeUninit<u8>],
    /// `to[..written]` is initialized.
    written: usize,
}

/// Calls `write` with a writer for `to`, and returns the number of written bytes. May overwrite the rest of `to`.
pub fn write_to(to: &mut [MaybeUninit<u8>], write: impl FnOnce(&mut ByteWriter)) -> usize {
    let mut writer = ByteWriter { to, written: 0 };
    write(&mut writer);
    writer.written
}

/// Calls `write` with a writer for at most `capacity` bytes, and returns the written bytes.
pub fn collect(capacity: usize, write: impl FnOnce(&mut ByteWriter)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capacity);
    let written = write_to(&mut bytes.spare_capacity_mut()[..capacity], write);
    // SAFETY: the first `written` bytes are initialized. `write` cannot exchange the writer for one of other memory:
    // its lifetime is known to this call only, and there is no public constructor.
    unsafe { bytes.set_len(written) };
    bytes
}

impl ByteWriter<'_> {
    pub fn push(&mut self, bytes: &[u8]) {
        let to = &mut self.to[self.written..][..bytes.len()];
        to.iter_mut().zip(bytes).for_each(|(to, byte)| *to = MaybeUninit::new(*byte));
        self.written += bytes.len();
    }

    /// Appends a block without the byte at `position`. The byte after that one, which exists, becomes `next`.
    #[inline(always)]
    pub fn push_without<V: Vectors>(&mut self, vectors: V, block: V::Block, position: usize, next: u8) {
        let mut copy = [MaybeUninit::uninit(); BLOCK];
        let room = &mut self.to[self.written..];
        let has_room = room.len() >= BLOCK;
        let to = room.first_chunk_mut().unwrap_or(&mut copy);
        vectors.store(vectors.remove(block, position), to);
        to[position % BLOCK].write(next);
        if !has_room {
            room[..BLOCK - 1].copy_from_slice(&copy[..BLOCK - 1]);
            wipe(&mut copy);
        }
        self.written += BLOCK - 1;
    }

    /// Appends the bytes of `positions`.
    #[inline(always)]
    pub fn push_block<V: Vectors>(&mut self, vectors: V, block: V::Block, positions: u64) {
        let room = &mut self.to[self.written..];
        if positions == u64::MAX
            && let Some(to) = room.first_chunk_mut()
        {
            vectors.store(block, to);
            self.written += BLOCK;
            return;
        }
        // A block is written whole. Where there is no room for that, only the bytes that count are copied.
        let mut copy = [MaybeUninit::uninit(); BLOCK];
        let has_room = room.len() >= BLOCK;
        let count = vectors.compress(block, positions, room.first_chunk_mut().unwrap_or(&mut copy));
        if !has_room {
            room[..count].copy_from_slice(&copy[..count]);
            wipe(&mut copy);
        }
        self.written += count;
    }
}

/// Overwrites a copy of text that may be a token.
#[inline(always)]
fn wipe(copy: &mut [MaybeUninit<u8>; BLOCK]) {
    copy.fill(MaybeUninit::new(0));
    // The optimizer must assume that the bytes are read here, so it keeps the writes.
    std::hint::black_box(copy);
}
