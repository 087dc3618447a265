//! An issuer that is down, slow or broken: what was known goes on, what was not is not guessed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use ayb_resource::{
    CachePolicy, Document, Fetch, FetchError, Fetching, JwtError, KeysError, TokenError, Url, Verifier,
};

use crate::kit::issuer::{JWKS, METADATA};
use crate::kit::{AUDIENCE, Answer, Hand, Issuer, Key, World, poll_once, tokens};

/// Everything that can go wrong with a document, and what is said about it.
fn faults(elsewhere: &str) -> Vec<(&'static str, Answer, KeysError)> {
    let status = |status| KeysError::Fetch(FetchError::Status(status));
    vec![
        ("500", Answer::Status(500), status(500)),
        ("404", Answer::Status(404), status(404)),
        ("no content", Answer::Status(204), status(204)),
        ("redirect", Answer::Redirect(format!("{elsewhere}{JWKS}")), status(302)),
        ("torn", Answer::Torn, KeysError::Fetch(FetchError::Connection)),
        ("huge", Answer::Huge, KeysError::Fetch(FetchError::TooLarge)),
        ("endless", Answer::Endless, KeysError::Fetch(FetchError::TooLarge)),
        ("no JSON", Answer::document("<html>"), KeysError::KeySet),
        ("no keys", Answer::document("{}"), KeysError::KeySet),
        ("keys twice", Answer::document("{\"keys\":[],\"keys\":[]}"), KeysError::KeySet),
        ("empty", Answer::document(""), KeysError::KeySet),
    ]
}

#[tokio::test]
async fn keys_go_on_verifying_while_they_cannot_be_fetched_and_not_for_ever() {
    let elsewhere = Issuer::start().await;
    let thief = Key::new("thief");
    elsewhere.publish(&[&thief]);
    for (name, fault, said) in faults(&elsewhere.name) {
        let world = World::new().await;
        let issuer = &world.issuer;
        assert!(world.verifier.verify(&world.token()).await.is_ok(), "{name}");
        issuer.answer(JWKS, fault);
        world.clock.travel(3600);
        assert!(world.verifier.verify(&world.token()).await.is_ok(), "{name}: an hour later");
        let asked = issuer.asked(JWKS);
        assert!(world.verifier.verify(&world.token()).await.is_ok(), "{name}: again");
        assert_eq!(issuer.asked(JWKS), asked, "{name}: not asked again at once");
        // A key that is not known may be new: nobody can say that it is not.
        let answer = world.verifier.verify(&world.token_of(&thief)).await.err();
        assert_eq!(answer, Some(said.into()), "{name}");
        world.clock.travel(7199);
        assert!(world.verifier.verify(&world.token()).await.is_ok(), "{name}: two hours after their time");
        world.clock.travel(1);
        let answer = world.verifier.verify(&world.token()).await.err();
        assert!(matches!(answer, Some(TokenError::Keys(_))), "{name}: {answer:?}");
        issuer.publish(&[&world.key]);
        issuer.answer(METADATA, Answer::document(issuer.metadata()));
        world.clock.travel(5);
        assert!(world.verifier.verify(&world.token()).await.is_ok(), "{name}: it recovers by itself");
    }
    assert_eq!(elsewhere.total(), 0, "a redirect leads nowhere");
}

#[tokio::test]
async fn without_any_keys_nothing_is_decided_and_the_issuer_is_not_hammered() {
    let elsewhere = Issuer::start().await;
    for (name, fault, said) in faults(&elsewhere.name) {
        let world = World::new().await;
        world.issuer.answer(JWKS, fault);
        for _ in 0..10 {
            let answer = world.verifier.verify(&world.token()).await.err();
            assert_eq!(answer, Some(TokenError::Keys(said)), "{name}");
        }
        assert_eq!(world.issuer.asked(JWKS), 1, "{name}");
        world.issuer.publish(&[&world.key]);
        world.clock.travel(4);
        assert!(world.verifier.verify(&world.token()).await.is_err(), "{name}: too early");
        world.clock.travel(1);
        assert!(world.verifier.verify(&world.token()).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    for slow in [Answer::Silence, Answer::Dripping] {
        let policy = CachePolicy { timeout: Duration::from_millis(50), ..CachePolicy::default() };
        let world = World::with(|builder| builder.cache(policy)).await;
        for path in [METADATA, JWKS] {
            world.issuer.answer(path, slow.clone());
        }
        let answer = world.verifier.verify(&world.token()).await.err();
        assert_eq!(answer, Some(KeysError::Fetch(FetchError::TimedOut).into()));
    }
}

#[tokio::test]
async fn a_failure_of_long_ago_is_no_reason_not_to_wait() {
    let world = World::new().await;
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    world.clock.travel(31);
    world.issuer.answer(JWKS, Answer::Status(500));
    assert!(world.verifier.verify(&world.token_of(&Key::new("two"))).await.is_err());
    // Hours later, without any request in between: the key has been withdrawn.
    world.issuer.publish(&[&Key::new("three")]);
    world.clock.travel(2 * 3600);
    let answer = world.verifier.verify(&world.token()).await.err();
    assert_eq!(answer, Some(JwtError::UnknownKey.into()));
}

#[tokio::test]
async fn an_issuer_that_withdraws_all_its_keys_is_believed() {
    let world = World::new().await;
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    world.issuer.publish(&[]);
    world.clock.travel(3600);
    let answer = world.verifier.verify(&world.token()).await.err();
    assert_eq!(answer, Some(JwtError::UnknownKey.into()));
}

/// A client of somebody else's, and what is wrong with it.
#[derive(Clone, Default)]
struct Client {
    document: String,
    panics: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

impl Fetch for Client {
    fn get<'a>(&'a self, _: &'a Url) -> Fetching<'a> {
        Box::pin(async {
            self.calls.fetch_add(1, Ordering::SeqCst);
            assert!(!self.panics.load(Ordering::SeqCst), "the client is broken");
            if self.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Ok(Document { body: self.document.clone().into(), max_age: None })
        })
    }
}

/// A verifier that fetches by such a client, and a token of a day that it accepts.
fn with_client() -> (Verifier, Client, Hand, String) {
    let (key, clock) = (Key::new("one"), Hand::new());
    let document = format!("{{\"keys\":[{}]}}", key.jwk().to_json());
    let client = Client { document, ..Client::default() };
    let builder = Verifier::builder("https://id.example").jwks_uri("https://id.example/keys");
    let builder = builder.audience(AUDIENCE).clock(clock.clone()).fetch(client.clone());
    let mut claims = tokens::claims("https://id.example", clock.seconds());
    claims["exp"] = (clock.seconds() + 86_400).into();
    (builder.build().unwrap(), client, clock, key.token(&claims))
}

#[tokio::test]
async fn a_client_that_panics_takes_nobody_with_it() {
    let (verifier, client, clock, token) = with_client();
    client.panics.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(verifier.verify(&token).await.err(), Some(KeysError::Interrupted.into()));
    }
    assert_eq!(client.calls.load(Ordering::SeqCst), 1);
    client.panics.store(false, Ordering::SeqCst);
    clock.travel(5);
    assert!(verifier.verify(&token).await.is_ok());
}

// Without sockets, tokio's time stands still until nothing else is left to do: the timeout comes at once.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_silent_issuer_whom_the_old_keys_can_serve() {
    let (verifier, client, clock, token) = with_client();
    assert!(verifier.verify(&token).await.is_ok());
    clock.travel(3600);
    client.hangs.store(true, Ordering::SeqCst);
    // The first one waits until the time is over; so nobody else has to.
    let begin = tokio::time::Instant::now();
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(begin.elapsed(), Duration::from_secs(5));
    clock.travel(5);
    let answer = poll_once(Box::pin(verifier.verify(&token)).as_mut());
    assert!(matches!(answer, Poll::Ready(Ok(_))), "answered without waiting");
    tokio::task::yield_now().await;
    assert_eq!(client.calls.load(Ordering::SeqCst), 3, "and the issuer is asked again beside it");
}
