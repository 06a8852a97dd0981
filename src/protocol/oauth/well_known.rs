//! The URLs of metadata documents, and how a document has to match the URL that it was read from (RFC 8414, RFC 9728,
//! OpenID Connect Discovery; 2026-07-28, "Authorization Server Discovery").

use super::url::HttpUrl;

/// The URLs to try for the metadata of the MCP server `server`, in order. `challenged` is the parameter
/// `resource_metadata` of its challenge.
pub fn resource_metadata_urls(server: HttpUrl, challenged: Option<&str>) -> Vec<String> {
    let base = format!("{}/.well-known/oauth-protected-resource", server.origin);
    let path = if server.path == "/" { "" } else { server.path };
    let mut urls = Vec::new();
    urls.extend(challenged.filter(|url| HttpUrl::parse(url).is_ok()).map(str::to_owned));
    urls.extend(server.query.map(|query| format!("{base}{path}?{query}")));
    urls.push(format!("{base}{path}"));
    // Servers differ in whether they keep the slash at the end of their path.
    urls.push(format!("{base}{}", path.trim_end_matches('/')));
    urls.push(base);
    distinct(urls)
}

/// The URLs to try for the metadata of the authorization server `issuer`, in order.
pub fn server_metadata_urls(issuer: HttpUrl) -> Vec<String> {
    let (origin, path) = (issuer.origin, issuer.path.strip_suffix('/').unwrap_or(issuer.path));
    distinct(vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
        format!("{origin}{path}/.well-known/openid-configuration"),
    ])
}

/// The endpoints of an authorization server without metadata: they are at the root of the MCP server (2025-03-26,
/// "Authorization": Fallbacks for Servers without Metadata Discovery).
pub struct DefaultEndpoints {
    pub authorization: String,
    pub token: String,
    pub registration: String,
}

impl DefaultEndpoints {
    pub fn of(server: HttpUrl) -> DefaultEndpoints {
        let at = |path| format!("{}{path}", server.origin);
        DefaultEndpoints { authorization: at("/authorize"), token: at("/token"), registration: at("/register") }
    }
}

/// Whether the `issuer` of a metadata document is the one whose metadata was requested. Issuers are compared as strings
/// (RFC 8414, section 3.3), with one exception: an issuer without a path may have or lack a slash at the end. Both
/// forms lead to the same document, and Google, Auth0 and others mix them.
pub fn is_issuer(expected: &str, found: &str) -> bool {
    let without_slash = |issuer| str::strip_suffix(issuer, '/').unwrap_or(issuer);
    let (origin, found_origin) = (without_slash(expected), without_slash(found));
    let is_origin = HttpUrl::parse(origin).is_ok_and(|url| url.origin == origin);
    expected == found || (origin == found_origin && is_origin)
}

/// Whether `resource` identifies the MCP server `server` or a resource that contains it: the same origin, and a path
/// that is a prefix by whole segments. A slash at the end is ignored. A query must be the same.
pub fn contains_server(resource: &HttpUrl, server: &HttpUrl) -> bool {
    let trimmed = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
    let (parent, path) = (trimmed(resource.path), trimmed(server.path));
    let is_same = parent == path;
    let is_parent = path.strip_prefix(&parent).is_some_and(|rest| rest.starts_with('/'));
    let query_matches = resource.query.is_none() || (is_same && resource.query == server.query);
    // A path with dot segments may lead outside of its prefix.
    let is_contained = is_same || (is_parent && !has_dot_segment(&path));
    resource.fragment.is_none() && resource.has_origin_of(server) && is_contained && query_matches
}

/// Whether a segment is `.` or `..`, also percent-encoded.
pub fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

/// Removes duplicates; each URL keeps its first position.
fn distinct(urls: Vec<String>) -> Vec<String> {
    let mut result: Vec<String> = Vec::new();
    for url in urls {
        if !result.contains(&url) {
            result.push(url);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> HttpUrl<'_> {
        HttpUrl::parse(text).unwrap_or_else(|why| panic!("{text} {why}"))
    }

    #[test]
    fn resource_metadata_is_searched_at_the_path_and_at_the_root() {
        let root = "https://example.com/.well-known/oauth-protected-resource";
        assert_eq!(
            resource_metadata_urls(url("https://example.com/public/mcp"), None),
            [format!("{root}/public/mcp"), root.into()]
        );
        for server in ["https://example.com", "https://example.com/"] {
            assert_eq!(resource_metadata_urls(url(server), None), [root]);
        }
        assert_eq!(
            resource_metadata_urls(url("https://example.com/mcp/?t=1"), Some("https://example.com/custom.json")),
            [
                "https://example.com/custom.json".into(),
                format!("{root}/mcp/?t=1"),
                format!("{root}/mcp/"),
                format!("{root}/mcp"),
                root.into()
            ]
        );
        let ignored = resource_metadata_urls(url("https://example.com"), Some("/relative"));
        assert_eq!(ignored, [root]);
    }

    #[test]
    fn server_metadata_is_searched_as_the_specification_says() {
        for issuer in ["https://auth.example.com/tenant1", "https://auth.example.com/tenant1/"] {
            assert_eq!(
                server_metadata_urls(url(issuer)),
                [
                    "https://auth.example.com/.well-known/oauth-authorization-server/tenant1",
                    "https://auth.example.com/.well-known/openid-configuration/tenant1",
                    "https://auth.example.com/tenant1/.well-known/openid-configuration",
                ]
            );
        }
        for issuer in ["https://auth.example.com", "https://auth.example.com/"] {
            assert_eq!(
                server_metadata_urls(url(issuer)),
                [
                    "https://auth.example.com/.well-known/oauth-authorization-server",
                    "https://auth.example.com/.well-known/openid-configuration",
                ]
            );
        }
    }

    #[test]
    fn default_endpoints_are_at_the_root() {
        let endpoints = DefaultEndpoints::of(url("https://api.example.com:8443/v1/mcp?x"));
        assert_eq!(endpoints.authorization, "https://api.example.com:8443/authorize");
        assert_eq!(endpoints.token, "https://api.example.com:8443/token");
        assert_eq!(endpoints.registration, "https://api.example.com:8443/register");
    }

    #[test]
    fn issuers_are_compared_as_strings() {
        for (expected, found) in [
            ("https://h/a", "https://h/a"),
            ("https://h", "https://h/"),
            ("https://h/", "https://h"),
            ("http://localhost:9000/", "http://localhost:9000"),
        ] {
            assert!(is_issuer(expected, found), "{expected} {found}");
        }
        for (expected, found) in [
            ("https://h/a", "https://h/a/"),
            ("https://h/a/", "https://h/a"),
            ("https://h", "https://H"),
            ("https://h", "https://h:443"),
            ("https://h", "http://h"),
            ("https://h", "https://h//"),
            ("https://attacker.example", "https://honest.example"),
            ("https://h?", "https://h?/"),
            ("", "/"),
        ] {
            assert!(!is_issuer(expected, found), "{expected} {found}");
        }
    }

    #[test]
    fn a_resource_contains_the_servers_below_its_path() {
        let contains = |resource, server| contains_server(&url(resource), &url(server));
        for resource in [
            "https://h/a/mcp",
            "https://H:443/a/mcp/",
            "https://h/a",
            "https://h/a/",
            "https://h",
            "https://h/",
            "https://h/a/mcp?k=v",
        ] {
            assert!(contains(resource, "https://h/a/mcp?k=v"), "{resource}");
        }
        for resource in [
            "https://evil.example/a/mcp",
            "http://h/a/mcp",
            "https://h:8443/a/mcp",
            "https://h/a/mc",
            "https://h/A/mcp",
            "https://h/a/mcp/x",
            "https://h/a/mcp//",
            "https://h/a/mcp#f",
            "https://h/a/mcp?k=w",
            "https://h/a?k=v",
        ] {
            assert!(!contains(resource, "https://h/a/mcp?k=v"), "{resource}");
        }
        assert!(contains("https://h/mcp/", "https://h/mcp") && contains("https://h/mcp", "https://h/mcp/"));
        assert!(!contains("https://h/a", "https://h/a/%2E./b") && !contains("https://h/a", "https://h/a/../b"));
    }
}
