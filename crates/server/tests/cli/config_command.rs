use std::fs;
use std::path::Path;

use ayb_server::cli::Exit;
use ayb_server::config::key::{self, Key};
use ayb_server::config::value::Kind;
use ayb_server::config::{self, Sources};
use serde_json::{Value, json};

use super::run::{Ran, ayb_with};

fn run(file: &Path, arguments: &[&str]) -> Ran {
    let all: Vec<&str> = arguments.iter().copied().chain(["--config", file.to_str().unwrap()]).collect();
    ayb_with(&all, &[], "from the pipe 0123456789 0123456789\n")
}

fn file(folder: &tempfile::TempDir, text: &str) -> std::path::PathBuf {
    let path = folder.path().join("ayb.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn every_provider_key_can_be_set_and_got() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "# mine\n");
    for (key, value) in [
        ("auth.oauth_provider.enabled", "true"),
        ("auth.oauth_provider.access_token_duration", "5"),
        ("auth.oauth_provider.refresh_token_duration", "6"),
        ("auth.oauth_provider.auth_code_duration", "7"),
        ("server.cors_allowed_origins", "https://a.example,https://b.example"),
    ] {
        let set = run(&path, &["config", "set", key, value]);
        assert_eq!((set.exit, set.out), (Exit::Done, format!("{key} = {value}\n")), "{}", set.err);
        assert_eq!(run(&path, &["config", "get", key]).out, format!("{value}\n"));
    }
    assert!(fs::read_to_string(&path).unwrap().starts_with("# mine\n"));
}

#[test]
fn unknown_keys_and_wrong_values_are_refused_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "# untouched\n");
    for (arguments, says) in [
        (
            &["config", "get", "auth.oauth_provider.enabeld"][..],
            "did you mean `auth.oauth_provider.enabled`?",
        ),
        (
            &["config", "set", "auth.oauth_provider.enabeld", "true"],
            "did you mean `auth.oauth_provider.enabled`?",
        ),
        (&["config", "set", "auth.oauth_provider.require_pkce", "false"], "cannot be switched off"),
        (
            &["config", "set", "auth.oauth_provider.access_token_duration", "0"],
            "`auth.oauth_provider.access_token_duration` must be a positive",
        ),
        (&["config", "set", "auth.oauth_provider.access_token_duration", "-1"], "must be a positive"),
        (&["config", "set", "auth.oauth_provider.enabled", "yes"], "must be true or false"),
        (&["config", "set", "auth.jwt_secret", "hunter2"], "at least 32 characters"),
    ] {
        let ran = run(&path, arguments);
        assert_eq!(ran.exit, Exit::Usage, "{arguments:?}");
        assert!(ran.err.contains(says) && !ran.err.contains("hunter2"), "{arguments:?}: {}", ran.err);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "# untouched\n");
}

#[test]
fn unset_brings_the_default_back_and_says_where_a_value_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "[server]\n# the door\nport = 9000\n");
    let unset = run(&path, &["config", "unset", "server.port"]);
    assert_eq!(
        (unset.exit, unset.out.as_str()),
        (Exit::Done, "server.port = 8090 (default)\n"),
        "{}",
        unset.err
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "[server]\n# the door\n");
    let again = run(&path, &["config", "unset", "server.port"]);
    assert_eq!(again.exit, Exit::NotFound);
    assert!(
        again.err.contains("does not set `server.port`") && again.err.contains("ayb config list"),
        "{}",
        again.err
    );
    run(&path, &["config", "set", "server.port", "9000"]);
    let named = ["config", "unset", "server.port", "--config", path.to_str().unwrap()];
    let ran = ayb_with(&named, &[("AYB_SERVER_PORT", "9100")], "");
    assert!(ran.err.contains("AYB_SERVER_PORT is set and wins"), "{}", ran.err);
    assert!(ran.out.starts_with("server.port = 9100"), "{}", ran.out);
    let missing = folder.path().join("none.toml");
    assert_eq!(run(&missing, &["config", "unset", "server.port"]).exit, Exit::NotFound);
    assert!(!missing.exists(), "nothing is made for a key that is not there");
}

#[test]
fn secrets_are_masked_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "");
    let secret = "from the pipe 0123456789 0123456789";
    let set = run(&path, &["config", "set", "auth.jwt_secret"]);
    assert_eq!(set.out, "auth.jwt_secret = ********\n", "{}", set.err);
    assert_eq!(run(&path, &["config", "get", "auth.jwt_secret"]).out, "********\n");
    assert_eq!(
        run(&path, &["config", "get", "auth.jwt_secret", "--show-secrets"]).out,
        format!("{secret}\n")
    );
    for format in ["table", "json", "csv"] {
        let list = run(&path, &["config", "--output", format]);
        assert!(list.out.contains("********") && !list.out.contains(secret), "{}", list.out);
    }
}

#[test]
fn list_shows_values_with_their_sources() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "[server]\nport = 9000\n");
    let table = run(&path, &["config"]).out;
    let port = table.lines().find(|line| line.starts_with("server.port")).unwrap();
    assert!(port.contains("9000") && port.ends_with("ayb.toml:2"), "{port}");
    let listed: Value = serde_json::from_str(&run(&path, &["config", "list", "--json"]).out).unwrap();
    let host = listed.as_array().unwrap().iter().find(|entry| entry["key"] == "server.host").unwrap();
    assert_eq!(*host, json!({"key": "server.host", "value": "127.0.0.1", "source": "default"}));
}

#[test]
fn a_master_key_that_the_server_made_is_said_to_come_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &format!("[server]\ndata_dir = {:?}\n", folder.path()));
    fs::write(folder.path().join("master.key"), "07".repeat(32)).unwrap();
    let table = run(&path, &["config"]).out;
    let key = table.lines().find(|line| line.starts_with("auth.oauth_provider.master_key ")).unwrap();
    assert!(key.contains("********") && key.ends_with("/master.key"), "{key}");
}

#[test]
fn a_key_without_a_value_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&file(&folder, ""), &["config", "get", "admin.password"]);
    assert_eq!(ran.exit, Exit::NotFound);
    assert!(ran.err.starts_with("error: `admin.password` is not set"), "{}", ran.err);
}

#[test]
fn a_broken_configuration_is_listed_with_its_problems() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "[auth.oauth_provider]\nenabled = true\n");
    let list = run(&path, &["config"]);
    assert_eq!(list.exit, Exit::Failed);
    assert!(
        list.out.contains("server.port") && list.err.contains("`auth.jwt_secret` is missing"),
        "{}",
        list.err
    );
    assert_eq!(run(&path, &["config", "get", "server.port"]).out, "8090\n");
}

#[test]
fn get_fails_for_a_wrong_value_and_remarks_on_other_problems() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "[server]\nport = 0\nhots = \"x\"\n");
    let port = run(&path, &["config", "get", "server.port"]);
    assert_eq!((port.exit, port.out.as_str()), (Exit::Failed, ""));
    assert!(port.err.contains("`server.port` must be a whole number"), "{}", port.err);
    let host = run(&path, &["config", "get", "server.host"]);
    assert_eq!((host.exit, host.out.as_str()), (Exit::Done, "127.0.0.1\n"));
    assert!(host.err.starts_with("note: ") && host.err.contains("unknown key `server.hots`"), "{}", host.err);
}

#[test]
fn set_tells_when_it_has_no_effect_or_the_server_cannot_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "");
    let arguments = ["config", "set", "server.port", "9000", "--config", path.to_str().unwrap()];
    let ran = ayb_with(&arguments, &[("AYB_SERVER_PORT", "9001")], "");
    assert!(ran.err.contains("AYB_SERVER_PORT is set and wins over"), "{}", ran.err);
    let ran = run(&path, &["config", "set", "auth.oauth_provider.enabled", "true"]);
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.err.contains("cannot start like this") && ran.err.contains("auth.jwt_secret"), "{}", ran.err);
}

#[test]
fn set_makes_a_missing_file_and_refuses_one_that_is_no_toml() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.toml");
    assert_eq!(run(&path, &["config", "set", "server.port", "9000"]).exit, Exit::Done);
    assert_eq!(fs::read_to_string(&path).unwrap(), "[server]\nport = 9000\n");
    fs::write(&path, "jwt_secret = hunter2").unwrap();
    let ran = run(&path, &["config", "set", "server.port", "9000"]);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.err.contains("is not valid TOML") && !ran.err.contains("hunter2"), "{}", ran.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), "jwt_secret = hunter2");
}

#[test]
fn init_writes_a_configuration_that_starts_a_provider_and_never_replaces_one() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new");
    let arguments = ["init", "--dir", dir.to_str().unwrap()];
    let ran = ayb_with(&arguments, &[], "");
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    let path = dir.join("ayb.toml");
    let text = fs::read_to_string(&path).unwrap();
    let config = config::load(&Sources { file: Some(path.clone()), ..Sources::default() }).unwrap();
    assert!(config.auth.provider.enabled && config.auth.provider.master_key.is_some());
    let secret = config.auth.jwt_secret.unwrap();
    assert_eq!(secret.expose().len(), 64);
    assert!(!ran.out.contains(secret.expose()));

    let again = ayb_with(&arguments, &[], "");
    assert_eq!(again.exit, Exit::Failed);
    assert!(again.err.contains("exists already and stays as it is"), "{}", again.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let other = folder.path().join("other");
    ayb_with(&["init", "--dir", other.to_str().unwrap()], &[], "");
    assert_ne!(fs::read_to_string(other.join("ayb.toml")).unwrap(), text);
}

#[test]
fn init_writes_to_the_file_that_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("etc").join("other.toml");
    let named = path.to_str().unwrap();
    let ran = ayb_with(&["init", "--config", named], &[], "");
    assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
    assert!(ran.out.contains(&format!("Wrote {named} ")), "{}", ran.out);
    assert!(ran.out.ends_with(&format!("then `ayb start --config {named}`.\n")), "{}", ran.out);
    let text = fs::read_to_string(&path).unwrap();
    let config = config::load(&Sources { file: Some(path.clone()), ..Sources::default() }).unwrap();
    assert!(config.auth.provider.enabled);
    for (arguments, variables) in
        [(&["init", "--config", named][..], &[][..]), (&["init"], &[("AYB_CONFIG", named)])]
    {
        let again = ayb_with(arguments, variables, "");
        assert_eq!(again.exit, Exit::Failed);
        assert!(again.err.contains("other.toml exists already and stays as it is"), "{}", again.err);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let both = ayb_with(&["init", "--config", named, "--dir", "elsewhere"], &[], "");
    assert_eq!(both.exit, Exit::Usage);
    assert!(both.err.contains("--dir and --config both say where to write"), "{}", both.err);
}

/// Twenty at once, as a script does that starts them side by side.
#[test]
fn no_change_is_lost_when_several_are_made_at_once() {
    let least = |key: &'static Key| match key.kind {
        Kind::Number { least, .. } | Kind::Seconds { least, .. } => Some((key.name, least.to_string())),
        _ => None,
    };
    let jobs: Vec<(&str, String)> = key::keys().filter_map(least).take(20).collect();
    assert_eq!(jobs.len(), 20);
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "# mine\n");
    std::thread::scope(|scope| {
        for (key, value) in &jobs {
            let path = &path;
            scope.spawn(move || {
                let ran = run(path, &["config", "set", key, value]);
                assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
            });
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    for (key, value) in &jobs {
        let line = format!("\n{} = {value}\n", key.rsplit('.').next().unwrap());
        assert!(text.contains(&line), "{key} is lost: {text}");
    }
    assert!(text.starts_with("# mine\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn what_init_writes_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    ayb_with(&["init", "--dir", folder.path().to_str().unwrap()], &[], "");
    let mode = fs::metadata(folder.path().join("ayb.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
