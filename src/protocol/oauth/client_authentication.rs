//! How a client authenticates at a token endpoint (RFC 6749, section 2.3; OpenID Connect Core, section 9).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::form::encode_component;
use super::quote::quote;
use super::secret_buffer::SecretBuffer;

/// A method of `token_endpoint_auth_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// A public client: the request contains only its id.
    None,
    SecretBasic,
    SecretPost,
    PrivateKeyJwt,
}

/// What a client has to authenticate with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCredential {
    Nothing,
    Secret,
    PrivateKey,
}

impl AuthMethod {
    const ALL: [AuthMethod; 4] =
        [AuthMethod::None, AuthMethod::SecretBasic, AuthMethod::SecretPost, AuthMethod::PrivateKeyJwt];

    pub fn name(self) -> &'static str {
        match self {
            AuthMethod::None => "none",
            AuthMethod::SecretBasic => "client_secret_basic",
            AuthMethod::SecretPost => "client_secret_post",
            AuthMethod::PrivateKeyJwt => "private_key_jwt",
        }
    }

    pub fn of(name: &str) -> Option<AuthMethod> {
        AuthMethod::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The method to register with at a server that lists `listed` in its metadata: preferably `none`, because a
    /// secret that a registration returns proves nothing about the application, or else the first that is possible.
    /// The Python SDK's server lists `client_secret_post` first, and cannot revoke tokens with `client_secret_basic`.
    pub fn to_register(listed: Option<&[String]>) -> AuthMethod {
        let Some(listed) = listed.filter(|listed| !listed.is_empty()) else { return AuthMethod::None };
        if contains(listed, AuthMethod::None) {
            return AuthMethod::None;
        }
        let methods = listed.iter().filter_map(|name| AuthMethod::of(name));
        let mut with_secret =
            methods.filter(|method| matches!(method, AuthMethod::SecretBasic | AuthMethod::SecretPost));
        with_secret.next().unwrap_or(AuthMethod::None)
    }

    /// The method of a client. `registered` is the method in the response to its registration, and `listed` are those
    /// in the server's metadata.
    pub fn of_client(
        credential: ClientCredential,
        registered: Option<&str>,
        listed: Option<&[String]>,
    ) -> Result<AuthMethod, String> {
        match credential {
            ClientCredential::Nothing => return Ok(AuthMethod::None),
            ClientCredential::PrivateKey => return Ok(AuthMethod::PrivateKeyJwt),
            ClientCredential::Secret => {}
        }
        let methods = [AuthMethod::SecretBasic, AuthMethod::SecretPost, AuthMethod::None];
        if let Some(registered) = registered {
            let method = methods.into_iter().find(|method| method.name() == registered);
            return method.ok_or_else(|| unsupported("registered the client for", registered));
        }
        // A server that lists nothing supports client_secret_basic (RFC 8414, section 2).
        let Some(listed) = listed.filter(|listed| !listed.is_empty()) else { return Ok(AuthMethod::SecretBasic) };
        let method = methods.into_iter().find(|method| contains(listed, *method));
        method.ok_or_else(|| unsupported("accepts only", &listed.join(" ")))
    }
}

fn contains(listed: &[String], method: AuthMethod) -> bool {
    listed.iter().any(|name| name == method.name())
}

fn unsupported(what: &str, methods: &str) -> String {
    format!(
        "the authorization server {what} the client authentication {}, which is not possible with a client secret",
        quote(methods)
    )
}

/// The value of the header `Authorization` for `client_secret_basic` (RFC 6749, section 2.3.1).
pub fn basic_authorization(client_id: &str, client_secret: &str) -> Zeroizing<String> {
    let (id, secret) = (encode_component(client_id), encode_component(client_secret));
    let mut pair = SecretBuffer::with_capacity(id.len() + secret.len() + 1);
    pair.push(&id);
    pair.push(":");
    pair.push(&secret);
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.finish().as_bytes()));
    let mut value = SecretBuffer::with_capacity("Basic ".len() + encoded.len());
    value.push("Basic ");
    value.push(&encoded);
    value.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(methods: &str) -> Vec<String> {
        methods.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_example_of_the_rfc_is_encoded() {
        // RFC 6749, section 2.3.1.
        let expected = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        assert_eq!(*basic_authorization("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"), expected);
        let encoded = format!("Basic {}", BASE64_STANDARD.encode("https%3A%2F%2Fa%2Fb:x%3Ay"));
        assert_eq!(*basic_authorization("https://a/b", "x:y"), encoded);
    }

    #[test]
    fn clients_register_without_a_secret_if_possible() {
        let method = |methods| AuthMethod::to_register(Some(&listed(methods)));
        assert_eq!(AuthMethod::to_register(None), AuthMethod::None);
        assert_eq!(method(""), AuthMethod::None);
        assert_eq!(method("client_secret_post client_secret_basic none"), AuthMethod::None);
        assert_eq!(method("client_secret_post client_secret_basic"), AuthMethod::SecretPost);
        assert_eq!(method("private_key_jwt client_secret_basic client_secret_post"), AuthMethod::SecretBasic);
        assert_eq!(method("client_secret_post"), AuthMethod::SecretPost);
        assert_eq!(method("private_key_jwt"), AuthMethod::None);
    }

    #[test]
    fn the_registered_method_is_used_before_those_of_the_metadata() {
        let with_secret = |registered, methods: Option<&str>| {
            let methods = methods.map(listed);
            AuthMethod::of_client(ClientCredential::Secret, registered, methods.as_deref())
        };
        let both = Some("client_secret_post client_secret_basic none");
        assert_eq!(with_secret(Some("client_secret_post"), both), Ok(AuthMethod::SecretPost));
        assert_eq!(with_secret(Some("none"), both), Ok(AuthMethod::None));
        assert_eq!(with_secret(None, both), Ok(AuthMethod::SecretBasic));
        assert_eq!(with_secret(None, Some("client_secret_post none")), Ok(AuthMethod::SecretPost));
        assert_eq!(with_secret(None, None), Ok(AuthMethod::SecretBasic));
        // The conformance suite's server returns a secret, and lists only this method.
        assert_eq!(with_secret(None, Some("none")), Ok(AuthMethod::None));
        let error = with_secret(None, Some("private_key_jwt")).unwrap_err();
        assert!(error.contains("\"private_key_jwt\""), "{error}");
        assert!(with_secret(Some("tls_client_auth"), both).is_err());
    }

    #[test]
    fn the_method_depends_on_what_the_client_has() {
        let method = |credential| AuthMethod::of_client(credential, Some("client_secret_basic"), None);
        assert_eq!(method(ClientCredential::Nothing), Ok(AuthMethod::None));
        assert_eq!(method(ClientCredential::PrivateKey), Ok(AuthMethod::PrivateKeyJwt));
        assert_eq!(AuthMethod::of("private_key_jwt"), Some(AuthMethod::PrivateKeyJwt));
        assert_eq!(AuthMethod::of("None"), None);
    }
}
