//! From an issuer to the address of its keys (RFC 8414 §3, OpenID Connect Discovery 1.0 §4).

use std::collections::HashMap;

use ayb_resource::{Document, Fetch, FetchError, Fetching, KeysError, TokenError, Url, Verifier};

use crate::kit::issuer::{DISCOVERY, JWKS, METADATA};
use crate::kit::{AUDIENCE, Answer, Hand, Issuer, Key, World, tokens};

async fn trouble(world: &World) -> Option<KeysError> {
    match world.verifier.verify(&world.token()).await {
        Ok(_) => None,
        Err(TokenError::Keys(error)) => Some(error),
        Err(other) => unreachable!("{other}"),
    }
}

#[tokio::test]
async fn an_issuer_that_knows_only_openid_connect_is_found() {
    let world = World::new().await;
    world.issuer.answer(METADATA, Answer::Status(404));
    world.issuer.answer(DISCOVERY, Answer::document(world.issuer.metadata()));
    assert_eq!(trouble(&world).await, None);
    assert_eq!((world.issuer.asked(METADATA), world.issuer.asked(DISCOVERY)), (1, 1));
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_used() {
    let world = World::new().await;
    let own = world.issuer.name.clone();
    for name in [format!("{own}/"), own.to_uppercase(), "https://id.example".to_owned(), String::new()] {
        let world = World::new().await;
        let document = world.issuer.metadata().replacen(&world.issuer.name, &name, 1);
        world.issuer.answer(METADATA, Answer::document(document));
        assert_eq!(trouble(&world).await, Some(KeysError::Issuer), "{name}");
        assert_eq!(world.issuer.asked(JWKS), 0, "{name}");
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_read_is_not_used() {
    let name = "http://127.0.0.1:1";
    let table = [
        ("{}".to_owned(), KeysError::Metadata),
        ("[]".to_owned(), KeysError::Metadata),
        ("<html>".to_owned(), KeysError::Metadata),
        (format!("{{\"issuer\":\"{name}\"}}"), KeysError::Metadata),
        (format!("{{\"issuer\":[\"{name}\"],\"jwks_uri\":\"{name}/k\"}}"), KeysError::Metadata),
        (
            format!("{{\"issuer\":\"{name}\",\"jwks_uri\":\"{name}/a\",\"jwks_uri\":\"{name}/b\"}}"),
            KeysError::Metadata,
        ),
        (format!("{{\"issuer\":\"{name}\",\"jwks_uri\":\"jwks.json\"}}"), KeysError::Address),
        (format!("{{\"issuer\":\"{name}\",\"jwks_uri\":\"http://keys.example/k\"}}"), KeysError::Address),
        (format!("{{\"issuer\":\"{name}\",\"jwks_uri\":\"file:///etc/passwd\"}}"), KeysError::Address),
        (format!("{{\"issuer\":\"{name}\",\"jwks_uri\":\"http://a:b@127.0.0.1/k\"}}"), KeysError::Address),
    ];
    for (document, expected) in table {
        let world = World::new().await;
        world.issuer.answer(METADATA, Answer::document(document.replace(name, &world.issuer.name)));
        assert_eq!(trouble(&world).await, Some(expected), "{document}");
    }
}

#[tokio::test]
async fn keys_that_moved_are_found_again() {
    let world = World::new().await;
    assert_eq!(trouble(&world).await, None);
    let next = Key::new("two");
    let moved = world.issuer.metadata().replace(JWKS, "/moved.json");
    world.issuer.answer(METADATA, Answer::document(moved));
    world.issuer.answer(JWKS, Answer::Status(404));
    let set = format!("{{\"keys\":[{}]}}", next.jwk().to_json());
    world.issuer.answer("/moved.json", Answer::document(set));
    // The metadata is as old as the keys: it is asked for again together with them.
    world.clock.travel(3600);
    assert!(world.verifier.verify(&world.token_of(&next)).await.is_ok());
    assert_eq!((world.issuer.asked(METADATA), world.issuer.asked(JWKS)), (2, 1));
}

#[tokio::test]
async fn keys_that_moved_before_their_time_are_found_by_the_second_try() {
    let world = World::new().await;
    assert_eq!(trouble(&world).await, None);
    let next = Key::new("two");
    let moved = world.issuer.metadata().replace(JWKS, "/moved.json");
    world.issuer.answer(METADATA, Answer::document(moved));
    world.issuer.answer(JWKS, Answer::Status(404));
    world.issuer.answer("/moved.json", Answer::document(format!("{{\"keys\":[{}]}}", next.jwk().to_json())));
    world.clock.travel(31);
    let answer = world.verifier.verify(&world.token_of(&next)).await.err();
    assert_eq!(answer, Some(KeysError::Fetch(FetchError::Status(404)).into()));
    world.clock.travel(5);
    assert!(world.verifier.verify(&world.token_of(&next)).await.is_ok());
}

#[tokio::test]
async fn an_address_that_was_given_is_asked_and_no_other() {
    let keys = Issuer::start().await;
    let given = format!("{}{JWKS}", keys.name);
    let world = World::with(|builder| builder.jwks_uri(given)).await;
    keys.publish(&[&world.key]);
    assert_eq!(trouble(&world).await, None);
    assert_eq!((keys.total(), world.issuer.total()), (1, 0));
}

/// Documents by address, without a network.
struct Shelf(HashMap<&'static str, String>);

impl Fetch for Shelf {
    fn get<'a>(&'a self, address: &'a Url) -> Fetching<'a> {
        let found = self.0.get(address.as_str());
        let document = found.map(|text| Document { body: text.clone().into(), max_age: None });
        Box::pin(std::future::ready(document.ok_or(FetchError::Status(404))))
    }
}

#[tokio::test]
async fn an_issuer_on_https_leads_to_https_only_and_paths_stay_in_their_place() {
    let key = Key::new("one");
    let set = format!("{{\"keys\":[{}]}}", key.jwk().to_json());
    let table = [
        ("https://id.example/tenant/jwks", None),
        ("https://keys.example/tenant", None),
        ("http://id.example/tenant/jwks", Some(KeysError::Address)),
        ("http://127.0.0.1:9/jwks", Some(KeysError::Address)),
        ("http://localhost/jwks", Some(KeysError::Address)),
    ];
    for well_known in [
        "https://id.example/.well-known/oauth-authorization-server/tenant",
        "https://id.example/tenant/.well-known/openid-configuration",
    ] {
        for (jwks_uri, expected) in table {
            let issuer = "https://id.example/tenant";
            let metadata = format!("{{\"issuer\":\"{issuer}\",\"jwks_uri\":\"{jwks_uri}\"}}");
            let shelf = Shelf(HashMap::from([(well_known, metadata), (jwks_uri, set.clone())]));
            let clock = Hand::new();
            let token = key.token(&tokens::claims(issuer, clock.seconds()));
            let builder = Verifier::builder(issuer).audience(AUDIENCE).clock(clock).fetch(shelf);
            let answer = builder.build().unwrap().verify(&token).await.err();
            assert_eq!(answer, expected.map(TokenError::Keys), "{well_known} {jwks_uri}");
        }
    }
}
