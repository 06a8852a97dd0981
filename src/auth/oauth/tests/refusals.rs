//! After 401: what is renewed, how often, and at which authorization server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock, mpsc};
use std::time::Duration;

use ::http::Method;

use super::fixture::*;
use crate::auth::oauth::record_store::{CustomStore, StoreRequest};
use crate::call::issued_credentials::CredentialRefusal;
use crate::status::*;
use crate::sys::lock::Mutex;

fn issued_by(issuers: &str) -> Answer {
    resource_metadata(&format!(r#""authorization_servers":[{issuers}]"#))
}

#[test]
fn a_request_without_a_token_is_sent_bare_first() {
    let fixture = Fixture::usual();
    assert_eq!(token_of(fixture.before_request()), None);
    assert!(fixture.network.take_urls().is_empty());
}

#[test]
fn a_token_that_was_accepted_is_refreshed_then_replaced_by_a_login() {
    let fixture = Fixture::usual();
    fixture.log_in();
    let call = call();
    assert_eq!(token_of(fixture.refused_in(&call, 401, "Bearer")).as_deref(), Some("access-2"));
    assert_eq!(fixture.network.take_urls(), [RESOURCE_METADATA, TOKEN]);
    // The server refuses the refreshed token, too.
    assert_eq!(token_of(fixture.refused_in(&call, 401, "Bearer")).as_deref(), Some("access-3"));
    assert_eq!(fixture.network.take_urls(), [RESOURCE_METADATA, SERVER_METADATA, TOKEN]);
    assert_eq!(fixture.user.logins(), 2);
    // And the token of the login.
    assert!(useless(fixture.refused_in(&call, 401, "Bearer")).is_some());
    assert_eq!(fixture.user.logins(), 2);
}

#[test]
fn a_token_that_is_refused_right_after_it_was_made_is_not_made_again() {
    let fixture = Fixture::usual();
    assert!(token_of(fixture.unauthorized()).is_some());
    for _ in 0..3 {
        let hint = useless(fixture.unauthorized()).expect("a hint");
        assert!(hint.contains("just issued"), "{hint}");
    }
    assert_eq!((fixture.user.logins(), fixture.network.to(TOKEN).len()), (1, 1));
    // A login of the application tries again.
    let call = call().for_login();
    assert_eq!(token_of(fixture.refused_in(&call, 401, "Bearer")).as_deref(), Some("access-2"));
    assert_eq!(token_of(fixture.refused_in(&call, 401, "Bearer")).as_deref(), Some("access-3"));
    assert!(useless(fixture.refused_in(&call, 401, "Bearer")).is_some());
    assert_eq!(fixture.user.logins(), 2);
}

#[test]
fn a_refreshed_token_that_is_refused_at_once_is_not_refreshed_by_the_next_call() {
    let fixture = Fixture::usual();
    fixture.log_in();
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-2"));
    fixture.network.take_urls();
    // The next call, without an accepted request between: the user is asked.
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-3"));
    let grants: Vec<_> = fixture.network.to(TOKEN).iter().map(|request| request.parameter("grant_type")).collect();
    assert_eq!(grants, [Some("authorization_code".to_owned())]);
}

#[test]
fn a_call_that_was_refused_with_an_older_token_uses_the_newer_one() {
    let fixture = Fixture::usual();
    let old = fixture.authorization.last().generation;
    fixture.log_in();
    let refusal = CredentialRefusal {
        url: SERVER.into(),
        method: Method::POST,
        http_status: 401,
        challenge: None,
        generation: old,
    };
    let outcome = fixture.authorization.issue(&call(), &fixture.environment, Some(&refusal));
    assert_eq!(token_of(outcome).as_deref(), Some("access-1"));
    assert!(fixture.network.take_urls().is_empty());
}

#[test]
fn another_issuer_gets_nothing_of_the_old_one() {
    let fixture = Fixture::usual();
    fixture.log_in();
    fixture.network.set(RESOURCE_METADATA, issued_by(r#""https://other.example""#));
    assert!(token_of(fixture.refused_in(&call(), 401, r#"Bearer scope="read""#)).is_some());
    let urls = fixture.network.take_urls();
    let expected = [
        RESOURCE_METADATA,
        "https://other.example/.well-known/oauth-authorization-server",
        "https://other.example/register",
        "https://other.example/token",
    ];
    assert_eq!(urls, expected);
    let url = fixture.user.last_url();
    assert_eq!(url_parameter(&url, "client_id").as_deref(), Some("registered-2"));
    let record = fixture.authorization.record().unwrap();
    assert_eq!((record.issuer.as_str(), record.client.id.as_str()), (OTHER_ISSUER, "registered-2"));
    assert_eq!(record.requested_scopes.to_string(), "read");
    // Its tokens are refreshed at the new server only.
    fixture.accept();
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(fixture.network.take_urls(), [RESOURCE_METADATA, "https://other.example/token"]);
}

#[test]
fn the_registration_of_the_old_issuer_is_not_used_at_another() {
    let fixture = Fixture::usual();
    // It has enough scopes: none are requested.
    fixture.log_in();
    fixture.network.set(RESOURCE_METADATA, issued_by(r#""https://other.example""#));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "client_id").as_deref(), Some("registered-2"));
    let requests = fixture.network.requests();
    assert!(requests.iter().all(|request| !request.body.contains("registered-1")));
}

#[test]
fn an_issuer_that_is_still_listed_is_kept() {
    let fixture = Fixture::usual();
    fixture.log_in();
    fixture.network.set(RESOURCE_METADATA, issued_by(r#""https://other.example","https://auth.example/""#));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(fixture.network.take_urls(), [RESOURCE_METADATA, TOKEN]);
}

#[test]
fn a_document_client_is_used_at_a_new_issuer() {
    const DOCUMENT: &str = "https://app.example/client.json";
    let fixture = Fixture::new(|settings| settings.set_client_url(Some(DOCUMENT)));
    let supported = r#""client_id_metadata_document_supported":true"#;
    fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, supported));
    let other = format!("{OTHER_ISSUER}/.well-known/oauth-authorization-server");
    fixture.network.set(&other, server_metadata(OTHER_ISSUER, supported));
    fixture.log_in();
    fixture.network.set(RESOURCE_METADATA, issued_by(r#""https://other.example""#));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(url_parameter(&fixture.user.last_url(), "client_id").as_deref(), Some(DOCUMENT));
    let request = fixture.network.last_to("https://other.example/token");
    assert_eq!(request.parameter("grant_type").as_deref(), Some("authorization_code"));
}

#[test]
fn a_configured_secret_is_not_sent_to_a_new_issuer() {
    let fixture = Fixture::new(|settings| settings.set_client(Some(ISSUER), "configured", Some("s3cr3t")));
    fixture.log_in();
    fixture.network.set(RESOURCE_METADATA, issued_by(r#""https://other.example""#));
    assert_eq!(failure(fixture.unauthorized()).0, MCP_OAUTH_FAILED);
    assert!(fixture.network.requests().iter().all(|request| !request.is_post));
    assert_eq!(fixture.user.logins(), 1);
}

const THREADS: usize = 16;

/// Several calls are refused at once with the current credentials. The tokens that they get.
fn refused_at_once(fixture: &Fixture) -> Vec<Option<String>> {
    let generation = fixture.authorization.last().generation;
    let refusal =
        CredentialRefusal { url: SERVER.into(), method: Method::POST, http_status: 401, challenge: None, generation };
    at_once(|| token_of(fixture.authorization.issue(&call(), &fixture.environment, Some(&refusal))))
}

/// Runs a function on several threads at once.
fn at_once<T: Send>(run: impl Fn() -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let run_in_thread = || {
            start.wait();
            run()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run_in_thread)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn many_refused_calls_cause_one_login() {
    let fixture = Fixture::usual();
    assert_eq!(refused_at_once(&fixture), vec![Some("access-1".to_owned()); THREADS]);
    assert_eq!((fixture.user.logins(), fixture.network.to(TOKEN).len()), (1, 1));
    // And one refresh.
    fixture.accept();
    assert_eq!(refused_at_once(&fixture), vec![Some("access-2".to_owned()); THREADS]);
    assert_eq!((fixture.user.logins(), fixture.network.to(TOKEN).len()), (1, 2));
}

#[test]
fn calls_that_wait_for_a_login_take_its_failure() {
    let fixture = Fixture::usual();
    fixture.user.will_return("error=access_denied");
    let statuses = at_once(|| failure(fixture.unauthorized()).0);
    assert_eq!(fixture.user.logins(), 1);
    assert!(statuses.iter().all(|status| [MCP_LOGIN_FAILED, MCP_LOGIN_REQUIRED].contains(status)), "{statuses:?}");
}

#[test]
fn a_request_that_needs_no_token_does_not_wait_for_the_user() {
    let shared: Arc<OnceLock<Arc<Fixture>>> = Arc::default();
    let in_open = Arc::clone(&shared);
    let fixture = Arc::new(Fixture::new(|settings| {
        settings.open = Some(Box::new(move |request| {
            let fixture = in_open.get().expect("the fixture");
            // Another thread, while the user is asked.
            let token = std::thread::scope(|scope| scope.spawn(|| token_of(fixture.before_request())).join().unwrap());
            assert_eq!(token, None);
            redirect_with_code(request);
        }));
        Ok(())
    }));
    assert!(shared.set(Arc::clone(&fixture)).is_ok());
    // The store was read before.
    assert_eq!(token_of(fixture.before_request()), None);
    assert!(token_of(fixture.unauthorized()).is_some());
}

/// A store that is empty. The second time that it is read, another thread begins a request.
struct StoreWithRequest {
    fixture: Arc<OnceLock<Arc<Fixture>>>,
    reads: AtomicUsize,
    token: mpsc::Sender<Option<String>>,
}

impl CustomStore for StoreWithRequest {
    fn load(&self, _: &mut StoreRequest) {
        if self.reads.fetch_add(1, Ordering::Relaxed) == 1 {
            let fixture = Arc::clone(self.fixture.get().expect("the fixture"));
            let (begins, token) = (Arc::new(Barrier::new(2)), self.token.clone());
            let in_thread = Arc::clone(&begins);
            std::thread::spawn(move || {
                in_thread.wait();
                let _ = token.send(token_of(fixture.before_request()));
            });
            begins.wait();
        }
    }

    fn save(&self, _: &mut StoreRequest) {}

    fn lock(&self, _: &mut StoreRequest) {}

    fn unlock(&self, _: &mut StoreRequest) {}
}

#[test]
fn a_request_that_began_before_the_user_is_asked_does_not_wait_for_the_user() {
    let shared: Arc<OnceLock<Arc<Fixture>>> = Arc::default();
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let store = StoreWithRequest { fixture: Arc::clone(&shared), reads: AtomicUsize::new(0), token: sender };
    let fixture = Arc::new(Fixture::new(|settings| {
        settings.set_store(Some(Box::new(store)));
        settings.open = Some(Box::new(move |request| {
            let token = receiver.lock().recv_timeout(Duration::from_secs(20)).expect("the other request goes on");
            assert_eq!(token, None);
            redirect_with_code(request);
        }));
        Ok(())
    }));
    assert!(shared.set(Arc::clone(&fixture)).is_ok());
    assert_eq!(token_of(fixture.before_request()), None);
    assert!(token_of(fixture.unauthorized()).is_some());
}

#[test]
fn the_settings_cannot_be_changed_after_the_first_use() {
    let fixture = Fixture::usual();
    let error = fixture.client.change(|settings| settings.set_scopes(Some("late"))).expect_err("a misuse");
    assert_eq!(error.status(), MCP_MISUSE);
}

#[test]
fn a_login_that_returns_the_old_token_is_not_repeated() {
    let fixture = Fixture::usual();
    fixture.network.set(TOKEN, json(r#"{"access_token":"same"}"#));
    fixture.log_in();
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(fixture.user.logins(), 2);
    for _ in 0..3 {
        useless(fixture.unauthorized());
    }
    assert_eq!(fixture.user.logins(), 2);
}

#[test]
fn many_refused_calls_cause_one_login_that_returns_the_old_token() {
    let fixture = Fixture::usual();
    fixture.network.set(TOKEN, json(r#"{"access_token":"same"}"#));
    fixture.log_in();
    let tokens = refused_at_once(&fixture);
    assert!(tokens.iter().all(|token| token.as_deref() == Some("same")));
    assert_eq!(fixture.user.logins(), 2);
}

#[test]
fn a_server_that_names_new_issuers_again_and_again_causes_one_login_in_a_call() {
    let fixture = Fixture::usual();
    fixture.log_in();
    let call = call();
    let outcomes =
        [r#""https://other.example""#, r#""https://auth.example""#, r#""https://other.example""#].map(|next| {
            fixture.network.set(RESOURCE_METADATA, issued_by(next));
            fixture.refused_in(&call, 401, "Bearer")
        });
    assert_eq!(fixture.user.logins(), 2);
    for outcome in outcomes.into_iter().skip(1) {
        useless(outcome);
    }
}

#[test]
fn a_refused_token_without_any_lifetime_is_not_made_again() {
    for refresh_token in ["", r#","refresh_token":"r""#] {
        let fixture = Fixture::usual();
        fixture.network.set(TOKEN, json(format!(r#"{{"access_token":"a","expires_in":0{refresh_token}}}"#)));
        assert!(token_of(fixture.unauthorized()).is_some());
        for _ in 0..3 {
            assert!(useless(fixture.unauthorized()).is_some());
        }
        assert_eq!(fixture.user.logins(), 1);
    }
}

#[test]
fn a_token_that_ended_before_its_first_use_is_replaced() {
    let fixture = Fixture::usual();
    fixture.network.set(TOKEN, json(r#"{"access_token":"a","expires_in":2}"#));
    assert!(token_of(fixture.unauthorized()).is_some());
    fixture.age_tokens(3, -1);
    fixture.network.unset(TOKEN);
    assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-1"));
    assert_eq!(fixture.user.logins(), 2);
}
