//! When keys are fetched, and when they are not.

use ayb_resource::{CachePolicy, JwtError, Seconds, TokenError};
use futures_util::future::join_all;

use crate::kit::issuer::{JWKS, METADATA};
use crate::kit::{Answer, Issuer, Key, World, forged, patient, poll_once};

/// Callers at the same time.
const CROWD: usize = 100;

/// All at once, while the issuer keeps its answers back until everybody has asked.
async fn crowd(world: &World, tokens: &[String]) -> Vec<Option<TokenError>> {
    let held = world.issuer.hold().await;
    let before = world.issuer.total();
    let calls = join_all(tokens.iter().map(|token| world.verifier.verify(token)));
    let release = async {
        world.issuer.until_asked(before + 1).await;
        drop(held);
    };
    let (answers, ()) = tokio::join!(calls, release);
    answers.into_iter().map(Result::err).collect()
}

/// Tokens of keys that nobody has, each with a name of its own.
fn invented(world: &World, count: usize) -> Vec<String> {
    let thief = Key::new("thief");
    let name = |number| format!("{{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"invented-{number}\"}}");
    (0..count)
        .map(|number| thief.signed(&name(number), &format!("{{\"n\":\"{}\"}}", world.issuer.name)))
        .collect()
}

fn fetches(issuer: &Issuer) -> (usize, usize) {
    (issuer.asked(METADATA), issuer.asked(JWKS))
}

#[tokio::test]
async fn a_crowd_that_comes_first_causes_one_fetch() {
    let world = World::new().await;
    let answers = crowd(&world, &vec![world.token(); CROWD]).await;
    assert_eq!(answers, vec![None; CROWD]);
    assert_eq!(fetches(&world.issuer), (1, 1));
}

#[tokio::test]
async fn a_crowd_with_unknown_keys_causes_one_fetch_and_then_none_until_the_cool_down_is_over() {
    let world = World::new().await;
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    world.clock.travel(31);
    let unknown = Some(TokenError::Refused(JwtError::UnknownKey));
    assert_eq!(crowd(&world, &invented(&world, CROWD)).await, vec![unknown; CROWD]);
    assert_eq!(fetches(&world.issuer), (1, 2));
    for distance in [0, 1, 28] {
        world.clock.travel(distance);
        for token in invented(&world, 20) {
            assert_eq!(world.verifier.verify(&token).await.err(), unknown);
        }
        assert!(world.verifier.verify(&world.token()).await.is_ok());
        assert_eq!(fetches(&world.issuer), (1, 2), "after {distance} more seconds");
    }
    world.clock.travel(1);
    assert_eq!(crowd(&world, &invented(&world, CROWD)).await, vec![unknown; CROWD]);
    assert_eq!(fetches(&world.issuer), (1, 3));
}

#[tokio::test]
async fn a_key_that_is_new_is_found_when_its_first_token_comes() {
    let world = World::new().await;
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    world.clock.travel(31);
    let next = Key::new("two");
    world.issuer.publish(&[&world.key, &next]);
    let tokens: Vec<String> = (0..CROWD).map(|_| world.token_of(&next)).collect();
    assert_eq!(crowd(&world, &tokens).await, vec![None; CROWD]);
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    assert_eq!(fetches(&world.issuer), (1, 2));
}

#[tokio::test]
async fn keys_are_kept_for_as_long_as_the_issuer_says_within_bounds() {
    let table = [
        ("Cache-Control: max-age=600\r\n", 600),
        ("Cache-Control: max-age=600\r\nAge: 100\r\n", 500),
        ("Cache-Control: no-store\r\n", 60),
        ("Cache-Control: max-age=1\r\n", 60),
        ("Cache-Control: max-age=99999999\r\n", 86_400),
        ("", 3600),
    ];
    for (headers, kept) in table {
        let world = World::new().await;
        world.issuer.publish_with(&[&world.key], headers);
        assert!(world.verifier.verify(&world.token()).await.is_ok());
        // The issuer withdraws the key.
        world.issuer.publish(&[&Key::new("two")]);
        world.clock.travel(kept - 1);
        assert!(world.verifier.verify(&world.token()).await.is_ok(), "{headers}");
        assert_eq!(world.issuer.asked(JWKS), 1, "{headers}");
        world.clock.travel(1);
        let answer = world.verifier.verify(&world.token()).await.err();
        assert_eq!(answer, Some(JwtError::UnknownKey.into()), "{headers}");
        assert_eq!(world.issuer.asked(JWKS), 2, "{headers}");
    }
}

#[tokio::test]
async fn what_is_no_token_of_ours_causes_no_fetch() {
    let world = World::new().await;
    let header = |alg: &str, typ: &str| format!("{{\"alg\":\"{alg}\",\"typ\":\"{typ}\",\"kid\":\"one\"}}");
    let junk = [
        "ayb_at_0123".to_owned(),
        "a.b.c".to_owned(),
        forged(&header("none", "at+jwt"), "{}", |_| Vec::new()),
        forged(&header("HS256", "at+jwt"), "{}", |_| Vec::new()),
        forged(&header("ES256", "JWT"), "{}", |_| Vec::new()),
    ];
    for token in &junk {
        assert!(matches!(world.verifier.verify(token).await, Err(TokenError::Refused(_))), "{token}");
    }
    assert_eq!(world.issuer.total(), 0);
}

#[tokio::test]
async fn a_caller_who_goes_away_ends_no_fetch_and_begins_none() {
    let world = World::new().await;
    let held = world.issuer.hold().await;
    for _ in 0..CROWD {
        let token = world.token();
        // Polled once, and dropped as when a connection closes.
        let mut call = Box::pin(world.verifier.verify(&token));
        assert!(poll_once(call.as_mut()).is_pending());
    }
    world.issuer.until_asked(1).await;
    drop(held);
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    assert_eq!(fetches(&world.issuer), (1, 1));
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_keep_keys_for_ever() {
    let world = World::new().await;
    world.clock.travel(86_400 * 365);
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    world.clock.travel(-86_400 * 365);
    world.issuer.publish(&[&Key::new("two")]);
    let answer = world.verifier.verify(&world.token()).await.err();
    assert_eq!(answer, Some(JwtError::UnknownKey.into()));
    assert_eq!(world.issuer.asked(JWKS), 2);
}

#[tokio::test]
async fn the_times_of_the_cache_can_be_chosen() {
    let policy = CachePolicy { cool_down: Seconds(2), retry_pause: Seconds(1), ..patient() };
    let world = World::with(|builder| builder.cache(policy)).await;
    assert!(world.verifier.verify(&world.token()).await.is_ok());
    world.clock.travel(2);
    let unknown = invented(&world, 1);
    assert!(world.verifier.verify(&unknown[0]).await.is_err());
    assert_eq!(world.issuer.asked(JWKS), 2);
    world.issuer.answer(JWKS, Answer::Status(500));
    world.clock.travel(2);
    assert!(world.verifier.verify(&unknown[0]).await.is_err());
    world.clock.travel(1);
    assert!(world.verifier.verify(&unknown[0]).await.is_err());
    assert_eq!(world.issuer.asked(JWKS), 4, "after a failure the pause is the short one");
}
