//! Refreshing, rotation and reuse detection (RFC 6749 §6, RFC 9700 §4.14.2).

use crate::kit::{
    ADA, GRANT, NOW, authenticated, fresh, grant, granted, policy, reason, scope, stranger, tables, token,
};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::scope::{RegisteredScopes, Scope};
use ayb_protocol::secret::SecretHash;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::client::ClientKind;
use ayb_provider::client_auth::AuthenticatedClient;
use ayb_provider::grant::refresh::{
    FoundRefresh, RefreshAsk, Rotation, Successor, may_repeat, narrow, rotate,
};
use ayb_provider::grant::{Answer, FreshPair};
use uuid::Uuid;

/// The right client with a live token; `change` makes it wrong.
struct Attempt {
    found: Option<FoundRefresh>,
    ask: RefreshAsk,
    client: AuthenticatedClient,
    fresh: FreshPair,
    now: Timestamp,
}

impl Attempt {
    fn found(&mut self) -> &mut FoundRefresh {
        self.found.as_mut().expect("found")
    }

    fn successor(&mut self) -> &mut Successor {
        self.found().successor.as_mut().expect("successor")
    }

    /// The token was used `seconds_ago`; its successor is the pair of [`fresh`] and was not used yet.
    fn rotated(&mut self, seconds_ago: u64) {
        let found = self.found();
        found.token.revoked_at = Some(NOW.minus(Seconds(seconds_ago)));
        found.successor = Some(Successor {
            refresh: fresh().refresh.id,
            access: token("access-2 as it was", |access| access.id = fresh().access.id),
            unused: true,
        });
    }

    fn grace(&mut self, seconds: u64) {
        self.client = authenticated(|client| client.settings.refresh_grace = Seconds(seconds));
    }
}

fn attempt(change: impl FnOnce(&mut Attempt)) -> Rotation {
    let mut attempt = Attempt {
        found: Some(FoundRefresh {
            token: token("refresh-1", |_| {}),
            grant: grant(|_| {}),
            user_active: true,
            successor: None,
        }),
        ask: RefreshAsk { hash: SecretHash::of("refresh-1"), scope: Ok(None) },
        client: authenticated(|_| {}),
        fresh: fresh(),
        now: NOW,
    };
    change(&mut attempt);
    rotate(attempt.found.as_ref(), &attempt.ask, &attempt.client, &attempt.fresh, &policy(), attempt.now)
}

/// A second use within a grace of ten seconds, five seconds after the first.
fn second_use(change: impl FnOnce(&mut Attempt)) -> Rotation {
    attempt(|a| {
        a.rotated(5);
        a.grace(10);
        change(a);
    })
}

fn issued(rotation: Rotation) -> Answer {
    match rotation {
        Rotation::Issue(answer) => *answer,
        other => panic!("not issued: {other:?}"),
    }
}

/// Asserts a refusal without effect, whose reason only the log learns.
fn assert_refused(rotation: &Rotation, detail: &str) {
    let Rotation::Refuse(refusal) = rotation else { panic!("{detail}: {rotation:?}") };
    assert_eq!(reason(refusal), (ErrorCode::InvalidGrant, detail));
    assert_eq!(
        refusal.public,
        "The refresh token is invalid, expired, revoked, or was issued to another client."
    );
}

const REPLAY: Rotation = Rotation::Replay { revoke: GRANT };

#[test]
fn a_live_token_is_replaced_by_a_new_pair() {
    let Answer { grant: of, issuance, nonce } = issued(attempt(|_| {}));
    assert_eq!((&of, nonce), (&grant(|_| {}), None));
    let (access, refresh) = (issuance.access, issuance.refresh.expect("refresh token"));
    assert_eq!((access.id, access.hash), (fresh().access.id, fresh().access.hash));
    assert_eq!((refresh.id, refresh.hash), (fresh().refresh.id, fresh().refresh.hash));
    assert_eq!((access.scope, &access.tables, access.user_id), (of.scope, &of.tables, Some(ADA)));
    assert_eq!((refresh.scope, &refresh.tables, refresh.user_id), (of.scope, &of.tables, Some(ADA)));
    assert_eq!((access.grant_id, refresh.grant_id), (GRANT, GRANT));
    assert_eq!((&access.client_id, &refresh.client_id), (&of.client_id, &of.client_id));
    assert_eq!((access.created_at, access.expires_at), (NOW, NOW.plus(policy().access_token)));
    assert_eq!((refresh.created_at, refresh.expires_at), (NOW, NOW.plus(policy().refresh_token)));
    assert_eq!((access.revoked_at, refresh.revoked_at), (None, None));
}

#[test]
fn a_public_client_rotates_too() {
    let public = authenticated(|client| client.kind = ClientKind::Public);
    assert!(issued(attempt(|a| a.client = public)).issuance.refresh.is_some());
}

#[test]
fn a_refusal_changes_nothing_and_only_the_log_learns_why() {
    type Change = fn(&mut Attempt);
    let cases: [(&str, Change); 6] = [
        ("unknown refresh token", |a| a.found = None),
        ("unknown refresh token", |a| a.ask.hash = SecretHash::of("forged")),
        ("refresh token of another client", |a| a.client = stranger()),
        ("revoked grant", |a| a.found().grant.revoked_at = Some(NOW)),
        ("the account is disabled", |a| a.found().user_active = false),
        ("expired refresh token", |a| a.found().token.expires_at = NOW),
    ];
    for (detail, change) in cases {
        assert_refused(&attempt(change), detail);
    }
}

#[test]
fn an_expired_token_is_refused_from_its_last_moment_on() {
    let at = |millis| {
        attempt(|a| {
            let expires_at = a.found().token.expires_at.as_millis();
            a.now = Timestamp::from_millis(expires_at + millis);
        })
    };
    issued(at(-1));
    for late in [0, 1, 1000, i64::MAX / 2] {
        assert_refused(&at(late), "expired refresh token");
    }
}

#[test]
fn an_expired_token_is_refused_for_that_whatever_scope_is_asked() {
    let refused = attempt(|a| {
        a.now = NOW.plus(Seconds(60));
        a.ask.scope = Ok(Some(scope("*")));
    });
    assert_refused(&refused, "expired refresh token");
}

#[test]
fn the_scope_of_the_access_token_only_shrinks() {
    for (have, ask, got) in [
        ("openid email readwrite", "openid email readwrite", Some("openid email readwrite")),
        ("openid email readwrite", "readwrite", Some("readwrite")),
        ("openid email readwrite", "readonly", Some("readonly")),
        ("openid email readwrite", "openid", Some("openid")),
        ("openid email readwrite", "openid readonly", Some("openid readonly")),
        ("openid email readwrite", "*", None),
        ("openid email readwrite", "openid profile", None),
        ("openid email readwrite", "offline_access", None),
        ("openid", "readonly", None),
        ("readonly", "readwrite", None),
        ("*", "openid", None),
        ("*", "readwrite", Some("readwrite")),
    ] {
        let rotation = attempt(|a| {
            a.found().grant.scope = granted(have);
            a.found().token.scope = granted(have);
            a.ask.scope = Ok(Some(scope(ask)));
        });
        let Some(got) = got else {
            let Rotation::Refuse(refusal) = &rotation else { panic!("{ask} of {have}: {rotation:?}") };
            assert_eq!(refusal.code, ErrorCode::InvalidScope, "{ask} of {have}");
            continue;
        };
        let issuance = issued(rotation).issuance;
        assert_eq!(issuance.access.scope.to_string(), got, "{ask} of {have}");
        let kept = issuance.refresh.expect("refresh token").scope;
        assert_eq!(kept.to_string(), have, "the new refresh token keeps the whole scope");
    }
}

#[test]
fn a_scope_that_cannot_be_read_is_refused_once_the_token_is_known_to_be_alive() {
    let Rotation::Refuse(refusal) = attempt(|a| a.ask.scope = unreadable()) else { panic!("refused") };
    assert_eq!(refusal.code, ErrorCode::InvalidScope);
    let late = attempt(|a| {
        a.now = NOW.plus(Seconds(60));
        a.ask.scope = unreadable();
    });
    assert_refused(&late, "expired refresh token");
}

#[test]
fn the_tables_stay_those_of_the_grant() {
    let answer = issued(attempt(|a| a.found().grant.tables = tables("notes")));
    assert_eq!(answer.issuance.access.tables, tables("notes"));
    assert_eq!(answer.issuance.refresh.expect("refresh token").tables, tables("notes"));
}

#[test]
fn narrowing_says_nothing_about_who_asks() {
    let all = RegisteredScopes::parse(&["openid", "profile", "email", "*"]).unwrap();
    let ask = RefreshAsk { hash: SecretHash::of("x"), scope: Ok(Some(scope("readonly"))) };
    assert_eq!(narrow(&grant(|_| {}), &ask, &all), Ok(granted("readonly")));
    let ask = RefreshAsk { scope: Ok(None), ..ask };
    assert_eq!(narrow(&grant(|_| {}), &ask, &all), Ok(grant(|_| {}).scope));
}

#[test]
fn what_a_client_is_no_longer_registered_for_it_no_longer_gets() {
    let ask = |scope| RefreshAsk { hash: SecretHash::of("x"), scope: Ok(scope) };
    let grant = grant(|grant| grant.scope = granted("openid email readwrite"));
    let fewer = RegisteredScopes::parse(&["openid", "readonly"]).unwrap();
    assert_eq!(narrow(&grant, &ask(None), &fewer), Ok(granted("openid readonly")));
    for too_much in ["openid readwrite", "email"] {
        let refusal = narrow(&grant, &ask(Some(scope(too_much))), &fewer).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidScope, "{too_much}");
    }
    let others = RegisteredScopes::parse(&["profile"]).unwrap();
    assert_eq!(narrow(&grant, &ask(None), &others).unwrap_err().code, ErrorCode::InvalidScope);
}

#[test]
fn a_client_whose_refresh_tokens_were_switched_off_gets_no_more_and_loses_none() {
    let refused = attempt(|a| a.client = authenticated(|client| client.settings.refresh_tokens = false));
    let Rotation::Refuse(refusal) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, ErrorCode::UnauthorizedClient);
}

fn unreadable() -> Result<Option<Scope>, Refusal> {
    Scope::parse("api:read").map(Some)
}

#[test]
fn a_replayed_token_revokes_its_grant() {
    type Change = fn(&mut Attempt);
    let also: [(&str, Change); 8] = [
        ("at once", |a| a.now = NOW.minus(Seconds(5))),
        ("later", |_| {}),
        ("long after it expired", |a| a.now = NOW.plus(Seconds(1_000_000))),
        ("asking for less", |a| a.ask.scope = Ok(Some(scope("openid")))),
        ("asking for too much", |a| a.ask.scope = Ok(Some(scope("*")))),
        ("asking for what cannot be read", |a| a.ask.scope = unreadable()),
        ("of a disabled person", |a| a.found().user_active = false),
        ("without a known successor", |a| a.found().successor = None),
    ];
    for (how, change) in also {
        let rotation = attempt(|a| {
            a.rotated(5);
            change(a);
        });
        assert_eq!(rotation, REPLAY, "{how}");
    }
}

#[test]
fn another_client_cannot_cause_a_revocation() {
    assert_refused(
        &attempt(|a| {
            a.rotated(5);
            a.client = stranger();
        }),
        "refresh token of another client",
    );
}

#[test]
fn a_forged_token_cannot_cause_a_revocation() {
    assert_refused(
        &attempt(|a| {
            a.rotated(5);
            a.ask.hash = SecretHash::of("forged");
        }),
        "unknown refresh token",
    );
}

#[test]
fn a_replay_in_a_revoked_grant_revokes_nothing_again() {
    assert_refused(
        &attempt(|a| {
            a.rotated(5);
            a.found().grant.revoked_at = Some(NOW);
        }),
        "revoked grant",
    );
}

#[test]
fn a_lost_answer_is_said_again_with_nothing_new_but_the_hash() {
    let Rotation::Repeat(repeat) = second_use(|_| {}) else { panic!("not repeated") };
    assert_eq!(repeat.grant, grant(|_| {}));
    let expected = token("access-2", |access| access.id = fresh().access.id);
    assert_eq!(repeat.access, expected);
}

#[test]
fn a_lost_answer_is_said_again_only_inside_the_grace() {
    let at = |grace, millis| {
        attempt(|a| {
            a.rotated(0);
            a.grace(grace);
            a.now = Timestamp::from_millis(NOW.as_millis() + millis);
        })
    };
    for (grace, millis, inside) in [
        (10, 0, true),
        (10, 9_999, true),
        (10, 10_000, false),
        (10, 10_001, false),
        (1, 999, true),
        (1, 1000, false),
        (60, 59_999, true),
        (60, 60_000, false),
    ] {
        let repeated = matches!(at(grace, millis), Rotation::Repeat(_));
        assert_eq!(repeated, inside, "{millis} ms of {grace} s");
        assert_eq!(at(grace, millis) == REPLAY, !inside, "{millis} ms of {grace} s");
    }
}

#[test]
fn no_grace_means_never_even_when_clocks_disagree() {
    for millis in [-5000, -1, 0, 1] {
        let rotation = attempt(|a| {
            a.rotated(0);
            a.now = Timestamp::from_millis(NOW.as_millis() + millis);
        });
        assert_eq!(rotation, REPLAY, "{millis} ms");
    }
}

#[test]
fn a_clock_that_is_behind_does_not_end_the_grace() {
    let early = second_use(|a| a.now = NOW.minus(Seconds(6)));
    assert!(matches!(early, Rotation::Repeat(_)));
}

#[test]
fn a_used_successor_ends_the_grace() {
    assert_eq!(second_use(|a| a.successor().unused = false), REPLAY);
}

#[test]
fn an_unknown_successor_ends_the_grace() {
    assert_eq!(second_use(|a| a.found().successor = None), REPLAY);
}

#[test]
fn the_grace_is_the_clients_own_and_not_a_strangers() {
    assert_refused(&second_use(|a| a.client = stranger()), "refresh token of another client");
}

#[test]
fn the_grace_does_not_outlive_the_grant_or_the_account() {
    assert_refused(&second_use(|a| a.found().grant.revoked_at = Some(NOW)), "revoked grant");
    assert_refused(&second_use(|a| a.found().user_active = false), "the account is disabled");
}

#[test]
fn the_grace_covers_a_token_that_expired_after_its_use() {
    let late = second_use(|a| a.found().token.expires_at = NOW.minus(Seconds(1)));
    assert!(matches!(late, Rotation::Repeat(_)));
}

#[test]
fn a_pair_that_was_prepared_for_another_successor_is_prepared_again() {
    type Change = fn(&mut Attempt);
    let changes: [Change; 3] = [
        |a| a.fresh.access.id = Uuid::max(),
        |a| a.fresh.refresh.id = Uuid::max(),
        |a| {
            (a.fresh.access.id, a.fresh.refresh.id) = (a.fresh.refresh.id, a.fresh.access.id);
        },
    ];
    for change in changes {
        assert_eq!(second_use(change), Rotation::Again);
    }
}

#[test]
fn a_lost_answer_is_not_said_again_with_another_scope() {
    for (first, second, code) in [
        ("openid email readwrite", Some("readonly"), ErrorCode::InvalidGrant),
        ("readonly", None, ErrorCode::InvalidGrant),
        ("readonly", Some("openid"), ErrorCode::InvalidGrant),
        ("openid email readwrite", Some("*"), ErrorCode::InvalidScope),
    ] {
        let rotation = second_use(|a| {
            a.successor().access.scope = granted(first);
            a.ask.scope = Ok(second.map(scope));
        });
        let Rotation::Refuse(refusal) = &rotation else { panic!("{first} {second:?}: {rotation:?}") };
        assert_eq!(refusal.code, code, "{first} {second:?}");
    }
    let same = second_use(|a| {
        a.successor().access.scope = granted("readonly");
        a.ask.scope = Ok(Some(scope("readonly")));
    });
    assert!(matches!(same, Rotation::Repeat(repeat) if repeat.access.scope == granted("readonly")));
}

#[test]
fn a_token_that_was_never_used_cannot_be_repeated() {
    let found = FoundRefresh {
        token: token("refresh-1", |_| {}),
        grant: grant(|_| {}),
        user_active: true,
        successor: Some(Successor {
            refresh: fresh().refresh.id,
            access: token("access-2", |_| {}),
            unused: true,
        }),
    };
    let client = authenticated(|client| client.settings.refresh_grace = Seconds(60));
    assert!(!may_repeat(&found, &client, NOW));
}

#[test]
fn nothing_is_answered_without_a_signed_token() {
    assert_eq!(attempt(|_| {}).only_if(false), Rotation::Again);
    assert!(matches!(attempt(|_| {}).only_if(true), Rotation::Issue(_)));
    let repeat = second_use(|_| {});
    assert!(matches!(repeat, Rotation::Repeat(_)), "{repeat:?}");
    assert_eq!(repeat.only_if(false), Rotation::Again);
}
