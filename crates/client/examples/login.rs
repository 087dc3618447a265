//! Signs a person in from a program on their machine, and keeps the tokens in encrypted files.
//!
//! `cargo run -p ayb-client --features loopback --example login -- https://id.example client-id`

use ayb_client::{
    ClientCredentials, KeySource, OAuth2, OAuth2Client as _, OAuth2Config, OAuth2Error, ProviderConfig,
    TokenStorageConfig,
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

    // Whichever ends first: the browser comes back to a port of this machine, or a code is typed in on another device.
    let login = client.login().scopes(["openid", "email", "offline_access"]).or_device();
    let me = login.show(|prompt| eprintln!("{prompt}")).save().run().await?;
    if let Some(claims) = &me.claims {
        println!("hello {}", claims.email().unwrap_or(claims.subject()));
    }
    println!("the access token counts for {:?}", client.tokens().get_access_token().await?.expires_in());
    // A refresh may be under way that nobody waits for.
    client.settle().await;
    Ok(())
}
