//! Tokens that somebody made who has no key of the issuer, or that are no access tokens (RFC 8725, RFC 9068 §4).

use ayb_protocol::jose::{Algorithm, HmacKey, base64url, jws};
use ayb_resource::{AccessToken, JwtError, TokenError};
use serde_json::{Value, json};

use crate::kit::issuer::JWKS;
use crate::kit::{Answer, Issuer, Key, World, forged, tokens};

async fn refusal(world: &World, token: &str) -> Option<JwtError> {
    match world.verifier.verify(token).await {
        Ok(_) => None,
        Err(TokenError::Refused(reason)) => Some(reason),
        Err(other) => unreachable!("{other}"),
    }
}

fn claims(world: &World) -> String {
    tokens::claims(&world.issuer.name, world.clock.seconds()).to_string()
}

#[tokio::test]
async fn a_good_token_is_read_with_all_that_it_says() {
    let world = World::new().await;
    let token: AccessToken = world.verifier.verify(&world.token()).await.unwrap();
    assert_eq!((token.subject(), token.client_id(), token.token_id()), ("ada", "client-1", "token-1"));
    assert_eq!(token.scope().collect::<Vec<_>>(), ["openid", "readonly"]);
    assert!(token.has_scope("readonly") && !token.has_scope("read") && !token.has_scope("openid readonly"));
    assert_eq!(token.expires_at().seconds_since(token.issued_at()).0, 3600);
    assert_eq!(token.claims().issuer(), Some(world.issuer.name.as_str()));
    assert!(!token.is_client_alone());
    assert!(!format!("{token:?}").contains("ada"), "{token:?}");
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let world = World::new().await;
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for signature in ["", "e30"] {
            let header = json!({"alg": alg, "typ": "at+jwt", "kid": "one"}).to_string();
            let token = forged(&header, &claims(&world), |_| base64url::decode(signature).unwrap());
            assert_eq!(refusal(&world, &token).await, Some(JwtError::Algorithm), "{alg}");
        }
    }
    let good = world.token();
    let (input, signature) = good.rsplit_once('.').unwrap();
    for cut in [0, 1, 42, 84] {
        let reason = refusal(&world, &format!("{input}.{}", &signature[..cut])).await;
        assert!(matches!(reason, Some(JwtError::Signature | JwtError::Malformed)), "{cut}: {reason:?}");
    }
    assert_eq!(refusal(&world, &good).await, None);
}

#[tokio::test]
async fn the_published_key_is_no_shared_secret() {
    let world = World::new().await;
    world.verifier.verify(&world.token()).await.unwrap();
    let jwk = world.key.jwk().to_json();
    let members: Value = serde_json::from_str(&jwk).unwrap();
    let half = |name: &str| base64url::decode(members[name].as_str().unwrap()).unwrap();
    let point = [vec![4], half("x"), half("y")].concat();
    for secret in [jwk.clone().into_bytes(), point, half("x")] {
        let hmac = HmacKey::from_secret(Algorithm::HS256, &secret).unwrap();
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "one"}).to_string();
        let token = forged(&header, &claims(&world), |input| hmac.sign(input));
        assert_eq!(refusal(&world, &token).await, Some(JwtError::Algorithm));
    }
}

#[tokio::test]
async fn only_the_key_that_is_named_and_published_for_it_counts() {
    let world = World::new().await;
    let (second, foreign) = (Key::new("two"), Key::new("three"));
    let for_encryption = Key::new("four").jwk().to_json().replace("\"sig\"", "\"enc\"");
    let keys = [world.key.jwk().to_json(), second.jwk().to_json(), for_encryption];
    let secret = json!({"kty": "oct", "kid": "five", "k": base64url::encode([7; 32])});
    world.issuer.answer(JWKS, Answer::document(format!("{{\"keys\":[{},{secret}]}}", keys.join(","))));
    let header = |kid: Value| json!({"alg": "ES256", "typ": "at+jwt", "kid": kid}).to_string();
    let claims = claims(&world);
    let table = [
        (world.key.signed(&header("one".into()), &claims), None),
        (second.signed(&header("two".into()), &claims), None),
        (foreign.signed(&header("three".into()), &claims), Some(JwtError::UnknownKey)),
        (foreign.signed(&header("one".into()), &claims), Some(JwtError::Signature)),
        (second.signed(&header("one".into()), &claims), Some(JwtError::Signature)),
        (foreign.signed(&header("four".into()), &claims), Some(JwtError::UnknownKey)),
        (foreign.signed(&header("five".into()), &claims), Some(JwtError::UnknownKey)),
        (world.key.signed(&header("one ".into()), &claims), Some(JwtError::UnknownKey)),
        (world.key.signed(&header("".into()), &claims), Some(JwtError::UnknownKey)),
        (world.key.signed(&header(1.into()), &claims), Some(JwtError::Malformed)),
        // Two keys would do: which of them is meant cannot be known.
        (world.key.signed("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", &claims), Some(JwtError::UnknownKey)),
        // The key is published for ES256.
        (
            world.key.signed("{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"one\"}", &claims),
            Some(JwtError::UnknownKey),
        ),
        (
            world.key.signed("{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"one\"}", &claims),
            Some(JwtError::Algorithm),
        ),
    ];
    for (number, (token, expected)) in table.into_iter().enumerate() {
        assert_eq!(refusal(&world, &token).await, expected, "row {number}");
    }
}

#[tokio::test]
async fn keys_and_addresses_of_keys_in_the_header_are_not_looked_at() {
    let world = World::new().await;
    world.verifier.verify(&world.token()).await.unwrap();
    let (thief, den) = (Key::new("thief"), Issuer::start().await);
    den.publish(&[&thief]);
    let jwk: Value = serde_json::from_str(&thief.jwk().to_json()).unwrap();
    let elsewhere = format!("{}{JWKS}", den.name);
    for (name, value) in
        [("jwk", jwk), ("jku", elsewhere.clone().into()), ("x5u", elsewhere.into()), ("x5c", json!(["MIIB"]))]
    {
        for (kid, expected) in [("thief", JwtError::UnknownKey), ("one", JwtError::Signature)] {
            let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid, name: value}).to_string();
            let token = thief.signed(&header, &claims(&world));
            assert_eq!(refusal(&world, &token).await, Some(expected), "{name} {kid}");
        }
    }
    assert_eq!(den.total(), 0, "nobody was sent there");
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused() {
    let world = World::new().await;
    let claims = claims(&world);
    let good = "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"one\"}";
    let twice_in_header = "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"one\"}";
    let twice = format!("{},\"aud\":\"https://notes.example\"}}", claims.trim_end_matches('}'));
    let nested = format!("{},\"x\":{{\"a\":1,\"a\":2}}}}", claims.trim_end_matches('}'));
    let extended = |member: &str| format!("{},{member}}}", good.trim_end_matches('}'));
    let table = [
        (world.key.signed(twice_in_header, &claims), JwtError::Malformed),
        (world.key.signed(good, &twice), JwtError::Malformed),
        (world.key.signed(good, &nested), JwtError::Malformed),
        (world.key.signed(good, "[]"), JwtError::Malformed),
        (world.key.signed(&extended("\"crit\":[\"exp\"]"), &claims), JwtError::Critical),
        (world.key.signed(&extended("\"zip\":\"DEF\""), &claims), JwtError::Critical),
        (world.key.signed(&extended("\"b64\":false"), &claims), JwtError::Critical),
        (format!("{}.", world.token()), JwtError::Malformed),
        (format!("{}.x", world.token()), JwtError::Malformed),
        ("ayb_at_0123456789abcdef".to_owned(), JwtError::Malformed),
        (String::new(), JwtError::Malformed),
    ];
    for (number, (token, expected)) in table.into_iter().enumerate() {
        assert_eq!(refusal(&world, &token).await, Some(expected), "row {number}");
    }
    let padding = json!({"pad": "x".repeat(jws::MAX_LENGTH)}).to_string();
    assert_eq!(refusal(&world, &world.key.signed(good, &padding)).await, Some(JwtError::TooLarge));
    assert_eq!(refusal(&world, &world.key.signed(good, &claims)).await, None);
}

#[tokio::test]
async fn only_access_tokens_are_access_tokens() {
    let world = World::new().await;
    let table = [
        ("\"typ\":\"at+jwt\",", None),
        ("\"typ\":\"AT+JWT\",", None),
        ("\"typ\":\"application/at+jwt\",", None),
        ("\"typ\":\"JWT\",", Some(JwtError::Type)),
        ("\"typ\":\"ayb-session+jwt\",", Some(JwtError::Type)),
        ("\"typ\":\"logout+jwt\",", Some(JwtError::Type)),
        ("\"typ\":\"\",", Some(JwtError::Type)),
        ("", Some(JwtError::Type)),
    ];
    for (typ, expected) in table {
        let token = world.key.signed(&format!("{{{typ}\"alg\":\"ES256\",\"kid\":\"one\"}}"), &claims(&world));
        assert_eq!(refusal(&world, &token).await, expected, "{typ}");
    }
}
