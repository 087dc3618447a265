//! Logout at a client's wish (OpenID Connect RP-Initiated Logout 1.0).

use crate::kit::{NOW, client, registered};
use ayb_protocol::error::ErrorCode;
use ayb_protocol::message::logout::LogoutRequest;
use ayb_provider::client::ClientRecord;
use ayb_provider::logout::{Destination, Hint, destination, named_client, needs_confirmation};

const BYE: &str = "https://app.example/bye";

fn request(change: impl FnOnce(&mut LogoutRequest)) -> LogoutRequest {
    let mut request = LogoutRequest::default();
    change(&mut request);
    request
}

fn to(uri: &str) -> LogoutRequest {
    request(|request| request.post_logout_redirect_uri = Some(uri.to_owned()))
}

fn hint(client_id: &str, sid: Option<&str>) -> Hint {
    Hint { sub: "ada".into(), client_id: client_id.into(), sid: sid.map(str::to_owned) }
}

fn with_bye(change: impl FnOnce(&mut ClientRecord)) -> ClientRecord {
    client(|client| {
        client.settings.post_logout_redirect_uris = vec![registered(BYE)];
        change(client);
    })
}

#[test]
fn the_client_is_the_one_that_hint_and_request_agree_on() {
    for (hinted, named, redirect, expected) in [
        (None, None, false, Ok(None)),
        (Some("a"), None, false, Ok(Some("a"))),
        (None, Some("a"), false, Ok(Some("a"))),
        (Some("a"), Some("a"), true, Ok(Some("a"))),
        (Some("a"), None, true, Ok(Some("a"))),
        (None, Some("a"), true, Ok(Some("a"))),
        (Some("a"), Some("b"), false, Err(ErrorCode::InvalidRequest)),
        (Some("a"), Some("b"), true, Err(ErrorCode::InvalidRequest)),
        (Some("a"), Some("A"), true, Err(ErrorCode::InvalidRequest)),
        (Some("a"), Some(""), true, Err(ErrorCode::InvalidRequest)),
        (None, None, true, Err(ErrorCode::InvalidRequest)),
    ] {
        let request = request(|request| {
            request.client_id = named.map(str::to_owned);
            request.post_logout_redirect_uri = redirect.then(|| BYE.to_owned());
        });
        let hint = hinted.map(|id| hint(id, None));
        let client = named_client(&request, hint.as_ref()).map_err(|refusal| refusal.code);
        assert_eq!(client, expected, "{hinted:?} {named:?} {redirect}");
    }
}

#[test]
fn without_an_address_the_person_stays_with_us() {
    let request = request(|request| request.state = Some("s".into()));
    for client in [None, Some(with_bye(|_| {}))] {
        assert_eq!(destination(&request, client.as_ref()), Ok(Destination::OurPage));
    }
}

#[test]
fn a_registered_address_is_followed_with_the_state_unchanged() {
    for state in [None, Some("x&y=z\r\n%00 é")] {
        let request = LogoutRequest { state: state.map(str::to_owned), ..to(BYE) };
        let Ok(Destination::Client { uri, state: returned }) = destination(&request, Some(&with_bye(|_| {})))
        else {
            panic!("no way back")
        };
        assert_eq!((uri.as_str(), returned.as_deref()), (BYE, state));
    }
}

#[test]
fn an_unregistered_address_is_never_followed() {
    let client = with_bye(|_| {});
    for uri in [
        "https://evil.example/bye",
        "https://app.example/bye/",
        "https://app.example/bye?x=1",
        "https://app.example/bye#",
        "https://app.example/BYE",
        "https://app.example:443/bye",
        "https://app.example.evil.example/bye",
        "https://app.example\\@evil.example/bye",
        "http://app.example/bye",
        "//evil.example",
        "javascript:alert(1)",
        "",
        // Registered, but for codes.
        crate::kit::CALLBACK,
    ] {
        let refusal = destination(&to(uri), Some(&client)).expect_err(uri);
        assert_eq!(refusal.code, ErrorCode::InvalidRequest, "{uri}");
        assert!(refusal.public.contains("post_logout_redirect_uri"), "{uri}");
    }
}

#[test]
fn a_client_that_is_unknown_or_revoked_or_has_no_address_leads_nowhere() {
    let revoked = with_bye(|client| client.revoked_at = Some(NOW));
    for client in [None, Some(revoked), Some(client(|_| {}))] {
        assert!(destination(&to(BYE), client.as_ref()).is_err());
    }
}

#[test]
fn only_the_hint_of_this_very_session_spares_the_question() {
    let present = Some(("ada", "s1"));
    for (hint, present, asked) in [
        (Some(hint("a", Some("s1"))), present, false),
        (Some(hint("a", Some("s2"))), present, true),
        (Some(hint("a", Some("S1"))), present, true),
        (Some(hint("a", Some(""))), present, true),
        (Some(hint("a", None)), present, true),
        (Some(hint("a", Some("s1"))), Some(("bob", "s1")), true),
        (None, present, true),
        (None, None, false),
        (Some(hint("a", Some("s1"))), None, false),
        (Some(hint("a", None)), None, false),
    ] {
        assert_eq!(needs_confirmation(hint.as_ref(), present), asked, "{hint:?} {present:?}");
    }
}
