//! An issuer on loopback that counts who asks, and answers as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ayb_protocol::jose::KeySet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, watch};

use super::Key;

pub(crate) const JWKS: &str = "/jwks.json";
pub(crate) const METADATA: &str = "/.well-known/oauth-authorization-server";
pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";

/// What is answered at one path.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A document, with further header lines.
    Document(String, String),
    Status(u16),
    Redirect(String),
    /// Half of what was announced, and the connection closes.
    Torn,
    /// Nothing, and the connection stays open.
    Silence,
    /// A byte now and then, for ever.
    Dripping,
    /// Two mebibytes that are announced.
    Huge,
    /// Bytes without end and without a length.
    Endless,
}

impl Answer {
    pub(crate) fn document(body: impl Into<String>) -> Self {
        Self::Document(body.into(), String::new())
    }
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, Answer>,
    asked: HashMap<String, usize>,
}

/// The issuer.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    script: Arc<Mutex<Script>>,
    total: watch::Sender<usize>,
    gate: Arc<RwLock<()>>,
}

impl Issuer {
    /// Starts one that has metadata and no keys.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = format!("http://{}", listener.local_addr().unwrap());
        let issuer =
            Self { name, script: Arc::default(), total: watch::Sender::new(0), gate: Arc::default() };
        issuer.answer(METADATA, Answer::document(issuer.metadata()));
        let server = issuer.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                // A caller who hangs up is no failure of the issuer.
                tokio::spawn(async move { server.serve(stream).await.unwrap_or_default() });
            }
        });
        issuer
    }

    /// Its metadata, as it ought to be.
    pub(crate) fn metadata(&self) -> String {
        format!("{{\"issuer\":\"{0}\",\"jwks_uri\":\"{0}{JWKS}\"}}", self.name)
    }

    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.script.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        self.publish_with(keys, "Cache-Control: public, max-age=3600\r\n");
    }

    pub(crate) fn publish_with(&self, keys: &[&Key], headers: &str) {
        let set = KeySet::new(keys.iter().map(|key| key.jwk()).collect()).to_json();
        self.answer(JWKS, Answer::Document(set, headers.to_owned()));
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.script.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    /// Waits until it was asked this often, for anything.
    pub(crate) async fn until_asked(&self, times: usize) {
        let mut total = self.total.subscribe();
        total.wait_for(|total| *total >= times).await.unwrap();
    }

    /// How often it was asked for anything.
    pub(crate) fn total(&self) -> usize {
        *self.total.borrow()
    }

    /// Keeps all answers back until what this gives is dropped.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).write_owned().await
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).await? == 0 {
                return Ok(());
            }
            head.extend(byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = {
            let mut script = self.script.lock().unwrap();
            *script.asked.entry(path.clone()).or_default() += 1;
            script.answers.get(&path).cloned().unwrap_or(Answer::Status(404))
        };
        self.total.send_modify(|total| *total += 1);
        let _open = self.gate.read().await;
        answer.write(&mut stream).await
    }
}

impl Answer {
    async fn write(self, stream: &mut TcpStream) -> std::io::Result<()> {
        const SIZE: usize = 2 * 1024 * 1024;
        let head = |status: u16, length: usize, more: &str| {
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
        };
        match self {
            Self::Document(body, more) => {
                stream.write_all((head(200, body.len(), &more) + &body).as_bytes()).await
            }
            Self::Status(status) => stream.write_all(head(status, 0, "").as_bytes()).await,
            Self::Redirect(to) => {
                stream.write_all(head(302, 0, &format!("Location: {to}\r\n")).as_bytes()).await
            }
            Self::Torn => stream.write_all((head(200, 1000, "") + "{\"keys\":[]").as_bytes()).await,
            Self::Silence => std::future::pending().await,
            Self::Dripping => {
                stream.write_all(head(200, SIZE, "").as_bytes()).await?;
                loop {
                    stream.write_all(b" ").await?;
                    tokio::task::yield_now().await;
                }
            }
            Self::Huge => {
                stream.write_all(head(200, SIZE, "").as_bytes()).await?;
                stream.write_all(&vec![b' '; SIZE]).await
            }
            Self::Endless => {
                stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n").await?;
                loop {
                    stream.write_all(&[b' '; 4096]).await?;
                }
            }
        }
    }
}
