//! Health: what load balancers and operators are told.

use serde_json::json;

use crate::kit::TestApp;

#[tokio::test]
async fn health_says_that_the_process_answers_and_that_a_row_was_written() {
    for app in TestApp::everywhere().await {
        for path in ["/health", "/health/ready"] {
            let reply = app.get(path).await;
            assert_eq!(
                (reply.status, reply.json()),
                (http::StatusCode::OK, json!({"status": "ok", "database": "ok"})),
                "{path}"
            );
        }
        assert_eq!(app.get("/health/live").await.json(), json!({"status": "ok"}));
    }
}
