//! Registration of clients: from input to [`ClientSettings`], every rule in one place.

use crate::client::{ClientSettings, SigningAlg, TokenFormat};
use ayb_protocol::redirect_uri::RegisteredRedirectUri;
use ayb_protocol::scope::RegisteredScopes;
use ayb_protocol::time::Seconds;
use url::Url;

/// The longest client or app name, in characters.
pub const MAX_NAME: usize = 100;
/// The longest description of an app, in characters.
pub const MAX_DESCRIPTION: usize = 1000;
/// The most addresses in one list.
pub const MAX_URIS: usize = 20;
/// The longest grace for a lost refresh answer.
pub const MAX_REFRESH_GRACE: Seconds = Seconds(60);

/// The settings of a client as somebody typed them.
#[derive(Clone, Debug, Default)]
pub struct ClientDraft {
    /// See [`ClientSettings::name`].
    pub name: String,
    /// See [`ClientSettings::redirect_uris`].
    pub redirect_uris: Vec<String>,
    /// See [`ClientSettings::scopes`].
    pub scopes: Vec<String>,
    /// See [`ClientSettings::allowed_origins`].
    pub allowed_origins: Vec<String>,
    /// See [`ClientSettings::post_logout_redirect_uris`].
    pub post_logout_redirect_uris: Vec<String>,
    /// `opaque` (the default) or `jwt`.
    pub token_format: Option<String>,
    /// `RS256` (the default), `ES256` or `EdDSA`.
    pub signing_alg: Option<String>,
    /// See [`ClientSettings::audience`].
    pub audience: Option<String>,
    /// On by default.
    pub refresh_tokens: Option<bool>,
    /// Zero by default.
    pub refresh_grace_seconds: Option<u64>,
}

impl From<&ClientSettings> for ClientDraft {
    /// The draft that [`check`] makes these settings of.
    fn from(settings: &ClientSettings) -> Self {
        let texts = |uris: &[_]| uris.iter().map(ToString::to_string).collect();
        Self {
            name: settings.name.clone(),
            redirect_uris: texts(&settings.redirect_uris),
            scopes: settings.scopes.words(),
            allowed_origins: settings.allowed_origins.clone(),
            post_logout_redirect_uris: texts(&settings.post_logout_redirect_uris),
            token_format: Some(settings.token_format.as_str().to_owned()),
            signing_alg: Some(settings.signing_alg.as_str().to_owned()),
            audience: settings.audience.clone(),
            refresh_tokens: Some(settings.refresh_tokens),
            refresh_grace_seconds: Some(settings.refresh_grace.0),
        }
    }
}

/// A field that breaks a rule.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// The field's name in JSON.
    pub field: &'static str,
    /// What is wrong and what would do.
    pub message: &'static str,
}

/// Checks a draft.
///
/// # Errors
/// The first field that breaks a rule.
pub fn check(draft: &ClientDraft) -> Result<ClientSettings, FieldError> {
    let fail = |field| move |message| FieldError { field, message };
    let redirect_uris = addresses(&draft.redirect_uris).map_err(fail("redirectUris"))?;
    if redirect_uris.is_empty() {
        return Err(fail("redirectUris")("At least one redirect URI is needed."));
    }
    Ok(ClientSettings {
        name: check_name(&draft.name).map_err(fail("name"))?,
        redirect_uris,
        scopes: RegisteredScopes::parse(&draft.scopes).map_err(|refusal| fail("scopes")(refusal.public))?,
        allowed_origins: check_origins(&draft.allowed_origins).map_err(fail("allowedOrigins"))?,
        post_logout_redirect_uris: addresses(&draft.post_logout_redirect_uris)
            .map_err(fail("postLogoutRedirectUris"))?,
        token_format: word(draft.token_format.as_deref(), TokenFormat::parse)
            .ok_or_else(|| fail("tokenFormat")("Choose opaque or jwt."))?,
        signing_alg: word(draft.signing_alg.as_deref(), SigningAlg::parse)
            .ok_or_else(|| fail("signingAlg")("Choose RS256, ES256 or EdDSA."))?,
        audience: audience(draft.audience.as_deref()).map_err(fail("audience"))?,
        refresh_tokens: draft.refresh_tokens.unwrap_or(true),
        refresh_grace: grace(draft.refresh_grace_seconds).map_err(fail("refreshGraceSeconds"))?,
    })
}

/// Checks the name of a client or an app.
///
/// # Errors
/// A fixed text.
pub fn check_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err("A name has 1 to 100 characters and no control characters.");
    }
    Ok(name.to_owned())
}

/// Checks the description of an app.
///
/// # Errors
/// A fixed text.
pub fn check_description(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err("A description has at most 1000 characters and no control characters.");
    }
    Ok(text.to_owned())
}

fn word<T: Default>(text: Option<&str>, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    text.map_or_else(|| Some(T::default()), parse)
}

fn addresses(texts: &[String]) -> Result<Vec<RegisteredRedirectUri>, &'static str> {
    if texts.len() > MAX_URIS {
        return Err("At most 20 addresses are possible.");
    }
    let mut uris: Vec<RegisteredRedirectUri> = Vec::new();
    for text in texts {
        let uri = RegisteredRedirectUri::parse(text)?;
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    Ok(uris)
}

/// Checks the browser origins of a client or an app: scheme, host and port, nothing else; `https` except on this machine.
///
/// # Errors
/// A fixed text.
pub fn check_origins(texts: &[String]) -> Result<Vec<String>, &'static str> {
    if texts.len() > MAX_URIS {
        return Err("At most 20 origins are possible.");
    }
    texts.iter().map(|text| origin(text).map(str::to_owned)).collect()
}

fn origin(text: &str) -> Result<&str, &'static str> {
    const NOT_AN_ORIGIN: &str = "An origin is https://host or https://host:port, or http on localhost.";
    let url = Url::parse(text).map_err(|_| NOT_AN_ORIGIN)?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme_ok = url.scheme() == "https" || url.scheme() == "http" && local;
    // Browsers send hosts without wildcards, so an origin with one would be registered and never match.
    if !scheme_ok || text.contains('*') || url.origin().ascii_serialization() != text {
        return Err(NOT_AN_ORIGIN);
    }
    Ok(text)
}

fn audience(text: Option<&str>) -> Result<Option<String>, &'static str> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.len() > 255 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("An audience has at most 255 characters and no spaces.");
    }
    Ok(Some(text.to_owned()))
}

fn grace(seconds: Option<u64>) -> Result<Seconds, &'static str> {
    let grace = Seconds(seconds.unwrap_or(0));
    if grace > MAX_REFRESH_GRACE {
        return Err("The grace is at most 60 seconds.");
    }
    Ok(grace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> ClientDraft {
        ClientDraft {
            name: " Notes ".into(),
            redirect_uris: vec!["https://app.example/cb".into(), "https://app.example/cb".into()],
            scopes: vec!["readonly".into(), "openid".into()],
            ..ClientDraft::default()
        }
    }

    #[test]
    fn a_minimal_draft_gets_the_safe_defaults() {
        let settings = check(&draft()).expect("valid");
        assert_eq!(settings.name, "Notes");
        assert_eq!(settings.redirect_uris.len(), 1);
        assert_eq!(settings.token_format, TokenFormat::Opaque);
        assert_eq!(settings.signing_alg, SigningAlg::RS256);
        assert!(settings.refresh_tokens && settings.refresh_grace == Seconds(0));
    }

    #[test]
    fn settings_and_the_draft_of_them_say_the_same() {
        let full = ClientDraft {
            allowed_origins: vec!["https://app.example".into()],
            post_logout_redirect_uris: vec!["https://app.example/bye".into()],
            token_format: Some("jwt".into()),
            signing_alg: Some("EdDSA".into()),
            audience: Some("https://api.example".into()),
            refresh_tokens: Some(false),
            refresh_grace_seconds: Some(7),
            ..draft()
        };
        for draft in [draft(), full] {
            let settings = check(&draft).expect("valid");
            assert_eq!(check(&ClientDraft::from(&settings)), Ok(settings));
        }
    }

    #[test]
    fn each_bad_field_is_named() {
        type Change = fn(&mut ClientDraft);
        let changes: [(&str, Change); 17] = [
            ("name", |d| d.name = "  ".into()),
            ("name", |d| d.name = "a".repeat(101)),
            ("name", |d| d.name = "a\u{0}".into()),
            ("redirectUris", |d| d.redirect_uris = vec![]),
            ("redirectUris", |d| d.redirect_uris = vec!["http://example.com/cb".into()]),
            ("redirectUris", |d| {
                d.redirect_uris = (0..21).map(|i| format!("https://a.example/{i}")).collect();
            }),
            ("scopes", |d| d.scopes = vec![]),
            ("scopes", |d| d.scopes = vec!["api:read".into()]),
            ("allowedOrigins", |d| d.allowed_origins = vec!["https://a.example/".into()]),
            ("allowedOrigins", |d| d.allowed_origins = vec!["http://a.example".into()]),
            ("allowedOrigins", |d| d.allowed_origins = vec!["*".into()]),
            ("allowedOrigins", |d| d.allowed_origins = vec!["https://*.a.example".into()]),
            ("allowedOrigins", |d| d.allowed_origins = vec!["null".into()]),
            ("postLogoutRedirectUris", |d| d.post_logout_redirect_uris = vec!["javascript:alert(1)".into()]),
            ("tokenFormat", |d| d.token_format = Some("JWT".into())),
            ("signingAlg", |d| d.signing_alg = Some("none".into())),
            ("refreshGraceSeconds", |d| d.refresh_grace_seconds = Some(61)),
        ];
        for (field, change) in changes {
            let mut draft = draft();
            change(&mut draft);
            assert_eq!(check(&draft).expect_err(field).field, field);
        }
    }

    #[test]
    fn origins_are_bare_origins() {
        let mut draft = draft();
        draft.allowed_origins = vec!["https://a.example".into(), "http://localhost:5173".into()];
        assert_eq!(check(&draft).expect("valid").allowed_origins.len(), 2);
    }
}
