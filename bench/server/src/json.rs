//! A minimal JSON scanner that finds a few members in one pass, independent of their order.

/// A position in a text. All functions return `None` if the text is not valid JSON.
pub struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8]) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// Calls `look` for every member of an object. The cursor is in front of the value, which `look` must skip.
    pub fn members(&mut self, mut look: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.next_is(b'}') {
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            look(self, &key[1..key.len() - 1])?;
            if self.next_is(b'}') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// Skips a value of any type and returns its text.
    pub fn value(&mut self) -> Option<&'a [u8]> {
        self.space();
        let start = self.at;
        match self.text.get(start)? {
            b'"' => return self.string(),
            b'{' | b'[' => self.nested()?,
            _ => {
                let rest = &self.text[start..];
                let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                self.at += rest.iter().position(is_end).unwrap_or(rest.len());
            }
        }
        Some(&self.text[start..self.at])
    }

    /// Skips a string and returns its text, with quotes and escapes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.space();
        let start = self.at;
        if self.text.get(start) != Some(&b'"') {
            return None;
        }
        let inside = start + 1;
        self.at = inside;
        loop {
            self.at += before_quote(&self.text[self.at..])?;
            let escapes = self.text[inside..self.at].iter().rev().take_while(|byte| **byte == b'\\').count();
            self.at += 1;
            if escapes % 2 == 0 {
                return Some(&self.text[start..self.at]);
            }
        }
    }

    /// Skips an object or an array. Only brackets and strings are interpreted.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn space(&mut self) {
        while self.text.get(self.at).is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn next_is(&mut self, byte: u8) -> bool {
        self.space();
        let is = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.next_is(byte).then_some(())
    }
}

/// The number of bytes before the next quote. The compiler vectorizes the loop over blocks, which must be fast for long
/// texts. Backslashes are handled by the caller, only in front of a quote.
fn before_quote(text: &[u8]) -> Option<usize> {
    const BLOCK: usize = 64;
    let has_quote = |block: &[u8]| block.iter().fold(false, |any, byte| any | (*byte == b'"'));
    let passed = text.chunks_exact(BLOCK).take_while(|block| !has_quote(block)).count() * BLOCK;
    text[passed..].iter().position(|byte| *byte == b'"').map(|at| passed + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_any_order() {
        let text = br#" { "a" : {"x":[1,"}",{}]} , "b":"q\"\\", "c":-1.5e3 ,"d":[] } "#;
        let mut found = Vec::new();
        Cursor::new(text).members(|cursor, key| Some(found.push((key, cursor.value()?)))).unwrap();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"a", br#"{"x":[1,"}",{}]}"#), (b"b", br#""q\"\\""#), (b"c", b"-1.5e3"), (b"d", b"[]")];
        assert_eq!(found, expected);
    }

    #[test]
    fn escaped_quotes_do_not_end_long_strings() {
        for length in [0, 1, 63, 64, 65, 200] {
            let text = [b"\"".as_slice(), &vec![b'x'; length], b"\\\"\" ,"].concat();
            assert_eq!(Cursor::new(&text).value().map(<[u8]>::len), Some(length + 4));
        }
    }

    #[test]
    fn truncated_json_is_rejected() {
        for text in ["", "{", "{\"a", "{\"a\\", "{\"a\":", "{\"a\":[", "{\"a\":1", "{\"a\":1,", "{\"a\":\"\\"] {
            assert_eq!(Cursor::new(text.as_bytes()).members(|cursor, _| cursor.value().map(|_| ())), None, "{text}");
        }
    }
}
