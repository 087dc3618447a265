//! The address of the client, seen through the proxies that the operator trusts and no others.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

/// The other end of the TCP connection; the listener puts it into each request's extensions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer(pub SocketAddr);

/// The address that limits and logs go by; the edge layer puts it into each request's extensions.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientIp(pub IpAddr);

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The header in which the trusted proxies say whom they speak for. Only one is read: a proxy that writes one of
/// them passes a forged other one on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`, the usual one.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The networks whose word about the client is taken. The default trusts nobody.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardingHeader,
}

impl TrustedProxies {
    /// Trusts the networks given, which write `header`.
    pub fn new(networks: Vec<IpNet>, header: ForwardingHeader) -> Self {
        Self { networks, header }
    }

    /// Whether `address` is a trusted proxy.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The client behind `peer`: from the right, each trusted proxy's word is taken for the hop before it, until a hop
    /// is not trusted or does not name an address. What stands left of that was written by strangers.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientIp {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return ClientIp(client);
        }
        for hop in self.hops(headers) {
            let Some(address) = hop else {
                break;
            };
            client = address;
            if !self.contains(client) {
                break;
            }
        }
        ClientIp(client)
    }

    /// The hops from the right; `None` for one that cannot be read.
    fn hops<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = Option<IpAddr>> + use<'a> {
        let header = self.header;
        let name = match header {
            ForwardingHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ForwardingHeader::Forwarded => FORWARDED,
        };
        headers.get_all(name).iter().rev().flat_map(move |field| read_field(field, header))
    }
}

fn read_field(field: &HeaderValue, header: ForwardingHeader) -> Vec<Option<IpAddr>> {
    // Bytes that are no text spoil the hop that they stand in, not what a trusted proxy wrote behind it.
    let text = String::from_utf8_lossy(field.as_bytes());
    match header {
        ForwardingHeader::XForwardedFor => text.rsplit(',').map(parse_address).collect(),
        ForwardingHeader::Forwarded => split_from_right(&text, ',').map(parse_element).collect(),
    }
}

/// An address with or without a port, in brackets or not: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let bare = IpAddr::from_str(text).or_else(|_| SocketAddr::from_str(text).map(|address| address.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    bare.ok().or_else(bracketed).map(|address| address.to_canonical())
}

/// The address of `for=` in one element of `Forwarded` (RFC 7239 §4); obfuscated names and `unknown` are none, and so
/// is an element that names two.
fn parse_element(element: &str) -> Option<IpAddr> {
    let mut named = split_from_right(element, ';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim_matches([' ', '\t']).eq_ignore_ascii_case("for").then_some(value.trim_matches([' ', '\t']))
    });
    let (value, None) = (named.next()?, named.next()) else {
        return None;
    };
    let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    parse_address(unquoted)
}

/// Splits outside of quotes, starting at the right: the rightmost part is a trusted proxy's, and a quote that a stranger
/// left open further left cannot swallow it.
fn split_from_right(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.rsplit(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusting(networks: &[&str], header: ForwardingHeader) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect(), header)
    }

    fn client(proxies: &TrustedProxies, peer: &str, name: &'static str, fields: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(name, HeaderValue::from_bytes(field.as_bytes()).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let nobody = TrustedProxies::default();
        for header in ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"] {
            assert_eq!(client(&nobody, "127.0.0.1", header, &["203.0.113.9"]), "127.0.0.1");
        }
    }

    #[test]
    fn x_forwarded_for_is_walked_from_the_right() {
        let proxies = trusting(&["10.0.0.0/8", "2001:db8:1::/48"], ForwardingHeader::XForwardedFor);
        let garbage_bytes = "\u{e9}";
        let cases: &[(&str, &[&str], &str)] = &[
            ("203.0.113.1", &["1.1.1.1"], "203.0.113.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["1.1.1.1, not-an-address, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["1.1.1.1,"], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1, , 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["127.0.0.1, 203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            ("10.0.0.1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", "::ffff:10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", garbage_bytes], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1, \u{e9}, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["[127.0.0.1]"], "10.0.0.1"),
            ("10.0.0.1", &["0x7f.0.0.1"], "10.0.0.1"),
            ("10.0.0.1", &["2130706433"], "10.0.0.1"),
            ("10.0.0.1", &["127.0.0.1\"; drop"], "10.0.0.1"),
            ("10.0.0.1", &["\", 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["fe80::1%eth0"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("2001:db8:1::5", &["2001:db8:2::9"], "2001:db8:2::9"),
        ];
        for (peer, fields, expected) in cases {
            assert_eq!(client(&proxies, peer, "x-forwarded-for", fields), *expected, "{peer} {fields:?}");
        }
    }

    #[test]
    fn forwarded_is_walked_from_the_right() {
        let proxies = trusting(&["10.0.0.0/8"], ForwardingHeader::Forwarded);
        let cases: &[(&[&str], &str)] = &[
            (&["for=203.0.113.9"], "203.0.113.9"),
            (&["For=\"203.0.113.9:47011\";proto=https;by=10.0.0.1"], "203.0.113.9"),
            (&["for=1.1.1.1, for=203.0.113.9 ; proto=http"], "203.0.113.9"),
            (&["for=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=203.0.113.9, for=10.0.0.2"], "203.0.113.9"),
            (&["for=203.0.113.9", "for=10.0.0.2"], "203.0.113.9"),
            (&["for=203.0.113.9, for=unknown"], "10.0.0.1"),
            (&["for=203.0.113.9, for=_hidden"], "10.0.0.1"),
            (&["for=203.0.113.9, proto=http"], "10.0.0.1"),
            (&["for=203.0.113.9;for=1.1.1.1"], "10.0.0.1"),
            (&["for=\"1.1.1.1, for=203.0.113.9"], "203.0.113.9"),
            (&["for=\"1.1.1.1, for=\"[2001:db8::7]:80\""], "2001:db8::7"),
            (&["by=\"for=1.1.1.1\""], "10.0.0.1"),
            (&["for=\"\""], "10.0.0.1"),
            (&["for="], "10.0.0.1"),
            (&["203.0.113.9"], "10.0.0.1"),
        ];
        for (fields, expected) in cases {
            assert_eq!(client(&proxies, "10.0.0.1", "forwarded", fields), *expected, "{fields:?}");
        }
    }

    #[test]
    fn the_header_that_the_proxy_does_not_write_is_not_read() {
        let proxies = trusting(&["10.0.0.0/8"], ForwardingHeader::XForwardedFor);
        assert_eq!(client(&proxies, "10.0.0.1", "forwarded", &["for=1.1.1.1"]), "10.0.0.1");
        let proxies = trusting(&["10.0.0.0/8"], ForwardingHeader::Forwarded);
        assert_eq!(client(&proxies, "10.0.0.1", "x-forwarded-for", &["1.1.1.1"]), "10.0.0.1");
    }
}
