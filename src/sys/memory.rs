//! Overwrites memory that contained a secret.

/// Overwrites `bytes` with zeros, even if they are not read again. Copies that the system or an allocator made are not
/// overwritten.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // The optimizer must assume that the bytes are read here, so it keeps the writes.
    std::hint::black_box(bytes);
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
