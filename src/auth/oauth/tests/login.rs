//! The authorization request, its response, and the request for a token.

use std::sync::Arc;

use super::fixture::*;
use crate::auth::oauth::callbacks::LoginRequest;
use crate::auth::oauth::keys::sha256;
use crate::protocol::oauth::pkce::code_challenge;
use crate::status::*;

const SENDS_ISSUER: &str = r#""authorization_response_iss_parameter_supported":true"#;

#[test]
fn a_login_sends_the_parameters_of_oauth_2_1() {
    let fixture = Fixture::new(|settings| {
        settings.set_parameter("login_hint", Some("a@example.com"))?;
        settings.set_parameter("audience", Some("x&y"))
    });
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read write""#)).is_some());
    let url = fixture.user.last_url();
    let expected = [
        ("response_type", "code"),
        ("client_id", "registered-1"),
        ("redirect_uri", REDIRECT),
        ("code_challenge_method", "S256"),
        ("resource", SERVER),
        ("scope", "read write"),
        ("login_hint", "a@example.com"),
        ("audience", "x&y"),
    ];
    for (name, value) in expected {
        assert_eq!(url_parameter(&url, name).as_deref(), Some(value), "{url}");
    }
    assert_eq!(url_parameter(&url, "prompt"), None);
    let request = fixture.network.last_to(TOKEN);
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("redirect_uri", REDIRECT),
        ("resource", SERVER),
        ("client_id", "registered-1"),
    ];
    for (name, value) in expected {
        assert_eq!(request.parameter(name).as_deref(), Some(value), "{name}");
    }
    let verifier = request.parameter("code_verifier").expect("a verifier");
    assert!((43..=128).contains(&verifier.len()));
    let challenge = code_challenge(&sha256(verifier.as_bytes())).to_string();
    assert_eq!(url_parameter(&url, "code_challenge"), Some(challenge));
    assert!(!url.contains(&verifier));
    assert!(url_parameter(&url, "state").expect("a state").len() >= 43);
}

#[test]
fn each_login_has_a_new_state_and_verifier() {
    let fixture = Fixture::usual();
    fixture.log_in();
    let first = fixture.user.last_url();
    fixture.run(&call(), |renewal| renewal.log_out()).unwrap();
    assert!(token_of(fixture.unauthorized()).is_some());
    let second = fixture.user.last_url();
    for name in ["state", "code_challenge"] {
        assert_ne!(url_parameter(&first, name), url_parameter(&second, name));
    }
}

#[test]
fn the_resource_can_be_set_or_left_out() {
    for (set, expected) in [("https://graph.example/v1", Some("https://graph.example/v1")), ("", None)] {
        let fixture = Fixture::new(|settings| settings.set_resource(Some(set)));
        fixture.log_in();
        assert_eq!(url_parameter(&fixture.user.last_url(), "resource").as_deref(), expected);
        assert!(token_of(fixture.unauthorized()).is_some());
        let request = fixture.network.last_to(TOKEN);
        assert_eq!(request.parameter("grant_type").as_deref(), Some("refresh_token"));
        assert_eq!(request.parameter("resource").as_deref(), expected);
    }
}

#[test]
fn scopes_come_from_the_challenge_else_from_the_application_else_from_the_server() {
    let published = r#""authorization_servers":["https://auth.example"],"scopes_supported":["read","write"]"#;
    let unpublished = r#""authorization_servers":["https://auth.example"]"#;
    let cases = [
        (Some("set"), r#"Bearer scope="asked""#, published, Some("set asked")),
        (None, r#"Bearer scope="asked""#, published, Some("asked")),
        (Some("set"), "Bearer", published, Some("set")),
        (None, "Bearer", published, Some("read write")),
        (None, "Bearer", unpublished, None),
    ];
    for (set, challenge, members, expected) in cases {
        let fixture = Fixture::new(|settings| settings.set_scopes(set));
        fixture.network.set(RESOURCE_METADATA, resource_metadata(members));
        assert!(token_of(fixture.refused_in(&call(), 401, challenge)).is_some());
        assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), expected);
        // No scope at all is not an empty parameter.
        assert_eq!(fixture.user.last_url().contains("scope="), expected.is_some());
    }
}

#[test]
fn offline_access_is_requested_where_the_authorization_server_lists_it() {
    let fixture = Fixture::usual();
    let listed = r#""scopes_supported":["openid","offline_access"]"#;
    fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, listed));
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read""#)).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read offline_access"));
    assert_eq!(url_parameter(&fixture.user.last_url(), "prompt").as_deref(), Some("consent"));

    let fixture = Fixture::usual();
    fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, r#""scopes_supported":["read"]"#));
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read""#)).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read"));

    // The application's prompt is not replaced.
    let fixture = Fixture::new(|settings| settings.set_parameter("prompt", Some("login consent")));
    fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, listed));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "prompt").as_deref(), Some("login consent"));
}

#[test]
fn the_issuer_of_the_response_must_be_the_expected_one() {
    let cases = [
        (SENDS_ISSUER, "&iss=https%3A%2F%2Fauth.example", true),
        (SENDS_ISSUER, "", false),
        (SENDS_ISSUER, "&iss=https%3A%2F%2Fevil.example", false),
        // No normalization.
        (SENDS_ISSUER, "&iss=https%3A%2F%2Fauth.example%2F", false),
        (SENDS_ISSUER, "&iss=https%3A%2F%2FAUTH.example", false),
        // Not advertised.
        ("", "", true),
        ("", "&iss=https%3A%2F%2Fauth.example", true),
        ("", "&iss=https%3A%2F%2Fevil.example", false),
    ];
    for (members, issuer, is_accepted) in cases {
        let fixture = Fixture::usual();
        fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, members));
        fixture.user.set(UserAction::LogIn(issuer.into()));
        let outcome = fixture.unauthorized();
        assert_eq!(fixture.user.logins(), 1);
        if is_accepted {
            assert_eq!(token_of(outcome).as_deref(), Some("access-1"));
        } else {
            assert_eq!(failure(outcome).0, MCP_OAUTH_FAILED, "{members} {issuer}");
            assert!(fixture.network.to(TOKEN).is_empty());
        }
    }
}

#[test]
fn the_error_of_another_issuer_is_not_shown() {
    let fixture = Fixture::usual();
    let query = "error=access_denied&error_description=call+0900-EVIL&iss=https%3A%2F%2Fevil.example";
    fixture.user.will_return(query);
    let error = fixture.unauthorized().err().expect("an error");
    assert_eq!((error.status(), error.report().oauth_code.as_deref()), (MCP_OAUTH_FAILED, None));
    assert!(!error.report().message.contains("EVIL"), "{error}");
    assert!(!error.report().message.contains("access_denied"), "{error}");
}

#[test]
fn a_refused_login_is_not_repeated_until_the_application_asks() {
    let fixture = Fixture::usual();
    fixture.user.will_return("error=access_denied&error_description=The+user+said+no");
    let error = fixture.unauthorized().err().expect("an error");
    assert_eq!((error.status(), error.report().oauth_code.as_deref()), (MCP_LOGIN_FAILED, Some("access_denied")));
    assert!(error.report().message.contains("The user said no"), "{error}");
    fixture.network.take_urls();

    fixture.user.set(UserAction::LogIn(String::new()));
    let (status, message) = failure(fixture.unauthorized());
    assert_eq!((status, fixture.user.logins()), (MCP_LOGIN_REQUIRED, 1));
    assert!(message.contains("mcp_login") && message.contains("The user said no"), "{message}");
    assert!(fixture.network.take_urls().is_empty());

    assert!(token_of(fixture.refused_in(&call().for_login(), 401, "Bearer")).is_some());
    assert_eq!(fixture.user.logins(), 2);
    // After the login, the old failure is forgotten.
    fixture.run(&call(), |renewal| renewal.log_out()).unwrap();
    assert!(token_of(fixture.unauthorized()).is_some());
}

#[test]
fn any_failure_that_the_user_saw_blocks_the_next_login() {
    let token_fails = |answer: Answer| (UserAction::LogIn(String::new()), answer);
    let usual = json(r#"{"access_token":"a"}"#);
    let cases = [
        (UserAction::Fail, usual.clone()),
        (UserAction::Return("error=server_error".into()), usual),
        token_fails(Answer::Body(400, r#"{"error":"invalid_grant"}"#.into())),
        token_fails(Answer::Body(503, String::new())),
        token_fails(json("<html>")),
        token_fails(json(r#"{"token_type":"Bearer"}"#)),
        token_fails(json(r#"{"access_token":"a","token_type":"mac"}"#)),
        token_fails(json(r#"{"access_token":"two words"}"#)),
    ];
    for (action, answer) in cases {
        let fixture = Fixture::usual();
        fixture.user.set(action);
        fixture.network.set(TOKEN, answer);
        let (status, message) = failure(fixture.unauthorized());
        assert!([MCP_LOGIN_FAILED, MCP_OAUTH_FAILED].contains(&status), "{message}");
        assert!(!message.contains("code-1"), "{message}");
        assert_eq!(failure(fixture.unauthorized()).0, MCP_LOGIN_REQUIRED);
        assert_eq!((fixture.user.logins(), fixture.token()), (1, None));
    }
}

#[test]
fn a_problem_before_the_user_is_asked_does_not_block_the_next_login() {
    for url in [RESOURCE_METADATA, SERVER_METADATA, REGISTER] {
        let fixture = Fixture::usual();
        let usual = match url {
            RESOURCE_METADATA => resource_metadata(r#""authorization_servers":["https://auth.example"]"#),
            SERVER_METADATA => server_metadata(ISSUER, ""),
            _ => json(r#"{"client_id":"c"}"#),
        };
        fixture.network.set_all(url, [Answer::Body(503, String::new()), usual]);
        assert_eq!(failure(fixture.unauthorized()).0, MCP_OAUTH_FAILED);
        assert!(token_of(fixture.unauthorized()).is_some());
    }
}

#[test]
fn a_redirect_with_another_state_is_refused() {
    let fixture = Fixture::new(|settings| {
        settings.login_timeout = Some(std::time::Duration::from_millis(1));
        settings.open = Some(Box::new(|request| {
            let other = "0".repeat(43);
            for query in [format!("state={other}&code=c"), "code=c".into(), "state=&code=c".into()] {
                let error = request.login.finish(&format!("{REDIRECT}?{query}")).expect_err("a foreign redirect");
                assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
            }
        }));
        Ok(())
    });
    assert_eq!(failure(fixture.unauthorized()).0, MCP_LOGIN_FAILED);
    assert!(fixture.network.to(TOKEN).is_empty());
    // Later, the login is gone.
    let error = fixture.client.finish(&format!("{REDIRECT}?state={}&code=c", "0".repeat(43))).expect_err("no login");
    assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
}

#[test]
fn token_responses_are_read_leniently() {
    for (members, expires_in) in [
        (r#""expires_in":"3600""#, Some(3600)),
        (r#""expires_in":3600.5"#, Some(3600)),
        (r#""token_type":"bearer""#, None),
        (r#""scope":["a","b"]"#, None),
    ] {
        let fixture = Fixture::usual();
        fixture.network.set(TOKEN, json(format!(r#"{{"access_token":"a",{members}}}"#)));
        assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("a"));
        let record = fixture.authorization.record().unwrap();
        let tokens = record.tokens.as_ref().unwrap();
        let lifetime = tokens.expires_at.map(|end| end - tokens.issued_at.unwrap());
        assert_eq!(lifetime, expires_in, "{members}");
        if members.contains("scope") {
            assert_eq!(tokens.granted_scopes.to_string(), "a b");
        }
    }
}

#[test]
fn a_token_that_is_bound_to_a_key_is_refused() {
    let fixture = Fixture::usual();
    fixture.network.set(TOKEN, json(r#"{"access_token":"a","token_type":"DPoP"}"#));
    let (status, message) = failure(fixture.unauthorized());
    assert_eq!((status, message.contains("DPoP"), fixture.token()), (MCP_OAUTH_FAILED, true, None));
}

#[test]
fn the_words_of_the_authorization_server_are_redacted() {
    let fixture = Fixture::new(|settings| settings.set_client(Some(ISSUER), "configured", Some("s3cr3t-of-client")));
    let text = r#"{"error":"invalid_request","error_description":"got code-1 and s3cr3t-of-client"}"#;
    fixture.network.set(TOKEN, Answer::Body(400, text.into()));
    let error = fixture.unauthorized().err().expect("an error");
    let message = &error.report().message;
    assert_eq!(error.report().oauth_code.as_deref(), Some("invalid_request"));
    assert!(message.contains("got [redacted] and [redacted]"), "{message}");
}

#[test]
fn a_login_without_a_refusal_uses_the_published_scopes() {
    let fixture = Fixture::usual();
    let members = r#""authorization_servers":["https://auth.example"],"scopes_supported":["read"]"#;
    fixture.network.set(RESOURCE_METADATA, resource_metadata(members));
    assert!(fixture.run(&call().for_login(), |renewal| renewal.log_in_unasked()).unwrap());
    assert_eq!(fixture.token().as_deref(), Some("access-1"));
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read"));
    // A server without metadata needs no login.
    let fixture = Fixture::usual();
    fixture.network.set(RESOURCE_METADATA, Answer::Body(404, String::new()));
    assert!(!fixture.run(&call().for_login(), |renewal| renewal.log_in_unasked()).unwrap());
    assert!(fixture.network.requests().iter().all(|request| !request.is_post));
}

#[test]
fn the_authorization_url_is_not_taken_for_the_redirect() {
    let fixture = Fixture::new(|settings| {
        settings.open = Some(Box::new(|request: &Arc<LoginRequest>| {
            let error = request.login.finish(&request.url).expect_err("it has no code");
            assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
            redirect_with_code(request);
        }));
        Ok(())
    });
    assert!(token_of(fixture.unauthorized()).is_some());
}
