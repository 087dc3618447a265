//! Clients that register themselves (RFC 7591, RFC 7592).

use ayb_client::error::{ConfigurationError, NetworkError, TokenError};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{
    Algorithm, ClientAuthMethod, ClientCredentials, ClientMetadata, ClientRegistration, DpopKey, Endpoint,
    ExposeSecret as _, OAuth2Builder, OAuth2Client as _, OAuth2Error, Recovery, SecretString, SigningKey,
};

use crate::kit::{params, redirect_uri, sign_in};

/// A program that knows the issuer only.
async fn stranger(idp: &TestAuthServer) -> OAuth2Builder {
    idp.client("a-stranger").discover(idp.issuer()).await.unwrap()
}

fn wanted(method: ClientAuthMethod) -> ClientRegistration {
    let mut metadata = ClientMetadata::new([redirect_uri()]).auth_method(method);
    metadata.client_name = Some("Orders".to_owned());
    metadata.extra.insert("client_name#fr".to_owned(), "Commandes".into());
    ClientRegistration::new(metadata)
}

#[tokio::test]
async fn a_client_registers_and_goes_on_as_itself_by_every_method() {
    let idp = TestAuthServer::start();
    for method in [
        ClientAuthMethod::ClientSecretBasic,
        ClientAuthMethod::ClientSecretPost,
        ClientAuthMethod::ClientSecretJwt,
        ClientAuthMethod::None,
    ] {
        let (builder, registered) = stranger(&idp).await.register(&wanted(method)).await.unwrap();
        assert_eq!(registered.credentials.auth_method, method);
        assert_eq!(registered.credentials.client_secret.is_some(), method != ClientAuthMethod::None);
        assert_eq!(registered.metadata.client_name.as_deref(), Some("Orders"));
        assert_eq!(registered.metadata.extra["client_name#fr"], "Commandes");
        assert_eq!(registered.secret_expires_at, None, "0 means never");
        sign_in(&idp, &builder.build().unwrap(), params(&["openid"])).await.unwrap();
    }
    let der = DpopKey::generate().unwrap().to_pkcs8();
    let key = SigningKey::from_pkcs8(Algorithm::ES256, &der).unwrap();
    let wanted = wanted(ClientAuthMethod::None).key(key);
    let (builder, registered) = stranger(&idp).await.register(&wanted).await.unwrap();
    assert_eq!(registered.metadata.jwks.as_ref().map(|set| set.keys().len()), Some(1));
    builder.build().unwrap().client_credentials().request_token(None).await.unwrap();
}

#[tokio::test]
async fn an_initial_access_token_and_a_software_statement_go_along_and_are_shown_nowhere() {
    let idp = TestAuthServer::start();
    let token = idp.requiring_initial_access_token();
    let mut asked = wanted(ClientAuthMethod::ClientSecretBasic);
    let refused = stranger(&idp).await.register(&asked).await.map(drop).unwrap_err();
    assert!(matches!(refused, OAuth2Error::Token(TokenError::InvalidToken { .. })), "{refused:?}");
    asked = asked.initial_access_token(token);
    asked.metadata.software_statement = Some("canary-statement".to_owned());
    let (_, registered) = stranger(&idp).await.register(&asked).await.unwrap();
    assert_eq!(registered.metadata.software_statement.as_deref(), Some("canary-statement"));
    let body = r#"{"error":"unapproved_software_statement","error_description":"not canary-statement"}"#;
    idp.next(Endpoint::Registration, Fault::Answer(400, "application/json", body.to_owned()));
    let error = stranger(&idp).await.register(&asked).await.map(drop).unwrap_err();
    let shown = format!("{error} {error:?} {registered:?}");
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(error.response().unwrap().description.as_deref(), Some("not [REDACTED]"));
}

#[tokio::test]
async fn a_registration_is_never_repeated_when_the_server_may_have_acted() {
    let idp = TestAuthServer::start();
    let asked = wanted(ClientAuthMethod::ClientSecretBasic);
    for fault in [
        Fault::DropBeforeProcessing,
        Fault::DropAfterProcessing,
        Fault::TimeOut,
        Fault::TornBody,
        Fault::Status(500),
    ] {
        let before = idp.requests(Endpoint::Registration).len();
        idp.next(Endpoint::Registration, fault.clone());
        let error = stranger(&idp).await.register(&asked).await.map(drop).unwrap_err();
        let unknown = OAuth2Error::from(NetworkError::OutcomeUnknown { endpoint: Endpoint::Registration });
        assert_eq!(error.to_string(), unknown.to_string(), "{fault:?}");
        assert!(!error.outcome_known());
        assert_eq!(idp.requests(Endpoint::Registration).len(), before + 1, "{fault:?}");
    }
    for fault in [Fault::Unreachable, Fault::RetryAfter(429, 1)] {
        let before = idp.requests(Endpoint::Registration).len();
        idp.next(Endpoint::Registration, fault);
        stranger(&idp).await.register(&asked).await.map(drop).unwrap();
        assert_eq!(idp.requests(Endpoint::Registration).len(), before + 2, "nothing was done yet");
    }
}

#[tokio::test]
async fn a_refusal_says_why() {
    let idp = TestAuthServer::start();
    let mut asked = wanted(ClientAuthMethod::None);
    asked.metadata.redirect_uris = vec!["https://app.example/#part".parse().unwrap()];
    let error = stranger(&idp).await.register(&asked).await.map(drop).unwrap_err();
    let OAuth2Error::Configuration(ConfigurationError::RegistrationRefused { code, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!((code.as_str(), error.recovery()), ("invalid_redirect_uri", Recovery::FixConfiguration));
    assert_eq!(error.response().unwrap().endpoint, Endpoint::Registration);
    let mut both = wanted(ClientAuthMethod::PrivateKeyJwt);
    both.metadata.jwks = Some(ayb_protocol::jose::KeySet::default());
    both.metadata.jwks_uri = Some(redirect_uri());
    let sent = idp.requests(Endpoint::Registration).len();
    assert!(stranger(&idp).await.register(&both).await.is_err());
    assert_eq!(idp.requests(Endpoint::Registration).len(), sent, "it was not even sent");
    let without = stranger(&idp).await.configure(|config| config.provider.registration_endpoint = None);
    let error = without.register(&asked).await.map(drop).unwrap_err();
    assert_eq!(error.endpoint(), Some(Endpoint::Registration));
}

#[tokio::test]
async fn a_registration_is_read_changed_and_deleted() {
    let idp = TestAuthServer::start();
    let asked = wanted(ClientAuthMethod::ClientSecretBasic);
    let (builder, first) = stranger(&idp).await.register(&asked).await.unwrap();
    let client = builder.build().unwrap();
    let read = client.read_registration(&first).await.unwrap();
    assert_eq!(read.metadata.client_name.as_deref(), Some("Orders"));
    let secret = |credentials: &ClientCredentials| {
        credentials.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(secret(&read.credentials), secret(&first.credentials), "what is not repeated goes on");
    assert!(read.registration_access_token.is_some() && read.registration_client_uri.is_some());
    let mut metadata = read.metadata.clone();
    metadata.client_name = Some("Invoices".to_owned());
    let updated = client.update_registration(&read, &metadata).await.unwrap();
    assert_eq!(updated.metadata.client_name.as_deref(), Some("Invoices"));
    let sent = idp.requests(Endpoint::Registration).pop().unwrap();
    assert_eq!(sent.method.as_str(), "PUT");
    for (member, is_there) in [
        ("\"client_id\"", true),
        ("\"client_secret\"", true),
        ("registration_access_token", false),
        ("registration_client_uri", false),
        ("client_secret_expires_at", false),
    ] {
        assert_eq!(sent.body.contains(member), is_there, "RFC 7592 §2.2: {member}");
    }
    let error = client.read_registration(&first).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidToken { .. })), "the token was replaced");
    client.delete_registration(&updated).await.unwrap();
    assert!(!idp.knows_client(&updated.credentials.client_id));
    client.delete_registration(&updated).await.unwrap_err();
}

#[tokio::test]
async fn an_answer_about_another_client_and_an_address_inside_the_net_are_not_taken() {
    let idp = TestAuthServer::start();
    let asked = wanted(ClientAuthMethod::ClientSecretBasic);
    let (builder, registered) = stranger(&idp).await.register(&asked).await.unwrap();
    let client = builder.build().unwrap();
    let other = r#"{"client_id":"somebody-else"}"#.to_owned();
    idp.next(Endpoint::Registration, Fault::Answer(200, "application/json", other));
    let error = client.read_registration(&registered).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Network(NetworkError::UnusableAnswer { .. })), "{error:?}");
    for address in ["http://169.254.169.254/c", "https://10.0.0.1/c", "http://id.test/c", "nowhere"] {
        let answer = format!(
            r#"{{"client_id":"c","client_name":null,"registration_access_token":"t","registration_client_uri":"{address}"}}"#
        );
        idp.next(Endpoint::Registration, Fault::Answer(201, "application/json", answer));
        let (_, registered) = stranger(&idp).await.register(&asked).await.unwrap();
        assert_eq!(registered.registration_client_uri, None, "{address}");
        assert!(client.read_registration(&registered).await.is_err());
    }
}

#[tokio::test]
async fn only_the_token_of_the_registration_is_sent_to_its_address() {
    let idp = TestAuthServer::start();
    let asked = wanted(ClientAuthMethod::ClientSecretBasic);
    let (builder, mut registered) = stranger(&idp).await.register(&asked).await.unwrap();
    registered.registration_access_token = Some(SecretString::from("another"));
    let error = builder.build().unwrap().read_registration(&registered).await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::Reauthenticate);
    let sent = idp.requests(Endpoint::Registration).pop().unwrap();
    assert_eq!((sent.authorization.as_deref(), sent.body.as_str()), (Some("Bearer another"), ""));
}
