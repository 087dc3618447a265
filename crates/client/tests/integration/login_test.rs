//! A sign-in by every way at once: the first that ends wins, and a way that breaks takes nothing with it.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ayb_client::error::{ConfigurationError, DeviceFlowError, NetworkError};
use ayb_client::login::{LoginPrompt, Way};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::primitives::types::{ManualTime, TimeProvider};
use ayb_client::{Endpoint, OAuth2, OAuth2Client as _, OAuth2Error, TokenStorageKey};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use url::Url;

/// The server's clock, on which no wait ends: whoever polls stays at it.
struct Frozen(ManualTime);

#[async_trait::async_trait]
impl TimeProvider for Frozen {
    fn unix_time(&self) -> Duration {
        self.0.unix_time()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    async fn sleep(&self, _: Duration) {
        pending::<()>().await;
    }
}

fn patient(idp: &TestAuthServer) -> OAuth2 {
    idp.client("app").time(Arc::new(Frozen(idp.clock().clone()))).build().unwrap()
}

/// A browser that arrives at an address of this machine.
async fn arrive(at: Url, host: &str) -> String {
    let mut stream = TcpStream::connect((host, at.port().unwrap())).await.unwrap();
    let head = format!("GET {}?{} HTTP/1.1\r\nHost: x\r\n\r\n", at.path(), at.query().unwrap());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut page = String::new();
    let _end = stream.read_to_string(&mut page).await;
    page
}

#[tokio::test]
async fn the_browser_wins_while_a_code_for_another_device_waits() {
    let idp = TestAuthServer::start();
    let client = patient(&idp);
    let codes = Mutex::new(0);
    let show = |prompt: LoginPrompt<'_>| match prompt {
        LoginPrompt::Open { url, can_paste } => {
            assert!(!can_paste);
            tokio::spawn(arrive(idp.approve(url), "127.0.0.1"));
        }
        LoginPrompt::Type(_) => *codes.lock().unwrap() += 1,
        _ => {}
    };
    let key = TokenStorageKey::new("local").user("ada");
    let login = client.login().scopes(["openid", "orders"]).or_device().show(show).save_as(key.clone());
    let me = login.timeout(Duration::from_secs(30)).run().await.unwrap();
    assert_eq!((me.way, *codes.lock().unwrap()), (Way::Loopback, 1));
    assert!(!me.claims.as_ref().unwrap().subject().is_empty());
    let kept = client.tokens_for(&key).get_access_token().await.unwrap();
    assert!(idp.accepts(kept.secret()));
    assert!(!client.tokens().has_tokens().await.unwrap(), "kept under its key only");
    assert!(!format!("{me:?}").contains("canary"));
}

#[tokio::test]
async fn the_port_answers_by_both_versions_of_the_internet_protocol() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let show = |prompt: LoginPrompt<'_>| {
        if let LoginPrompt::Open { url, .. } = prompt {
            let back = idp.approve(url);
            assert_eq!(back.host_str(), Some("127.0.0.1"));
            let six = std::net::TcpListener::bind("[::1]:0").is_ok();
            tokio::spawn(async move { arrive(back, if six { "::1" } else { "127.0.0.1" }).await });
        }
    };
    let me = client.login().show(show).timeout(Duration::from_secs(30)).run().await.unwrap();
    assert_eq!(me.way, Way::Loopback);
}

#[tokio::test]
async fn a_code_on_another_device_wins_while_nobody_opens_the_address() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let show = |prompt: LoginPrompt<'_>| {
        if let LoginPrompt::Type(codes) = prompt {
            idp.decide_device(&codes.user_code, true);
        }
    };
    let me = client.login().scopes(["orders"]).or_device().show(show).save().run().await.unwrap();
    assert_eq!(me.way, Way::Device);
    assert!(idp.accepts(client.tokens().get_access_token().await.unwrap().secret()));
}

#[tokio::test]
async fn what_is_pasted_is_taken_when_it_is_the_answer_and_passed_over_when_not() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let (paste, lines) = mpsc::channel(8);
    let refused = Mutex::new(0);
    let show = |prompt: LoginPrompt<'_>| match prompt {
        LoginPrompt::Open { url, can_paste } => {
            assert!(can_paste);
            let mut forged = idp.approve(url);
            forged.set_query(Some("code=evil&state=evil"));
            for line in ["", "nonsense", forged.as_str(), &format!("  {}  ", idp.approve(url))] {
                paste.try_send(line.to_owned()).unwrap();
            }
        }
        LoginPrompt::NotTheAnswer => *refused.lock().unwrap() += 1,
        _ => {}
    };
    let login = client.login().or_paste(lines).show(show).timeout(Duration::from_secs(30));
    assert_eq!(login.run().await.unwrap().way, Way::Pasted);
    assert_eq!(*refused.lock().unwrap(), 2);
    assert_eq!(idp.requests(Endpoint::Token).len(), 1, "what is forged costs no request");
}

#[tokio::test]
async fn a_way_that_breaks_leaves_it_to_the_others_and_a_refusal_ends_all() {
    let idp = TestAuthServer::start();
    let client = patient(&idp);
    idp.next(Endpoint::DeviceAuthorization, Fault::Error("unauthorized_client"));
    let show = |prompt: LoginPrompt<'_>| {
        if let LoginPrompt::Open { url, .. } = prompt {
            tokio::spawn(arrive(idp.approve(url), "127.0.0.1"));
        }
    };
    let login = client.login().or_device().show(show).timeout(Duration::from_secs(30));
    assert_eq!(login.run().await.unwrap().way, Way::Loopback);

    let client = idp.client("app").build().unwrap();
    let show = |prompt: LoginPrompt<'_>| {
        if let LoginPrompt::Type(codes) = prompt {
            idp.decide_device(&codes.user_code, false);
        }
    };
    let refused = client.login().or_device().show(show).timeout(Duration::from_secs(30)).run().await;
    assert!(
        matches!(refused, Err(OAuth2Error::DeviceFlow(DeviceFlowError::AccessDenied { .. }))),
        "{refused:?}"
    );
    let show = |prompt: LoginPrompt<'_>| {
        if let LoginPrompt::Open { url, .. } = prompt {
            tokio::spawn(arrive(idp.deny(url), "127.0.0.1"));
        }
    };
    let refused = patient(&idp).login().or_device().show(show).timeout(Duration::from_secs(30)).run().await;
    assert!(matches!(refused, Err(OAuth2Error::Authorization(_))), "{refused:?}");
}

#[tokio::test]
async fn without_a_way_there_is_an_error_at_once_and_with_one_a_limit() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let none = client.login().without_loopback().run().await.unwrap_err();
    assert!(matches!(none, OAuth2Error::Configuration(ConfigurationError::Invalid(_))), "{none}");
    let late = client.login().timeout(Duration::from_millis(20)).run().await.unwrap_err();
    assert!(matches!(late, OAuth2Error::Network(NetworkError::Timeout { .. })), "{late}");
    let without = idp.client("app").configure(|config| {
        config.provider.device_authorization_endpoint = None;
    });
    let none = without.build().unwrap().login().without_loopback().or_device().run().await.unwrap_err();
    assert!(matches!(none, OAuth2Error::Configuration(_)), "{none}");
}
