//! Builds texts that contain secrets.

use zeroize::Zeroizing;

/// A text that grows without leaving copies of its content in freed memory. No `Debug`: it must not be printed.
pub struct SecretBuffer(Zeroizing<String>);

impl SecretBuffer {
    pub fn with_capacity(capacity: usize) -> SecretBuffer {
        SecretBuffer(Zeroizing::new(String::with_capacity(capacity)))
    }

    pub fn push(&mut self, text: &str) {
        let needed = self.0.len() + text.len();
        if needed > self.0.capacity() {
            // A string that grows would free its old memory without wiping it.
            let mut larger = Zeroizing::new(String::with_capacity(needed.max(2 * self.0.capacity())));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        self.0.push_str(text);
    }

    pub fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]));
    }

    pub fn finish(self) -> Zeroizing<String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_grows_as_needed() {
        let mut buffer = SecretBuffer::with_capacity(1);
        buffer.push("ab");
        buffer.push_char('é');
        buffer.push(&"c".repeat(100));
        assert_eq!(*buffer.finish(), format!("abé{}", "c".repeat(100)));
    }
}
