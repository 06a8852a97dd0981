//! The supported protocol versions and their eras.

/// Newest first.
pub const MODERN: &[&str] = &["2026-07-28"];
/// Newest first.
pub const LEGACY: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// The two incompatible generations of the protocol (specification 2026-07-28, "Versioning": Terminology).
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

/// The version as a static string, and its era; `None` for an unsupported version.
pub fn known(version: &str) -> Option<(&'static str, Era)> {
    let find = |list: &'static [&'static str]| list.iter().copied().find(|v| *v == version);
    find(MODERN).map(|v| (v, Era::Modern)).or_else(|| find(LEGACY).map(|v| (v, Era::Legacy)))
}

/// The newest version of `ours` that is also in `theirs`. `ours` is sorted, newest first.
pub fn newest_common<'a>(ours: &[&'static str], theirs: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    ours.iter().copied().find(|version| theirs.clone().any(|t| t == *version))
}

/// All supported versions, newest first, as a list for error messages.
pub fn all() -> String {
    [MODERN, LEGACY].concat().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_selected() {
        let theirs = ["2024-11-05", "2025-06-18", "2099-01-01"];
        assert_eq!(newest_common(LEGACY, theirs.into_iter()), Some("2025-06-18"));
        assert_eq!(newest_common(MODERN, theirs.into_iter()), None);
    }

    #[test]
    fn known_versions_have_an_era() {
        assert_eq!(known("2026-07-28"), Some(("2026-07-28", Era::Modern)));
        assert_eq!(known("2024-11-05"), Some(("2024-11-05", Era::Legacy)));
        assert_eq!(known("2099-01-01"), None);
    }
}
