//! The whole code flow, and what remains of it in the floor program.

use anyhow::{Result, bail, ensure};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Work, member, request};
use crate::connection::Answer;

/// The whole code flow with a live session and consent: authorize, then exchange.
pub struct Flow {
    /// Path and query of the authorization request.
    pub authorize: String,
    /// The session cookies, as header lines: a person for each connection.
    pub cookies: Vec<String>,
    /// Client authentication, as a header line.
    pub client: String,
    /// Where codes are exchanged.
    pub exchange: String,
    /// Where each connection is: the code that came, if one did.
    pub codes: Vec<Option<String>>,
}

/// The PKCE verifier of every flow.
pub const VERIFIER: &str = "a-verifier-of-the-benchmark-that-is-long-enough-0123456789";

/// Where every flow ends.
pub const REDIRECT_URI: &str = "https://app.example/callback";

impl Flow {
    /// Path and query of an authorization request; `scope` is encoded.
    pub fn query(path: &str, client_id: &str, scope: &str) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
        let redirect_uri = Self::redirect_uri();
        format!(
            "{path}?response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&scope={scope}&state=s\
             &code_challenge={challenge}&code_challenge_method=S256"
        )
    }

    /// The redirect URI, encoded.
    pub fn redirect_uri() -> String {
        form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect()
    }
}

impl Work for Flow {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        let Some(code) = self.codes[connection].take() else {
            out.extend_from_slice(&request(
                "GET",
                &self.authorize,
                &self.cookies[connection % self.cookies.len()],
                "",
            ));
            return true;
        };
        let body = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={VERIFIER}",
            Self::redirect_uri()
        );
        out.extend_from_slice(&request("POST", &self.exchange, &self.client, &body));
        false
    }

    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool> {
        if matches!(answer.status, 302 | 303) {
            let location = answer.header("location").unwrap_or_default();
            let Some((_, rest)) = location.split_once("code=") else { bail!("no code in {location}") };
            self.codes[connection] = Some(rest.split('&').next().unwrap_or_default().to_owned());
            return Ok(false);
        }
        ensure!(answer.status == 200, "status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        ensure!(String::from_utf8_lossy(answer.body).contains("id_token"), "no ID token");
        Ok(true)
    }
}

/// What a code flow cannot do without: a row for the code; then one transaction that retires it and stores two tokens,
/// and signatures.
pub struct FloorFlow {
    /// Where a row is stored.
    pub store: String,
    /// Where a row is exchanged.
    pub exchange: String,
    /// Client authentication, as a header line.
    pub client: &'static str,
    /// Where each connection is: the token that came, if one did.
    pub codes: Vec<Option<String>>,
}

impl Work for FloorFlow {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        let (path, body) = match &self.codes[connection] {
            Some(code) => (&self.exchange, format!("refresh_token={code}")),
            None => (&self.store, "grant_type=code".to_owned()),
        };
        out.extend_from_slice(&request("POST", path, self.client, &body));
        self.codes[connection].is_none()
    }

    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool> {
        ensure!(answer.status == 200, "status {}", answer.status);
        let token = member(answer.body, "refresh_token")?;
        self.codes[connection] = if self.codes[connection].is_none() { Some(token) } else { None };
        Ok(self.codes[connection].is_none())
    }
}
