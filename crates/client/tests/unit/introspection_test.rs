//! Introspection, signed (RFC 9701) and not.

use ayb_client::error::{IntrospectionError, ValidationError};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{
    Algorithm, Endpoint, IdTokenPolicy, IntrospectionResponse, OAuth2, OAuth2Client as _, OAuth2Error,
    Recovery,
};
use serde_json::{Value, json};

use crate::kit::{minutes, now, signed_in};

const MEDIA: &str = "application/token-introspection+jwt";
const TYPE: &str = "token-introspection+jwt";

fn asking(idp: &TestAuthServer) -> OAuth2 {
    idp.confidential("api").configure(|config| config.signed_introspection = true).build().unwrap()
}

fn claims(idp: &TestAuthServer) -> Value {
    json!({
        "iss": idp.issuer(), "aud": "api", "iat": now(idp).as_seconds(),
        "token_introspection": { "active": true, "sub": "ada", "scope": "orders" },
    })
}

async fn said(
    idp: &TestAuthServer,
    media: &'static str,
    body: String,
) -> Result<IntrospectionResponse, OAuth2Error> {
    idp.next(Endpoint::Introspection, Fault::Answer(200, media, body));
    asking(idp).introspection().introspect_access_token("token").await
}

#[tokio::test]
async fn a_signed_answer_is_asked_for_checked_and_read() {
    let idp = TestAuthServer::start();
    let set = signed_in(&idp, &idp.client("app").build().unwrap()).await;
    let client = asking(&idp);
    use ayb_client::ExposeSecret as _;
    let token = set.access_token.expose_secret();
    let answer = client.introspection().introspect_access_token(token).await.unwrap();
    assert!(answer.active);
    assert_eq!((answer.client_id.as_deref(), answer.sub.as_deref()), (Some("app"), Some("ada")));
    assert_eq!(idp.requests(Endpoint::Introspection)[0].accept.as_deref(), Some(MEDIA));
    let unknown = client.introspection().introspect_access_token("unknown").await.unwrap();
    assert!(!unknown.active, "an answer, not an error");
    idp.rotate_keys();
    idp.clock().advance(minutes(1));
    client.introspection().introspect_access_token(token).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_signed_or_encrypted_is_refused_by_name() {
    let idp = TestAuthServer::start();
    let plain = json!({ "active": true }).to_string();
    for (media, body, expected) in [
        ("application/json", plain, IntrospectionError::NotSigned),
        ("application/jwt", idp.sign(TYPE, &claims(&idp)), IntrospectionError::NotSigned),
        (MEDIA, "a.b.c.d.e".to_owned(), IntrospectionError::Encrypted),
    ] {
        let error = said(&idp, media, body).await.unwrap_err();
        assert_eq!(error.recovery(), Recovery::FixConfiguration);
        assert!(matches!(&error, OAuth2Error::Introspection(found) if *found == expected), "{error:?}");
    }
    idp.next(Endpoint::Introspection, Fault::Error("invalid_request"));
    let error = asking(&idp).introspection().introspect_access_token("token").await.unwrap_err();
    assert_eq!(error.response().unwrap().code, "invalid_request", "a refusal is not signed");
}

#[tokio::test]
async fn every_rule_of_a_signed_answer_is_checked() {
    let idp = TestAuthServer::start();
    let with = |name: &str, value: Value| {
        let mut claims = claims(&idp);
        claims[name] = value;
        claims
    };
    let at = |seconds: i64| json!(now(&idp).as_seconds() + seconds);
    assert!(said(&idp, MEDIA, idp.sign(TYPE, &claims(&idp))).await.unwrap().active);
    assert!(said(&idp, MEDIA, idp.sign(TYPE, &with("iat", at(-329)))).await.unwrap().active);
    for (name, value) in [
        ("iss", json!("https://evil.test")),
        ("iss", Value::Null),
        ("aud", json!("another")),
        ("aud", Value::Null),
        ("iat", Value::Null),
        ("iat", at(31)),
        ("iat", at(-331)),
        ("exp", at(-31)),
        ("token_introspection", Value::Null),
        ("token_introspection", json!("active")),
        ("token_introspection", json!({ "sub": "ada" })),
    ] {
        let text = format!("{name}: {value}");
        let mut changed = with(name, value);
        if changed[name].is_null() {
            changed.as_object_mut().unwrap().remove(name);
        }
        let error = said(&idp, MEDIA, idp.sign(TYPE, &changed)).await.unwrap_err();
        assert!(matches!(error, OAuth2Error::Validation(_)), "{text}: {error:?}");
    }
    for typ in ["JWT", "at+jwt", ""] {
        let error = said(&idp, MEDIA, idp.sign(typ, &claims(&idp))).await.unwrap_err();
        assert!(matches!(error, OAuth2Error::Validation(_)), "typ {typ}");
    }
    let forged = TestAuthServer::start().sign(TYPE, &claims(&idp));
    let error = said(&idp, MEDIA, forged).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(_)), "{error:?}");
}

#[tokio::test]
async fn only_algorithms_on_the_list_sign_an_answer() {
    let idp = TestAuthServer::start();
    let ask = |client: OAuth2| async move { client.introspection().introspect_access_token("token").await };
    let by_metadata = idp.confidential("api").configure(|config| {
        config.signed_introspection = true;
        config.provider.introspection_algorithms = Some(vec![Algorithm::RS256]);
    });
    let by_policy = idp.confidential("api").configure(|config| {
        config.signed_introspection = true;
        config.id_token = IdTokenPolicy::default().algorithms([Algorithm::RS256]);
    });
    for builder in [by_metadata, by_policy] {
        let error = ask(builder.build().unwrap()).await.unwrap_err();
        let reason = "the algorithm is not allowed".to_owned();
        let expected = ValidationError::InvalidJwt { reason };
        assert!(matches!(&error, OAuth2Error::Validation(found) if *found == expected), "{error:?}");
    }
}
