//! How the client proves itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ayb_client::error::ConfigurationError;
use ayb_client::mock::TestAuthServer;
use ayb_client::{
    Algorithm, ClientAuthMethod, ClientAuthenticator, ClientCredentials, Endpoint, JwsSigner,
    OAuth2Client as _, OAuth2Error, SecretString,
};

#[tokio::test]
async fn every_method_is_taken_by_a_server_that_checks_it() {
    let idp = TestAuthServer::start();
    let methods = [
        (ClientAuthMethod::Auto, "header"),
        (ClientAuthMethod::ClientSecretBasic, "header"),
        (ClientAuthMethod::ClientSecretPost, "client_secret"),
        (ClientAuthMethod::ClientSecretJwt, "client_assertion"),
    ];
    for (method, place) in methods {
        let client = idp
            .confidential("svc")
            .configure(|config| config.credentials.auth_method = method)
            .build()
            .unwrap();
        client
            .client_credentials()
            .request_token(None)
            .await
            .unwrap_or_else(|error| panic!("{method:?}: {error}"));
        let request = idp.requests(Endpoint::Token).pop().unwrap();
        assert_eq!(request.authorization.is_some(), place == "header", "{method:?}");
        assert_eq!(request.form.contains_key(place), place != "header", "{method:?}");
    }
    let client = idp.with_key("keyed").build().unwrap();
    client.client_credentials().request_token(None).await.unwrap();
    let request = idp.requests(Endpoint::Token).pop().unwrap();
    assert_eq!(
        request.form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
}

#[tokio::test]
async fn name_and_secret_may_have_any_signs() {
    let idp = TestAuthServer::start();
    for (name, method) in
        [("a:b c", ClientAuthMethod::ClientSecretBasic), ("ü%&", ClientAuthMethod::ClientSecretPost)]
    {
        let client = idp
            .confidential(name)
            .configure(|config| config.credentials.auth_method = method)
            .build()
            .unwrap();
        client
            .client_credentials()
            .request_token(None)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn an_assertion_is_new_for_every_attempt_and_lives_a_minute() {
    use ayb_client::mock::Fault;
    let idp = TestAuthServer::start();
    let client = idp.with_key("keyed").build().unwrap();
    idp.next(Endpoint::Token, Fault::Status(500));
    client.client_credentials().request_token(None).await.unwrap();
    let requests = idp.requests(Endpoint::Token);
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].form["client_assertion"], requests[1].form["client_assertion"]);
    let name = |n: usize| {
        let unverified =
            ayb_protocol::jose::jwt::Unverified::parse(&requests[n].form["client_assertion"]).unwrap();
        assert_eq!((unverified.issuer(), unverified.subject()), (Some("keyed"), Some("keyed")));
        assert_eq!(unverified.text("aud"), Some("https://id.test"), "one text: the issuer");
        unverified.text("jti").unwrap().to_owned()
    };
    assert_ne!(name(0), name(1));
}

#[tokio::test]
async fn a_secret_that_is_too_short_makes_no_assertion() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").configure(|config| {
        config.credentials.auth_method = ClientAuthMethod::ClientSecretJwt;
        config.credentials.client_secret = Some("short".into());
    });
    let error = client.build().unwrap().client_credentials().request_token(None).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Configuration(_)), "{error}");
    assert!(idp.requests(Endpoint::Token).is_empty());
}

struct Vault;

#[async_trait]
impl ClientAuthenticator for Vault {
    async fn authenticate(&self, endpoint: Endpoint) -> Result<Vec<(String, SecretString)>, OAuth2Error> {
        Ok(vec![("proof".to_owned(), format!("for {endpoint}").into())])
    }
}

#[tokio::test]
async fn a_proof_of_another_kind_can_be_brought() {
    let idp = TestAuthServer::start();
    let client =
        idp.client("app").configure(|config| config.credentials.authenticator = Some(Arc::new(Vault)));
    client.build().unwrap().client_credentials().request_token(None).await.unwrap();
    assert_eq!(idp.requests(Endpoint::Token)[0].form["proof"], "for token");
}

#[tokio::test]
async fn name_and_secret_go_out_unencoded_for_a_server_that_wants_them_so() {
    let idp = TestAuthServer::start();
    let header = async |method: ClientAuthMethod| {
        let client = idp.confidential("a b").configure(|config| {
            config.credentials.auth_method = method;
            config.credentials.client_secret = Some("s:%+".into());
        });
        client.build().unwrap().client_credentials().request_token(None).await.unwrap_err();
        idp.requests(Endpoint::Token).pop().unwrap().authorization.unwrap()
    };
    assert_eq!(header(ClientAuthMethod::ClientSecretBasicRaw).await, "Basic YSBiOnM6JSs=", "a b:s:%+");
    assert_eq!(
        header(ClientAuthMethod::ClientSecretBasic).await,
        "Basic YStiOnMlM0ElMjUlMkI=",
        "a+b:s%3A%25%2B"
    );
}

#[tokio::test]
async fn an_assertion_is_for_whom_the_provider_wants_it() {
    let idp = TestAuthServer::start();
    let client = idp.with_key("keyed").configure(|config| {
        config.provider.assertion_audience = Some("https://id.test/token".to_owned());
    });
    client.build().unwrap().client_credentials().request_token(None).await.unwrap_err();
    let request = idp.requests(Endpoint::Token).pop().unwrap();
    let assertion = ayb_protocol::jose::jwt::Unverified::parse(&request.form["client_assertion"]).unwrap();
    assert_eq!(assertion.text("aud"), Some("https://id.test/token"));
}

/// A key that is asked and never handed out.
struct Module {
    key: Arc<dyn JwsSigner>,
    asked: Arc<AtomicUsize>,
    is_locked: bool,
}

#[async_trait]
impl JwsSigner for Module {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    fn key_id(&self) -> Option<&str> {
        None
    }

    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, OAuth2Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_locked {
            return Err(ConfigurationError::Invalid("the module is locked").into());
        }
        self.key.sign(input).await
    }
}

#[tokio::test]
async fn a_key_outside_the_process_signs_and_nothing_is_sent_when_it_does_not() {
    let asked = Arc::new(AtomicUsize::new(0));
    for is_locked in [false, true] {
        let idp = TestAuthServer::start();
        let client = idp.with_key("keyed").configure(|config| {
            let key = config.credentials.key.take().unwrap();
            let module = Module { key, asked: Arc::clone(&asked), is_locked };
            config.credentials = ClientCredentials::with_key("keyed", module);
        });
        let result = client.build().unwrap().client_credentials().request_token(None).await;
        assert_eq!(result.is_err(), is_locked);
        assert_eq!(idp.requests(Endpoint::Token).is_empty(), is_locked);
        if let Some(request) = idp.requests(Endpoint::Token).pop() {
            assert!(request.form.contains_key("client_assertion"));
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_client_with_a_certificate_sends_its_name_and_leaves_the_proof_to_the_transport() {
    for method in [ClientAuthMethod::TlsClientAuth, ClientAuthMethod::SelfSignedTlsClientAuth] {
        let idp = TestAuthServer::start();
        let client = idp.client("app").configure(|config| config.credentials.auth_method = method);
        client.build().unwrap().client_credentials().request_token(None).await.unwrap();
        let request = idp.requests(Endpoint::Token).pop().unwrap();
        assert_eq!(request.form["client_id"], "app");
        assert!(request.authorization.is_none() && !request.form.contains_key("client_secret"));
    }
}
