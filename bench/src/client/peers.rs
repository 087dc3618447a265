//! The same work by the crates `oauth2` and `openidconnect`.

use std::str::FromStr as _;

use anyhow::{Context, Result, ensure};
use ayb_client::{Algorithm, AuthorizationParams, Expected};
use ayb_protocol::answer::{Answer, Strictness, TokenAnswer};
use openidconnect::core::{
    CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreTokenResponse,
};
use openidconnect::{ClientId, ClientSecret, IssuerUrl, Nonce, OAuth2TokenResponse as _};

use super::cache::now_or_never;
use super::pair;
use super::provider::{CALLBACK, CLIENT, ISSUER, NONCE, SECRET, Signer, client};
use crate::report::Report;

const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The peers, and what a ratio to them is called.
const OAUTH2: (&str, &str) = ("oauth2", "x oauth2");
const OPENIDCONNECT: (&str, &str) = ("openidconnect", "x openidconnect");

/// Measures all.
///
/// # Errors
/// When something cannot be set up, or gives a wrong answer.
pub fn run(rounds: usize, report: &mut Report) -> Result<()> {
    addresses(rounds, report)?;
    answers(rounds, report)?;
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
        id_tokens(rounds, &Signer::new(algorithm)?, report)?;
    }
    Ok(())
}

fn show(
    report: &mut Report,
    name: &str,
    (peer, ratio_of): (&str, &'static str),
    target: &'static str,
    (ours, other, ratio): (f64, f64, f64),
) {
    report.value("memory", name, ours, "ns", None);
    report.value("memory", format!("{name}, {peer}"), other, "ns", None);
    report.value("memory", name, ratio, ratio_of, Some(target));
}

/// An authorization address with state, PKCE and, for OpenID Connect, a nonce.
fn addresses(rounds: usize, report: &mut Report) -> Result<()> {
    let ours = client("")?;
    let redirect: openidconnect::url::Url = CALLBACK.parse()?;
    let params = || AuthorizationParams::new(redirect.clone()).scopes(SCOPES);
    let authorize = oauth2::AuthUrl::new(format!("{ISSUER}/authorize"))?;
    let peer = oauth2::basic::BasicClient::new(oauth2::ClientId::new(CLIENT.to_owned()))
        .set_client_secret(oauth2::ClientSecret::new(SECRET.to_owned()))
        .set_auth_uri(authorize)
        .set_redirect_uri(oauth2::RedirectUrl::new(CALLBACK.to_owned())?);
    let begin = || {
        let (challenge, verifier) = oauth2::PkceCodeChallenge::new_random_sha256();
        let request = peer.authorize_url(oauth2::CsrfToken::new_random);
        let request = SCOPES
            .iter()
            .fold(request, |request, scope| request.add_scope(oauth2::Scope::new((*scope).to_owned())));
        // What `nonce` of OpenID Connect is there.
        let nonce = oauth2::CsrfToken::new_random();
        (
            request.add_extra_param("nonce", nonce.secret().clone()).set_pkce_challenge(challenge).url(),
            verifier,
        )
    };
    let (one, other) = (ours.start(params())?.url, begin().0.0);
    let names = |url: &openidconnect::url::Url| {
        let mut names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        names.sort();
        names
    };
    ensure!(names(&one) == names(&other), "{one} and {other} do not ask the same");
    let figures = pair(rounds, || ours.start(params()), begin);
    show(report, "authorization address", OAUTH2, "client-peer-address", figures);
    Ok(())
}

/// The answer of a token endpoint, from bytes to a type.
fn answers(rounds: usize, report: &mut Report) -> Result<()> {
    let signer = Signer::new(Algorithm::ES256)?;
    let body = format!(
        r#"{{"access_token":"{0}","token_type":"Bearer","expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA",
        "scope":"openid profile email offline_access","id_token":"{0}"}}"#,
        signer.token
    );
    let answer = Answer { status: 200, content_type: Some("application/json"), body: body.as_bytes() };
    let read = || TokenAnswer::read(answer, Strictness::Lenient);
    let theirs = || serde_json::from_slice::<CoreTokenResponse>(body.as_bytes());
    // The other one knows no ID tokens.
    let short = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer",
        "expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","scope":"orders.read orders.write"}"#;
    let plain = || serde_json::from_slice::<oauth2::basic::BasicTokenResponse>(short.as_bytes());
    let read_short = || TokenAnswer::read(Answer { body: short.as_bytes(), ..answer }, Strictness::Lenient);
    let value = read().ok().context("our own reader refuses the answer")?.value;
    ensure!(value.access_token.as_str() == theirs()?.access_token().secret(), "a wrong answer");
    show(
        report,
        "token answer without ID token",
        OAUTH2,
        "client-peer-answer",
        pair(rounds, read_short, plain),
    );
    show(report, "token answer", OPENIDCONNECT, "client-peer-answer", pair(rounds, read, theirs));
    Ok(())
}

/// An ID token, from text to checked claims.
fn id_tokens(rounds: usize, signer: &Signer, report: &mut Report) -> Result<()> {
    let ours = client(&signer.jwks)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let expected = Expected { nonce: Some(NONCE), ..Expected::default() };
    runtime.block_on(ours.verify_id_token(&signer.token, &expected))?;
    let algorithm = match signer.algorithm {
        Algorithm::RS256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        Algorithm::ES256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        _ => CoreJwsSigningAlgorithm::EdDsa,
    };
    let keys: CoreJsonWebKeySet = serde_json::from_str(&signer.jwks)?;
    let verifier = CoreIdTokenVerifier::new_confidential_client(
        ClientId::new(CLIENT.to_owned()),
        ClientSecret::new(SECRET.to_owned()),
        IssuerUrl::new(ISSUER.to_owned())?,
        keys,
    );
    let verifier = verifier.set_allowed_algs([algorithm]);
    let nonce = Nonce::new(NONCE.to_owned());
    let check = || {
        let token = CoreIdToken::from_str(&signer.token).ok()?;
        token.claims(&verifier, &nonce).ok().map(|claims| claims.subject().as_str().len())
    };
    ensure!(check() == Some("248289761001".len()), "openidconnect refuses the token");
    let figures = pair(rounds, || now_or_never(ours.verify_id_token(&signer.token, &expected)), check);
    let name = format!("ID token, {}", signer.algorithm);
    show(report, &name, OPENIDCONNECT, "client-peer-id-token", figures);
    Ok(())
}
