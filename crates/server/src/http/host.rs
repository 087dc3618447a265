//! The host that a request is for (RFC 9112 §3.2).

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Version};

/// Whether a request names its host as its version of HTTP asks for: HTTP/1.1 in one `Host` field. HTTP/1.0 need not say
/// it, and HTTP/2 says it in `:authority` (RFC 9113 §8.3.1).
pub fn is_named(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version != Version::HTTP_11,
        (Some(host), None) => is_host(host.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

/// A host with or without a port; or nothing, which is said for a target without one.
fn is_host(text: &[u8]) -> bool {
    text.is_empty() || (Authority::try_from(text).is_ok() && !text.contains(&b'@'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn named(version: Version, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        is_named(version, &headers)
    }

    #[test]
    fn the_host_is_named_once_where_the_version_asks_for_it() {
        for host in ["id.test", "id.test:8443", "127.0.0.1:80", "[::1]", "[::1]:8090", "a_b.test", ""] {
            assert!(named(Version::HTTP_11, &[host]), "{host}");
        }
        for host in ["a b", "a/b", "user@id.test", "id.test?x", "\u{e9}.test"] {
            assert!(!named(Version::HTTP_11, &[host]), "{host}");
        }
        for (version, alone) in [(Version::HTTP_10, true), (Version::HTTP_11, false), (Version::HTTP_2, true)]
        {
            assert_eq!(named(version, &[]), alone, "{version:?}");
            assert!(!named(version, &["id.test", "id.test"]), "{version:?}");
        }
    }
}
