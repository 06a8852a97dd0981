//! Public keys as JSON Web Keys (RFC 7517, RFC 7518, RFC 8037).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::json_writer::ObjectWriter;

/// A public key.
pub enum PublicJwk {
    /// A point on the curve P-256: two coordinates of 32 bytes.
    P256 {
        x: [u8; 32],
        y: [u8; 32],
    },
    Ed25519 {
        x: [u8; 32],
    },
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl PublicJwk {
    /// The key with its required members only, in lexicographic order and without white space. Its SHA-256 digest is
    /// the thumbprint of the key (RFC 7638).
    pub fn to_json(&self) -> String {
        let encoded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let members = match self {
            PublicJwk::P256 { x, y } => {
                vec![("crv", "P-256".into()), ("kty", "EC".into()), ("x", encoded(x)), ("y", encoded(y))]
            }
            PublicJwk::Ed25519 { x } => vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", encoded(x))],
            PublicJwk::Rsa { n, e } => vec![("e", encoded(e)), ("kty", "RSA".into()), ("n", encoded(n))],
        };
        let mut writer = ObjectWriter::new();
        for (name, value) in &members {
            writer.text(name, value);
        }
        writer.finish().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_examples_of_the_rfcs_are_written() {
        // RFC 7638, section 3.1.
        let n = concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3",
            "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA",
            "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-",
            "kEgU8awapJzKnqDKgw"
        );
        let key = PublicJwk::Rsa { n: decoded(n), e: decoded("AQAB") };
        assert_eq!(key.to_json(), format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#));
        // RFC 8037, appendix A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let key = PublicJwk::Ed25519 { x: decoded(x).try_into().unwrap() };
        assert_eq!(key.to_json(), format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        // RFC 9449, section 4.1.
        let (x, y) = ("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
        let key = PublicJwk::P256 { x: decoded(x).try_into().unwrap(), y: decoded(y).try_into().unwrap() };
        assert_eq!(key.to_json(), format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    }
}
