//! Tokens without a login: client credentials, assertions, and the exchange at an identity provider.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use super::fixture::*;
use crate::auth::oauth::callbacks::AssertionRequest;
use crate::auth::oauth::settings::{Grant, OAuthSettings};
use crate::auth::oauth::token_age::unix_time;
use crate::error::Result;
use crate::status::*;

const IDP_TOKEN: &str = "https://idp.example/exchange";
const ID_JAG_ANSWER: &str = r#"{"access_token":"id-jag-1","token_type":"N_A",
    "issued_token_type":"urn:ietf:params:oauth:token-type:id-jag"}"#;

fn credentials(edit: impl FnOnce(&mut OAuthSettings) -> Result<()>) -> Fixture {
    Fixture::new(|settings| {
        settings.grant = Grant::ClientCredentials;
        settings.open = None;
        edit(settings)
    })
}

/// Assertions name their audience.
fn assertions(edit: impl FnOnce(&mut OAuthSettings) -> Result<()>) -> Fixture {
    Fixture::new(|settings| {
        settings.grant = Grant::Assertion;
        settings.open = None;
        settings.assertion = Some(Box::new(|request: &mut AssertionRequest| {
            let text = format!("jwt-for:{}:{}", request.audience, request.resource.as_deref().unwrap_or("none"));
            request.set(&text).unwrap();
        }));
        edit(settings)
    })
}

/// A part of a JWT.
fn decoded(jwt: &str, part: usize) -> serde_json::Value {
    let text = jwt.split('.').nth(part).expect("a part");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn client_credentials_are_sent_with_scope_resource_and_secret() {
    let fixture = credentials(|settings| {
        settings.set_parameter("audience", Some("stock"))?;
        settings.set_client(Some(ISSUER), "inventory", Some("s3cr3t"))
    });
    assert_eq!(token_of(fixture.before_request()), None);
    assert_eq!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="stock:read""#)).as_deref(), Some("access-1"));
    let request = fixture.network.last_to(TOKEN);
    let expected =
        [("grant_type", "client_credentials"), ("scope", "stock:read"), ("resource", SERVER), ("audience", "stock")];
    for (name, value) in expected {
        assert_eq!(request.parameter(name).as_deref(), Some(value), "{name}");
    }
    let basic = BASE64_STANDARD.encode("inventory:s3cr3t");
    assert_eq!(request.authorization, Some(format!("Basic {basic}")));
    assert_eq!(request.parameter("client_id").as_deref(), Some("inventory"));
    assert_eq!(request.parameter("client_secret"), None);
    assert!(fixture.network.to(REGISTER).is_empty());
}

#[test]
fn a_private_key_signs_an_assertion_for_the_issuer() {
    let fixture = credentials(|settings| settings.set_client_key(Some(ISSUER), "inventory", EC_KEY, Some("2026-11")));
    let mut ids = Vec::new();
    for _ in 0..2 {
        assert!(token_of(fixture.unauthorized()).is_some());
        fixture.accept();
        let request = fixture.network.last_to(TOKEN);
        assert_eq!((request.authorization.clone(), request.parameter("client_secret")), (None, None));
        // The assertion names the client (SEP-1046).
        assert_eq!(request.parameter("client_id"), None);
        let kind = request.parameter("client_assertion_type");
        assert_eq!(kind.as_deref(), Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        let jwt = request.parameter("client_assertion").expect("an assertion");
        let (header, claims) = (decoded(&jwt, 0), decoded(&jwt, 1));
        assert_eq!((&header["alg"], &header["kid"]), (&"ES256".into(), &"2026-11".into()));
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["aud"]),
            (&"inventory".into(), &"inventory".into(), &ISSUER.into())
        );
        let end = claims["exp"].as_u64().unwrap();
        assert!(end > unix_time() && end <= unix_time() + 300);
        ids.push(claims["jti"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn client_credentials_need_a_client_of_the_issuer() {
    for set_client in [None, Some(OTHER_ISSUER)] {
        let fixture = credentials(|settings| match set_client {
            Some(issuer) => settings.set_client(Some(issuer), "inventory", Some("s3cr3t")),
            None => Ok(()),
        });
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!(status, MCP_OAUTH_FAILED);
        assert!(message.contains("mcp_oauth_set_client"), "{message}");
        assert!(fixture.network.requests().iter().all(|request| !request.is_post));
    }
    // A secret without an issuer is not sent to a foreign server.
    let fixture = credentials(|settings| settings.set_client(None, "inventory", Some("s3cr3t")));
    assert_eq!(failure(fixture.unauthorized()).0, MCP_OAUTH_FAILED);
    assert!(fixture.network.requests().iter().all(|request| !request.is_post));
}

#[test]
fn a_grant_is_repeated_when_its_token_ends() {
    let fixture = credentials(|settings| settings.set_client(Some(ISSUER), "inventory", Some("s3cr3t")));
    // A refresh token is not used.
    fixture.log_in();
    fixture.age_tokens(3600, 30);
    assert_eq!(token_of(fixture.before_request()).as_deref(), Some("access-2"));
    let requests = fixture.network.requests();
    let grants: Vec<_> = requests.iter().map(|request| request.parameter("grant_type")).collect();
    assert_eq!(grants, [Some("client_credentials".to_owned())]);
    assert_eq!(requests[0].parameter("resource").as_deref(), Some(SERVER));
}

#[test]
fn a_granted_token_that_is_refused_at_once_is_not_requested_again() {
    let fixture = credentials(|settings| settings.set_client(Some(ISSUER), "inventory", Some("s3cr3t")));
    assert!(token_of(fixture.unauthorized()).is_some());
    for _ in 0..3 {
        assert!(useless(fixture.unauthorized()).is_some());
    }
    assert_eq!(fixture.network.to(TOKEN).len(), 1);
    // One that was accepted is.
    fixture.accept();
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-2"));
}

#[test]
fn a_grant_steps_up_without_a_user() {
    let fixture = credentials(|settings| settings.set_client(Some(ISSUER), "inventory", Some("s3cr3t")));
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read""#)).is_some());
    assert_eq!(token_of(fixture.forbidden("write")).as_deref(), Some("access-2"));
    assert_eq!(fixture.network.last_to(TOKEN).parameter("scope").as_deref(), Some("read write"));
    useless(fixture.forbidden("write"));
}

#[test]
fn an_assertion_is_sent_for_the_issuer_of_the_configured_client() {
    let fixture = assertions(|settings| settings.set_client(Some(ISSUER), "ci", None));
    assert_eq!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="deploy""#)).as_deref(), Some("access-1"));
    let request = fixture.network.last_to(TOKEN);
    let assertion = format!("jwt-for:{ISSUER}:{SERVER}");
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion.as_str()),
        ("scope", "deploy"),
        ("resource", SERVER),
        ("client_id", "ci"),
    ];
    for (name, value) in expected {
        assert_eq!(request.parameter(name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn an_assertion_is_not_sent_to_an_issuer_that_was_not_set() {
    let without_client = assertions(|_| Ok(()));
    let with_other = assertions(|settings| settings.set_client(Some(OTHER_ISSUER), "ci", None));
    let without_issuer = assertions(|settings| settings.set_client(None, "ci", None));
    for fixture in [without_client, with_other, without_issuer] {
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!(status, MCP_OAUTH_FAILED);
        assert!(message.contains("mcp_oauth_set_client"), "{message}");
        assert!(fixture.network.requests().iter().all(|request| !request.is_post));
    }
}

#[test]
fn an_assertion_without_a_client_names_none() {
    let issuer = "https://mcp.example";
    let fixture = assertions(|_| Ok(()));
    fixture.network.set(RESOURCE_METADATA, resource_metadata(&format!(r#""authorization_servers":["{issuer}"]"#)));
    let metadata = "https://mcp.example/.well-known/oauth-authorization-server";
    fixture.network.set(metadata, server_metadata(issuer, ""));
    fixture.log_in();
    assert!(token_of(fixture.unauthorized()).is_some());
    let request = fixture.network.last_to("https://mcp.example/token");
    assert_eq!((request.parameter("client_id"), request.authorization), (None, None));
}

#[test]
fn a_refused_assertion_is_final() {
    let fixture = assertions(|settings| settings.set_client(Some(ISSUER), "ci", None));
    fixture.network.set(TOKEN, Answer::Body(400, r#"{"error":"invalid_grant"}"#.into()));
    let error = fixture.unauthorized().err().expect("an error");
    assert_eq!((error.status(), error.report().oauth_code.as_deref()), (MCP_OAUTH_FAILED, Some("invalid_grant")));
    assert!(!error.report().message.contains("jwt-for"), "{error}");
    assert_eq!(fixture.network.to(TOKEN).len(), 1);
}

#[test]
fn a_callback_that_sets_no_assertion_fails_the_call() {
    for fails in [false, true] {
        let fixture = assertions(|settings| {
            settings.assertion = Some(Box::new(move |request: &mut AssertionRequest| {
                if fails {
                    request.fail("the runner gives no token");
                } else {
                    request.set("not a\njwt").expect_err("an invalid header value");
                }
            }));
            settings.set_client(Some(ISSUER), "ci", None)
        });
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!((status, message.contains("the runner gives no token")), (MCP_OAUTH_FAILED, fails));
        assert!(fixture.network.to(TOKEN).is_empty());
    }
}

#[test]
fn an_id_token_is_exchanged_at_the_identity_provider() {
    let fixture = assertions(|settings| {
        settings.set_identity(IDP_TOKEN, "idp-client", Some("idp-s3cr3t"))?;
        settings.set_client(Some(ISSUER), "app", Some("s3cr3t"))
    });
    fixture.network.set(IDP_TOKEN, json(ID_JAG_ANSWER));
    assert_eq!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read""#)).as_deref(), Some("access-1"));
    let exchange = fixture.network.last_to(IDP_TOKEN);
    let id_token = format!("jwt-for:idp-client:{SERVER}");
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:id-jag"),
        ("audience", ISSUER),
        ("resource", SERVER),
        ("scope", "read"),
        ("subject_token", id_token.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ("client_id", "idp-client"),
        ("client_secret", "idp-s3cr3t"),
    ];
    for (name, value) in expected {
        assert_eq!(exchange.parameter(name).as_deref(), Some(value), "{name}");
    }
    assert!(!exchange.body.contains("&client_secret=s3cr3t") && exchange.authorization.is_none());
    let request = fixture.network.last_to(TOKEN);
    assert_eq!(request.parameter("assertion").as_deref(), Some("id-jag-1"));
    assert_eq!(request.parameter("grant_type").as_deref(), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    assert!(request.authorization.is_some());
    assert!(!request.body.contains("idp-s3cr3t") && !request.body.contains("jwt-for"));
}

#[test]
fn a_refused_exchange_sends_nothing_to_the_authorization_server() {
    let answers = [
        Answer::Body(400, r#"{"error":"invalid_grant","error_description":"idp-s3cr3t jwt-for"}"#.into()),
        json(r#"{"access_token":"x","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}"#),
        Answer::Body(503, String::new()),
    ];
    for answer in answers {
        let fixture = assertions(|settings| {
            settings.set_identity(IDP_TOKEN, "idp-client", Some("idp-s3cr3t"))?;
            settings.set_client(Some(ISSUER), "app", Some("s3cr3t"))
        });
        fixture.network.set(IDP_TOKEN, answer);
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!(status, MCP_OAUTH_FAILED);
        assert!(message.contains("identity provider") && !message.contains("idp-s3cr3t"), "{message}");
        assert!(fixture.network.to(TOKEN).is_empty());
    }
}
