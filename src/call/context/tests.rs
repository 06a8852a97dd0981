use zeroize::Zeroizing;

use super::*;
use crate::call::known_secrets::SecretSource;
use crate::call::sent_secrets::MAX_CHANGING_SECRETS;

fn call(known: Arc<KnownSecrets>) -> CallContext {
    CallContext::new(
        WaitContext::default(),
        false,
        (RequestExtras::default(), 0),
        CallClient { known, ..CallClient::default() },
    )
}

#[test]
fn a_call_context_can_move_to_another_thread() {
    let call = call(Arc::default());
    let thread = std::thread::spawn(move || {
        for id in ["s3ssion-1", "s3ssion-2", "s3ssion-1", "s3ssion-3"] {
            call.record_session_id(&HeaderValue::from_static(id));
        }
        call.secrets().sanitize("it was s3ssion-1, s3ssion-2, s3ssion-3")
    });
    assert_eq!(thread.join().unwrap(), "it was [redacted], [redacted], [redacted]");
}

#[test]
fn recorded_and_known_secrets_are_redacted() {
    let known = Arc::new(KnownSecrets::default());
    let call = call(Arc::clone(&known));
    let mut set = HeaderSet::default();
    set.set_bearer(Some("t0k3n-of-request")).unwrap();
    call.record_credentials(&Arc::new(set.clone()));
    set.set_bearer(Some("t0k3n-of-client")).unwrap();
    known.set_headers(SecretSource::Credentials, Arc::new(set));
    let text = |text: &str| Zeroizing::new(text.to_owned());
    call.record_secrets(&SecretTexts::new(vec![text("key=qu3ry")], vec!["s3gment".into()]));
    (0..2 * MAX_CHANGING_SECRETS)
        .for_each(|n| call.record_changing_secrets(&SecretTexts::new(vec![text(&format!("c00kie-{n}"))], Vec::new())));
    known.set_texts(SecretSource::Cookies, SecretTexts::new(vec![text("c00kie-of-client")], Vec::new()));
    let last = format!("c00kie-{}", 2 * MAX_CHANGING_SECRETS - 1);
    // Copies share what was recorded.
    let copy = call.within(Duration::from_secs(1));
    for call in [call, copy] {
        for secret in ["t0k3n-of-request", "t0k3n-of-client", "key=qu3ry", "s3gment", "c00kie-of-client", &last] {
            assert_eq!(call.secrets().sanitize(secret), "[redacted]", "{secret}");
        }
        assert_eq!(call.shared.sent.lock().changing.len(), MAX_CHANGING_SECRETS);
        assert_eq!(call.has_sent_credentials(), (true, true));
    }
}

#[test]
fn connecting_counts_toward_no_limit_of_the_call() {
    let limit = Duration::from_secs(20);
    let wait_context =
        WaitContext { timeout: Some(limit), idle: Some(limit), ..WaitContext::until(Instant::now() + limit) };
    let call = CallContext::new(wait_context, false, (RequestExtras::default(), 0), CallClient::default());
    let (clock, deadline) = (call.clock(), call.wait_context().deadline.unwrap());
    call.connecting(Duration::from_secs(60), |connecting| {
        connecting.paused(|clock| clock.during(|| ()));
        assert!(clock.total().1, "a callback has ended the pause");
        let limits = connecting.wait_context().clone();
        assert_eq!((limits.timeout, limits.idle), (Some(Duration::from_secs(60)), None));
        let error = connecting.interrupt_error(&Interrupt::TimedOut).to_string();
        assert!(error.contains("the connect timeout of 60000 ms passed"), "{error}");
        // A probe has its own limit, but a login at an authorization server has that for connecting.
        let probe = connecting.within(Duration::from_secs(1));
        assert!(!probe.wait_context().is_connect_timeout);
        probe.authorizing(|whole| assert!(whole.wait_context().is_connect_timeout));
    });
    let (paused, is_running) = clock.total();
    assert!(!paused.is_zero() && !is_running);
    assert_eq!((call.paused_so_far(), call.wait_context().deadline), (paused, Some(deadline + paused)));
}
