//! The step "configuration": the settings of the client, and what is suspicious about them.

use std::time::Duration;

use super::report::Step;
use crate::auth::credential_source::CredentialSource;
use crate::call::context::CallContext;
use crate::client::Client;
use crate::client::settings::SHORTEST_USUAL_TIMEOUT_MS;
use crate::net::connection_factory::Route;
use crate::transport::stdio::environment::own_variables;

pub fn describe(client: &Client, call: &CallContext, step: &mut Step) {
    let settings = &client.settings;
    if let Some(endpoint) = &client.endpoint {
        step.text("url", endpoint.shown());
        describe_http(client, call, step);
    } else if let Some(command) = settings.process_command() {
        step.text("program", &command.argv[0]);
        step.number("arguments", command.argv.len() as i64 - 1);
        step.texts("environment", own_variables(&command).map(|(name, _)| name.clone()).collect());
        if let Some(directory) = &command.directory {
            step.text("directory", &directory.to_string_lossy());
        }
    }
    let pinned = settings.pinned().map_or("automatic", |(version, _)| version);
    step.text("protocolVersion", pinned);
    let milliseconds = |limit: Option<Duration>| limit.map_or(0, |limit| limit.as_millis() as i64);
    let timeout = milliseconds(call.wait_context().timeout);
    step.number("timeout", timeout);
    step.number("idleTimeout", milliseconds(call.wait_context().idle));
    if (1..SHORTEST_USUAL_TIMEOUT_MS as i64).contains(&timeout) {
        step.warn(&format!("the timeout is {timeout} ms; if it means seconds, write {timeout}000"));
    }
}

/// What only servers at a URL have. The proxy and the credentials are named, but their values are secrets.
fn describe_http(client: &Client, call: &CallContext, step: &mut Step) {
    let settings = &client.settings;
    step.text("transport", settings.transport().map_or("automatic", |transport| transport.name()));
    let mut sets = vec![client.auth().credentials.current()];
    sets.extend(call.headers().cloned());
    let mut headers: Vec<String> = Vec::new();
    for name in sets.iter().flat_map(|set| set.names()) {
        if !headers.iter().any(|known| known == name) {
            headers.push(name.to_owned());
        }
    }
    step.flag("bearer", sets.iter().any(|set| set.has_bearer()));
    step.texts("headers", headers);
    let source = client.auth().source();
    step.flag("authCallback", matches!(source, Some(CredentialSource::Callback(_))));
    step.flag("oauth", matches!(source, Some(CredentialSource::OAuth(_))));
    let network = settings.network();
    step.flag("tlsVerify", !network.tls.accepts_any_certificate);
    step.flag("tlsCaFile", network.tls.has_authorities());
    step.flag("tlsClientCertificate", network.tls.has_client_certificate());
    step.flag("requireHttps", settings.requires_https());
    // Without an HTTP client, the connection reports it.
    let Ok(peer) = client.http_peer() else { return };
    match peer.http.route() {
        Ok(Route::Unix(path)) => step.text("unixSocket", &path.to_string_lossy()),
        Ok(Route::Proxy(proxy)) => {
            step.text("proxy", &proxy.shown());
            step.text("proxySetBy", proxy.source());
        }
        Ok(Route::Server) | Err(_) => {}
    }
    let has_credentials = source.is_some() || sets.iter().any(|set| !set.is_empty());
    let origin = peer.endpoint.origin();
    if has_credentials && !origin.https && !peer.http.is_local() {
        step.warn(&format!("credentials are sent unencrypted over http to {}", origin.host));
        step.advise("use an https URL; mcp_set_require_https refuses to send credentials over http");
    }
    if origin.https && network.tls.accepts_any_certificate {
        step.warn("server certificates are not verified: any server can impersonate this one");
        step.advise("set mcp_set_tls_verify to true, and add your own authority with mcp_set_tls_ca_file");
    }
}
