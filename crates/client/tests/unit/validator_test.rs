//! Places where somebody else has a say: validators of ID tokens, and where a bearer token stands.

use std::sync::Arc;

use async_trait::async_trait;
use ayb_client::error::ValidationError;
use ayb_client::mock::{MockJwtValidator, TestAuthServer};
use ayb_client::{
    BearerPlacement, DpopKey, Endpoint, Expected, ExposeSecret as _, IdTokenClaims, OAuth2Error,
    TokenValidator,
};
use serde_json::json;

use crate::kit::{params, sign_in};

/// Wants people of one company.
struct OfCompany(&'static str);

#[async_trait]
impl TokenValidator for OfCompany {
    async fn validate(&self, claims: &IdTokenClaims) -> Result<(), OAuth2Error> {
        match claims.email() {
            Some(email) if email.ends_with(self.0) => Ok(()),
            _ => Err(ValidationError::Refused("not of this company".to_owned()).into()),
        }
    }
}

#[tokio::test]
async fn a_validator_of_the_callers_refuses_more_and_allows_nothing_more() {
    let idp = TestAuthServer::start();
    let client = |company: &'static str| {
        let builder = idp
            .client("app")
            .configure(|config| config.token_validators = vec![Arc::new(OfCompany(company))]);
        builder.build().unwrap()
    };
    sign_in(&idp, &client("@example.com"), params(&["openid"])).await.unwrap();
    let error = sign_in(&idp, &client("@other.example"), params(&["openid"])).await.unwrap_err();
    let expected = ValidationError::Refused("not of this company".to_owned());
    assert!(matches!(&error, OAuth2Error::Validation(found) if *found == expected), "{error:?}");
    idp.alter_id_tokens(|claims| drop(claims.insert("iss".to_owned(), json!("https://evil.test"))));
    let error = sign_in(&idp, &client("@example.com"), params(&["openid"])).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::InvalidIssuer)), "{error:?}");
}

#[tokio::test]
async fn the_validator_of_id_tokens_can_be_a_mock() {
    let idp = TestAuthServer::start();
    idp.alter_id_tokens(|claims| drop(claims.insert("iss".to_owned(), json!("https://evil.test"))));
    let accepting = Arc::new(MockJwtValidator::accepting(&json!({ "sub": "bob", "exp": 1 })));
    let client = idp.client("app").configure(|config| config.jwt_validator = Some(accepting.clone()));
    let client = client.build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    let token = response.id_token.unwrap();
    assert_eq!(accepting.asked(), [token.expose_secret()]);
    let claims = client.verify_id_token("anything", &Expected::default()).await.unwrap();
    assert_eq!(claims.subject(), "bob");
    assert!(idp.requests(Endpoint::Jwks).is_empty(), "no key was needed");
    let refusing = Arc::new(MockJwtValidator::refusing(ValidationError::JwtExpired));
    let client =
        TestAuthServer::start().client("app").configure(|config| config.jwt_validator = Some(refusing));
    let error = client.build().unwrap().verify_id_token("anything", &Expected::default()).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::JwtExpired)), "{error:?}");
}

#[tokio::test]
async fn a_bearer_token_is_in_the_header_unless_the_configuration_says_in_the_body() {
    let idp = TestAuthServer::start();
    for (placement, key, is_in_header) in [
        (BearerPlacement::Header, None, true),
        (BearerPlacement::Body, None, false),
        (BearerPlacement::Body, DpopKey::generate().ok(), true),
    ] {
        let client = idp.client("app").configure(|config| {
            config.bearer_placement = placement;
            config.dpop = key;
        });
        let client = client.build().unwrap();
        let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
        client.user_info(response.access_token.expose_secret(), "ada").await.unwrap();
        let request = idp.requests(Endpoint::UserInfo).pop().unwrap();
        assert_eq!(request.authorization.is_some(), is_in_header, "{placement:?}");
        assert_eq!(request.form.contains_key("access_token"), !is_in_header, "{placement:?}");
        assert_eq!(request.url.query(), None, "never in the address");
    }
}
