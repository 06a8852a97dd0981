//! Reads values in DER (X.690). It does not validate them: what is read was parsed by webpki before, or is only shown.

/// Iterates over consecutive values (X.690, section 8.1), each with its tag. Ends at the first one that is cut off.
#[derive(Clone)]
pub struct DerValues<'a>(pub &'a [u8]);

impl<'a> DerValues<'a> {
    /// The values inside the next one, which is a sequence or another constructed value.
    pub fn enter(&mut self) -> Option<DerValues<'a>> {
        self.next().map(|(_, content)| DerValues(content))
    }
}

impl<'a> Iterator for DerValues<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..0x80 => (usize::from(first), rest),
            _ => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(d, _)| d.len() <= 4)?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// The content of the extension `identifier` of a certificate (RFC 5280, section 4.2).
pub fn extension<'a>(certificate: &'a [u8], identifier: &[u8]) -> Option<DerValues<'a>> {
    let mut signed_part = DerValues(certificate).enter()?.enter()?;
    // `extensions [3] EXPLICIT Extensions`
    let (_, extensions) = signed_part.find(|(tag, _)| *tag == 0xa3)?;
    let (_, extension) = DerValues(extensions)
        .enter()?
        .find(|(_, extension)| DerValues(extension).next().is_some_and(|(_, found)| found == identifier))?;
    // The value is last: after the identifier and, optionally, the flag for critical extensions.
    let (_, value) = DerValues(extension).last()?;
    DerValues(value).enter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_der_ends_the_iteration() {
        for bytes in [&b""[..], b"\x30", b"\x30\x05abc", b"\x30\x84\xff\xff\xff\xff", b"\x30\x89123456789", b"\x30\x80"]
        {
            assert!(DerValues(bytes).count() <= 1);
            assert!(extension(bytes, &[0x55, 0x1d, 0x25]).is_none());
        }
    }
}
