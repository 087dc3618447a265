//! The running server, seen through its administration API.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::{Host, Url};

use super::context::Context;
use super::failure::{Exit, Failure};
use super::local::{self, Local};
use super::output::clean;
use super::process::{self, Holder};
use super::token;
use crate::config::SecretText;

/// An answer that is longer than this does not come from an ayb server.
const LONGEST_ANSWER: usize = 16 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a running server.
pub struct Server {
    /// Its address.
    pub url: Url,
    /// The data folder, when it is the server of the configuration here, on this machine.
    here: Option<PathBuf>,
    token: Option<SecretText>,
    client: Client,
}

/// The body of a successful answer.
pub struct Body {
    /// The text, as sent.
    pub text: String,
    /// What it means; null when there is none.
    pub json: Value,
}

impl Server {
    /// The server that the flags, the environment or the configuration here name, with the administrator's token.
    pub fn with_token(context: &Context<'_>) -> Result<Self, Failure> {
        let mut server = Self::anonymous(context)?;
        server.token = token::find(context, &server.url, server.here.is_some());
        if server.token.is_none() {
            let message = format!("no administrator's token for {}", server.url);
            return Err(Failure::new(Exit::Unauthorized, message)
                .hint("sign in with `ayb admin login`, or set AYB_ADMIN_TOKEN"));
        }
        server.refuse_plain_http(context)?;
        Ok(server)
    }

    /// The same server without a token.
    pub fn anonymous(context: &Context<'_>) -> Result<Self, Failure> {
        let named =
            context.flags.url.clone().or_else(|| context.environment.text("AYB_URL").map(str::to_owned));
        let here = named.is_none().then(|| context.data_dir());
        if here.is_some() {
            context.check_file()?;
        }
        let Local { url, at } = named.map_or_else(|| local::of(context), |url| Local { url, at: None });
        let url = parse(&url)?;
        let mut client = Client::builder();
        if let Some((name, at)) = at {
            client = client.resolve(&name, at);
        }
        let client = client
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("ayb/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::failed("the HTTP client cannot start").because(chain(&error)))?;
        Ok(Self { url, here, token: None, client })
    }

    /// Fails when a secret sent to this server could be read on the way.
    pub fn refuse_plain_http(&self, context: &Context<'_>) -> Result<(), Failure> {
        let stays = self.here.is_some() || is_this_machine(&self.url);
        if self.url.scheme() == "https" || stays || context.flags.allow_plain_http {
            return Ok(());
        }
        Err(Failure::usage("a secret would travel over http, where the network can read it")
            .hint("use an https URL, or add --allow-plain-http if the network is yours"))
    }

    /// Asks for a thing.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Body, Failure> {
        let mut url = self.address(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.client.request(Method::GET, url)).await
    }

    /// Sends a thing.
    pub async fn send_json(&self, method: Method, path: &[&str], body: &Value) -> Result<Body, Failure> {
        self.send(self.client.request(method, self.address(path)).json(body)).await
    }

    /// Asks for something to be done that needs no more words.
    pub async fn send_empty(&self, method: Method, path: &[&str]) -> Result<Body, Failure> {
        self.send(self.client.request(method, self.address(path))).await
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// How the server is: its answer, also when that is not good.
    pub async fn health(&self) -> Result<Body, Failure> {
        let (_, text) = self.answer(self.client.request(Method::GET, self.address(&["health"]))).await?;
        self.body(text)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Body, Failure> {
        let (status, text) = self.answer(request).await?;
        if !status.is_success() {
            return Err(refusal(status, &text));
        }
        self.body(text)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<(StatusCode, String), Failure> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        };
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        Ok((answer.status(), self.read(answer).await?))
    }

    fn body(&self, text: String) -> Result<Body, Failure> {
        if text.trim().is_empty() {
            return Ok(Body { text: String::new(), json: Value::Null });
        }
        match serde_json::from_str(&text) {
            Ok(json) => Ok(Body { text, json }),
            Err(_) => {
                Err(Failure::failed(format!("{} did not answer in JSON", self.url))
                    .hint("is it an ayb server?"))
            }
        }
    }

    async fn read(&self, mut answer: Response) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST_ANSWER {
                return Err(Failure::failed("the answer is longer than 16 MiB").hint("is it an ayb server?"));
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let cause = chain(error);
        // The words of rustls, whose error the HTTP library hides.
        let untrusted = cause.contains("invalid peer certificate");
        let failure = Failure::new(Exit::Unreachable, format!("cannot reach the server at {}", self.url))
            .because(cause);
        if untrusted {
            return failure.hint(
                "if the certificate is from an authority of your own, set SSL_CERT_FILE to its PEM file",
            );
        }
        let holder = self.here.as_ref().and_then(|folder| process::holder(folder).ok().flatten());
        match holder {
            None => failure.hint("start it with `ayb start`, or name it with --url or AYB_URL"),
            Some(Holder { process, .. }) => failure
                .hint(format!("a server runs here (process {process}): its log says whether it is well")),
        }
    }
}

/// Whether the address is on this machine, so that nothing that is sent there leaves it.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn parse(text: &str) -> Result<Url, Failure> {
    let hint = "write it like https://id.example.com or http://127.0.0.1:8090";
    let wrong = || Failure::usage("the server's URL makes no sense").hint(hint);
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return Err(wrong());
    }
    Ok(url)
}

/// The failure that an answer of the API means, told in its own words.
fn refusal(status: StatusCode, text: &str) -> Failure {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let words = body["message"].as_str().or(body["error_description"].as_str()).or(body["error"].as_str());
    let message = words.map_or_else(|| "the server refused the request".to_owned(), clean);
    let failure = Failure::new(exit_of(status), message).because(cause(status, &body["data"]));
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failure.hint("sign in with `ayb admin login`"),
        StatusCode::TOO_MANY_REQUESTS => failure.hint("wait a minute and try again"),
        status if status.is_server_error() => failure.hint("the server's log says more"),
        status if status.is_redirection() => {
            failure.hint("the URL leads elsewhere; name the server itself with --url")
        }
        _ => failure,
    }
}

fn exit_of(status: StatusCode) -> Exit {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Unauthorized,
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

fn cause(status: StatusCode, data: &Value) -> String {
    match data {
        Value::Null => format!("HTTP status {}", status.as_u16()),
        data => format!("HTTP status {}, {}", status.as_u16(), clean(&data.to_string())),
    }
}

/// An error and what caused it, without the URL: it is named beside it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = Vec::new();
    let mut current = error.source().or(Some(error));
    while let Some(error) = current {
        words.push(error.to_string());
        current = error.source();
    }
    words.dedup();
    clean(&words.join(": "))
}
