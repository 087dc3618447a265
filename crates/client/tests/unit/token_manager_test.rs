//! The token manager: one refresh for all, nothing lost by anything that goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ayb_client::error::{TokenError, ValidationError};
use ayb_client::mock::{FailingStorage, Fault, TestAuthServer};
use ayb_client::primitives::types::TimeProvider as _;
use ayb_client::{
    Endpoint, ExposeSecret as _, InMemoryTokenStorage, KeySource, OAuth2, OAuth2Client as _, OAuth2Error,
    Recovery, RefreshStrategy, TokenSet, TokenStorage, TokenStorageConfig,
};

use crate::kit::{minutes, now, params, sign_in, signed_in};

fn rotating() -> TestAuthServer {
    TestAuthServer::start().rotating_refresh_tokens()
}

fn client(idp: &TestAuthServer, storage: Arc<dyn TokenStorage>) -> OAuth2 {
    idp.client("app")
        .configure(|config| config.storage = TokenStorageConfig::Custom(storage))
        .build()
        .unwrap()
}

#[tokio::test]
async fn from_nothing_to_valid_to_expiring_to_renewed_to_dead() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    let tokens = client.tokens();
    let none = tokens.get_access_token().await.unwrap_err();
    assert!(
        matches!(none, OAuth2Error::Token(TokenError::NoTokens))
            && none.recovery() == Recovery::Reauthenticate
    );
    assert!(!tokens.has_tokens().await.unwrap() && tokens.is_access_token_expired().await.unwrap());
    let first = signed_in(&idp, &client).await;
    let token = tokens.get_access_token().await.unwrap();
    assert_eq!(token.secret(), first.access_token.expose_secret());
    assert_eq!(token.authorization_header(), format!("Bearer {}", token.secret()));
    assert_eq!((token.expires_in(), token.is_expired(), token.scopes.len()), (Some(minutes(60)), false, 1));
    assert!(tokens.has_refresh_token().await.unwrap() && !tokens.is_access_token_expired().await.unwrap());
    idp.clock().advance(minutes(60));
    assert!(
        token.is_expired() && token.expires_in().is_none() && tokens.is_access_token_expired().await.unwrap()
    );
    let second = tokens.get_access_token().await.unwrap();
    assert!(idp.accepts(second.secret()) && second.secret() != token.secret());
    assert_eq!(idp.refreshes(), 1);
    tokens.clear_tokens().await.unwrap();
    assert!(!tokens.has_tokens().await.unwrap());
}

#[tokio::test]
async fn a_hundred_callers_cause_one_refresh_and_none_of_them_can_break_it_off() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    signed_in(&idp, &client).await;
    idp.clock().advance(minutes(61));
    idp.next(Endpoint::Token, Fault::Slow(Duration::from_secs(2)));
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                client.tokens().get_access_token().await.map(|token| token.secret().to_owned())
            })
        })
        .collect();
    tokio::task::yield_now().await;
    for caller in callers.iter().step_by(2) {
        caller.abort();
    }
    let mut seen = Vec::new();
    for caller in callers {
        if let Ok(token) = caller.await {
            seen.push(token.unwrap());
        }
    }
    seen.dedup();
    assert_eq!((seen.len(), idp.refreshes(), idp.revoked_grants()), (1, 1, 0));
}

#[tokio::test]
async fn the_one_who_began_it_may_leave_and_the_tokens_are_stored() {
    let idp = rotating();
    let storage = Arc::new(InMemoryTokenStorage::default());
    let client = client(&idp, storage);
    let first = signed_in(&idp, &client).await;
    idp.clock().advance(minutes(61));
    let leaver = tokio::spawn({
        let client = client.clone();
        async move { client.tokens().get_access_token().await.map(drop) }
    });
    while idp.refreshes() == 0 {
        tokio::task::yield_now().await;
    }
    leaver.abort();
    let token = client.tokens().get_access_token().await.unwrap();
    let stored = client.tokens().get_current_tokens().await.unwrap().unwrap();
    assert_eq!(stored.access_token.expose_secret(), token.secret());
    assert_ne!(stored.fingerprint(), first.fingerprint());
    assert_eq!((idp.refreshes(), idp.revoked_grants()), (1, 0));
}

#[tokio::test]
async fn a_token_that_still_counts_is_served_while_it_is_renewed_and_a_failure_displaces_nothing() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    let first = signed_in(&idp, &client).await;
    idp.clock().advance(minutes(59) + Duration::from_secs(10));
    for _ in 0..4 {
        idp.next(Endpoint::Token, Fault::Unreachable);
    }
    for _ in 0..20 {
        let token = client.tokens().get_access_token().await.unwrap();
        assert_eq!(token.secret(), first.access_token.expose_secret());
        tokio::task::yield_now().await;
    }
    assert!(idp.refreshes() <= 4, "a failed refresh is not begun again at once: {}", idp.refreshes());
    idp.clock().advance(Duration::from_secs(11));
    let still = client.tokens().get_access_token().await.unwrap();
    assert_eq!(still.secret(), first.access_token.expose_secret());
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let token = client.tokens().get_access_token().await.unwrap();
    assert_ne!(token.secret(), first.access_token.expose_secret(), "the next one worked");
}

#[tokio::test]
async fn four_strategies() {
    for (strategy, early, late) in [
        (RefreshStrategy::Proactive, 1, 1),
        (RefreshStrategy::Background, 1, 1),
        (RefreshStrategy::OnDemand, 0, 1),
        (RefreshStrategy::Manual, 0, 0),
    ] {
        let idp = rotating();
        let client =
            idp.client("app").configure(|config| config.refresh_strategy = Some(strategy)).build().unwrap();
        signed_in(&idp, &client).await;
        idp.clock().advance(minutes(59) + Duration::from_secs(30));
        client.tokens().get_access_token().await.unwrap();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(idp.refreshes(), early, "{strategy:?}");
        idp.clock().advance(minutes(1));
        let token = client.tokens().get_access_token().await;
        assert_eq!(idp.refreshes(), late.max(early), "{strategy:?}");
        assert_eq!(token.is_ok(), strategy != RefreshStrategy::Manual, "{strategy:?}");
        if strategy == RefreshStrategy::Manual {
            client.tokens().refresh().await.unwrap();
            assert!(client.tokens().get_access_token().await.is_ok());
        }
    }
}

#[tokio::test]
async fn the_task_in_the_background_renews_without_being_asked() {
    let idp = rotating();
    let client = idp
        .client("app")
        .configure(|config| config.refresh_strategy = Some(RefreshStrategy::Background))
        .build()
        .unwrap();
    signed_in(&idp, &client).await;
    let begin = idp.clock().monotonic();
    let task = tokio::spawn(client.default_tokens().keep_fresh());
    // Every wait moves the clock on, so three hours pass at once.
    while idp.clock().monotonic() < begin + minutes(180) {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!((2..=4).contains(&idp.refreshes()), "{}", idp.refreshes());
}

#[tokio::test]
async fn tokens_that_live_for_a_minute_are_used_before_they_are_renewed() {
    let idp = rotating().access_lifetime(60);
    let client = idp.client("app").build().unwrap();
    signed_in(&idp, &client).await;
    for _ in 0..10 {
        client.tokens().get_access_token().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(idp.refreshes(), 0);
    idp.clock().advance(Duration::from_secs(31));
    client.tokens().get_access_token().await.unwrap();
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(idp.refreshes(), 1, "after half of its life");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more_and_no_more() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    let first = signed_in(&idp, &client).await;
    idp.clock().advance(minutes(61));
    idp.next(Endpoint::Token, Fault::DropBeforeProcessing);
    client.tokens().get_access_token().await.unwrap();
    assert_eq!((idp.refreshes(), idp.revoked_grants()), (2, 0), "the server had not seen the first one");
    idp.clock().advance(minutes(61));
    for _ in 0..3 {
        idp.next(Endpoint::Token, Fault::DropBeforeProcessing);
    }
    let error = client.tokens().get_access_token().await.unwrap_err();
    assert!(!error.outcome_known(), "{error}");
    assert_eq!(idp.refreshes(), 4, "once, and once more");
    assert!(client.tokens().has_refresh_token().await.unwrap(), "nothing was wiped");
    assert_ne!(
        client.tokens().get_current_tokens().await.unwrap().unwrap().fingerprint(),
        first.fingerprint()
    );
}

#[tokio::test]
async fn a_torn_answer_is_asked_for_once_more_and_the_living_successor_is_stored() {
    for faults in [vec![Fault::TornBody], vec![Fault::Unreachable, Fault::TornBody]] {
        let idp = TestAuthServer::start().repeating_lost_answers();
        let client = idp.client("app").build().unwrap();
        let first = signed_in(&idp, &client).await;
        idp.clock().advance(minutes(61));
        for fault in &faults {
            idp.next(Endpoint::Token, fault.clone());
        }
        let token = client.tokens().get_access_token().await.unwrap();
        assert_eq!(idp.refreshes(), faults.len() + 1, "{faults:?}");
        let stored = client.tokens().get_current_tokens().await.unwrap().unwrap();
        let secret = |set: &TokenSet| set.refresh_token.as_ref().unwrap().expose_secret().to_owned();
        assert_ne!(secret(&stored), secret(&first), "{faults:?}");
        assert_eq!(stored.access_token.expose_secret(), token.secret());
        // The successor lives: it is good for the next refresh, and nothing was revoked.
        client.tokens().refresh().await.unwrap();
        assert_eq!(idp.revoked_grants(), 0, "{faults:?}");
    }
}

#[tokio::test]
async fn after_a_lost_answer_and_a_lost_connection_nothing_is_sent_a_third_time() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    signed_in(&idp, &client).await;
    idp.clock().advance(minutes(61));
    idp.next(Endpoint::Token, Fault::DropBeforeProcessing);
    idp.next(Endpoint::Token, Fault::Unreachable);
    let error = client.tokens().get_access_token().await.unwrap_err();
    assert_eq!(idp.refreshes(), 2);
    assert!(!error.outcome_known(), "the first one was sent: {error}");
}

#[tokio::test]
async fn only_a_dead_grant_that_nobody_renewed_is_wiped() {
    let idp = rotating();
    for fault in [
        Fault::Unreachable,
        Fault::Status(500),
        Fault::Error("invalid_client"),
        Fault::Error("invalid_request"),
        Fault::TornBody,
        Fault::Huge,
    ] {
        let client = idp.client("app").build().unwrap();
        signed_in(&idp, &client).await;
        idp.clock().advance(minutes(61));
        for _ in 0..4 {
            idp.next(Endpoint::Token, fault.clone());
        }
        assert!(client.tokens().get_access_token().await.is_err(), "{fault:?}");
        assert!(client.tokens().has_refresh_token().await.unwrap(), "{fault:?} wiped what was stored");
        while idp.pending_faults(Endpoint::Token) > 0 {
            let _ignored = client.tokens().refresh().await;
        }
    }
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    signed_in(&idp, &client).await;
    idp.clock().advance(minutes(61));
    idp.next(Endpoint::Token, Fault::Error("invalid_grant"));
    let error = client.tokens().get_access_token().await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::Reauthenticate, "{error}");
    assert!(!client.tokens().has_tokens().await.unwrap(), "that one is over");
}

#[tokio::test]
async fn two_processes_with_one_store_do_not_use_a_token_twice() {
    let folder = tempfile::tempdir().unwrap();
    let idp = rotating();
    let open = || {
        let storage =
            TokenStorageConfig::File { path: folder.path().to_owned(), key: KeySource::raw([1; 32]) };
        idp.client("app").configure(|config| config.storage = storage).build().unwrap()
    };
    let (one, other) = (open(), open());
    signed_in(&idp, &one).await;
    other.tokens().get_access_token().await.unwrap();
    for round in 1..=5 {
        idp.clock().advance(minutes(61));
        let (a, b) = tokio::join!(one.tokens().get_access_token(), other.tokens().get_access_token());
        assert_eq!(a.unwrap().secret(), b.unwrap().secret());
        assert_eq!((idp.refreshes(), idp.revoked_grants()), (round, 0));
    }
}

#[tokio::test]
async fn the_loser_of_a_race_takes_the_winners_tokens() {
    let idp = rotating();
    // A storage without a lock, as a custom one may be.
    let storage = Arc::new(InMemoryTokenStorage::default());
    let (one, other) = (client(&idp, storage.clone()), client(&idp, storage));
    signed_in(&idp, &one).await;
    other.tokens().get_access_token().await.unwrap();
    one.tokens().refresh().await.unwrap();
    let renewed = other.tokens().refresh().await.unwrap();
    let stored = one.tokens().get_current_tokens().await.unwrap().unwrap();
    assert_eq!(renewed.access_token.expose_secret(), stored.access_token.expose_secret());
    assert_eq!((idp.refreshes(), idp.revoked_grants()), (1, 0), "what the other one got is enough");
}

#[tokio::test]
async fn a_full_disk_loses_nothing() {
    let idp = rotating();
    let storage = FailingStorage::default();
    let client = self::client(&idp, Arc::new(storage.clone()));
    signed_in(&idp, &client).await;
    idp.clock().advance(minutes(61));
    storage.fail_writes(3);
    let token = client.tokens().get_access_token().await.unwrap();
    let again = self::client(&idp, Arc::new(storage.clone()));
    assert_eq!(
        again.tokens().get_access_token().await.unwrap().secret(),
        token.secret(),
        "it was tried until it worked"
    );
    idp.clock().advance(minutes(61));
    storage.fail_writes(5);
    let token = client.tokens().get_access_token().await.unwrap();
    assert!(idp.accepts(token.secret()), "in memory, at least");
    assert_eq!(
        client.tokens().get_current_tokens().await.unwrap().unwrap().access_token.expose_secret(),
        token.secret()
    );
    idp.clock().advance(minutes(61));
    client.tokens().get_access_token().await.unwrap();
    assert_eq!((idp.refreshes(), idp.revoked_grants()), (3, 0), "the unsaved one was stored and used first");
    assert!(again.tokens().get_access_token().await.is_ok());
    assert_eq!(idp.revoked_grants(), 0);
}

#[tokio::test]
async fn a_clock_that_is_set_back_brings_no_token_back_to_life_and_one_set_forward_loses_none() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    signed_in(&idp, &client).await;
    let begin = idp.clock().unix_time();
    idp.clock().advance(minutes(61));
    idp.clock().set_wall(begin);
    assert!(client.tokens().is_access_token_expired().await.unwrap());
    client.tokens().get_access_token().await.unwrap();
    assert_eq!(idp.refreshes(), 1);
    idp.clock().set_wall(begin + minutes(60 * 24 * 365));
    assert!(client.tokens().get_access_token().await.is_ok());
    assert_eq!((idp.refreshes(), idp.revoked_grants()), (2, 0));
}

#[tokio::test]
async fn signing_out_during_a_refresh_keeps_nothing() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    signed_in(&idp, &client).await;
    client.tokens().get_access_token().await.unwrap();
    let elsewhere = client.clone();
    idp.clock().advance(minutes(61));
    let renewing = tokio::spawn(async move { elsewhere.tokens().get_access_token().await.map(drop) });
    while idp.refreshes() == 0 {
        tokio::task::yield_now().await;
    }
    client.tokens().clear_tokens().await.unwrap();
    let _ended = renewing.await.unwrap();
    assert!(!client.tokens().has_tokens().await.unwrap());
}

#[tokio::test]
async fn the_id_token_of_a_refresh_must_be_about_the_same_person() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    client.tokens().store_tokens(ayb_client::TokenSet::from_response(&response, now(&idp))).await.unwrap();
    client.tokens().refresh().await.unwrap();
    idp.alter_id_tokens(|claims| drop(claims.insert("sub".to_owned(), "eve".into())));
    let error = client.tokens().refresh().await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(_)), "{error}");
}

#[tokio::test]
async fn an_id_token_that_does_not_pass_costs_no_rotated_refresh_token() {
    for broken in ["clock", "keys", "issuer", "form"] {
        let idp = rotating();
        let storage = Arc::new(InMemoryTokenStorage::default());
        let client = client(&idp, storage.clone());
        let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
        let old = TokenSet::from_response(&response, now(&idp));
        client.tokens().store_tokens(old.clone()).await.unwrap();
        match broken {
            "clock" => {
                idp.alter_id_tokens(|claims| drop(claims.insert("iat".to_owned(), 9_999_999_999_i64.into())));
            }
            "keys" => idp.rotate_keys(),
            "issuer" => {
                idp.alter_id_tokens(|claims| {
                    drop(claims.insert("iss".to_owned(), "https://eve.test".into()));
                });
            }
            _ => {
                let body = r#"{"access_token":"next","token_type":"Bearer","refresh_token":"successor","id_token":"x"}"#;
                idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body.to_owned()));
            }
        }
        let renewed = client.tokens().refresh().await.unwrap_or_else(|error| panic!("{broken}: {error}"));
        assert!(renewed.id_token.is_none(), "{broken}: what does not pass is left out");
        let stored = client.tokens().get_current_tokens().await.unwrap().unwrap();
        let secret = |set: &TokenSet| set.refresh_token.as_ref().unwrap().expose_secret().to_owned();
        assert_ne!(secret(&stored), secret(&old), "{broken}: the successor is what is kept");
        if broken != "form" {
            client.tokens().refresh().await.unwrap_or_else(|error| panic!("{broken}: {error}"));
        }
        assert_eq!(idp.revoked_grants(), 0, "{broken}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_does_not_come_again_is_kept() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let first = signed_in(&idp, &client).await;
    client.tokens().refresh().await.unwrap();
    let second = client.tokens().get_current_tokens().await.unwrap().unwrap();
    let secret = |set: &ayb_client::TokenSet| set.refresh_token.as_ref().unwrap().expose_secret().to_owned();
    assert_eq!(secret(&first), secret(&second));
    assert_ne!(first.fingerprint(), second.fingerprint());
}

/// A storage in which somebody else stores new tokens between one reading and the next.
struct ChangesMeanwhile {
    inner: InMemoryTokenStorage,
    readings_left: AtomicU32,
    theirs: TokenSet,
}

#[async_trait]
impl TokenStorage for ChangesMeanwhile {
    async fn store(&self, key: &str, tokens: &TokenSet) -> Result<(), OAuth2Error> {
        self.inner.store(key, tokens).await
    }

    async fn retrieve(&self, key: &str) -> Result<Option<TokenSet>, OAuth2Error> {
        if self.readings_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.inner.store(key, &self.theirs).await?;
        }
        self.inner.retrieve(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), OAuth2Error> {
        self.inner.delete(key).await
    }

    async fn clear_all(&self) -> Result<(), OAuth2Error> {
        self.inner.clear_all().await
    }
}

#[tokio::test]
async fn after_a_dead_grant_what_somebody_else_stored_meanwhile_is_taken_and_not_wiped() {
    let idp = rotating();
    let plain = idp.client("app").build().unwrap();
    let theirs =
        TokenSet::from_response(&sign_in(&idp, &plain, params(&["orders"])).await.unwrap(), now(&idp));
    // The transaction reads once under the lock, and a second time after the refusal.
    let (inner, readings_left) = (InMemoryTokenStorage::default(), AtomicU32::new(2));
    let storage = ChangesMeanwhile { inner, readings_left, theirs: theirs.clone() };
    let client = self::client(&idp, Arc::new(storage));
    signed_in(&idp, &client).await;
    idp.next(Endpoint::Token, Fault::Error("invalid_grant"));
    let renewed = client.tokens().refresh().await.unwrap();
    assert_eq!(renewed.access_token.expose_secret(), theirs.access_token.expose_secret());
    assert!(client.tokens().has_tokens().await.unwrap());
}

#[tokio::test]
async fn tokens_of_the_program_itself_are_kept_and_asked_for_once_for_all() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    let asked = || idp.requests(Endpoint::Token).len();
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let tokens = client.own_tokens(["orders"]);
            tokio::spawn(
                async move { tokens.get_access_token().await.map(|token| token.secret().to_owned()) },
            )
        })
        .collect();
    let mut seen = Vec::new();
    for caller in callers {
        seen.push(caller.await.unwrap().unwrap());
    }
    seen.dedup();
    assert_eq!((seen.len(), asked()), (1, 1));
    assert_ne!(client.own_tokens(["other"]).get_access_token().await.unwrap().secret(), seen[0]);
    idp.clock().advance(minutes(61));
    let next = client.own_tokens(["orders"]).get_access_token().await.unwrap();
    assert!(idp.accepts(next.secret()) && next.secret() != seen[0]);
    assert_eq!((asked(), idp.requests(Endpoint::Token)[2].form["scope"].as_str()), (3, "orders"));
    client.own_tokens(["orders"]).refresh().await.unwrap();
    assert_eq!(asked(), 4);
}

/// Draws the same fraction always.
struct Fraction(f64);

impl ayb_client::primitives::types::RandomProvider for Fraction {
    fn fill(&self, target: &mut [u8]) {
        ayb_client::primitives::types::SystemRandom.fill(target);
    }

    fn fraction(&self) -> f64 {
        self.0
    }
}

#[tokio::test]
async fn renewal_is_put_forward_by_up_to_a_tenth_so_that_not_all_come_at_once() {
    for (fraction, left, is_due) in [(0.0, 61, false), (0.0, 60, true), (0.999, 65, true), (0.999, 67, false)]
    {
        let idp = rotating();
        let client = idp.client("app").random(std::sync::Arc::new(Fraction(fraction))).build().unwrap();
        signed_in(&idp, &client).await;
        idp.clock().advance(Duration::from_secs(3600 - left));
        client.tokens().get_access_token().await.unwrap();
        client.settle().await;
        assert_eq!(idp.refreshes() == 1, is_due, "{fraction} {left}");
    }
}

#[tokio::test]
async fn the_header_of_a_token_is_sensitive_and_one_that_fits_in_no_header_is_refused() {
    let idp = rotating();
    let client = idp.client("app").build().unwrap();
    let set = signed_in(&idp, &client).await;
    let token = client.tokens().get_access_token().await.unwrap();
    let header = token.to_header_value().unwrap();
    assert_eq!(header.to_str().unwrap(), token.authorization_header());
    assert!(header.is_sensitive() && !format!("{header:?}").contains(token.secret()));
    let torn = TokenSet { access_token: "a\nb".to_owned().into(), ..set };
    client.tokens().store_tokens(torn).await.unwrap();
    let token = client.tokens().get_access_token().await.unwrap();
    let refused = token.to_header_value().unwrap_err();
    assert!(matches!(refused, OAuth2Error::Validation(ValidationError::InvalidTokenFormat)), "{refused}");
}
