//! The command line on the server's own machine, in the folder of its configuration: it needs neither address nor password.

use std::path::Path;
use std::process::{Command, Output};

use rustix::process::Signal;

use super::binary::{Ayb, Setup, eventually};

/// `ayb` with the settings of the server.
fn run(ayb: &Ayb, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayb"));
    command.args(arguments).env_clear().envs(settings.iter().copied());
    command.env("AYB_SERVER_DATA_DIR", &ayb.data_dir).env("AYB_SERVER_PORT", ayb.port.to_string());
    command.current_dir(&ayb.data_dir).output().unwrap()
}

fn assert_works(ayb: &Ayb, settings: &[(&str, &str)]) {
    for arguments in [&["status"][..], &["users", "list"]] {
        let ran = run(ayb, settings, arguments);
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

fn with(settings: &[(&str, &str)]) -> Setup {
    settings.iter().fold(Setup::new(), |setup, (name, value)| setup.with(name, value))
}

#[tokio::test]
async fn it_finds_a_server_that_listens_at_another_address() {
    for host in ["127.0.0.2", "0.0.0.0"] {
        let settings = [("AYB_SERVER_HOST", host)];
        let setup = with(&settings);
        let ayb = setup.start().await;
        assert_works(&ayb, &settings);
    }
}

/// The port is a flag of `ayb start`, which the command line knows nothing of. Whoever listens where the configuration says
/// must not get this server's token.
#[tokio::test]
async fn it_finds_a_server_that_was_started_on_another_port() {
    let setup = Setup::new();
    let ayb = setup.start().await;
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let configured = stranger.local_addr().unwrap().port().to_string();
    let data_dir = ayb.data_dir.clone();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ayb"));
        command.args(arguments).env_clear().current_dir(&data_dir);
        command.env("AYB_SERVER_DATA_DIR", &data_dir).env("AYB_SERVER_PORT", &configured);
        command.output().unwrap()
    };
    for arguments in [&["status"][..], &["users", "list"]] {
        let ran = run(arguments);
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    drop(ayb);
    drop(stranger);
    let lost = run(&["status"]);
    let said = String::from_utf8_lossy(&lost.stderr).into_owned() + &String::from_utf8_lossy(&lost.stdout);
    assert!(
        !lost.status.success() && said.contains(&configured),
        "nobody serves the folder any more: {said}"
    );
}

/// The certificate is for the public name alone, as that of a public authority is.
fn certificate(folder: &Path) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(vec!["id.example.com".to_owned()]).unwrap();
    let files = ["cert.pem", "key.pem"].map(|name| folder.join(name).display().to_string());
    std::fs::write(&files[0], made.cert.pem()).unwrap();
    std::fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    files
}

#[tokio::test]
async fn it_finds_a_server_whose_certificate_names_the_public_address() {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = certificate(folder.path());
    let settings = [
        ("AYB_SERVER_TLS_CERT_FILE", cert.as_str()),
        ("AYB_SERVER_TLS_KEY_FILE", &key),
        ("AYB_SERVER_PUBLIC_URL", "https://id.example.com"),
        ("SSL_CERT_FILE", &cert),
    ];
    let setup = with(&settings[..3]);
    let ayb = setup.start().await;
    assert_works(&ayb, &settings);
    let untrusted = run(&ayb, &settings[..3], &["users", "list"]);
    assert_eq!(untrusted.status.code(), Some(3), "who is not trusted gets no token");
    let said = String::from_utf8_lossy(&untrusted.stderr);
    assert!(said.contains("hint: ") && said.contains("SSL_CERT_FILE"), "{said}");
}

#[tokio::test]
async fn a_hangup_ends_nothing() {
    let setup = Setup::new();
    let mut ayb = setup.start().await;
    ayb.signal(Signal::HUP);
    assert_eq!(ayb.caller.status("/health/live").await, 200);
    assert!(ayb.lives());
    assert_eq!(ayb.stop().await.code(), Some(0));
}

/// Servers of one PostgreSQL need not share a data folder, nor a machine.
#[tokio::test]
async fn tables_are_not_taken_from_under_a_server_on_the_same_postgresql() {
    let Some(database) = ayb_testkit::postgres().await else { return };
    let setup = Setup::new().on(&database.url);
    let ayb = setup.start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let take_back = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ayb"));
        command.args(["migrate", "down", "--yes"]).env_clear().current_dir(elsewhere.path());
        command.env("AYB_DATABASE_URL", &database.url).output().unwrap()
    };
    let refused = take_back();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("a server works on this database") && said.contains("hint: stop all of them"),
        "{said}"
    );
    assert_eq!(ayb.caller.status("/health/ready").await, 200);
    assert!(ayb.stop().await.success());
    eventually("the end of the server's connections", async || take_back().status.success()).await;
}
