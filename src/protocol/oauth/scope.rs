//! Scopes (RFC 6749, section 3.3): ordered sets of case-sensitive names.

use std::collections::HashSet;
use std::fmt;

/// The most scopes that are read: they are sent in a URL.
const MAX_SCOPES: usize = 1000;

/// Scopes in the order in which they were first named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(Vec<String>);

impl ScopeSet {
    /// Parses a list that is separated by spaces.
    pub fn parse(text: &str) -> ScopeSet {
        text.split_ascii_whitespace().collect()
    }

    /// Parses the scopes that an authorization server granted. GitHub separates them by commas.
    pub fn parse_granted(text: &str) -> ScopeSet {
        if text.trim().contains(|c: char| c.is_ascii_whitespace()) {
            return ScopeSet::parse(text);
        }
        text.split(',').collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| known == scope)
    }

    pub fn contains_all(&self, other: &ScopeSet) -> bool {
        let known: HashSet<&str> = self.iter().collect();
        other.iter().all(|scope| known.contains(scope))
    }

    /// These scopes, and after them the new ones of `other`.
    pub fn union(&self, other: &ScopeSet) -> ScopeSet {
        self.iter().chain(other.iter()).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The value of a parameter `scope`; `None` for no scopes, because the parameter must not be empty.
    pub fn to_parameter(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_string())
    }
}

/// Separated by spaces.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Leaves out duplicates, and texts that are not names of scopes: they could not be sent.
impl<'a> FromIterator<&'a str> for ScopeSet {
    fn from_iter<Scopes: IntoIterator<Item = &'a str>>(scopes: Scopes) -> ScopeSet {
        let mut known = HashSet::new();
        let scopes = scopes.into_iter().take(MAX_SCOPES);
        let distinct = scopes.map(str::trim).filter(|scope| is_scope(scope) && known.insert(*scope));
        ScopeSet(distinct.map(str::to_owned).collect())
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_keep_their_order_and_are_distinct() {
        let scopes = ScopeSet::parse(" b  a\tb c ");
        assert_eq!((scopes.to_string(), scopes.contains("a"), scopes.contains("A")), ("b a c".into(), true, false));
        assert_eq!(scopes.union(&ScopeSet::parse("d a e")).to_string(), "b a c d e");
        assert!(scopes.contains_all(&ScopeSet::parse("c b")) && scopes.contains_all(&ScopeSet::default()));
        assert!(!scopes.contains_all(&ScopeSet::parse("c d")));
        assert_eq!(ScopeSet::parse(" ").to_parameter(), None);
        assert_eq!(scopes.to_parameter().as_deref(), Some("b a c"));
    }

    #[test]
    fn texts_that_are_not_scopes_are_left_out() {
        assert_eq!(ScopeSet::parse("a \"b\" c\\d é \u{1} https://h/x.read").to_string(), "a https://h/x.read");
        assert_eq!(["a b", "", "c "].into_iter().collect::<ScopeSet>().to_string(), "c");
    }

    #[test]
    fn granted_scopes_may_be_separated_by_commas() {
        assert_eq!(ScopeSet::parse_granted("repo,gist").to_string(), "repo gist");
        assert_eq!(ScopeSet::parse_granted("urn:a,b c").to_string(), "urn:a,b c");
        assert_eq!(ScopeSet::parse_granted(" read ").to_string(), "read");
    }
}
