use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ayb_server::cli::Exit;
use ayb_server::clock::Clock;

use super::run::{Ran, ayb_with};

const DAY: i64 = 24 * 60 * 60;

/// A folder with a configuration, a certificate and its key.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A certificate for these names that is valid from so many days from now until so many days from now.
    fn certificate(&self, names: &[&str], days: (i64, i64)) -> &Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        let at = |days: i64| {
            let seconds = Clock::system().now().as_seconds() + days * DAY + 60;
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.try_into().unwrap())
        };
        (parameters.not_before, parameters.not_after) = (at(days.0), at(days.1));
        let key = rcgen::KeyPair::generate().unwrap();
        self.write("cert.pem", &parameters.self_signed(&key).unwrap().pem());
        self.write("key.pem", &key.serialize_pem());
        self
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        mode(&path, 0o600);
        path
    }

    fn examined(&self, settings: &[(&str, &str)]) -> Ran {
        let data_dir = self.path("data");
        ayb_with(&["doctor", "--data-dir", data_dir.to_str().unwrap()], settings, "")
    }

    /// What the doctor says about the certificate of a server that is known as `https://id.example.com`.
    fn with_tls(&self, settings: &[(&str, &str)]) -> Ran {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        let own = [
            ("AYB_SERVER_PUBLIC_URL", "https://id.example.com"),
            ("AYB_SERVER_TLS_CERT_FILE", cert.to_str().unwrap()),
            ("AYB_SERVER_TLS_KEY_FILE", key.to_str().unwrap()),
        ];
        self.examined(&[&own[..], settings].concat())
    }
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn mode(_: &Path, _: u32) {}

#[track_caller]
fn assert_says(ran: &Ran, exit: Exit, words: &[&str]) {
    assert_eq!(ran.exit, exit, "{}{}", ran.out, ran.err);
    for word in words {
        assert!(ran.out.contains(word), "{word:?} is not in {}", ran.out);
    }
}

#[test]
fn a_certificate_in_its_time_and_for_its_name_is_good() {
    let folder = Folder::new();
    let ran = folder.certificate(&["id.example.com"], (-1, 60)).with_tls(&[]);
    assert_says(&ran, Exit::Done, &["ok    TLS: the certificate is good until 20", "is for id.example.com"]);
    let ran = folder.certificate(&["*.example.com"], (-1, 60)).with_tls(&[]);
    assert_says(&ran, Exit::Done, &["ok    TLS: the certificate is for id.example.com"]);
    let ran =
        folder.certificate(&["::1"], (-1, 60)).with_tls(&[("AYB_SERVER_PUBLIC_URL", "https://[::1]:8090")]);
    assert_says(&ran, Exit::Done, &["ok    TLS: the certificate is for [::1]"]);
}

#[test]
fn a_certificate_out_of_its_time_is_a_failure_and_near_its_end_a_warning() {
    for (days, exit, words) in [
        ((-90, -1), Exit::Failed, "fail  TLS: the certificate ended on 20"),
        ((1, 90), Exit::Failed, "fail  TLS: the certificate begins on 20"),
        ((-80, 13), Exit::Done, "warn  TLS: the certificate ends in 13 days, on 20"),
        ((-80, 14), Exit::Done, "ok    TLS: the certificate is good until 20"),
    ] {
        let ran = Folder::new().certificate(&["id.example.com"], days).with_tls(&[]);
        assert_says(&ran, exit, &[words]);
    }
}

#[test]
fn the_end_of_every_certificate_of_the_chain_counts() {
    let folder = Folder::new();
    folder.certificate(&["authority.example"], (-90, -1));
    let over = fs::read_to_string(folder.path("cert.pem")).unwrap();
    folder.certificate(&["id.example.com"], (-1, 60));
    let own = fs::read_to_string(folder.path("cert.pem")).unwrap();
    folder.write("cert.pem", &(own + &over));
    assert_says(&folder.with_tls(&[]), Exit::Failed, &["fail  TLS: certificate 2 of the chain ended on 20"]);
}

#[test]
fn a_certificate_for_another_name_is_a_failure_unless_a_proxy_stands_before_it() {
    let folder = Folder::new();
    folder.certificate(&["other.example.com"], (-1, 60));
    let words =
        "TLS: the certificate is for other.example.com, and not for id.example.com of server.public_url";
    assert_says(&folder.with_tls(&[]), Exit::Failed, &[&format!("fail  {words}")]);
    let behind = folder.with_tls(&[("AYB_SERVER_TRUSTED_PROXIES", "10.0.0.0/8")]);
    assert_says(&behind, Exit::Done, &[&format!("warn  {words}")]);
}

#[test]
fn a_key_of_another_certificate_is_a_failure() {
    let folder = Folder::new();
    folder.certificate(&["id.example.com"], (-1, 60));
    folder.write("key.pem", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    assert_says(
        &folder.with_tls(&[]),
        Exit::Failed,
        &["fail  TLS: the private key does not fit the certificate"],
    );
}

#[test]
fn the_file_of_authorities_must_hold_certificates() {
    let folder = Folder::new();
    folder.certificate(&["authority.example"], (-1, 60));
    let good = folder.path("cert.pem");
    let broken =
        fs::read_to_string(&good).unwrap() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (file, exit, words) in [
        (good, Exit::Done, "cert.pem holds a certificate"),
        (folder.path("absent.pem"), Exit::Failed, "absent.pem cannot be read: No such file"),
        (folder.write("empty.pem", "hello\n"), Exit::Failed, "empty.pem holds no certificate"),
        (
            folder.write("broken.pem", &broken),
            Exit::Failed,
            "broken.pem holds 2 certificates, 1 of which cannot be used",
        ),
        (
            folder.write("cut.pem", "-----BEGIN CERTIFICATE-----\nAA"),
            Exit::Failed,
            "cut.pem is not in PEM form",
        ),
    ] {
        let ran = folder.examined(&[("AYB_SERVER_OUTBOUND_CA_FILE", file.to_str().unwrap())]);
        assert_says(&ran, exit, &["outbound CA file: ", words]);
    }
    assert!(!folder.examined(&[]).out.contains("outbound CA file"), "nothing about what is not set");
}

#[cfg(unix)]
#[test]
fn files_with_secrets_that_others_may_read_are_a_warning() {
    let folder = Folder::new();
    folder.certificate(&["id.example.com"], (-1, 60));
    let secret = "a-secret-of-more-than-thirty-two-characters";
    let file = folder.write("ayb.toml", &format!("[auth]\njwt_secret = \"{secret}\"\n"));
    let settings = [("AYB_CONFIG", file.to_str().unwrap())];
    let warning = "ayb.toml holds auth.jwt_secret, and other users may read it\n      hint: chmod 600 ";
    assert!(!folder.with_tls(&settings).out.contains("other users may read it"));
    mode(&file, 0o640);
    assert_says(&folder.with_tls(&settings), Exit::Done, &["warn  configuration: ", warning]);
    mode(&folder.path("key.pem"), 0o604);
    let warning = "key.pem is the private key of the certificate, and other users may read it";
    assert_says(&folder.with_tls(&settings), Exit::Done, &["warn  TLS: ", warning]);

    // What holds no secret may be read by everybody.
    mode(&folder.path("key.pem"), 0o600);
    let key = folder.write("the.key", &"07".repeat(32));
    let open = format!(
        "[database]\nurl = \"postgres://ayb@127.0.0.1:1/ayb\"\n[auth.oauth_provider]\nmaster_key_file = \"{}\"\n",
        key.display()
    );
    fs::write(&file, &open).unwrap();
    let ran = folder.with_tls(&settings);
    assert!(!ran.out.contains("other users may read it"), "{}", ran.out);
    fs::write(&file, open.replace("ayb@", "ayb:hunter2@")).unwrap();
    let ran = folder.with_tls(&settings);
    assert_says(&ran, Exit::Failed, &["ayb.toml holds database.url, and other users may read it"]);
    mode(&key, 0o640);
    assert_says(
        &folder.with_tls(&settings),
        Exit::Failed,
        &["warn  master key: ", "the.key is there, and other"],
    );
}

#[test]
fn a_new_operator_is_told_what_is_examined_and_that_nothing_is_wrong() {
    let folder = Folder::new();
    let fresh = folder.examined(&[]);
    for words in [
        "configuration: is valid; there is no ayb.toml",
        "provider: is off",
        "\n\nNothing keeps the server from working as configured.\n",
    ] {
        assert_says(&fresh, Exit::Done, &[words]);
    }
    let file =
        folder.write("ayb.toml", &format!("[auth.oauth_provider]\nmaster_key = \"{}\"\n", "07".repeat(32)));
    let settings = [("AYB_CONFIG", file.to_str().unwrap())];
    let data_dir = folder.path("data");
    let up = ["migrate", "up", "--data-dir", data_dir.to_str().unwrap()];
    assert_eq!(ayb_with(&up, &settings, "").exit, Exit::Done);
    let shown = file.display();
    let database = format!("ok    database: sqlite://{}/ayb.db can be opened\n", data_dir.display());
    let examined = folder.examined(&settings);
    for words in [
        &format!("ok    configuration: {shown} is valid\n"),
        &format!("ok    master key: is set by {shown}:2; keep a backup"),
        database.as_str(),
        "ok    tables: are up to date: ",
    ] {
        assert_says(&examined, Exit::Done, &[words]);
    }
}

#[test]
fn whether_a_server_runs_decides_what_to_do_about_a_silent_issuer() {
    let folder = Folder::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let settings = [
        ("AYB_SERVER_PORT", port.as_str()),
        ("AYB_AUTH_OAUTH_PROVIDER_ENABLED", "true"),
        ("AYB_AUTH_JWT_SECRET", "0123456789abcdefghijklmnopqrstuvwxyz"),
    ];
    let silent = "does not answer: Connection refused";
    assert_says(
        &folder.examined(&settings),
        Exit::Done,
        &["warn  issuer: no server runs on ", silent, "hint: `ayb start`"],
    );
    fs::create_dir_all(folder.path("data")).unwrap();
    let _claim = ayb_server::cli::process::claim(&folder.path("data")).unwrap();
    let process = format!("(process {})", std::process::id());
    let words = ["warn  issuer: a server runs on ", &process, silent, "with other flags"];
    assert_says(&folder.examined(&settings), Exit::Done, &words);
}

#[test]
fn a_proxy_in_front_that_is_not_named_is_a_warning_and_mail_in_the_log_another() {
    let public = ("AYB_SERVER_PUBLIC_URL", "https://id.example.com");
    let folder = Folder::new();
    let words = ["warn  listening: ", "server.trusted_proxies", "warn  mail: ", "\n\nNothing keeps"];
    assert_says(&folder.examined(&[public]), Exit::Done, &words);
    let named = folder.examined(&[public, ("AYB_SERVER_TRUSTED_PROXIES", "127.0.0.1")]);
    assert_says(&named, Exit::Done, &["ok    listening: ", "One thing could be better."]);
}

#[test]
fn a_clock_that_has_forgotten_the_time_is_a_failure() {
    let folder = Folder::new();
    let data_dir = folder.path("data");
    let up = ["migrate", "up", "--data-dir", data_dir.to_str().unwrap()];
    assert_eq!(ayb_with(&up, &[], "").exit, Exit::Done);
    assert!(!folder.examined(&[]).out.contains("clock"));
    let later = Clock::system().now().as_millis() + DAY * 1000;
    let url = format!("sqlite://{}/ayb.db", data_dir.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let change = format!("update _ayb_migrations set applied_at = {later} where version = 1");
    runtime.block_on(ayb_testkit::sqlite_at(&url).rows(&change));
    assert_says(&folder.examined(&[]), Exit::Failed, &["fail  clock: this machine is at a time before"]);
}
