//! Writes bytes and parts of blocks one after another.

use std::mem::MaybeUninit;

use super::interface::{BLOCK, Vectors};
use crate::sys::memory::wipe_uninit;

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
        self.push_with(|to| {
            vectors.store(vectors.remove(block, position), to);
            to[position % BLOCK].write(next);
            BLOCK - 1
        });
    }

    /// Appends the bytes of `positions`.
    #[inline(always)]
    pub fn push_block<V: Vectors>(&mut self, vectors: V, block: V::Block, positions: u64) {
        if positions == u64::MAX
            && let Some(to) = self.to[self.written..].first_chunk_mut()
        {
            vectors.store(block, to);
            self.written += BLOCK;
            return;
        }
        self.push_with(|to| vectors.compress(block, positions, to));
    }

    /// Appends the bytes that `write` initializes at the beginning of a block; it returns their number. Where there is
    /// no room for a block, only these bytes are copied.
    #[inline(always)]
    fn push_with(&mut self, write: impl FnOnce(&mut [MaybeUninit<u8>; BLOCK]) -> usize) {
        let mut copy = [MaybeUninit::uninit(); BLOCK];
        let room = &mut self.to[self.written..];
        let has_room = room.len() >= BLOCK;
        let count = write(room.first_chunk_mut().unwrap_or(&mut copy));
        if !has_room {
            room[..count].copy_from_slice(&copy[..count]);
            // The text may be a token.
            wipe_uninit(&mut copy);
        }
        self.written += count;
    }
}
