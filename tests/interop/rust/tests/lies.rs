//! What openidconnect must refuse.

use openidconnect::{ClaimsVerificationError, OAuth2TokenResponse as _, SignatureVerificationError};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use ayb_interop::RelyingParty;

use crate::desk::{CALLBACK, Method, Party, SCOPES, approve, ask, issuer, registration, with};

/// There is one forger, so these tests run one after the other.
static FORGER: Mutex<()> = Mutex::const_new(());

/// Signs in while the forger tells one lie.
async fn sign_in(party: &Party, lie: &str) -> anyhow::Result<()> {
    ask("lie", json!({"name": lie, "secret": party.secret})).await;
    let outcome = party.sign_in().await;
    assert_eq!(ask("honest", json!({})).await, 1, "nobody heard the lie");
    outcome.map(|_| ())
}

#[tokio::test]
async fn a_true_id_token_of_a_published_key_is_accepted() {
    let _alone = FORGER.lock().await;
    for alg in ["RS256", "ES256", "EdDSA"] {
        let party = Party::at("forged", Method::Basic, json!({"signingAlg": alg})).await;
        sign_in(&party, "nothing").await.unwrap();
    }
}

#[tokio::test]
async fn an_id_token_that_lies_is_refused() {
    let _alone = FORGER.lock().await;
    type Means = fn(&ClaimsVerificationError) -> bool;
    let is_signature =
        |error: &ClaimsVerificationError| matches!(error, ClaimsVerificationError::SignatureVerification(_));
    let lies: [(&str, Means); 8] = [
        ("nonce", |error| matches!(error, ClaimsVerificationError::InvalidNonce(_))),
        ("no nonce", |error| matches!(error, ClaimsVerificationError::InvalidNonce(_))),
        ("iss", |error| matches!(error, ClaimsVerificationError::InvalidIssuer(_))),
        ("aud", |error| matches!(error, ClaimsVerificationError::InvalidAudience(_))),
        ("exp", |error| matches!(error, ClaimsVerificationError::Expired(_))),
        ("signature", is_signature),
        ("alg none", |error| {
            matches!(
                error,
                ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoSignature)
            )
        }),
        ("alg HS256", is_signature),
    ];
    for (lie, means) in lies {
        let party = Party::at("forged", Method::Basic, json!({})).await;
        let refused = sign_in(&party, lie).await.unwrap_err();
        let reason = refused.downcast_ref::<ClaimsVerificationError>();
        assert!(reason.is_some_and(means), "{lie}: {refused:?}");
    }
}

#[tokio::test]
async fn user_info_about_somebody_else_is_refused() {
    let _alone = FORGER.lock().await;
    let party = Party::at("forged", Method::Basic, json!({})).await;
    let (tokens, claims) = party.sign_in().await.unwrap();
    ask("lie", json!({"name": "userinfo sub"})).await;
    let refused = party.relying_party.user_info(tokens.access_token(), claims.subject().clone()).await;
    assert_eq!(ask("honest", json!({})).await, Value::from(1));
    let refused = refused.unwrap_err();
    assert!(format!("{:?}", refused.root_cause()).contains("InvalidSubject"), "{refused:?}");
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    let _alone = FORGER.lock().await;
    ask("lie", json!({"name": "discovery iss"})).await;
    let registration = registration("ayb_cid_0", None, Method::Public);
    let refused = RelyingParty::discover(&issuer("forged").await, registration).await.err().unwrap();
    assert_eq!(ask("honest", json!({})).await, Value::from(1));
    assert!(refused.to_string().contains("issuer"), "{refused:?}");
}

#[tokio::test]
async fn an_answer_with_another_state_or_issuer_is_refused() {
    let party = Party::new(Method::Basic, json!({})).await;
    for name in ["state", "iss"] {
        for value in [Some("another"), None] {
            let pending = party.relying_party.begin(&SCOPES);
            let arrived = approve(&pending.address, CALLBACK, "ada").await;
            let refused =
                party.relying_party.finish(pending, &with(&arrived, name, value)).await.unwrap_err();
            assert!(refused.to_string().ends_with("is another"), "{name}: {refused:?}");
        }
    }
}
