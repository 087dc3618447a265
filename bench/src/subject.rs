//! The server under measurement: started from nothing, with clients, a person, a session and a consent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Reply, hidden, send, send_form, send_json};
use crate::launch::launch;
use crate::process::Process;
use crate::work::{Fixed, Flow, REDIRECT_URI, VERIFIER, request};

const PASSWORD: &str = "benchmark password";

/// A running server.
pub struct Subject {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// From start to the first answer, with an empty database.
    pub cold_start: Duration,
    /// Authorization header lines by kind of client.
    pub clients: BTreeMap<&'static str, String>,
    /// The cookies of signed-in people who have consented, as header lines.
    pub cookies: Vec<String>,
    /// The identifier of the first of them.
    pub person: String,
    /// The address of its PostgreSQL database; none when it has a file.
    pub database: Option<String>,
    client_ids: BTreeMap<&'static str, String>,
    folder: TempDir,
}

/// What the person has consented to, encoded.
pub const SCOPE: &str = "openid%20readonly";

/// The kinds of client: token format and algorithm.
pub const CLIENTS: [(&str, &str, &str); 4] = [
    ("opaque", "opaque", "ES256"),
    ("RS256", "jwt", "RS256"),
    ("ES256", "jwt", "ES256"),
    ("EdDSA", "jwt", "EdDSA"),
];

impl Subject {
    /// Starts the server on a database and prepares everything.
    pub fn start(binary: &Path, port: u16, database: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let (process, cold_start) = launch(binary, folder.path(), address, database)?;
        let mut subject = Self {
            process,
            address,
            cold_start,
            clients: BTreeMap::new(),
            client_ids: BTreeMap::new(),
            cookies: Vec::new(),
            person: String::new(),
            database: database.map(str::to_owned),
            folder,
        };
        subject.prepare()?;
        Ok(subject)
    }

    fn prepare(&mut self) -> Result<()> {
        self.register()?;
        self.gather(1)
    }

    /// Has people sign up, sign in and consent until there are so many. One for each connection is what a server meets:
    /// nobody is in the middle of 32 sign-ins at once.
    pub fn gather(&mut self, people: usize) -> Result<()> {
        for person in self.cookies.len()..people {
            let draft = json!({"email": email(person), "password": PASSWORD});
            let made = send_json(self.address, "POST", "/api/auth/register", "none", &draft)?;
            if person == 0 {
                self.person = text(&made["user"]["id"])?;
            }
            let cookie = sign_in(self.address, person)?;
            for (name, ..) in CLIENTS {
                self.consent(name, &cookie)?;
            }
            self.cookies.push(cookie);
        }
        Ok(())
    }

    /// The file of its SQLite database.
    pub fn sqlite_file(&self) -> PathBuf {
        self.folder.path().join("ayb.db")
    }

    /// From start to the first answer, with the database as it is now.
    pub fn warm_start(&mut self, binary: &Path) -> Result<Duration> {
        let placeholder = Process::start(Path::new("/bin/true"), &[], &[])?;
        drop(std::mem::replace(&mut self.process, placeholder));
        let (process, time) = launch(binary, self.folder.path(), self.address, self.database.as_deref())?;
        self.process = process;
        Ok(time)
    }

    /// The administrator's token for programs on this machine.
    pub fn admin_token(&self) -> Result<String> {
        let token = std::fs::read_to_string(self.folder.path().join("admin-token"))
            .context("the server wrote no admin token")?;
        Ok(token.lines().next().unwrap_or_default().to_owned())
    }

    fn register(&mut self) -> Result<()> {
        let token = self.admin_token()?;
        let app = send_json(
            self.address,
            "POST",
            "/api/admin/apps",
            &token,
            &json!({"name": "Benchmark", "description": ""}),
        )?;
        for (name, format, algorithm) in CLIENTS {
            let draft = json!({
                "appId": app["id"], "name": name, "redirectUris": [REDIRECT_URI],
                "scopes": ["openid", "readonly", "readwrite"], "tokenFormat": format, "signingAlg": algorithm,
            });
            let made = send_json(self.address, "POST", "/api/admin/oauth/clients", &token, &draft)?;
            let (id, secret) = (text(&made["client"]["clientId"])?, text(&made["clientSecret"])?);
            let basic = STANDARD.encode(format!("{id}:{secret}"));
            self.clients.insert(name, format!("Authorization: Basic {basic}\r\n"));
            self.client_ids.insert(name, id);
        }
        Ok(())
    }

    fn consent(&self, client: &str, cookie: &str) -> Result<()> {
        let cookie = cookie.trim_end().to_owned();
        let page =
            send(self.address, "GET", &self.authorize(client, SCOPE), std::slice::from_ref(&cookie), "")?;
        let mut fields = hidden(&page.body);
        fields.push(("decision".into(), "allow".into()));
        let answer = send_form(self.address, "/oauth/consent", &[cookie], &fields)?;
        let sent_on = answer.headers("location").first().is_some_and(|location| location.contains("code="));
        ensure!(sent_on, "consent was not taken: status {}", answer.status);
        Ok(())
    }

    fn authorize(&self, client: &str, scope: &str) -> String {
        Flow::query("/oauth/authorize", &self.client_ids[client], scope)
    }

    /// A token for the machine that a client is.
    pub fn issue(&self, client: &str) -> Fixed {
        let body = "grant_type=client_credentials&scope=readonly";
        Fixed::new(request("POST", "/oauth/token", &self.clients[client], body), 200, "access_token")
    }

    /// Has the server write a token of each kind: of a machine, and both of a person.
    pub fn seed(&self) -> Result<()> {
        self.machine_token()?.json()?;
        self.exchange(SCOPE, 0).map(|_| ())
    }

    /// A token that may write, for the machine that a client is.
    pub fn writing_token(&self, client: &str) -> Result<String> {
        let fields = [("grant_type", "client_credentials"), ("scope", "readwrite")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let client = self.clients[client].trim_end().to_owned();
        text(&send_form(self.address, "/oauth/token", &[client], &fields)?.json()?["access_token"])
    }

    /// Asks once for a token for the machine that the opaque client is.
    pub fn machine_token(&self) -> Result<Reply> {
        let fields = [("grant_type", "client_credentials"), ("scope", "readonly")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let client = self.clients["opaque"].trim_end().to_owned();
        send_form(self.address, "/oauth/token", &[client], &fields)
    }

    /// The code flow of a client, on each connection for another person.
    pub fn flow(&self, client: &str, connections: usize) -> Flow {
        Flow {
            authorize: self.authorize(client, SCOPE),
            cookies: self.cookies.clone(),
            client: self.clients[client].clone(),
            exchange: "/oauth/token".to_owned(),
            codes: vec![None; connections],
        }
    }

    /// Refresh tokens of the opaque client, for all people in turn.
    pub fn refresh_tokens(&self, count: usize, scope: &str) -> Result<Vec<String>> {
        (0..count).map(|turn| text(&self.exchange(scope, turn)?["refresh_token"])).collect()
    }

    /// Access tokens of the opaque client, for all people in turn.
    pub fn access_tokens(&self, count: usize) -> Result<Vec<String>> {
        (0..count).map(|turn| text(&self.exchange(SCOPE, turn)?["access_token"])).collect()
    }

    /// The answer to an exchanged code of the opaque client.
    fn exchange(&self, scope: &str, turn: usize) -> Result<Value> {
        let cookie = self.cookies[turn % self.cookies.len()].trim_end().to_owned();
        let answer = send(self.address, "GET", &self.authorize("opaque", scope), &[cookie], "")?;
        let location =
            answer.headers("location").first().map(|location| (*location).to_owned()).unwrap_or_default();
        let code = location
            .split_once("code=")
            .map(|(_, rest)| rest.split('&').next().unwrap_or_default().to_owned());
        let code = code.ok_or_else(|| anyhow!("no code (status {})", answer.status))?;
        let fields = [
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), code),
            ("redirect_uri".to_owned(), REDIRECT_URI.to_owned()),
            ("code_verifier".to_owned(), VERIFIER.to_owned()),
        ];
        let client = self.clients["opaque"].trim_end().to_owned();
        send_form(self.address, "/oauth/token", &[client], &fields)?.json()
    }
}

fn email(person: usize) -> String {
    format!("bench{person}@example.com")
}

/// Signs a person in; gives the cookie of the session, as a header line.
///
/// # Errors
/// When the server does not take it.
pub fn sign_in(address: SocketAddr, person: usize) -> Result<String> {
    let page = send(address, "GET", "/login", &[], "")?;
    let visitor =
        page.headers("set-cookie").first().and_then(|line| line.split(';').next()).map(str::to_owned);
    let cookie = format!("Cookie: {}", visitor.unwrap_or_default());
    let mut fields = hidden(&page.body);
    fields.push(("email".into(), email(person)));
    fields.push(("password".into(), PASSWORD.into()));
    let answer = send_form(address, "/login", &[cookie], &fields)?;
    let session = answer.headers("set-cookie").into_iter().find(|line| line.starts_with("ayb_session="));
    let session = session.ok_or_else(|| anyhow!("no session cookie (status {})", answer.status))?;
    Ok(format!("Cookie: {}\r\n", session.split(';').next().unwrap_or_default()))
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| anyhow!("expected text, found {value}"))
}
