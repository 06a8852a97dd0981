//! Which client the program is at an authorization server.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::fixture::*;
use crate::auth::oauth::settings::LoginPolicy;
use crate::auth::oauth::token_age::unix_time;
use crate::status::*;

const DOCUMENT: &str = "https://app.example/client.json";
const SUPPORTS_DOCUMENTS: &str = r#""client_id_metadata_document_supported":true"#;

/// `user:password` in a header.
fn basic(pair: &str) -> Option<String> {
    Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

#[test]
fn a_client_registers_with_the_scopes_that_it_may_request() {
    let fixture = Fixture::usual();
    let members = r#""authorization_servers":["https://auth.example"],"scopes_supported":["read","write"]"#;
    fixture.network.set(RESOURCE_METADATA, resource_metadata(members));
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="admin""#)).is_some());
    let request = fixture.network.last_to(REGISTER);
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["client_name"], "Example");
    assert_eq!(body["redirect_uris"], serde_json::json!([REDIRECT]));
    assert_eq!(body["grant_types"], serde_json::json!(["authorization_code", "refresh_token"]));
    assert_eq!(body["response_types"], serde_json::json!(["code"]));
    assert_eq!(body["application_type"], "native");
    assert_eq!(body["token_endpoint_auth_method"], "none");
    let mut scopes: Vec<&str> = body["scope"].as_str().unwrap().split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["admin", "read", "write"]);
    assert_eq!(url_parameter(&fixture.user.last_url(), "client_id").as_deref(), Some("registered-1"));
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("admin"));
}

#[test]
fn a_client_with_an_https_redirect_is_a_web_client() {
    let fixture = Fixture::new(|settings| settings.set_redirect("https://app.example/callback"));
    assert!(token_of(fixture.unauthorized()).is_some());
    let body: serde_json::Value = serde_json::from_str(&fixture.network.last_to(REGISTER).body).unwrap();
    assert_eq!(body["application_type"], "web");
}

#[test]
fn a_refused_registration_is_tried_once_more_without_scope() {
    for code in ["invalid_client_metadata", "invalid_scope"] {
        let refusal = Answer::Body(400, format!(r#"{{"error":"{code}","error_description":"no such scope"}}"#));
        let fixture = Fixture::usual();
        fixture.network.set_all(REGISTER, [refusal.clone(), json(r#"{"client_id":"second"}"#)]);
        let challenge = r#"Bearer scope="read""#;
        assert!(token_of(fixture.refused_in(&call(), 401, challenge)).is_some());
        let bodies: Vec<bool> =
            fixture.network.to(REGISTER).iter().map(|request| request.body.contains(r#""scope""#)).collect();
        assert_eq!(bodies, [true, false]);
        // The scopes of the registration are not limited: a step-up uses it again.
        assert!(token_of(fixture.forbidden("write")).is_some());
        assert_eq!(fixture.network.to(REGISTER).len(), 2);

        let fixture = Fixture::usual();
        fixture.network.set(REGISTER, refusal);
        let outcome = fixture.refused_in(&call(), 401, challenge);
        let error = outcome.err().expect("an error");
        assert_eq!((error.status(), error.report().oauth_code.as_deref()), (MCP_OAUTH_FAILED, Some(code)));
        assert!(error.report().message.contains("no such scope"), "{error}");
        assert_eq!((fixture.network.to(REGISTER).len(), fixture.user.logins()), (2, 0));
    }
}

#[test]
fn other_refusals_of_a_registration_are_reported_at_once() {
    let fixture = Fixture::usual();
    fixture.network.set(REGISTER, Answer::Body(400, r#"{"error":"invalid_redirect_uri"}"#.into()));
    let error = fixture.refused_in(&call(), 401, r#"Bearer scope="read""#).err().expect("an error");
    assert_eq!(error.report().oauth_code.as_deref(), Some("invalid_redirect_uri"));
    assert!(error.report().message.contains("mcp_oauth_set_client"), "{error}");
    assert_eq!(fixture.network.to(REGISTER).len(), 1);
}

#[test]
fn a_registration_is_used_again() {
    let fixture = Fixture::usual();
    // The user refuses: the registration is kept.
    fixture.user.will_return("error=access_denied");
    assert_eq!(failure(fixture.unauthorized()).0, MCP_LOGIN_FAILED);
    fixture.user.set(UserAction::LogIn(String::new()));
    fixture.authorization.set_login_failure(None);
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!((fixture.network.to(REGISTER).len(), fixture.user.logins()), (1, 2));
    // After a logout, too.
    fixture.run(&call(), |renewal| renewal.log_out()).unwrap();
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!((fixture.network.to(REGISTER).len(), fixture.user.logins()), (1, 3));
    assert_eq!(fixture.network.last_to(TOKEN).parameter("client_id").as_deref(), Some("registered-1"));
}

#[test]
fn a_client_whose_secret_has_expired_registers_again() {
    let now = unix_time();
    for (expires_at, registrations) in [(now - 1, 2), (now + 3600, 1), (0, 1)] {
        let fixture = Fixture::usual();
        let answer = format!(r#"{{"client_id":"c","client_secret":"s3cr3t","client_secret_expires_at":{expires_at}}}"#);
        fixture.network.set(REGISTER, json(answer));
        fixture.log_in();
        fixture.run(&call(), |renewal| renewal.log_out()).unwrap();
        fixture.network.take_urls();
        assert!(token_of(fixture.unauthorized()).is_some());
        assert_eq!(fixture.network.to(REGISTER).len() + 1, registrations, "{expires_at}");
    }
}

#[test]
fn a_login_that_is_never_redirected_drops_the_registration() {
    let fixture = Fixture::new(|settings| {
        // Long enough for the second login on a busy machine.
        settings.login_timeout = Some(std::time::Duration::from_secs(1));
        Ok(())
    });
    fixture.user.set(UserAction::Ignore);
    assert_eq!(failure(fixture.unauthorized()).0, MCP_LOGIN_FAILED);
    fixture.user.set(UserAction::LogIn(String::new()));
    fixture.authorization.set_login_failure(None);
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "client_id").as_deref(), Some("registered-2"));
}

#[test]
fn a_registration_that_the_token_endpoint_does_not_know_is_not_used_again() {
    let fixture = Fixture::usual();
    fixture.network.set(TOKEN, Answer::Body(401, r#"{"error":"invalid_client"}"#.into()));
    assert_eq!(failure(fixture.unauthorized()).0, MCP_OAUTH_FAILED);
    fixture.network.unset(TOKEN);
    fixture.authorization.set_login_failure(None);
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "client_id").as_deref(), Some("registered-2"));
}

#[test]
fn the_registration_decides_how_the_client_authenticates() {
    let post = r#""token_endpoint_auth_methods_supported":["client_secret_post"]"#;
    let none = r#""token_endpoint_auth_methods_supported":["none"]"#;
    let cases = [
        // What the registration returns counts more than the list.
        (post, r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_basic"}"#, "basic"),
        ("", r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"}"#, "none"),
        ("", r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_post"}"#, "post"),
        (post, r#"{"client_id":"c","client_secret":"s"}"#, "post"),
        ("", r#"{"client_id":"c","client_secret":"s"}"#, "basic"),
        (none, r#"{"client_id":"c","client_secret":"s"}"#, "none"),
        (post, r#"{"client_id":"c"}"#, "none"),
    ];
    for (listed, registration, expected) in cases {
        let fixture = Fixture::usual();
        fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, listed));
        fixture.network.set(REGISTER, json(registration));
        assert!(token_of(fixture.unauthorized()).is_some());
        let request = fixture.network.last_to(TOKEN);
        let found = (request.authorization.clone(), request.parameter("client_id"), request.parameter("client_secret"));
        let wanted = match expected {
            "basic" => (basic("c:s"), Some("c".into()), None),
            "post" => (None, Some("c".into()), Some("s".into())),
            _ => (None, Some("c".into()), None),
        };
        assert_eq!(found, wanted, "{listed} {registration}");
    }
}

#[test]
fn a_client_metadata_document_is_used_where_it_is_supported() {
    let fixture = Fixture::new(|settings| settings.set_client_url(Some(DOCUMENT)));
    fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, SUPPORTS_DOCUMENTS));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert!(fixture.network.to(REGISTER).is_empty());
    assert_eq!(url_parameter(&fixture.user.last_url(), "client_id").as_deref(), Some(DOCUMENT));
    assert_eq!(fixture.network.last_to(TOKEN).parameter("client_id").as_deref(), Some(DOCUMENT));

    let fixture = Fixture::new(|settings| settings.set_client_url(Some(DOCUMENT)));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "client_id").as_deref(), Some("registered-1"));
}

#[test]
fn a_configured_client_is_preferred_and_never_registers() {
    let fixture = Fixture::new(|settings| {
        settings.set_client_url(Some(DOCUMENT))?;
        settings.set_client(Some(ISSUER), "configured", Some("s3cr3t:/"))
    });
    fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, SUPPORTS_DOCUMENTS));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert!(fixture.network.to(REGISTER).is_empty());
    let request = fixture.network.last_to(TOKEN);
    // Both parts are encoded before they are joined (RFC 6749, section 2.3.1).
    assert_eq!(request.authorization, basic("configured:s3cr3t%3A%2F"));
    assert_eq!(request.parameter("client_secret"), None);
    assert!(!fixture.user.last_url().contains("s3cr3t"));
}

#[test]
fn the_client_of_another_issuer_is_not_used() {
    let fixture = Fixture::new(|settings| settings.set_client(Some(OTHER_ISSUER), "configured", Some("s3cr3t")));
    let (status, message) = failure(fixture.unauthorized());
    assert_eq!((status, fixture.user.logins()), (MCP_OAUTH_FAILED, 0));
    assert!(message.contains(ISSUER) && message.contains(OTHER_ISSUER), "{message}");
    assert!(!message.contains("s3cr3t"), "{message}");
    assert!(fixture.network.requests().iter().all(|request| !request.is_post));
}

#[test]
fn a_secret_without_issuer_is_not_sent_to_a_foreign_server() {
    let fixture = Fixture::new(|settings| settings.set_client(None, "configured", Some("s3cr3t")));
    let (status, message) = failure(fixture.unauthorized());
    assert_eq!((status, fixture.user.logins()), (MCP_OAUTH_FAILED, 0));
    assert!(message.contains("mcp_oauth_set_client") && !message.contains("s3cr3t"), "{message}");
    assert!(fixture.network.requests().iter().all(|request| !request.is_post));

    // On the MCP server's own origin, and on this machine.
    for issuer in ["https://mcp.example", "http://127.0.0.1:9000", "http://localhost:9000"] {
        let fixture = Fixture::new(|settings| settings.set_client(None, "configured", Some("s3cr3t")));
        let network = &fixture.network;
        network.set(RESOURCE_METADATA, resource_metadata(&format!(r#""authorization_servers":["{issuer}"]"#)));
        let url = format!("{issuer}/.well-known/oauth-authorization-server");
        network.set(&url, server_metadata(issuer, ""));
        assert!(token_of(fixture.unauthorized()).is_some());
        assert_eq!(network.last_to(&format!("{issuer}/token")).authorization, basic("configured:s3cr3t"));
    }
}

#[test]
fn a_client_without_issuer_and_secret_belongs_to_the_first_server() {
    let fixture = Fixture::new(|settings| settings.set_client(None, "configured", None));
    fixture.log_in();
    let other = resource_metadata(&format!(r#""authorization_servers":["{OTHER_ISSUER}"]"#));
    fixture.network.set(RESOURCE_METADATA, other);
    let (status, message) = failure(fixture.unauthorized());
    assert_eq!((status, fixture.user.logins()), (MCP_OAUTH_FAILED, 1));
    assert!(message.contains(ISSUER) && message.contains(OTHER_ISSUER), "{message}");
}

#[test]
fn registration_can_be_forbidden() {
    let fixture = Fixture::new(|settings| settings.set_registration(false, None));
    let (status, message) = failure(fixture.unauthorized());
    assert_eq!((status, fixture.user.logins()), (MCP_OAUTH_FAILED, 0));
    assert!(message.contains("registration is not allowed"), "{message}");
    assert!(fixture.network.to(REGISTER).is_empty());
}

#[test]
fn without_a_user_nothing_is_requested() {
    let without_open = Fixture::new(|settings| {
        settings.open = None;
        Ok(())
    });
    let when_asked = Fixture::new(|settings| {
        settings.login_policy = LoginPolicy::WhenAsked;
        Ok(())
    });
    for (fixture, advice) in [(&without_open, "mcp_oauth_set_open"), (&when_asked, "mcp_login")] {
        let error = fixture.unauthorized().err().expect("an error");
        assert_eq!((error.status(), error.report().http_status), (MCP_LOGIN_REQUIRED, 401));
        assert_eq!(error.report().www_authenticate.as_deref(), Some("Bearer"));
        assert!(error.report().message.contains(advice), "{error}");
        assert!(fixture.network.take_urls().is_empty());
    }
    assert!(token_of(when_asked.refused_in(&call().for_login(), 401, "Bearer")).is_some());
    assert_eq!(failure(without_open.refused_in(&call().for_login(), 401, "Bearer")).0, MCP_LOGIN_REQUIRED);
}
