//! `[server]`: where to listen, under which name, and how much to take from one client.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use ayb_protocol::time::Seconds;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

use super::error::Findings;
use super::key::{Fallback, Key, Section};
use super::value::{Form, Kind, PATH};

/// The longest time any key takes: ten years.
pub(super) const LONGEST_SECONDS: i64 = 315_360_000;

/// Where the server listens, its public name, and its limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// The address to listen on.
    #[serde(deserialize_with = "listen_address")]
    pub host: IpAddr,
    /// The port to listen on.
    pub port: u16,
    /// The issuer: an origin such as `https://id.example.com`, without a slash at the end.
    #[serde(deserialize_with = "origin_of_text")]
    pub public_url: String,
    /// Where the embedded database and the server's own files live.
    pub data_dir: PathBuf,
    /// Origins that may read answers in browsers: `*` or bare origins.
    pub cors_allowed_origins: Vec<String>,
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// How long a client may take to send the head of a request.
    pub header_timeout_seconds: Seconds,
    /// How long a request may take, its body included, which must be here after nine tenths of it.
    pub request_timeout_seconds: Seconds,
    /// How many connections are served at the same time.
    pub max_connections: usize,
    /// How long requests in progress may go on when the server stops.
    pub shutdown_timeout: Seconds,
    /// Networks of proxies whose word on the client's address is taken.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// PEM file with the certificate chain; there is one exactly when there is a key file.
    pub tls_cert_file: Option<PathBuf>,
    /// PEM file with the private key.
    pub tls_key_file: Option<PathBuf>,
    /// PEM file with certificate authorities trusted for requests that the server sends.
    pub outbound_ca_file: Option<PathBuf>,
    /// Hosts, in lower case, that requests of the server may reach although their addresses are private.
    pub outbound_allowed_private_hosts: Vec<String>,
}

impl ServerConfig {
    pub(super) const SECTION: Section = Section {
        name: "server",
        doc: "Where the server listens, under which name it is known, and its limits.",
        keys: KEYS,
    };

    /// Whether the server listens for connections from this machine only.
    pub fn listens_on_loopback(&self) -> bool {
        self.host.is_loopback()
    }

    /// Whether the server is for this machine only, by the address it listens on and by the one it is known under: one
    /// that listens on loopback behind a proxy is not.
    pub fn is_for_this_machine(&self) -> bool {
        self.listens_on_loopback() && Url::parse(&self.public_url).is_ok_and(|url| is_this_machine(&url))
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        if self.tls_cert_file.is_some() != self.tls_key_file.is_some() {
            let missing =
                if self.tls_cert_file.is_none() { "server.tls_cert_file" } else { "server.tls_key_file" };
            findings.add(
                missing,
                "is missing: TLS needs the certificate and the key",
                "set both files or neither",
            );
        }
    }
}

const KEYS: &[Key] = &[
    Key::open(
        "server.host",
        Kind::Text(&ADDRESS),
        Fallback::Fixed("127.0.0.1"),
        "Address to listen on. `0.0.0.0` or `::` listens on every network of the machine.",
    ),
    Key::open(
        "server.port",
        Kind::Number { least: 1, most: 65535 },
        Fallback::Fixed("8090"),
        "Port to listen on.",
    ),
    Key::open(
        "server.public_url",
        Kind::Text(&PUBLIC_URL),
        Fallback::Derived("http://localhost:<server.port>"),
        "The address under which browsers and clients reach the server. It is the issuer in every token, so it must \
         not change later. https, except for this machine; no path.",
    ),
    Key::open(
        "server.data_dir",
        Kind::Text(&PATH),
        Fallback::Fixed("./ayb-data"),
        "Folder of the embedded database and of files that the server makes. `AYB_DATA_DIR` and `--data-dir` set it too.",
    ),
    Key::open(
        "server.cors_allowed_origins",
        Kind::List(&CORS_ORIGIN),
        Fallback::Fixed("*"),
        "Origins whose pages may call the API from a browser: `*` for all, or origins such as https://app.example.com.",
    ),
    Key::open(
        "server.body_limit",
        Kind::Bytes { least: 1024, most: 67_108_864 },
        Fallback::Fixed("1048576"),
        "Largest request body that is read.",
    ),
    Key::open(
        "server.header_timeout_seconds",
        Kind::Seconds { least: 1, most: 300 },
        Fallback::Fixed("10"),
        "Time that a client has to send the head of a request.",
    ),
    Key::open(
        "server.request_timeout_seconds",
        Kind::Seconds { least: 1, most: 3600 },
        Fallback::Fixed("30"),
        "Time after which a request is given up. Its body must be here after nine tenths of it.",
    ),
    Key::open(
        "server.max_connections",
        Kind::Number { least: 1, most: 1_000_000 },
        Fallback::Fixed("4096"),
        "Connections that are served at the same time; further ones are closed at once.",
    ),
    Key::open(
        "server.shutdown_timeout",
        Kind::Seconds { least: 1, most: 3600 },
        Fallback::Fixed("10"),
        "Time that requests in progress get to finish when the server stops.",
    ),
    Key::open(
        "server.trusted_proxies",
        Kind::List(&NETWORK),
        Fallback::Fixed(""),
        "Addresses or networks (CIDR) of reverse proxies. Only they may say on whose behalf they ask.",
    ),
    Key::open(
        "server.tls_cert_file",
        Kind::Text(&PATH),
        Fallback::Unset,
        "PEM file with the certificate chain. With `server.tls_key_file` the server speaks TLS itself.",
    ),
    Key::open(
        "server.tls_key_file",
        Kind::Text(&PATH),
        Fallback::Unset,
        "PEM file with the private key of the certificate.",
    ),
    Key::open(
        "server.outbound_ca_file",
        Kind::Text(&PATH),
        Fallback::Unset,
        "PEM file with certificate authorities to trust, besides the usual ones, in requests that the server sends.",
    ),
    Key::open(
        "server.outbound_allowed_private_hosts",
        Kind::List(&HOST),
        Fallback::Fixed(""),
        "Hosts that requests of the server may reach although their addresses are private. For tests and closed networks.",
    ),
];

static ADDRESS: Form = Form {
    name: "IP address",
    check: |text| {
        parse_address(text).map(|_| ()).ok_or("must be an IP address such as 127.0.0.1, 0.0.0.0 or ::")
    },
};
static PUBLIC_URL: Form = Form { name: "URL", check: |text| parse_origin(text).map(|_| ()) };
static CORS_ORIGIN: Form = Form { name: "origin", check: check_cors_origin };
static NETWORK: Form = Form { name: "network", check: |text| parse_network(text).map(|_| ()) };
static HOST: Form = Form { name: "host", check: check_host };

fn parse_address(text: &str) -> Option<IpAddr> {
    if text == "localhost" {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    text.parse().ok()
}

/// Reads the issuer: an https origin, or an http one on this machine (RFC 8414 §2, RFC 9700 §2.6).
fn parse_origin(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "must be a URL such as https://id.example.com")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a query or a fragment");
    }
    if url.path() != "/" {
        return Err("must not contain a path: give the server a host name of its own");
    }
    if url.scheme() == "http" && !is_this_machine(&url) {
        return Err("must begin with https://; http is for localhost only");
    }
    Ok(url.origin().ascii_serialization())
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn check_cors_origin(text: &str) -> Result<(), &'static str> {
    let error =
        Err("must hold `*` or origins such as https://app.example.com, without a path or a slash at the end");
    if text == "*" {
        return Ok(());
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text => {
            Ok(())
        }
        _ => error,
    }
}

fn parse_network(text: &str) -> Result<IpNet, &'static str> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| "must hold addresses or networks such as 10.0.0.0/8")?;
    if network.prefix_len() == 0 {
        return Err("must not trust every address: anybody could then claim any address");
    }
    Ok(network)
}

fn check_host(text: &str) -> Result<(), &'static str> {
    Host::parse(text).map(|_| ()).map_err(|_| "must hold host names or IP addresses, without scheme and port")
}

fn listen_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_address(&text).ok_or_else(|| serde::de::Error::custom("not an address"))
}

fn origin_of_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    parse_origin(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| parse_network(text).map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_is_an_https_origin_or_this_machine() {
        for (text, origin) in [
            ("https://id.example.com", "https://id.example.com"),
            ("https://ID.example.com:443/", "https://id.example.com"),
            ("http://localhost:8090", "http://localhost:8090"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
            ("http://[::1]:8090/", "http://[::1]:8090"),
            ("http://shop.localhost:8090", "http://shop.localhost:8090"),
        ] {
            assert_eq!(parse_origin(text), Ok(origin.to_owned()), "{text}");
        }
    }

    #[test]
    fn hostile_public_urls_are_refused() {
        for text in [
            "",
            "id.example.com",
            "//id.example.com",
            "http://id.example.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "https://id.example.com/path",
            "https://id.example.com?x=1",
            "https://id.example.com#x",
            "https://user@id.example.com",
            "https://:pw@id.example.com",
            "javascript:alert(1)",
            "ftp://id.example.com",
            "http://10.0.0.1:8090",
            "http://0.0.0.0:8090",
        ] {
            assert!(parse_origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn trusting_every_address_is_refused() {
        for text in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "example.com", "10.0.0"] {
            assert!(parse_network(text).is_err(), "{text}");
        }
        for (text, network) in [("10.1.2.3", "10.1.2.3/32"), ("fd00::/8", "fd00::/8")] {
            assert_eq!(parse_network(text).map(|found| found.to_string()), Ok(network.to_owned()));
        }
    }

    #[test]
    fn cors_origins_are_bare() {
        for text in ["*", "https://app.example.com", "http://localhost:3000"] {
            assert_eq!(check_cors_origin(text), Ok(()), "{text}");
        }
        for text in
            ["https://app.example.com/", "https://*.example.com/x", "app.example.com", "null", "file:///x"]
        {
            assert!(check_cors_origin(text).is_err(), "{text}");
        }
    }
}
