//! How a client says who it is at the token and revocation endpoints (RFC 6749 §2.3).

use crate::error::{ErrorCode, Refusal};
use crate::params::{Params, means_itself};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// What a request presented as client authentication. Nothing is proven yet.
pub struct Credentials {
    /// The `client_id` as sent; it need not be well-formed.
    pub client_id: String,
    /// How the client means to prove it.
    pub proof: ClientProof,
}

/// The method of client authentication (OpenID Connect Core §9).
pub enum ClientProof {
    /// `client_secret_basic`: the secret came in the `Authorization` header.
    Basic(Zeroizing<String>),
    /// `client_secret_post`: the secret came in the body.
    Post(Zeroizing<String>),
    /// `none`: only the `client_id` came.
    None,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self.proof {
            ClientProof::Basic(_) => "client_secret_basic",
            ClientProof::Post(_) => "client_secret_post",
            ClientProof::None => "none",
        };
        write!(f, "Credentials({method})")
    }
}

impl Credentials {
    /// Reads the `Authorization` header (if any) and the body's parameters.
    ///
    /// # Errors
    /// `invalid_client` when the header is not usable Basic authentication or nobody is named; `invalid_request`
    /// when two methods are used at once or the two places name different clients (RFC 6749 §2.3).
    pub fn read(authorization: Option<&str>, params: &Params) -> Result<Self, Refusal> {
        let body_id = params.one("client_id")?;
        let body_secret = params.one("client_secret")?;
        if params.one("client_assertion")?.is_some() || params.one("client_assertion_type")?.is_some() {
            return Err(Refusal::new(ErrorCode::InvalidClient, "Client assertions are not supported."));
        }
        let Some(header) = authorization else {
            let client_id =
                body_id.ok_or(Refusal::new(ErrorCode::InvalidClient, "Client authentication is missing."))?;
            let proof = match body_secret {
                Some(secret) => ClientProof::Post(Zeroizing::new(secret.to_owned())),
                None => ClientProof::None,
            };
            return Ok(Self { client_id: client_id.to_owned(), proof });
        };
        if body_secret.is_some() {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "Use one method of client authentication, not two.",
            ));
        }
        let (client_id, secret) = read_basic(header).ok_or(Refusal::new(
            ErrorCode::InvalidClient,
            "The Authorization header is not valid Basic authentication.",
        ))?;
        if body_id.is_some_and(|id| id != client_id) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "The request names two different clients."));
        }
        Ok(Self { client_id, proof: ClientProof::Basic(secret) })
    }
}

/// Writes the `Authorization` header of `client_secret_basic`: both parts are form-encoded first (RFC 6749 §2.3.1), so that
/// a colon in the name of a client does not end it.
pub fn write_basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret)));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes())))
}

/// Writes the same without the form encoding, as RFC 7617 alone would have it: for servers that do not undo it.
pub fn write_basic_raw(client_id: &str, secret: &str) -> Zeroizing<String> {
    let both = Zeroizing::new(format!("{client_id}:{secret}"));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes())))
}

/// Reads `Basic base64(form(id):form(secret))` (RFC 6749 §2.3.1, RFC 7617), strictly.
fn read_basic(header: &str) -> Option<(String, Zeroizing<String>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim_start_matches(' ')).ok()?);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let id = form_decode(id)?;
    let secret = Zeroizing::new(form_decode(secret)?);
    (!id.is_empty() && !secret.is_empty()).then_some((id, secret))
}

/// Undoes form encoding of one value; `None` for a broken escape or bytes that are not UTF-8.
fn form_decode(text: &str) -> Option<String> {
    if means_itself(text.as_bytes()) {
        return Some(text.to_owned());
    }
    let escapes_whole = text.match_indices('%').all(|(at, _)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_whole || text.contains(['&', '=']) {
        return None;
    }
    let encoded = format!("v={text}");
    let (_, value) = form_urlencoded::parse(encoded.as_bytes()).next()?;
    (!value.contains(['\u{fffd}', '\0'])).then(|| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn read(header: Option<&str>, body: &str) -> Result<Credentials, Refusal> {
        Credentials::read(header, &Params::parse(body).expect("readable"))
    }

    #[test]
    fn what_is_written_is_read_whatever_signs_it_has() {
        for (id, secret) in [("id", "secret"), ("i:d", "s:e%c r+t&="), ("ü", "§ 日本")] {
            let header = write_basic(id, secret);
            let (read_id, read_secret) = read_basic(&header).expect("readable");
            assert_eq!((read_id.as_str(), read_secret.as_str()), (id, secret));
        }
    }

    #[test]
    fn each_method_is_read() {
        let header = basic("id:s%3Ae%25+x");
        let credentials = read(Some(&header), "grant_type=x").expect("basic");
        assert_eq!(credentials.client_id, "id");
        assert!(matches!(&credentials.proof, ClientProof::Basic(s) if s.as_str() == "s:e% x"));
        let post = read(None, "client_id=id&client_secret=s").expect("post");
        assert!(matches!(&post.proof, ClientProof::Post(s) if s.as_str() == "s"));
        assert!(matches!(read(None, "client_id=id").expect("none").proof, ClientProof::None));
        assert!(read(Some(&header), "client_id=id").is_ok());
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        let header = basic("id:s");
        for body in ["client_id=id&client_secret=s", "client_secret=s", "client_id=other"] {
            assert_eq!(read(Some(&header), body).expect_err(body).code, ErrorCode::InvalidRequest);
        }
        assert!(read(None, "client_id=id&client_id=id").is_err());
        assert!(read(None, "client_id=id&client_secret=a&client_secret=b").is_err());
    }

    #[test]
    fn loose_basic_headers_are_refused() {
        let hostile = [
            "Basic".to_owned(),
            "Basic ".to_owned(),
            "Bearer abc".to_owned(),
            "Basic !!!".to_owned(),
            basic("no-colon"),
            basic(":secret"),
            basic("id:"),
            basic("id:%zz"),
            basic("id:%2"),
            basic("id:%ff"),
            basic("id:a&b=c"),
            basic("id:%00"),
            format!("Basic {}", STANDARD.encode([0xff, b':', 0xfe])),
            format!("{}garbage!", basic("id:s")),
            "Basic aWQ6cw".to_owned(),
        ];
        for header in &hostile {
            assert_eq!(read(Some(header), "").expect_err(header).code, ErrorCode::InvalidClient, "{header}");
        }
        assert_eq!(read(None, "").expect_err("nobody").code, ErrorCode::InvalidClient);
    }

    #[test]
    fn debug_hides_the_secret() {
        let shown = format!("{:?}", read(None, "client_id=id&client_secret=hush").expect("post"));
        assert!(!shown.contains("hush"));
    }
}
