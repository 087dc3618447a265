//! Revocation (RFC 7009).

use crate::kit::{GRANT, authenticated, other_id, our_id, stranger};
use ayb_protocol::jose::base64url;
use ayb_protocol::secret::{Access, Kind, Refresh, SecretHash};
use ayb_provider::client::ClientKind;
use ayb_provider::revoke::{FoundToken, Revocable, Revocation, classify_token, revoke};
use uuid::Uuid;

const ROW: Uuid = Uuid::from_u128(0x70);

fn found(is_refresh: bool, change: impl FnOnce(&mut FoundToken)) -> FoundToken {
    let hash = SecretHash::<Access>::of("token").untyped();
    let mut found = FoundToken { id: ROW, hash, client_id: our_id(), grant_id: GRANT, is_refresh };
    change(&mut found);
    found
}

fn presented() -> SecretHash<()> {
    SecretHash::<Access>::of("token").untyped()
}

#[test]
fn an_access_token_dies_alone_and_a_refresh_token_takes_its_grant_along() {
    for (is_refresh, expected) in [(false, Revocation::Token(ROW)), (true, Revocation::Grant(GRANT))] {
        let found = found(is_refresh, |_| {});
        assert_eq!(revoke(Some(&found), presented(), &authenticated(|_| {})), expected);
        let public = authenticated(|client| client.kind = ClientKind::Public);
        assert_eq!(revoke(Some(&found), presented(), &public), expected);
    }
}

#[test]
fn another_client_cannot_revoke() {
    for is_refresh in [false, true] {
        let ours = found(is_refresh, |_| {});
        assert_eq!(revoke(Some(&ours), presented(), &stranger()), Revocation::Nothing);
        let theirs = found(is_refresh, |found| found.client_id = other_id());
        assert_eq!(revoke(Some(&theirs), presented(), &authenticated(|_| {})), Revocation::Nothing);
        assert_ne!(revoke(Some(&theirs), presented(), &stranger()), Revocation::Nothing);
    }
}

#[test]
fn a_string_that_only_points_at_the_row_revokes_nothing() {
    for forged in ["forged", "", "token ", "TOKEN"] {
        let hash = SecretHash::<Access>::of(forged).untyped();
        for is_refresh in [false, true] {
            let found = found(is_refresh, |_| {});
            assert_eq!(revoke(Some(&found), hash, &authenticated(|_| {})), Revocation::Nothing, "{forged}");
        }
    }
}

#[test]
fn an_unknown_token_revokes_nothing() {
    assert_eq!(revoke(None, presented(), &authenticated(|_| {})), Revocation::Nothing);
}

fn jwt(header: &str, payload: &str) -> String {
    format!("{}.{}.c2ln", base64url::encode(header), base64url::encode(payload))
}

fn form(text: &str) -> &'static str {
    match classify_token(text) {
        Revocable::Opaque(_) => "opaque",
        Revocable::Jwt { .. } => "jwt",
        Revocable::Refresh(_) => "refresh",
        Revocable::Unknown => "unknown",
    }
}

#[test]
fn each_kind_of_token_is_told_by_its_form() {
    let payload = format!(r#"{{"jti":"{ROW}"}}"#);
    let access = format!("{}{}", Access::PREFIX, "ab".repeat(32));
    let refresh = format!("{}{}", Refresh::PREFIX, "ab".repeat(48));
    for (text, expected) in [
        (access.clone(), "opaque"),
        (refresh.clone(), "refresh"),
        (jwt(r#"{"alg":"RS256","typ":"at+jwt"}"#, &payload), "jwt"),
        (jwt(r#"{"alg":"HS256","typ":"ayb-session+jwt"}"#, &payload), "unknown"),
        (jwt(r#"{"alg":"RS256","typ":"JWT"}"#, &payload), "unknown"),
        (jwt(r#"{"alg":"none","typ":"at+jwt"}"#, &payload), "unknown"),
        (format!("{}{}", Refresh::PREFIX, "ab".repeat(32)), "unknown"),
        (format!("{}{}", Access::PREFIX, "ab".repeat(48)), "unknown"),
        (format!("{access} "), "unknown"),
        (refresh.to_uppercase(), "unknown"),
        (format!("ayb_cs_{}", "ab".repeat(32)), "unknown"),
        ("ab".repeat(32), "unknown"),
        ("45ghiukldjahdnhzdauz".to_owned(), "unknown"),
        (String::new(), "unknown"),
        ("\0".repeat(17 * 1024), "unknown"),
    ] {
        assert_eq!(form(&text), expected, "{text:.80}");
    }
}

#[test]
fn a_jwt_is_found_by_its_row_and_known_by_all_of_its_text() {
    let token = jwt(r#"{"alg":"RS256","typ":"at+jwt"}"#, &format!(r#"{{"jti":"{ROW}"}}"#));
    let Revocable::Jwt { row, hash } = classify_token(&token) else { panic!("no JWT") };
    assert_eq!((row, hash), (ROW, SecretHash::of(&token)));
}
