//! Health: what load balancers and operators are told.

use crate::kit::TestApp;

#[tokio::test]
async fn health_says_that_the_process_answers_and_that_a_row_was_written() {
    for app in TestApp::everywhere().await {
        for path in ["/health", "/health/ready"] {
            let reply = app.get(path).await;
            assert_eq!(reply.status, 200, "{path}");
            assert_eq!(reply.text(), r#"{"status":"ok","database":"ok"}"#, "{path}");
        }
        assert_eq!(app.get("/health/live").await.text(), r#"{"status":"ok"}"#);
    }
}
