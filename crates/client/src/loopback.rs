//! Receives the answer of a sign-in on a port of this machine (RFC 8252 §7.3), for programs without a web server.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::error::{AuthorizationError, ConfigurationError, NetworkError, OAuth2Error};
use crate::pending::mismatch;
use crate::types::CallbackParams;
use crate::{Endpoint, PendingAuthorization};

/// The path to which the answer comes.
const PATH: &str = "/callback";

/// The longest head of a request that is read, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// How long one connection may take to say what it wants: browsers open some that never do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for the browser on a random port, with both versions of the internet protocol where the machine has both.
#[derive(Debug)]
pub struct Loopback {
    four: TcpListener,
    six: Option<TcpListener>,
    redirect_uri: Url,
}

impl Loopback {
    /// Takes a port.
    ///
    /// # Errors
    /// [`ConfigurationError`] when this machine gives none.
    pub async fn bind() -> Result<Self, OAuth2Error> {
        let failed = |_| ConfigurationError::Invalid("no port of this machine is to be had");
        let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let port = four.local_addr().map_err(failed)?.port();
        // Somebody else may have that port there, or there may be no such protocol: the address names the other one.
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        let text = format!("http://127.0.0.1:{port}{PATH}");
        let none = |_| ConfigurationError::Invalid("the address of the port cannot be written");
        Ok(Self { four, six, redirect_uri: Url::parse(&text).map_err(none)? })
    }

    /// Where the provider has to send the answer. The port is another one each time, which servers have to allow
    /// (RFC 8252 §7.3).
    pub const fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits until the answer to this sign-in comes. Whatever else comes to the port is turned away and ends nothing.
    ///
    /// # Errors
    /// [`NetworkError::Timeout`] when nothing comes in time.
    pub async fn wait(
        self,
        pending: &PendingAuthorization,
        timeout: Duration,
    ) -> Result<CallbackParams, OAuth2Error> {
        let waiting = async {
            loop {
                if let Ok(stream) = self.accept().await
                    && let Ok(Some(callback)) = tokio::time::timeout(PATIENCE, receive(stream, pending)).await
                {
                    return callback;
                }
            }
        };
        let endpoint = Endpoint::Authorization;
        let late = |_| NetworkError::Timeout { endpoint, sent: true };
        Ok(tokio::time::timeout(timeout, waiting).await.map_err(late)?)
    }

    async fn accept(&self) -> std::io::Result<TcpStream> {
        let Some(six) = &self.six else { return self.four.accept().await.map(|(stream, _)| stream) };
        let accepted = tokio::select! {
            accepted = self.four.accept() => accepted,
            accepted = six.accept() => accepted,
        };
        accepted.map(|(stream, _)| stream)
    }
}

async fn receive(mut stream: TcpStream, pending: &PendingAuthorization) -> Option<CallbackParams> {
    let target = target(&mut stream).await?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if path != PATH {
        say(&mut stream, "404 Not Found", "There is nothing here", "").await;
        return None;
    }
    match CallbackParams::parse(query).and_then(|callback| ours(callback, pending)) {
        Ok(callback) => {
            // Nothing of the answer is on the page: whoever writes the answer could write the page otherwise.
            let text = match callback.error {
                None => "You are signed in",
                Some(_) => "The sign-in was refused",
            };
            say(&mut stream, "200 OK", text, "You can close this window and go back to the program.").await;
            Some(callback)
        }
        Err(_) => {
            let text = "This does not belong to the sign-in that is under way";
            say(&mut stream, "400 Bad Request", text, "Begin again from the program.").await;
            None
        }
    }
}

/// The answer, if it is the one to this sign-in.
pub(crate) fn ours(
    callback: CallbackParams,
    pending: &PendingAuthorization,
) -> Result<CallbackParams, OAuth2Error> {
    if callback.code.is_none() && callback.error.is_none() {
        return Err(AuthorizationError::MissingCode.into());
    }
    if !ayb_protocol::jose::constant_time_eq(&callback.state, &pending.state) {
        return Err(mismatch(&pending.state, &callback.state));
    }
    Ok(callback)
}

/// The target of a `GET`.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 1024];
        let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
        head.extend_from_slice(&part[..count]);
        if head.len() > MAX_HEAD {
            return None;
        }
    }
    let line = std::str::from_utf8(&head).ok()?.lines().next()?;
    let (target, _version) = line.strip_prefix("GET ")?.split_once(' ')?;
    Some(target.to_owned())
}

/// A page without scripts and pictures, of fixed texts only.
async fn say(stream: &mut TcpStream, status: &str, text: &str, next: &str) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Sign-in</title>\
         <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}}</style>\
         <main><h1>{text}</h1><p>{next}</p></main></html>\n"
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n{page}",
        page.len()
    );
    // A browser that is gone does not need the page.
    let _unread = stream.write_all(answer.as_bytes()).await;
}
