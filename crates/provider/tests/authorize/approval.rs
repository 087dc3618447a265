//! The person said yes: what is checked again, what is remembered, and what the code carries.

use super::{Visit, consent, present, word};
use crate::kit::{
    ADA, BOB, CALLBACK, CHALLENGE, GRANT, NOW, SESSION, granted, our_id, policy, scope, tables,
};
use ayb_protocol::claims::ClaimsRequest;
use ayb_protocol::secret::SecretHash;
use ayb_protocol::time::Seconds;
use ayb_provider::authorize::{Approved, FreshCode, Progress, Step};
use ayb_provider::grant::CodeRecord;
use uuid::Uuid;

fn approved(change: impl FnOnce(&mut Visit)) -> (Approved, ayb_provider::consent::ConsentRecord) {
    Visit::with(change).approve().expect("approved")
}

fn first_must(change: impl FnOnce(&mut Visit)) -> &'static str {
    word(&Visit::with(change).approve().expect_err("not approved"))
}

#[test]
fn approval_checks_everything_again() {
    type Change = fn(&mut Visit);
    let cases: [(&str, Change); 9] = [
        ("sign in", |v| v.present = None),
        ("sign in again", |v| v.expected_sub = Some(BOB.to_string())),
        ("sign in again", |v| {
            v.present = present(BOB, 60);
            v.expected_sub = Some(ADA.to_string());
        }),
        ("sign in again", |v| v.query = "prompt=login".into()),
        ("sign in again", |v| v.query = "max_age=59".into()),
        ("sign in again", |v| {
            v.query = "prompt=login".into();
            v.progress.login_asked_at = Some(NOW);
        }),
        ("select account", |v| v.query = "prompt=select_account".into()),
        ("consent_required", |v| {
            v.query = "prompt=none".into();
            v.consent = None;
        }),
        ("login_required", |v| {
            v.query = "prompt=none".into();
            v.present = None;
        }),
    ];
    for (expected, change) in cases {
        assert_eq!(first_must(change), expected);
    }
}

#[test]
fn a_yes_counts_exactly_where_the_question_could_be_asked() {
    let mut compared = 0;
    for prompt in ["", "none", "login", "consent", "select_account", "login%20consent%20select_account"] {
        for seconds_ago in [None, Some(10), Some(7200)] {
            for stored in [None, Some(consent("openid email readonly", "notes")), Some(consent("openid", ""))]
            {
                for progress in [
                    Progress::default(),
                    Progress { login_asked_at: Some(NOW.minus(Seconds(20))), account_chosen: true },
                ] {
                    let visit = Visit::with(|visit| {
                        visit.query = format!("max_age=3600&prompt={prompt}");
                        visit.present = seconds_ago.and_then(|ago| present(ADA, ago));
                        visit.consent.clone_from(&stored);
                        visit.progress = progress;
                    });
                    let step = visit.step();
                    let may = matches!(step, Step::AskConsent(_) | Step::Approved(_));
                    match visit.approve() {
                        Ok(_) => assert!(may, "{prompt} {seconds_ago:?} {}", word(&step)),
                        Err(first) => assert_eq!(word(&first), word(&step)),
                    }
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 6 * 3 * 3 * 2);
}

#[test]
fn what_was_approved_is_not_asked_again() {
    for (query, earlier) in [
        ("scope=openid%20email%20readwrite&allowed_tables=notes", None),
        ("scope=openid%20email", Some(consent("readonly", "notes"))),
        ("scope=readwrite&allowed_tables=tags", Some(consent("openid readonly", "notes"))),
        ("scope=readonly", Some(consent("readwrite", "notes"))),
        ("scope=openid&claims=%7B%22userinfo%22:%7B%22email%22:null%7D%7D", None),
    ] {
        let visit = Visit::with(|visit| {
            visit.query = query.to_owned();
            visit.consent.clone_from(&earlier);
        });
        assert_eq!(word(&visit.step()), "ask", "{query}");
        let (_, record) = visit.approve().expect(query);
        if let Some(earlier) = &earlier {
            assert!(record.covers(&earlier.scope, &earlier.tables), "{query}");
        }
        let later = Visit { consent: Some(record), query: format!("{query}&prompt=none"), ..visit };
        assert_eq!(word(&later.step()), "approved", "{query}");
    }
}

#[test]
fn what_is_remembered_is_what_the_question_said() {
    for earlier in
        [None, Some(consent("openid", "")), Some(consent("readwrite", "tags")), Some(consent("*", ""))]
    {
        let visit = Visit::with(|visit| visit.consent.clone_from(&earlier));
        let question = visit.validated().question(earlier.as_ref());
        let (_, record) = visit.approve().expect("approved");
        assert_eq!((record.scope, record.tables), (question.scope, question.tables));
        assert_eq!((record.user_id, record.client_id, record.granted_at), (ADA, our_id(), NOW));
    }
}

#[test]
fn approval_widens_by_what_was_asked_and_never_narrows() {
    for (stored, stored_tables, query, words, names) in [
        (
            "profile readwrite",
            "notes",
            "scope=openid%20readonly&allowed_tables=tags",
            "openid profile readwrite",
            "notes,tags",
        ),
        ("readonly", "notes", "scope=readwrite&allowed_tables=notes", "readwrite", "notes"),
        ("readonly", "notes", "scope=readonly", "readonly", ""),
        // A request that touches no table says nothing about tables, whatever it lists.
        ("readonly", "notes", "scope=openid", "openid readonly", "notes"),
        ("readonly", "notes", "scope=openid&allowed_tables=tags", "openid readonly", "notes"),
        ("openid", "", "scope=readonly&allowed_tables=tags", "openid readonly", "tags"),
    ] {
        let (_, record) = approved(|visit| {
            visit.query = query.into();
            visit.consent = Some(consent(stored, stored_tables));
        });
        assert_eq!((record.scope, record.tables), (scope(words), tables(names)), "{stored} + {query}");
    }
}

#[test]
fn the_consent_of_another_person_widens_nothing() {
    let (_, record) = approved(|visit| {
        visit.query = "scope=openid".into();
        let mut theirs = consent("openid email *", "");
        theirs.user_id = BOB;
        visit.consent = Some(theirs);
    });
    assert_eq!(record.scope, scope("openid"));
}

fn code_of(approved: &Approved) -> CodeRecord {
    let fresh = FreshCode { id: Uuid::from_u128(0xc0de), hash: SecretHash::of("code"), grant_id: GRANT };
    approved.code(&fresh, &policy(), NOW)
}

#[test]
fn the_code_carries_everything_that_its_redemption_needs() {
    let claims = r#"%7B%22id_token%22:%7B%22name%22:null%7D%7D"#;
    let (approved, _) = approved(|visit| {
        visit.query =
            format!("scope=openid%20readonly&allowed_tables=notes,tags&max_age=100&claims={claims}");
    });
    let code = code_of(&approved);
    assert_eq!((code.id, code.hash), (Uuid::from_u128(0xc0de), SecretHash::of("code")));
    assert_eq!((code.client_id, code.user_id), (our_id(), ADA));
    assert_eq!(code.redirect_uri.as_str(), CALLBACK);
    assert_eq!((code.scope, code.tables), (granted("openid readonly"), tables("notes,tags")));
    assert_eq!(code.challenge.to_string(), CHALLENGE);
    assert_eq!((code.state.as_str(), code.nonce.as_deref()), ("s", Some("n")));
    assert_eq!(code.claims, ClaimsRequest::parse(r#"{"id_token":{"name":null}}"#).expect("claims"));
    assert_eq!((code.auth_time, code.amr), (NOW.minus(Seconds(60)), vec!["pwd".to_owned()]));
    assert_eq!((code.session_id, code.grant_id), (Some(SESSION), GRANT));
    assert_eq!((code.created_at, code.expires_at), (NOW, NOW.plus(policy().code)));
    assert_eq!(code.used_at, None);
}

#[test]
fn the_code_carries_what_was_asked_now_and_not_what_was_allowed_before() {
    for query in ["scope=readonly&allowed_tables=notes", "scope=readonly&allowed_tables=notes&prompt=consent"]
    {
        let visit = Visit::with(|visit| {
            visit.query = query.to_owned();
            visit.consent = Some(consent("openid email *", ""));
        });
        let approved = match visit.step() {
            Step::Approved(approved) => *approved,
            _ => visit.approve().expect("approved").0,
        };
        let code = code_of(&approved);
        assert_eq!((code.scope, code.tables), (granted("readonly"), tables("notes")), "{query}");
    }
}

#[test]
fn single_claims_do_not_grow_the_granted_scope() {
    let (approved, record) = approved(|visit| {
        visit.query = "scope=openid&claims=%7B%22userinfo%22:%7B%22email%22:null%7D%7D".into();
        visit.consent = None;
    });
    assert_eq!(code_of(&approved).scope, granted("openid"));
    assert_eq!(record.scope, scope("openid email"));
}
