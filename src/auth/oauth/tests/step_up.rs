//! After 403 with `insufficient_scope` (2026-07-28, "Scope Challenge Handling").

use super::fixture::*;
use crate::auth::oauth::settings::LoginPolicy;
use crate::status::*;

/// A login for the scope `read`, which the server accepts.
fn logged_in() -> Fixture {
    let fixture = Fixture::usual();
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read""#)).is_some());
    fixture.accept();
    fixture.network.take_urls();
    fixture
}

#[test]
fn a_missing_scope_leads_to_a_login_for_the_union() {
    let fixture = logged_in();
    // The published scopes are not mixed in.
    let members = r#""authorization_servers":["https://auth.example"],"scopes_supported":["profile"]"#;
    fixture.network.set(RESOURCE_METADATA, resource_metadata(members));
    assert_eq!(token_of(fixture.forbidden("write")).as_deref(), Some("access-2"));
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read write"));
    // Never a refresh.
    let grants: Vec<_> = fixture.network.to(TOKEN).iter().map(|request| request.parameter("grant_type")).collect();
    assert_eq!(grants, [Some("authorization_code".to_owned())]);
    // The registration has the scope `read` only.
    assert_eq!(fixture.network.to(REGISTER).len(), 1);
}

#[test]
fn a_registration_for_enough_scopes_is_used_for_a_step_up() {
    let fixture = Fixture::usual();
    let members = r#""authorization_servers":["https://auth.example"],"scopes_supported":["read","write"]"#;
    fixture.network.set(RESOURCE_METADATA, resource_metadata(members));
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read""#)).is_some());
    assert!(token_of(fixture.forbidden("write")).is_some());
    assert_eq!((fixture.network.to(REGISTER).len(), fixture.user.logins()), (1, 2));
}

#[test]
fn a_granted_scope_is_not_asked_for_again() {
    let fixture = logged_in();
    for challenge in [insufficient_scope("read"), r#"Bearer error="insufficient_scope""#.into()] {
        useless(fixture.refused_in(&call(), 403, &challenge));
    }
    assert!(token_of(fixture.forbidden("write")).is_some());
    for scope in ["write", "read write", "write read"] {
        useless(fixture.forbidden(scope));
    }
    assert_eq!(fixture.user.logins(), 2);
}

#[test]
fn a_call_steps_up_once() {
    let fixture = logged_in();
    let call = call();
    assert!(token_of(fixture.refused_in(&call, 403, &insufficient_scope("write"))).is_some());
    useless(fixture.refused_in(&call, 403, &insufficient_scope("admin")));
    assert_eq!(fixture.user.logins(), 2);
    // The next call may.
    assert!(token_of(fixture.forbidden("admin")).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read write admin"));
}

#[test]
fn a_step_up_that_the_user_refuses_keeps_the_token() {
    let fixture = logged_in();
    fixture.user.will_return("error=access_denied");
    assert_eq!(failure(fixture.forbidden("write")).0, MCP_LOGIN_FAILED);
    assert_eq!(fixture.token().as_deref(), Some("access-1"));
    let (status, message) = failure(fixture.forbidden("write"));
    assert_eq!((status, fixture.user.logins()), (MCP_LOGIN_REQUIRED, 2));
    assert!(message.contains("HTTP 403"), "{message}");
    // The token is still refreshed by its own client.
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-2"));
    assert_eq!(fixture.network.last_to(TOKEN).parameter("client_id").as_deref(), Some("registered-1"));
}

#[test]
fn the_next_login_of_the_application_asks_for_the_scopes_that_were_missing() {
    let fixture = Fixture::new(|settings| {
        settings.login_policy = LoginPolicy::WhenAsked;
        Ok(())
    });
    let login = call().for_login();
    assert!(token_of(fixture.refused_in(&login, 401, r#"Bearer scope="read""#)).is_some());
    fixture.accept();
    assert_eq!(failure(fixture.forbidden("write")).0, MCP_LOGIN_REQUIRED);
    assert_eq!(fixture.authorization.wanted_scopes().to_string(), "write");
    assert!(fixture.run(&call().for_login(), |renewal| renewal.log_in_unasked()).unwrap());
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read write"));
    assert!(fixture.authorization.wanted_scopes().is_empty());
}

#[test]
fn a_step_up_at_a_new_issuer_forgets_the_old_scopes() {
    let fixture = logged_in();
    fixture.network.set(RESOURCE_METADATA, resource_metadata(r#""authorization_servers":["https://other.example"]"#));
    assert!(token_of(fixture.forbidden("write")).is_some());
    let url = fixture.user.last_url();
    assert!(url.starts_with("https://other.example/authorize?"));
    assert_eq!(url_parameter(&url, "scope").as_deref(), Some("write"));
    assert_eq!(url_parameter(&url, "client_id").as_deref(), Some("registered-2"));
}

#[test]
fn a_login_and_a_step_up_fit_into_one_call() {
    let fixture = Fixture::usual();
    let call = call();
    assert!(token_of(fixture.refused_in(&call, 401, r#"Bearer scope="read""#)).is_some());
    assert!(token_of(fixture.refused_in(&call, 403, &insufficient_scope("write"))).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read write"));
    assert_eq!(fixture.user.logins(), 2);
}

#[test]
fn scopes_are_no_longer_missing_after_a_login_that_returns_the_old_token() {
    let fixture = Fixture::new(|settings| {
        settings.login_policy = LoginPolicy::WhenAsked;
        Ok(())
    });
    fixture.network.set(TOKEN, json(r#"{"access_token":"same"}"#));
    assert!(token_of(fixture.refused_in(&call().for_login(), 401, "Bearer")).is_some());
    fixture.accept();
    assert_eq!(failure(fixture.forbidden("write")).0, MCP_LOGIN_REQUIRED);
    assert!(fixture.run(&call().for_login(), |renewal| renewal.log_in_unasked()).unwrap());
    assert!(fixture.authorization.wanted_scopes().is_empty());
}

#[test]
fn a_login_after_401_asks_for_the_scopes_that_were_missing_before() {
    let fixture = Fixture::new(|settings| {
        settings.login_policy = LoginPolicy::WhenAsked;
        Ok(())
    });
    fixture.network.set(TOKEN, json(r#"{"access_token":"first"}"#));
    assert!(token_of(fixture.refused_in(&call().for_login(), 401, r#"Bearer scope="read""#)).is_some());
    fixture.accept();
    assert_eq!(failure(fixture.forbidden("write")).0, MCP_LOGIN_REQUIRED);
    // The token has ended when the application asks for the login.
    assert!(token_of(fixture.refused_in(&call().for_login(), 401, r#"Bearer scope="read""#)).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "scope").as_deref(), Some("read write"));
}
