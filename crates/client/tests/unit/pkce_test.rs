//! PKCE (RFC 7636).

use std::collections::HashSet;

use ayb_client::error::{ConfigurationError, TokenError};
use ayb_client::mock::TestAuthServer;
use ayb_client::{Endpoint, OAuth2Client as _, OAuth2Error, PkceMethod, PkceVerifier};

use crate::kit::{pair, params, redirect_uri};

#[test]
fn the_example_of_appendix_b_is_met() {
    let verifier = PkceVerifier::from_secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    assert_eq!(verifier.challenge(PkceMethod::S256), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    assert_eq!(verifier.challenge(PkceMethod::Plain), verifier.secret());
}

#[test]
fn verifiers_have_the_right_form_and_never_repeat() {
    let all: HashSet<String> = (0..1000).map(|_| PkceVerifier::generate().secret().to_owned()).collect();
    assert_eq!(all.len(), 1000);
    for verifier in &all {
        assert!((43..=128).contains(&verifier.len()));
        assert!(verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)), "{verifier}");
    }
    // 43 characters of a 64-letter alphabet, each letter about as often as the next: 256 bits, not a counter.
    let letters: HashSet<char> = all.iter().flat_map(|verifier| verifier.chars()).collect();
    assert_eq!(letters.len(), 64);
    for bad in ["", "short", &"a".repeat(129), &format!("{} ", "a".repeat(50))] {
        assert!(PkceVerifier::from_secret(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn the_verifier_belongs_to_the_challenge_of_the_address() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let pkce = client.authorization_code_pkce();
    let to = pkce.authorization_url(params(&["orders"])).unwrap();
    assert_eq!(pair(&to.url, "code_challenge").unwrap(), to.pkce_verifier.challenge(PkceMethod::S256));
    assert_eq!(pair(&to.url, "code_challenge_method").as_deref(), Some("S256"));
    let code = pair(&idp.approve(&to.url), "code").unwrap();
    pkce.exchange_code(&code, &to.state, &to.pkce_verifier, &redirect_uri()).await.unwrap();
    assert_eq!(idp.requests(Endpoint::Token)[0].form["code_verifier"], to.pkce_verifier.secret());
}

#[tokio::test]
async fn another_verifier_gets_nothing() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let pkce = client.authorization_code_pkce();
    let to = pkce.authorization_url(params(&["orders"])).unwrap();
    let code = pair(&idp.approve(&to.url), "code").unwrap();
    let wrong = PkceVerifier::generate();
    let error = pkce.exchange_code(&code, &to.state, &wrong, &redirect_uri()).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Token(TokenError::InvalidGrant { .. })), "{error}");
}

#[tokio::test]
async fn plain_needs_a_server_that_knows_nothing_else_and_a_switch() {
    let idp = TestAuthServer::start();
    let method = |listed: Option<&[&str]>, allowed: bool| {
        let builder = idp.client("app").configure(|config| {
            config.provider.code_challenge_methods =
                listed.map(|listed| listed.iter().map(|name| (*name).to_owned()).collect());
            config.allow_plain_pkce = allowed;
        });
        let start = builder.build().unwrap().start(params(&["a"]));
        start.map(|start| pair(&start.url, "code_challenge_method").unwrap())
    };
    for listed in [None, Some(&["S256"][..]), Some(&["plain", "S256"]), Some(&[])] {
        assert_eq!(method(listed, true).unwrap(), "S256", "{listed:?}");
    }
    assert_eq!(method(Some(&["plain"]), true).unwrap(), "plain");
    let error = method(Some(&["plain"]), false).unwrap_err();
    assert!(matches!(error, OAuth2Error::Configuration(ConfigurationError::Invalid(_))));
}

#[tokio::test]
async fn leaving_pkce_out_has_a_name_and_the_flow_with_pkce_refuses_it() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let start = client.start(params(&["a"]).dangerously_without_pkce()).unwrap();
    assert!(pair(&start.url, "code_challenge").is_none());
    let pkce = client.authorization_code_pkce();
    assert!(pkce.authorization_url(params(&["a"]).dangerously_without_pkce()).is_err());
}
