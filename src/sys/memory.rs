//! Memory that held a secret.

/// Overwrites it with zeros, also where nobody will read them. A copy that the system or an allocator made before is not reached.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Whoever optimises has to suppose that somebody looks.
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
