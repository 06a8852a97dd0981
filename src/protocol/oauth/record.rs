//! The record of an authorization that is kept in a store, as JSON text: enough to refresh the tokens after a restart
//! without discovery.

use zeroize::Zeroizing;

use super::json_object::JsonObject;
use super::json_writer::ObjectWriter;
use super::scope::ScopeSet;
use super::url::HttpUrl;

/// The version of the format that is written and read.
const VERSION: u64 = 1;

/// The key of a record in its store. `client` is the id of a configured client or the URL of its metadata document, and
/// empty for a client that registers dynamically.
pub fn record_key(resource: &str, client: &str) -> String {
    format!("{resource}\n{client}")
}

/// What is kept of the authorization at one MCP server. No `Debug`: it contains tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuthRecord {
    /// The parameter `resource` of all requests; `None` if none is sent.
    pub resource: Option<String>,
    pub issuer: String,
    pub endpoints: RecordedEndpoints,
    pub client: RecordedClient,
    /// The redirect URI that was sent last, with its port.
    pub redirect_uri: Option<String>,
    /// The scopes that were requested.
    pub requested_scopes: ScopeSet,
    /// `None` before the first login and after a logout: the registration is kept.
    pub tokens: Option<RecordedTokens>,
}

/// The endpoints of the authorization server.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedEndpoints {
    pub token: String,
    pub authorization: Option<String>,
    pub registration: Option<String>,
    pub revocation: Option<String>,
}

/// How the client got its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    Configured,
    /// The id is the URL of a metadata document.
    MetadataDocument,
    Registered,
}

/// The client at the authorization server.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedClient {
    pub id: String,
    pub origin: ClientOrigin,
    /// Only that of a registration: a configured secret remains in the configuration.
    pub secret: Option<Zeroizing<String>>,
    /// In seconds since 1970; `None` if the secret does not expire. 0: no login uses the registration any more.
    pub secret_expires_at: Option<u64>,
    /// A name of [`AuthMethod`](super::client_authentication::AuthMethod).
    pub auth_method: String,
    /// The scopes of the registration.
    pub scope: Option<ScopeSet>,
}

/// The tokens of a login.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedTokens {
    pub access_token: Zeroizing<String>,
    /// In seconds since 1970; `None` if unknown.
    pub issued_at: Option<u64>,
    /// In seconds since 1970; `None` if unknown.
    pub expires_at: Option<u64>,
    pub refresh_token: Option<Zeroizing<String>>,
    pub id_token: Option<Zeroizing<String>>,
    pub granted_scopes: ScopeSet,
}

/// Why a stored text cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum RecordError {
    /// A newer version of the library wrote it: it must not be replaced.
    OtherVersion,
    Invalid(String),
}

impl ClientOrigin {
    const ALL: [ClientOrigin; 3] = [ClientOrigin::Configured, ClientOrigin::MetadataDocument, ClientOrigin::Registered];

    pub fn name(self) -> &'static str {
        match self {
            ClientOrigin::Configured => "configured",
            ClientOrigin::MetadataDocument => "metadata_document",
            ClientOrigin::Registered => "registered",
        }
    }
}

impl RecordError {
    /// Whether the stored text must not be replaced.
    pub fn must_be_kept(&self) -> bool {
        matches!(self, RecordError::OtherVersion)
    }

    pub fn message(&self) -> String {
        match self {
            RecordError::OtherVersion => {
                "the stored authorization was written by another version of libmcp: use that version, or delete it"
                    .into()
            }
            RecordError::Invalid(why) => format!("the stored authorization cannot be used: {why}"),
        }
    }
}

impl OAuthRecord {
    /// Reads a stored text. Unknown members are ignored.
    pub fn parse(text: &str) -> Result<OAuthRecord, RecordError> {
        let record = JsonObject::parse(text).map_err(RecordError::Invalid)?;
        match record.value("v").map(|version| version.uint64()) {
            Some(Some(VERSION)) => {}
            Some(_) => return Err(RecordError::OtherVersion),
            None => return Err(missing("v")),
        }
        let tokens = record.object("tokens").map(|tokens| read_tokens(&tokens)).transpose()?;
        Ok(OAuthRecord {
            resource: record.text("resource"),
            issuer: required(&record, "issuer")?,
            endpoints: read_endpoints(&required_object(&record, "endpoints")?)?,
            client: read_client(&required_object(&record, "client")?)?,
            redirect_uri: record.text("redirectUri"),
            requested_scopes: record.scopes("requestedScopes").unwrap_or_default(),
            tokens,
        })
    }

    /// The text to store.
    pub fn to_json(&self) -> Zeroizing<String> {
        let mut writer = ObjectWriter::new();
        writer.number("v", VERSION);
        writer.optional_text("resource", self.resource.as_deref());
        writer.text("issuer", &self.issuer);
        writer.object("endpoints", self.endpoints.to_object());
        writer.object("client", self.client.to_object());
        writer.optional_text("redirectUri", self.redirect_uri.as_deref());
        writer.texts("requestedScopes", self.requested_scopes.iter());
        if let Some(tokens) = &self.tokens {
            writer.object("tokens", tokens.to_object());
        }
        writer.finish()
    }
}

impl RecordedEndpoints {
    fn to_object(&self) -> ObjectWriter {
        let mut writer = ObjectWriter::new();
        writer.text("token", &self.token);
        writer.optional_text("authorization", self.authorization.as_deref());
        writer.optional_text("registration", self.registration.as_deref());
        writer.optional_text("revocation", self.revocation.as_deref());
        writer
    }
}

impl RecordedClient {
    fn to_object(&self) -> ObjectWriter {
        let mut writer = ObjectWriter::new();
        writer.text("id", &self.id);
        writer.text("origin", self.origin.name());
        writer.optional_text("secret", self.secret.as_deref().map(String::as_str));
        writer.optional_number("secretExpiresAt", self.secret_expires_at);
        writer.text("authMethod", &self.auth_method);
        if let Some(scope) = &self.scope {
            writer.texts("scope", scope.iter());
        }
        writer
    }
}

impl RecordedTokens {
    fn to_object(&self) -> ObjectWriter {
        let mut writer = ObjectWriter::new();
        writer.text("accessToken", &self.access_token);
        writer.optional_number("issuedAt", self.issued_at);
        writer.optional_number("expiresAt", self.expires_at);
        writer.optional_text("refreshToken", self.refresh_token.as_deref().map(String::as_str));
        writer.optional_text("idToken", self.id_token.as_deref().map(String::as_str));
        writer.texts("grantedScopes", self.granted_scopes.iter());
        writer
    }
}

fn read_endpoints(object: &JsonObject) -> Result<RecordedEndpoints, RecordError> {
    let endpoint = |name: &'static str| match object.text(name) {
        Some(url) if HttpUrl::parse(&url).is_err() => {
            Err(RecordError::Invalid(format!("its {name} endpoint is not a valid URL")))
        }
        url => Ok(url),
    };
    Ok(RecordedEndpoints {
        token: endpoint("token")?.ok_or_else(|| missing("token endpoint"))?,
        authorization: endpoint("authorization")?,
        registration: endpoint("registration")?,
        revocation: endpoint("revocation")?,
    })
}

fn read_client(object: &JsonObject) -> Result<RecordedClient, RecordError> {
    let origin = required(object, "origin")?;
    let origin = ClientOrigin::ALL.into_iter().find(|known| known.name() == origin);
    Ok(RecordedClient {
        id: required(object, "id")?,
        origin: origin.ok_or_else(|| RecordError::Invalid("the origin of its client is unknown".into()))?,
        secret: object.text("secret").map(Zeroizing::new),
        secret_expires_at: object.seconds("secretExpiresAt"),
        auth_method: required(object, "authMethod")?,
        scope: object.scopes("scope"),
    })
}

fn read_tokens(object: &JsonObject) -> Result<RecordedTokens, RecordError> {
    let access_token = Zeroizing::new(required(object, "accessToken")?);
    if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(RecordError::Invalid("its access token cannot be sent in a header".into()));
    }
    Ok(RecordedTokens {
        access_token,
        issued_at: object.seconds("issuedAt"),
        expires_at: object.seconds("expiresAt"),
        refresh_token: object.text("refreshToken").map(Zeroizing::new),
        id_token: object.text("idToken").map(Zeroizing::new),
        granted_scopes: object.scopes("grantedScopes").unwrap_or_default(),
    })
}

fn required(object: &JsonObject, name: &str) -> Result<String, RecordError> {
    object.text(name).ok_or_else(|| missing(name))
}

fn required_object<'a>(object: &JsonObject<'a>, name: &str) -> Result<JsonObject<'a>, RecordError> {
    object.object(name).ok_or_else(|| missing(name))
}

fn missing(what: &str) -> RecordError {
    RecordError::Invalid(format!("it has no {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> OAuthRecord {
        OAuthRecord {
            resource: Some("https://h/mcp".into()),
            issuer: "https://as.example/".into(),
            endpoints: RecordedEndpoints {
                token: "https://as.example/token".into(),
                authorization: Some("https://as.example/authorize?x=1".into()),
                registration: None,
                revocation: Some("https://as.example/revoke".into()),
            },
            client: RecordedClient {
                id: "client \"1\"".into(),
                origin: ClientOrigin::Registered,
                secret: Some("s\\ecret".to_owned().into()),
                secret_expires_at: Some(1_900_000_000),
                auth_method: "client_secret_basic".into(),
                scope: Some(ScopeSet::parse("read write")),
            },
            redirect_uri: Some("http://127.0.0.1:8123/callback".into()),
            requested_scopes: ScopeSet::parse("read write"),
            tokens: Some(RecordedTokens {
                access_token: "access".to_owned().into(),
                issued_at: Some(1_799_996_400),
                expires_at: Some(1_800_000_000),
                refresh_token: Some("refresh".to_owned().into()),
                id_token: Some("a.b.c".to_owned().into()),
                granted_scopes: ScopeSet::parse("read"),
            }),
        }
    }

    fn error(text: &str) -> String {
        OAuthRecord::parse(text).err().unwrap_or_else(|| panic!("{text}")).message()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let full = record();
        let bare = OAuthRecord {
            resource: None,
            redirect_uri: None,
            requested_scopes: ScopeSet::default(),
            tokens: None,
            client: RecordedClient { secret: None, secret_expires_at: None, scope: None, ..full.client.clone() },
            ..full.clone()
        };
        for written in [full, bare] {
            let text = written.to_json();
            assert!(OAuthRecord::parse(&text).is_ok_and(|read| read == written), "{}", *text);
        }
    }

    #[test]
    fn unknown_members_are_ignored() {
        let text = record().to_json().replacen('{', r#"{"new":{"a":[1]},"#, 1);
        assert!(OAuthRecord::parse(&text).is_ok_and(|read| read == record()));
    }

    #[test]
    fn other_versions_are_refused() {
        let text = record().to_json();
        for version in ["2", "0", "\"1\"", "1.5"] {
            let other = text.replacen("\"v\":1", &format!("\"v\":{version}"), 1);
            assert_eq!(OAuthRecord::parse(&other).err(), Some(RecordError::OtherVersion), "{version}");
        }
        assert_eq!(error("{}"), "the stored authorization cannot be used: it has no v");
    }

    #[test]
    fn invalid_records_are_refused_without_quoting_them() {
        let text = record().to_json();
        for (part, replacement) in [
            ("\"issuer\":", "\"x\":"),
            ("\"token\":\"https://as.example/token\"", "\"token\":\"zqxw\""),
            ("\"token\":\"https://as.example/token\"", "\"token\":null"),
            ("\"origin\":\"registered\"", "\"origin\":\"zqxw\""),
            ("\"accessToken\":\"access\"", "\"accessToken\":\"zqxw zqxw\""),
            ("\"accessToken\":\"access\"", "\"accessToken\":\"\""),
            ("\"client\":{", "\"client\":[],\"zqxw\":{"),
            ("{", "zqxw"),
        ] {
            assert!(text.contains(part), "{part}");
            let message = error(&text.replacen(part, replacement, 1));
            assert!(!message.contains("zqxw") && !message.contains("access\""), "{message}");
        }
    }

    #[test]
    fn keys_contain_resource_and_client() {
        assert_eq!(
            record_key("https://h/mcp", "https://app.example/c.json"),
            "https://h/mcp\nhttps://app.example/c.json"
        );
        assert_eq!(record_key("https://h/mcp", ""), "https://h/mcp\n");
    }
}
