//! A client of some API, built on this module and its primitives: what every other integration does with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ayb_client::http::{HttpRequest, HttpResponse, HttpTransport, Method, TransportError};
use ayb_client::mock::TestAuthServer;
use ayb_client::primitives::circuit_breaker::{BreakerPolicy, CircuitBreaker as _, Outcome, WindowBreaker};
use ayb_client::{DpopKey, OAuth2, OAuth2Error};
use url::Url;

/// An API of orders, with the tokens of one program.
struct Orders {
    auth: OAuth2,
    transport: Arc<dyn HttpTransport>,
    breaker: WindowBreaker,
    url: Url,
}

impl Orders {
    async fn list(&self) -> Result<String, OAuth2Error> {
        let answer = self.get().await?;
        let wants_nonce = OAuth2::wants_nonce(answer.status, answer.header("www-authenticate"));
        let answer = if wants_nonce { self.get().await? } else { answer };
        assert_eq!(answer.status, 200);
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    async fn get(&self) -> Result<HttpResponse, OAuth2Error> {
        let token = self.auth.own_tokens(["orders"]).get_access_token().await?;
        let headers = self.auth.authorize_request("GET", &self.url, &token)?;
        self.breaker.try_acquire().unwrap();
        let request = HttpRequest { method: Method::Get, url: self.url.clone(), headers, body: None };
        let answer = self.transport.send(request, Duration::from_secs(5)).await.unwrap();
        self.breaker.record(Outcome::Success);
        if let Some(nonce) = answer.header("dpop-nonce") {
            self.auth.remember_nonce(&self.url, nonce);
        }
        Ok(answer)
    }
}

/// The API: it lets in whom the provider's tokens let in, and wants a nonce of its own in proofs.
struct Api {
    idp: TestAuthServer,
    asked: Mutex<Vec<u16>>,
}

#[async_trait]
impl HttpTransport for Api {
    async fn send(&self, request: HttpRequest, _: Duration) -> Result<HttpResponse, TransportError> {
        let proof =
            request.headers.iter().find(|(name, _)| *name == "dpop").map(|(_, proof)| proof.to_string());
        let proof = proof.and_then(|proof| ayb_protocol::jose::jwt::Unverified::parse(&proof).ok());
        let is_fresh = proof.is_none_or(|proof| proof.text("nonce") == Some("of-the-api"));
        let (status, challenge) = match self.idp.accepts_request("GET", &request.url, &request.headers) {
            true if is_fresh => (200, ""),
            true => (401, r#"DPoP error="use_dpop_nonce""#),
            false => (401, r#"DPoP error="invalid_token""#),
        };
        self.asked.lock().unwrap().push(status);
        let headers = [("dpop-nonce", "of-the-api"), ("www-authenticate", challenge)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Ok(HttpResponse { status, headers, body: "[]".into() })
    }
}

#[tokio::test]
async fn another_integration_stands_on_it() {
    for (key, expected) in [(None, vec![200, 200]), (DpopKey::generate().ok(), vec![401, 200, 200])] {
        let idp = TestAuthServer::start();
        let auth = idp.confidential("orders").configure(|config| config.dpop = key).build().unwrap();
        let api = Arc::new(Api { idp: idp.clone(), asked: Mutex::default() });
        let breaker = WindowBreaker::new(BreakerPolicy::default(), Arc::new(idp.clock().clone()));
        let url = Url::parse("https://orders.test/v1/orders").unwrap();
        let orders = Orders { auth, transport: api.clone(), breaker, url };
        assert_eq!(orders.list().await.unwrap(), "[]");
        assert_eq!(orders.list().await.unwrap(), "[]");
        assert_eq!(
            *api.asked.lock().unwrap(),
            expected,
            "one answer to a demand, and the nonce is remembered"
        );
        assert_eq!(idp.requests(ayb_client::Endpoint::Token).len(), 1, "one token for all");
    }
}
