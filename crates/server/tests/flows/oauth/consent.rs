//! Consent: what the page says, who may decide, what is remembered and when it is asked again.

use http::header::{COOKIE, ORIGIN};
use serde_json::{Map, Value, json};

use crate::kit::client::{Client, REDIRECT_URI};
use crate::kit::{Browser, Call, Page, Person, Reply, TestApp};

fn words(page: &Page) -> Vec<String> {
    page.elements
        .iter()
        .filter(|e| e.attribute("class") == Some("permission-words"))
        .map(|e| e.text.clone())
        .collect()
}

fn scopes(page: &Page) -> Vec<String> {
    page.elements.iter().filter_map(|e| e.attribute("data-scope").map(str::to_owned)).collect()
}

fn tables(page: &Page) -> Vec<String> {
    page.all("code").map(|code| code.text.clone()).collect()
}

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_it_leads() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    browser
        .visit(&client.authorize("openid profile email readonly", &[("allowed_tables", "notes,hikes")]))
        .await;
    let page = browser.page();
    assert_eq!(
        page.text_of("who-asks"),
        "Trailbook Web, part of Trailbook, asks to use your id.test account."
    );
    assert!(page.text.contains("Plan hikes with friends."), "the description of the app");
    assert!(page.text.contains("ada@example.com"), "whose account it is");
    assert_eq!(page.text_of("redirect-host"), "app.example");
    assert_eq!(tables(&page), ["hikes", "notes"]);
    assert_eq!((page.text_of("consent-allow"), page.text_of("consent-deny")), ("Allow", "Deny"));
}

#[tokio::test]
async fn each_scope_is_shown_in_words() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let all = ["openid", "profile", "email", "readonly", "readwrite", "*"].map(str::to_owned).to_vec();
    let client = app.confidential_client().with(|draft| draft.scopes = all).await;
    let mut browser = app.signed_in(&ada).await;
    for (scope, expected) in [
        ("openid", "Know who you are"),
        ("profile", "See your name and picture"),
        ("email", "See your email address"),
        ("readonly", "Read your data"),
        ("readwrite", "Read and modify your data"),
        ("*", "Full access to your account"),
        ("offline_access", "Keep access while you are away"),
    ] {
        browser.visit(&client.authorize(scope, &[])).await;
        assert_eq!(words(&browser.page()), [expected], "{scope}");
    }
}

#[tokio::test]
async fn names_of_apps_and_clients_are_text_and_nothing_else() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let hostile = "<img src=x onerror=alert(1)>\u{202e}\"'&";
    let client = app.confidential_client().with(|draft| draft.name = hostile.replace('\u{202e}', "")).await;
    let mut browser = app.signed_in(&ada).await;
    browser.visit(&client.authorize("openid", &[])).await;
    let page = browser.page();
    assert!(
        page.all("img").next().is_none() && page.text.contains("<img src=x onerror=alert(1)>"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_question_that_is_only_repeated_does_not_speak_of_more() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    app.code_in(&mut browser, &client, "openid readonly", &[("allowed_tables", "a")]).await;
    browser.visit(&client.authorize("openid", &[("prompt", "consent")])).await;
    let text = browser.page().text;
    assert!(!text.contains("more") && !text.contains("New"), "{text}");
}

async fn is_asked(browser: &mut Browser, client: &Client, scope: &str, tables: &str) -> bool {
    browser.visit(&client.authorize(scope, &[("allowed_tables", tables)])).await;
    if browser.away.is_some() {
        assert_eq!(browser.answer().get("code").len(), 64);
        return false;
    }
    assert!(browser.page().by_id("consent-allow").is_some(), "{}", browser.reply());
    true
}

/// What was allowed, with its tables; what is asked then, with its tables; whether that is asked again.
const MATRIX: [(&str, &str, &str, &str, bool); 16] = [
    ("openid", "", "openid", "", false),
    ("openid", "", "openid email", "", true),
    ("openid email", "", "openid", "", false),
    ("openid email", "", "email", "", false),
    ("openid", "", "openid offline_access", "", true),
    ("readonly", "", "readonly", "", false),
    ("readonly", "", "readwrite", "", true),
    ("readwrite", "", "readonly", "", false),
    ("*", "", "readwrite", "", false),
    ("*", "", "openid", "", true),
    ("readonly", "a", "readonly", "a", false),
    ("readonly", "a", "readonly", "a,b", true),
    ("readonly", "a", "readonly", "", true),
    ("readonly", "a,b", "readonly", "b", false),
    ("readonly", "", "readonly", "a", false),
    ("openid readonly", "a", "openid", "", false),
];

#[tokio::test]
async fn what_was_allowed_is_not_asked_again_and_what_grows_is() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let mut browser = app.signed_in(&ada).await;
        for (stored, stored_tables, asked, asked_tables, again) in MATRIX {
            let case = format!("{} {stored} [{stored_tables}] then {asked} [{asked_tables}]", app.kind);
            let all =
                ["openid", "profile", "email", "readonly", "readwrite", "*"].map(str::to_owned).to_vec();
            let client = app.confidential_client().with(|draft| draft.scopes = all).await;
            assert!(is_asked(&mut browser, &client, stored, stored_tables).await, "{case}");
            browser.submit("consent-allow").await;
            assert_eq!(is_asked(&mut browser, &client, asked, asked_tables).await, again, "{case}");
            if again {
                browser.submit("consent-allow").await;
                assert!(!is_asked(&mut browser, &client, asked, asked_tables).await, "{case}: asked thrice");
            }
            assert!(!is_asked(&mut browser, &client, stored, stored_tables).await, "{case}: forgotten");
        }
    }
}

#[tokio::test]
async fn consent_is_for_one_person_and_one_client() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (first, second) = (app.confidential_client().await, app.public_client().await);
    let (mut adas, mut eves) = (app.signed_in(&ada).await, app.signed_in(&eve).await);
    app.code_in(&mut adas, &first, "openid", &[]).await;
    assert!(!is_asked(&mut adas, &first, "openid", "").await);
    assert!(is_asked(&mut adas, &second, "openid", "").await);
    assert!(is_asked(&mut eves, &first, "openid", "").await);
}

#[tokio::test]
async fn approval_widens_what_is_stored_and_says_so() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        app.code_in(&mut browser, &client, "openid readonly", &[("allowed_tables", "a")]).await;
        browser.visit(&client.authorize("email readwrite", &[("allowed_tables", "b")])).await;
        let page = browser.page();
        assert_eq!(scopes(&page), ["openid", "email", "readwrite"], "everything that will be remembered");
        assert_eq!(tables(&page), ["a", "b"].map(str::to_owned).iter().rev().cloned().collect::<Vec<_>>());
        assert!(page.text.contains("more access") && page.text.contains("New"), "{}", page.text);
        browser.submit("consent-allow").await;
        let rows = app.db_rows("select scope, allowed_tables from _ayb_oauth_consents").await;
        let [row] = rows.as_slice() else { panic!("one consent a pair: {rows:?}") };
        assert_eq!(row[0].as_deref(), Some("openid email readwrite"));
        let tables = row[1].clone().unwrap();
        assert!(tables.contains('a') && tables.contains('b'), "{tables}");
    }
}

#[tokio::test]
async fn a_code_allows_what_was_asked_not_what_is_remembered() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    app.code_in(&mut browser, &client, "openid readwrite", &[]).await;
    let code = app.code_in(&mut browser, &client, "readonly", &[("allowed_tables", "a")]).await;
    assert_eq!(app.redeem(&client, &code).await.member("scope"), "readonly");
}

#[tokio::test]
async fn denial_goes_back_as_access_denied_and_is_not_remembered() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&client.authorize("openid", &[])).await.submit("consent-deny").await;
        let answer = browser.answer();
        assert!(browser.away.as_ref().unwrap().starts_with(REDIRECT_URI));
        assert_eq!(
            (answer.get("error"), answer.get("state"), answer.get("code")),
            ("access_denied", "state-1", "")
        );
        for table in ["_ayb_oauth_consents", "_ayb_oauth_authorization_codes"] {
            assert!(app.db_rows(&format!("select * from {table}")).await.is_empty(), "{table}");
        }
        assert!(is_asked(&mut browser, &client, "openid", "").await);
    }
}

fn body(client: &Client, scope: &str, decision: &str) -> Value {
    let pairs = client.request(scope, &[]).into_iter().map(|(name, value)| (name, Value::String(value)));
    let mut body: Map<String, Value> = pairs.collect();
    body.insert("decision".to_owned(), decision.into());
    body.insert("allowed_tables".to_owned(), json!(["notes", "hikes"]));
    Value::Object(body)
}

#[tokio::test]
async fn a_program_with_a_session_decides_in_json() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let session = app.session_token(&ada).await;
        for path in ["/api/auth/authorize/consent", "/oauth/consent"] {
            for (decision, outcome) in [("approve", "code"), ("deny", "error")] {
                let call =
                    || app.post(path).json(&body(&client, "openid readonly", decision)).bearer(&session);
                let as_json = call().accept_json().await;
                assert_eq!(as_json.status, 200, "{as_json}");
                let to = crate::kit::browser::Answer::parse(&as_json.member("redirect_to"));
                assert!(!to.get(outcome).is_empty(), "{as_json}");
                let by_redirect = call().await;
                assert_eq!(by_redirect.status, 302, "{by_redirect}");
                assert!(!by_redirect.answer().get(outcome).is_empty());
            }
        }
        let silent = app.get(&client.authorize("openid readonly", &[("allowed_tables", "notes")]));
        let silent = silent.bearer(&session).accept_json().await;
        assert_eq!(silent.json()["requires_consent"], false, "{silent}");
    }
}

#[tokio::test]
async fn a_decision_in_json_keeps_every_member_or_is_refused() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let session = app.session_token(&ada).await;
    let send = |name: &str, value: Value| {
        let mut body = body(&client, "openid", "approve");
        body[name] = value;
        app.post("/oauth/consent").json(&body).bearer(&session).accept_json()
    };
    let reply = send("claims", json!({"id_token": {"email": null}})).await;
    let code = crate::kit::browser::Answer::parse(&reply.member("redirect_to")).get("code").to_owned();
    let tokens = app.redeem(&client, &code).await.json();
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let claims = String::from_utf8(ayb_protocol::jose::base64url::decode(&claims).unwrap()).unwrap();
    assert!(claims.contains(&ada.email), "{claims}");
    for (name, value) in [("nonce", json!(true)), ("allowed_tables", json!([1])), ("prompt", json!(false))] {
        let reply = send(name, value).await;
        assert_eq!(reply.verdict(), (400, "invalid_request".to_owned()), "{name}: {reply}");
    }
    let absent = send("nonce", Value::Null).await;
    assert_eq!(absent.status, 200, "{absent}");
}

#[tokio::test]
async fn a_decision_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let session = app.session_token(&ada).await;
    let send = |body: Value| app.post("/oauth/consent").json(&body).bearer(&session).accept_json();
    for decision in ["", "yes", "APPROVE", "maybe"] {
        let reply = send(body(&client, "openid", decision)).await;
        assert_eq!(reply.verdict(), (400, "invalid_request".to_owned()), "{decision}");
    }
    for (name, value) in [
        ("redirect_uri", json!("https://evil.example")),
        ("redirect_uri", json!(null)),
        ("client_id", json!("ayb_cid_0")),
        ("client_id", json!({"a": 1})),
    ] {
        let mut changed = body(&client, "openid", "approve");
        changed[name] = value.clone();
        let reply = send(changed).await;
        assert!(reply.status.is_client_error() && reply.location().is_empty(), "{name} {value}: {reply}");
    }
    for (name, value) in
        [("scope", json!("*")), ("code_challenge_method", json!("plain")), ("state", json!(null))]
    {
        let mut changed = body(&client, "openid", "approve");
        changed[name] = value;
        let reply = send(changed).await;
        assert!(reply.member("redirect_to").contains("error="), "{name}: {reply}");
    }
    for noise in ["", "{", "[]", "null", "{\"decision\":\"approve\"", "\"approve\""] {
        let reply = app.post("/oauth/consent").body("application/json", noise).bearer(&session).await;
        assert!([400, 422].contains(&reply.status.as_u16()), "{noise}: {reply}");
    }
    assert!(app.db_rows("select * from _ayb_oauth_consents").await.is_empty());
}

/// Everything that is not a session, as a bearer of a decision.
async fn not_sessions(app: &TestApp, ada: &Person) -> Vec<(&'static str, String)> {
    let opaque = app.confidential_client().await;
    let jwt = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
    let tokens = app.tokens(&opaque, ada, "openid readwrite").await;
    let machine = [("grant_type", "client_credentials"), ("scope", "readwrite")];
    vec![
        ("refresh token", tokens.refresh().to_owned()),
        ("ID token", tokens.id_token.clone().unwrap()),
        ("opaque token", tokens.access),
        ("JWT", app.tokens(&jwt, ada, "openid readwrite").await.access),
        ("machine token", app.token_request(&opaque, &machine).await.member("access_token")),
        ("API key", app.api_key(ada, |_| {}).await.text),
        ("client secret", opaque.secret.clone().unwrap()),
        ("noise", "noise".to_owned()),
    ]
}

#[tokio::test]
async fn only_a_session_may_ask_and_decide() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let before = app.db_rows("select * from _ayb_oauth_consents").await.len();
        assert_eq!(before, 0);
        for (case, token) in not_sessions(&app, &ada).await {
            let asked = app.get(&client.authorize("openid", &[])).bearer(&token).accept_json().await;
            assert_eq!(asked.status, 401, "{case}: {asked}");
            for path in ["/api/auth/authorize/consent", "/oauth/consent"] {
                let call = app.post(path).json(&body(&client, "openid", "approve")).bearer(&token);
                let reply = call.accept_json().await;
                assert_eq!(reply.status, 401, "{case}: {reply}");
            }
        }
        let of_client =
            format!("select * from _ayb_oauth_consents where client_id = {}", app.literal(&client));
        assert!(app.db_rows(&of_client).await.is_empty());
        let nobody = app.post("/oauth/consent").json(&body(&client, "openid", "approve")).accept_json().await;
        assert_eq!(nobody.status, 401, "{nobody}");
    }
}

/// A form that would approve, sent with the browser's cookies and with one thing changed.
fn forged(app: &TestApp, browser: &Browser, pairs: &[(String, String)]) -> Call {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.post("/oauth/consent").form(&pairs).header(COOKIE, browser.cookie_header())
}

fn with_csrf(pairs: &[(String, String)], token: Option<&str>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    pairs.extend(token.map(|token| ("csrf".to_owned(), token.to_owned())));
    pairs
}

fn value(pairs: &[(String, String)], name: &str) -> String {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap()
}

#[tokio::test]
async fn a_form_from_elsewhere_decides_nothing() {
    for app in TestApp::everywhere().await {
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let client = app.confidential_client().await;
        let (mut browser, mut other) = (app.signed_in(&ada).await, app.signed_in(&eve).await);
        browser.visit(&client.authorize("openid", &[])).await;
        other.visit(&client.authorize("openid", &[])).await;
        let (_, pairs) = browser.form_of("consent-allow");
        let (_, others) = other.form_of("consent-allow");
        let mut visitor = app.browser();
        visitor.visit("/login").await;
        let visitors = value(&visitor.form_of("login-submit").1, "csrf");
        let refused = |reply: &Reply, case: &str| {
            assert_eq!(reply.status, 403, "{case}: {reply}");
            assert_eq!(reply.location(), "", "{case}");
        };
        for (case, token) in [
            ("none", None),
            ("empty", Some(String::new())),
            ("noise", Some("noise".to_owned())),
            ("of another session", Some(value(&others, "csrf"))),
            ("of a visitor", Some(visitors)),
        ] {
            refused(&forged(&app, &browser, &with_csrf(&pairs, token.as_deref())).await, case);
        }
        let mut twice = pairs.clone();
        twice.push(("csrf".to_owned(), value(&pairs, "csrf")));
        refused(&forged(&app, &browser, &twice).await, "twice");
        for origin in ["https://evil.example", "http://id.test", "https://id.test.evil.example"] {
            refused(&forged(&app, &browser, &pairs).header(ORIGIN, origin).await, origin);
        }
        refused(
            &forged(&app, &browser, &pairs).header("sec-fetch-site", "cross-site").await,
            "fetch metadata",
        );
        assert!(app.db_rows("select * from _ayb_oauth_consents").await.is_empty());
        let honest = forged(&app, &browser, &pairs).header(ORIGIN, "https://id.test").await;
        assert_eq!(honest.answer().get("code").len(), 64, "{honest}");
    }
}

#[tokio::test]
async fn a_page_left_open_does_not_outlive_its_session() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    browser.visit(&client.authorize("openid", &[])).await;
    let mut tab = browser.clone();
    tab.visit("/logout").await.submit("logout-confirm").await;
    browser.submit("consent-allow").await;
    assert!(browser.away.is_none() && browser.page().by_id("login-submit").is_some(), "{}", browser.reply());
    browser.sign_in(&ada).await;
    assert!(browser.page().by_id("consent-allow").is_some(), "and it goes on where it was");
    app.travel(crate::kit::time::days(8));
    browser.submit("consent-allow").await;
    assert!(browser.page().by_id("login-submit").is_some(), "an expired session is none");
}

#[tokio::test]
async fn the_form_cannot_be_changed_into_another_request() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    for (name, to, outcome) in [
        ("scope", "*", "invalid_scope"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
    ] {
        browser.visit(&client.authorize("openid", &[])).await;
        browser.fill(name, to).submit("consent-allow").await;
        assert_eq!(browser.answer().get("error"), outcome, "{name}");
    }
    for (name, to) in [("redirect_uri", "https://evil.example/cb"), ("client_id", "ayb_cid_0")] {
        browser.visit(&client.authorize("openid", &[])).await;
        browser.fill(name, to).submit("consent-allow").await;
        assert!(browser.away.is_none(), "{name}: {:?}", browser.away);
        assert!(!browser.page().text_of("error-code").is_empty());
    }
    assert!(app.db_rows("select * from _ayb_oauth_consents").await.is_empty());
}

#[tokio::test]
async fn a_client_revoked_meanwhile_gets_no_consent() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&client.authorize("openid", &[])).await;
        app.app.store.revoke_client(&client.id, app.clock.now()).await.unwrap();
        browser.submit("consent-allow").await;
        assert_eq!((browser.status(), browser.page().text_of("error-code")), (400, "invalid_client"));
        let session = app.session_token(&ada).await;
        let json = app.post("/oauth/consent").json(&body(&client, "openid", "approve")).bearer(&session);
        assert_eq!(json.accept_json().await.verdict(), (400, "invalid_client".to_owned()));
        assert!(app.db_rows("select * from _ayb_oauth_consents").await.is_empty());
    }
}

#[tokio::test]
async fn every_decision_is_noted_with_who_what_and_for_whom() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    for button in ["consent-deny", "consent-allow"] {
        browser.visit(&client.authorize("openid", &[])).await.submit(button).await;
        // Entries of one moment come in any order.
        app.travel(crate::kit::time::seconds(1));
    }
    app.app.background.idle().await;
    let page = ayb_store::Page { number: 1, per_page: 100 };
    let (entries, _) = app.app.store.list_audit(page, &ayb_store::AuditFilter::default()).await.unwrap();
    let decisions: Vec<_> =
        entries.iter().rev().filter(|entry| entry.event.starts_with("consent_")).collect();
    let events: Vec<_> = decisions.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["consent_denied", "consent_given"]);
    for entry in decisions {
        assert_eq!((entry.user_id, entry.client_id.as_deref()), (Some(ada.id), Some(client.id.as_str())));
        assert_eq!(entry.detail.as_ref().unwrap()["scope"], "openid");
    }
}
