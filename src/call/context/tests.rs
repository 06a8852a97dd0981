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
