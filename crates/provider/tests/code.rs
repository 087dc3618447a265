//! Redeeming an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).

use crate::kit::{
    ADA, CALLBACK, GRANT, NOW, SESSION, VERIFIER, authenticated, code, fresh, policy, reason, stranger,
    verifier,
};
use ayb_protocol::error::ErrorCode;
use ayb_protocol::pkce::CodeVerifier;
use ayb_protocol::redirect_uri::RedirectUri;
use ayb_protocol::secret::SecretHash;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::client::ClientKind;
use ayb_provider::client_auth::AuthenticatedClient;
use ayb_provider::grant::code::{CodeAsk, FoundCode, Redemption, redeem};
use ayb_provider::grant::{Answer, CodeRecord};

/// A request of the right client for the right code; `change` makes it wrong.
struct Attempt {
    found: Option<FoundCode>,
    ask: CodeAsk,
    client: AuthenticatedClient,
    now: Timestamp,
}

impl Attempt {
    fn code(&mut self) -> &mut CodeRecord {
        &mut self.found.as_mut().expect("found").code
    }
}

fn attempt(change: impl FnOnce(&mut Attempt)) -> Redemption {
    let mut attempt = Attempt {
        found: Some(FoundCode { code: code(|_| {}), user_active: true }),
        ask: CodeAsk {
            hash: SecretHash::of("code"),
            redirect_uri: CALLBACK.to_owned(),
            verifier: verifier(),
        },
        client: authenticated(|_| {}),
        now: NOW,
    };
    change(&mut attempt);
    redeem(attempt.found.as_ref(), &attempt.ask, &attempt.client, &fresh(), &policy(), attempt.now)
}

fn issued(redemption: Redemption) -> Answer {
    match redemption {
        Redemption::Issue(answer) => *answer,
        other => panic!("not issued: {other:?}"),
    }
}

/// Asserts a refusal without effect, whose reason only the log learns.
fn assert_refused(redemption: &Redemption, detail: &str) {
    let Redemption::Refuse(refusal) = redemption else { panic!("{detail}: {redemption:?}") };
    assert_eq!(reason(refusal), (ErrorCode::InvalidGrant, detail));
    assert_eq!(
        refusal.public,
        "The authorization code is invalid, expired, used, or was issued to another client."
    );
}

fn other_verifier() -> CodeVerifier {
    CodeVerifier::parse(&VERIFIER.replace('k', "l")).expect("verifier")
}

#[test]
fn the_right_client_gets_what_was_granted() {
    let code = code(|_| {});
    let Answer { grant, issuance, nonce } = issued(attempt(|_| {}));
    assert_eq!((grant.id, grant.client_id.clone(), grant.user_id), (GRANT, code.client_id, ADA));
    assert_eq!((grant.scope, &grant.tables, &grant.claims), (code.scope, &code.tables, &code.claims));
    assert_eq!((grant.auth_time, &grant.amr, grant.session_id), (code.auth_time, &code.amr, Some(SESSION)));
    assert_eq!((grant.created_at, grant.revoked_at), (NOW, None));
    assert_eq!(nonce.as_deref(), Some("n"));

    let access = issuance.access;
    assert_eq!((access.id, access.hash), (fresh().access.id, fresh().access.hash));
    assert_eq!((access.client_id, access.user_id, access.grant_id), (grant.client_id, Some(ADA), GRANT));
    assert_eq!((access.scope, &access.tables), (grant.scope, &grant.tables));
    assert_eq!((access.created_at, access.expires_at), (NOW, NOW.plus(policy().access_token)));
    assert_eq!(access.revoked_at, None);

    let refresh = issuance.refresh.expect("refresh token");
    assert_eq!((refresh.id, refresh.hash), (fresh().refresh.id, fresh().refresh.hash));
    assert_eq!((refresh.user_id, refresh.grant_id, refresh.scope), (Some(ADA), GRANT, grant.scope));
    assert_eq!((refresh.tables, refresh.revoked_at), (grant.tables, None));
    assert_eq!((refresh.created_at, refresh.expires_at), (NOW, NOW.plus(policy().refresh_token)));
}

#[test]
fn a_public_client_redeems_with_pkce_alone() {
    let answer = issued(attempt(|a| a.client = authenticated(|client| client.kind = ClientKind::Public)));
    assert!(answer.issuance.refresh.is_some());
}

#[test]
fn a_client_without_refresh_tokens_gets_none() {
    let answer =
        issued(attempt(|a| a.client = authenticated(|client| client.settings.refresh_tokens = false)));
    assert_eq!(answer.issuance.refresh, None);
}

#[test]
fn an_unknown_code_is_refused() {
    assert_refused(&attempt(|a| a.found = None), "unknown code");
}

#[test]
fn a_code_that_only_points_at_the_row_is_refused() {
    assert_refused(&attempt(|a| a.ask.hash = SecretHash::of("forged")), "unknown code");
}

#[test]
fn another_client_cannot_redeem() {
    assert_refused(&attempt(|a| a.client = stranger()), "code of another client");
}

#[test]
fn wrong_verifier_leaves_the_code_usable() {
    assert_refused(&attempt(|a| a.ask.verifier = other_verifier()), "wrong code_verifier");
}

#[test]
fn the_challenge_itself_is_no_verifier() {
    // What the method `plain` would accept (RFC 7636 §4.6).
    let challenge = CodeVerifier::parse(crate::kit::CHALLENGE).expect("43 characters");
    assert_refused(&attempt(|a| a.ask.verifier = challenge), "wrong code_verifier");
}

#[test]
fn another_redirect_uri_leaves_the_code_usable() {
    for uri in [
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://app.example:443/cb",
        "https://app.example/cb?",
        "https://app.example/other",
        "https://evil.example/cb",
        " https://app.example/cb",
        "",
    ] {
        assert_refused(&attempt(|a| a.ask.redirect_uri = uri.to_owned()), "redirect_uri differs");
    }
}

#[test]
fn the_port_of_the_authorization_request_is_the_port_of_the_redemption() {
    // The port of a loopback address is free at the authorization endpoint only (RFC 8252 §7.3).
    let at = |asked: &'static str| {
        attempt(|a| {
            a.code().redirect_uri = RedirectUri::from_stored("http://127.0.0.1:5000/cb".into());
            a.ask.redirect_uri = asked.to_owned();
        })
    };
    issued(at("http://127.0.0.1:5000/cb"));
    for other in ["http://127.0.0.1:5001/cb", "http://127.0.0.1/cb", "http://localhost:5000/cb"] {
        assert_refused(&at(other), "redirect_uri differs");
    }
}

#[test]
fn an_expired_code_is_refused_from_its_last_moment_on() {
    let at = |millis| {
        attempt(|a| {
            let expires_at = a.code().expires_at.as_millis();
            a.now = Timestamp::from_millis(expires_at + millis);
        })
    };
    issued(at(-1));
    for late in [0, 1, 1000, i64::MAX / 2] {
        assert_refused(&at(late), "expired code");
    }
}

#[test]
fn a_disabled_person_is_refused() {
    let disabled = attempt(|a| a.found.as_mut().expect("found").user_active = false);
    assert_refused(&disabled, "the account is disabled");
}

#[test]
fn a_replayed_code_revokes_its_grant() {
    type Change = fn(&mut Attempt);
    let also: [(&str, Change); 5] = [
        ("at once", |_| {}),
        ("expired", |a| a.now = NOW.plus(Seconds(10_000))),
        ("with a wrong verifier", |a| a.ask.verifier = other_verifier()),
        ("with another redirect URI", |a| a.ask.redirect_uri.clear()),
        ("of a disabled person", |a| a.found.as_mut().expect("found").user_active = false),
    ];
    for (how, change) in also {
        let replay = attempt(|a| {
            a.code().used_at = Some(NOW);
            change(a);
        });
        assert_eq!(replay, Redemption::Replay { revoke: GRANT }, "{how}");
    }
}

#[test]
fn another_client_cannot_cause_a_revocation() {
    let foreign = attempt(|a| {
        a.code().used_at = Some(NOW);
        a.client = stranger();
    });
    assert_refused(&foreign, "code of another client");
}

#[test]
fn a_forged_code_cannot_cause_a_revocation() {
    let forged = attempt(|a| {
        a.code().used_at = Some(NOW);
        a.ask.hash = SecretHash::of("forged");
    });
    assert_refused(&forged, "unknown code");
}

#[test]
fn nothing_is_issued_without_a_signed_token_and_the_code_is_not_spent() {
    let Redemption::Refuse(refusal) = attempt(|_| {}).only_if(false) else { panic!("issued") };
    assert_eq!(refusal.code, ErrorCode::InvalidGrant);
    assert!(matches!(attempt(|_| {}).only_if(true), Redemption::Issue(_)));
    let replay = |attempt: &mut Attempt| attempt.code().used_at = Some(NOW);
    assert_eq!(attempt(replay).only_if(false), Redemption::Replay { revoke: GRANT });
}
