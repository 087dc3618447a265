//! Starting wrongly: a message, its cause, a hint what to do, exit code 1, and nothing is lost.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ayb_testkit::cluster::Cluster;
use rustix::process::Signal;

use super::binary::{ADMIN_PASSWORD, JWT_SECRET, MASTER_KEY, Refused, Setup, free_port};

const OTHER_MASTER_KEY: &str = "beef0001beef0002beef0003beef0004beef0005beef0006beef0007beef0008";
const DATABASE_PASSWORD: &str = "canary-database-password";
const MAIL_PASSWORD: &str = "canary-mail-password";

/// Refused with these words on standard error, and with nothing on standard output or secret anywhere.
#[track_caller]
fn assert_refused(refused: &Refused, words: &[&str]) {
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.starts_with("error: ") && refused.out.is_empty(), "{refused:?}");
    // Of a value, what it must be is the hint.
    let tells = ["hint: ", " must "].iter().any(|word| refused.err.contains(word));
    assert!(tells, "nothing says what to do: {refused:?}");
    for word in words {
        assert!(refused.err.contains(word), "{word:?} is not in {refused:?}");
    }
    let secrets =
        [JWT_SECRET, MASTER_KEY, OTHER_MASTER_KEY, ADMIN_PASSWORD, DATABASE_PASSWORD, MAIL_PASSWORD];
    for secret in secrets {
        assert!(!refused.err.contains(secret), "{secret} was printed");
    }
    assert!(!refused.err.contains("panicked"), "{refused:?}");
}

fn on_a_port(setup: Setup) -> Setup {
    setup.argument("--port").argument(&free_port().to_string())
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = Setup::new().argument("--port").argument(&address.port().to_string());
    let words = [
        &format!("cannot listen on {address}"),
        "hint: another program listens there: stop it, or choose another port",
    ];
    assert_refused(&setup.refused(), &words);
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_server_at_a_time() {
    let setup = Setup::new();
    let mut ayb = setup.start().await;
    let token = ayb.admin_token();
    let second = on_a_port(Setup::at(&setup.data_dir));
    let folder = format!("another server uses the data folder {}", setup.data_dir.display());
    assert_refused(
        &second.refused(),
        &[&folder, "hint: stop it with `ayb stop`, or choose another --data-dir"],
    );
    assert_eq!(ayb.admin_token(), token, "the second server has touched nothing");
    assert_eq!(ayb.caller.status("/health/ready").await, 200);
    // A claim ends with its process, however that ends.
    ayb.signal(Signal::KILL);
    ayb.kill();
    assert!(setup.start().await.stop().await.success());
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    let below = file.join("data");
    let named = format!("cannot make the data folder {}", below.display());
    assert_refused(
        &on_a_port(Setup::at(&below)).refused(),
        &[&named, "cause: ", "or choose another --data-dir"],
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    let occupied = folder.path().join("occupied");
    std::fs::create_dir_all(occupied.join("ayb.pid")).unwrap();
    let named = format!("the data folder {} cannot be used", occupied.display());
    assert_refused(&on_a_port(Setup::at(&occupied)).refused(), &[&named, "cause: "]);
}

#[test]
fn a_read_only_data_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let read_only = folder.path().join("data");
    std::fs::create_dir(&read_only).unwrap();
    for (path, mode) in [(folder.path(), 0o755), (&read_only, 0o555)] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let is_root = std::fs::write(read_only.join("probe"), "").is_ok();
    let setup = on_a_port(Setup::at(&read_only));
    let setup = if is_root { setup.run_by_nobody(folder.path()) } else { setup };
    let named = format!("the data folder {} cannot be used", read_only.display());
    assert_refused(
        &setup.refused(),
        &[&named, "cause: Permission denied", "hint: give the user that runs ayb the right"],
    );
}

#[tokio::test]
async fn the_wrong_master_key_is_refused_and_the_right_one_still_works() {
    let setup = Setup::new();
    let ayb = setup.start().await;
    let keys = ayb.caller.get("/jwks.json").await.unwrap().json();
    assert!(ayb.stop().await.success());
    let wrong = on_a_port(Setup::at(&setup.data_dir));
    let wrong = wrong.with("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY", OTHER_MASTER_KEY);
    assert_refused(
        &wrong.refused(),
        &[
            "the signing key ",
            "the master key is not the one it was sealed with",
            "hint: put the master key back",
        ],
    );
    let ayb = setup.start().await;
    assert_eq!(ayb.caller.get("/jwks.json").await.unwrap().json(), keys);
}

#[test]
fn a_damaged_master_key_file_is_named() {
    let setup = on_a_port(Setup::new().without("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY"));
    std::fs::create_dir_all(&setup.data_dir).unwrap();
    let file = setup.data_dir.join("master.key");
    std::fs::write(&file, "canary-half-a-key").unwrap();
    let named = format!("the master key file {} must be 32 bytes", file.display());
    let refused = setup.refused();
    assert_refused(
        &refused,
        &[&named, "hint: correct the path or its rights, or restore the file from a backup"],
    );
    assert!(!refused.err.contains("canary"), "{refused:?}");
}

#[tokio::test]
async fn no_master_key_is_made_for_a_database_that_was_sealed_with_another() {
    let setup = Setup::new().without("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY");
    let ayb = setup.start().await;
    let keys = ayb.caller.get("/jwks.json").await.unwrap().json();
    assert!(ayb.stop().await.success());
    let (file, kept) = (setup.data_dir.join("master.key"), setup.data_dir.join("kept"));
    std::fs::rename(&file, &kept).unwrap();
    let restored = on_a_port(Setup::at(&setup.data_dir)).without("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY");
    let words = ["are sealed, and the master key file", "is not there", "hint: restore it from a backup"];
    assert_refused(&restored.refused(), &words);
    assert!(!file.exists(), "a new one would hide that the old one is missing");
    std::fs::rename(&kept, &file).unwrap();
    let ayb = setup.start().await;
    assert_eq!(ayb.caller.get("/jwks.json").await.unwrap().json(), keys);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let setup = Setup::new();
    assert!(setup.start().await.stop().await.success());
    let database = ayb_testkit::sqlite_at(&setup.sqlite());
    let newer = "insert into _ayb_migrations (version, name, checksum) values (999, '999_ayb_future', 'x')";
    database.rows(newer).await;
    let words = [
        "the database cannot be brought up to date",
        "999_ayb_future",
        "use a newer ayb",
        "hint: start the newer",
    ];
    assert_refused(&on_a_port(Setup::at(&setup.data_dir)).refused(), &words);
    let changed = "update _ayb_migrations set version = 1, checksum = 'other' where version = 1";
    database.rows("delete from _ayb_migrations where version = 999").await;
    database.rows(changed).await;
    let words = ["001_ayb_settings was changed after it had been applied"];
    assert_refused(&on_a_port(Setup::at(&setup.data_dir)).refused(), &words);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let setup = on_a_port(Setup::new());
    std::fs::create_dir_all(&setup.data_dir).unwrap();
    let file = setup.data_dir.join("ayb.db");
    let pictures = vec![0x5a; 20_000];
    let truncated = [b"SQLite format 3\0".as_slice(), &[0x5a; 300]].concat();
    for garbage in [&pictures, &truncated] {
        std::fs::write(&file, garbage).unwrap();
        assert_refused(
            &setup.refused(),
            &[
                "the database cannot be opened",
                "not a database",
                "hint: the file is damaged or is something else",
            ],
        );
        assert_eq!(&std::fs::read(&file).unwrap(), garbage, "the file is as it was");
    }
}

#[test]
fn a_database_that_is_not_there_is_no_start() {
    for (url, hint) in [
        (
            format!("postgres://ayb:{DATABASE_PASSWORD}@127.0.0.1:{}/ayb", free_port()),
            "hint: start PostgreSQL, or correct host and port",
        ),
        (
            format!("postgres:///ayb?host=%2Fnowhere&user=ayb&password={DATABASE_PASSWORD}"),
            "hint: start PostgreSQL, or correct host and port",
        ),
        (format!("postgres://ayb:{DATABASE_PASSWORD}@name.invalid/ayb"), "hint: correct the host name"),
        (format!("postgres://ayb:{DATABASE_PASSWORD}@[::1]/ayb?sslmode=never"), "hint: correct database.url"),
        ("sqlite:///nowhere/at/all/ayb.db".to_owned(), "hint: make the folder of the file"),
    ] {
        let words = ["the database cannot be opened", "cause: ", hint];
        assert_refused(&on_a_port(Setup::new().on(&url)).refused(), &words);
    }
}

#[test]
fn a_file_that_may_not_be_used_is_no_start() {
    let setup = on_a_port(Setup::new());
    std::fs::create_dir_all(setup.data_dir.join("ayb.db")).unwrap();
    assert_refused(&setup.refused(), &["the database cannot be opened", "hint: name a file in database.url"]);
}

/// PostgreSQL says by a code what it minds.
#[tokio::test]
async fn what_postgresql_minds_is_said_with_what_to_do() {
    let cluster = tokio::task::spawn_blocking(|| Cluster::start("-c default_transaction_read_only=on"));
    let Some(cluster) = cluster.await.unwrap() else { return };
    let url = cluster.url("postgres");
    for (url, code, hint) in [
        (cluster.url("absent"), "postgresql 3D000", "hint: make the database"),
        (
            url.replace("user=ayb", "user=stranger"),
            "postgresql 28000",
            "hint: correct the user and the password",
        ),
        (url.clone(), "postgresql 25006", "hint: name the primary server"),
        (url + "&sslmode=require", "TLS", "hint: look at sslmode"),
    ] {
        let words = ["error: the database cannot be ", "cause: ", code, hint];
        assert_refused(&on_a_port(Setup::new().on(&url)).refused(), &words);
    }
}

#[test]
fn a_wrong_configuration_names_what_is_wrong_and_repeats_no_secret() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("AYB_SERVER_PROT", "1")], "did you mean `AYB_SERVER_PORT`"),
        (&[("AYB_AUTH_JWT_SECRET", "canary-jwt")], "at least 32 characters"),
        (&[("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY", "beef0001beef")], "master_key"),
        (&[("AYB_DATABASE_URL", "mysql://ayb:canary-database-password@host/ayb")], "database.url"),
        (&[("AYB_SERVER_PUBLIC_URL", "http://id.example")], "public_url"),
        (&[("AYB_EMAIL_BACKEND", "smtp"), ("AYB_EMAIL_SMTP_PASSWORD", MAIL_PASSWORD)], "smtp_host"),
        (&[("AYB_AUTH_OAUTH_PROVIDER_ACCESS_TOKEN_DURATION", "0")], "access_token_duration"),
        (&[("AYB_AUTH_OAUTH_PROVIDER_ENABLED", "true"), ("AYB_AUTH_ENABLED", "false")], "auth.enabled"),
        (&[("AYB_AUTH_OAUTH_PROVIDER_ENABLED", "true"), ("AYB_AUTH_JWT_SECRET", "")], "auth.jwt_secret"),
        (&[("AYB_SERVER_TLS_CERT_FILE", "/nowhere.pem")], "tls"),
    ];
    for (variables, word) in cases {
        let setup = variables.iter().fold(Setup::new(), |setup, (name, value)| setup.with(name, value));
        let refused = on_a_port(setup).refused();
        assert_refused(&refused, &["configuration", word]);
        assert!(!refused.err.contains("canary") && !refused.err.contains("beef0001"), "{refused:?}");
    }
    let broken = tempfile::tempdir().unwrap();
    let file = broken.path().join("ayb.toml");
    std::fs::write(&file, format!("[auth]\njwt_secret = \"{JWT_SECRET}\nport =")).unwrap();
    let setup = on_a_port(Setup::new().argument("--config").argument(file.to_str().unwrap()));
    assert_refused(&setup.refused(), &["ayb.toml:", "hint: the file is TOML"]);
}

#[tokio::test]
async fn a_password_of_the_administrator_is_printed_once_and_nothing_else_ever() {
    let setup = Setup::new().without("AYB_ADMIN_PASSWORD").without("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY");
    let ayb = setup.start().await;
    let out = std::fs::read_to_string(ayb.data_dir.join("stdout")).unwrap();
    let password =
        out.lines().find_map(|line| line.trim().strip_prefix("Admin password  ")).unwrap().to_owned();
    assert_eq!(password.len(), 23, "{out}");
    assert!(!log(&ayb.data_dir).contains(&password));
    let mut secrets = vec![password, ayb.admin_token(), JWT_SECRET.to_owned()];
    let key = std::fs::read_to_string(ayb.data_dir.join("master.key"));
    secrets.push(key.unwrap().trim().to_owned());
    assert!(ayb.stop().await.success());
    let ayb = setup.start().await;
    secrets.push(ayb.admin_token());
    for secret in &secrets {
        assert!(secret.len() >= 20 && !ayb.said().contains(secret), "{secret} was printed");
    }
}

fn log(data_dir: &Path) -> String {
    std::fs::read_to_string(data_dir.join("stderr")).unwrap()
}
