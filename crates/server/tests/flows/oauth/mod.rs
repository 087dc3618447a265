//! The provider, as clients, browsers and attackers meet it.

mod authorize;
mod authorize_address;
mod bearer;
mod client_auth;
mod consent;
mod cors;
mod disabled;
mod expiry;
mod head;
mod headers;
mod id_token;
mod jwt;
mod jwt_tokens;
mod keys;
mod limits;
mod logout;
mod metadata;
mod races;
mod remembered;
mod revoke;
mod secrets;
mod smoke;
mod token_client_credentials;
mod token_code;
mod token_refresh;
mod userinfo;

use serde_json::Value;

use crate::kit::Reply;

/// RFC 6749 §5.2: these two members and no others, for nobody to keep.
#[track_caller]
fn is_an_error_of_rfc_6749(reply: &Reply) {
    let Value::Object(body) = reply.json() else { panic!("{reply}") };
    let members: Vec<_> = body.keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "error_description"], "{reply}");
    assert!(body.values().all(|value| value.as_str().is_some_and(|text| !text.is_empty())), "{reply}");
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"), "{reply}");
    assert!(reply.header("content-type").starts_with("application/json"), "{reply}");
}
