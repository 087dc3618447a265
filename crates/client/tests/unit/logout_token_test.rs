//! Logout tokens: what ends a session must be the provider's, for this client, and a logout.

use ayb_client::mock::TestAuthServer;
use serde_json::{Value, json};

#[tokio::test]
async fn only_a_logout_token_of_the_provider_ends_a_session() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let begin = 1_767_225_600;
    let good = json!({
        "iss": "https://id.test", "aud": "app", "iat": begin, "exp": begin + 120, "jti": "one", "sub": "ada", "sid": "s1",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let claims = client.verify_logout_token(&idp.sign("logout+jwt", &good)).await.unwrap();
    assert_eq!((claims.subject(), claims.session(), claims.token_id()), (Some("ada"), Some("s1"), "one"));
    let mut session_only = good.clone();
    session_only.as_object_mut().unwrap().remove("sub");
    assert!(client.verify_logout_token(&idp.sign("logout+jwt", &session_only)).await.is_ok());
    session_only.as_object_mut().unwrap().remove("sid");
    let wrong = [
        session_only,
        with("iss", json!("https://evil.test")),
        with("aud", json!("other")),
        with("exp", json!(begin - 31)),
        with("iat", json!(begin + 31)),
        with("iat", Value::Null),
        with("jti", json!("")),
        with("nonce", json!("n")),
        with("events", json!({})),
        with("events", json!({ "http://schemas.openid.net/event/backchannel-logout": true })),
    ];
    for claims in wrong {
        assert!(client.verify_logout_token(&idp.sign("logout+jwt", &claims)).await.is_err(), "{claims}");
    }
    assert!(client.verify_logout_token(&idp.sign("at+jwt", &good)).await.is_err(), "a token of another type");
    let strangers = TestAuthServer::start().sign("logout+jwt", &good);
    assert!(client.verify_logout_token(&strangers).await.is_err(), "a stranger's signature");
}
