//! Snapshots of every sample, and rules that hold for all of them.

use super::samples::{self, Sample};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod contrast;

/// Set to `1` to write the snapshots instead of comparing them.
const UPDATE: &str = "UPDATE_SNAPSHOTS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/pages")
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test, not configuration of the server")]
fn updating() -> bool {
    std::env::var_os(UPDATE).is_some_and(|value| value == "1")
}

fn stored_names() -> BTreeSet<String> {
    fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn pages_match_their_snapshots() {
    let samples = samples::all();
    if updating() {
        for name in stored_names() {
            fs::remove_file(folder().join(name)).unwrap();
        }
        for sample in &samples {
            fs::write(folder().join(format!("{}.html", sample.name)), &sample.html).unwrap();
        }
        return;
    }
    for Sample { name, html } in &samples {
        let stored = fs::read_to_string(folder().join(format!("{name}.html"))).unwrap_or_default();
        assert!(stored == *html, "{name} differs from its snapshot; look at it, then run with {UPDATE}=1");
    }
    let wanted: BTreeSet<String> = samples.iter().map(|sample| format!("{}.html", sample.name)).collect();
    assert_eq!(stored_names(), wanted, "a snapshot without a sample, or the reverse");
}

#[test]
fn no_page_carries_inline_script_or_style() {
    for Sample { name, html } in samples::all() {
        let lower = html.to_lowercase();
        assert!(!lower.contains("<style") && !lower.contains(" style="), "{name}");
        assert!(
            lower.matches("<script").count() == lower.matches("<script src=\"/assets/").count(),
            "{name}"
        );
        assert!(!tags(&html).any(has_handler), "{name}");
        assert!(!lower.contains("href=\"javascript:") && !lower.contains("src=\"http"), "{name}");
    }
}

#[test]
fn no_template_switches_escaping_off() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")).unwrap() {
        let path = entry.unwrap().path();
        let template = fs::read_to_string(&path).unwrap();
        for word in ["|safe", "| safe", "|escape", "| escape", "|e(", "{% raw"] {
            assert!(!template.contains(word), "{} contains {word}", path.display());
        }
    }
}

#[test]
fn only_the_demo_and_the_form_post_load_a_script() {
    for Sample { name, html } in samples::all() {
        let may = name.starts_with("demo-") || name.starts_with("form-post-");
        assert_eq!(html.contains("<script"), may, "{name}");
    }
}

#[test]
fn no_text_of_a_stranger_can_turn_or_hide_letters() {
    for Sample { name, html } in samples::all() {
        let visible = outside_of_hidden_inputs(&html);
        assert!(!visible.contains(['\u{202E}', '\u{2066}', '\u{200B}', '\0']), "{name}");
    }
}

#[test]
fn every_visible_input_has_a_label_and_every_reference_a_target() {
    for Sample { name, html } in samples::all() {
        let ids: BTreeSet<&str> = tags(&html).filter_map(|tag| attribute(tag, "id")).collect();
        assert_eq!(
            ids.len(),
            tags(&html).filter(|tag| attribute(tag, "id").is_some()).count(),
            "{name}: an id twice"
        );
        let labelled: BTreeSet<&str> = tags(&html).filter_map(|tag| attribute(tag, "for")).collect();
        for tag in tags(&html) {
            let hidden = attribute(tag, "type") == Some("hidden") || tag.ends_with(" hidden");
            if tag.starts_with("input") && !hidden {
                assert!(attribute(tag, "id").is_some_and(|id| labelled.contains(id)), "{name}: {tag}");
                assert!(attribute(tag, "autocomplete").is_some(), "{name}: {tag}");
            }
            for reference in ["for", "aria-describedby", "aria-labelledby"] {
                let targets = attribute(tag, reference).unwrap_or_default();
                assert!(targets.split(' ').all(|id| id.is_empty() || ids.contains(id)), "{name}: {tag}");
            }
        }
    }
}

#[test]
fn every_post_to_this_server_carries_the_csrf_token() {
    for Sample { name, html } in samples::all() {
        for form in html.split("<form ").skip(1).filter(|form| form.contains("action=\"/")) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("method=\"post\"") && form.contains("name=\"csrf\""), "{name}");
        }
    }
}

#[test]
fn pages_keep_the_contract_with_outside_test_suites() {
    for (page, parts) in [
        ("login-plain", &["id=\"login-submit\"", "name=\"email\"", "name=\"password\""][..]),
        ("consent-plain", &["id=\"consent-allow\"", "id=\"consent-deny\""]),
        ("logout-plain", &["id=\"logout-confirm\""]),
        ("logged-out-plain", &["id=\"logged-out\""]),
        (
            "demo-plain",
            &[
                "id=\"demo-signin\"",
                "id=\"demo-userinfo\"",
                "id=\"demo-refresh\"",
                "id=\"demo-revoke\"",
                "id=\"demo-check\"",
                "id=\"demo-logout\"",
            ],
        ),
        ("error-plain", &["<code id=\"error-code\">invalid_request</code>"]),
    ] {
        let html = samples::all().into_iter().find(|sample| sample.name == page).unwrap().html;
        assert!(parts.iter().all(|part| html.contains(part)), "{page}");
    }
}

#[test]
fn consent_names_app_client_description_scopes_tables_and_destination() {
    let html = |page: &str| samples::all().into_iter().find(|sample| sample.name == page).unwrap().html;
    for part in [
        "Trailbook Web",
        "Plan hikes with friends",
        "ada@example.com",
        "Not you?",
        "Know who you are",
        "See your name and picture",
        "See your email address",
        "Read your data",
        "Keep access while you are away",
        "app.trailbook.example",
    ] {
        assert!(html("consent-plain").contains(part), "{part}");
    }
    for part in ["Read and modify your data", "waypoints", "this computer", "127.0.0.1:8765"] {
        assert!(html("consent-tables").contains(part), "{part}");
    }
    assert!(html("consent-full").contains("Full access to your account"));
    assert_eq!(html("consent-widened").matches(">New<").count(), 2);
    assert!(!html("consent-plain").contains(">New<") && !html("consent-plain").contains("this computer"));
}

#[test]
fn email_is_spelled_in_one_way() {
    for Sample { name, html } in samples::all() {
        assert!(!html.to_lowercase().contains("e-mail"), "{name}");
    }
}

#[test]
fn consent_offers_deny_before_allow() {
    for Sample { name, html } in
        samples::all().into_iter().filter(|sample| sample.name.starts_with("consent-"))
    {
        assert!(html.find("id=\"consent-deny\"") < html.find("id=\"consent-allow\""), "{name}");
    }
}

#[test]
fn sign_in_and_sign_up_keep_the_way_back() {
    let encoded =
        "?return_to=%2Foauth%2Fauthorize%3Fclient_id%3Dayb_cid_00%26state%3Da%2520b%26scope%3Dopenid";
    for (page, links) in [("login-asked", 2), ("signup-asked", 1), ("forgot-plain", 1)] {
        let html = samples::all().into_iter().find(|sample| sample.name == page).unwrap().html;
        assert_eq!(html.matches(encoded).count(), links, "{page}");
        assert!(
            html.contains("name=\"return_to\" value=\"/oauth/authorize?client_id=ayb_cid_00&#38;state=a%20b"),
            "{page}"
        );
    }
}

/// The inside of every tag. Escaped text has no `<`, so what is found was written by a template.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| rest.split('>').next())
}

/// Whether a tag has an event handler; values in quotes do not count.
fn has_handler(tag: &str) -> bool {
    let names: String = tag.split('"').step_by(2).collect();
    names.split_ascii_whitespace().skip(1).any(|word| word.starts_with("on"))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// Hidden inputs and data attributes return their values unchanged and show nothing.
fn outside_of_hidden_inputs(html: &str) -> String {
    html.split('<')
        .filter(|part| {
            !part.contains("type=\"hidden\"") && !part.contains("data-issuer=") && !part.starts_with("button")
        })
        .collect()
}
