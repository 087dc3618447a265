//! Authorization code: the address, the callback, the exchange.

use ayb_client::error::{AuthorizationError, ConfigurationError, TokenError, ValidationError};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::{
    AuthorizationParams, CallbackParams, Endpoint, ExposeSecret as _, LogoutRequest, OAuth2Client as _,
    OAuth2Error, PendingAuthorization, PkceVerifier, Prompt, Recovery, ResponseMode,
};

use crate::kit::{minutes, pair, params, redirect_uri, sign_in};

#[tokio::test]
async fn a_person_signs_in_and_the_id_token_is_checked() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid", "email"])).await.unwrap();
    assert!(idp.accepts(response.access_token.expose_secret()));
    assert_eq!((response.expires_in, response.scope.as_deref()), (Some(3600), Some("openid email")));
    let request = &idp.requests(Endpoint::Token)[0].form;
    assert_eq!(request["grant_type"], "authorization_code");
    assert_eq!(
        (request["client_id"].as_str(), request["redirect_uri"].as_str()),
        ("app", redirect_uri().as_str())
    );
    assert!(request.contains_key("code_verifier"));
    let id_token = response.id_token.unwrap();
    let claims =
        client.verify_id_token(id_token.expose_secret(), &ayb_client::Expected::default()).await.unwrap();
    assert_eq!((claims.subject(), claims.email()), ("ada", Some("ada@example.com")));
}

#[tokio::test]
async fn every_parameter_appears_in_the_address_once() {
    let idp = TestAuthServer::start();
    let client = idp
        .client("app")
        .configure(|config| config.resource = Some("https://api.test".to_owned()))
        .build()
        .unwrap();
    let mut asked = params(&["openid", "a b"]);
    asked.response_mode = Some(ResponseMode::FormPost);
    asked.login_hint = Some("ada@example.com".to_owned());
    asked.prompt = Some(Prompt::SelectAccount);
    asked.max_age = Some(60);
    asked.acr_values = Some("gold".to_owned());
    asked.ui_locales = Some("de".to_owned());
    asked.extra_params.insert("audience".to_owned(), "x&y".to_owned());
    let start = client.start(asked).unwrap();
    let expected = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", "http://127.0.0.1:7777/cb"),
        ("scope", "openid a b"),
        ("state", &start.state),
        ("code_challenge_method", "S256"),
        ("response_mode", "form_post"),
        ("login_hint", "ada@example.com"),
        ("prompt", "select_account"),
        ("max_age", "60"),
        ("acr_values", "gold"),
        ("ui_locales", "de"),
        ("audience", "x&y"),
        ("resource", "https://api.test"),
    ];
    for (name, value) in expected {
        let found: Vec<_> =
            start.url.query_pairs().filter(|(key, _)| key == name).map(|(_, v)| v.into_owned()).collect();
        assert_eq!(found, [value], "{name}");
    }
    assert_eq!(pair(&start.url, "nonce").unwrap().len(), 43);
}

#[tokio::test]
async fn the_traits_of_the_specification_sign_in_as_well() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let code = client.authorization_code();
    let to = code.authorization_url(params(&["openid"])).unwrap();
    assert!(pair(&to.url, "code_challenge").is_some(), "PKCE is sent here too");
    let callback = CallbackParams::parse(idp.approve(&to.url).as_str()).unwrap();
    code.handle_callback(callback).await.unwrap();
    let to = code.authorization_url(params(&["orders"])).unwrap();
    let back = idp.approve(&to.url);
    code.exchange_code(&pair(&back, "code").unwrap(), &to.state, &redirect_uri()).await.unwrap();
    let to = code.authorization_url(params(&["orders"])).unwrap();
    let back = idp.approve(&to.url);
    let elsewhere = "http://127.0.0.1:7777/other".parse().unwrap();
    let refused = code.exchange_code(&pair(&back, "code").unwrap(), &to.state, &elsewhere).await.unwrap_err();
    assert!(matches!(refused, OAuth2Error::Configuration(ConfigurationError::InvalidRedirectUri { .. })));
}

#[tokio::test]
async fn another_process_ends_what_this_one_began() {
    let idp = TestAuthServer::start();
    let (one, other) = (idp.client("app").build().unwrap(), idp.client("app").build().unwrap());
    let start = one.start(params(&["openid"])).unwrap();
    let cookie = start.pending.seal(&[7; 32]).unwrap();
    let back = CallbackParams::parse(idp.approve(&start.url).query().unwrap()).unwrap();
    let pending = PendingAuthorization::open(&cookie, &[7; 32]).unwrap();
    assert!(other.finish(pending, back).await.is_ok());
}

#[tokio::test]
async fn a_refusal_is_told_with_what_the_server_said() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let start = client.start(params(&["openid"])).unwrap();
    let back = CallbackParams::parse(idp.deny(&start.url).as_str()).unwrap();
    let error = client.finish(start.pending, back).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Authorization(AuthorizationError::AccessDenied { .. })), "{error}");
    assert_eq!(
        (error.endpoint(), error.recovery()),
        (Some(Endpoint::Authorization), Recovery::Reauthenticate)
    );
    assert_eq!(error.response().unwrap().code, "access_denied");
}

#[tokio::test]
async fn answers_of_another_issuer_or_of_none_are_refused() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    for iss in [Some("https://evil.test"), Some("https://id.test/"), None] {
        let start = client.start(params(&["openid"])).unwrap();
        let mut back = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
        back.iss = iss.map(str::to_owned);
        let error = client.finish(start.pending, back).await.unwrap_err();
        assert!(
            matches!(error, OAuth2Error::Authorization(AuthorizationError::IssuerMismatch)),
            "{iss:?}: {error}"
        );
    }
    assert!(idp.requests(Endpoint::Token).is_empty(), "no code was sent anywhere");
    let silent = idp
        .client("app")
        .configure(|config| config.provider.iss_parameter_supported = false)
        .build()
        .unwrap();
    let start = silent.start(params(&["openid"])).unwrap();
    let mut back = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
    back.iss = None;
    assert!(
        silent.finish(start.pending, back).await.is_ok(),
        "a server that announces nothing may leave it out"
    );
}

#[tokio::test]
async fn a_sign_in_that_began_elsewhere_is_not_ended_here() {
    let idp = TestAuthServer::start();
    let nameless = |client_id: &str, token: &str| {
        let token = token.parse().unwrap();
        let builder = idp.client(client_id).configure(|config| {
            config.provider.issuer = None;
            config.provider.iss_parameter_supported = false;
            config.provider.token_endpoint = Some(token);
        });
        builder.build().unwrap()
    };
    let client = nameless("app", "https://id.test/token");
    let start = client.start(params(&["a"])).unwrap();
    let mut back = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
    back.iss = None;
    let open = || {
        let sealed = start.pending.seal(&[7; 32]).unwrap();
        PendingAuthorization::open(&sealed, &[7; 32]).unwrap()
    };
    for other in [nameless("app", "https://evil.test/token"), nameless("other", "https://id.test/token")] {
        let error = other.finish(open(), back.clone()).await.unwrap_err();
        assert!(
            matches!(error, OAuth2Error::Authorization(AuthorizationError::IssuerMismatch)),
            "both have no issuer, and that does not make them one: {error}"
        );
    }
    assert!(idp.requests(Endpoint::Token).is_empty(), "no code was sent anywhere");
    client.finish(open(), back).await.unwrap();
}

#[tokio::test]
async fn a_code_is_never_sent_twice() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    for fault in [Fault::DropAfterProcessing, Fault::TimeOut, Fault::DropBeforeProcessing, Fault::Status(500)]
    {
        let before = idp.requests(Endpoint::Token).len();
        idp.next(Endpoint::Token, fault.clone());
        let error = sign_in(&idp, &client, params(&["openid"])).await.unwrap_err();
        assert_eq!(idp.requests(Endpoint::Token).len(), before + 1, "{fault:?}");
        assert!(!error.outcome_known(), "{fault:?}");
        assert_eq!(error.recovery(), Recovery::Reauthenticate, "{fault:?}");
    }
    assert_eq!(idp.revoked_grants(), 0, "no second use, so nothing was revoked");
    idp.clock().advance(minutes(2));
    idp.next(Endpoint::Token, Fault::Unreachable);
    assert!(
        sign_in(&idp, &client, params(&["openid"])).await.is_ok(),
        "nothing was sent, so it may be sent again"
    );
}

#[tokio::test]
async fn a_missing_id_token_is_an_error_where_one_was_asked_for() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let body = r#"{"access_token":"at","token_type":"Bearer"}"#.to_owned();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/json", body));
    let error = sign_in(&idp, &client, params(&["openid"])).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::MissingIdToken)), "{error}");
}

#[tokio::test]
async fn what_may_not_be_asked_is_refused_before_it_is() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let mut reserved = params(&["a"]);
    reserved.extra_params.insert("code_challenge".to_owned(), "x".to_owned());
    let mut weak = params(&["a"]);
    weak.state = Some("short".to_owned());
    let fragment = AuthorizationParams::new("https://app.test/cb#x".parse().unwrap());
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let many = AuthorizationParams::new(redirect_uri()).scopes(many);
    for bad in [reserved, weak, fragment, many] {
        let error = client.start(bad).unwrap_err();
        assert_eq!(error.recovery(), Recovery::FixConfiguration, "{error}");
    }
}

#[tokio::test]
async fn a_spent_code_is_an_invalid_grant() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let start = client.start(params(&["openid"])).unwrap();
    let back = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
    client.finish(start.pending.clone(), back.clone()).await.unwrap();
    let error = client.finish(start.pending, back).await.unwrap_err();
    assert!(matches!(&error, OAuth2Error::Token(TokenError::InvalidGrant { .. })), "{error}");
    assert_eq!((error.endpoint(), error.response().unwrap().http_status), (Some(Endpoint::Token), Some(400)));
    assert_eq!(error.response().unwrap().request_id.as_deref(), Some("request-1"));
}

#[tokio::test]
async fn user_info_must_be_about_the_same_person() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    let token = response.access_token.expose_secret();
    let info = client.user_info(token, "ada").await.unwrap();
    assert_eq!((info.sub.as_str(), info.text("name")), ("ada", Some("Ada")));
    let error = client.user_info(token, "eve").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::SubjectMismatch)), "{error}");
    let error = client.user_info("dead", "ada").await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidToken { .. })), "{error}");
}

#[tokio::test]
async fn signing_out_has_an_address() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let request = LogoutRequest {
        id_token_hint: Some("hint".to_owned()),
        post_logout_redirect_uri: Some("https://app.test/bye".to_owned()),
        state: Some("s&t".to_owned()),
        client_id: None,
    };
    let url = client.logout_url(request).unwrap();
    assert_eq!(url.path(), "/logout");
    let pairs = [
        ("id_token_hint", "hint"),
        ("client_id", "app"),
        ("post_logout_redirect_uri", "https://app.test/bye"),
        ("state", "s&t"),
    ];
    for (name, value) in pairs {
        assert_eq!(pair(&url, name).as_deref(), Some(value));
    }
}

#[test]
fn several_prompts_are_asked_at_once_and_none_goes_alone() {
    let client = TestAuthServer::start().client("app").build().unwrap();
    let asked = |prompt, prompts: &[Prompt]| {
        let mut asked = params(&["openid"]);
        (asked.prompt, asked.prompts) = (prompt, prompts.to_vec());
        client.start(asked).map(|start| pair(&start.url, "prompt"))
    };
    let both = asked(Some(Prompt::Login), &[Prompt::Consent, Prompt::Login]).unwrap();
    assert_eq!(both.as_deref(), Some("login consent"));
    assert_eq!(asked(None, &[Prompt::Create]).unwrap().as_deref(), Some("create"));
    assert_eq!(asked(Some(Prompt::None), &[]).unwrap().as_deref(), Some("none"));
    assert!(asked(Some(Prompt::None), &[Prompt::Login]).is_err());
    assert!(asked(Some(Prompt::Login), &[Prompt::None]).is_err());
}

#[tokio::test]
async fn who_compares_the_state_alone_still_needs_verifier_and_nonce() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let code = client.authorization_code_pkce();
    let exchange = async |change_verifier: bool, nonce: Option<&str>| {
        let to = code.authorization_url(params(&["openid"])).unwrap();
        let answer = pair(&idp.approve(&to.url), "code").unwrap();
        let sent = pair(&to.url, "nonce").unwrap();
        let other = PkceVerifier::generate();
        let verifier = if change_verifier { &other } else { &to.pkce_verifier };
        let nonce = nonce.unwrap_or(&sent);
        client.exchange_code_unchecked(&answer, &redirect_uri(), Some(verifier), Some(nonce)).await
    };
    assert!(exchange(false, None).await.unwrap().id_token.is_some());
    let error = exchange(false, Some("another")).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Validation(ValidationError::NonceMismatch)), "{error}");
    let error = exchange(true, None).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidGrant { .. })), "{error}");
}

#[test]
fn an_answer_behind_the_number_sign_is_asked_for_only_by_those_who_can_read_it() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let mut asked = params(&["openid"]);
    asked.response_mode = Some(ResponseMode::Fragment);
    let error = client.start(asked).unwrap_err();
    assert!(matches!(error, OAuth2Error::Configuration(ConfigurationError::Invalid(_))), "{error}");
    assert!(error.to_string().contains("fragment"), "{error}");
    let start = client.start(params(&["openid"]).reading_fragment()).unwrap();
    assert_eq!(pair(&start.url, "response_mode").as_deref(), Some("fragment"));
}
