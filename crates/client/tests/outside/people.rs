//! A person in front of a browser, and what a client goes through with them.

use ayb_client::{
    AuthorizationParams, CallbackParams, OAuth2, OAuth2Error, Timestamp, TokenResponse, TokenSet,
};
use serde_json::{Value, json};
use url::Url;

use crate::desk::{ask, now};

/// An answer that is a text.
pub(crate) async fn ask_text(what: &str, words: Value) -> String {
    ask(what, words).await.as_str().unwrap().to_owned()
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
