//! Discovery, and all flows one after the other with a client that was discovered.

use ayb_client::error::{ConfigurationError, NetworkError};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{
    Deviation, DeviceAuthorizationFlowExt as _, Endpoint, ExposeSecret as _, OAuth2Client, OAuth2Error,
    Strictness, TokenSet,
};

use crate::kit::{now, params, sign_in};

#[tokio::test]
async fn a_discovered_client_does_everything() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let client = idp.confidential("app").discover(idp.issuer()).await.unwrap().build().unwrap();
    assert_eq!(client.provider().token_endpoint.as_ref().unwrap().as_str(), "https://id.test/token");
    assert!(client.provider().iss_parameter_supported);
    let response = sign_in(&idp, &client, params(&["openid", "email"])).await.unwrap();
    client.tokens().store_tokens(TokenSet::from_response(&response, now(&idp))).await.unwrap();
    let token = client.tokens().refresh().await.unwrap();
    assert!(client.user_info(token.access_token.expose_secret(), "ada").await.is_ok());
    client.client_credentials().request_token(None).await.unwrap();
    client
        .device_authorization()
        .execute(None, |codes| idp.decide_device(&codes.user_code, true))
        .await
        .unwrap();
    let token = token.access_token.expose_secret();
    assert!(client.introspection().introspect_access_token(token).await.unwrap().active);
    client.revocation().revoke_all().await.unwrap();
    assert!(!client.introspection().introspect_access_token(token).await.unwrap().active);
}

#[tokio::test]
async fn the_interface_can_be_used_as_trait_objects() {
    let idp = TestAuthServer::start();
    let client: Box<dyn OAuth2Client> = Box::new(idp.confidential("app").build().unwrap());
    client.client_credentials().request_token(None).await.unwrap();
    client
        .device_authorization()
        .execute(None, |codes| idp.decide_device(&codes.user_code, true))
        .await
        .unwrap();
    let found = client.discover(&"https://id.test".parse().unwrap()).await.unwrap();
    assert_eq!(found.issuer.as_deref(), Some("https://id.test"));
}

#[tokio::test]
async fn the_document_must_be_the_issuers_own_letter_by_letter() {
    for lie in ["https://evil.test", "https://id.test/", "https://ID.test", ""] {
        let idp = TestAuthServer::start();
        idp.alter_metadata("issuer", lie.into());
        let error = idp.client("app").discover(idp.issuer()).await.err().unwrap();
        assert!(
            matches!(error, OAuth2Error::Configuration(ConfigurationError::DiscoveryFailed { .. })),
            "{lie}: {error}"
        );
    }
    for place in ["http://id.test/token", "https://169.254.169.254/", "ftp://x"] {
        let idp = TestAuthServer::start();
        idp.alter_metadata("token_endpoint", place.into());
        assert!(idp.client("app").discover(idp.issuer()).await.is_err(), "{place}");
    }
    let idp = TestAuthServer::start();
    for issuer in ["http://id.test", "https://id.test?x=1", "nonsense"] {
        assert!(idp.client("app").discover(issuer).await.is_err(), "{issuer}");
    }
    assert!(idp.requests(Endpoint::Discovery).is_empty(), "nothing was asked");
}

#[tokio::test]
async fn the_place_of_rfc_8414_is_asked_when_there_is_nothing_at_the_other() {
    let idp = TestAuthServer::start();
    let document = r#"{"issuer":"https://id.test","token_endpoint":"https://id.test/token"}"#.to_owned();
    idp.next(Endpoint::Discovery, Fault::Status(404));
    idp.next(Endpoint::Discovery, Fault::Answer(200, "application/json", document));
    let client = idp.confidential("app").discover(idp.issuer()).await.unwrap().build().unwrap();
    assert_eq!(client.provider().authorization_endpoint, None);
    assert!(client.client_credentials().request_token(None).await.is_ok());
}

#[tokio::test]
async fn answers_of_servers_that_are_a_little_wrong_are_read_unless_that_is_not_wanted() {
    let fixture = include_str!("../fixtures/token_response.json").to_owned();
    let table = [
        (200, "application/json", fixture.clone(), vec![]),
        (201, "application/json", fixture.clone(), vec![Deviation::SuccessStatus]),
        (200, "text/html", fixture.clone(), vec![Deviation::ContentType]),
        (
            200,
            "application/x-www-form-urlencoded",
            "access_token=a&token_type=bearer".to_owned(),
            vec![Deviation::FormBody],
        ),
        (
            200,
            "application/json",
            fixture.replace("3600", "\"3600\""),
            vec![Deviation::NumberAsText("expires_in")],
        ),
    ];
    for (status, kind, body, deviations) in table {
        for strictness in [Strictness::Lenient, Strictness::Strict] {
            let idp = TestAuthServer::start();
            let client =
                idp.confidential("app").configure(|config| config.strictness = strictness).build().unwrap();
            idp.next(Endpoint::Token, Fault::Answer(status, kind, body.clone()));
            let answer = client.client_credentials().request_token(None).await;
            match strictness {
                Strictness::Lenient => assert_eq!(answer.unwrap().deviations, deviations, "{kind} {body}"),
                Strictness::Strict => assert_eq!(answer.is_ok(), deviations.is_empty(), "{kind} {body}"),
            }
        }
    }
}

#[tokio::test]
async fn an_error_with_status_200_is_an_error() {
    let idp = TestAuthServer::start();
    let client =
        idp.confidential("app").configure(|config| config.retry_config.max_retries = 0).build().unwrap();
    let body = include_str!("../fixtures/error_response.json").to_owned();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body));
    let error = client.client_credentials().request_token(None).await.unwrap_err();
    assert_eq!(error.response().unwrap().code, "invalid_request");
    let twice = r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#.to_owned();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", twice));
    let error = client.client_credentials().request_token(None).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Network(NetworkError::UnusableAnswer { .. })), "{error}");
}

#[tokio::test]
async fn members_that_nobody_knows_are_kept() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    let body = r#"{"access_token":"a","token_type":"Bearer","instance_url":"https://x","deep":{"a":[1]}}"#
        .to_owned();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body));
    let response = client.client_credentials().request_token(None).await.unwrap();
    assert_eq!(response.extra["instance_url"], "https://x");
    assert_eq!(TokenSet::from_response(&response, now(&idp)).extra.len(), 2);
}
