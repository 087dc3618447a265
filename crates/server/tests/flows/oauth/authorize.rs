//! The authorization endpoint once the address is trusted: errors travel back to the client, and prompts do what they
//! say (RFC 6749 §4.1.2, OpenID Connect Core §3.1.2).

use crate::kit::client::{REDIRECT_URI, challenge, query};
use crate::kit::time::{minutes, seconds};
use crate::kit::{Browser, Client, Person, Reply, TestApp};

type Case<'a> = (&'a str, (&'a str, &'a str), &'a str);

fn long(length: usize) -> String {
    "a".repeat(length)
}

/// Requests that are wrong in one way each, and the error that each gets.
fn wrong_requests<'a>(long_text: &'a str, claims: &'a str) -> Vec<Case<'a>> {
    vec![
        ("response_type missing", ("response_type", ""), "invalid_request"),
        ("implicit", ("response_type", "token"), "unsupported_response_type"),
        ("implicit id_token", ("response_type", "id_token"), "unsupported_response_type"),
        ("hybrid", ("response_type", "code token"), "unsupported_response_type"),
        ("response_type in capitals", ("response_type", "CODE"), "unsupported_response_type"),
        ("state missing", ("state", ""), "invalid_request"),
        ("scope missing", ("scope", ""), "invalid_scope"),
        ("scope unknown", ("scope", "api:read"), "invalid_scope"),
        ("scope in capitals", ("scope", "OPENID"), "invalid_scope"),
        ("scope not registered", ("scope", "openid *"), "invalid_scope"),
        ("two resource scopes", ("scope", "readonly readwrite"), "invalid_scope"),
        ("challenge missing", ("code_challenge", ""), "invalid_request"),
        ("method missing", ("code_challenge_method", ""), "invalid_request"),
        ("plain", ("code_challenge_method", "plain"), "invalid_request"),
        ("method in small letters", ("code_challenge_method", "s256"), "invalid_request"),
        ("challenge too short", ("code_challenge", "abc"), "invalid_request"),
        (
            "challenge of strange letters",
            ("code_challenge", "%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%"),
            "invalid_request",
        ),
        ("prompt unknown", ("prompt", "create"), "invalid_request"),
        ("prompt none and login", ("prompt", "none login"), "invalid_request"),
        ("max_age negative", ("max_age", "-1"), "invalid_request"),
        ("max_age a word", ("max_age", "soon"), "invalid_request"),
        ("max_age with a fraction", ("max_age", "1.5"), "invalid_request"),
        ("max_age beyond time", ("max_age", "99999999999999999999"), "invalid_request"),
        ("request object", ("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"),
        ("request_uri", ("request_uri", "https://evil.example/request"), "request_uri_not_supported"),
        ("registration", ("registration", "{}"), "registration_not_supported"),
        ("response_mode fragment", ("response_mode", "fragment"), "invalid_request"),
        ("claims not JSON", ("claims", "{"), "invalid_request"),
        ("claims twice the same name", ("claims", r#"{"userinfo":{},"userinfo":{}}"#), "invalid_request"),
        ("claims too long", ("claims", claims), "invalid_request"),
        ("nonce too long", ("nonce", long_text), "invalid_request"),
        ("login_hint too long", ("login_hint", long_text), "invalid_request"),
        ("id_token_hint not a token", ("id_token_hint", "noise"), "invalid_request"),
        ("empty table name", ("allowed_tables", "a,,b"), "invalid_request"),
        ("quoted table name", ("allowed_tables", "\"a\""), "invalid_request"),
    ]
}

fn goes_back(reply: &Reply, case: &str, error: &str, state: &str) {
    let location = reply.location();
    assert!(reply.status.is_redirection(), "{case}: {reply}");
    assert!(location.starts_with(&format!("{REDIRECT_URI}?")), "{case}: {location}");
    let answer = reply.answer();
    assert_eq!(answer.get("error"), error, "{case}");
    assert!(!answer.get("error_description").is_empty(), "{case}");
    assert_eq!(
        (answer.get("state"), answer.get("iss"), answer.get("code")),
        (state, "https://id.test", ""),
        "{case}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_trusted_request_goes_back_to_the_client() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let (text, claims) = (long(513), format!("{{\"userinfo\":{{\"{}\":null}}}}", long(4096)));
    for (case, with, error) in wrong_requests(&text, &claims) {
        let state = if case == "state missing" { "" } else { "state-1" };
        let request = query(&client.request("openid", &[with]));
        for path in ["/oauth/authorize", "/api/auth/authorize", "/oauth/consent"] {
            let address = format!("{path}?{request}");
            goes_back(&app.get(&address).await, case, error, state);
            let json = app.get(&address).accept_json().await;
            let page = app.get(&address).await;
            assert_eq!(json.status, 200, "{case}: {json}");
            assert_eq!(json.json()["requires_consent"], false);
            assert_eq!(json.member("redirect_to"), page.location(), "{case}");
        }
    }
}

#[tokio::test]
async fn a_state_that_is_too_long_is_refused() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let text = long(513);
    let reply = app.get(&client.authorize("openid", &[("state", &text)])).await;
    assert_eq!(reply.answer().get("error"), "invalid_request");
}

#[tokio::test]
async fn a_repeated_parameter_goes_back_as_an_error() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    for extra in [
        "scope=openid",
        "state=state-1",
        "code_challenge=x",
        "response_type=code",
        "prompt=none",
        "foo=1&foo=2",
    ] {
        let (name, _) = extra.split_once('=').unwrap();
        let good = client.authorize("openid", &[("prompt", "login")]);
        let reply = app.get(&format!("{good}&{extra}")).await;
        // A state that came twice is nobody's.
        goes_back(&reply, extra, "invalid_request", if name == "state" { "" } else { "state-1" });
    }
    let unknown = format!("{}&unknown=1", client.authorize("openid", &[]));
    assert!(app.get(&unknown).await.location().starts_with("/login"), "an unknown parameter is ignored");
}

#[tokio::test]
async fn pkce_with_s256_is_compulsory_for_both_client_types() {
    let app = TestApp::start().await;
    for client in [app.confidential_client().await, app.public_client().await] {
        for with in [
            &[("code_challenge", ""), ("code_challenge_method", "")][..],
            &[("code_challenge", "")],
            &[("code_challenge_method", "plain")],
            &[("code_challenge_method", "")],
        ] {
            goes_back(
                &app.get(&client.authorize("openid", with)).await,
                "pkce",
                "invalid_request",
                "state-1",
            );
        }
    }
}

#[tokio::test]
async fn a_form_is_a_request_too() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.public_client().await;
    let mut browser = app.signed_in(&ada).await;
    let request = client.request("openid", &[]);
    let pairs: Vec<_> = request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post("/oauth/authorize", &pairs).await;
    assert_eq!(browser.trail[0].1, 303, "a form from elsewhere goes on with GET, which brings the session");
    browser.submit("consent-allow").await;
    assert_eq!(browser.answer().get("code").len(), 64);
    let json = app.post("/api/auth/authorize").form(&pairs).accept_json().await;
    assert_eq!(json.verdict(), (401, "login_required".to_owned()));
    let wrong = app.post("/oauth/authorize").json(&serde_json::json!({})).await;
    assert_eq!((wrong.status.as_u16(), wrong.location()), (400, ""));
}

#[tokio::test]
async fn state_comes_back_byte_for_byte_after_sign_in_and_consent() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    for state in ["a b+c", "%20%2B", "ä€𝄞", "<script>'\"&amp;=;?#/", "..//\\", "a&state=b", "\u{202e}x", " "]
    {
        let mut browser = app.browser();
        browser.visit(&client.authorize("openid", &[("state", state), ("prompt", "consent")])).await;
        browser.sign_in(&ada).await;
        browser.submit("consent-allow").await;
        assert_eq!(browser.answer().get("state"), state);
        browser.visit(&client.authorize("openid", &[("state", state), ("prompt", "consent")])).await;
        browser.submit("consent-deny").await;
        assert_eq!((browser.answer().get("state"), browser.answer().get("error")), (state, "access_denied"));
    }
}

#[tokio::test]
async fn somebody_who_is_not_signed_in_comes_back_to_the_very_request() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let with = [("nonce", "n-1"), ("allowed_tables", "notes,hikes"), ("login_hint", "ada@example.com")];
    for path in ["/oauth/authorize", "/oauth/consent"] {
        let client = app.confidential_client().await;
        let mut browser = app.browser();
        browser.visit(&format!("{path}?{}", query(&client.request("openid readonly", &with)))).await;
        assert!(browser.url.starts_with("/login?return_to="), "{}", browser.url);
        let page = browser.page();
        assert_eq!(page.by_id("email").unwrap().attribute("value"), Some("ada@example.com"));
        assert!(page.text.contains("to continue to Trailbook Web, part of Trailbook"), "{}", page.text);
        browser.sign_in(&ada).await;
        assert!(browser.trail.iter().all(|(_, status)| *status != 307), "{:?}", browser.trail);
        assert_eq!(browser.trail[0], ("/login".to_owned(), 303));
        assert!(browser.url.starts_with("/oauth/authorize?"), "{}", browser.url);
        let sent: Vec<_> = url::form_urlencoded::parse(browser.url.split_once('?').unwrap().1.as_bytes())
            .into_owned()
            .filter(|(name, _)| name != "ayb_progress")
            .collect();
        assert_eq!(sent, client.request("openid readonly", &with));
        browser.submit("consent-allow").await;
        assert_eq!(browser.answer().get("code").len(), 64);
    }
}

#[tokio::test]
async fn prompt_none_asks_nobody_anything() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let silent = client.authorize("openid", &[("prompt", "none")]);
        goes_back(&app.get(&silent).await, "stranger", "login_required", "state-1");
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&silent).await;
        assert_eq!(browser.answer().get("error"), "consent_required");
        app.code_in(&mut browser, &client, "openid", &[]).await;
        browser.visit(&silent).await;
        assert_eq!(browser.answer().get("code").len(), 64);
        browser.visit(&client.authorize("openid email", &[("prompt", "none")])).await;
        assert_eq!(browser.answer().get("error"), "consent_required");
        app.travel(minutes(10));
        browser.visit(&client.authorize("openid", &[("prompt", "none"), ("max_age", "60")])).await;
        assert_eq!(browser.answer().get("error"), "login_required");
    }
}

/// How often the person is asked for the password until the code is there.
async fn sign_ins_until_code(browser: &mut Browser, person: &Person, address: &str) -> usize {
    browser.visit(address).await;
    for count in 0..4 {
        if browser.away.is_some() {
            assert_eq!(browser.answer().get("code").len(), 64);
            return count;
        }
        if browser.page().by_id("consent-allow").is_some() {
            browser.submit("consent-allow").await;
            assert_eq!(browser.answer().get("code").len(), 64);
            return count;
        }
        browser.sign_in(person).await;
    }
    panic!("asked again and again, at {}", browser.url);
}

#[tokio::test]
async fn prompt_login_asks_for_the_password_once_whoever_comes() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let address = client.authorize("openid", &[("prompt", "login")]);
    assert_eq!(sign_ins_until_code(&mut app.browser(), &ada, &address).await, 1);
    let mut browser = app.signed_in(&ada).await;
    let before = browser.session().unwrap().to_owned();
    app.travel(seconds(1));
    assert_eq!(sign_ins_until_code(&mut browser, &ada, &address).await, 1);
    assert_ne!(browser.session().unwrap(), before, "a new sign-in is a new session");
    app.travel(seconds(1));
    assert_eq!(sign_ins_until_code(&mut browser, &ada, &address).await, 1, "each request asks for itself");
}

#[tokio::test]
async fn an_address_of_the_history_does_not_skip_a_sign_in_that_is_asked_for() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    app.travel(seconds(1));
    browser.visit(&client.authorize("openid", &[("prompt", "login")])).await;
    browser.sign_in(&ada).await;
    let finished = browser.url.clone();
    assert!(finished.contains("ayb_progress="), "{finished}");
    browser.visit(&finished).await;
    assert!(browser.page().by_id("consent-allow").is_some(), "a reload goes on");
    app.travel(minutes(11));
    browser.visit(&finished).await;
    assert!(browser.page().by_id("login-submit").is_some(), "the history does not");
    for forged in ["1-1-1~x", "", "~", "9999999999999-1-1~AAAA"] {
        let address = client.authorize("openid", &[("prompt", "login"), ("ayb_progress", forged)]);
        browser.visit(&address).await;
        assert!(browser.page().by_id("login-submit").is_some(), "{forged}");
    }
}

#[tokio::test]
async fn max_age_asks_again_when_the_sign_in_is_older() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    for (age, max_age, asked) in [(60, "60", 0), (61, "60", 1), (1, "0", 1), (3600, "999999999999", 0)] {
        let mut browser = app.signed_in(&ada).await;
        app.travel(seconds(age));
        let address = client.authorize("openid", &[("max_age", max_age)]);
        assert_eq!(sign_ins_until_code(&mut browser, &ada, &address).await, asked, "{age} {max_age}");
    }
    let address = client.authorize("openid", &[("max_age", "0")]);
    assert_eq!(sign_ins_until_code(&mut app.browser(), &ada, &address).await, 1, "not twice");
}

#[tokio::test]
async fn prompt_consent_asks_again_and_select_account_lets_one_choose() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    app.code_in(&mut browser, &client, "openid", &[]).await;
    browser.visit(&client.authorize("openid", &[("prompt", "consent")])).await;
    assert!(browser.page().by_id("consent-allow").is_some());
    let choose = client.authorize("openid", &[("prompt", "select_account")]);
    browser.visit(&choose).await;
    assert!(browser.url.starts_with("/select-account?"), "{}", browser.url);
    browser.submit("account-1").await;
    assert_eq!(browser.answer().get("code").len(), 64);
    browser.visit(&choose).await.submit("account-other").await;
    browser.sign_in(&eve).await;
    assert!(browser.page().text.contains("eve@example.com"), "{}", browser.page().text);
    browser.submit("consent-allow").await;
    assert_eq!(browser.answer().get("code").len(), 64);
}

#[tokio::test]
async fn a_login_hint_fills_the_form_and_only_with_an_address() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    for (hint, shown) in
        [("ada@example.com", "ada@example.com"), ("\"><script>@x", "\"><script>@x"), ("ada", "")]
    {
        let mut browser = app.browser();
        browser.visit(&client.authorize("openid", &[("login_hint", hint)])).await;
        let page = browser.page();
        assert_eq!(page.by_id("email").unwrap().attribute("value").unwrap_or_default(), shown);
        assert_eq!(page.all("script").count(), 0);
    }
}

#[tokio::test]
async fn an_id_token_hint_keeps_the_answer_to_its_person() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    // A JWT access token has the same issuer, audience and subject; only its type tells it apart.
    let client = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
    let tokens = app.tokens(&client, &ada, "openid").await;
    let eves = app.tokens(&client, &eve, "openid").await.id_token.unwrap();
    let adas = tokens.id_token.unwrap();
    app.travel(crate::kit::time::days(2));
    let mut browser = app.signed_in(&ada).await;
    browser.visit(&client.authorize("openid", &[("id_token_hint", &adas), ("prompt", "none")])).await;
    assert_eq!(browser.answer().get("code").len(), 64, "also when it has expired");
    browser.visit(&client.authorize("openid", &[("id_token_hint", &eves), ("prompt", "none")])).await;
    assert_eq!(browser.answer().get("error"), "login_required");
    for (case, hint) in [
        ("access token", tokens.access.clone()),
        ("session token", app.session_token(&ada).await),
        ("broken signature", adas.replace(&adas[adas.len() - 20..adas.len() - 10], "AAAAAAAAAA")),
    ] {
        browser.visit(&client.authorize("openid", &[("id_token_hint", &hint), ("prompt", "none")])).await;
        assert_eq!(browser.answer().get("error"), "invalid_request", "{case}");
    }
}

#[tokio::test]
async fn a_program_that_had_the_person_sign_in_again_goes_on() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        app.code_in(&mut browser, &client, "openid", &[]).await;
        for (prompt, error) in [("login", "login_required"), ("select_account", "account_selection_required")]
        {
            let before = app.session_token(&ada).await;
            app.travel(seconds(5));
            let ask = |address: String, token: String| {
                let app = &app;
                async move { app.get(&address).bearer(&token).accept_json().await }
            };
            let asked = ask(client.authorize("openid", &[("prompt", prompt)]), before.clone()).await;
            assert_eq!(asked.verdict(), (401, error.to_owned()), "{}: {asked}", app.kind);
            let then = asked.member("continue");
            if prompt == "login" {
                assert_eq!(ask(then.clone(), before).await.status, 401, "nobody has signed in since");
            }
            let after = app.session_token(&ada).await;
            let answer = ask(then, after).await;
            assert_eq!(answer.status, 200, "{}: {answer}", app.kind);
            assert!(answer.member("redirect_to").contains("code="), "{answer}");
        }
    }
}

/// Somebody else is signed in than the request is about: the page asks for another sign-in, and ends with an error when
/// the same person signs in again. It never goes round in circles.
#[tokio::test]
async fn a_request_about_somebody_else_asks_to_sign_in_again_and_ends() {
    for app in TestApp::everywhere().await {
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let client = app.confidential_client().await;
        let adas = app.tokens(&client, &ada, "openid").await.id_token.unwrap();
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, ada.id);
        for about in [("id_token_hint", adas.as_str()), ("claims", claims.as_str())] {
            for signs_in in [&ada, &eve] {
                let mut browser = app.signed_in(&eve).await;
                browser.visit(&client.authorize("openid", &[about])).await;
                assert!(browser.url.starts_with("/login?again=1"), "{} {}", app.kind, browser.url);
                browser.sign_in(signs_in).await;
                let outcome = if signs_in.id == ada.id { "code" } else { "error" };
                assert!(!browser.answer().get(outcome).is_empty(), "{}: {:?}", app.kind, browser.away);
                if outcome == "error" {
                    assert_eq!(browser.answer().get("error"), "login_required");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_is_too_long_to_be_kept_is_refused_where_the_client_hears_of_it() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let mut browser = app.browser();
    let long = "x".repeat(9000);
    browser.visit(&client.authorize("openid", &[("unknown", &long)])).await;
    assert_eq!(browser.answer().get("error"), "invalid_request");
    assert_eq!(browser.answer().get("state"), "state-1");
}

#[tokio::test]
async fn a_claims_request_for_another_person_is_not_answered_for_this_one() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    app.code_in(&mut browser, &client, "openid", &[]).await;
    for (person, outcome) in [(&ada, "code"), (&eve, "error")] {
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, person.id);
        browser.visit(&client.authorize("openid", &[("claims", &claims), ("prompt", "none")])).await;
        assert!(!browser.answer().get(outcome).is_empty(), "{:?}", browser.away);
    }
}

#[tokio::test]
async fn single_claims_need_registration_and_consent() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let claims =
        r#"{"userinfo":{"email":null,"unknown":{"essential":true}},"id_token":{"name":{"essential":true}}}"#;
    let with = [("claims", claims)];
    let narrow = app.confidential_client().with(|draft| draft.scopes = vec!["openid".into()]).await;
    goes_back(&app.get(&narrow.authorize("openid", &with)).await, "claims", "invalid_scope", "state-1");
    let client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    app.code_in(&mut browser, &client, "openid", &[]).await;
    browser.visit(&client.authorize("openid", &with)).await;
    let asked: Vec<_> =
        browser.page().elements.iter().filter_map(|e| e.attribute("data-scope").map(str::to_owned)).collect();
    assert_eq!(asked, ["openid", "profile", "email"]);
    browser.submit("consent-allow").await;
    let reply = app.redeem(&client, browser.answer().get("code")).await;
    let tokens = crate::kit::Tokens::of(&reply);
    assert_eq!(tokens.json["scope"], "openid", "single claims widen the answer, not the scope");
    let info = app.get("/oauth/userinfo").bearer(&tokens.access).await.json();
    assert_eq!(
        (&info["email"], info.get("name"), info.get("unknown")),
        (&"ada@example.com".into(), None, None)
    );
}

#[tokio::test]
async fn form_post_carries_the_answer_in_a_form_that_needs_no_script() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let state = "\"><script>alert(1)</script>&'";
    let mut browser = app.signed_in(&ada).await;
    let with = [("response_mode", "form_post"), ("state", state)];
    browser.visit(&client.authorize("openid", &with)).await.submit("consent-allow").await;
    let (form, pairs) = browser.form_of("form-post-continue");
    assert_eq!((form.action.as_str(), form.method.as_str()), (REDIRECT_URI, "post"));
    assert_eq!(browser.status(), 200);
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((value("state"), value("iss")), (Some(state), Some("https://id.test")));
    assert_eq!(value("code").unwrap().len(), 64);
    let policy = browser.reply().header("content-security-policy").to_owned();
    assert!(policy.contains("form-action 'self' https:;"), "{policy}");
    let page = browser.page();
    let scripts: Vec<_> = page.all("script").collect();
    assert!(
        scripts
            .iter()
            .all(|script| script.text.is_empty() && script.attribute("src").unwrap().starts_with("/assets/"))
    );
    assert_eq!(scripts.len(), 1);
    browser.visit(&client.authorize("api:read", &with)).await;
    let (form, pairs) = browser.form_of("form-post-continue");
    assert_eq!(form.action, REDIRECT_URI);
    assert!(pairs.contains(&("error".to_owned(), "invalid_scope".to_owned())), "{pairs:?}");
}

#[tokio::test]
async fn a_program_gets_json_instead_of_pages() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let session = app.session_token(&ada).await;
    let request = query(&client.request("openid readonly", &[("allowed_tables", "notes")]));
    for path in ["/oauth/authorize", "/api/auth/authorize"] {
        let address = format!("{path}?{request}");
        assert_eq!(app.get(&address).accept_json().await.verdict(), (401, "login_required".to_owned()));
        let prompt = app.get(&address).accept_json().bearer(&session).await;
        assert_eq!(prompt.status, 200);
        assert_eq!(
            prompt.json(),
            serde_json::json!({
                "requires_consent": true,
                "client_id": client.client_id,
                "client_name": "Trailbook Web",
                "redirect_uri": REDIRECT_URI,
                "scope": "openid readonly",
                "new_scope": "openid readonly",
                "state": "state-1",
                "code_challenge": challenge(crate::kit::client::VERIFIER),
                "code_challenge_method": "S256",
                "allowed_tables": ["notes"],
            })
        );
        let again = format!("{address}&prompt=login");
        app.travel(seconds(1));
        assert_eq!(app.get(&again).accept_json().bearer(&session).await.error(), "login_required");
    }
}

#[tokio::test]
async fn tables_come_with_commas_or_repeated() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let session = app.session_token(&ada).await;
    let good = client.authorize("readonly", &[]);
    for tables in
        ["allowed_tables=b,a", "allowed_tables=a&allowed_tables=b", "allowed_tables=a,b&allowed_tables=b"]
    {
        let prompt = app.get(&format!("{good}&{tables}")).accept_json().bearer(&session).await;
        assert_eq!(prompt.json()["allowed_tables"], serde_json::json!(["a", "b"]), "{tables}");
    }
}

#[tokio::test]
async fn every_answer_names_the_issuer() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client: Client = app.confidential_client().await;
    let mut browser = app.signed_in(&ada).await;
    browser.visit(&client.authorize("openid", &[])).await.submit("consent-allow").await;
    assert_eq!(browser.answer().get("iss"), app.issuer());
    browser.visit(&client.authorize("openid email", &[])).await.submit("consent-deny").await;
    assert_eq!(browser.answer().get("iss"), app.issuer());
}
