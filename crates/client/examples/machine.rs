//! Gets a token for the program itself and asks what the provider says about it.
//!
//! `cargo run -p ayb-client --example machine -- https://id.example client-id client-secret readonly`

use ayb_client::{ClientCredentials, ExposeSecret as _, OAuth2, OAuth2Client as _, OAuth2Error};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client_id, secret, scopes @ ..] = &arguments[..] else {
        eprintln!("usage: machine ISSUER CLIENT_ID CLIENT_SECRET [SCOPE…]");
        return std::process::ExitCode::FAILURE;
    };
    match machine(issuer, ClientCredentials::with_secret(client_id, secret.as_str()), scopes).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.explain());
            std::process::ExitCode::FAILURE
        }
    }
}

async fn machine(issuer: &str, credentials: ClientCredentials, scopes: &[String]) -> Result<(), OAuth2Error> {
    let client = OAuth2::discover(issuer, credentials).await?;
    let response = client.client_credentials().request_token(Some(scopes)).await?;
    // Printing it shows what it is, and nothing of the token.
    println!("{response:?}");
    if client.provider().introspection_endpoint.is_some() {
        let token = response.access_token.expose_secret();
        println!("{:?}", client.introspection().introspect_access_token(token).await?);
    }
    client.revocation().revoke_access_token(response.access_token.expose_secret()).await?;
    println!("the token is revoked");
    Ok(())
}
