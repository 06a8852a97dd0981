//! Private keys in the formats of PEM files.

use rcgen::{Error, KeyPair, PKCS_RSA_SHA256};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};

/// A fixed key, because ring cannot generate RSA keys. It gives no access to anything: its certificate is issued for
/// one run, by an authority of that run.
pub const RSA_PKCS1_PEM: &str = include_str!("client_rsa_key.pem");

/// The RSA key, in the form that is needed to issue its certificate.
pub fn rsa() -> Result<KeyPair, Error> {
    let pkcs1 =
        PrivatePkcs1KeyDer::from_pem_slice(RSA_PKCS1_PEM.as_bytes()).map_err(|_| Error::CouldNotParseKeyPair)?;
    // RFC 5208: version 0, rsaEncryption, and the PKCS#1 key as an octet string.
    let head = [&[2, 1, 0][..], &sequence(&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 1, 5, 0])].concat();
    let pkcs8 = sequence(&[head, element(0x04, pkcs1.secret_pkcs1_der())].concat());
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_RSA_SHA256)
}

/// A P-256 key in the format of `openssl ecparam -genkey`: "EC PRIVATE KEY" (RFC 5915) with the name of the curve.
pub fn sec1_pem(key: &KeyPair) -> String {
    let point = key.public_key_raw();
    // The secret is before the public point, with five bytes of tags and lengths between them.
    let pkcs8 = key.serialized_der();
    let end = pkcs8.len() - point.len() - 5;
    let prime256v1 = [6, 8, 42, 134, 72, 206, 61, 3, 1, 7];
    let parts = [
        element(0x02, &[1]),
        element(0x04, &pkcs8[end - 32..end]),
        element(0xa0, &prime256v1),
        element(0xa1, &element(0x03, &[&[0], point].concat())),
    ];
    let body = base64(&sequence(&parts.concat()));
    let lines: String = body.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
    format!("-----BEGIN EC PRIVATE KEY-----\n{lines}-----END EC PRIVATE KEY-----\n")
}

fn sequence(content: &[u8]) -> Vec<u8> {
    element(0x30, content)
}

/// Tag, length and content (X.690, DER).
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    out.extend_from_slice(content);
    out
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let symbol = char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]);
            out.push(if at <= chunk.len() { symbol } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::PrivateKeyDer;

    #[test]
    fn all_formats_contain_the_same_key() {
        let provider = rustls::crypto::ring::default_provider().key_provider;
        let load =
            |pem: &str| provider.load_private_key(PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let (pkcs8, sec1) = (load(&key.serialize_pem()), load(&sec1_pem(&key)));
        assert_eq!(pkcs8.public_key().unwrap(), sec1.public_key().unwrap());
        assert!(sec1_pem(&key).starts_with("-----BEGIN EC PRIVATE KEY-----\nM"));
        let rsa = rsa().unwrap();
        assert_eq!(load(RSA_PKCS1_PEM).public_key(), load(&rsa.serialize_pem()).public_key());
    }

    #[test]
    fn base64_is_padded() {
        for (text, encoded) in [("", ""), ("i", "aQ=="), ("hi", "aGk="), ("hi!", "aGkh"), ("hi!?", "aGkhPw==")] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}
