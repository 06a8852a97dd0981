//! The cryptography of OAuth: hashes, random bytes, and signatures of JWTs (RFC 7518, RFC 8037). The only file that
//! uses ring.

use ring::digest::{SHA256, digest};
use ring::error::KeyRejected;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Result};
use crate::protocol::oauth::jwt::SigningAlgorithm;
use crate::status::{MCP_INVALID_ARGUMENT, MCP_SYSTEM_ERROR};

/// What a PKCS#8 key for P-256 has before the octet string with the SEC1 key, in DER: the version 0, and the algorithm
/// id-ecPublicKey with the curve prime256v1.
const P256_PREFIX: &[u8] =
    b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

const DER_SEQUENCE: u8 = 0x30;
const DER_OCTET_STRING: u8 = 0x04;

const SUPPORTED: &str = "supported are EC keys on P-256, RSA keys with 2048 to 4096 bits, and Ed25519";

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Random bytes of the system, for secrets.
pub fn random_bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| no_random_bytes())?;
    Ok(bytes)
}

/// A private key that signs JWTs. Copies of it in memory of ring and of the PEM reader are not wiped.
pub struct SigningKey(PrivateKey);

enum PrivateKey {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// Contains the algorithm only.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.algorithm().name())
    }
}

impl SigningKey {
    /// Reads the first private key in a PEM text: PKCS#8 ("PRIVATE KEY"), SEC1 ("EC PRIVATE KEY") or PKCS#1 ("RSA
    /// PRIVATE KEY").
    pub fn from_pem(pem: &str) -> Result<SigningKey> {
        // Before reading: an encrypted key in the old format looks like one whose base64 is invalid.
        if pem.contains("ENCRYPTED") {
            return Err(invalid_key("it is encrypted; decrypt it (openssl pkey -in KEY -out NEW_KEY)"));
        }
        let mut key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| invalid_key("it is not a PEM text with a private key (\"-----BEGIN PRIVATE KEY-----\")"))?;
        let private_key = read_private_key(&key);
        key.zeroize();
        private_key.map(SigningKey)
    }

    /// The value of `alg` in a JWT (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub fn algorithm(&self) -> SigningAlgorithm {
        match &self.0 {
            PrivateKey::Es256(_) => SigningAlgorithm::Es256,
            PrivateKey::Rs256(_) => SigningAlgorithm::Rs256,
            PrivateKey::EdDsa(_) => SigningAlgorithm::EdDsa,
        }
    }

    /// The signature of a JWT, not encoded. `input` is the encoded header, a period, and the encoded payload.
    pub fn sign(&self, input: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.0 {
            PrivateKey::Es256(key) => Ok(key.sign(&random, input).map_err(|_| signing_failed())?.as_ref().to_vec()),
            PrivateKey::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature);
                signed.map_err(|_| signing_failed())?;
                Ok(signature)
            }
            PrivateKey::EdDsa(key) => Ok(key.sign(input).as_ref().to_vec()),
        }
    }
}

fn read_private_key(key: &PrivateKeyDer) -> Result<PrivateKey> {
    match key {
        PrivateKeyDer::Pkcs8(key) => read_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(key) => read_pkcs8(&pkcs8_of_sec1(key.secret_sec1_der())),
        PrivateKeyDer::Pkcs1(key) => {
            RsaKeyPair::from_der(key.secret_pkcs1_der()).map(PrivateKey::Rs256).map_err(|why| rejected("RSA", why))
        }
        _ => Err(invalid_key(SUPPORTED)),
    }
}

fn read_pkcs8(der: &[u8]) -> Result<PrivateKey> {
    let attempts = [
        (
            "EC",
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
                .map(PrivateKey::Es256),
        ),
        ("RSA", RsaKeyPair::from_pkcs8(der).map(PrivateKey::Rs256)),
        // OpenSSL writes Ed25519 keys without their public key, which ring then calculates.
        ("Ed25519", Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(PrivateKey::EdDsa)),
    ];
    let mut problems = Vec::new();
    for (name, attempt) in attempts {
        match attempt {
            Ok(key) => return Ok(key),
            Err(why) if why.to_string() == "WrongAlgorithm" => {}
            Err(why) => problems.push((name, why)),
        }
    }
    Err(match problems[..] {
        [] => invalid_key(&format!("its algorithm is not supported; {SUPPORTED}")),
        [(name, why)] => rejected(name, why),
        // No algorithm could be read.
        _ => invalid_key("it is not a valid PKCS#8 key"),
    })
}

/// A SEC1 key as a PKCS#8 key for P-256. ring rejects it if the SEC1 key names another curve.
fn pkcs8_of_sec1(sec1: &[u8]) -> Zeroizing<Vec<u8>> {
    der(DER_SEQUENCE, &[P256_PREFIX, &der(DER_OCTET_STRING, &[sec1])])
}

/// A DER value (X.690, section 8.1).
fn der(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    // All memory at once: a growing vector would leave copies of the key in freed memory.
    let mut value = Zeroizing::new(Vec::with_capacity(length + bytes.len() + 2));
    value.push(tag);
    if length < 0x80 {
        value.push(length as u8);
    } else {
        value.push(0x80 | significant.len() as u8);
        value.extend_from_slice(significant);
    }
    parts.iter().for_each(|part| value.extend_from_slice(part));
    value
}

/// The error for a key that ring rejects.
fn rejected(kind: &str, why: KeyRejected) -> Error {
    let why = match (kind, why.to_string().as_str()) {
        ("RSA", "TooSmall" | "TooLarge") => "RSA keys must have 2048 to 4096 bits".into(),
        // ring requires the public key, which is optional in SEC1, and reports a missing one as this.
        ("EC", "InvalidEncoding") => {
            "it is not a valid EC key, or its public key is missing (openssl ec -in KEY -out NEW_KEY adds it)".into()
        }
        _ => format!("it is not a valid {kind} key"),
    };
    invalid_key(&why)
}

fn invalid_key(why: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, format!("the private key cannot be used: {why}"))
}

fn no_random_bytes() -> Error {
    Error::new(MCP_SYSTEM_ERROR, "the operating system returned no random bytes")
}

fn signing_failed() -> Error {
    Error::new(MCP_SYSTEM_ERROR, "signing with the private key failed: the operating system returned no random bytes")
}

#[cfg(test)]
mod tests;
