//! Refresh tokens (RFC 6749, section 6), expiry, and stores that other processes use.

use std::sync::atomic::{AtomicU32, Ordering};

use super::fixture::*;
use crate::auth::oauth::record_store::{CustomStore, StoreRequest};
use crate::auth::oauth::settings::OAuthSettings;
use crate::status::*;

/// Another process stores its tokens after the second load, which is that before the refresh.
struct LateStore(SharedStore, AtomicU32);

impl CustomStore for LateStore {
    fn load(&self, request: &mut StoreRequest) {
        self.0.load(request);
        if self.1.fetch_add(1, Ordering::Relaxed) == 1 {
            self.0.edit(|record| record.tokens.as_mut().unwrap().access_token = "later".to_owned().into());
        }
    }

    fn save(&self, request: &mut StoreRequest) {
        self.0.save(request);
    }

    fn lock(&self, _: &mut StoreRequest) {}

    fn unlock(&self, _: &mut StoreRequest) {}
}

struct BrokenStore;

impl CustomStore for BrokenStore {
    fn load(&self, request: &mut StoreRequest) {
        request.fail("the keychain is locked");
    }

    fn save(&self, _: &mut StoreRequest) {}

    fn lock(&self, _: &mut StoreRequest) {}

    fn unlock(&self, _: &mut StoreRequest) {}
}

fn with_store(store: &SharedStore) -> Fixture {
    let store = store.clone();
    Fixture::new(|settings| {
        settings.set_store(Some(Box::new(store)));
        Ok(())
    })
}

fn refused(code: &str) -> Answer {
    Answer::Body(400, format!(r#"{{"error":"{code}"}}"#))
}

fn refresh_token(fixture: &Fixture) -> Option<String> {
    let record = fixture.authorization.record()?;
    record.tokens.as_ref()?.refresh_token.as_ref().map(|token| token.to_string())
}

#[test]
fn a_refused_token_is_refreshed_with_its_scopes_and_resource() {
    let fixture = Fixture::usual();
    let granted = r#"{"access_token":"access-0","refresh_token":"refresh-0","scope":"read"}"#;
    fixture.network.set(TOKEN, json(granted));
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read write""#)).is_some());
    fixture.accept();
    fixture.network.unset(TOKEN);
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-1"));
    let request = fixture.network.last_to(TOKEN);
    let expected = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "refresh-0"),
        ("scope", "read"),
        ("resource", SERVER),
        ("client_id", "registered-1"),
    ];
    for (name, value) in expected {
        assert_eq!(request.parameter(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(fixture.user.logins(), 1);

    // An answer without scope means the scopes that were requested (RFC 6749, section 5.1): again the granted ones.
    fixture.accept();
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-2"));
    assert_eq!(fixture.network.last_to(TOKEN).parameter("scope").as_deref(), Some("read"));
}

#[test]
fn a_new_refresh_token_replaces_the_old_one_and_a_missing_one_does_not() {
    let fixture = Fixture::usual();
    fixture.log_in();
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(fixture.network.last_to(TOKEN).parameter("refresh_token").as_deref(), Some("refresh-1"));
    assert_eq!(refresh_token(&fixture).as_deref(), Some("refresh-2"));
    fixture.accept();
    for answer in [r#"{"access_token":"a"}"#, r#"{"access_token":"b","refresh_token":""}"#] {
        fixture.network.set(TOKEN, json(answer));
        assert!(token_of(fixture.unauthorized()).is_some());
        fixture.accept();
        assert_eq!(fixture.network.last_to(TOKEN).parameter("refresh_token").as_deref(), Some("refresh-2"));
        assert_eq!(refresh_token(&fixture).as_deref(), Some("refresh-2"));
    }
}

#[test]
fn a_client_with_a_secret_authenticates_when_it_refreshes() {
    let fixture = Fixture::new(|settings| settings.set_client(Some(ISSUER), "configured", Some("s3cr3t")));
    let post = r#""token_endpoint_auth_methods_supported":["client_secret_post"]"#;
    fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, post));
    fixture.log_in();
    assert!(token_of(fixture.unauthorized()).is_some());
    let request = fixture.network.last_to(TOKEN);
    assert_eq!(request.parameter("grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(request.parameter("client_secret").as_deref(), Some("s3cr3t"));
}

#[test]
fn a_refused_refresh_token_leads_to_a_login_with_the_same_client() {
    let store = SharedStore::default();
    let fixture = with_store(&store);
    fixture.log_in();
    let usual = json(r#"{"access_token":"new"}"#);
    // Some servers answer with 401: the member `error` decides.
    for status in [400, 401] {
        let answer = Answer::Body(status, r#"{"error":"invalid_grant"}"#.into());
        fixture.network.set_all(TOKEN, [answer, json(r#"{"access_token":"new","refresh_token":"r"}"#)]);
        let before = fixture.user.logins();
        assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("new"));
        fixture.accept();
        assert_eq!(fixture.user.logins(), before + 1);
        assert!(fixture.network.to(REGISTER).is_empty());
        fixture.network.unset(TOKEN);
        assert!(token_of(fixture.unauthorized()).is_some());
        fixture.accept();
    }
    // The user refuses: the tokens are gone, the registration is not.
    fixture.network.set_all(TOKEN, [refused("invalid_grant"), usual]);
    fixture.user.will_return("error=access_denied");
    assert_eq!(failure(fixture.unauthorized()).0, MCP_LOGIN_FAILED);
    assert!(store.record().tokens.is_none());
    assert_eq!((store.record().client.id.as_str(), fixture.token()), ("registered-1", None));
}

#[test]
fn a_refused_refresh_token_does_not_remove_newer_tokens_of_another_process() {
    let store = SharedStore::default();
    let fixture = with_store(&store);
    fixture.log_in();
    // The other process has used the refresh token; its access token has ended since.
    store.edit(|record| {
        let tokens = record.tokens.as_mut().unwrap();
        tokens.access_token = "of-other".to_owned().into();
        tokens.refresh_token = Some("refresh-of-other".to_owned().into());
    });
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("of-other"));
    // Without any request.
    assert!(fixture.network.take_urls().is_empty());

    // It stores its tokens while ours are refused.
    let late = LateStore(store.clone(), Default::default());
    let second = Fixture::on(&fixture.network, |settings| {
        settings.set_store(Some(Box::new(late)));
        Ok(())
    });
    store.edit(|record| {
        let tokens = record.tokens.as_mut().unwrap();
        (tokens.issued_at, tokens.expires_at) = (Some(1), Some(2));
    });
    fixture.network.set(TOKEN, refused("invalid_grant"));
    assert_eq!(token_of(second.before_request()).as_deref(), Some("later"));
    assert_eq!(fixture.network.to(TOKEN).len(), 1);
    assert_eq!(store.record().tokens.unwrap().access_token.as_str(), "later");
}

#[test]
fn a_registration_that_is_unknown_at_a_refresh_is_made_again() {
    let fixture = Fixture::usual();
    fixture.log_in();
    let answer = Answer::Body(401, r#"{"error":"invalid_client"}"#.into());
    fixture.network.set_all(TOKEN, [answer, json(r#"{"access_token":"new"}"#)]);
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("new"));
    assert_eq!((fixture.network.to(REGISTER).len(), fixture.user.logins()), (1, 2));
    assert_eq!(fixture.network.last_to(TOKEN).parameter("client_id").as_deref(), Some("registered-2"));
}

#[test]
fn trouble_during_a_refresh_drops_no_token_and_asks_no_user() {
    let answers = [
        Answer::Body(500, String::new()),
        Answer::Body(503, r#"{"error":"invalid_grant"}"#.into()),
        Answer::Body(429, r#"{"error":"slow_down"}"#.into()),
        json("<html>"),
        json(r#"{"access_token":"half"#),
        Answer::Body(400, "<html>".into()),
        Answer::Body(404, String::new()),
        Answer::NoConnection,
        Answer::Redirect,
    ];
    let store = SharedStore::default();
    let fixture = with_store(&store);
    fixture.log_in();
    for answer in answers {
        fixture.network.set(TOKEN, answer);
        fixture.refused_in(&call(), 401, "Bearer").err().expect("an error");
        assert_eq!((fixture.user.logins(), refresh_token(&fixture).as_deref()), (1, Some("refresh-1")));
        assert_eq!(store.record().tokens.unwrap().refresh_token.unwrap().as_str(), "refresh-1");
    }
    // The time at which to try again is reported.
    fixture.network.set(TOKEN, Answer::Body(503, String::new()));
    let error = fixture.unauthorized().err().expect("an error");
    assert_eq!((error.status(), error.report().retry_after_ms), (MCP_OAUTH_FAILED, Some(7000)));
    // The next call tries again.
    fixture.network.unset(TOKEN);
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-2"));
}

#[test]
fn tokens_are_renewed_before_they_end() {
    // (age, seconds left, is renewed): a tenth of the lifetime is left, but at most a minute.
    let cases = [(3600, 59, true), (3540, 61, false), (90, 9, true), (89, 12, false), (10, -1, true), (5, 5, false)];
    for (age, left, is_renewed) in cases {
        let fixture = Fixture::usual();
        fixture.log_in();
        fixture.age_tokens(age, left);
        let expected = if is_renewed { "access-2" } else { "access-1" };
        assert_eq!(token_of(fixture.before_request()).as_deref(), Some(expected), "{age} {left}");
        // Without discovery.
        let urls = fixture.network.take_urls();
        assert_eq!(urls, if is_renewed { vec![TOKEN] } else { Vec::new() });
    }
}

#[test]
fn a_token_without_a_known_end_or_a_refresh_token_is_used_until_it_is_refused() {
    let fixture = Fixture::usual();
    fixture.log_in();
    assert_eq!(token_of(fixture.before_request()).as_deref(), Some("access-1"));
    let fixture = Fixture::usual();
    fixture.network.set(TOKEN, json(r#"{"access_token":"a","expires_in":0}"#));
    fixture.log_in();
    assert_eq!(token_of(fixture.before_request()).as_deref(), Some("a"));
    assert!(fixture.network.take_urls().is_empty());
}

#[test]
fn a_failed_renewal_before_the_end_does_not_fail_the_request() {
    let fixture = Fixture::usual();
    fixture.log_in();
    fixture.network.set(TOKEN, Answer::Body(503, String::new()));
    fixture.age_tokens(3600, 30);
    assert_eq!(token_of(fixture.before_request()).as_deref(), Some("access-1"));
    fixture.age_tokens(3600, 0);
    assert_eq!(failure(fixture.before_request()).0, MCP_OAUTH_FAILED);
}

#[test]
fn after_a_restart_tokens_are_refreshed_without_discovery() {
    let store = SharedStore::default();
    let first = with_store(&store);
    first.log_in();
    store.edit(|record| {
        let tokens = record.tokens.as_mut().unwrap();
        (tokens.issued_at, tokens.expires_at) = (Some(1), Some(2));
    });
    let copy = store.clone();
    let second = Fixture::on(&first.network, |settings| {
        settings.set_store(Some(Box::new(copy)));
        Ok(())
    });
    assert_eq!(token_of(second.before_request()).as_deref(), Some("access-2"));
    assert_eq!(second.network.take_urls(), [TOKEN]);
    assert_eq!(
        (second.user.logins(), store.record().tokens.unwrap().refresh_token.unwrap().as_str()),
        (0, "refresh-2")
    );
}

#[test]
fn a_store_that_fails_fails_the_call() {
    let fixture = Fixture::new(|settings| {
        settings.set_store(Some(Box::new(BrokenStore)));
        Ok(())
    });
    let (status, message) = failure(fixture.before_request());
    assert_eq!((status, message.contains("the keychain is locked")), (MCP_OAUTH_FAILED, true));
}

#[test]
fn tokens_of_another_process_make_a_login_unnecessary() {
    let store = SharedStore::default();
    let first = with_store(&store);
    // The store is read while it is empty.
    assert_eq!(token_of(first.before_request()), None);
    let elsewhere = SharedStore::default();
    let copy = elsewhere.clone();
    let second = Fixture::on(&first.network, |settings| {
        settings.set_store(Some(Box::new(copy)));
        Ok(())
    });
    second.log_in();
    store.copy_from(&elsewhere);
    assert_eq!(token_of(first.unauthorized()).as_deref(), Some("access-1"));
    assert_eq!((first.user.logins(), first.network.take_urls().len()), (0, 0));
}

#[test]
fn another_kind_of_credential_that_was_set_after_the_login_is_used() {
    for (before, after) in [("secret", "key"), ("secret", "nothing"), ("key", "secret"), ("nothing", "key")] {
        let set = |settings: &mut OAuthSettings, kind| match kind {
            "secret" => settings.set_client(Some(ISSUER), "configured", Some("s3cr3t")),
            "key" => settings.set_client_key(Some(ISSUER), "configured", EC_KEY, None),
            _ => settings.set_client(Some(ISSUER), "configured", None),
        };
        let store = SharedStore::default();
        let (copy, again) = (store.clone(), store.clone());
        let first = Fixture::new(|settings| {
            settings.set_store(Some(Box::new(copy)));
            set(settings, before)
        });
        first.log_in();
        let second = Fixture::on(&first.network, |settings| {
            settings.set_store(Some(Box::new(again)));
            set(settings, after)
        });
        assert_eq!(token_of(second.before_request()).as_deref(), Some("access-1"));
        second.accept();
        assert_eq!(token_of(second.unauthorized()).as_deref(), Some("access-2"));
        let request = second.network.last_to(TOKEN);
        let found = (request.authorization.is_some(), request.parameter("client_assertion").is_some());
        assert_eq!(found, (after == "secret", after == "key"), "{before} {after}");
    }
}
