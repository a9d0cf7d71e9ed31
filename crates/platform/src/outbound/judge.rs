//! Which addresses a request of this program may go to.
//!
//! Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `address` is a place of the public Internet: none of this machine, of a private network, or of a
/// kind that only means such a one. IPv6 forms that carry an IPv4 address in them are no places of their
/// own and are refused whatever they carry, but the mapped form, which is judged as what it is.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        // This network, private, loopback; multicast, reserved and broadcast.
        (0 | 10 | 127 | 224..=255, _, _) => true,
        // Shared between a provider and its customers (CGNAT).
        (100, 64..=127, _) => true,
        // Link-local: where clouds tell secrets.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments; documentation; 6to4 relays.
        (192, 0, 0 | 2) | (192, 88, 99) => true,
        // Benchmarks; documentation.
        (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Global unicast. Outside lie loopback, compatible (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48), SRv6,
    // unique local, link-local, site-local and multicast.
    let is_global = a & 0xe000 == 0x2000;
    let is_special = match (a, b) {
        // Protocol assignments: Teredo, benchmarks, ORCHID and others; documentation.
        (0x2001, 0..=0x01ff | 0x0db8) => true,
        // 6to4.
        (0x2002, _) => true,
        // Documentation.
        (0x3fff, 0..=0x0fff) => true,
        _ => false,
    };
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cidr::Cidr;
    use proptest::prelude::*;

    const SPECIAL: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];

    #[test]
    fn the_table() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "2001::1",
            "2001:0:53aa:64c:0:0:8080:8080",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:0808:0808::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text} is no public place");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2606:4700::1111",
            "2400:3200::1",
            "2001:200::1",
            "3ffe::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text} is a public place");
        }
    }

    proptest! {
        #[test]
        fn nothing_special_is_public(range in prop::sample::select(SPECIAL), low: u128) {
            let (net, bits) = range.split_once('/').unwrap();
            let bits: u32 = bits.parse().unwrap();
            let inside: IpAddr = match net.parse().unwrap() {
                IpAddr::V4(net) => {
                    let host = (low as u32).checked_shr(bits).unwrap_or(0);
                    Ipv4Addr::from_bits(net.to_bits() | host).into()
                }
                IpAddr::V6(net) => {
                    let host = low.checked_shr(bits).unwrap_or(0);
                    Ipv6Addr::from_bits(net.to_bits() | host).into()
                }
            };
            prop_assert!(range.parse::<Cidr>().unwrap().contains(inside) || net == "::");
            prop_assert!(!is_public(inside), "{}", inside);
        }

        #[test]
        fn a_mapped_address_is_what_it_carries(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(is_public(plain.to_ipv6_mapped().into()), is_public(plain.into()));
        }

        #[test]
        fn no_form_carries_an_address_past_the_judge(bits: u32) {
            let [a, b, c, d] = Ipv4Addr::from_bits(bits).octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for form in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, 0x53aa, 0x64c, 0, 0, !high, !low),
            ] {
                prop_assert!(!is_public(form.into()), "{}", form);
            }
        }
    }
}
