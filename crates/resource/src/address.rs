//! Which addresses are asked, and where the well-known documents are.

use url::{Host, Url};

/// Whether `http` is good enough for more than the machine itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Plain {
    /// `http` only for loopback addresses: nobody can listen on the way.
    #[default]
    Loopback,
    /// `http` for every host, by the explicit wish of whoever built the verifier.
    Everywhere,
}

impl Plain {
    /// Whether this address may be asked: `https`, or `http` where that is allowed. Never with a user name or a password.
    pub(crate) fn allows(self, address: &Url) -> bool {
        let scheme = match address.scheme() {
            "https" => true,
            "http" => self == Self::Everywhere || is_loopback(address),
            _ => false,
        };
        scheme && address.has_host() && address.username().is_empty() && address.password().is_none()
    }
}

/// Whether the host is this machine: `localhost`, `127.0.0.0/8` or `::1`.
pub(crate) fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Puts a well-known name between host and path (RFC 8414 §3.1, RFC 9728 §3.1).
pub(crate) fn inserted(identifier: &Url, name: &str) -> Url {
    let mut address = identifier.clone();
    address.set_path(&format!("/.well-known/{name}{}", identifier.path().trim_end_matches('/')));
    address
}

/// Puts a well-known name behind the path (OpenID Connect Discovery 1.0 §4).
pub(crate) fn appended(identifier: &Url, name: &str) -> Url {
    let mut address = identifier.clone();
    address.set_path(&format!("{}/.well-known/{name}", identifier.path().trim_end_matches('/')));
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn plain_http_is_for_this_machine_unless_it_was_asked_for() {
        let table = [
            ("https://id.example", true, true),
            ("http://id.example", false, true),
            ("http://localhost:8090", true, true),
            ("http://127.0.0.1:1", true, true),
            ("http://127.9.9.9", true, true),
            ("http://[::1]:1", true, true),
            ("http://localhost.evil.example", false, true),
            ("http://127.0.0.1.evil.example", false, true),
            ("http://0.0.0.0", false, true),
            ("http://10.0.0.1", false, true),
            ("file:///etc/passwd", false, false),
            ("data:application/json,{}", false, false),
            ("ftp://id.example", false, false),
            ("https://user@id.example", false, false),
            ("https://user:word@id.example", false, false),
        ];
        for (address, by_default, by_wish) in table {
            assert_eq!(Plain::Loopback.allows(&url(address)), by_default, "{address}");
            assert_eq!(Plain::Everywhere.allows(&url(address)), by_wish, "{address}");
        }
    }

    #[test]
    fn well_known_names_go_where_each_standard_puts_them() {
        let table = [
            ("https://id.example", "https://id.example/.well-known/x", "https://id.example/.well-known/x"),
            ("https://id.example/", "https://id.example/.well-known/x", "https://id.example/.well-known/x"),
            (
                "https://id.example/a/b",
                "https://id.example/.well-known/x/a/b",
                "https://id.example/a/b/.well-known/x",
            ),
            (
                "https://id.example/a/",
                "https://id.example/.well-known/x/a",
                "https://id.example/a/.well-known/x",
            ),
        ];
        for (identifier, between, behind) in table {
            assert_eq!(inserted(&url(identifier), "x").as_str(), between);
            assert_eq!(appended(&url(identifier), "x").as_str(), behind);
        }
    }
}
