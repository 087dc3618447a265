//! The server's own parsers over mutated seeds, without chance: nothing panics, and what is read means one thing.

#![cfg(test)]

use std::collections::BTreeSet;
use std::net::IpAddr;

use ayb_protocol::params::Params;
use ayb_server::config::{self, Environment, Sources};
use ayb_server::http::client_ip::{ForwardingHeader, TrustedProxies};
use ayb_server::http::cookie::HostCookie;
use ayb_server::http::cors::Cors;
use ayb_server::http::extract::parse_pairs;
use ayb_server::pages::return_to;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

#[path = "../../../fuzz/src/mutate.rs"]
#[expect(unreachable_pub, reason = "the same file is a library of the fuzz workspace")]
mod mutate;

const ISSUER: &str = "https://id.example";

fn text(input: &[u8], check: impl FnOnce(&str)) {
    if let Ok(text) = std::str::from_utf8(input) {
        check(text);
    }
}

/// Header fields with this value, when a client could send it.
fn fields(name: &'static str, values: &[&[u8]]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?);
    }
    Some(headers)
}

#[test]
fn mutated_ways_back_stay_on_this_server() {
    let seeds = [
        "/account",
        "/oauth/authorize?client_id=a&state=%2F%2Fx",
        "//evil.example/x",
        "/\\evil.example",
        "/.//evil.example/..",
        "/a/../../..//evil.example",
        "https:evil.example",
        "/@evil.example:443",
        "/%2f/evil.example",
    ];
    mutate::over(&seeds, |input| {
        text(input, |text| {
            let Some(to) = return_to::checked(text) else { return };
            assert_eq!(to, text);
            let home = Url::parse(ISSUER).unwrap();
            let there = home.join(to).unwrap();
            assert_eq!(there.origin(), home.origin(), "{to:?}");
            assert!(!there.path().starts_with("//") && there.username().is_empty(), "{to:?}");
            // As browsers read it, which drop some characters and turn others around before they look.
            let browser: String =
                to.chars().filter(|c| !c.is_control()).map(|c| if c == '\\' { '/' } else { c }).collect();
            assert!(browser.starts_with('/') && !browser.starts_with("//"), "{to:?}");
            let link = home.join(&return_to::link("/login?again=1", Some(to))).unwrap();
            let kept: Vec<_> = link.query_pairs().into_owned().collect();
            assert_eq!(kept[1], ("return_to".to_owned(), to.to_owned()));
        });
    });
}

#[test]
fn mutated_forms_are_read_as_one_thing_or_not_at_all() {
    let seeds = [
        "grant_type=client_credentials&scope=readonly",
        "a=%E2%82%AC+b&c=&d",
        "a=1&a=2&%61=3",
        "a=%ff&b=%2",
        "=&=&&&",
    ];
    mutate::over(&seeds, |input| {
        let Some(pairs) = parse_pairs(input) else { return };
        let meant: Vec<_> = form_urlencoded::parse(input).into_owned().collect();
        assert_eq!(pairs, meant, "the common reading of {input:?}");
        // The next reader does not see less in it, unless a character stands for what was no text.
        let garbled = pairs.iter().any(|(name, value)| format!("{name}{value}").contains('\u{fffd}'));
        assert_eq!(Params::from_pairs(pairs).is_err(), garbled);
    });
    let many = vec!["a=1"; 300].join("&");
    assert_eq!(parse_pairs(many.as_bytes()), None);
}

#[test]
fn mutated_cookies_have_one_value_or_none() {
    let cookie = HostCookie::session(true);
    let seeds = [
        "__Host-ayb_session=abc_DEF-123",
        "a=b; __Host-ayb_session=abc; c=d",
        "__Host-ayb_session=abc; __Host-ayb_session=def",
        "__Host-ayb_session=\"abc\"; __host-ayb_session=x",
        "; ;=; __Host-ayb_session",
    ];
    mutate::over(&seeds, |input| {
        let Some(headers) = fields(COOKIE.as_str(), &[input]) else { return };
        let Some(value) = cookie.read(&headers) else { return };
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{value}");
        let set = cookie.set(value).unwrap();
        let parsed = cookie::Cookie::parse(set.to_str().unwrap().to_owned()).unwrap();
        assert_eq!((parsed.name(), parsed.value()), (cookie.name(), value));
        // Whoever can add one of another value takes the session away, and cannot choose it.
        let planted = fields(COOKIE.as_str(), &[input, b"__Host-ayb_session=planted"]).unwrap();
        assert!(value == "planted" || cookie.read(&planted).is_none(), "{input:?}");
    });
}

#[test]
fn whatever_a_stranger_writes_the_last_trusted_hop_has_the_say() {
    let proxy: IpAddr = "10.0.0.1".parse().unwrap();
    let stranger: IpAddr = "198.51.100.7".parse().unwrap();
    let networks = vec!["10.0.0.0/8".parse().unwrap()];
    let seeds = [
        "203.0.113.9, 10.0.0.2",
        "for=203.0.113.9;proto=https, for=\"[2001:db8::1]:80\"",
        "for=\"10.0.0.9\";by=x, for=\"",
        "unknown, for=_hidden, 10.0.0.1:80, [::1]",
        "\"\\\", for=1.2.3.4",
    ];
    for (header, name, word) in [
        (ForwardingHeader::XForwardedFor, "x-forwarded-for", "198.51.100.7"),
        (ForwardingHeader::Forwarded, "forwarded", "for=198.51.100.7"),
    ] {
        let proxies = TrustedProxies::new(networks.clone(), header);
        mutate::over(&seeds, |input| {
            let Some(headers) = fields(name, &[input]) else { return };
            let client = proxies.client(stranger, &headers);
            assert_eq!(client.0, stranger, "a stranger speaks for itself only");
            // What the trusted proxy appends is believed, whatever stands before it.
            let appended = [input, b", ", word.as_bytes()].concat();
            for values in [&[appended.as_slice()][..], &[input, word.as_bytes()][..]] {
                let headers = fields(name, values).unwrap();
                assert_eq!(proxies.client(proxy, &headers).0, stranger, "{values:?}");
            }
        });
    }
}

#[test]
fn mutated_origins_are_exact_origins() {
    let seeds = [
        "https://app.example",
        "http://localhost:5173",
        "https://*.app.example",
        "null",
        "https://app.example/",
        "*",
    ];
    mutate::over(&seeds, |input| {
        text(input, |text| {
            if Cors::parse(&[text.to_owned()]).is_err() || text == "*" {
                return;
            }
            // What no browser sends matches nobody; what may be written must fit into a header as it is.
            let (scheme, host) = text.split_once("://").unwrap();
            assert!(HeaderValue::from_str(text).is_ok() && !text.contains(['*', ',', ' ']), "{text:?}");
            assert!(
                !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '@']),
                "{text:?}"
            );
        });
    });
}

/// The whole way of a file: found, read, merged, checked.
#[test]
fn mutated_configurations_are_read_or_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ayb.toml");
    let seeds = [
        "[server]\nport = 8090\npublic_url = \"https://id.example\"\n[auth]\njwt_secret = \"a secret of at least thirty-two characters\"\n",
        "[auth.oauth_provider]\nenabled = true\naccess_token_duration = 3600\n[database]\nurl = \"sqlite://ayb.db\"\nmax_conns = 10\n",
        "[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\ncors_allowed_origins = [\"*\"]\n\"port\" = 1\n",
        "server.port = 1\nserver = { port = 2 }\n[server]\n",
    ];
    let mut ends = BTreeSet::new();
    mutate::over(&seeds, |input| {
        std::fs::write(&file, input).unwrap();
        let sources = Sources {
            file: Some(file.clone()),
            environment: Environment::default(),
            directory: folder.path().to_owned(),
            ..Sources::default()
        };
        match config::load(&sources) {
            Ok(config) => {
                assert!(config.server.port > 0 && config.auth.provider.access_token_duration.0 > 0);
                assert!(!config.auth.provider.enabled || config.auth.jwt_secret.is_some());
                ends.insert(true);
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.starts_with("the configuration has") && !said.contains('\u{1b}'), "{said}");
                assert!(!said.contains("thirty-two"), "a secret is repeated: {said}");
                ends.insert(false);
            }
        }
    });
    assert_eq!(ends.len(), 2, "some are read, some are refused");
}
