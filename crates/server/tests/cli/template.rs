use std::fs;

use ayb_server::config::{self, SecretText, Sources, gather, key, template};

fn gathered(text: &str) -> config::layers::Gathered {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ayb.toml"), text).unwrap();
    gather(&Sources { directory: folder.path().to_owned(), ..Sources::default() })
}

fn assert_defaults(text: &str) {
    let (written, untouched) =
        (gathered(text), gather(&Sources { directory: "/nowhere".into(), ..Sources::default() }));
    assert!(written.problems.is_empty(), "{:?}", written.problems);
    for key in key::keys() {
        assert_eq!(written.settings.exposed(key), untouched.settings.exposed(key), "{}", key.name);
    }
}

#[test]
fn the_template_means_the_defaults() {
    assert_defaults(&template::template(&[]));
}

#[test]
fn the_defaults_in_the_comments_are_the_defaults() {
    let lines = template::template(&[]);
    let uncommented = lines.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if setting.contains(" = ") && !setting.contains(['…', '<', '`']) => setting,
        _ => line,
    });
    let text = uncommented.collect::<Vec<_>>().join("\n");
    assert!(
        text.contains("\nport = 8090\n") && text.contains("\ncors_allowed_origins = [\"*\"]\n"),
        "{text}"
    );
    assert_defaults(&text);
}

#[test]
fn the_template_shows_provider_mode_with_its_defaults_and_the_word_on_pkce() {
    let text = template::template(&[]);
    let (before, section) = text.split_once("\n[auth.oauth_provider]\n").unwrap();
    assert!(before.rsplit_once("\n\n").unwrap().1.contains("PKCE with S256 is compulsory"));
    for line in [
        "# enabled = false",
        "access_token_duration = 3600",
        "refresh_token_duration = 2592000",
        "auth_code_duration = 600",
    ] {
        assert!(section.contains(&format!("\n{line}\n")), "{line}");
    }
}

#[test]
fn given_values_are_written_as_toml_whatever_they_hold() {
    let secret = SecretText::new("a\"b\\c'''d #e = [f] 0123456789abcdef".to_owned());
    let on = SecretText::new("true".to_owned());
    let text = template::template(&[("auth.jwt_secret", &secret), ("auth.oauth_provider.enabled", &on)]);
    let (config, _) = gathered(&text).into_config().unwrap();
    assert_eq!(config.auth.jwt_secret.as_ref().map(SecretText::expose), Some(secret.expose()));
    assert!(config.auth.provider.enabled);
}

#[test]
fn every_key_is_in_the_template_and_in_the_reference() {
    let (template, reference) = (template::template(&[]), config::reference_markdown());
    for key in key::keys() {
        assert!(template.contains(&format!("{} = ", key.last_name())), "{}", key.name);
        assert!(reference.contains(&format!("`{}`", key.variable())), "{}", key.name);
    }
}
