//! The resources for whose updates a listener waits.

/// URIs in ascending order: a search does not compare all of them.
pub struct SubscribedUris<'a>(Vec<&'a str>);

impl<'a> SubscribedUris<'a> {
    pub fn new(uris: &'a [String]) -> SubscribedUris<'a> {
        let mut sorted: Vec<&str> = uris.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        SubscribedUris(sorted)
    }

    /// Whether `uri` is one of the resources, or a part of one: servers may report changes of parts.
    pub fn contains(&self, uri: &str) -> bool {
        // All URIs here that are prefixes of `uri` are prefixes of `limit`.
        let mut limit = uri.as_bytes();
        loop {
            let end = self.0.partition_point(|subscribed| subscribed.as_bytes() <= limit);
            let Some(nearest) = end.checked_sub(1).map(|at| self.0[at]) else { return false };
            // Between a prefix of `limit` and `limit` are only texts that begin with this prefix.
            let common = nearest.bytes().zip(limit).take_while(|(a, b)| a == *b).count();
            limit = &limit[..common];
            if common == nearest.len() {
                if is_part_of(uri, nearest) {
                    return true;
                }
                let Some(shorter) = common.checked_sub(1) else { return false };
                limit = &limit[..shorter];
            }
        }
    }
}

fn is_part_of(uri: &str, subscribed: &str) -> bool {
    uri.strip_prefix(subscribed)
        .is_some_and(|rest| rest.is_empty() || subscribed.ends_with('/') || rest.starts_with(['/', '#', '?']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_resource_contains_its_parts() {
        let uris = ["file:///a", "file:///b/", "file:///a-c"].map(String::from);
        let subscribed = SubscribedUris::new(&uris);
        for part in
            ["file:///a", "file:///a/x", "file:///a?x", "file:///a#x", "file:///b/", "file:///b/x", "file:///a-c"]
        {
            assert!(subscribed.contains(part), "{part}");
        }
        for other in ["", "file:///", "file:///ab", "file:///b", "file:///a-", "file:///a-d", "g"] {
            assert!(!subscribed.contains(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn the_search_equals_a_comparison_with_each_uri(
            uris in prop::collection::vec("[ab/é#]{0,5}", 0..12),
            uri in "[ab/é#]{0,7}",
        ) {
            let expected = uris.iter().any(|subscribed| is_part_of(&uri, subscribed));
            prop_assert_eq!(SubscribedUris::new(&uris).contains(&uri), expected);
        }
    }
}
