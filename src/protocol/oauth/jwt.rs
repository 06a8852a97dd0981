//! JSON Web Tokens (RFC 7515, RFC 7519) that a client signs: client assertions (RFC 7523). The signature is computed
//! elsewhere.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::json_writer::ObjectWriter;
use super::secret_buffer::SecretBuffer;

/// An algorithm of a signature (RFC 7518, section 3.1; RFC 8037, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// The signature is the concatenation of two numbers of 32 bytes (RFC 7518, section 3.4), not ASN.1.
    Es256,
    Rs256,
    EdDsa,
}

impl SigningAlgorithm {
    pub fn name(self) -> &'static str {
        match self {
            SigningAlgorithm::Es256 => "ES256",
            SigningAlgorithm::Rs256 => "RS256",
            SigningAlgorithm::EdDsa => "EdDSA",
        }
    }
}

/// A token without its signature. No `Debug`: together with a signature it is a credential.
pub struct UnsignedJwt(Zeroizing<String>);

impl UnsignedJwt {
    fn new(header: ObjectWriter, claims: ObjectWriter) -> UnsignedJwt {
        let encoded = |object: ObjectWriter| Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(object.finish().as_bytes()));
        UnsignedJwt(joined(&encoded(header), &encoded(claims)))
    }

    /// The bytes to sign (RFC 7515, section 5.1).
    pub fn signing_input(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The token in its compact form.
    pub fn with_signature(&self, signature: &[u8]) -> Zeroizing<String> {
        joined(&self.0, &BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

fn joined(first: &str, second: &str) -> Zeroizing<String> {
    let mut text = SecretBuffer::with_capacity(first.len() + second.len() + 1);
    text.push(first);
    text.push(".");
    text.push(second);
    text.finish()
}

/// A client assertion for `private_key_jwt` (RFC 7523, section 3). Times are in seconds since 1970.
pub struct ClientAssertion<'a> {
    pub algorithm: SigningAlgorithm,
    pub key_id: Option<&'a str>,
    pub client_id: &'a str,
    /// The issuer of the authorization server.
    pub audience: &'a str,
    /// Unique for each assertion.
    pub jwt_id: &'a str,
    pub issued_at: u64,
    pub expires_at: u64,
}

impl ClientAssertion<'_> {
    pub fn unsigned(&self) -> UnsignedJwt {
        let mut header = ObjectWriter::new();
        header.text("typ", "JWT");
        header.text("alg", self.algorithm.name());
        header.optional_text("kid", self.key_id);
        let mut claims = ObjectWriter::new();
        claims.text("iss", self.client_id);
        claims.text("sub", self.client_id);
        claims.text("aud", self.audience);
        claims.text("jti", self.jwt_id);
        claims.number("iat", self.issued_at);
        claims.number("exp", self.expires_at);
        UnsignedJwt::new(header, claims)
    }
}

/// The claims of a token, as JSON text that was not checked. The signature is not checked either: the claims are only
/// for display.
pub fn unverified_claims(token: &str) -> Option<String> {
    let claims = token.split('.').nth(1)?;
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header and the claims of a token.
    fn decoded(jwt: &UnsignedJwt) -> [serde_json::Value; 2] {
        let text = std::str::from_utf8(jwt.signing_input()).unwrap();
        let parts: Vec<&str> = text.split('.').collect();
        assert_eq!(parts.len(), 2);
        [0, 1].map(|at| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[at]).unwrap()).unwrap())
    }

    #[test]
    fn client_assertions_name_the_client_and_the_issuer() {
        let assertion = ClientAssertion {
            algorithm: SigningAlgorithm::Es256,
            key_id: Some("22"),
            client_id: "inventory",
            audience: "https://auth.example",
            jwt_id: "id",
            issued_at: 1_700_000_000,
            expires_at: 1_700_000_060,
        };
        let [header, claims] = decoded(&assertion.unsigned());
        assert_eq!(header, serde_json::json!({"typ": "JWT", "alg": "ES256", "kid": "22"}));
        let expected = serde_json::json!({
            "iss": "inventory", "sub": "inventory", "aud": "https://auth.example", "jti": "id",
            "iat": 1_700_000_000, "exp": 1_700_000_060,
        });
        assert_eq!(claims, expected);
        let without_key_id = ClientAssertion { key_id: None, algorithm: SigningAlgorithm::EdDsa, ..assertion };
        let [header, _] = decoded(&without_key_id.unsigned());
        assert_eq!(header, serde_json::json!({"typ": "JWT", "alg": "EdDSA"}));
    }

    #[test]
    fn the_example_of_the_rfc_is_assembled() {
        // RFC 7515, appendix A.1: the header, the payload and the signature as octets.
        let header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
        let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191,
            240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let token = UnsignedJwt(joined(header, claims)).with_signature(&signature);
        assert_eq!(*token, format!("{header}.{claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        let claims = unverified_claims(&token).unwrap();
        assert!(claims.starts_with("{\"iss\":\"joe\",\r\n"), "{claims}");
        assert_eq!((unverified_claims("opaque"), unverified_claims("a.!.c")), (None, None));
    }
}
