//! From which address a request comes, where proxies stand in front.
//!
//! A proxy appends the address of who asked it to `X-Forwarded-For`; everything before that was written by
//! whoever asked. So the last address is believed if the connection itself comes from a proxy that is
//! trusted, the one before it if the last is such a proxy, and so on for as many proxies as there are. What
//! is no address is never skipped: it counts as the proxy that passed it on, so that no header makes a
//! caller look like many.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use platform::cidr::Cidr;

/// Where a proxy stands unless it is said: on this machine or in its own network.
const NEAR: [&str; 6] =
    ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"];

/// Which proxies are believed.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Where they stand.
    pub from: Vec<Cidr>,
    /// How many a request passes at most.
    pub hops: u8,
}

impl Default for Proxies {
    /// One proxy, on this machine or in a private network.
    fn default() -> Self {
        Self { from: NEAR.iter().filter_map(|range| range.parse().ok()).collect(), hops: 1 }
    }
}

impl Proxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.from.iter().any(|range| range.contains(address))
    }

    /// Who asked, when the connection comes from `direct`.
    pub(super) fn peer(&self, direct: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut peer = direct.to_canonical();
        let values = headers.get_all("x-forwarded-for");
        let mut told =
            values.iter().rev().flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for _ in 0..self.hops {
            if !self.trusts(peer) {
                break;
            }
            let Some(address) = told.next().and_then(address) else { break };
            peer = address;
        }
        peer
    }
}

/// One entry: an address, with or without a port; IPv6 with or without brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    let address: IpAddr = bare.parse().or_else(|_| with_port()).ok()?;
    // `[1.2.3.4]` is no way to write an address.
    (bare.len() == text.len() || address.is_ipv6()).then(|| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let value = |text: &&str| {
            ("x-forwarded-for".parse().unwrap(), HeaderValue::from_str(text).unwrap())
        };
        values.iter().map(value).collect()
    }

    fn two() -> Proxies {
        let from = vec!["10.0.0.0/24".parse().unwrap(), "203.0.113.7".parse().unwrap()];
        Proxies { from, hops: 2 }
    }

    #[test]
    fn entries_are_read_as_proxies_write_them() {
        for (text, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            ("\t1.2.3.4 ", Some("1.2.3.4")),
            ("1.2.3.4:5678", Some("1.2.3.4")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("[::ffff:1.2.3.4]:80", Some("1.2.3.4")),
            ("", None),
            ("unknown", None),
            ("_hidden", None),
            ("[1.2.3.4]", None),
            ("1.2.3", None),
            ("01.2.3.4", None),
            ("1.2.3.4:", None),
            ("1.2.3.4:99999", None),
            ("2001:db8::1]", None),
            ("\"1.2.3.4\"", None),
            ("for=1.2.3.4", None),
            ("fe80::1%eth0", None),
        ] {
            assert_eq!(address(text.as_bytes()), expected.map(ip), "{text:?}");
        }
        assert_eq!(address(b"1.2.3.4\xff"), None);
    }

    #[test]
    fn as_many_are_believed_as_there_are_and_no_more() {
        let peer = |proxies: &Proxies, direct: &str, values: &[&str]| {
            proxies.peer(ip(direct), &headers(values)).to_string()
        };
        let one = Proxies::default();
        assert_eq!(peer(&one, "127.0.0.1", &["7.7.7.7, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(
            peer(&one, "127.0.0.1", &["7.7.7.7", "1.2.3.4"]),
            "1.2.3.4",
            "the last header counts"
        );
        assert_eq!(
            peer(&one, "127.0.0.1", &["7.7.7.7, 10.0.0.9"]),
            "10.0.0.9",
            "no further than one proxy"
        );
        assert_eq!(peer(&one, "::ffff:172.17.0.1", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(
            peer(&one, "8.8.8.8", &["1.2.3.4"]),
            "8.8.8.8",
            "nobody has to believe a stranger"
        );
        assert_eq!(peer(&one, "127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(peer(&one, "127.0.0.1", &["1.2.3.4, nonsense"]), "127.0.0.1");
        assert_eq!(peer(&one, "127.0.0.1", &["1.2.3.4", ""]), "127.0.0.1");
        assert_eq!(peer(&two(), "10.0.0.2", &["9.9.9.9, 1.2.3.4, 203.0.113.7"]), "1.2.3.4");
        assert_eq!(
            peer(&two(), "10.0.0.2", &["9.9.9.9, 1.2.3.4"]),
            "1.2.3.4",
            "straight to the second"
        );
        assert_eq!(peer(&two(), "10.0.0.2", &["9.9.9.9, x, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(peer(&two(), "127.0.0.1", &["1.2.3.4"]), "127.0.0.1", "another is not believed");
    }

    /// Anything somebody may send.
    fn sent() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let part = prop_oneof![
            Just(b"1.1.1.1".to_vec()),
            Just(b"10.0.0.2".to_vec()),
            Just(b"203.0.113.7".to_vec()),
            Just(b"127.0.0.1".to_vec()),
            Just(b"[2001:db8::1]:443".to_vec()),
            Just(b"unknown".to_vec()),
            any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from(bits).to_string().into_bytes()),
            any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from(bits).to_string().into_bytes()),
            prop::collection::vec(0x20u8..=0xff, 0..12)
                .prop_map(|bytes| bytes.into_iter().filter(|byte| *byte != 0x7f).collect()),
        ];
        let header = prop::collection::vec(part, 0..5).prop_map(|parts| parts.join(&b", "[..]));
        prop::collection::vec(header, 0..4)
    }

    fn map(sent: &[Vec<u8>]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in sent {
            map.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
            map.append("forwarded", HeaderValue::from_bytes(value).unwrap());
            map.append("x-real-ip", HeaderValue::from_bytes(value).unwrap());
        }
        map
    }

    /// What a proxy makes of what it was sent by `from`: a line of its own, or the end of the last one.
    fn passed_on(mut sent: Vec<Vec<u8>>, from: IpAddr, own_line: bool) -> Vec<Vec<u8>> {
        let own = from.to_string().into_bytes();
        match sent.last_mut().filter(|_| !own_line) {
            Some(last) => last.extend([b", ".as_slice(), &own].concat()),
            None => sent.push(own),
        }
        sent
    }

    proptest! {
        /// Whatever somebody sends, through no proxy, one, or two: they are seen as who they are.
        #[test]
        fn no_header_makes_one_caller_look_like_another(
            sent in sent(), own: u32, own_lines: (bool, bool),
        ) {
            let own = IpAddr::V4(own.into());
            let (inner, outer) = (ip("10.0.0.2"), ip("203.0.113.7"));
            prop_assume!(!two().trusts(own) && !Proxies::default().trusts(own));
            prop_assert_eq!(Proxies::default().peer(own, &map(&sent)), own);
            prop_assert_eq!(two().peer(own, &map(&sent)), own);
            let once = passed_on(sent, own, own_lines.0);
            prop_assert_eq!(Proxies::default().peer(inner, &map(&once)), own);
            prop_assert_eq!(two().peer(inner, &map(&once)), own);
            let twice = passed_on(once, outer, own_lines.1);
            prop_assert_eq!(two().peer(inner, &map(&twice)), own);
        }

        /// Also somebody whose address is one of a proxy's network, with one proxy.
        #[test]
        fn nor_one_who_stands_beside_the_proxy(sent in sent(), own in 0x0a00_0000u32..=0x0aff_ffff, own_line: bool) {
            let own = IpAddr::V4(own.into());
            let once = passed_on(sent, own, own_line);
            prop_assert_eq!(Proxies::default().peer(ip("127.0.0.1"), &map(&once)), own);
        }
    }
}
