//! What the tests share.

pub(crate) mod before;
pub(crate) mod listen;

use std::time::Duration;

use ayb_client::mock::TestAuthServer;
use ayb_client::primitives::types::TimeProvider as _;
use ayb_client::{
    AuthorizationParams, CallbackParams, OAuth2, OAuth2Client as _, OAuth2Error, Timestamp, TokenResponse,
    TokenSet,
};
use url::Url;

pub(crate) fn redirect_uri() -> Url {
    Url::parse("http://127.0.0.1:7777/cb").unwrap()
}

pub(crate) fn params(scopes: &[&str]) -> AuthorizationParams {
    AuthorizationParams::new(redirect_uri()).scopes(scopes.iter().copied())
}

pub(crate) fn pair(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn now(idp: &TestAuthServer) -> Timestamp {
    Timestamp::from_millis(idp.clock().unix_time().as_millis() as i64)
}

pub(crate) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// Signs in with these scopes, all the way.
pub(crate) async fn sign_in(
    idp: &TestAuthServer,
    client: &OAuth2,
    params: AuthorizationParams,
) -> Result<TokenResponse, OAuth2Error> {
    let start = client.start(params)?;
    let back = idp.approve(&start.url);
    client.finish(start.pending, CallbackParams::parse(back.as_str())?).await
}

/// Signs in and keeps the tokens under the default key.
pub(crate) async fn signed_in(idp: &TestAuthServer, client: &OAuth2) -> TokenSet {
    let response = sign_in(idp, client, params(&["orders"])).await.unwrap();
    let set = TokenSet::from_response(&response, now(idp));
    client.tokens().store_tokens(set.clone()).await.unwrap();
    set
}
