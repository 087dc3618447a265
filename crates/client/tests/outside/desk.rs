//! What the suite that starts these tests provides: clients, and a person in front of a browser.

use std::time::Duration;

use ayb_client::http::{HttpRequest, Method, ReqwestTransport};
use ayb_client::{
    AuthorizationParams, CallbackParams, HttpTransport as _, OAuth2, OAuth2Error, Timestamp, TokenResponse,
    TokenSet,
};
use serde_json::{Value, json};
use url::Url;

/// What the desk answers.
pub(crate) async fn ask(what: &str, words: Value) -> Value {
    #[expect(clippy::disallowed_methods, reason = "the suite that starts this one says where its desk is")]
    let desk = std::env::var("AYB_INTEROP_DESK").expect("the suite that starts the server sets it");
    let url = Url::parse(&format!("{desk}/{what}")).unwrap();
    let body = Some(words.to_string().into());
    let request = HttpRequest { method: Method::Post, url, headers: Vec::new(), body };
    let answer = ReqwestTransport::new().unwrap().send(request, Duration::from_secs(60)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// An answer that is a text.
pub(crate) async fn ask_text(what: &str, words: Value) -> String {
    ask(what, words).await.as_str().unwrap().to_owned()
}

pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the server that runs beside has the same clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}

/// The person goes to the address, and says yes (`approve`) or no (`deny`).
pub(crate) async fn decide(decision: &str, address: &Url, params: &AuthorizationParams) -> CallbackParams {
    let words = json!({"address": address.as_str(), "redirectUri": params.redirect_uri.as_str()});
    CallbackParams::parse(&ask_text(decision, words).await).unwrap()
}

pub(crate) async fn sign_in(
    client: &OAuth2,
    params: AuthorizationParams,
) -> Result<TokenResponse, OAuth2Error> {
    let start = client.start(params.clone())?;
    let arrived = decide("approve", &start.url, &params).await;
    client.finish(start.pending, arrived).await
}

/// Tokens whose access token has ended, as if its hour was over.
pub(crate) fn ended(response: &TokenResponse) -> TokenSet {
    let mut set = TokenSet::from_response(response, now());
    set.expires_at = Some(Timestamp::from_seconds(now().as_seconds() - 1));
    set
}

/// Twenty ask for a token that has ended; all get the same new one.
pub(crate) async fn renewed_for_twenty(client: &OAuth2) -> String {
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let manager = client.default_tokens();
            tokio::spawn(async move { ayb_client::TokenManager::get_access_token(&manager).await })
        })
        .collect();
    let mut tokens = Vec::new();
    for caller in callers {
        tokens.push(caller.await.unwrap().unwrap().secret().to_owned());
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    tokens.remove(0)
}
