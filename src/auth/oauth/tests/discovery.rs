//! How the authorization server is found (2026-07-28, "Authorization Server Discovery").

use super::fixture::*;
use crate::auth::oauth::settings::LenientRule;
use crate::status::*;

const HTML: &str = "<!DOCTYPE html><title>Login</title>";

/// The usual metadata of the MCP server.
fn usual_resource() -> Answer {
    resource_metadata(r#""authorization_servers":["https://auth.example"]"#)
}

/// The URLs up to the registration, during a login.
fn discovered(fixture: &Fixture, challenge: &str) -> Vec<String> {
    assert_eq!(token_of(fixture.refused_in(&call(), 401, challenge)).as_deref(), Some("access-1"));
    let urls = fixture.network.take_urls();
    let end = urls.iter().position(|url| url.ends_with("/register")).expect("a registration");
    urls[..end].to_vec()
}

#[test]
fn the_metadata_in_the_challenge_is_read_first() {
    let fixture = Fixture::usual();
    let url = "https://mcp.example/custom/location.json";
    fixture.network.set(url, usual_resource());
    let challenge = format!(r#"Basic realm="x", Bearer resource_metadata="{url}""#);
    assert_eq!(discovered(&fixture, &challenge), [url, SERVER_METADATA]);
}

#[test]
fn the_metadata_at_the_path_is_read_before_that_at_the_root() {
    let fixture = Fixture::usual();
    assert_eq!(discovered(&fixture, "Bearer"), [RESOURCE_METADATA, SERVER_METADATA]);
    for answer in [Answer::Body(404, String::new()), Answer::Body(403, HTML.into()), json(HTML), Answer::Redirect] {
        let fixture = Fixture::usual();
        fixture.network.set(RESOURCE_METADATA, answer);
        fixture.network.set(ROOT_RESOURCE_METADATA, usual_resource());
        assert_eq!(discovered(&fixture, "Bearer"), [RESOURCE_METADATA, ROOT_RESOURCE_METADATA, SERVER_METADATA]);
    }
}

#[test]
fn metadata_of_the_authorization_server_is_read_from_each_place_in_order() {
    for answer in [Answer::Body(404, HTML.into()), json(HTML), json("[]"), Answer::Redirect, json("")] {
        let fixture = Fixture::usual();
        fixture.network.set(SERVER_METADATA, answer);
        fixture.network.set(OPENID_METADATA, server_metadata(ISSUER, ""));
        assert_eq!(discovered(&fixture, "Bearer"), [RESOURCE_METADATA, SERVER_METADATA, OPENID_METADATA]);
    }
    let issuer = "https://auth.example/tenant";
    let last = "https://auth.example/tenant/.well-known/openid-configuration";
    let fixture = Fixture::usual();
    let resource = resource_metadata(&format!(r#""authorization_servers":["{issuer}"]"#));
    fixture.network.set(RESOURCE_METADATA, resource);
    fixture.network.set(last, server_metadata(issuer, ""));
    fixture.network.set("https://auth.example/tenant/register", json(r#"{"client_id":"c"}"#));
    let expected = [
        RESOURCE_METADATA,
        "https://auth.example/.well-known/oauth-authorization-server/tenant",
        "https://auth.example/.well-known/openid-configuration/tenant",
        last,
    ];
    assert_eq!(discovered(&fixture, "Bearer"), expected);
}

#[test]
fn a_server_in_trouble_is_an_error_and_not_one_without_metadata() {
    let busy = |status| Answer::Body(status, HTML.into());
    for answer in [busy(500), busy(503), busy(429), Answer::NoConnection] {
        for url in [RESOURCE_METADATA, SERVER_METADATA] {
            let fixture = Fixture::usual();
            fixture.network.set(url, answer.clone());
            let (status, message) = failure(fixture.unauthorized());
            let expected = if matches!(answer, Answer::NoConnection) { MCP_CONNECT_FAILED } else { MCP_OAUTH_FAILED };
            assert_eq!(status, expected, "{message}");
            assert_eq!(fixture.network.take_urls().last().map(String::as_str), Some(url));
            assert_eq!(fixture.user.logins(), 0);
            // The next call tries again.
            fixture.network.set(RESOURCE_METADATA, usual_resource());
            fixture.network.set(SERVER_METADATA, server_metadata(ISSUER, ""));
            assert_eq!(token_of(fixture.unauthorized()).as_deref(), Some("access-1"));
        }
    }
}

#[test]
fn without_resource_metadata_the_authorization_server_is_at_the_origin_and_gets_no_resource() {
    let fixture = Fixture::usual();
    let network = &fixture.network;
    network.set(RESOURCE_METADATA, Answer::Body(404, String::new()));
    let metadata = "https://mcp.example/.well-known/oauth-authorization-server";
    network.set(metadata, server_metadata("https://mcp.example", ""));
    assert_eq!(discovered(&fixture, "Bearer"), [RESOURCE_METADATA, ROOT_RESOURCE_METADATA, metadata]);
    assert_eq!(url_parameter(&fixture.user.last_url(), "resource"), None);

    // Without any metadata: the endpoints of 2025-03-26.
    let fixture = Fixture::usual();
    fixture.network.set(RESOURCE_METADATA, Answer::Body(404, String::new()));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert!(fixture.user.last_url().starts_with("https://mcp.example/authorize?"));
    assert_eq!(url_parameter(&fixture.user.last_url(), "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(fixture.network.to("https://mcp.example/register").len(), 1);
    let request = fixture.network.last_to("https://mcp.example/token");
    assert_eq!(request.parameter("resource"), None);
}

#[test]
fn a_server_that_publishes_nothing_has_no_authorization_server() {
    for answer in [Answer::Body(404, HTML.into()), Answer::Body(405, String::new()), json(HTML)] {
        let fixture = Fixture::usual();
        fixture.network.set(RESOURCE_METADATA, Answer::Body(404, HTML.into()));
        fixture.network.set("https://mcp.example/register", answer);
        assert_eq!(useless(fixture.unauthorized()), None);
        assert_eq!((fixture.user.logins(), fixture.token()), (0, None));
    }
}

#[test]
fn metadata_of_another_resource_is_refused() {
    for resource in ["https://evil.example/mcp", "https://mcp.example/other", "https://mcp.example/mcp/below"] {
        let fixture = Fixture::usual();
        let text = format!(r#"{{"resource":"{resource}","authorization_servers":["{ISSUER}"]}}"#);
        fixture.network.set(RESOURCE_METADATA, json(text));
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!(status, MCP_OAUTH_FAILED);
        assert!(message.contains(resource), "{message}");
        assert_eq!(fixture.network.take_urls(), [RESOURCE_METADATA]);
    }
}

#[test]
fn a_resource_is_sent_as_it_was_published() {
    for resource in ["https://mcp.example", "https://mcp.example/", "https://MCP.example:443/mcp/"] {
        let fixture = Fixture::usual();
        let text = format!(r#"{{"resource":"{resource}","authorization_servers":["{ISSUER}"]}}"#);
        fixture.network.set(RESOURCE_METADATA, json(text));
        assert!(token_of(fixture.unauthorized()).is_some());
        assert_eq!(url_parameter(&fixture.user.last_url(), "resource").as_deref(), Some(resource));
        assert_eq!(fixture.network.last_to(TOKEN).parameter("resource").as_deref(), Some(resource));
    }
}

#[test]
fn metadata_of_another_issuer_is_not_used() {
    for found in ["https://auth.example/tenant", "https://evil.example", "https://AUTH.example"] {
        let fixture = Fixture::usual();
        let metadata = server_metadata("https://auth.example", "");
        let Answer::Body(_, text) = metadata else { unreachable!() };
        let text = text.replace(r#""issuer":"https://auth.example""#, &format!(r#""issuer":"{found}""#));
        fixture.network.set(SERVER_METADATA, json(text));
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!(status, MCP_OAUTH_FAILED);
        assert!(message.contains(found) && message.contains(ISSUER), "{message}");
        assert!(fixture.network.requests().iter().all(|request| !request.is_post));
    }
    // An issuer without a path may differ by a slash at the end.
    let fixture = Fixture::usual();
    let Answer::Body(_, text) = server_metadata(ISSUER, "") else { unreachable!() };
    let text = text.replace(r#""issuer":"https://auth.example""#, r#""issuer":"https://auth.example/""#);
    fixture.network.set(SERVER_METADATA, json(text));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert_eq!(fixture.authorization.record().unwrap().issuer, "https://auth.example/");
}

#[test]
fn an_authorization_server_without_pkce_is_refused() {
    let without = |methods: &str| {
        json(format!(
            r#"{{"issuer":"{ISSUER}","authorization_endpoint":"{ISSUER}/authorize","token_endpoint":"{TOKEN}",
               "registration_endpoint":"{REGISTER}"{methods}}}"#
        ))
    };
    let unstated = without("");
    let plain = without(r#","code_challenge_methods_supported":["plain"]"#);
    for (answer, expected) in [(unstated.clone(), "MCP_OAUTH_UNSTATED_PKCE"), (plain.clone(), "plain")] {
        let fixture = Fixture::usual();
        fixture.network.set(SERVER_METADATA, answer);
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!((status, fixture.user.logins()), (MCP_OAUTH_FAILED, 0));
        assert!(message.contains(expected), "{message}");
        assert!(fixture.network.to(REGISTER).is_empty());
    }
    let lenient = || {
        Fixture::new(|settings| {
            settings.allow(LenientRule::UnstatedPkce, true);
            Ok(())
        })
    };
    let fixture = lenient();
    fixture.network.set(SERVER_METADATA, unstated);
    assert!(token_of(fixture.unauthorized()).is_some());
    let fixture = lenient();
    fixture.network.set(SERVER_METADATA, plain);
    assert_eq!(failure(fixture.unauthorized()).0, MCP_OAUTH_FAILED);
}

#[test]
fn of_several_authorization_servers_that_of_a_configured_client_is_used() {
    let listed = resource_metadata(r#""authorization_servers":["https://other.example","https://auth.example"]"#);
    let fixture = Fixture::new(|settings| settings.set_client(Some(ISSUER), "configured", None));
    fixture.network.set(RESOURCE_METADATA, listed.clone());
    assert!(token_of(fixture.unauthorized()).is_some());
    assert!(fixture.user.last_url().starts_with("https://auth.example/authorize?"));

    // Else the first one whose metadata can be read.
    let fixture = Fixture::usual();
    fixture.network.set(RESOURCE_METADATA, listed.clone());
    assert!(token_of(fixture.unauthorized()).is_some());
    assert!(fixture.user.last_url().starts_with("https://other.example/authorize?"));
    let fixture = Fixture::usual();
    fixture.network.set(RESOURCE_METADATA, listed);
    fixture.network.set("https://other.example/.well-known/oauth-authorization-server", Answer::Body(404, "".into()));
    assert!(token_of(fixture.unauthorized()).is_some());
    assert!(fixture.user.last_url().starts_with("https://auth.example/authorize?"));
}

#[test]
fn a_server_that_requires_dpop_is_refused() {
    let fixture = Fixture::usual();
    let members = r#""authorization_servers":["https://auth.example"],"dpop_bound_access_tokens_required":true"#;
    fixture.network.set(RESOURCE_METADATA, resource_metadata(members));
    let (status, message) = failure(fixture.unauthorized());
    assert_eq!((status, message.contains("DPoP")), (MCP_OAUTH_FAILED, true));
}

#[test]
fn endpoints_must_use_https() {
    for name in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
        let fixture = Fixture::usual();
        let Answer::Body(_, text) = server_metadata(ISSUER, "") else { unreachable!() };
        let text = text.replace(&format!(r#""{name}":"https:"#), &format!(r#""{name}":"http:"#));
        fixture.network.set(SERVER_METADATA, json(text));
        let (status, message) = failure(fixture.unauthorized());
        assert_eq!((status, fixture.user.logins()), (MCP_OAUTH_FAILED, 0));
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn a_server_that_publishes_nothing_stays_unauthorized_when_no_client_may_register_there() {
    let without_registration = Fixture::new(|settings| settings.set_registration(false, None));
    let with_client = Fixture::new(|settings| settings.set_client(Some(ISSUER), "configured", None));
    let with_document = Fixture::new(|settings| {
        settings.set_registration(false, None)?;
        settings.set_client_url(Some("https://app.example/client.json"))
    });
    for fixture in [without_registration, with_client, with_document] {
        fixture.network.set(RESOURCE_METADATA, Answer::Body(404, HTML.into()));
        useless(fixture.unauthorized());
        assert_eq!(fixture.user.logins(), 0);
        assert!(fixture.network.requests().iter().all(|request| !request.is_post));
    }
}

#[test]
fn a_server_that_names_many_authorization_servers_causes_few_requests() {
    let fixture = Fixture::usual();
    let list: Vec<String> = (0..100).map(|n| format!(r#""https://as{n}.example""#)).collect();
    fixture
        .network
        .set(RESOURCE_METADATA, resource_metadata(&format!(r#""authorization_servers":[{}]"#, list.join(","))));
    assert_eq!(failure(fixture.unauthorized()).0, MCP_OAUTH_FAILED);
    assert!(fixture.network.take_urls().len() <= 25);
}
