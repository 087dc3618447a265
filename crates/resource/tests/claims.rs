//! What the claims of an access token have to say (RFC 9068 §2.2, §4).

use ayb_resource::{JwtError, Seconds, TokenError};
use serde_json::{Value, json};

use crate::kit::{START, World, tokens};

/// Tokens with one claim changed; `Null` leaves it out.
async fn verdict(world: &World, name: &str, value: Value) -> Result<(), TokenError> {
    let mut claims = tokens::claims(&world.issuer.name, START);
    match value {
        Value::Null => {
            claims.as_object_mut().unwrap().remove(name);
        }
        value => claims[name] = value,
    }
    world.verifier.verify(&world.key.token(&claims)).await.map(|_| ())
}

#[tokio::test]
async fn each_claim_that_is_missing_or_of_another_type_is_named() {
    let world = World::new().await;
    let claim = |name| Err(TokenError::Refused(JwtError::Claim(name)));
    for name in ["sub", "client_id", "jti", "iat", "exp"] {
        assert_eq!(verdict(&world, name, Value::Null).await, claim(name), "{name}");
    }
    assert_eq!(verdict(&world, "iss", Value::Null).await, Err(JwtError::Issuer.into()));
    assert_eq!(verdict(&world, "aud", Value::Null).await, Err(JwtError::Audience.into()));
    for name in ["sub", "client_id", "jti"] {
        for value in [json!(""), json!(1), json!(["ada"]), json!({})] {
            assert_eq!(verdict(&world, name, value.clone()).await, claim(name), "{name} {value}");
        }
    }
    for name in ["exp", "iat", "nbf"] {
        for value in [json!("1800000000"), json!(true), json!([]), json!(1e30)] {
            assert_eq!(verdict(&world, name, value.clone()).await, claim(name), "{name} {value}");
        }
    }
    assert_eq!(verdict(&world, "scope", json!(["readonly"])).await, claim("scope"));
    assert_eq!(
        verdict(&world, "scope", Value::Null).await,
        Ok(()),
        "RFC 9068 §2.2.3: only when it was asked for"
    );
}

#[tokio::test]
async fn the_issuer_is_compared_letter_by_letter() {
    let world = World::new().await;
    let own = world.issuer.name.clone();
    for other in [
        format!("{own}/"),
        own.to_uppercase(),
        own.replace("http", "https"),
        format!(" {own}"),
        String::new(),
    ] {
        assert_eq!(verdict(&world, "iss", json!(other)).await, Err(JwtError::Issuer.into()), "{other}");
    }
    assert_eq!(verdict(&world, "iss", json!([own])).await, Err(JwtError::Claim("iss").into()));
    assert_eq!(verdict(&world, "iss", json!(own)).await, Ok(()));
}

#[tokio::test]
async fn a_token_for_another_api_is_refused() {
    let world = World::with(|builder| builder.audience("notes-api")).await;
    let good = [
        json!("https://notes.example"),
        json!("notes-api"),
        json!(["https://notes.example"]),
        json!(["https://other.example", "https://notes.example"]),
    ];
    for audience in good {
        assert_eq!(verdict(&world, "aud", audience.clone()).await, Ok(()), "{audience}");
    }
    let bad = [
        json!("https://other.example"),
        json!("https://notes.example/"),
        json!("https://notes.example.evil.example"),
        json!("HTTPS://NOTES.EXAMPLE"),
        json!("https://notes.example https://other.example"),
        json!("*"),
        json!(""),
        json!([]),
        json!("client-1"),
    ];
    for audience in bad {
        assert_eq!(
            verdict(&world, "aud", audience.clone()).await,
            Err(JwtError::Audience.into()),
            "{audience}"
        );
    }
    assert_eq!(verdict(&world, "aud", json!([1, "notes-api"])).await, Err(JwtError::Claim("aud").into()));
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway_and_not_by_a_second_more() {
    let world = World::with(|builder| builder.leeway(Seconds(10))).await;
    let (expired, early) = (Err(JwtError::Expired.into()), Err(JwtError::NotYetValid.into()));
    let table = [
        ("exp", 1, Ok(())),
        ("exp", 0, Ok(())),
        ("exp", -9, Ok(())),
        ("exp", -10, expired),
        ("exp", -11, expired),
        ("nbf", 10, Ok(())),
        ("nbf", 11, early),
        ("iat", 10, Ok(())),
        ("iat", 11, early),
        ("iat", 86_400 * 365, early),
    ];
    for (name, distance, expected) in table {
        assert_eq!(verdict(&world, name, json!(START + distance)).await, expected, "{name} {distance}");
    }
}

#[tokio::test]
async fn a_token_ends_with_its_time() {
    let world = World::with(|builder| builder.leeway(Seconds(0))).await;
    let token = world.token();
    world.clock.travel(3599);
    assert!(world.verifier.verify(&token).await.is_ok());
    world.clock.travel(1);
    assert_eq!(world.verifier.verify(&token).await.err(), Some(JwtError::Expired.into()));
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    let world = World::new().await;
    for confirmation in
        [json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), json!({"x5t#S256": "x"}), json!({})]
    {
        assert_eq!(verdict(&world, "cnf", confirmation).await, Err(TokenError::Bound));
    }
}
