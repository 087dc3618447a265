//! Workloads: what each connection asks for, and whether the answer is right. Rows with wrong answers are refused.

mod flow;
mod tokens;

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

pub use self::flow::{FloorFlow, Flow, REDIRECT_URI, VERIFIER};
pub use self::tokens::{Carousel, Chain, Many};
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

/// A request with a JSON body in text form.
pub fn request_json(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
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

/// A text member of a JSON answer.
pub fn member(body: &[u8], name: &str) -> Result<String> {
    let json: Value = serde_json::from_slice(body)?;
    match json[name].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail!("the answer has no {name}"),
    }
}

/// Asks for UserInfo with one token after the other.
pub fn userinfo(path: &str, tokens: &[String]) -> Many {
    let ask = |token: &String| request("GET", path, &format!("Authorization: Bearer {token}\r\n"), "");
    Many::new(tokens.iter().map(ask).collect(), "\"sub\"")
}
