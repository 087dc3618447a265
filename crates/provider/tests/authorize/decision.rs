//! Prompt, session, consent, age and person against each other.

use super::{Visit, consent, next, present, word};
use crate::kit::{ADA, BOB, NOW, other_id, scope, tables};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::authorize::{ConsentQuestion, Progress, Step};
use ayb_provider::consent::ConsentRecord;

/// Who is there: nobody, somebody who signed in a minute ago, or two hours ago.
const NOBODY: Option<u64> = None;
const FRESH: Option<u64> = Some(60);
const OLD: Option<u64> = Some(7200);

fn encoded(text: &str) -> String {
    text.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D").replace('"', "%22")
}

/// Covers what is asked, is not there, or covers less than what is asked.
fn consents() -> [Option<ConsentRecord>; 3] {
    [Some(consent("openid email readonly", "notes")), None, Some(consent("openid readonly", "notes"))]
}

#[test]
fn prompt_and_session_and_consent_lead_to_one_step() {
    let ask = "ask";
    let (login, consent) = ("login_required", "consent_required");
    // prompt, session, [consent covers, is absent, was outgrown]; max_age is an hour.
    for (prompt, ago, expected) in [
        ("", NOBODY, ["sign in"; 3]),
        ("", FRESH, ["approved", ask, ask]),
        ("", OLD, ["sign in again"; 3]),
        ("none", NOBODY, [login; 3]),
        ("none", FRESH, ["approved", consent, consent]),
        ("none", OLD, [login; 3]),
        ("login", NOBODY, ["sign in"; 3]),
        ("login", FRESH, ["sign in again"; 3]),
        ("login", OLD, ["sign in again"; 3]),
        ("consent", NOBODY, ["sign in"; 3]),
        ("consent", FRESH, [ask; 3]),
        ("consent", OLD, ["sign in again"; 3]),
        ("select_account", NOBODY, ["sign in"; 3]),
        ("select_account", FRESH, ["select account"; 3]),
        ("select_account", OLD, ["sign in again"; 3]),
        ("login consent", FRESH, ["sign in again"; 3]),
        ("login select_account", FRESH, ["sign in again"; 3]),
        ("consent select_account", FRESH, ["select account"; 3]),
        ("login consent select_account", NOBODY, ["sign in"; 3]),
    ] {
        let steps = consents().map(|consent| {
            next(|visit| {
                visit.query = format!("max_age=3600&prompt={}", encoded(prompt));
                visit.present = ago.and_then(|ago| present(ADA, ago));
                visit.consent = consent;
            })
        });
        assert_eq!(steps, expected, "prompt={prompt:?}, signed in {ago:?} seconds ago");
    }
}

#[test]
fn progress_answers_a_prompt_once() {
    let asked = Some(NOW.minus(Seconds(60)));
    let (ask, select) = ("ask", "select account");
    // prompt, asked to sign in, account chosen, expected with a consent that covers; signed in 60 seconds ago.
    for (prompt, login_asked_at, account_chosen, expected) in [
        ("login", asked, false, "approved"),
        ("login", Some(NOW.minus(Seconds(61))), false, "approved"),
        ("login", Some(NOW.minus(Seconds(59))), false, "sign in again"),
        ("login", Some(NOW), false, "sign in again"),
        ("login", None, true, "sign in again"),
        ("select_account", None, true, "approved"),
        ("select_account", asked, false, select),
        ("login select_account", asked, false, select),
        ("login select_account", None, true, "sign in again"),
        ("login select_account", asked, true, "approved"),
        ("consent", asked, true, ask),
        ("login consent", asked, false, ask),
        ("login consent select_account", asked, true, ask),
    ] {
        let step = next(|visit| {
            visit.query = format!("prompt={}", encoded(prompt));
            visit.progress = Progress { login_asked_at, account_chosen };
        });
        assert_eq!(step, expected, "{prompt} {login_asked_at:?} {account_chosen}");
    }
}

#[test]
fn progress_stands_for_neither_session_nor_consent() {
    let progress = Progress { login_asked_at: Some(NOW.minus(Seconds(90))), account_chosen: true };
    for (query, expected) in [("", "sign in"), ("prompt=none", "login_required"), ("prompt=login", "sign in")]
    {
        let step = next(|visit| {
            visit.query = query.into();
            visit.present = None;
            visit.progress = progress;
        });
        assert_eq!(step, expected, "{query}");
    }
    let step = next(|visit| {
        visit.consent = None;
        visit.progress = progress;
    });
    assert_eq!(step, "ask");
}

#[test]
fn a_sign_in_older_than_max_age_does_not_do() {
    let at = |max_age: u64, millis: i64| {
        next(|visit| {
            visit.query = format!("max_age={max_age}");
            visit.present = present(ADA, 0);
            visit.now = Timestamp::from_millis(NOW.as_millis() + millis);
        })
    };
    for (max_age, millis, expected) in [
        (0, 0, "approved"),
        (0, 1, "sign in again"),
        (1, 999, "approved"),
        (1, 1000, "approved"),
        (1, 1001, "sign in again"),
        (3600, 3_600_000, "approved"),
        (3600, 3_600_001, "sign in again"),
        (999_999_999_999, 3_600_001, "approved"),
    ] {
        assert_eq!(at(max_age, millis), expected, "{millis} ms of {max_age} s");
    }
}

#[test]
fn a_sign_in_that_was_asked_for_satisfies_max_age() {
    for (query, asked_ago, expected) in [
        ("max_age=0", 60, "approved"),
        ("max_age=0", 59, "sign in again"),
        ("max_age=30", 90, "approved"),
        ("max_age=30&prompt=none", 59, "login_required"),
    ] {
        let step = next(|visit| {
            visit.query = query.into();
            visit.progress.login_asked_at = Some(NOW.minus(Seconds(asked_ago)));
        });
        assert_eq!(step, expected, "{query}, asked {asked_ago} seconds ago");
    }
}

#[test]
fn only_the_expected_person_is_answered() {
    let (ada, bob) = (ADA.to_string(), BOB.to_string());
    let (sign_in, none) = ("sign in again", "login_required");
    for (claims_sub, hint_sub, interactive, silent) in [
        (None, None, "approved", "approved"),
        (Some(&ada), None, "approved", "approved"),
        (None, Some(&ada), "approved", "approved"),
        (Some(&ada), Some(&ada), "approved", "approved"),
        (Some(&bob), None, sign_in, none),
        (None, Some(&bob), sign_in, none),
        (Some(&ada), Some(&bob), sign_in, none),
        (Some(&bob), Some(&ada), sign_in, none),
        (Some(&bob), Some(&bob), sign_in, none),
        (Some(&ada.to_uppercase()), None, sign_in, none),
        (Some(&String::new()), None, sign_in, none),
        (None, Some(&"ada@example.com".to_owned()), sign_in, none),
    ] {
        for (prompt, expected) in [("", interactive), ("none", silent)] {
            for place in ["id_token", "userinfo"] {
                let step = next(|visit| {
                    let claims = claims_sub.map_or("{}".to_owned(), |sub| {
                        format!(r#"{{"{place}":{{"sub":{{"value":"{sub}"}}}}}}"#)
                    });
                    visit.query = format!("prompt={prompt}&claims={}", encoded(&claims));
                    visit.expected_sub = hint_sub.cloned();
                });
                assert_eq!(step, expected, "claims {claims_sub:?}, hint {hint_sub:?}, prompt={prompt}");
            }
        }
    }
}

#[test]
fn the_wrong_person_is_not_asked_for_consent_or_choice() {
    for prompt in ["", "login", "consent", "select_account"] {
        // Asked 90 seconds ago or 30, signed in 60 ago: for this request, or before it.
        for (asked_ago, expected) in [(90, "login_required"), (30, "sign in again")] {
            let step = next(|visit| {
                visit.query = format!("prompt={prompt}");
                visit.present = present(BOB, 60);
                visit.expected_sub = Some(ADA.to_string());
                let login_asked_at = Some(NOW.minus(Seconds(asked_ago)));
                visit.progress = Progress { login_asked_at, account_chosen: true };
            });
            assert_eq!(step, expected, "prompt={prompt}, asked {asked_ago} seconds ago");
        }
    }
}

#[test]
fn the_consent_of_another_person_or_client_does_not_count() {
    type Change = fn(&mut ConsentRecord);
    let changes: [Change; 2] = [|consent| consent.user_id = BOB, |consent| consent.client_id = other_id()];
    for change in changes {
        let visit = |query: &str| {
            Visit::with(|visit| {
                visit.query = query.to_owned();
                change(visit.consent.as_mut().expect("consent"));
            })
        };
        assert_eq!(word(&visit("prompt=none").step()), "consent_required");
        let Step::AskConsent(question) = visit("").step() else { panic!("not asked") };
        assert_eq!(question.new, scope("openid email readonly"));
    }
}

#[test]
fn consent_is_asked_again_when_the_request_grew() {
    // Stored scope and tables, asked scope and tables, what is new in the scope; `None` when nothing is asked.
    for (stored, stored_tables, asked, asked_tables, new) in [
        ("openid", "", "openid", "", None),
        ("openid email profile *", "", "openid email readonly", "notes", None),
        ("readonly", "", "readonly", "notes", None),
        ("readonly", "notes,tags", "readonly", "tags", None),
        ("openid readonly", "notes", "openid", "", None),
        ("openid", "", "openid email", "", Some("email")),
        ("openid", "", "openid offline_access", "", Some("offline_access")),
        ("readonly", "", "readwrite", "", Some("readwrite")),
        ("readwrite", "", "*", "", Some("*")),
        ("*", "", "openid", "", Some("openid")),
        ("openid readonly", "", "openid email readwrite", "", Some("email readwrite")),
        ("readonly", "notes", "readonly", "notes,tags", Some("")),
        ("readonly", "notes", "readonly", "", Some("")),
        ("readwrite", "notes", "readonly", "tags", Some("")),
        ("openid", "notes", "openid readonly", "notes", Some("readonly")),
    ] {
        let step = Visit::with(|visit| {
            let tables = if asked_tables.is_empty() { "" } else { "&allowed_tables=" };
            visit.query = format!("scope={}{tables}{asked_tables}", encoded(asked));
            visit.consent = Some(consent(stored, stored_tables));
        })
        .step();
        let got = match &step {
            Step::AskConsent(question) => Some(question.new.to_string()),
            other => {
                assert_eq!(word(other), "approved");
                None
            }
        };
        assert_eq!(got.as_deref(), new, "{asked} [{asked_tables}] after {stored} [{stored_tables}]");
    }
}

#[test]
fn the_question_names_everything_that_will_be_remembered() {
    let question = |query: &str, earlier: Option<ConsentRecord>| {
        let step = Visit::with(|visit| {
            visit.query = query.to_owned();
            visit.consent = earlier;
        })
        .step();
        let Step::AskConsent(question) = step else { panic!("{query}: {step:?}") };
        question
    };
    assert_eq!(
        question("scope=openid%20readonly&allowed_tables=notes", None),
        ConsentQuestion {
            scope: scope("openid readonly"),
            tables: tables("notes"),
            new: scope("openid readonly")
        }
    );
    assert_eq!(
        question("scope=email%20readwrite&allowed_tables=tags", Some(consent("openid readonly", "notes"))),
        ConsentQuestion {
            scope: scope("openid email readwrite"),
            tables: tables("notes,tags"),
            new: scope("email readwrite")
        }
    );
    let again = question("prompt=consent", Some(consent("openid email readonly", "notes")));
    assert!(again.new.is_empty());
    assert_eq!(again.scope, scope("openid email readonly"));
}

#[test]
fn single_claims_are_asked_for_like_the_scopes_that_open_them() {
    let query =
        format!("scope=openid&claims={}", encoded(r#"{"userinfo":{"email":null},"id_token":{"name":null}}"#));
    for (stored, expected) in [
        ("openid", "ask"),
        ("openid email", "ask"),
        ("openid profile", "ask"),
        ("openid profile email", "approved"),
    ] {
        let visit = Visit::with(|visit| {
            visit.query.clone_from(&query);
            visit.consent = Some(consent(stored, ""));
        });
        assert_eq!(word(&visit.step()), expected, "{stored}");
        let silent = Visit { query: format!("{query}&prompt=none"), ..visit };
        let expected = if expected == "ask" { "consent_required" } else { expected };
        assert_eq!(word(&silent.step()), expected, "{stored}");
    }
}
