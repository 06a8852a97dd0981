//! Client ids that are the URL of a Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document).

use super::quote::quote;
use super::url::HttpUrl;
use super::well_known::has_dot_segment;

/// Checks the URL that the application sets: https, with a path, and without a fragment and dot segments.
pub fn check_client_url(url: &str) -> Result<(), String> {
    let invalid = |why: &str| Err(format!("the client metadata URL {} {why}", quote(url)));
    match HttpUrl::parse(url) {
        Err(why) => invalid(why),
        Ok(parsed) if !parsed.https => invalid("is not an https URL"),
        Ok(parsed) if matches!(parsed.path, "" | "/") => {
            invalid("has no path; it must be the URL of a document, such as https://app.example/client.json")
        }
        Ok(parsed) if parsed.fragment.is_some() => invalid("has a fragment, which is not allowed"),
        Ok(parsed) if has_dot_segment(parsed.path) => invalid("has a path with dot segments, which is not allowed"),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_url_is_an_https_url_with_a_path() {
        for url in ["https://app.example/client.json", "https://app.example:8443/a/?b"] {
            assert_eq!(check_client_url(url), Ok(()));
        }
        for url in [
            "",
            "client",
            "http://app.example/client.json",
            "http://localhost/client.json",
            "https://app.example",
            "https://app.example/",
            "https://u@app.example/client.json",
            "https://app.example/client.json#x",
            "https://app.example/a/../client.json",
            "https://app.example/%2e/client.json",
        ] {
            let message = check_client_url(url).unwrap_err();
            assert!(message.starts_with("the client metadata URL \""), "{message}");
        }
    }
}
