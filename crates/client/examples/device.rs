//! Signs a person in on a device without a browser (RFC 8628).
//!
//! `cargo run -p ayb-client --example device -- https://id.example client-id`

use ayb_client::{
    ClientCredentials, DeviceAuthorizationFlowExt as _, OAuth2, OAuth2Client as _, OAuth2Error,
};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client_id, scopes @ ..] = &arguments[..] else {
        eprintln!("usage: device ISSUER CLIENT_ID [SCOPE…]");
        return std::process::ExitCode::FAILURE;
    };
    match device(issuer, ClientCredentials::public(client_id), scopes).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.explain());
            std::process::ExitCode::FAILURE
        }
    }
}

async fn device(issuer: &str, credentials: ClientCredentials, scopes: &[String]) -> Result<(), OAuth2Error> {
    let client = OAuth2::discover(issuer, credentials).await?;
    let flow = client.device_authorization();
    let response = flow
        .execute(Some(scopes), |codes| {
            println!("Go to {} and type in {}", codes.verification_uri, codes.user_code);
        })
        .await?;
    println!("{response:?}");
    Ok(())
}
