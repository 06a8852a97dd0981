//! Logging out, and what the application can read about an authorization.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::fixture::*;
use crate::auth::oauth::report::describe;
use crate::auth::oauth::settings::Grant;
use crate::status::*;

fn log_out(fixture: &Fixture) -> crate::error::Result<()> {
    fixture.run(&call(), |renewal| renewal.log_out())
}

fn description(fixture: &Fixture) -> serde_json::Value {
    serde_json::from_str(&describe(fixture.authorization.record().as_deref())).unwrap()
}

/// The members of a JSON object.
fn names(object: &serde_json::Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_logout_revokes_both_tokens_and_keeps_the_registration() {
    let store = SharedStore::default();
    let copy = store.clone();
    let fixture = Fixture::new(|settings| {
        settings.set_store(Some(Box::new(copy)));
        Ok(())
    });
    fixture.log_in();
    let before = fixture.authorization.subject();
    log_out(&fixture).unwrap();
    let sent: Vec<_> = fixture
        .network
        .requests()
        .iter()
        .map(|request| (request.url.clone(), request.parameter("token"), request.parameter("token_type_hint")))
        .collect();
    let expected = [("refresh-1", "refresh_token"), ("access-1", "access_token")]
        .map(|(token, hint)| (REVOKE.to_owned(), Some(token.to_owned()), Some(hint.to_owned())));
    assert_eq!(sent, expected);
    assert_eq!(fixture.network.last_to(REVOKE).parameter("client_id").as_deref(), Some("registered-1"));
    assert_eq!(fixture.token(), None);
    assert!(store.record().tokens.is_none());
    assert_eq!(store.record().client.id, "registered-1");
    // Private results of the old user are not returned any more.
    assert!(fixture.authorization.subject() != before);
    assert_eq!(token_of(fixture.before_request()), None);
}

#[test]
fn a_logout_authenticates_the_client() {
    let fixture = Fixture::new(|settings| settings.set_client(Some(ISSUER), "configured", Some("s3cr3t")));
    fixture.log_in();
    log_out(&fixture).unwrap();
    assert!(fixture.network.to(REVOKE).iter().all(|request| request.authorization.is_some()));
}

#[test]
fn tokens_are_forgotten_even_if_they_cannot_be_revoked() {
    let answers = [
        Answer::Body(503, String::new()),
        Answer::Body(400, r#"{"error":"unsupported_token_type","error_description":"refresh-1"}"#.into()),
        Answer::NoConnection,
    ];
    for answer in answers {
        let fixture = Fixture::usual();
        fixture.log_in();
        fixture.network.set(REVOKE, answer);
        let error = log_out(&fixture).expect_err("the revocation fails");
        assert!(!error.report().message.contains("refresh-1"), "{error}");
        // The access token is revoked, too.
        assert_eq!(fixture.network.to(REVOKE).len(), 2);
        assert_eq!(fixture.token(), None);
        assert!(fixture.authorization.record().unwrap().tokens.is_none());
    }
}

#[test]
fn an_access_token_that_cannot_be_revoked_is_no_error() {
    let fixture = Fixture::usual();
    fixture.log_in();
    let unsupported = Answer::Body(400, r#"{"error":"unsupported_token_type"}"#.into());
    fixture.network.set_all(REVOKE, [Answer::Body(200, String::new()), unsupported]);
    log_out(&fixture).unwrap();
}

#[test]
fn a_server_that_requires_a_secret_gets_an_empty_one() {
    let fixture = Fixture::usual();
    fixture.log_in();
    let (required, done) = (
        Answer::Body(400, r#"{"error":"invalid_request","error_description":"client_secret: Field required"}"#.into()),
        Answer::Body(200, String::new()),
    );
    fixture.network.set_all(REVOKE, [required.clone(), done.clone(), required, done]);
    log_out(&fixture).unwrap();
    let requests = fixture.network.to(REVOKE);
    let with_secret: Vec<bool> = requests.iter().map(|request| request.body.contains("client_secret=")).collect();
    assert_eq!(with_secret, [false, true, false, true]);
}

#[test]
fn without_a_revocation_endpoint_tokens_are_only_forgotten() {
    let fixture = Fixture::usual();
    let Answer::Body(_, text) = server_metadata(ISSUER, "") else { unreachable!() };
    fixture.network.set(SERVER_METADATA, json(text.replace("revocation_endpoint", "unknown")));
    fixture.log_in();
    log_out(&fixture).unwrap();
    assert!(fixture.network.take_urls().is_empty());
    assert_eq!(fixture.token(), None);
    // Again: there is nothing to do.
    log_out(&fixture).unwrap();
    log_out(&Fixture::usual()).unwrap();
}

#[test]
fn a_logout_allows_the_next_login() {
    let fixture = Fixture::usual();
    fixture.user.will_return("error=access_denied");
    assert_eq!(failure(fixture.unauthorized()).0, MCP_LOGIN_FAILED);
    fixture.user.set(UserAction::LogIn(String::new()));
    log_out(&fixture).unwrap();
    assert!(token_of(fixture.unauthorized()).is_some());
}

#[test]
fn the_description_has_only_what_is_known() {
    let fixture = Fixture::usual();
    assert_eq!(describe(None), r#"{"loggedIn":false}"#);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"user-1"}"#);
    let answer = format!(
        r#"{{"access_token":"a-s3cr3t","expires_in":3600,"refresh_token":"r-s3cr3t","scope":"read",
           "id_token":"e30.{claims}.x"}}"#
    );
    fixture.network.set(TOKEN, json(answer));
    fixture.log_in();
    let found = description(&fixture);
    let all =
        ["clientId", "expiresAt", "idToken", "issuer", "loggedIn", "refreshable", "registration", "resource", "scopes"];
    assert_eq!(names(&found), all);
    assert_eq!(found["loggedIn"], true);
    assert_eq!((&found["issuer"], &found["resource"]), (&ISSUER.into(), &SERVER.into()));
    assert_eq!((&found["clientId"], &found["registration"]), (&"registered-1".into(), &"registered".into()));
    assert_eq!(found["scopes"], serde_json::json!(["read"]));
    assert_eq!((&found["refreshable"], &found["idToken"]["sub"]), (&true.into(), &"user-1".into()));
    assert!(!found.to_string().contains("s3cr3t"));

    fixture.age_tokens(3600, -1);
    assert_eq!(description(&fixture)["loggedIn"], true);
    log_out(&fixture).unwrap();
    let found = description(&fixture);
    assert_eq!(names(&found), ["clientId", "issuer", "loggedIn", "registration", "resource"]);
    assert_eq!(found["loggedIn"], false);

    fixture.network.set(TOKEN, json(r#"{"access_token":"a","id_token":"not a token"}"#));
    assert!(token_of(fixture.unauthorized()).is_some());
    let found = description(&fixture);
    assert_eq!((&found["refreshable"], found.get("idToken"), found.get("expiresAt")), (&false.into(), None, None));
    fixture.age_tokens(3600, -1);
    assert_eq!(description(&fixture)["loggedIn"], false);
}

#[test]
fn the_access_token_is_revoked_even_if_the_refresh_token_cannot_be() {
    let fixture = Fixture::usual();
    fixture.log_in();
    fixture.network.set_all(REVOKE, [Answer::Body(400, r#"{"error":"unsupported_token_type"}"#.into()), json("")]);
    let error = log_out(&fixture).expect_err("the revocation fails");
    assert_eq!(error.report().oauth_code.as_deref(), Some("unsupported_token_type"));
    assert_eq!(fixture.network.last_to(REVOKE).parameter("token").as_deref(), Some("access-1"));
}

#[test]
fn the_description_of_an_assertion_without_a_client_has_no_client_id() {
    let issuer = "https://mcp.example";
    let fixture = Fixture::new(|settings| {
        settings.grant = Grant::Assertion;
        settings.assertion = Some(Box::new(|request| request.set("jwt").unwrap()));
        Ok(())
    });
    fixture.network.set(RESOURCE_METADATA, resource_metadata(&format!(r#""authorization_servers":["{issuer}"]"#)));
    let metadata = "https://mcp.example/.well-known/oauth-authorization-server";
    fixture.network.set(metadata, server_metadata(issuer, ""));
    fixture.log_in();
    assert_eq!(description(&fixture).get("clientId"), None);
}
