//! Signs a person in from a program on their machine, and keeps the tokens in encrypted files.
//!
//! `cargo run -p ayb-client --features loopback --example login -- https://id.example client-id`

use std::time::Duration;

use ayb_client::loopback::Loopback;
use ayb_client::primitives::types::{SystemTimeProvider, TimeProvider as _};
use ayb_client::{
    AuthorizationParams, ClientCredentials, Expected, ExposeSecret as _, KeySource, OAuth2,
    OAuth2Client as _, OAuth2Config, OAuth2Error, ProviderConfig, Timestamp, TokenSet, TokenStorageConfig,
};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client_id] = &arguments[..] else {
        eprintln!("usage: login ISSUER CLIENT_ID");
        return std::process::ExitCode::FAILURE;
    };
    match login(issuer, client_id).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.explain());
            std::process::ExitCode::FAILURE
        }
    }
}

async fn login(issuer: &str, client_id: &str) -> Result<(), OAuth2Error> {
    let mut config = OAuth2Config::new(ProviderConfig::default(), ClientCredentials::public(client_id));
    // A real program draws the key once and keeps it in the key ring of the system.
    let folder = std::env::temp_dir().join("ayb-client-login-example");
    config.storage = TokenStorageConfig::File { path: folder, key: KeySource::raw([1; 32]) };
    let client = OAuth2::builder(config).discover(issuer).await?.build()?;

    let loopback = Loopback::bind().await?;
    let scopes = ["openid", "email", "offline_access"];
    let start = client.start(AuthorizationParams::new(loopback.redirect_uri().clone()).scopes(scopes))?;
    println!("Open this address to sign in:\n\n  {}\n", start.url);
    let callback = loopback.wait(&start.pending, Duration::from_secs(300)).await?;
    let response = client.finish(start.pending, callback).await?;

    if let Some(id_token) = &response.id_token {
        let claims = client.verify_id_token(id_token.expose_secret(), &Expected::default()).await?;
        println!("hello {}", claims.email().unwrap_or(claims.subject()));
    }
    let now = SystemTimeProvider::default().unix_time();
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    client.tokens().store_tokens(TokenSet::from_response(&response, now)).await?;
    println!("the access token counts for {:?}", client.tokens().get_access_token().await?.expires_in());
    // A refresh may be under way that nobody waits for.
    client.settle().await;
    Ok(())
}
