//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): where a logout may lead.

use crate::client::ClientRecord;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::message::logout::LogoutRequest;
use ayb_protocol::redirect_uri::RedirectUri;

/// What a verified `id_token_hint` says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hint {
    /// The person.
    pub sub: String,
    /// The client that the token was issued to.
    pub client_id: String,
    /// The session in which it was issued.
    pub sid: Option<String>,
}

/// What happens after the person is signed out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// Show our own page.
    OurPage,
    /// Go back to the client.
    Client {
        /// Where.
        uri: RedirectUri,
        /// Returned unchanged.
        state: Option<String>,
    },
}

/// The client that a logout request is about: the hint's, or the named one; they must agree (§2).
///
/// # Errors
/// `invalid_request` when they differ, or when a redirect is asked for and nobody is named.
pub fn named_client<'a>(
    request: &'a LogoutRequest,
    hint: Option<&'a Hint>,
) -> Result<Option<&'a str>, Refusal> {
    let hinted = hint.map(|hint| hint.client_id.as_str());
    let named = request.client_id.as_deref();
    if let (Some(hinted), Some(named)) = (hinted, named)
        && hinted != named
    {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "client_id and id_token_hint name different clients.",
        ));
    }
    let client = hinted.or(named);
    if client.is_none() && request.post_logout_redirect_uri.is_some() {
        let text = "post_logout_redirect_uri needs id_token_hint or client_id.";
        return Err(Refusal::new(ErrorCode::InvalidRequest, text));
    }
    Ok(client)
}

/// Where the logout leads.
///
/// # Errors
/// `invalid_request` when the address is not registered for the client; the person is then shown a page.
pub fn destination(request: &LogoutRequest, client: Option<&ClientRecord>) -> Result<Destination, Refusal> {
    let Some(uri) = &request.post_logout_redirect_uri else { return Ok(Destination::OurPage) };
    let registered = client
        .filter(|client| client.revoked_at.is_none())
        .map(|client| client.settings.post_logout_redirect_uris.as_slice())
        .unwrap_or_default();
    let uri = RedirectUri::trust(uri, registered).map_err(|_| {
        let text = "The post_logout_redirect_uri is not registered for this client.";
        Refusal::new(ErrorCode::InvalidRequest, text)
    })?;
    Ok(Destination::Client { uri, state: request.state.clone() })
}

/// Whether the person must confirm: always, unless the hint proves that the request is about the very session that
/// this browser has (§2, against logout by a stranger's link).
pub fn needs_confirmation(hint: Option<&Hint>, present: Option<(&str, &str)>) -> bool {
    match (hint, present) {
        (_, None) => false,
        (Some(hint), Some((sub, sid))) => !(hint.sub == sub && hint.sid.as_deref() == Some(sid)),
        (None, Some(_)) => true,
    }
}
