//! Cookies of the browser: the session, and the visitor's cookie that form tokens are bound to before sign-in.

use cookie::time::{Duration, OffsetDateTime};
use cookie::{Cookie, SameSite};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

/// The longest cookie value that is read, in bytes.
const MAX_VALUE_LEN: usize = 512;

/// A cookie that only this server reads, on every path, never from scripts.
///
/// Behind https its name starts with `__Host-`, which makes the browser refuse it from other hosts of the domain
/// and from plain http (RFC 6265bis §4.1.3.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostCookie {
    name: &'static str,
    secure: bool,
}

impl HostCookie {
    /// The cookie of a signed-in browser session. `https` says whether the public address is https.
    pub const fn session(https: bool) -> Self {
        Self { name: if https { "__Host-ayb_session" } else { "ayb_session" }, secure: https }
    }

    /// The cookie of a visitor who is not signed in; form tokens are bound to it.
    pub const fn visitor(https: bool) -> Self {
        Self { name: if https { "__Host-ayb_csrf" } else { "ayb_csrf" }, secure: https }
    }

    /// The name on the wire.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The value that the browser sent. Two different values under the name are none: one of them was planted by a
    /// neighbouring host or path, and nobody can say which. An empty, long or strange value is none as well.
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        // HTTP/2 may split the cookies over several header fields (RFC 9113 §8.2.3).
        let pairs = headers.get_all(COOKIE).iter().filter_map(|field| field.to_str().ok());
        let mut values = pairs.flat_map(|field| field.split(';')).filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name.trim_matches([' ', '\t']) == self.name).then(|| value.trim_matches([' ', '\t']))
        });
        let first = values.next()?;
        if values.any(|other| other != first) {
            return None;
        }
        is_token(first).then_some(first)
    }

    /// The `Set-Cookie` value that keeps `value` until the browser closes. `value` must be of letters, digits, `-` and
    /// `_`, as secrets and tokens are; anything else gives `None`.
    pub fn set(&self, value: &str) -> Option<HeaderValue> {
        is_token(value)
            .then(|| self.build(value).to_string())
            .and_then(|text| HeaderValue::try_from(text).ok())
    }

    /// The `Set-Cookie` value that removes the cookie.
    pub fn clear(&self) -> Option<HeaderValue> {
        let mut cookie = self.build("");
        cookie.set_max_age(Duration::ZERO);
        cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
        HeaderValue::try_from(cookie.to_string()).ok()
    }

    fn build<'a>(&self, value: &'a str) -> Cookie<'a> {
        Cookie::build((self.name, value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .build()
    }
}

/// Adds a `Set-Cookie` value to an answer, beside others.
pub fn append(headers: &mut HeaderMap, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        headers.append(SET_COOKIE, cookie);
    }
}

fn is_token(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !value.is_empty() && value.len() <= MAX_VALUE_LEN && value.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fields: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn the_cookie_is_read_or_is_none() {
        let long = format!("ayb_session={}", "a".repeat(513));
        let cases: &[(&[&str], Option<&str>)] = &[
            (&["ayb_session=abc"], Some("abc")),
            (&["a=b; ayb_session=abc ; c=d"], Some("abc")),
            (&["a=b", "ayb_session=abc"], Some("abc")),
            (&["a;;=; ;ayb_session=abc"], Some("abc")),
            (&["ayb_session=abc; ayb_session=abc"], Some("abc")),
            (&["ayb_session=abc; ayb_session=xyz"], None),
            (&["ayb_session=abc", "ayb_session=xyz"], None),
            (&["ayb_session="], None),
            (&["ayb_session"], None),
            (&["xayb_session=abc"], None),
            (&["AYB_SESSION=abc"], None),
            (&["__Host-ayb_session=abc"], None),
            (&["ayb_session=\"abc\""], None),
            (&["ayb_session=a b"], None),
            (&["ayb_session=a%20b"], None),
            (&["ayb_session=\u{e9}"], None),
            (&[&long], None),
            (&[""], None),
            (&[], None),
        ];
        for (fields, expected) in cases {
            assert_eq!(HostCookie::session(false).read(&sent(fields)), *expected, "{fields:?}");
        }
    }

    #[test]
    fn behind_https_the_name_binds_the_cookie_to_the_host() {
        let cookie = HostCookie::session(true);
        assert_eq!(cookie.read(&sent(&["ayb_session=planted; __Host-ayb_session=ours"])), Some("ours"));
        assert_eq!(cookie.read(&sent(&["ayb_session=planted"])), None);
        let set = cookie.set("abc").unwrap();
        assert_eq!(set, "__Host-ayb_session=abc; HttpOnly; SameSite=Lax; Secure; Path=/");
    }

    #[test]
    fn plain_http_sets_the_cookie_without_secure() {
        assert_eq!(
            HostCookie::session(false).set("abc").unwrap(),
            "ayb_session=abc; HttpOnly; SameSite=Lax; Path=/"
        );
    }

    #[test]
    fn a_value_that_could_end_the_header_is_not_set() {
        for value in ["", "a;b", "a\r\nSet-Cookie: x=y", "a b", "a,b", "\u{e9}"] {
            assert_eq!(HostCookie::session(true).set(value), None, "{value:?}");
        }
    }

    #[test]
    fn clearing_expires_the_cookie_on_the_same_path() {
        let clear = HostCookie::session(true).clear().unwrap();
        let clear = clear.to_str().unwrap();
        assert!(
            clear.starts_with("__Host-ayb_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"),
            "{clear}"
        );
    }

    #[test]
    fn several_cookies_stand_beside_each_other() {
        let mut headers = HeaderMap::new();
        append(&mut headers, HostCookie::session(true).set("abc"));
        append(&mut headers, HostCookie::visitor(true).clear());
        append(&mut headers, None);
        assert_eq!(headers.get_all(SET_COOKIE).iter().count(), 2);
    }
}
