//! Redirect URIs: which may be registered, and which request matches which registration.
//!
//! Matching is a comparison of bytes. The one exception is the port of a loopback address that was registered
//! without a port (RFC 8252 §7.3).

use crate::error::{ErrorCode, Refusal};
use std::fmt;
use url::Url;

/// The longest redirect URI that is accepted, in bytes.
pub const MAX_REDIRECT_URI: usize = 2000;

/// A redirect URI as registered for a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegisteredRedirectUri {
    text: String,
    /// Set when any port matches: the text before and after the port.
    any_port: Option<(String, String)>,
}

impl RegisteredRedirectUri {
    /// Reads a redirect URI for registration.
    ///
    /// # Errors
    /// A fixed text that says which rule it breaks: `https`, or `http` on a loopback address; no wildcard, query,
    /// fragment, user or password; written the way a browser would write it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_REDIRECT_URI {
            return Err("A redirect URI has at most 2000 characters.");
        }
        if let Some((before, after)) = split_any_port(text) {
            let concrete = format!("{before}:1{after}");
            if check(&concrete)?.scheme() != "http" {
                return Err("The port :* is for loopback addresses only.");
            }
            return Ok(Self { text: text.to_owned(), any_port: Some((before.to_owned(), after.to_owned())) });
        }
        let url = check(text)?;
        let any_port = (url.scheme() == "http" && url.port().is_none() && !has_port(text)).then(|| {
            let end_of_host = text["http://".len()..].find('/').map_or(text.len(), |i| i + "http://".len());
            (text[..end_of_host].to_owned(), text[end_of_host..].to_owned())
        });
        Ok(Self { text: text.to_owned(), any_port })
    }

    /// The text as registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a request for `requested` may be answered there.
    pub fn matches(&self, requested: &str) -> bool {
        if self.text == requested {
            return self.any_port.is_none() || !requested.contains(":*");
        }
        let Some((before, after)) = &self.any_port else { return false };
        let Some(rest) = requested.strip_prefix(before.as_str()) else { return false };
        let Some(port) = rest.strip_suffix(after.as_str()) else { return false };
        match port.strip_prefix(':') {
            None => port.is_empty(),
            Some(digits) => {
                digits.len() <= 5
                    && !digits.starts_with('0')
                    && digits.bytes().all(|b| b.is_ascii_digit())
                    && digits.parse::<u16>().is_ok()
            }
        }
    }
}

impl fmt::Display for RegisteredRedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A redirect URI of a request that matched a registration, byte for byte as requested. Only
/// [`RedirectUri::trust`] makes one from a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Trusts `requested` when it matches one of the registrations.
    ///
    /// # Errors
    /// `invalid_request`; the person must be shown an error page, and nothing may be sent to `requested`
    /// (RFC 6749 §4.1.2.1).
    pub fn trust(requested: &str, registered: &[RegisteredRedirectUri]) -> Result<Self, Refusal> {
        if registered.iter().any(|uri| uri.matches(requested)) {
            return Ok(Self(requested.to_owned()));
        }
        Err(Refusal::new(ErrorCode::InvalidRequest, "The redirect_uri is not registered for this client."))
    }

    /// Reads back what was trusted earlier and stored. Only the store calls this.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI with response parameters in its query, after any that it carries already.
    pub fn with_params(&self, params: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params);
        let separator = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}{}", self.0, query.finish())
    }

    /// Scheme, host and port, for `form-action` of a content security policy.
    pub fn origin(&self) -> String {
        Url::parse(&self.0).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    /// Whether it leads to a program on the person's own machine.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| url.scheme() == "http")
    }
}

/// The text on both sides of `:*`, which is a port only where a port ends: without that, `localhost:*1` would match the
/// host `localhost1`.
fn split_any_port(text: &str) -> Option<(&str, &str)> {
    let host = text.find("://")? + 3;
    let path = text[host..].find('/').map_or(text.len(), |at| host + at);
    let at = text[..path].find(":*")?;
    let (before, after) = (&text[..at], &text[at + 2..]);
    (after.is_empty() || after.starts_with('/')).then_some((before, after))
}

fn has_port(text: &str) -> bool {
    let host = text.strip_prefix("http://").unwrap_or(text);
    let host = host.split('/').next().unwrap_or("");
    host.rsplit(']').next().is_some_and(|tail| tail.contains(':'))
}

fn check(text: &str) -> Result<Url, &'static str> {
    if text.contains('*') {
        return Err("A redirect URI has no wildcard (except :* as the port of a loopback address).");
    }
    if text.contains(['\\', ' ']) || text.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err("A redirect URI has ASCII letters, digits and URL punctuation only; encode the rest.");
    }
    let url = Url::parse(text).map_err(|_| "A redirect URI is an absolute URL.")?;
    if text.contains('#') {
        return Err("A redirect URI has no fragment (#).");
    }
    if text.contains('?') {
        return Err("A redirect URI has no query (?).");
    }
    if text.contains('@') || !url.username().is_empty() || url.password().is_some() {
        return Err("A redirect URI has no user name or password.");
    }
    let host = url.host_str().unwrap_or("");
    let loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() {
        "https" if !host.is_empty() => {}
        "http" if loopback => {}
        "http" => return Err("A redirect URI uses https; http is for localhost, 127.0.0.1 and [::1] only."),
        _ => return Err("A redirect URI uses https, or http on a loopback address."),
    }
    if host.ends_with('.') {
        return Err("The host of a redirect URI does not end with a dot.");
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("%2e") || lower.contains("%2f") || lower.contains("%5c") {
        return Err("A redirect URI has no encoded dots or slashes.");
    }
    let written = url.as_str();
    if written != text && written.strip_suffix('/') != Some(text) {
        return Err(
            "A redirect URI is written in its normal form: lowercase scheme and host, no default port, no dot segments.",
        );
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(text: &str) -> RegisteredRedirectUri {
        RegisteredRedirectUri::parse(text).expect(text)
    }

    #[test]
    fn safe_addresses_may_be_registered() {
        for good in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example:8443/a/b",
            "http://localhost/cb",
            "http://localhost:3000/cb",
            "http://localhost:*/cb",
            "http://127.0.0.1:*",
            "http://[::1]/cb",
            "http://[::1]:*/cb",
            "https://xn--bcher-kva.example/cb",
        ] {
            assert!(RegisteredRedirectUri::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn dangerous_addresses_are_refused_at_registration() {
        for bad in [
            "",
            "/cb",
            "//evil.example/cb",
            "http://example.com/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost:80@evil.example/cb",
            "https://user@app.example/cb",
            "https://*.app.example/cb",
            "https://app.example:*/cb",
            "http://localhost:*1/cb",
            "http://127.0.0.1:*2",
            "http://localhost:**/cb",
            "https://app.example/*",
            "https://app.example/cb?a=1",
            "https://app.example/cb?",
            "https://app.example/cb#f",
            "https://app.example/cb#",
            "https://app.example/a/../cb",
            "https://app.example/%2e%2e/cb",
            "https://app.example/a%2Fb",
            "https://app.example\\@evil.example/cb",
            "https://APP.example/cb",
            "HTTPS://app.example/cb",
            "https://app.example:443/cb",
            "https://app.example./cb",
            "https://bücher.example/cb",
            "https://app.example/c b",
            "https://app.example/c\nb",
            "javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "com.example.app:/cb",
            "http://0x7f000001/cb",
            "http://2130706433/cb",
            "http://localhost:*:*/cb",
            "http://localhost:*@evil.example/cb",
            "https:app.example/cb",
        ] {
            assert!(RegisteredRedirectUri::parse(bad).is_err(), "{bad}");
        }
        assert!(RegisteredRedirectUri::parse(&format!("https://a.example/{}", "a".repeat(2000))).is_err());
    }

    #[test]
    fn a_request_matches_byte_for_byte() {
        let uri = registered("https://app.example/cb");
        assert!(uri.matches("https://app.example/cb"));
        for other in [
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://app.example/cb?x=1",
            "https://app.example:443/cb",
            "https://app.example/cb#",
            "https://app.example/./cb",
            "http://app.example/cb",
            "https://app.example.evil.example/cb",
            "https://app.example/cb%20",
            "",
        ] {
            assert!(!uri.matches(other), "{other}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        for text in ["http://127.0.0.1/cb", "http://127.0.0.1:*/cb"] {
            let uri = registered(text);
            for good in ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"] {
                assert!(uri.matches(good), "{text} {good}");
            }
            for bad in [
                "http://127.0.0.1:*/cb",
                "http://127.0.0.1:65536/cb",
                "http://127.0.0.1:/cb",
                "http://127.0.0.1:080/cb",
                "http://127.0.0.1:0/cb",
                "http://127.0.0.1:80@evil.example/cb",
                "http://127.0.0.1:8080/other",
                "http://127.0.0.1:8080/cb/cb",
                "http://localhost:8080/cb",
                "https://127.0.0.1:8080/cb",
                "http://127.0.0.1.evil.example/cb",
                "http://127.0.0.1:80:81/cb",
                "http://127.0.0.1:8x/cb",
            ] {
                assert!(!uri.matches(bad), "{text} {bad}");
            }
        }
        let fixed = registered("http://localhost:3000/cb");
        assert!(fixed.matches("http://localhost:3000/cb"));
        assert!(!fixed.matches("http://localhost:3001/cb"));
        assert!(!fixed.matches("http://localhost/cb"));
        assert!(registered("http://[::1]/cb").matches("http://[::1]:5000/cb"));
        assert!(registered("http://localhost").matches("http://localhost:5000"));
        assert!(!registered("http://localhost").matches("http://localhost:5000/"));
    }

    #[test]
    fn an_unregistered_address_is_never_trusted() {
        let list = [registered("https://app.example/cb")];
        assert!(RedirectUri::trust("https://app.example/cb", &list).is_ok());
        assert!(RedirectUri::trust("https://evil.example/cb", &list).is_err());
        assert!(RedirectUri::trust("https://app.example/cb", &[]).is_err());
    }

    #[test]
    fn response_parameters_are_encoded_and_appended() {
        let uri = RedirectUri::from_stored("https://app.example/cb".to_owned());
        let location = uri.with_params(&[("code", "a b"), ("state", "x&y=z\r\n")]);
        assert_eq!(location, "https://app.example/cb?code=a+b&state=x%26y%3Dz%0D%0A");
        let carrying = RedirectUri::from_stored("https://app.example/cb?k=v".to_owned());
        assert_eq!(carrying.with_params(&[("code", "1")]), "https://app.example/cb?k=v&code=1");
    }
}
