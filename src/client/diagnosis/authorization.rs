//! The step "authorization": whether the server requires credentials, and where they can be obtained. No login is
//! begun.

use std::sync::Arc;

use super::report::{Detail, Step};
use super::request::Challenged;
use crate::auth::oauth::client::OAuthClient;
use crate::auth::oauth::discovery::FoundDocuments;
use crate::call::context::CallContext;
use crate::client::Client;
use crate::error::Result;
use crate::http::endpoint::Endpoint;
use crate::protocol::challenge::{challenges, oauth_challenge};
use crate::protocol::oauth::leniency::Leniency;

/// The most challenges that are shown.
const MAX_CHALLENGES: usize = 8;

pub fn describe(
    client: &Client,
    call: &CallContext,
    endpoint: &Endpoint,
    challenged: &Challenged,
    step: &mut Step,
) -> Result<()> {
    let is_required = challenged.is_required == Some(true);
    if let Some(required) = challenged.is_required {
        step.flag("required", required);
    }
    let challenge = challenged.challenge.as_deref().unwrap_or_default();
    let shown = challenges(challenge).into_iter().take(MAX_CHALLENGES).map(|challenge| {
        let mut members = vec![("scheme", Detail::Text(challenge.scheme.to_owned()))];
        for (name, parameter) in
            [("error", "error"), ("errorDescription", "error_description"), ("scope", "scope"), ("realm", "realm")]
        {
            if let Some(value) = challenge.parameter(parameter) {
                members.push((name, Detail::Text(value.to_owned())));
            }
        }
        members
    });
    let shown: Vec<_> = shown.collect();
    if !shown.is_empty() {
        step.add("challenges", Detail::Objects(shown));
    }
    let oauth = client.auth().oauth();
    if let Some(authorization) = &oauth {
        step.flag("tokens", authorization.load_once().is_ok() && authorization.has_tokens());
    }
    let mut found = FoundDocuments::default();
    let outcome = find(client, call, endpoint, challenged, &mut found);
    describe_documents(&found, step);
    if is_required {
        step.fail(match challenged.has_sent_credentials {
            true => "the server does not accept the credentials",
            false => "the server requires credentials, and none were sent",
        });
        let offers_login = found.server.is_some();
        step.advise(match (&oauth, offers_login, challenged.has_sent_credentials) {
            (Some(_), true, _) => "log in with mcp_login",
            (None, true, _) => {
                "set OAuth with mcp_set_oauth and log in with mcp_login, or set a token with mcp_set_bearer"
            }
            (_, false, false) => "set a token with mcp_set_bearer, or the header that the server expects",
            (_, false, true) => "check the token, and whether it has expired",
        });
    }
    if let Err(error) = outcome {
        // Without a challenge, the documents are not needed.
        if is_required { step.fail(&error.to_string()) } else { step.warn(&error.to_string()) }
    }
    Ok(())
}

/// Reads the documents with the settings of the client's OAuth, or with the default ones.
fn find(
    client: &Client,
    call: &CallContext,
    endpoint: &Endpoint,
    challenged: &Challenged,
    found: &mut FoundDocuments,
) -> Result<()> {
    let authorization = match client.auth().oauth() {
        Some(authorization) => authorization,
        None => OAuthClient::new().authorization(&endpoint.uri().to_string(), endpoint.shown())?,
    };
    let environment = &client.http_peer()?.oauth_environment;
    let published = challenged.challenge.as_deref().and_then(oauth_challenge).and_then(|found| found.resource_metadata);
    let is_required = challenged.is_required == Some(true);
    let call = if is_required { call.clone() } else { call.within(call.fallback_limit()) };
    Arc::clone(&authorization)
        .in_turn(&call, environment, |renewal| renewal.find_documents(published.as_deref(), is_required, found))
}

fn describe_documents(found: &FoundDocuments, step: &mut Step) {
    if let Some((url, resource)) = &found.resource {
        step.text("resourceMetadata", url);
        step.text("resource", &resource.resource);
        step.texts("authorizationServers", resource.authorization_servers.clone());
        if let Some(scopes) = resource.scopes_supported.as_ref().and_then(|scopes| scopes.to_parameter()) {
            step.text("scopesSupported", &scopes);
        }
    }
    let Some((url, server)) = &found.server else { return };
    step.text("serverMetadata", url);
    step.text("issuer", &server.issuer);
    step.flag("dynamicRegistration", server.registration_endpoint.is_some());
    step.flag("clientIdMetadataDocument", server.supports_client_url);
    step.texts("pkce", server.code_challenge_methods.clone().unwrap_or_default());
    if let Err(why) = server.check_login(Leniency::default()) {
        step.warn(&why);
    }
}
