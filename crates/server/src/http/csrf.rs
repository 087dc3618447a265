//! Protection of forms against requests that another site makes the browser send. Works without JavaScript.
//!
//! Two locks: what the browser says about the origin of the request, and a token in the form that is bound to the session
//! or, before sign-in, to the visitor's cookie. The token is compulsory; the first lock only refuses earlier.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::ORIGIN;

/// The name of the hidden form field that carries the token.
pub const CSRF_FIELD: &str = "csrf";

/// What a token is bound to. A token for a visitor never serves a session, and the other way round.
#[derive(Clone, Copy)]
pub enum Binding<'a> {
    /// The identifier (or secret) of the signed-in browser session.
    Session(&'a str),
    /// The value of the visitor's cookie, before sign-in.
    Visitor(&'a str),
}

/// The request comes from another site, or its token is missing or wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the form was not sent from this site")]
pub struct CrossSite;

/// Makes and checks form tokens.
#[derive(Clone)]
pub struct CsrfKey(hmac::Key);

impl CsrfKey {
    /// A key of 32 random bytes; servers that share a database share it.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The token for a form.
    pub fn token(&self, binding: Binding<'_>) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &message(binding)))
    }

    /// Checks a form's token in constant time.
    ///
    /// # Errors
    /// [`CrossSite`] when it is not the token of this binding.
    pub fn verify(&self, binding: Binding<'_>, token: &str) -> Result<(), CrossSite> {
        let tag = URL_SAFE_NO_PAD.decode(token).map_err(|_| CrossSite)?;
        hmac::verify(&self.0, &message(binding), &tag).map_err(|_| CrossSite)
    }
}

impl fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfKey(..)")
    }
}

fn message(binding: Binding<'_>) -> Vec<u8> {
    let (label, value) = match binding {
        Binding::Session(id) => ("ayb form of a session\0", id),
        Binding::Visitor(id) => ("ayb form of a visitor\0", id),
    };
    [label.as_bytes(), value.as_bytes()].concat()
}

/// Refuses a form that the browser says comes from elsewhere. `public_origin` is scheme, host and port of the public
/// address, as browsers write it.
///
/// `Sec-Fetch-Site` decides where it is sent. Where it is not, on plain http or in an old browser, `Origin` does; there
/// our own pages say `null`, because their policy is to send no referrer (Fetch, "serializing a request origin"), so
/// `null` and nothing are left to the token.
///
/// # Errors
/// [`CrossSite`] when the request says that it comes from another site, or says so unclearly.
pub fn check_origin(headers: &HeaderMap, public_origin: &str) -> Result<(), CrossSite> {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    match (sites.next(), sites.next()) {
        (Some(site), None) if site == "same-origin" || site == "none" => return Ok(()),
        (None, _) => {}
        _ => return Err(CrossSite),
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => Ok(()),
        (Some(origin), None) if origin == public_origin || origin == "null" => Ok(()),
        _ => Err(CrossSite),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://id.example.com";

    fn check(fields: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        check_origin(&headers, OURS).is_ok()
    }

    #[test]
    fn the_browser_is_believed_about_the_origin() {
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", OURS)], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", OURS)], false),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "Same-Origin")], false),
            (&[("sec-fetch-site", "")], false),
            (&[("origin", OURS)], true),
            (&[("origin", "null")], true),
            (&[("origin", "https://id.example.com.evil.example")], false),
            (&[("origin", "http://id.example.com")], false),
            (&[("origin", "https://id.example.com:8443")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", OURS), ("origin", OURS)], false),
            (&[("origin", "")], false),
            (&[], true),
        ];
        for (fields, expected) in cases {
            let fields: Vec<(&'static str, &str)> = fields.to_vec();
            assert_eq!(check(&fields), *expected, "{fields:?}");
        }
    }

    #[test]
    fn a_token_serves_its_own_binding_only() {
        let key = CsrfKey::new(&[7; 32]);
        let token = key.token(Binding::Session("s1"));
        assert_eq!(token.len(), 43);
        assert!(key.verify(Binding::Session("s1"), &token).is_ok());
        assert_eq!(key.verify(Binding::Session("s2"), &token), Err(CrossSite));
        assert_eq!(key.verify(Binding::Visitor("s1"), &token), Err(CrossSite));
        assert_eq!(CsrfKey::new(&[8; 32]).verify(Binding::Session("s1"), &token), Err(CrossSite));
    }

    #[test]
    fn broken_tokens_are_refused() {
        let key = CsrfKey::new(&[7; 32]);
        let token = key.token(Binding::Visitor("v"));
        let mut flipped = token.clone().into_bytes();
        flipped[0] = if flipped[0] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        let padded = format!("{token}=");
        for broken in ["", "A", "?", &token[..42], &flipped, &padded, &token.repeat(2)] {
            assert_eq!(key.verify(Binding::Visitor("v"), broken), Err(CrossSite), "{broken}");
        }
    }
}
