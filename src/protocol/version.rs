//! The protocol versions, and the two eras that they fall into.

/// Newest first.
pub const MODERN: &[&str] = &["2026-07-28"];
/// Newest first.
pub const LEGACY: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// How a server is spoken to (specification 2026-07-28, "Versioning": Terminology).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Up to 2025-11-25: an `initialize` handshake, sessions, `ping`.
    Legacy,
    /// From 2026-07-28: stateless, `_meta` on every request, `server/discover`.
    Modern,
}

impl Era {
    pub fn name(self) -> &'static str {
        match self {
            Era::Legacy => "legacy",
            Era::Modern => "modern",
        }
    }
}

/// The version as this library spells it, and its era; `None` for a version that it does not speak.
pub fn known(version: &str) -> Option<(&'static str, Era)> {
    let find = |list: &'static [&'static str]| list.iter().copied().find(|v| *v == version);
    find(MODERN).map(|v| (v, Era::Modern)).or_else(|| find(LEGACY).map(|v| (v, Era::Legacy)))
}

/// The newest version of `ours` that `theirs` names as well.
pub fn shared<'a>(ours: &[&'static str], theirs: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    ours.iter().copied().find(|version| theirs.clone().any(|t| t == *version))
}

/// For messages: all versions, newest first.
pub fn all() -> String {
    [MODERN, LEGACY].concat().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_shared_version_wins() {
        let theirs = ["2024-11-05", "2025-06-18", "2099-01-01"];
        assert_eq!(shared(LEGACY, theirs.into_iter()), Some("2025-06-18"));
        assert_eq!(shared(MODERN, theirs.into_iter()), None);
    }

    #[test]
    fn a_version_knows_its_era() {
        assert_eq!(known("2026-07-28"), Some(("2026-07-28", Era::Modern)));
        assert_eq!(known("2024-11-05"), Some(("2024-11-05", Era::Legacy)));
        assert_eq!(known("2099-01-01"), None);
    }
}
