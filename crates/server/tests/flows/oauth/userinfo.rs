//! UserInfo (OpenID Connect Core §5.3) and the bearer token on its way there (RFC 6750).

use crate::kit::TestApp;

#[tokio::test]
async fn the_scope_opens_the_claims() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (opaque, jwt) = (
            app.confidential_client().await,
            app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await,
        );
        for client in [opaque, jwt] {
            for (scope, members) in [
                ("openid", &["sub"][..]),
                ("openid email", &["email", "email_verified", "sub"]),
                ("openid profile", &["name", "sub"]),
                ("openid profile email readonly", &["email", "email_verified", "name", "sub"]),
            ] {
                let tokens = app.tokens(&client, &ada, scope).await;
                for reply in [
                    app.get("/oauth/userinfo").bearer(&tokens.access).await,
                    app.post("/oauth/userinfo").bearer(&tokens.access).await,
                    app.post("/oauth/userinfo").form(&[("access_token", &tokens.access)]).await,
                ] {
                    assert_eq!(reply.status, 200, "{reply}");
                    let body = reply.json();
                    let found: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
                    assert_eq!(found, members, "{scope}");
                    assert_eq!(body["sub"], ada.id.to_string());
                    if members.contains(&"name") {
                        assert_eq!(body["name"], ada.name);
                    }
                    assert_eq!(reply.header("cache-control"), "no-store");
                    assert!(reply.header("content-type").starts_with("application/json"));
                }
            }
        }
    }
}

#[tokio::test]
async fn the_claims_are_those_of_today() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let tokens = app.tokens(&client, &ada, "openid profile").await;
    let picture = "https://img.example/ada.png";
    app.app.store.update_profile(ada.id, Some("Ada King"), Some(picture), app.clock.now()).await.unwrap();
    let body = app.get("/oauth/userinfo").bearer(&tokens.access).await.json();
    assert_eq!((&body["name"], &body["picture"]), (&"Ada King".into(), &picture.into()));
}

#[tokio::test]
async fn without_openid_there_is_nobody_to_tell_about() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let tokens = app.tokens(&client, &ada, "email readonly").await;
    let reply = app.get("/oauth/userinfo").bearer(&tokens.access).await;
    assert_eq!(reply.verdict(), (403, "insufficient_scope".to_owned()));
    let challenge = reply.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"openid\""),
        "{challenge}"
    );
}

#[tokio::test]
async fn a_request_without_a_credential_gets_a_bare_challenge() {
    let app = TestApp::start().await;
    for reply in [
        app.get("/oauth/userinfo").await,
        app.post("/oauth/userinfo").await,
        app.post("/oauth/userinfo").form(&[]).await,
        app.get("/oauth/userinfo?access_token=x").await,
    ] {
        assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, "Bearer realm=\"ayb\""));
        assert_eq!(reply.error(), "invalid_token", "in the words of the other refusals: {reply}");
        assert_eq!(reply.member("error_description"), "Send an access token.");
    }
}

#[tokio::test]
async fn a_token_travels_once_and_never_in_the_address() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let token = app.tokens(&client, &ada, "openid").await.access;
    let in_query = app.get(&format!("/oauth/userinfo?access_token={token}")).await;
    assert_eq!(in_query.status, 401, "the address is kept in logs and histories");
    let twice = app.post("/oauth/userinfo").form(&[("access_token", &token)]).bearer(&token).await;
    assert_eq!(twice.verdict(), (400, "invalid_request".to_owned()));
    let two_headers = app.get("/oauth/userinfo").bearer(&token).bearer(&token).await;
    assert_eq!(two_headers.verdict(), (400, "invalid_request".to_owned()));
    let two_fields =
        app.post("/oauth/userinfo").form(&[("access_token", &token), ("access_token", &token)]).await;
    assert_ne!(two_fields.status, 200, "{two_fields}");
    for header in ["Bearer", "Bearer ", "Basic x", &format!("Token {token}"), &token] {
        let reply = app.get("/oauth/userinfo").header("authorization", header).await;
        assert!([400, 401].contains(&reply.status.as_u16()), "{header}: {reply}");
        assert!(reply.header("www-authenticate").starts_with("Bearer"), "{header}");
    }
    let small = app.get("/oauth/userinfo").header("authorization", format!("bearer {token}")).await;
    assert_eq!(small.status, 200, "the scheme knows no case (RFC 9110 §11.1)");
}
