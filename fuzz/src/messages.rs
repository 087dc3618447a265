//! Messages of OAuth and OpenID Connect: nothing panics, what is read is bounded and means one thing, and no secret
//! shows in a debug text.

use std::borrow::Cow;

use ayb_protocol::claims::ClaimsRequest;
use ayb_protocol::message::authorize::{
    Address, AuthorizeRequest, AuthorizeResponse, MAX_NONCE, MAX_STATE, ResponseMode,
};
use ayb_protocol::message::client_auth::{ClientProof, Credentials};
use ayb_protocol::message::logout::LogoutRequest;
use ayb_protocol::message::revoke::RevocationRequest;
use ayb_protocol::message::token::TokenRequest;
use ayb_protocol::params::Params;
use ayb_protocol::redirect_uri::{RedirectUri, RegisteredRedirectUri};
use ayb_protocol::scope::{IdentityScope, ResourceScope, Scope};
use ayb_protocol::secret::Secret;
use ayb_protocol::tables::{AllowedTables, MAX_TABLES};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// Two texts out of one: what stands before the first tabulator, and what stands behind it.
fn two(input: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(input).ok()?;
    Some(text.split_once('\t').unwrap_or((text, "")))
}

fn parameters(input: &[u8]) -> Option<Params> {
    Params::parse(std::str::from_utf8(input).ok()?).ok()
}

/// What is read is what the form said, without empty values and without anything that was no text; printed as a form
/// it reads as the same.
pub fn params(input: &[u8]) {
    let Some(params) = parameters(input) else { return };
    let meant: Vec<(Cow<'_, str>, Cow<'_, str>)> =
        form_urlencoded::parse(input).filter(|(_, value)| !value.is_empty()).collect();
    assert_eq!(meant.len(), params.len());
    for ((name, value), (read, kept)) in meant.iter().zip(params.pairs()) {
        assert!(name == read && value == kept && !value.contains(['\0', '\u{fffd}']));
    }
    let printed = form_urlencoded::Serializer::new(String::new()).extend_pairs(params.pairs()).finish();
    let again = Params::parse(&printed).map(|again| again.pairs().to_vec());
    assert_eq!(again.as_deref().ok(), Some(params.pairs()));
    if params.refuse_repeats(&[]).is_ok() {
        for name in ["state", "scope", "code", "client_id"] {
            assert!(params.one(name).is_ok() && params.all(name).count() < 2);
        }
    }
}

/// Everything kept is bounded, PKCE and state are always there, and what comes back to the client is what it sent.
pub fn authorize_request(input: &[u8]) {
    let Some(params) = parameters(input) else { return };
    // Errors find their way back with or without a good request.
    let mode = ResponseMode::of(&params);
    let _address = Address::read(&params);
    let Ok(request) = AuthorizeRequest::read(&params) else { return };
    assert_eq!(request.response_mode, mode);
    assert!(!request.state.is_empty() && request.state.len() <= MAX_STATE);
    assert!(request.nonce.as_ref().is_none_or(|nonce| nonce.len() <= MAX_NONCE));
    assert!(!(request.prompt.none && (request.prompt.login || request.prompt.consent)));
    assert_eq!(params.one("state").ok().flatten(), Some(request.state.as_str()));
    assert_eq!(params.one("code_challenge").ok().flatten(), Some(request.challenge.to_string().as_str()));
    assert!(params.refuse_repeats(&["allowed_tables", "resource"]).is_ok());
    let to = RedirectUri::from_stored("https://app.example/cb".to_owned());
    let answer = AuthorizeResponse::code(&to, mode, "c", &request.state, "https://op.example").location();
    let said: Vec<_> =
        Url::parse(&answer).map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default();
    let expected = [("code", "c"), ("state", &request.state), ("iss", "https://op.example")];
    assert_eq!(said, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // Nothing of a request can end a header line and begin another.
    assert!(answer.bytes().all(|byte| byte.is_ascii_graphic()));
}

/// One method, never two; what Basic says is what it would say when written anew; nothing shows in a debug text.
/// The header stands before the tabulator, the body behind it.
pub fn client_credentials(input: &[u8]) {
    let Some((header, body)) = two(input) else { return };
    let Ok(params) = Params::parse(body) else { return };
    let header = Some(header).filter(|header| !header.is_empty());
    let Ok(credentials) = Credentials::read(header, &params) else { return };
    assert!(!credentials.client_id.is_empty());
    let shown = format!("{credentials:?}");
    match &credentials.proof {
        ClientProof::Basic(secret) => {
            assert!(header.is_some() && params.all("client_secret").next().is_none());
            assert!(params.all("client_id").all(|named| named == credentials.client_id));
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&credentials.client_id), encode(secret));
            let anew =
                Credentials::read(Some(&format!("Basic {}", STANDARD.encode(pair))), &Params::default());
            let same = anew.is_ok_and(|anew| {
                anew.client_id == credentials.client_id
                    && matches!(&anew.proof, ClientProof::Basic(read) if read == secret)
            });
            assert!(same, "written anew it says something else");
            assert_eq!(shown, "Credentials(client_secret_basic)");
        }
        ClientProof::Post(secret) => {
            assert!(header.is_none());
            assert_eq!(params.one("client_secret").ok().flatten(), Some(secret.as_str()));
            assert_eq!(shown, "Credentials(client_secret_post)");
        }
        ClientProof::None => {
            assert!(header.is_none() && params.all("client_secret").next().is_none());
            assert_eq!(shown, "Credentials(none)");
        }
    }
}

/// Secrets are taken whole or not at all, and show in no debug text; so with a request to revoke.
pub fn token_request(input: &[u8]) {
    let Some(params) = parameters(input) else { return };
    if let Ok(request) = RevocationRequest::read(&params) {
        assert!(!request.token.is_empty());
        assert_eq!(format!("{request:?}"), "RevocationRequest(redacted)");
    }
    let secrets = ["code", "refresh_token", "code_verifier"].map(|name| params.one(name).ok().flatten());
    // Shorter ones may be words of the debug text, and the address is no secret.
    let address = params.one("redirect_uri").ok().flatten().unwrap_or_default();
    let long = |secret: &&&str| secret.len() > 40 && !address.contains(**secret);
    let hidden = |shown: &str| !secrets.iter().flatten().filter(long).any(|secret| shown.contains(*secret));
    let Ok(request) = TokenRequest::read(&params) else { return };
    assert!(hidden(&format!("{request:?}")), "a secret shows");
    match request {
        TokenRequest::Code(request) => {
            assert_eq!(request.code.as_ref().map(Secret::expose).or(secrets[0]), secrets[0]);
            assert_eq!(params.one("redirect_uri").ok().flatten(), Some(request.redirect_uri.as_str()));
            let challenge = request.verifier.challenge();
            assert!(challenge.matches(&request.verifier));
        }
        TokenRequest::Refresh(request) => {
            assert_eq!(request.token.as_ref().map(Secret::expose).or(secrets[1]), secrets[1]);
            assert!(!request.scope.is_ok_and(|scope| scope.is_some_and(|scope| scope.is_empty())));
        }
        TokenRequest::ClientCredentials(request) => assert!(!request.scope.is_empty()),
    }
}

/// What is read came once, as it is.
pub fn logout_request(input: &[u8]) {
    let Some(params) = parameters(input) else { return };
    let Ok(request) = LogoutRequest::read(&params) else { return };
    let read = [
        ("id_token_hint", request.id_token_hint),
        ("post_logout_redirect_uri", request.post_logout_redirect_uri),
        ("client_id", request.client_id),
        ("state", request.state),
    ];
    for (name, value) in read {
        assert_eq!(params.one(name).ok().flatten(), value.as_deref());
    }
}

/// A registered address is safe by itself, and what matches it leads to the same place. The registration stands before
/// the tabulator, the request behind it.
pub fn redirect_uri(input: &[u8]) {
    let Some((registered, requested)) = two(input) else { return };
    let Ok(uri) = RegisteredRedirectUri::parse(registered) else { return };
    assert_eq!(RegisteredRedirectUri::parse(uri.as_str()).as_ref(), Ok(&uri));
    let any_port = registered.contains(":*");
    assert_eq!(
        uri.matches(registered),
        !any_port,
        "a registration is a request for itself, but for a wild port"
    );
    let concrete = registered.replacen(":*", "", 1);
    assert!(uri.matches(&concrete));
    let home = Url::parse(&concrete).expect("a registration is a URL");
    assert_safe(&home);
    if !uri.matches(requested) {
        assert!(RedirectUri::trust(requested, std::slice::from_ref(&uri)).is_err());
        return;
    }
    let there = Url::parse(requested).expect("a match is a URL");
    assert_safe(&there);
    assert_eq!(
        (there.scheme(), there.host_str(), there.path()),
        (home.scheme(), home.host_str(), home.path())
    );
    if requested != registered {
        assert!(there.scheme() == "http", "only loopback addresses have ports of their own choice");
    }
    let trusted = RedirectUri::trust(requested, &[uri]).expect("it matches");
    let answer = trusted.with_params(&[("state", "a&b=c#d\r\n")]);
    let answer = Url::parse(&answer).expect("an answer is a URL");
    assert_eq!((answer.origin(), answer.path(), answer.fragment()), (there.origin(), there.path(), None));
}

fn assert_safe(url: &Url) {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    assert!(url.scheme() == "https" || (url.scheme() == "http" && loopback), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    assert!(url.query().is_none() && url.fragment().is_none() && url.host_str().is_some(), "{url}");
}

/// A scope prints to a text that reads as the same scope, and the rules about more and less agree with each other.
/// Two scopes, one on each side of the tabulator.
pub fn scope(input: &[u8]) {
    let Some((one, other)) = two(input) else { return };
    let Ok(one) = Scope::parse(one) else { return };
    assert_eq!(Scope::parse(&one.to_string()).as_ref(), Ok(&one));
    assert!(!one.is_empty() && one.covers(&one) && one.beyond(&one).is_empty());
    let Ok(other) = Scope::parse(other) else { return };
    let both = one.union(&other);
    assert!(both.covers(&one) && both.covers(&other));
    assert_eq!(one.covers(&other), other.beyond(&one).is_empty());
    assert_eq!(one.covers(&other), both == one);
    assert_eq!(
        one.has(IdentityScope::Openid) || other.has(IdentityScope::Openid),
        both.has(IdentityScope::Openid)
    );
    assert_eq!(both.resource().is_some(), one.resource().or(other.resource()).is_some());
    assert!(both.resource() <= Some(ResourceScope::Full));
}

/// A list of tables is bounded, holds names only, and survives being stored and being sent again.
pub fn allowed_tables(input: &[u8]) {
    let Some((one, other)) = two(input) else { return };
    let Ok(tables) = AllowedTables::parse([one, other].into_iter().filter(|text| !text.is_empty())) else {
        return;
    };
    assert_eq!(AllowedTables::from_stored(tables.to_stored()), tables);
    assert!(tables.covers(&tables) && AllowedTables::All.covers(&tables));
    let Some(names) = tables.names() else { return };
    assert!(!names.is_empty() && names.len() <= MAX_TABLES);
    assert!(names.iter().all(|name| !name.is_empty() && !name.contains(|c: char| c.is_control())));
    let joined = names.iter().cloned().collect::<Vec<_>>().join(",");
    assert_eq!(AllowedTables::parse(std::iter::once(joined.as_str())).as_ref(), Ok(&tables));
    assert!(!tables.covers(&AllowedTables::All));
}

/// A wish for claims survives being stored.
pub fn claims_request(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(request) = ClaimsRequest::parse(text) else { return };
    let stored = serde_json::to_string(&request).expect("a wish is printed");
    assert_eq!(serde_json::from_str::<ClaimsRequest>(&stored).ok().as_ref(), Some(&request));
    let single = request.userinfo.len() + request.id_token.len();
    assert_eq!(request.implied_scopes().is_empty(), single == 0);
}
