//! `ayb auth` against a server that runs, with a browser that follows its pages.

use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use ayb_client::{KeySource, OAuth2, OAuth2Config, SecretString, TokenStorageConfig, TokenStorageKey};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_server::cli::{self, Exit, Streams};
use ayb_server::clock::Clock;
use ayb_server::config::Environment;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::run::{FakeServer, Ran, ayb_with};
use crate::kit::app::Listening;
use crate::kit::{Client, Person, TestApp};

/// Writes for a reader who waits for lines.
struct Told {
    all: Arc<Mutex<Vec<u8>>>,
    to: UnboundedSender<String>,
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut all = self.all.lock().unwrap();
        all.extend_from_slice(bytes);
        let _gone = self.to.send(String::from_utf8_lossy(&all).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Gives what is typed when it is typed.
struct Typed(Receiver<String>);

impl Read for Typed {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        let Ok(text) = self.0.recv() else { return Ok(0) };
        target[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

/// A server that runs, somebody with an account there, a program that is registered, and a home folder.
struct World {
    app: TestApp,
    server: Listening,
    client: Client,
    ada: Person,
    home: TempDir,
}

impl World {
    async fn start() -> Self {
        let socket = TestApp::socket().await;
        let issuer = format!("http://{}", socket.addresses()[0]);
        let app = TestApp::on_with(ayb_testkit::sqlite(), |config| config.server.public_url = issuer).await;
        // The program under test has the clock of the machine.
        app.clock.set(Clock::system().now());
        let server = app.listen_on(socket);
        let change = |draft: &mut ayb_provider::register::ClientDraft| {
            draft.redirect_uris = vec!["http://127.0.0.1/callback".to_owned()];
            draft.scopes = ["openid", "email", "readonly", "offline_access"].map(str::to_owned).to_vec();
        };
        let client = app.public_client().with(change).await;
        let ada = app.user("ada").await;
        Self { app, server, client, ada, home: tempfile::tempdir().unwrap() }
    }

    fn variables(&self) -> Vec<(String, String)> {
        vec![("HOME".to_owned(), self.home.path().display().to_string())]
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join(".config/ayb/auth")
    }

    /// Runs a command while the server goes on.
    async fn ayb(&self, arguments: &[&str]) -> Ran {
        self.ayb_with(arguments, &[], "").await
    }

    async fn ayb_with(&self, arguments: &[&str], more: &[(&str, &str)], input: &str) -> Ran {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let mut variables = self.variables();
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let input = input.to_owned();
        let run = move || {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let pairs: Vec<(&str, &str)> = variables.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            ayb_with(&words, &pairs, &input)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Signs in; a browser opens the address that is shown, Ada allows it, and what comes back goes where `back` puts it.
    async fn login_with(&self, more: &[&str], variables: &[(&str, &str)], pastes: bool) -> Ran {
        let mut arguments =
            vec!["ayb", "auth", "login", self.app.issuer(), "--client-id", &self.client.client_id];
        arguments.extend(more);
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let mut pairs = self.variables();
        pairs.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let environment = Environment::from_pairs(pairs);
        let (to, mut told) = unbounded_channel();
        let err = Arc::new(Mutex::new(Vec::new()));
        let mut writer = Told { all: Arc::clone(&err), to };
        let (typing, typed) = channel();
        let running = tokio::task::spawn_blocking(move || {
            let (mut out, mut input) = (Vec::new(), BufReader::new(Typed(typed)));
            let streams = Streams { out: &mut out, err: &mut writer, input: &mut input, interactive: false };
            let exit = cli::run(arguments, environment, streams);
            (exit, String::from_utf8(out).unwrap())
        });
        let address = loop {
            let Some(so_far) = told.recv().await else { break None };
            let found =
                so_far.lines().find(|line| line.trim().starts_with("http") && line.contains("state="));
            if let Some(line) = found.filter(|_| so_far.ends_with('\n')) {
                break Some(line.trim().to_owned());
            }
        };
        if let Some(address) = address {
            let mut browser = self.app.signed_in(&self.ada).await;
            browser.visit(&address).await;
            if browser.away.is_none() {
                browser.submit("consent-allow").await;
            }
            let back = browser.away.clone().unwrap();
            if pastes {
                typing.send("http://127.0.0.1/callback?code=x&state=forged\n".to_owned()).unwrap();
                typing.send(format!("{back}\n")).unwrap();
            } else {
                let page = reqwest::get(&back).await.unwrap().text().await.unwrap();
                assert!(page.contains("You are signed in"), "{page}");
            }
        }
        drop(typing);
        let (exit, out) = running.await.unwrap();
        let err = String::from_utf8(err.lock().unwrap().clone()).unwrap();
        Ran { exit, out, err }
    }

    async fn login(&self) -> Ran {
        let ran = self.login_with(&["--scopes", "openid,email,readonly,offline_access"], &[], false).await;
        assert_eq!(ran.exit, Exit::Done, "{} {}", ran.out, ran.err);
        ran
    }

    /// The client as the command line makes it, to look at what it keeps.
    fn inside(&self) -> OAuth2 {
        let provider = ayb_client::ProviderConfig::default().with_issuer(self.app.issuer());
        let credentials = ayb_client::ClientCredentials::public(&self.client.client_id);
        let mut config = OAuth2Config::new(provider, credentials);
        let key = std::fs::read_to_string(self.folder().join("key")).unwrap();
        let key = KeySource::from_text(&SecretString::from(key)).unwrap();
        config.storage = TokenStorageConfig::File { path: self.folder().join("tokens"), key };
        OAuth2::builder(config).build().unwrap()
    }

    /// Has the access token of the profile end now.
    async fn expire(&self) -> String {
        let tokens = self.inside().tokens_for(&TokenStorageKey::new("ayb").user("default").provider("auth"));
        let mut set = tokens.get_current_tokens().await.unwrap().unwrap();
        set.expires_at = Some(Timestamp::from_seconds(1));
        let old = ayb_client::ExposeSecret::expose_secret(&set.access_token).to_owned();
        tokens.store_tokens(set).await.unwrap();
        old
    }

    async fn userinfo(&self, token: &str) -> u16 {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = self.server.url("/oauth/userinfo");
        http.get(url).bearer_auth(token.trim()).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_in_a_browser_gives_scripts_a_token_and_leaves_no_secret_in_the_clear() {
    let world = World::start().await;
    let ran = world.login().await;
    assert!(ran.out.contains("as ada@example.com; the profile is `default`"), "{}", ran.out);
    assert!(ran.err.contains("no key ring") || cfg!(feature = "keyring"), "{}", ran.err);
    let token = world.ayb(&["auth", "token"]).await;
    assert_eq!((token.exit, token.out.lines().count(), token.err.as_str()), (Exit::Done, 1, ""));
    assert_eq!(world.userinfo(&token.out).await, 200);
    assert_eq!(world.ayb(&["auth", "token"]).await.out, token.out, "kept, not asked for anew");

    let status = world.ayb(&["auth", "status", "--json"]).await;
    let item = serde_json::from_str::<Value>(&status.out).unwrap()["profiles"][0].clone();
    assert_eq!((&item["account"], &item["renews"]), (&json!("ada@example.com"), &json!(true)), "{item}");
    assert!(item["token"].as_str().unwrap().starts_with("until "), "{item}");
    let table = world.ayb(&["auth", "status"]).await.out;
    let secret = token.out.trim();
    for text in [&status.out, &table, &ran.out, &ran.err] {
        assert!(!text.contains(secret), "{text}");
    }
    let mut files = vec![world.folder()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", path.display());
        #[cfg(unix)]
        if path.file_name().is_some_and(|name| name == "key" || name.to_string_lossy().ends_with(".tokens")) {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_scripts_that_ask_at_once_for_an_expired_token_get_the_same_new_one_from_one_refresh() {
    let world = World::start().await;
    world.login().await;
    let old = world.expire().await;
    let home = world.home.path().to_owned();
    let ask = move || {
        let ayb = |home: &PathBuf| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ayb"));
            command.args(["auth", "token"]).env_clear().env("HOME", home).output()
        };
        let outputs = std::thread::scope(|scope| {
            let all: Vec<_> = (0..20).map(|_| scope.spawn(|| ayb(&home).unwrap())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        outputs.iter().map(|output| (text(&output.stdout), text(&output.stderr))).collect::<Vec<_>>()
    };
    let all = tokio::task::spawn_blocking(ask).await.unwrap();
    // A refresh gives a token that no other refresh gives.
    assert!(all.iter().all(|one| *one == all[0] && one.1.is_empty()), "{all:?}");
    assert_ne!(all[0].0.trim(), old);
    assert_eq!(world.userinfo(&all[0].0).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_revokes_at_the_server_and_forgets() {
    let world = World::start().await;
    world.login().await;
    let token = world.ayb(&["auth", "token"]).await.out;
    let ran = world.ayb(&["auth", "logout"]).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    assert_eq!(world.userinfo(&token).await, 401);
    let gone = world.ayb(&["auth", "token"]).await;
    assert_eq!((gone.exit, gone.out.as_str()), (Exit::NotFound, ""));
    assert!(gone.err.contains("there is no profile `default`") && gone.err.contains("hint:"), "{}", gone.err);
    assert!(world.ayb(&["auth", "status"]).await.out.starts_with("No profiles."));
    assert!(
        std::fs::read_dir(world.folder().join("tokens"))
            .unwrap()
            .all(|entry| { !entry.unwrap().path().to_string_lossy().ends_with(".tokens") })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ended_at_the_server_asks_for_a_new_sign_in() {
    let world = World::start().await;
    world.login().await;
    world.expire().await;
    world.app.travel(Seconds(400 * 86_400));
    let ran = world.ayb(&["auth", "token"]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Unauthorized, ""), "{}", ran.err);
    assert!(ran.err.contains("hint: sign in with `ayb auth login"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_while_the_server_is_down_forgets_and_says_that_the_tokens_still_count() {
    let world = World::start().await;
    world.login().await;
    let World { server, home, .. } = world;
    server.stop().await;
    let home = home.path().display().to_string();
    let run = |words: &'static [&'static str]| {
        let home = home.clone();
        tokio::task::spawn_blocking(move || ayb_with(words, &[("HOME", &home)], ""))
    };
    let ran = run(&["auth", "logout"]).await.unwrap();
    assert_eq!(ran.exit, Exit::Unreachable, "{}", ran.err);
    assert!(ran.err.contains("could not be revoked") && ran.err.contains("revoke them"), "{}", ran.err);
    assert_eq!(run(&["auth", "token"]).await.unwrap().exit, Exit::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_pasted_ends_the_sign_in_and_a_passphrase_keeps_the_tokens() {
    let world = World::start().await;
    let words = ["--paste", "--profile", "work", "--key", "passphrase", "--scopes", "openid,offline_access"];
    let secret = [("AYB_TOKENS_PASSPHRASE", "a long passphrase")];
    let ran = world.login_with(&words, &secret, true).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    assert!(ran.err.contains("That is not the address of this sign-in"), "{}", ran.err);
    let token = ["auth", "token", "--profile", "work"];
    assert_eq!(world.ayb_with(&token, &secret, "").await.exit, Exit::Done);
    let without = world.ayb(&token).await;
    assert!(
        without.exit == Exit::Usage && without.err.contains("set AYB_TOKENS_PASSPHRASE"),
        "{}",
        without.err
    );
    let wrong = world.ayb_with(&token, &[("AYB_TOKENS_PASSPHRASE", "another")], "").await;
    assert!(wrong.exit == Exit::Failed && wrong.err.contains("another key"), "{}", wrong.err);
    let locked = world.ayb(&["auth", "status"]).await;
    assert!(locked.exit == Exit::Done && locked.out.contains("locked"), "{}", locked.out);
    let moved = world.login_with(&["--key", "file"], &[], false).await;
    assert_eq!(moved.exit, Exit::Usage, "{}", moved.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn git_gets_the_token_for_its_host_only_and_kubectl_in_its_form() {
    let world = World::start().await;
    world.login().await;
    let token = world.ayb(&["auth", "token"]).await.out.trim().to_owned();
    let git = ["auth", "token", "--format", "git-credential", "--host", "git.example.com", "get"];
    for (input, given) in [
        ("protocol=https\nhost=git.example.com\n\n", true),
        ("protocol=https\nhost=evil.test\n\n", false),
        ("protocol=http\nhost=git.example.com\n\n", false),
        ("", false),
    ] {
        let ran = world.ayb_with(&git, &[], input).await;
        assert_eq!(
            (ran.exit, ran.out.contains(&format!("password={token}"))),
            (Exit::Done, given),
            "{input}"
        );
        assert_eq!(ran.out.is_empty(), !given);
    }
    let store = [&git[..6], &["store"]].concat();
    assert_eq!(world.ayb_with(&store, &[], "protocol=https\nhost=git.example.com\n\n").await.out, "");
    assert_eq!(world.ayb(&git[..4]).await.exit, Exit::Usage);
    let exec: Value =
        serde_json::from_str(&world.ayb(&["auth", "token", "--format", "kubectl"]).await.out).unwrap();
    assert_eq!((&exec["kind"], &exec["status"]["token"]), (&json!("ExecCredential"), &json!(token)));
    let json: Value = serde_json::from_str(&world.ayb(&["auth", "token", "--json"]).await.out).unwrap();
    assert_eq!((&json["access_token"], &json["token_type"]), (&json!(token), &json!("Bearer")));
}

/// Metadata of a provider that has the rest of the members, too.
fn metadata(more: &Value) -> String {
    let mut all = json!({
        "issuer": "ORIGIN", "authorization_endpoint": "ORIGIN/authorize", "token_endpoint": "ORIGIN/token",
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all.to_string()
}

fn at_home(home: &TempDir, words: &[&str]) -> Ran {
    ayb_with(words, &[("HOME", home.path().to_str().unwrap())], "")
}

#[test]
fn without_a_browser_a_code_for_another_device_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let codes = json!({
        "device_code": "canary-device-code", "user_code": "WDJB\u{1b}[2J-MJHT", "verification_uri": "ORIGIN/device",
        "expires_in": 1,
    });
    let described = metadata(&json!({"device_authorization_endpoint": "ORIGIN/codes"}));
    let server = FakeServer::answering(&[(200, &described), (200, &codes.to_string())]);
    let url = server.url.clone();
    let ran = at_home(&home, &["auth", "login", &url, "--client-id", "tv", "--device"]);
    assert_eq!(server.seen()[1].line, "POST /codes");
    assert!(ran.err.contains(&format!("open {url}/device and type in WDJB\\u{{1b}}[2J-MJHT")), "{}", ran.err);
    assert!(ran.exit == Exit::Unauthorized && !ran.err.contains("canary"), "{}", ran.err);
    assert!(ran.err.contains("hint: sign in with"), "the codes ended at once: {}", ran.err);
}

#[test]
fn a_key_ring_that_is_asked_for_and_not_there_is_noticed_before_anybody_is_asked_anything() {
    let home = tempfile::tempdir().unwrap();
    let ran =
        at_home(&home, &["auth", "login", "http://127.0.0.1:9", "--client-id", "x", "--key", "keyring"]);
    assert!(ran.exit == Exit::Failed && ran.err.contains("the key ring cannot be used"), "{}", ran.err);
    assert!(ran.err.contains("--key file"), "{}", ran.err);
}

#[test]
fn the_doctor_says_what_is_wrong_with_a_broken_issuer_and_fails() {
    let home = tempfile::tempdir().unwrap();
    let doctor = |script: &[(u16, &str)]| {
        let server = FakeServer::answering(script);
        let ran = at_home(&home, &["auth", "doctor", &server.url.clone()]);
        let _all = server.seen();
        ran
    };
    let other = metadata(&json!({"issuer": "ORIGIN/"}));
    let ran = doctor(&[(200, &other), (302, "")]);
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.out);
    assert!(ran.out.contains("fail  OpenID Connect: the document is about `http://"), "{}", ran.out);
    assert!(ran.out.contains("the slash at its end too"), "{}", ran.out);
    assert!(ran.out.contains("clients follow no redirects"), "{}", ran.out);

    let weak = metadata(&json!({
        "jwks_uri": "ORIGIN/keys", "code_challenge_methods_supported": ["plain"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "id_token_signing_alg_values_supported": ["none"],
    }));
    let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "d": "private"}]}).to_string();
    let ran = doctor(&[(200, &weak), (404, ""), (200, &keys)]);
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.out);
    for said in [
        "fail  PKCE: lists no S256",
        "fail  ID tokens: signed by none",
        "fail  keys: a private key is published",
        "warn  client authentication: clients without a secret are not listed",
        "warn  clock: the answer has no date",
        "warn  RFC 8414: nothing at /.well-known/oauth-authorization-server",
        "warn  endpoints: tokens cannot be revoked",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    assert!(!ran.out.contains("\"private\""), "{}", ran.out);
    let nobody = at_home(&home, &["auth", "doctor", "http://127.0.0.1:9"]);
    assert_eq!(nobody.exit, Exit::Unreachable, "{}", nobody.out);
    for bad in ["http://id.example", "nothing", "https://id.example/?a=b"] {
        assert_eq!(at_home(&home, &["auth", "doctor", bad]).exit, Exit::Usage, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_does_not_answer_is_noticed_before_anybody_signs_in() {
    let world = World::start().await;
    let ran = world.ayb(&["auth", "login", "http://127.0.0.1:9", "--client-id", "x"]).await;
    assert!(ran.exit == Exit::Unreachable && ran.out.is_empty(), "{}", ran.err);
    let plain = world.ayb(&["auth", "login", "http://id.example", "--client-id", "x"]).await;
    assert!(plain.exit == Exit::Failed && plain.err.contains("not https"), "{}", plain.err);
    assert!(world.ayb(&["auth", "status"]).await.out.starts_with("No profiles."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_nothing_wrong_with_a_server_of_ours_and_says_how_to_use_it() {
    let world = World::start().await;
    let ran = world.ayb(&["auth", "doctor", world.app.issuer()]).await;
    assert_eq!(ran.exit, Exit::Done, "{}{}", ran.out, ran.err);
    for said in [
        "ok    OpenID Connect",
        "ok    RFC 8414",
        "ok    PKCE: S256",
        "ok    clock",
        "ok    keys",
        "ayb auth login",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let json: Value =
        serde_json::from_str(&world.ayb(&["auth", "doctor", world.app.issuer(), "--json"]).await.out)
            .unwrap();
    assert_eq!(json["configuration"]["issuer"], world.app.issuer());
}
