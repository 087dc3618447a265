//! Whose request it is, where its answer may go, and what it may ask for.

use super::{address, addressed, our_address, request, validated};
use crate::kit::{CALLBACK, NOW, client, other_id, registered, registered_scopes};
use ayb_protocol::error::ErrorCode;
use ayb_protocol::message::authorize::Address;
use ayb_provider::client::{ClientKind, ClientRecord};

#[test]
fn an_unknown_or_revoked_client_is_never_answered_by_redirect() {
    let revoked = client(|client| client.revoked_at = Some(NOW));
    let revoked_later = client(|client| client.revoked_at = Some(NOW.plus(ayb_protocol::time::Seconds(60))));
    let other = client(|client| client.client_id = other_id());
    for found in [None, Some(revoked), Some(revoked_later), Some(other)] {
        let refusal = address(&our_address(), found.map(Into::into)).expect_err("no address");
        assert_eq!(refusal.code, ErrorCode::InvalidClient);
    }
}

#[test]
fn a_revoked_client_is_refused_before_its_address_is_looked_at() {
    let revoked = client(|client| client.revoked_at = Some(NOW));
    let elsewhere = Address { redirect_uri: "https://evil.example".into(), ..our_address() };
    assert_eq!(
        address(&elsewhere, Some(revoked.into())).expect_err("revoked").code,
        ErrorCode::InvalidClient
    );
}

#[test]
fn an_unregistered_redirect_uri_is_never_trusted() {
    for uri in [
        "",
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://app.example/cb?x=1",
        "https://app.example/cb#x",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://user@app.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example.evil.example/cb",
        "https://app.example./cb",
        "https://app.example/x/../cb",
        "https://app.example/%63b",
        "https://APP.example/cb",
        "HTTPS://app.example/cb",
        "http://app.example/cb",
        "//app.example/cb",
        "javascript:alert(1)//https://app.example/cb",
        "data:text/html,x",
        " https://app.example/cb",
        "https://app.example/cb\r\nLocation: https://evil.example",
    ] {
        let asked = Address { redirect_uri: uri.to_owned(), ..our_address() };
        let refusal = address(&asked, Some(client(|_| {}).into())).expect_err(uri);
        assert_eq!(refusal.code, ErrorCode::InvalidRequest, "{uri}");
    }
}

#[test]
fn a_client_without_redirect_uris_is_never_answered_by_redirect() {
    let none = client(|client| client.settings.redirect_uris.clear());
    assert!(address(&our_address(), Some(none.into())).is_err());
}

#[test]
fn the_logout_address_is_no_redirect_uri() {
    let bye = "https://app.example/bye";
    let client = client(|client| client.settings.post_logout_redirect_uris = vec![registered(bye)]);
    let asked = Address { redirect_uri: bye.into(), ..our_address() };
    assert!(address(&asked, Some(client.into())).is_err());
}

#[test]
fn the_address_is_kept_as_it_was_asked() {
    let native = client(|client| {
        client.kind = ClientKind::Public;
        client.settings.redirect_uris = vec![registered(CALLBACK), registered("http://127.0.0.1/cb")];
    });
    for uri in [CALLBACK, "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"] {
        let asked = Address { redirect_uri: uri.to_owned(), ..our_address() };
        let addressed = address(&asked, Some(native.clone().into())).expect(uri);
        assert_eq!(addressed.redirect_uri().as_str(), uri);
        assert_eq!(addressed.client(), &native);
        let validated = addressed.validate(request("scope=openid")).expect(uri);
        assert_eq!((validated.redirect_uri().as_str(), validated.client()), (uri, &native));
    }
}

fn scope_of(client: impl FnOnce(&mut ClientRecord), extra: &str) -> Result<String, ErrorCode> {
    let validated = addressed(client).validate(request(extra));
    validated.map(|validated| validated.scope().to_string()).map_err(|refusal| refusal.code)
}

#[test]
fn a_scope_beyond_the_registration_is_refused() {
    for (registered, asked, allowed) in [
        ("readonly", "readonly", true),
        ("*", "readwrite", true),
        ("openid email", "openid", true),
        ("openid email readwrite", "openid readwrite", true),
        ("readonly", "readwrite", false),
        ("readwrite", "readonly", false),
        ("readwrite", "*", false),
        ("*", "openid", false),
        ("openid", "openid email", false),
        ("openid", "openid readonly", false),
    ] {
        let got = scope_of(
            |client| client.settings.scopes = registered_scopes(registered),
            &format!("scope={}", asked.replace(' ', "%20")),
        );
        let expected = if allowed { Ok(asked.to_owned()) } else { Err(ErrorCode::InvalidScope) };
        assert_eq!(got, expected, "{asked} for a client with {registered}");
    }
}

#[test]
fn single_claims_need_the_scope_that_opens_them() {
    for (registered, claims, allowed) in [
        ("openid email", r#"{"userinfo":{"email":null}}"#, true),
        ("openid email", r#"{"id_token":{"email_verified":null}}"#, true),
        ("openid profile", r#"{"id_token":{"name":null},"userinfo":{"picture":null}}"#, true),
        ("openid", r#"{"userinfo":{"email":null}}"#, false),
        ("openid", r#"{"id_token":{"email_verified":null}}"#, false),
        ("openid email", r#"{"id_token":{"email":null},"userinfo":{"name":null}}"#, false),
        ("openid *", r#"{"id_token":{"picture":null}}"#, false),
        ("openid", r#"{"id_token":{"auth_time":{"essential":true},"acr":null}}"#, true),
    ] {
        let encoded = claims.replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
        let got = scope_of(
            |client| client.settings.scopes = registered_scopes(registered),
            &format!("scope=openid&claims={encoded}"),
        );
        let expected = if allowed { Ok("openid".to_owned()) } else { Err(ErrorCode::InvalidScope) };
        assert_eq!(got, expected, "{claims} for a client with {registered}");
    }
}

#[test]
fn offline_access_is_for_clients_with_refresh_tokens() {
    for (refresh_tokens, expected) in [(true, "openid offline_access"), (false, "openid")] {
        let got = scope_of(
            |client| client.settings.refresh_tokens = refresh_tokens,
            "scope=openid%20offline_access",
        );
        assert_eq!(got.as_deref(), Ok(expected));
    }
}

#[test]
fn the_request_is_kept() {
    let validated = validated("scope=openid&prompt=login&allowed_tables=notes");
    assert_eq!(validated.request(), &request("scope=openid&prompt=login&allowed_tables=notes"));
}
