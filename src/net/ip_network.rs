//! Networks: ranges of IP addresses with a common prefix (RFC 4632, RFC 4291).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses whose first bits are the same.
#[derive(Clone, Copy, Debug)]
pub struct IpNetwork {
    first: IpAddr,
    bits: u32,
}

impl IpNetwork {
    /// The network of the addresses that have the first `bits` bits of `first`.
    pub const fn new(first: IpAddr, bits: u32) -> IpNetwork {
        IpNetwork { first, bits }
    }

    pub const fn v4(octets: [u8; 4], bits: u32) -> IpNetwork {
        let [a, b, c, d] = octets;
        IpNetwork::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits)
    }

    pub const fn v6(segments: [u16; 8], bits: u32) -> IpNetwork {
        let [a, b, c, d, e, f, g, h] = segments;
        IpNetwork::new(IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), bits)
    }

    /// The network of one address.
    pub const fn single(address: IpAddr) -> IpNetwork {
        let bits = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        IpNetwork::new(address, bits)
    }

    /// Whether `address` is in this network. False if it has fewer bits than the prefix.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.bits,
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.bits,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_the_addresses_with_their_prefix() {
        let contains = |network: IpNetwork, address: &str| network.contains(address.parse().unwrap());
        let private = IpNetwork::v4([172, 16, 0, 0], 12);
        assert!(contains(private, "172.16.0.0") && contains(private, "172.31.255.255"));
        assert!(!contains(private, "172.15.255.255") && !contains(private, "172.32.0.0"));
        assert!(!contains(private, "::ffff:172.16.0.0"));
        let one = IpNetwork::single("::1".parse().unwrap());
        assert!(contains(one, "::1") && !contains(one, "::"));
        assert!(contains(IpNetwork::v6([0; 8], 0), "ff02::1") && !contains(IpNetwork::v6([0; 8], 0), "1.1.1.1"));
    }
}
