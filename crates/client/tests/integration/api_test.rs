//! Tokens on requests to APIs: to one origin and no other, renewed once after a 401, and never sent again with a body that is gone.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ayb_client::http::{ApiClient, ApiError, ByClone, LayerError, Repeat, TokenLayer};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{DpopKey, Endpoint, OAuth2, OAuth2Error};
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::kit::signed_in;

/// An API on a port: the heads and bodies that came, and the statuses that it answers with one after the other, then 200.
#[derive(Clone)]
struct Api {
    base: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Api {
    async fn answering(statuses: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://127.0.0.1:{}/v1/", listener.local_addr().unwrap().port());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, mut statuses) = (Arc::clone(&seen), VecDeque::from(statuses.to_vec()));
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let mut bytes = vec![0; 8192];
                let count = stream.read(&mut bytes).await.unwrap_or(0);
                kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..count]).into_owned());
                let status = statuses.pop_front().unwrap_or("200 OK");
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
                let _written = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { base, seen }
    }

    /// The token of each request; empty without one.
    fn tokens(&self) -> Vec<String> {
        let token = |head: &String| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization: "));
            line.map_or_else(String::new, |line| line[15..].to_owned())
        };
        self.seen.lock().unwrap().iter().map(token).collect()
    }
}

async fn client(idp: &TestAuthServer) -> OAuth2 {
    let client = idp.client("app").build().unwrap();
    signed_in(idp, &client).await;
    client
}

#[tokio::test]
async fn a_request_carries_the_token_and_is_sent_once_more_after_a_401_with_a_renewed_one() {
    let idp = TestAuthServer::start();
    let client = client(&idp).await;
    let api = Api::answering(&["401 Unauthorized"]).await;
    let http = client.http_client(&api.base).unwrap();
    let answer = http.post("orders").query([("a", "b c")]).json(&vec![1]).send().await.unwrap();
    assert_eq!((answer.status, &answer.body[..], idp.refreshes()), (200, &b"ok"[..], 1));
    let tokens = api.tokens();
    assert!(tokens.len() == 2 && tokens[0] != tokens[1], "{tokens:?}");
    assert!(tokens.iter().all(|token| token.starts_with("Bearer ")));
    for seen in api.seen.lock().unwrap().iter() {
        assert!(seen.starts_with("POST /v1/orders?a=b+c ") && seen.ends_with("\r\n\r\n[1]"), "{seen}");
    }
}

#[tokio::test]
async fn a_second_401_is_the_answer_and_so_is_one_without_a_way_to_renew() {
    let idp = TestAuthServer::start();
    let signed = client(&idp).await;
    let stubborn = Api::answering(&["401 Unauthorized"; 5]).await;
    let answer = signed.http_client(&stubborn.base).unwrap().get("a").send().await.unwrap();
    assert_eq!((answer.status, stubborn.tokens().len(), idp.refreshes()), (401, 2, 1));

    idp.next(Endpoint::Token, Fault::Error("invalid_grant"));
    let api = Api::answering(&["401 Unauthorized"; 5]).await;
    let answer = signed.http_client(&api.base).unwrap().get("a").send().await.unwrap();
    assert_eq!((answer.status, api.tokens().len()), (401, 1));
    let error = signed.http_client(&api.base).unwrap().get("a").send().await.unwrap_err();
    assert!(
        matches!(error, ApiError::NoToken(_)) && api.tokens().len() == 1,
        "not sent without one: {error}"
    );
}

#[tokio::test]
async fn many_requests_that_are_refused_at_once_renew_once() {
    let idp = TestAuthServer::start();
    let client = client(&idp).await;
    let api = Api::answering(&["401 Unauthorized"; 8]).await;
    let http = client.http_client(&api.base).unwrap();
    let sent: Vec<_> = (0..8).map(|_| tokio::spawn(http.get("a").send())).collect();
    for request in sent {
        assert_ne!(request.await.unwrap().unwrap().status, 0);
    }
    // The first eight that arrive are refused, and one that comes again may be among them.
    let distinct: HashSet<_> = api.tokens().into_iter().collect();
    assert!(idp.refreshes() < 8 && distinct.len() == idp.refreshes() + 1, "{}", idp.refreshes());
}

#[tokio::test]
async fn no_token_goes_to_another_origin_nor_through_a_redirect() {
    let idp = TestAuthServer::start();
    let client = client(&idp).await;
    let other = Api::answering(&[]).await;
    let to_other: &'static str =
        Box::leak(format!("307 Temporary Redirect\r\nlocation: {}", other.base).into_boxed_str());
    let api = Api::answering(&[to_other]).await;
    let http = client.http_client(&api.base).unwrap();
    let port_only = other.base.replace("/v1/", "/");
    for elsewhere in
        ["//evil.test/x", "https://evil.test/", &port_only, &api.base.replace("127.0.0.1", "localhost")]
    {
        let error = http.get(elsewhere).send().await.unwrap_err();
        assert!(matches!(error, ApiError::OtherOrigin), "{elsewhere}: {error}");
    }
    let answer = http.get("a").send().await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (307, Some(other.base.as_str())));
    assert_eq!((api.tokens().len(), other.tokens().len()), (1, 0));
    for bad in ["http://api.example/", "ftp://api.example/", "https://user@api.example/", "nothing"] {
        assert!(matches!(client.http_client(bad).err(), Some(OAuth2Error::Configuration(_))), "{bad}");
    }
    let forged = http.get("a").header("authorization", "Bearer mine").send().await;
    assert!(matches!(forged, Err(ApiError::Unwritable(_))));
    let svc = idp.confidential("svc").build().unwrap();
    let own =
        ApiClient::new(&svc, svc.own_tokens(["orders"]), &api.base).unwrap().get("b").send().await.unwrap();
    assert_eq!((own.status, api.tokens().len()), (200, 2));
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_goes_with_a_proof_and_a_nonce_costs_no_renewal() {
    let idp = TestAuthServer::start().requiring_dpop();
    let client =
        idp.client("app").configure(|config| config.dpop = DpopKey::generate().ok()).build().unwrap();
    signed_in(&idp, &client).await;
    let wants_nonce =
        "401 Unauthorized\r\nwww-authenticate: DPoP error=\"use_dpop_nonce\"\r\ndpop-nonce: n-1";
    let api = Api::answering(&[wants_nonce]).await;
    let answer = client.http_client(&api.base).unwrap().get("a").send().await.unwrap();
    let tokens = api.tokens();
    assert_eq!((answer.status, tokens.len(), idp.refreshes()), (200, 2, 0));
    assert!(tokens[0].starts_with("DPoP ") && tokens[0] == tokens[1], "the same token");
    let proof = |head: &String| head.lines().find(|line| line.starts_with("dpop: ")).unwrap().to_owned();
    let proofs: Vec<_> = api.seen.lock().unwrap().iter().map(proof).collect();
    assert!(proofs[0] != proofs[1] && proofs[1].len() > proofs[0].len(), "a new one, with the nonce");
}

/// A service that keeps what comes and answers as it was told.
#[derive(Clone, Default)]
struct Inner {
    seen: Arc<Mutex<Vec<Request<String>>>>,
    refuses: Arc<Mutex<usize>>,
}

impl Service<Request<String>> for Inner {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        self.seen.lock().unwrap().push(request);
        let mut left = self.refuses.lock().unwrap();
        let mut answer = Response::new(());
        if *left > 0 {
            *left -= 1;
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
        }
        ready(Ok(answer))
    }
}

async fn through<R: Repeat<String>>(
    layer: TokenLayer<R>,
    inner: &Inner,
    request: Request<String>,
) -> Result<StatusCode, LayerError<Infallible>> {
    let mut service = layer.layer(inner.clone());
    poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await.map(|answer| answer.status())
}

fn request(uri: &str) -> Request<String> {
    Request::post(uri).header("x-mine", "1").body("body".to_owned()).unwrap()
}

#[tokio::test]
async fn the_layer_attaches_tokens_to_its_origin_and_leaves_the_rest_alone() {
    let idp = TestAuthServer::start();
    let client = client(&idp).await;
    let layer = TokenLayer::only("https://api.example", &client, Arc::new(client.default_tokens())).unwrap();
    let inner = Inner::default();
    let mut with_own = request("https://api.example/a");
    with_own.headers_mut().insert("authorization", "Basic mine".parse().unwrap());
    for request in [
        request("https://api.example/a"),
        request("https://api.example:443/a"),
        request("https://api.example:8443/a"),
        request("http://api.example/a"),
        request("https://api.example.evil.test/a"),
        request("/a"),
        with_own,
    ] {
        assert_eq!(through(layer.clone(), &inner, request).await.unwrap(), StatusCode::OK);
    }
    let seen = inner.seen.lock().unwrap();
    let header = |request: &Request<String>| request.headers().get("authorization").cloned();
    let carried: Vec<_> =
        seen.iter().map(|request| header(request).map(|value| value.is_sensitive())).collect();
    assert_eq!(carried, [Some(true), Some(true), None, None, None, None, Some(false)]);
}

#[tokio::test]
async fn the_layer_repeats_a_request_once_and_only_if_its_body_can_be_had_again() {
    let idp = TestAuthServer::start();
    let client = client(&idp).await;
    let layer =
        || TokenLayer::only("https://api.example", &client, Arc::new(client.default_tokens())).unwrap();
    let refusing = || {
        let inner = Inner::default();
        *inner.refuses.lock().unwrap() = 5;
        inner
    };
    let inner = refusing();
    let status = through(layer(), &inner, request("https://api.example/a")).await.unwrap();
    assert_eq!((status, inner.seen.lock().unwrap().len(), idp.refreshes()), (StatusCode::UNAUTHORIZED, 1, 0));

    let inner = refusing();
    let gone = layer().repeating(|_: &String| None);
    assert_eq!(
        through(gone, &inner, request("https://api.example/a")).await.unwrap(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!((inner.seen.lock().unwrap().len(), idp.refreshes()), (1, 0));

    let inner = refusing();
    let status = through(layer().repeating(ByClone), &inner, request("https://api.example/a")).await.unwrap();
    let seen = inner.seen.lock().unwrap();
    assert_eq!((status, seen.len(), idp.refreshes()), (StatusCode::UNAUTHORIZED, 2, 1));
    assert_eq!(
        (seen[1].body().as_str(), &seen[1].headers()["x-mine"], seen[1].method().as_str()),
        ("body", &"1".parse().unwrap(), "POST")
    );
    assert_ne!(seen[0].headers()["authorization"], seen[1].headers()["authorization"]);
}

#[tokio::test]
async fn the_layer_sends_nothing_when_there_is_no_token() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let layer = TokenLayer::only("https://api.example", &client, Arc::new(client.default_tokens())).unwrap();
    let inner = Inner::default();
    let error = through(layer, &inner, request("https://api.example/a")).await.unwrap_err();
    assert!(matches!(error, LayerError::NoToken(_)) && inner.seen.lock().unwrap().is_empty(), "{error}");
}
