//! Reads the challenges in `WWW-Authenticate` (RFC 9110, section 11.6.1).

/// The value of the first parameter `name` in any challenge of the list.
pub fn parameter(challenges: &str, name: &str) -> Option<String> {
    items(challenges).find_map(|item| match item {
        ChallengeItem::Parameter(known, value) if known.eq_ignore_ascii_case(name) => Some(value),
        _ => None,
    })
}

/// A challenge: an authentication scheme and its parameters.
pub struct Challenge<'a> {
    pub scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Challenge<'_> {
    /// The first parameter `name`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut named = self.parameters.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }
}

/// The challenges of the list, in order. Credentials in the form `token68`, as of `Negotiate`, are left out.
pub fn challenges(list: &str) -> Vec<Challenge<'_>> {
    let mut found: Vec<Challenge> = Vec::new();
    for item in items(list) {
        match (item, found.last_mut()) {
            (ChallengeItem::Scheme(scheme), _) => found.push(Challenge { scheme, parameters: Vec::new() }),
            (ChallengeItem::Parameter(name, value), Some(challenge)) => challenge.parameters.push((name, value)),
            // It belongs to no challenge.
            (ChallengeItem::Parameter(..), None) => {}
        }
    }
    found
}

/// What is used of a challenge of an OAuth scheme (RFC 6750, section 3; RFC 9449, section 7.1; RFC 9728, section 5.1).
/// A member is `None` if its parameter is missing or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuthChallenge {
    pub resource_metadata: Option<String>,
    pub scope: Option<String>,
}

/// The first challenge with the scheme `Bearer` or `DPoP`.
pub fn oauth_challenge(list: &str) -> Option<OAuthChallenge> {
    challenges(list).iter().find_map(|challenge| {
        let is_oauth = ["Bearer", "DPoP"].iter().any(|scheme| challenge.scheme.eq_ignore_ascii_case(scheme));
        let text = |name| challenge.parameter(name).filter(|value| !value.is_empty()).map(str::to_owned);
        is_oauth.then(|| OAuthChallenge { resource_metadata: text("resource_metadata"), scope: text("scope") })
    })
}

/// A part of a list of challenges.
enum ChallengeItem<'a> {
    Scheme(&'a str),
    Parameter(&'a str, String),
}

/// The schemes and the parameters of the list, in order. Invalid text between them is skipped.
fn items(list: &str) -> impl Iterator<Item = ChallengeItem<'_>> {
    let mut rest = list;
    // Only the beginning of a list element can be a scheme: a word after a scheme is a token68.
    let mut at_element = true;
    std::iter::from_fn(move || {
        loop {
            let trimmed = rest.trim_start_matches([' ', '\t', ',']);
            at_element |= rest[..rest.len() - trimmed.len()].contains(',');
            let (word, after) = split_word(trimmed);
            if word.is_empty() {
                // Invalid here: skip a quoted string or a character.
                rest = match trimmed.strip_prefix('"') {
                    Some(quoted) => quoted_string(quoted).1,
                    None => skip_one(trimmed)?,
                };
                continue;
            }
            let is_first = std::mem::take(&mut at_element);
            let Some(value) = after.trim_start_matches(SPACE).strip_prefix('=') else {
                rest = after;
                if is_first {
                    return Some(ChallengeItem::Scheme(word));
                }
                continue;
            };
            let value = value.trim_start_matches(SPACE);
            let (value, after) = match value.strip_prefix('"') {
                Some(quoted) => quoted_string(quoted),
                None => {
                    let (word, after) = split_word(value);
                    (word.to_owned(), after)
                }
            };
            rest = after;
            return Some(ChallengeItem::Parameter(word, value));
        }
    })
}

const SPACE: [char; 2] = [' ', '\t'];

/// Splits after a token (RFC 9110, section 5.6.2), in which `/` is allowed as in `token68`.
fn split_word(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// Decodes a quoted string, without its opening quote. Returns the text and what follows the closing quote.
fn quoted_string(text: &str) -> (String, &str) {
    let mut decoded = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => break,
            '\\' => decoded.extend(characters.next()),
            c => decoded.push(c),
        }
    }
    (decoded, characters.as_str())
}

/// The text without its first character; `None` for an empty text.
fn skip_one(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_whole_names() {
        let error = |text: &str| parameter(text, "error");
        assert_eq!(error(r#"Bearer realm="x", error="invalid_token""#).unwrap(), "invalid_token");
        assert_eq!(error("Bearer error=expired").unwrap(), "expired");
        assert_eq!(error(r#"bearer ERROR = "a \"b\" c", error=d"#).unwrap(), r#"a "b" c"#);
        assert_eq!(error(r#"Basic dGVzdA==, Digest realm="r", Bearer error="e""#).unwrap(), "e");
        assert_eq!(error(r#"Bearer error=""#).unwrap(), "");
        for none in
            ["", ",", "Bearer", r#"Bearer xerror="a""#, r#"Bearer realm="error=a""#, "error", "\"error=x", "ü=1"]
        {
            assert_eq!(error(none), None, "{none}");
        }
    }

    #[test]
    fn challenges_are_separated_by_their_schemes() {
        let list =
            r#"Basic realm="a, Bearer b=c", Negotiate dGVzdA==, NTLM abc, DPoP algs="ES256" , a=b,Bearer,Digest x"#;
        let found: Vec<(&str, Vec<&str>)> = challenges(list)
            .iter()
            .map(|challenge| (challenge.scheme, challenge.parameters.iter().map(|(name, _)| *name).collect()))
            .collect();
        let expected = [
            ("Basic", vec!["realm"]),
            // The padding of a token68 looks like a parameter without a value.
            ("Negotiate", vec!["dGVzdA"]),
            ("NTLM", vec![]),
            ("DPoP", vec!["algs", "a"]),
            ("Bearer", vec![]),
            ("Digest", vec![]),
        ];
        assert_eq!(found, expected);
        assert_eq!(challenges("Bearer a=1, A=2")[0].parameter("a"), Some("1"));
        assert!(challenges(r#"a=b, "Bearer""#).is_empty());
    }

    #[test]
    fn the_first_oauth_challenge_is_read() {
        let list = concat!(
            r#"Basic scope="no", Bearer realm="x", error="insufficient_scope", scope="a b","#,
            r#" resource_metadata="https://h/.well-known/oauth-protected-resource/mcp", DPoP scope="later""#
        );
        let expected = OAuthChallenge {
            scope: Some("a b".into()),
            resource_metadata: Some("https://h/.well-known/oauth-protected-resource/mcp".into()),
        };
        assert_eq!(oauth_challenge(list), Some(expected));
        let dpop = oauth_challenge(r#"dpop scope="a", Bearer scope="b""#).unwrap();
        assert_eq!(dpop.scope.as_deref(), Some("a"));
        assert_eq!(oauth_challenge(r#"bearer scope="""#), Some(OAuthChallenge::default()));
        assert_eq!(oauth_challenge("Basic realm=Bearer, Negotiate Bearer"), None);
    }
}
