//! A JWT that was made for another API is alive, and opens no table.

use ayb_provider::access::{Denied, Read};
use ayb_server::http::client_ip::ClientIp;

use crate::kit::{Person, TestApp};

/// Whether a client with this audience gets tokens that open tables here.
async fn opens(app: &TestApp, ada: &Person, format: &str, audience: Option<&str>) -> Result<(), Denied> {
    let client = app
        .confidential_client()
        .with(|draft| {
            draft.token_format = Some(format.into());
            draft.audience = audience.map(str::to_owned);
        })
        .await;
    let token = app.tokens(&client, ada, "openid readonly").await.access;
    assert_eq!(app.userinfo(&token).await, 200, "{format} {audience:?} is alive");
    let address = ClientIp(crate::kit::request::ADDRESS.parse().unwrap());
    let admitted = ayb_server::caller::admit(&app.app, &token, address, app.clock.now()).await.unwrap();
    admitted.caller.access().permit::<Read>("notes").map(drop)
}

#[tokio::test]
async fn a_token_for_another_api_opens_no_table_here() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for (format, audience, expected) in [
            ("opaque", None, Ok(())),
            ("opaque", Some("https://api.example"), Ok(())),
            ("jwt", None, Ok(())),
            ("jwt", Some(app.issuer()), Ok(())),
            ("jwt", Some("https://api.example"), Err(Denied::AnotherAudience)),
        ] {
            assert_eq!(
                opens(&app, &ada, format, audience).await,
                expected,
                "{} {format} {audience:?}",
                app.kind
            );
        }
    }
}
