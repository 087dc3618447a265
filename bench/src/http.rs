//! Plain requests for setting things up; not measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

/// An answer.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The head.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Reply {
    /// All values of a header field.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let fields = self.head.split("\r\n").filter_map(|line| line.split_once(':'));
        fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// The body as JSON, when the request worked.
    pub fn json(&self) -> Result<Value> {
        if self.status >= 300 {
            return Err(anyhow!("status {}: {}", self.status, self.body));
        }
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))
    }
}

/// Sends one request on a connection of its own. `headers` are whole lines.
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &[String], body: &str) -> Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| anyhow!("no answer"))?;
    let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
    Ok(Reply { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends JSON.
pub fn send_json(address: SocketAddr, method: &str, path: &str, token: &str, body: &Value) -> Result<Value> {
    let headers = [format!("Authorization: Bearer {token}"), "Content-Type: application/json".to_owned()];
    send(address, method, path, &headers, &body.to_string())?
        .json()
        .with_context(|| format!("{method} {path}"))
}

/// Sends a form.
pub fn send_form(
    address: SocketAddr,
    path: &str,
    headers: &[String],
    fields: &[(String, String)],
) -> Result<Reply> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let kind = "Content-Type: application/x-www-form-urlencoded".to_owned();
    let headers: Vec<String> = headers.iter().cloned().chain([kind]).collect();
    send(address, "POST", path, &headers, &body)
}

/// The hidden fields of a page's form.
pub fn hidden(html: &str) -> Vec<(String, String)> {
    let inputs = html.split("<input type=\"hidden\" name=\"").skip(1);
    let field = |input: &str| {
        let (name, rest) = input.split_once('"')?;
        let value = rest.split_once("value=\"")?.1.split_once('"')?.0;
        let value =
            value.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#38;", "&").replace("&amp;", "&");
        Some((name.to_owned(), value))
    };
    inputs.filter_map(field).collect()
}
