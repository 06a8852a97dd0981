//! The scope of IP addresses: public, or of a network or machine that only some hosts can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ip_network::IpNetwork;
use super::origin::{is_localhost, without_brackets};

/// From where an address can be reached. The first variant is the most public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressScope {
    /// From the Internet.
    Global,
    /// From a site, such as a company's network.
    Private,
    /// From one link. Includes the metadata services of cloud providers, which hand out credentials of a machine.
    LinkLocal,
    /// From this machine.
    Loopback,
    /// Not the address of a host: multicast, documentation, or reserved for other purposes.
    Reserved,
}

/// The scopes of special IPv4 networks (IANA IPv4 Special-Purpose Address Registry). The first match counts. All other
/// addresses are global.
const IPV4: [(IpNetwork, AddressScope); 19] = [
    // The metadata services of Alibaba Cloud and Azure.
    (IpNetwork::v4([100, 100, 100, 200], 32), AddressScope::LinkLocal),
    (IpNetwork::v4([168, 63, 129, 16], 32), AddressScope::LinkLocal),
    // The unspecified address: systems connect it to this machine. The others are "this network".
    (IpNetwork::v4([0, 0, 0, 0], 32), AddressScope::Loopback),
    (IpNetwork::v4([0, 0, 0, 0], 8), AddressScope::Reserved),
    (IpNetwork::v4([10, 0, 0, 0], 8), AddressScope::Private),
    // Shared address space (RFC 6598): carriers, and virtual networks such as Tailscale.
    (IpNetwork::v4([100, 64, 0, 0], 10), AddressScope::Private),
    (IpNetwork::v4([127, 0, 0, 0], 8), AddressScope::Loopback),
    (IpNetwork::v4([169, 254, 0, 0], 16), AddressScope::LinkLocal),
    (IpNetwork::v4([172, 16, 0, 0], 12), AddressScope::Private),
    // IETF protocol assignments.
    (IpNetwork::v4([192, 0, 0, 0], 24), AddressScope::Reserved),
    // Documentation.
    (IpNetwork::v4([192, 0, 2, 0], 24), AddressScope::Reserved),
    // 6to4 relays, deprecated.
    (IpNetwork::v4([192, 88, 99, 0], 24), AddressScope::Reserved),
    (IpNetwork::v4([192, 168, 0, 0], 16), AddressScope::Private),
    // Benchmarking. Some local proxies use these addresses for all names, also for the MCP server's ("fake IP"). They
    // are not private: otherwise, every server behind such a proxy could name private addresses.
    (IpNetwork::v4([198, 18, 0, 0], 15), AddressScope::Reserved),
    // Documentation.
    (IpNetwork::v4([198, 51, 100, 0], 24), AddressScope::Reserved),
    (IpNetwork::v4([203, 0, 113, 0], 24), AddressScope::Reserved),
    // Multicast.
    (IpNetwork::v4([224, 0, 0, 0], 4), AddressScope::Reserved),
    // Reserved for future use, and broadcast.
    (IpNetwork::v4([240, 0, 0, 0], 4), AddressScope::Reserved),
    (IpNetwork::v4([0, 0, 0, 0], 0), AddressScope::Global),
];

/// The scopes of special IPv6 networks (IANA IPv6 Special-Purpose Address Registry). The first match counts. All other
/// addresses are reserved: global unicast addresses begin with 2000::/3.
const IPV6: [(IpNetwork, AddressScope); 15] = [
    // The metadata services of AWS, Google Cloud and Scaleway.
    (IpNetwork::v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), AddressScope::LinkLocal),
    (IpNetwork::v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), AddressScope::LinkLocal),
    (IpNetwork::v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128), AddressScope::LinkLocal),
    (IpNetwork::v6([0, 0, 0, 0, 0, 0, 0, 1], 128), AddressScope::Loopback),
    // The unspecified address.
    (IpNetwork::v6([0, 0, 0, 0, 0, 0, 0, 0], 128), AddressScope::Loopback),
    // NAT64 with a local prefix (RFC 8215): the position of the IPv4 address in it depends on the network.
    (IpNetwork::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), AddressScope::Private),
    // IETF protocol assignments, such as Teredo, benchmarking and ORCHID.
    (IpNetwork::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), AddressScope::Reserved),
    // Documentation.
    (IpNetwork::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), AddressScope::Reserved),
    (IpNetwork::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), AddressScope::Reserved),
    // Unique local addresses.
    (IpNetwork::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), AddressScope::Private),
    (IpNetwork::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), AddressScope::LinkLocal),
    // Site-local addresses, deprecated.
    (IpNetwork::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), AddressScope::Private),
    // Multicast.
    (IpNetwork::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), AddressScope::Reserved),
    (IpNetwork::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3), AddressScope::Global),
    (IpNetwork::v6([0, 0, 0, 0, 0, 0, 0, 0], 0), AddressScope::Reserved),
];

impl AddressScope {
    pub fn of(address: IpAddr) -> AddressScope {
        let networks = match address {
            IpAddr::V4(_) => &IPV4[..],
            IpAddr::V6(v6) => match embedded_ipv4(v6) {
                Some(v4) => return AddressScope::of(v4.into()),
                None => &IPV6[..],
            },
        };
        let matching = networks.iter().find(|(network, _)| network.contains(address));
        // The last network of each table contains all addresses.
        matching.map_or(AddressScope::Reserved, |(_, scope)| *scope)
    }

    /// The scope of a host that is an IP address or a name of this machine; `None` for other names.
    pub fn of_host(host: &str) -> Option<AddressScope> {
        let bare = without_brackets(host);
        if is_localhost(bare) {
            return Some(AddressScope::Loopback);
        }
        bare.parse().ok().map(AddressScope::of)
    }

    /// The scope in words, for error messages.
    pub fn name(self) -> &'static str {
        match self {
            AddressScope::Global => "public",
            AddressScope::Private => "private",
            AddressScope::LinkLocal => "link-local",
            AddressScope::Loopback => "loopback",
            AddressScope::Reserved => "reserved",
        }
    }
}

/// The IPv4 address to which packets for `address` are translated or tunnelled.
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [first, second] = match address.segments() {
        // IPv4-mapped (RFC 4291, section 2.5.5.2).
        [0, 0, 0, 0, 0, 0xffff, high, low] => [high, low],
        // IPv4-translated (RFC 2765, section 2.1).
        [0, 0, 0, 0, 0xffff, 0, high, low] => [high, low],
        // NAT64 with the well-known prefix (RFC 6052, section 2.1).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => [high, low],
        // 6to4 (RFC 3056, section 2).
        [0x2002, high, low, ..] => [high, low],
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(first) << 16 | u32::from(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(AddressScope, &[&str])] = &[
        (
            AddressScope::Global,
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.0",
                "192.0.3.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "203.0.112.255",
                "203.0.114.0",
                "223.255.255.255",
                "2000::1",
                "2001:200::1",
                "2001:db7:ffff::1",
                "2001:db9::1",
                "2606:4700:4700::1111",
                "3ffe:ffff::1",
                "3fff:1000::1",
                "::ffff:8.8.8.8",
                "64:ff9b::8.8.8.8",
                "2002:808:808::1",
            ],
        ),
        (
            AddressScope::Private,
            &[
                "10.0.0.0",
                "10.255.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "fc00::",
                "fd12:3456::1",
                "fdff:ffff::1",
                "fec0::1",
                "feff::1",
                "64:ff9b:1::1",
                "64:ff9b:1:a00:0:100::",
                "::ffff:10.0.0.1",
                "::ffff:192.168.1.1",
                "::ffff:0:10.0.0.1",
                "64:ff9b::10.0.0.1",
                "64:ff9b::192.168.0.1",
                "2002:a00:1::1",
                "2002:c0a8:101::1",
            ],
        ),
        (
            AddressScope::LinkLocal,
            &[
                "169.254.0.0",
                "169.254.169.254",
                "169.254.255.255",
                "100.100.100.200",
                "168.63.129.16",
                "fe80::1",
                "febf:ffff::1",
                "fd00:ec2::254",
                "fd20:ce::254",
                "fd00:42::42",
                "::ffff:169.254.169.254",
                "::ffff:0:169.254.169.254",
                "64:ff9b::169.254.169.254",
                "2002:a9fe:a9fe::1",
            ],
        ),
        (
            AddressScope::Loopback,
            &[
                "127.0.0.1",
                "127.0.0.0",
                "127.255.255.255",
                "::1",
                "::ffff:127.0.0.1",
                "0.0.0.0",
                "::",
                "::ffff:0.0.0.0",
                "64:ff9b::0.0.0.0",
                "64:ff9b::127.0.0.1",
                "2002:7f00:1::1",
            ],
        ),
        (
            AddressScope::Reserved,
            &[
                "0.0.0.1",
                "0.255.255.255",
                "192.0.0.0",
                "192.0.0.192",
                "192.0.2.1",
                "192.88.99.1",
                "198.18.0.0",
                "198.19.255.255",
                "198.51.100.255",
                "203.0.113.0",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.0",
                "255.255.255.255",
                "::2",
                // IPv4-compatible, deprecated (RFC 4291, section 2.5.5.1).
                "::10.0.0.1",
                "::8.8.8.8",
                "64:ff9b:2::1",
                "100::1",
                "1fff::1",
                "2001::1",
                "2001:2::1",
                "2001:20::1",
                "2001:1ff:ffff::1",
                "2001:db8::1",
                "2001:db8:ffff::1",
                "3fff::1",
                "3fff:fff:ffff::1",
                "4000::1",
                "5f00::1",
                "fe00::1",
                "ff02::1",
                "ffff::1",
                "::ffff:255.255.255.255",
                "2002:e000:1::1",
            ],
        ),
    ];

    #[test]
    fn addresses_have_the_scope_of_their_network() {
        for (scope, addresses) in CASES {
            for address in *addresses {
                assert_eq!(AddressScope::of(address.parse().unwrap()), *scope, "{address}");
            }
        }
    }

    #[test]
    fn only_addresses_and_names_of_this_machine_have_a_scope_without_a_lookup() {
        let cases = [
            ("10.0.0.1", Some(AddressScope::Private)),
            ("[fe80::1]", Some(AddressScope::LinkLocal)),
            ("localhost", Some(AddressScope::Loopback)),
            ("as.localhost.", Some(AddressScope::Loopback)),
            ("as.example", None),
            ("10.0.0.1.example", None),
        ];
        for (host, scope) in cases {
            assert_eq!(AddressScope::of_host(host), scope, "{host}");
        }
    }
}
