//! What a diagnosis shows of a server's certificate (RFC 5280): its names and its validity. Read without validation: it
//! shows why a certificate was rejected, too.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::der::{DerValues, extension};

/// The most alternative names that are read: some certificates have hundreds.
const MAX_NAMES: usize = 50;

/// The identifier `id-ce-subjectAltName` (RFC 5280, section 4.2.1.6), in DER.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// The last byte of the identifiers 2.5.4.x, and their names (RFC 4514, section 3).
const ATTRIBUTES: [(u8, &str); 6] = [(3, "CN"), (6, "C"), (7, "L"), (8, "ST"), (10, "O"), (11, "OU")];

/// The tags of the values that are read.
const UTC_TIME: u8 = 0x17;
const BMP_STRING: u8 = 0x1e;
const VERSION: u8 = 0xa0;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The names and the validity of a certificate. A part that cannot be read is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CertificateSummary {
    /// As "CN=example.com, O=Example", with the escapes of RFC 4514.
    pub subject: String,
    pub issuer: String,
    /// The DNS names and IP addresses of the subject.
    pub names: Vec<String>,
    pub not_before: Option<CertificateTime>,
    pub not_after: Option<CertificateTime>,
}

/// A time in UTC: year, month, day, hour, minute, second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateTime([u16; 6]);

impl CertificateSummary {
    pub fn read(certificate: &[u8]) -> CertificateSummary {
        let mut summary = CertificateSummary::default();
        // Incomplete if the certificate is malformed.
        let _ = summary.read_fields(certificate);
        let names = extension(certificate, ALTERNATIVE_NAMES).into_iter().flatten();
        summary.names = names.filter_map(|(tag, name)| general_name(tag, name)).take(MAX_NAMES).collect();
        summary
    }

    fn read_fields(&mut self, certificate: &[u8]) -> Option<()> {
        let mut fields = DerValues(certificate).enter()?.enter()?;
        // The version is left out for the first one.
        if fields.0.first() == Some(&VERSION) {
            fields.next()?;
        }
        let (_serial_number, _signature) = (fields.next()?, fields.next()?);
        self.issuer = distinguished_name(fields.enter()?);
        let mut validity = fields.enter()?;
        self.not_before = validity.next().and_then(|(tag, text)| CertificateTime::read(tag, text));
        self.not_after = validity.next().and_then(|(tag, text)| CertificateTime::read(tag, text));
        self.subject = distinguished_name(fields.enter()?);
        Some(())
    }
}

/// The known attributes of a name, in order.
fn distinguished_name(name: DerValues) -> String {
    let mut shown: Vec<String> = Vec::new();
    for (_, set) in name {
        for (_, attribute) in DerValues(set) {
            let mut parts = DerValues(attribute);
            let (Some((_, [0x55, 4, last])), Some((tag, value))) = (parts.next(), parts.next()) else { continue };
            if let Some((_, label)) = ATTRIBUTES.iter().find(|(known, _)| known == last) {
                shown.push(format!("{label}={}", escaped(&string(tag, value))));
            }
        }
    }
    shown.join(", ")
}

/// The value of an attribute with escapes (RFC 4514, section 2.4), so that it cannot look like several attributes.
fn escaped(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for (i, c) in value.char_indices() {
        let is_special = match c {
            '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => true,
            '#' => i == 0,
            ' ' => i == 0 || i + 1 == value.len(),
            _ => false,
        };
        if is_special {
            shown.push('\\');
        }
        if c == '\0' { shown.push_str("\\00") } else { shown.push(c) }
    }
    shown
}

fn string(tag: u8, value: &[u8]) -> String {
    match tag {
        BMP_STRING => {
            let units = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(value).into_owned(),
    }
}

/// `GeneralName`; `None` for other kinds of names, which the name of a server is not compared with.
fn general_name(tag: u8, name: &[u8]) -> Option<String> {
    match tag {
        DNS_NAME => Some(String::from_utf8_lossy(name).into_owned()),
        IP_ADDRESS => match name.len() {
            4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(name).ok()?).to_string()),
            16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(name).ok()?).to_string()),
            _ => None,
        },
        _ => None,
    }
}

impl CertificateTime {
    /// `UTCTime` or `GeneralizedTime`, in the form that RFC 5280 requires (section 4.1.2.5).
    fn read(tag: u8, text: &[u8]) -> Option<CertificateTime> {
        let digits = text.strip_suffix(b"Z")?;
        if !digits.iter().all(u8::is_ascii_digit) || !matches!((tag, digits.len()), (UTC_TIME, 12) | (_, 14)) {
            return None;
        }
        let pairs: Vec<u16> =
            digits.chunks(2).map(|pair| u16::from(pair[0] - b'0') * 10 + u16::from(pair[1] - b'0')).collect();
        let (year, rest) = match *pairs.as_slice() {
            // Two digits are from 1950 to 2049.
            [year, ref rest @ ..] if tag == UTC_TIME => (if year < 50 { 2000 + year } else { 1900 + year }, rest),
            [century, year, ref rest @ ..] => (century * 100 + year, rest),
            _ => return None,
        };
        let [month, day, hour, minute, second] = *<&[u16; 5]>::try_from(rest).ok()?;
        let is_valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
        is_valid.then_some(CertificateTime([year, month, day, hour, minute, second]))
    }

    /// As in RFC 3339: "2026-07-28T12:00:00Z".
    pub fn text(self) -> String {
        let [year, month, day, hour, minute, second] = self.0;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Seconds since 1970, which may be negative.
    pub fn unix_time(self) -> i64 {
        let [year, month, day, hour, minute, second] = self.0.map(i64::from);
        // Years from March to February, so that a leap day is the last day of its year.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leap_days = year / 4 - year / 100 + year / 400;
        let days = year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468;
        ((days * 24 + hour) * 60 + minute) * 60 + second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &content].concat()
    }

    fn attribute(last: u8, tag: u8, value: &[u8]) -> Vec<u8> {
        der(0x31, &[&der(0x30, &[&der(6, &[&[0x55, 4, last]]), &der(tag, &[value])])])
    }

    fn certificate(version: &[u8], times: [&[u8]; 2]) -> Vec<u8> {
        let issuer = der(0x30, &[&attribute(10, 0x0c, "Prüfer".as_bytes()), &attribute(99, 0x0c, b"x")]);
        let subject = der(0x30, &[&attribute(3, BMP_STRING, &[0, b'h', 0x20, 0xac]), &attribute(6, 0x13, b"DE")]);
        let names = der(
            0x30,
            &[
                &der(DNS_NAME, &[b"*.example.com"]),
                &der(IP_ADDRESS, &[&[127, 0, 0, 1]]),
                &der(IP_ADDRESS, &[&[0; 16]]),
                &der(IP_ADDRESS, &[&[1]]),
                &der(0x86, &[b"https://x"]),
            ],
        );
        let extension = der(0x30, &[&der(6, &[ALTERNATIVE_NAMES]), &der(4, &[&names])]);
        let extensions = der(0xa3, &[&der(0x30, &[&extension])]);
        let validity = der(0x30, &[times[0], times[1]]);
        let (number, algorithm, key) = (der(2, &[&[1]]), der(0x30, &[]), der(0x30, &[]));
        let signed_part = der(0x30, &[version, &number, &algorithm, &issuer, &validity, &subject, &key, &extensions]);
        der(0x30, &[&signed_part, &algorithm, &der(3, &[&[0; 300]])])
    }

    #[test]
    fn names_and_validity_are_read() {
        let version = der(VERSION, &[&der(2, &[&[2]])]);
        let times = [der(UTC_TIME, &[b"500228235959Z"]), der(0x18, &[b"40960101000000Z"])];
        for version in [&version[..], &[]] {
            let summary = CertificateSummary::read(&certificate(version, [&times[0], &times[1]]));
            assert_eq!(summary.subject, "CN=h€, C=DE");
            assert_eq!(summary.issuer, "O=Prüfer");
            assert_eq!(summary.names, ["*.example.com", "127.0.0.1", "::"]);
            assert_eq!(summary.not_before.unwrap().text(), "1950-02-28T23:59:59Z");
            assert_eq!(summary.not_after.unwrap().text(), "4096-01-01T00:00:00Z");
        }
    }

    #[test]
    fn values_of_names_are_escaped() {
        for (value, shown) in [
            ("evil, O=Google", r"CN=evil\, O\=Google"),
            (r#"a+b;c<d>e\f"g"#, r#"CN=a\+b\;c\<d\>e\\f\"g"#),
            ("#a#", r"CN=\#a#"),
            (" a b ", r"CN=\ a b\ "),
            (" ", r"CN=\ "),
            ("a\0", r"CN=a\00"),
            ("Prüfer €", "CN=Prüfer €"),
        ] {
            assert_eq!(distinguished_name(DerValues(&attribute(3, 0x0c, value.as_bytes()))), shown);
        }
    }

    #[test]
    fn malformed_certificates_have_empty_parts() {
        let times = [der(UTC_TIME, &[b"5002282359Z"]), der(0x18, &[b"20261301000000Z"])];
        let whole = certificate(&[], [&times[0], &times[1]]);
        let summary = CertificateSummary::read(&whole);
        assert_eq!((summary.not_before, summary.not_after), (None, None));
        for length in 0..whole.len() {
            let _ = CertificateSummary::read(&whole[..length]);
        }
        assert_eq!(CertificateSummary::read(b"\x30\x03abc"), CertificateSummary::default());
    }

    #[test]
    fn times_are_converted_to_seconds() {
        let seconds = |tag, text: &[u8]| CertificateTime::read(tag, text).map(CertificateTime::unix_time);
        assert_eq!(seconds(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(seconds(UTC_TIME, b"500101000000Z"), Some(-631_152_000));
        assert_eq!(seconds(UTC_TIME, b"240229120000Z"), Some(1_709_208_000));
        assert_eq!(seconds(0x18, b"20380119031408Z"), Some(1 << 31));
        assert_eq!(seconds(0x18, b"21000301000000Z"), Some(4_107_542_400));
        for invalid in [&b""[..], b"Z", b"700101000000", b"70010100000xZ", b"20380119031408Z"] {
            assert_eq!(seconds(UTC_TIME, invalid), None);
        }
    }
}
