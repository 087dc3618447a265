//! The whole way, once.

use crate::kit::TestApp;

#[tokio::test]
async fn a_person_gives_a_client_tokens_that_work() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for client in [app.confidential_client().await, app.public_client().await] {
            let tokens = app.tokens(&client, &ada, "openid email readonly").await;
            let answer = app.get("/oauth/userinfo").bearer(&tokens.access).await;
            assert_eq!(answer.status, 200, "{} {answer}", app.kind);
            assert_eq!(answer.member("email"), ada.email);
        }
    }
}
