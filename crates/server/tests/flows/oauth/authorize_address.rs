//! Where an answer may go: until client and redirect URI are trusted, nowhere but to the person (RFC 6749 §4.1.2.1).

use crate::kit::client::{Client, REDIRECT_URI, query};
use crate::kit::{Reply, TestApp};

const PATHS: [&str; 3] = ["/oauth/authorize", "/api/auth/authorize", "/oauth/consent"];

/// Addresses that look like the registered one.
const LOOK_ALIKES: [&str; 32] = [
    "https://app.example/callback/",
    "https://app.example/callback?a=1",
    "https://app.example/callback?",
    "https://app.example/callback#",
    "https://app.example/callback#x",
    "https://app.example/Callback",
    "https://app.example/callback/../callback",
    "https://app.example/./callback",
    "https://app.example/%63allback",
    "https://app.example//callback",
    "https://app.example/callback%2e",
    "https://app.example/callback%00",
    "https://app.example/callback ",
    " https://app.example/callback",
    "https://app.example/callback\n",
    "https://app.example\\callback",
    "https://APP.example/callback",
    "HTTPS://app.example/callback",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://app.example./callback",
    "https://app.example.evil.example/callback",
    "https://evil.example/callback",
    "https://evil.example@app.example/callback",
    "https://app.example@evil.example/callback",
    "https://аpp.example/callback",
    "https://xn--pp-8cd.example/callback",
    "http://app.example/callback",
    "//app.example/callback",
    "/callback",
    "javascript:alert(1)//https://app.example/callback",
    "data:text/html,https://app.example/callback",
];

fn is_kept_here(reply: &Reply, case: &str, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{case}: {reply}");
    assert_eq!((reply.location(), reply.header("www-authenticate")), ("", ""), "{case}");
    assert!(reply.headers.get("refresh").is_none(), "{case}");
    if reply.header("content-type").starts_with("application/json") {
        assert_eq!(reply.error(), code, "{case}");
    } else {
        assert_eq!(reply.page().text_of("error-code"), code, "{case}: {reply}");
    }
}

async fn ask_everywhere(app: &TestApp, request: &str, case: &str, status: u16, code: &str) {
    for path in PATHS {
        let address = format!("{path}?{request}");
        is_kept_here(&app.get(&address).await, case, status, code);
        is_kept_here(&app.get(&address).accept_json().await, case, status, code);
    }
}

#[tokio::test]
async fn an_unknown_client_gets_a_page_and_no_redirect() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let near_miss = client.client_id.to_uppercase();
    let unknown = format!("ayb_cid_{}", "0".repeat(48));
    for client_id in [&unknown, &near_miss, "nobody", "ayb_cid_", "'; drop table x", "<script>"] {
        let request = query(&client.request("openid", &[("client_id", client_id)]));
        ask_everywhere(&app, &request, client_id, 400, "invalid_client").await;
    }
}

/// Words of the protocol that nobody has to understand who came here with a browser.
const WORDS: [&str; 9] =
    ["redirect_uri", "client", "parameter", "scope", "request", "token", "utf-8", "header", "registered"];

#[tokio::test]
async fn the_page_of_an_error_speaks_to_people_and_keeps_the_details_for_those_who_make_the_app() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let unknown = client.request("openid", &[("client_id", "ayb_cid_0")]);
    let elsewhere = client.request("openid", &[("redirect_uri", "https://evil.example")]);
    let ask = |pairs: &[(String, String)]| app.get(&format!("/oauth/authorize?{}", query(pairs)));
    for (reply, detail) in [
        (ask(&unknown).await, "This app is not known here."),
        (ask(&elsewhere).await, "The redirect_uri is not registered for this client."),
        (ask(&[]).await, "client_id is missing."),
        (app.get("/oauth/authorize?x=%ff").await, "The parameters are not well-formed."),
        (
            app.post("/login").body("text/plain", "x").await,
            "The body must be application/x-www-form-urlencoded.",
        ),
    ] {
        let page = reply.page();
        assert_eq!(page.text_of("error-detail"), detail, "{reply}");
        for element in page.all("p").filter(|element| element.attribute("class").is_some()) {
            let text = element.text.to_lowercase();
            assert!(!WORDS.iter().any(|word| text.contains(word)), "{detail}: {text}");
        }
        assert!(page.text.contains("Go back"), "{detail}: says what to do");
    }
}

#[tokio::test]
async fn a_revoked_client_gets_a_page_and_no_redirect() {
    for app in TestApp::everywhere().await {
        let client = app.confidential_client().await;
        app.app.store.revoke_client(&client.id, app.clock.now()).await.unwrap();
        let request = query(&client.request("openid", &[]));
        ask_everywhere(&app, &request, "revoked", 400, "invalid_client").await;
    }
}

#[tokio::test]
async fn a_missing_or_repeated_address_gets_a_page_and_no_redirect() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let good = query(&client.request("openid", &[]));
    let cases = [
        query(&client.request("openid", &[("client_id", "")])),
        query(&client.request("openid", &[("redirect_uri", "")])),
        format!("{good}&client_id={}", client.client_id),
        format!("{good}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"),
        format!("{good}&redirect_uri=https%3A%2F%2Fevil.example"),
        format!("redirect_uri=https%3A%2F%2Fevil.example&{good}"),
        String::new(),
        format!("{good}&x=%ff"),
        format!("{good}&x=%"),
        format!("{good}&x=%00"),
    ];
    for request in cases {
        ask_everywhere(&app, &request, &request, 400, "invalid_request").await;
    }
}

#[tokio::test]
async fn a_redirect_uri_matches_byte_for_byte_or_gets_a_page() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    for address in LOOK_ALIKES {
        let request = query(&client.request("openid", &[("redirect_uri", address)]));
        ask_everywhere(&app, &request, address, 400, "invalid_request").await;
    }
    let second = app.confidential_client().with(|draft| draft.redirect_uris.push(other())).await;
    for address in [REDIRECT_URI, &other()] {
        let location = app.get(&second.authorize("openid", &[("redirect_uri", address)])).await;
        assert!(location.location().starts_with("/login"), "{address}: {location}");
    }
}

fn other() -> String {
    "https://app.example/callback/second".to_owned()
}

#[tokio::test]
async fn a_page_about_a_bad_request_repeats_nothing_of_it() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    for address in ["https://evil.example/\"><script>alert(1)</script>", "javascript:alert('CANARY')"] {
        let with = [("redirect_uri", address), ("state", "CANARY"), ("scope", "CANARY")];
        let reply = app.get(&client.authorize("openid", &with)).await;
        let text = reply.text();
        assert!(!text.contains("CANARY") && !text.contains("evil.example"), "{text}");
    }
}

async fn loopback(app: &TestApp, registered: &str) -> Client {
    app.public_client().with(|draft| draft.redirect_uris = vec![registered.to_owned()]).await
}

#[tokio::test]
async fn a_loopback_address_matches_any_port_unless_it_is_registered_with_one() {
    let app = TestApp::start().await;
    for (registered, good, bad) in [
        (
            "http://127.0.0.1/cb",
            &["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"][..],
            &[
                "http://127.0.0.1:65536/cb",
                "http://127.0.0.1:0/cb",
                "http://127.0.0.1:080/cb",
                "http://127.0.0.1:/cb",
                "http://127.0.0.1:*/cb",
                "http://127.0.0.1:1/other",
                "http://127.0.0.1:1/cb/",
                "http://127.0.0.2:1/cb",
                "http://localhost:1/cb",
                "http://127.0.0.1:1@evil.example/cb",
                "http://127.0.0.1:1.evil.example/cb",
                "https://127.0.0.1:1/cb",
            ][..],
        ),
        ("http://[::1]/cb", &["http://[::1]:5000/cb"], &["http://[::2]:5000/cb", "http://::1:5000/cb"]),
        (
            "http://localhost:*/cb",
            &["http://localhost/cb", "http://localhost:5000/cb"],
            &["http://localhost:*/cb", "http://localhost.evil:5000/cb", "http://localhost.evil.example/cb"],
        ),
        (
            "http://localhost:5000/cb",
            &["http://localhost:5000/cb"],
            &["http://localhost:5001/cb", "http://localhost/cb"],
        ),
    ] {
        let client = loopback(&app, registered).await;
        for address in good {
            let reply = app.get(&client.authorize("openid", &[("redirect_uri", address)])).await;
            assert!(reply.location().starts_with("/login"), "{registered} {address}: {reply}");
        }
        for address in bad {
            let request = query(&client.request("openid", &[("redirect_uri", address)]));
            ask_everywhere(&app, &request, address, 400, "invalid_request").await;
        }
    }
}

#[tokio::test]
async fn a_native_app_gets_its_code_on_the_port_that_it_asked_for() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = loopback(&app, "http://127.0.0.1/cb").await;
    let mut browser = app.signed_in(&ada).await;
    browser.visit(&client.authorize("openid", &[("redirect_uri", "http://127.0.0.1:49152/cb")])).await;
    assert!(browser.page().by_id("loopback-warning").is_some());
    browser.submit("consent-allow").await;
    let away = browser.away.clone().unwrap();
    assert!(away.starts_with("http://127.0.0.1:49152/cb?code="), "{away}");
    let code = browser.answer().get("code").to_owned();
    let pairs = |to: &'static str| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", to),
            ("code_verifier", crate::kit::client::VERIFIER),
        ]
    };
    let other_port = app.token_request(&client, &pairs("http://127.0.0.1:49153/cb")).await;
    assert_eq!(other_port.verdict(), (400, "invalid_grant".to_owned()));
    assert_eq!(app.token_request(&client, &pairs("http://127.0.0.1:49152/cb")).await.status, 200);
}
