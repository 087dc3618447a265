//! Tokens for a client itself (RFC 6749 §4.4).

use crate::kit::{GRANT, NOW, authenticated, fresh, policy, registered_scopes, scope, tables};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::message::token::ClientCredentialsRequest;
use ayb_protocol::secret::Access;
use ayb_provider::client::{ClientKind, ClientRecord};
use ayb_provider::grant::TokenRecord;
use ayb_provider::grant::client_credentials::issue;

fn ask(
    words: &str,
    names: &str,
    change: impl FnOnce(&mut ClientRecord),
) -> Result<TokenRecord<Access>, Refusal> {
    let request = ClientCredentialsRequest { scope: scope(words), tables: tables(names) };
    issue(&authenticated(change), &request, fresh().access, GRANT, &policy(), NOW)
}

#[test]
fn the_token_has_no_person_and_is_limited_as_asked() {
    let token = ask("readonly", "notes", |_| {}).expect("issued");
    assert_eq!(token.user_id, None);
    assert_eq!((token.scope.to_string().as_str(), &token.tables), ("readonly", &tables("notes")));
    assert_eq!((token.id, token.hash, token.grant_id), (fresh().access.id, fresh().access.hash, GRANT));
    assert_eq!(token.client_id, crate::kit::our_id());
    assert_eq!((token.created_at, token.expires_at), (NOW, NOW.plus(policy().access_token)));
    assert_eq!(token.revoked_at, None);
}

#[test]
fn a_public_client_gets_no_token_of_its_own() {
    let refusal = ask("readonly", "", |client| client.kind = ClientKind::Public).expect_err("refused");
    assert_eq!(refusal.code, ErrorCode::UnauthorizedClient);
}

#[test]
fn a_scope_beyond_the_registration_is_refused() {
    for (registered, asked, allowed) in [
        ("readonly", "readonly", true),
        ("*", "readonly", true),
        ("*", "readwrite", true),
        ("*", "*", true),
        ("readonly readwrite", "readwrite", true),
        ("readonly", "readwrite", false),
        ("readonly", "*", false),
        ("readwrite", "*", false),
        ("readwrite", "readonly", false),
        ("openid", "readonly", false),
    ] {
        let result = ask(asked, "", |client| client.settings.scopes = registered_scopes(registered));
        let code = result.map(|token| token.scope.to_string()).map_err(|refusal| refusal.code);
        let expected = if allowed { Ok(asked.to_owned()) } else { Err(ErrorCode::InvalidScope) };
        assert_eq!(code, expected, "{asked} for a client with {registered}");
    }
}

#[test]
fn nothing_about_a_person_is_given_to_a_client_alone() {
    for words in
        ["openid", "profile", "email", "offline_access", "openid readonly", "readwrite offline_access"]
    {
        assert_eq!(ask(words, "", |_| {}).expect_err(words).code, ErrorCode::InvalidScope, "{words}");
    }
}
