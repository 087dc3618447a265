//! Workloads: what each connection asks for, and whether the answer is right. Rows with wrong answers are refused.

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::connection::Answer;

/// One workload.
pub trait Work {
    /// Writes the next request of a connection; true when it begins a unit of work.
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool;

    /// Reads the answer; true when it ends a unit of work.
    ///
    /// # Errors
    /// When it is not the right answer.
    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool>;
}

/// A request in text form.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}");
    if method == "POST" {
        let form = "Content-Type: application/x-www-form-urlencoded";
        let _ = write!(text, "{form}\r\nContent-Length: {}\r\n", body.len());
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// The same request again and again; the answer has a status and contains a text.
pub struct Fixed {
    bytes: Vec<u8>,
    status: u16,
    contains: &'static str,
}

impl Fixed {
    /// A workload of one request.
    pub fn new(bytes: Vec<u8>, status: u16, contains: &'static str) -> Self {
        Self { bytes, status, contains }
    }
}

impl Work for Fixed {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.bytes);
        true
    }

    fn answer(&mut self, _: usize, answer: &Answer<'_>) -> Result<bool> {
        ensure!(answer.status == self.status, "status {} instead of {}", answer.status, self.status);
        let body = String::from_utf8_lossy(answer.body);
        ensure!(body.contains(self.contains), "the answer does not contain {:?}", self.contains);
        Ok(true)
    }
}

/// A list of requests, taken in a scattered order.
pub struct Many {
    list: Vec<Vec<u8>>,
    at: usize,
    step: usize,
    contains: &'static str,
}

impl Many {
    /// A workload over `list`.
    pub fn new(list: Vec<Vec<u8>>, contains: &'static str) -> Self {
        // A step without common divisor with the length visits all of them before any comes again.
        let step = (1..list.len())
            .rev()
            .find(|step| gcd(*step, list.len()) == 1 && *step < list.len() * 2 / 3)
            .unwrap_or(1);
        Self { list, at: 0, step, contains }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Work for Many {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        self.at = (self.at + self.step) % self.list.len();
        out.extend_from_slice(&self.list[self.at]);
        true
    }

    fn answer(&mut self, _: usize, answer: &Answer<'_>) -> Result<bool> {
        ensure!(answer.status == 200, "status {}", answer.status);
        let body = String::from_utf8_lossy(answer.body);
        ensure!(body.contains(self.contains), "the answer does not contain {:?}", self.contains);
        Ok(true)
    }
}

/// Refresh rotation: each connection rotates its own token.
pub struct Chain {
    path: String,
    headers: String,
    tokens: Vec<String>,
}

impl Chain {
    /// A workload that starts from `tokens`, one for each connection.
    pub fn new(path: &str, headers: String, tokens: Vec<String>) -> Self {
        Self { path: path.to_owned(), headers, tokens }
    }
}

impl Work for Chain {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        let body = format!("grant_type=refresh_token&refresh_token={}", self.tokens[connection]);
        out.extend_from_slice(&request("POST", &self.path, &self.headers, &body));
        true
    }

    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool> {
        ensure!(answer.status == 200, "status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        let token = member(answer.body, "refresh_token")?;
        ensure!(token != self.tokens[connection], "the refresh token was not rotated");
        self.tokens[connection] = token;
        Ok(true)
    }
}

/// The whole code flow with a live session and consent: authorize, then exchange.
pub struct Flow {
    /// Path and query of the authorization request, without challenge.
    pub authorize: String,
    /// The session cookie, as a header line.
    pub cookie: String,
    /// Client authentication, as a header line.
    pub client: String,
    /// The encoded redirect URI.
    pub redirect_uri: String,
    /// A member that the token answer must have.
    pub contains: &'static str,
    /// Where each connection is: the code that came, if one did.
    pub codes: Vec<Option<String>>,
}

/// The PKCE verifier of every flow.
pub const VERIFIER: &str = "a-verifier-of-the-benchmark-that-is-long-enough-0123456789";

impl Flow {
    /// The challenge of the benchmark's verifier.
    pub fn challenge() -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()))
    }
}

impl Work for Flow {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        let Some(code) = self.codes[connection].take() else {
            out.extend_from_slice(&request("GET", &self.authorize, &self.cookie, ""));
            return true;
        };
        let body = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={VERIFIER}",
            self.redirect_uri
        );
        out.extend_from_slice(&request("POST", "/oauth/token", &self.client, &body));
        false
    }

    fn answer(&mut self, connection: usize, answer: &Answer<'_>) -> Result<bool> {
        if answer.status == 302 {
            let location = answer.header("location").unwrap_or_default();
            let Some((_, rest)) = location.split_once("code=") else { bail!("no code in {location}") };
            self.codes[connection] = Some(rest.split('&').next().unwrap_or_default().to_owned());
            return Ok(false);
        }
        ensure!(answer.status == 200, "status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        ensure!(String::from_utf8_lossy(answer.body).contains(self.contains), "no {}", self.contains);
        Ok(true)
    }
}

/// A text member of a JSON answer.
pub fn member(body: &[u8], name: &str) -> Result<String> {
    let json: Value = serde_json::from_slice(body)?;
    match json[name].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail!("the answer has no {name}"),
    }
}
