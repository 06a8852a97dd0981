//! The hosts to connect to without a proxy, by curl's rules for `no_proxy`.

use std::net::IpAddr;

use super::ip_network::IpNetwork;
use super::origin::without_brackets;

/// The list of one `no_proxy` variable.
#[derive(Clone, Debug, Default)]
pub struct NoProxy(Vec<NoProxyRule>);

#[derive(Clone, Debug)]
enum NoProxyRule {
    Every,
    /// A domain and its subdomains.
    Domain(String),
    Network(IpNetwork),
}

impl NoProxy {
    /// Parses a list. Its parts are separated by commas or spaces.
    pub fn parse(list: &str) -> NoProxy {
        // A single "*" means every host. In a list with other parts, it has no effect.
        if list.trim() == "*" {
            return NoProxy(vec![NoProxyRule::Every]);
        }
        NoProxy(list.split([',', ' ', '\t']).filter(|part| !part.is_empty()).map(NoProxyRule::parse).collect())
    }

    /// Whether `host` (lower case, an IPv6 address in brackets) is in the list.
    pub fn covers(&self, host: &str) -> bool {
        let name = without_brackets(host).trim_end_matches('.');
        let address = name.parse::<IpAddr>().ok();
        self.0.iter().any(|rule| match (rule, address) {
            (NoProxyRule::Every, _) => true,
            (NoProxyRule::Network(network), Some(address)) => network.contains(address),
            (NoProxyRule::Domain(domain), None) => is_in_domain(name, domain),
            _ => false,
        })
    }
}

impl NoProxyRule {
    fn parse(part: &str) -> NoProxyRule {
        let address = |text: &str| without_brackets(text).parse().ok();
        let network = match part.split_once('/') {
            Some((first, bits)) => address(first).zip(bits.parse().ok()).map(|(a, bits)| IpNetwork::new(a, bits)),
            None => address(part).map(IpNetwork::single),
        };
        let domain = || part.trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
        network.map_or_else(|| NoProxyRule::Domain(domain()), NoProxyRule::Network)
    }
}

/// Whether `name` is the domain or one of its subdomains.
fn is_in_domain(name: &str, domain: &str) -> bool {
    let prefix = name.strip_suffix(domain);
    !domain.is_empty() && prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_match_by_the_rules_of_curl() {
        let cases = [
            ("example.com", "example.com", true),
            ("example.com", "a.example.com", true),
            (".example.com", "example.com", true),
            ("Example.COM.", "a.example.com", true),
            ("example.com", "notexample.com", false),
            ("example.com", "example.com.evil", false),
            ("a b,,c", "b", true),
            ("a, c", "b", false),
            ("*", "anything", true),
            ("x,*", "anything", false),
            ("127.0.0.1/33", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.0/8", "127.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("::1", "[::1]", true),
            ("[::1]", "[::1]", true),
            ("fe80::/10", "[fe81::1]", true),
            ("fe80::/10", "[2001::1]", false),
            ("0.0.1", "127.0.0.1", false),
            ("", "a", false),
            (".", "a", false),
        ];
        for (list, host, covered) in cases {
            assert_eq!(NoProxy::parse(list).covers(host), covered, "{list:?} {host:?}");
        }
    }
}
