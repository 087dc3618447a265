use std::fs;
use std::path::Path;

use ayb_protocol::time::Seconds;
use ayb_server::config::{self, Config, ConfigError, Environment, Override, Sources, gather, key};
use tempfile::TempDir;

/// Configuration sources in a folder of their own, with nothing from the process that runs the test.
struct Given {
    folder: TempDir,
    sources: Sources,
}

fn given(toml: &str, variables: &[(&str, &str)]) -> Given {
    let folder = tempfile::tempdir().unwrap();
    if !toml.is_empty() {
        fs::write(folder.path().join("ayb.toml"), toml).unwrap();
    }
    let environment = Environment::from_pairs(variables.iter().copied());
    let sources = Sources { directory: folder.path().to_owned(), environment, ..Sources::default() };
    Given { folder, sources }
}

fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    config::load(&given(toml, variables).sources)
}

fn complaint(toml: &str, variables: &[(&str, &str)]) -> String {
    load(toml, variables).unwrap_err().to_string()
}

const JWT_SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn without_any_setup_the_documented_defaults_hold() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.server.host.to_string(), "127.0.0.1");
    assert_eq!(config.server.port, 8090);
    assert_eq!(config.server.public_url, "http://localhost:8090");
    assert_eq!(config.server.body_limit, 1 << 20);
    assert_eq!(config.server.cors_allowed_origins, ["*"]);
    assert!(config.server.trusted_proxies.is_empty());
    assert_eq!(config.database.url.expose(), "sqlite://./ayb-data/ayb.db");
    assert_eq!((config.database.max_conns, config.database.min_conns), (25, 2));
    assert_eq!(config.admin.path, "/admin");
    assert_eq!((config.auth.rate_limit, config.admin.login_rate_limit), (10, 20), "attempts in a minute");
    assert_eq!(config.auth.token_duration, Seconds(900));
    assert_eq!(config.auth.refresh_token_duration, Seconds(604_800));
    let provider = &config.auth.provider;
    assert!(!provider.enabled);
    assert_eq!(provider.access_token_duration, Seconds(3600));
    assert_eq!(provider.refresh_token_duration, Seconds(2_592_000));
    assert_eq!(provider.auth_code_duration, Seconds(600));
    assert_eq!(provider.master_key, None);
}

#[test]
fn a_later_layer_wins_over_every_earlier_one() {
    let toml = "[server]\nport = 1001\n";
    let variable = ("AYB_SERVER_PORT", "1002");
    let flag = Override { key: "server.port", text: "1003".to_owned(), flag: "--port" };
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Vec<Override>, u16, &'a str);
    let cases: [Case<'_>; 6] = [
        ("", vec![], vec![], 8090, "default"),
        (toml, vec![], vec![], 1001, "ayb.toml:2"),
        ("", vec![variable], vec![], 1002, "AYB_SERVER_PORT"),
        (toml, vec![variable], vec![], 1002, "AYB_SERVER_PORT"),
        (toml, vec![], vec![flag.clone()], 1003, "--port"),
        (toml, vec![variable], vec![flag.clone()], 1003, "--port"),
    ];
    for (toml, variables, overrides, port, origin) in cases {
        let mut given = given(toml, &variables);
        given.sources.overrides = overrides;
        let gathered = gather(&given.sources);
        assert!(gathered.settings.origin("server.port").to_string().ends_with(origin), "{origin}");
        assert_eq!(gathered.into_config().unwrap().0.server.port, port);
    }
}

#[test]
fn every_key_can_be_set_in_the_file_and_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("master");
    fs::write(&key_file, "ab".repeat(32)).unwrap();
    for key in key::keys() {
        let text = sample(key, &key_file);
        let sources = given("", &[(key.variable().as_str(), text.as_str())]);
        let gathered = gather(&sources.sources);
        assert!(gathered.problems.is_empty(), "{}: {:?}", key.name, gathered.problems);
        assert_eq!(gathered.settings.exposed(key).as_deref(), Some(text.as_str()), "{}", key.name);
        let toml = config::edit::set("", key, &key.kind.parse(&text).unwrap()).unwrap();
        let gathered = gather(&given(&toml, &[]).sources);
        assert!(gathered.problems.is_empty(), "{}: {:?}", key.name, gathered.problems);
        assert_eq!(gathered.settings.exposed(key).as_deref(), Some(text.as_str()), "{}", key.name);
    }
}

/// A value, unlike the default, that the key takes.
fn sample(key: &key::Key, key_file: &Path) -> String {
    let special = match key.name {
        "server.host" => "0.0.0.0",
        "server.public_url" => "https://id.example.com",
        "server.cors_allowed_origins" => "https://a.example.com,https://b.example.com",
        "server.trusted_proxies" => "10.0.0.0/8",
        "server.body_limit" => "2048",
        "database.url" => "postgres://ayb:pw@db.example.com/ayb",
        "admin.path" => "/office",
        "auth.jwt_secret" => JWT_SECRET,
        "auth.oauth_provider.master_key" => &"cd".repeat(32),
        "auth.oauth_provider.master_key_file" => key_file.to_str().unwrap(),
        "auth.password_memory_kib" => "65536",
        "email.from" => "no-reply@example.com",
        _ => "",
    };
    if !special.is_empty() {
        return special.to_owned();
    }
    match &key.kind {
        config::value::Kind::Switch => "false".to_owned(),
        config::value::Kind::Choice(words) => (*words.last().unwrap()).to_owned(),
        config::value::Kind::Text(_) | config::value::Kind::List(_) => "example.com".to_owned(),
        _ => "11".to_owned(),
    }
}

#[test]
fn the_variables_of_provider_mode_are_read() {
    let config = load(
        "",
        &[
            ("AYB_AUTH_OAUTH_PROVIDER_ENABLED", "true"),
            ("AYB_AUTH_OAUTH_PROVIDER_ACCESS_TOKEN_DURATION", "5"),
            ("AYB_AUTH_OAUTH_PROVIDER_REFRESH_TOKEN_DURATION", "6"),
            ("AYB_AUTH_OAUTH_PROVIDER_AUTH_CODE_DURATION", "7"),
            ("AYB_AUTH_JWT_SECRET", JWT_SECRET),
        ],
    );
    let provider = config.unwrap().auth.provider;
    assert!(provider.enabled);
    assert_eq!(provider.access_token_duration, Seconds(5));
    assert_eq!(provider.refresh_token_duration, Seconds(6));
    assert_eq!(provider.auth_code_duration, Seconds(7));
}

#[test]
fn the_section_of_provider_mode_is_read() {
    let toml = format!(
        "[auth]\njwt_secret = \"{JWT_SECRET}\"\n[auth.oauth_provider]\nenabled = true\naccess_token_duration = 5\n\
         refresh_token_duration = 6\nauth_code_duration = 7\n"
    );
    let provider = load(&toml, &[]).unwrap().auth.provider;
    assert_eq!((provider.enabled, provider.auth_code_duration), (true, Seconds(7)));
}

#[test]
fn provider_mode_requires_accounts_and_a_session_secret() {
    let on = "[auth.oauth_provider]\nenabled = true\n";
    let without_secret = complaint(on, &[]);
    assert!(without_secret.contains("`auth.jwt_secret` is missing"), "{without_secret}");
    let without_accounts =
        complaint(on, &[("AYB_AUTH_ENABLED", "false"), ("AYB_AUTH_JWT_SECRET", JWT_SECRET)]);
    assert!(without_accounts.contains("AYB_AUTH_ENABLED: `auth.enabled` must be true"), "{without_accounts}");
    assert!(load("[auth]\nenabled = false\n", &[]).is_ok());
}

#[test]
fn a_short_session_secret_is_refused_and_not_shown() {
    let short = &JWT_SECRET[..31];
    let error = complaint("", &[("AYB_AUTH_JWT_SECRET", short)]);
    assert!(error.contains("`auth.jwt_secret` must have at least 32 characters"), "{error}");
    assert!(!error.contains(short));
}

#[test]
fn durations_must_be_positive() {
    let durations = key::keys().filter(|key| matches!(key.kind, config::value::Kind::Seconds { .. }));
    for key in durations {
        for bad in ["0", "-1", "99999999999999999999", "1.5", "", "1h"] {
            let (section, name) = key.name.rsplit_once('.').unwrap();
            let error = complaint(&format!("[{section}]\n{name} = {bad:?}\n"), &[]);
            assert!(error.contains(&format!("ayb.toml:2: `{}` must be a positive", key.name)), "{error}");
        }
        for bad in ["0", "-1"] {
            let (section, name) = key.name.rsplit_once('.').unwrap();
            let error = complaint(&format!("[{section}]\n{name} = {bad}\n"), &[]);
            assert!(error.contains(&format!("`{}` must be a positive", key.name)), "{error}");
            let error = complaint("", &[(key.variable().as_str(), bad)]);
            assert!(
                error.contains(&format!("{}: `{}` must be a positive", key.variable(), key.name)),
                "{error}"
            );
        }
    }
}

#[test]
fn unknown_keys_are_errors_that_name_the_nearest_key_and_the_line() {
    for (toml, what) in [
        (
            "[auth]\n\njwt_secrt = \"x\"\n",
            "ayb.toml:3: unknown key `auth.jwt_secrt`\n    hint: did you mean `auth.jwt_secret`?",
        ),
        (
            "[auth.oauth_provider]\nenabeld = true\n",
            "ayb.toml:2: unknown key `auth.oauth_provider.enabeld`\n    hint: did you mean `auth.oauth_provider.enabled`?",
        ),
        ("port = 1\n", "ayb.toml:1: unknown key `port`\n    hint: did you mean `server.port`?"),
        ("[sever]\nport = 1\n", "ayb.toml:1: unknown section `sever`"),
        ("[jobs]\nenabled = true\n", "the job queue is not available in this version"),
        (
            "[auth.oauth.google]\nenabled = true\n",
            "sign-in with outside providers is not available in this version",
        ),
        (
            "[auth.oauth_provider]\nrequire_pkce = false\n",
            "PKCE with S256 is always on and cannot be switched off",
        ),
        ("[server.port]\nx = 1\n", "`server.port` must be a whole number"),
        ("auth = true\n", "`auth` is a section\n    hint: write its keys below a line [auth]"),
    ] {
        let error = complaint(toml, &[]);
        assert!(error.contains(what), "{toml:?} gave {error}");
    }
}

#[test]
fn unknown_variables_are_errors_that_name_the_nearest_variable() {
    for (name, hint) in [
        ("AYB_AUTH_JWT_SECERT", "did you mean `AYB_AUTH_JWT_SECRET`?"),
        ("AYB_DATABSE_URL", "did you mean `AYB_DATABASE_URL`?"),
        (
            "AYB_PROVIDER_ACCESS_TOKEN_DURATION",
            "did you mean `AYB_AUTH_OAUTH_PROVIDER_ACCESS_TOKEN_DURATION`?",
        ),
        ("AYB_SERVER_PORT_FILE", "did you mean `AYB_SERVER_PORT`?"),
        ("AYB_JOBS_ENABLED", "not available in this version"),
        ("AYB_AUTH_OAUTH_GOOGLE_CLIENT_ID", "not available in this version"),
    ] {
        let error = complaint("", &[(name, "1")]);
        assert!(error.contains(&format!("{name}: unknown variable\n    hint: ")), "{error}");
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    let foreign = [
        ("AYB_ADMIN_TOKEN", "x"),
        ("AYB_URL", "x"),
        ("AYB_TEST_POSTGRES", "x"),
        ("AYB_PORT", "tcp://10.0.0.1:8090"),
        ("AYB_PORT_8090_TCP_ADDR", "10.0.0.1"),
        ("AYB_SERVICE_HOST", "10.0.0.1"),
        ("AYB_SERVICE_PORT_HTTP", "8090"),
        ("PATH", "/bin"),
        ("AYB_SERVER_PORT", ""),
    ];
    assert_eq!(load("", &foreign).unwrap().server.port, 8090);
}

#[test]
fn several_problems_are_reported_at_once() {
    let toml =
        "[server]\nport = 0\nhots = \"::\"\n[auth.oauth_provider]\nenabled = true\nauth_code_duration = 0\n";
    let error = complaint(toml, &[("AYB_LOGGING_LEVEL", "loud"), ("AYB_EMAIL_BACKEND", "smtp")]);
    assert!(error.starts_with("the configuration has 7 problems"), "{error}");
    for what in [
        "server.port",
        "server.hots",
        "auth_code_duration",
        "logging.level",
        "jwt_secret",
        "email.from",
        "smtp_host",
    ] {
        assert!(error.contains(what), "{what} is not in {error}");
    }
}

#[test]
fn secrets_are_read_from_files_and_lose_their_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, format!("{JWT_SECRET}\n")).unwrap();
    let path = path.to_str().unwrap();
    let config = load("", &[("AYB_AUTH_JWT_SECRET_FILE", path)]).unwrap();
    assert_eq!(config.auth.jwt_secret.unwrap().expose(), JWT_SECRET);
    let missing = complaint("", &[("AYB_AUTH_JWT_SECRET_FILE", "/nowhere/at/all")]);
    assert!(
        missing.contains("AYB_AUTH_JWT_SECRET_FILE: `auth.jwt_secret` names a file that cannot be opened"),
        "{missing}"
    );
    let both = complaint("", &[("AYB_AUTH_JWT_SECRET_FILE", path), ("AYB_AUTH_JWT_SECRET", JWT_SECRET)]);
    assert!(both.contains("is set by another variable too"), "{both}");
}

#[test]
fn the_master_key_comes_from_its_key_its_file_or_the_data_folder() {
    let named = given("", &[]);
    let file = named.folder.path().join("my.key");
    fs::write(&file, "ab".repeat(32)).unwrap();
    let path = file.to_str().unwrap();
    let of = |toml: &str, variables: &[(&str, &str)]| {
        load(toml, variables).map(|config| config.auth.provider.master_key.map(|key| key.bytes()[0]))
    };
    assert_eq!(of("", &[("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY_FILE", path)]), Ok(Some(0xab)));
    let in_file = format!("[auth.oauth_provider]\nmaster_key_file = {path:?}\n");
    assert_eq!(of(&in_file, &[]), Ok(Some(0xab)));
    let key = "cd".repeat(32);
    assert_eq!(of(&in_file, &[("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY", &key)]), Ok(Some(0xcd)));
    let in_toml = format!("[auth.oauth_provider]\nmaster_key = {key:?}\n");
    assert_eq!(of(&in_toml, &[]), Ok(Some(0xcd)));
    assert_eq!(of(&in_toml, &[("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY_FILE", path)]), Ok(Some(0xab)));
    let both = complaint(&format!("{in_toml}master_key_file = {path:?}\n"), &[]);
    assert!(both.contains("are both set"), "{both}");
    let missing = complaint("", &[("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY_FILE", "/nowhere/at/all")]);
    assert!(
        missing.contains("the file of `auth.oauth_provider.master_key_file` cannot be opened"),
        "{missing}"
    );

    let mut made = given("", &[]);
    made.sources.data_dir = Some(made.folder.path().to_owned());
    assert_eq!(config::load(&made.sources).unwrap().auth.provider.master_key, None);
    fs::write(made.folder.path().join("master.key"), "ef".repeat(32)).unwrap();
    let provider = config::load(&made.sources).unwrap().auth.provider;
    assert_eq!(provider.master_key.unwrap().bytes()[0], 0xef);
    assert_eq!(provider.master_key_file, made.folder.path().join("master.key"));
}

#[test]
fn the_file_is_looked_for_in_the_documented_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, port: u16| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("[server]\nport = {port}\n")).unwrap();
        path
    };
    let port = |sources: &Sources| config::load(sources).unwrap().server.port;
    let mut sources = Sources { directory: folder.path().join("here"), ..Sources::default() };
    fs::create_dir_all(&sources.directory).unwrap();
    assert_eq!(port(&sources), 8090);
    write("here/ayb-data/ayb.toml", 1);
    assert_eq!(port(&sources), 1);
    write("elsewhere/ayb.toml", 2);
    sources.data_dir = Some(folder.path().join("elsewhere"));
    assert_eq!(port(&sources), 2);
    write("here/ayb.toml", 3);
    assert_eq!(port(&sources), 3);
    let variable = write("variable.toml", 4);
    sources.environment = Environment::from_pairs([("AYB_CONFIG", variable.as_os_str())]);
    assert_eq!(port(&sources), 4);
    sources.file = Some(write("flag.toml", 5));
    assert_eq!(port(&sources), 5);
    sources.file = Some(folder.path().join("missing.toml"));
    assert!(config::load(&sources).unwrap_err().to_string().contains("missing.toml: cannot be opened"));
}

#[test]
fn defaults_follow_from_the_values_they_are_made_of() {
    let config = load("", &[("AYB_SERVER_PORT", "9000"), ("AYB_DATA_DIR", "/srv/ayb")]).unwrap();
    assert_eq!(config.server.public_url, "http://localhost:9000");
    assert_eq!(config.database.url.expose(), "sqlite:///srv/ayb/ayb.db");
    let tls = load("[server]\ntls_cert_file = \"c.pem\"\ntls_key_file = \"k.pem\"\n", &[]).unwrap();
    assert_eq!(tls.server.public_url, "https://localhost:8090");
}

#[test]
fn settings_that_do_not_fit_together_are_refused() {
    for (toml, what) in [
        ("[server]\ntls_cert_file = \"c.pem\"\n", "`server.tls_key_file` is missing"),
        ("[database]\nmax_conns = 3\nmin_conns = 4\n", "`database.min_conns` must not be larger"),
        ("[email]\nbackend = \"smtp\"\nfrom = \"a@b.example\"\n", "`email.smtp_host` is missing"),
        ("[email]\nsmtp_username = \"a\"\n", "`email.smtp_password` is missing"),
        (
            "[email]\nsmtp_username = \"a\"\nsmtp_password = \"b\"\nsmtp_tls = \"none\"\n",
            "`email.smtp_tls` must not be none",
        ),
        (
            "[auth.oauth_provider]\nkey_rotation_days = 1\n",
            "`auth.oauth_provider.key_publish_ahead_seconds` must be shorter",
        ),
    ] {
        let error = complaint(toml, &[]);
        assert!(error.contains(what), "{toml:?} gave {error}");
    }
}

#[test]
fn secrets_are_masked_wherever_settings_are_shown() {
    let secret = "hunter2-hunter2-hunter2-hunter2-hunter2";
    let variables = [
        ("AYB_AUTH_JWT_SECRET", secret),
        ("AYB_ADMIN_PASSWORD", secret),
        ("AYB_EMAIL_SMTP_PASSWORD", secret),
        ("AYB_EMAIL_SMTP_USERNAME", "mailer"),
        ("AYB_DATABASE_URL", "postgres://ayb:hunter2-@x/y@db.example.com/ayb?password=hunter2"),
        ("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY", &"ab".repeat(32)),
    ];
    let sources = given("", &variables);
    let (config, settings) = gather(&sources.sources).into_config().unwrap();
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2") && !debug.contains("abab"), "{debug}");
    for key in key::keys() {
        let shown = settings.shown(key).unwrap_or_default();
        assert!(!shown.contains("hunter2") && !shown.contains("abab"), "{shown}");
    }
    let url = settings.shown(key::find("database.url").unwrap());
    assert_eq!(url.as_deref(), Some("postgres://ayb:********@db.example.com/ayb?********"));
    assert_eq!(settings.exposed(key::find("admin.password").unwrap()).as_deref(), Some(secret));
}
