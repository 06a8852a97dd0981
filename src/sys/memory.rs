//! Overwrites memory that contained a secret.

use std::mem::MaybeUninit;

/// Overwrites `bytes` with zeros, even if they are not read again. Copies that the system or an allocator made are not
/// overwritten.
pub fn wipe(bytes: &mut [u8]) {
    overwrite(bytes, 0);
}

/// [`wipe`] for bytes that need not be initialized.
pub fn wipe_uninit(bytes: &mut [MaybeUninit<u8>]) {
    overwrite(bytes, MaybeUninit::new(0));
}

#[inline]
fn overwrite<T: Clone>(memory: &mut [T], value: T) {
    memory.fill(value);
    // The optimizer must assume that the memory is read here, so it keeps the writes.
    std::hint::black_box(memory);
}

#[cfg(test)]
mod tests {
    #[test]
    fn wiped_memory_is_zero() {
        let mut bytes = *b"secret";
        super::wipe(&mut bytes);
        assert_eq!(bytes, [0; 6]);
    }
}
