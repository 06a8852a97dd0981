//! Self-signed certificates of servers. A certificate from `openssl req -x509` has CA:TRUE, and webpki does not accept
//! such a certificate from a server. This module accepts it, as OpenSSL does, if the certificate itself is one that the
//! caller trusts.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// The text of webpki's error for a server's certificate with CA:TRUE. rustls does not export the type of the error.
pub const CA_AS_SERVER: &str = "CaUsedAsEndEntity";

/// The identifiers `id-ce-extKeyUsage` and `id-kp-serverAuth` (RFC 5280, section 4.2.1.12), in DER.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];

/// Verifies like the platform's verifier, and also accepts a trusted certificate if the server itself presents it.
#[derive(Debug)]
pub struct PinnedCertificates {
    pub verifier: Verifier,
    pub trusted: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for PinnedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        // webpki checks the dates before CA:TRUE, so they are valid. It checks the purposes and the name afterwards, so
        // check them here. The signature of the handshake proves that the server has the private key.
        match verified {
            Err(error) if is_ca_as_server(&error) && self.trusted.contains(end_entity) => {
                if !allows_server_auth(end_entity) {
                    return Err(Error::InvalidCertificate(CertificateError::InvalidPurpose));
                }
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

fn is_ca_as_server(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if other.0.to_string() == CA_AS_SERVER)
}

/// Whether the purposes of a certificate include server authentication. A certificate without purposes allows all.
fn allows_server_auth(certificate: &[u8]) -> bool {
    match purposes(certificate) {
        None => true,
        Some(purposes) => DerValues(purposes).any(|(_, purpose)| purpose == SERVER_AUTH),
    }
}

/// The content of the extended key usage extension.
fn purposes(certificate: &[u8]) -> Option<&[u8]> {
    let (_, certificate) = DerValues(certificate).next()?;
    let (_, signed_part) = DerValues(certificate).next()?;
    // `extensions [3] EXPLICIT Extensions`
    let (_, extensions) = DerValues(signed_part).find(|(tag, _)| *tag == 0xa3)?;
    let (_, extensions) = DerValues(extensions).next()?;
    let (_, extension) = DerValues(extensions).find(|(_, extension)| {
        DerValues(extension).next().is_some_and(|(_, identifier)| identifier == EXTENDED_KEY_USAGE)
    })?;
    // The value is last: after the identifier and, optionally, the flag for critical extensions.
    let (_, value) = DerValues(extension).last()?;
    DerValues(value).next().map(|(_, purposes)| purposes)
}

/// Iterates over consecutive values in DER (X.690, section 8.1), each with its tag. It does not validate them: webpki
/// has parsed the certificate before.
struct DerValues<'a>(&'a [u8]);

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

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &content].concat()
    }

    fn certificate(extensions: &[&[u8]]) -> Vec<u8> {
        let extensions = der(0xa3, &[&der(0x30, extensions)]);
        der(0x30, &[&der(0x30, &[&der(2, &[&[1]]), &der(0x30, &[]), &extensions]), &der(3, &[&[0; 300]])])
    }

    fn extension(identifier: &[u8], purposes: &[&[u8]]) -> Vec<u8> {
        let purposes: Vec<u8> = purposes.iter().flat_map(|purpose| der(6, &[purpose])).collect();
        der(0x30, &[&der(6, &[identifier]), &der(1, &[&[0xff]]), &der(4, &[&der(0x30, &[&purposes])])])
    }

    #[test]
    fn certificates_for_other_purposes_are_rejected() {
        let client_auth = &[0x2b, 6, 1, 5, 5, 7, 3, 2][..];
        let other = extension(&[0x55, 0x1d, 0x0f], &[client_auth]);
        assert!(allows_server_auth(&certificate(&[])));
        assert!(allows_server_auth(&certificate(&[&other])));
        assert!(allows_server_auth(&certificate(&[
            &other,
            &extension(EXTENDED_KEY_USAGE, &[client_auth, SERVER_AUTH])
        ])));
        assert!(!allows_server_auth(&certificate(&[&extension(EXTENDED_KEY_USAGE, &[client_auth]), &other])));
        assert!(!allows_server_auth(&certificate(&[&extension(EXTENDED_KEY_USAGE, &[])])));
    }

    #[test]
    fn invalid_der_ends_the_iteration() {
        for bytes in [&b""[..], b"\x30", b"\x30\x05abc", b"\x30\x84\xff\xff\xff\xff", b"\x30\x89123456789", b"\x30\x80"]
        {
            assert!(DerValues(bytes).count() <= 1);
            assert_eq!(purposes(bytes), None);
        }
    }
}
