//! What goes through the browser.

use std::collections::BTreeMap;
use std::fmt;

use ayb_protocol::params::Params;
use url::Url;

use super::PkceVerifier;
use crate::error::{AuthorizationError, ConfigurationError, OAuth2Error};
use crate::pending::PendingAuthorization;

/// How the answer comes back (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResponseMode {
    /// In the query.
    Query,
    /// Behind the `#`: no server ever sees it, only a page with a script, or whoever pastes the address. Asked for by
    /// [`AuthorizationParams::reading_fragment`].
    Fragment,
    /// In the body of a `POST`.
    FormPost,
}

impl ResponseMode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }
}

/// What the person is to be asked (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Prompt {
    /// Nothing: it works without a question, or not at all.
    None,
    /// To sign in again.
    Login,
    /// To agree again.
    Consent,
    /// Which account.
    SelectAccount,
    /// To make an account (OpenID Connect Prompt Create 1.0).
    Create,
}

impl Prompt {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
            Self::Create => "create",
        }
    }
}

/// What is asked of the authorization endpoint.
#[derive(Clone, Debug)]
pub struct AuthorizationParams {
    /// The scopes; the default ones if none are named.
    pub scopes: Option<Vec<String>>,
    /// Where the answer goes.
    pub redirect_uri: Url,
    /// The `state`; a random one if none is given.
    pub state: Option<String>,
    /// More parameters. They cannot replace those that the module makes.
    pub extra_params: BTreeMap<String, String>,
    /// How the answer comes back.
    pub response_mode: Option<ResponseMode>,
    /// Who the person probably is.
    pub login_hint: Option<String>,
    /// What the person is to be asked.
    pub prompt: Option<Prompt>,
    /// More of what the person is to be asked, after `prompt`.
    pub prompts: Vec<Prompt>,
    /// How long ago the person may have signed in, in seconds. Checked in the ID token.
    pub max_age: Option<u64>,
    /// Levels of certainty that are wanted.
    pub acr_values: Option<String>,
    /// Languages that the person reads.
    pub ui_locales: Option<String>,
    /// An ID token of the session that is meant.
    pub id_token_hint: Option<String>,
    /// The `claims` parameter (OpenID Connect Core §5.5).
    pub claims: Option<String>,
    pub(crate) without_pkce: bool,
    pub(crate) reads_fragment: bool,
}

impl AuthorizationParams {
    /// Asks for the default scopes.
    pub const fn new(redirect_uri: Url) -> Self {
        Self {
            scopes: None,
            redirect_uri,
            state: None,
            extra_params: BTreeMap::new(),
            response_mode: None,
            login_hint: None,
            prompt: None,
            prompts: Vec::new(),
            max_age: None,
            acr_values: None,
            ui_locales: None,
            id_token_hint: None,
            claims: None,
            without_pkce: false,
            reads_fragment: false,
        }
    }

    /// Asks for these scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves PKCE out, for servers that refuse requests with it. Whoever gets hold of the code can then redeem it, and a
    /// code can be pushed onto a victim (RFC 9700 §2.1.1).
    #[must_use]
    pub const fn dangerously_without_pkce(mut self) -> Self {
        self.without_pkce = true;
        self
    }

    /// Has the answer put behind the `#`. To be said by those who can read it there: a page of theirs sends it on, or the person
    /// pastes the whole address. A browser sends nothing of it to a server.
    #[must_use]
    pub const fn reading_fragment(mut self) -> Self {
        self.response_mode = Some(ResponseMode::Fragment);
        self.reads_fragment = true;
        self
    }

    /// All that the person is to be asked, each once, with spaces between.
    pub(crate) fn prompt_text(&self) -> Option<String> {
        let mut words = Vec::new();
        for prompt in self.prompt.iter().chain(&self.prompts) {
            if !words.contains(&prompt.as_str()) {
                words.push(prompt.as_str());
            }
        }
        Some(words.join(" ")).filter(|words| !words.is_empty())
    }

    pub(crate) fn check(&self) -> Result<(), OAuth2Error> {
        let refuse = |reason| Err(ConfigurationError::InvalidRedirectUri { reason }.into());
        if self.redirect_uri.fragment().is_some() {
            return refuse("it has a fragment (RFC 6749 §3.1.2)");
        }
        if self.redirect_uri.as_str().len() > 2000 {
            return refuse("it is longer than 2000 characters");
        }
        if self.response_mode == Some(ResponseMode::Fragment) && !self.reads_fragment {
            let reason = "response_mode=fragment: a server never sees the answer; `reading_fragment` is for those who do";
            return Err(ConfigurationError::Invalid(reason).into());
        }
        let mut asked = self.prompt.iter().chain(&self.prompts);
        // OpenID Connect Core §3.1.2.1.
        if asked.clone().any(|word| *word == Prompt::None) && asked.any(|word| *word != Prompt::None) {
            return Err(ConfigurationError::Invalid("the prompt `none` goes with no other one").into());
        }
        if self.state.as_ref().is_some_and(|state| state.len() < 22 || state.len() > 512) {
            let reason = "a state needs 22 to 512 characters: fewer cannot hold 128 bits";
            return Err(ConfigurationError::Invalid(reason).into());
        }
        Ok(())
    }
}

/// An authorization address.
#[must_use = "the person has to be sent there, and the state kept"]
pub struct AuthorizationUrlResult {
    /// Where the person is sent.
    pub url: Url,
    /// The state, which the answer must repeat.
    pub state: String,
}

/// An authorization address with PKCE.
#[must_use = "the person has to be sent there, and the verifier kept"]
pub struct PkceAuthorizationResult {
    /// Where the person is sent.
    pub url: Url,
    /// The state, which the answer must repeat.
    pub state: String,
    /// The secret for the token request.
    pub pkce_verifier: PkceVerifier,
}

/// The beginning of a sign-in that any process may end.
#[must_use = "the person has to be sent there, and what is pending kept"]
pub struct AuthorizationStart {
    /// Where the person is sent.
    pub url: Url,
    /// The state, which the answer must repeat.
    pub state: String,
    /// What has to be known at the end. Keep it sealed: [`PendingAuthorization::seal`].
    pub pending: PendingAuthorization,
}

/// The address is not secret, but what is in it protects the sign-in.
macro_rules! quiet {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })+
    };
}
quiet!(AuthorizationUrlResult, PkceAuthorizationResult, AuthorizationStart, CallbackParams);

/// What came back through the browser.
#[derive(Clone, Default)]
pub struct CallbackParams {
    /// The code.
    pub code: Option<String>,
    /// The state.
    pub state: String,
    /// The error code, if it is a refusal.
    pub error: Option<String>,
    /// A text for developers.
    pub error_description: Option<String>,
    /// A page about it.
    pub error_uri: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// The state of the session at the provider (OpenID Connect Session Management 1.0 §2).
    pub session_state: Option<String>,
}

impl CallbackParams {
    /// Reads a query, a form body, or a whole address with a query or a fragment.
    ///
    /// # Errors
    /// [`AuthorizationError::ProtocolError`] when a parameter came twice or is not text, and
    /// [`AuthorizationError::StateMismatch`] without a state. An answer in a JWT (JARM) is not read and refused by name.
    pub fn parse(text: &str) -> Result<Self, OAuth2Error> {
        let query = match Url::parse(text) {
            Ok(url) if url.has_host() => url.query().or(url.fragment()).unwrap_or_default().to_owned(),
            _ => text.trim_start_matches('?').to_owned(),
        };
        let garbled = |_| AuthorizationError::ProtocolError {
            error: "invalid_response".to_owned(),
            description: Some("a parameter came twice, or is not text".to_owned()),
            uri: None,
            answer: None,
        };
        let params = Params::parse(&query).map_err(garbled)?;
        let one = |name| Ok::<_, AuthorizationError>(params.one(name).map_err(garbled)?.map(str::to_owned));
        if let (Some(_), None) = (one("response")?, one("code")?) {
            let description = Some("an answer in a JWT (JARM), which is not read".to_owned());
            let error = "unsupported_response_mode".to_owned();
            return Err(
                AuthorizationError::ProtocolError { error, description, uri: None, answer: None }.into()
            );
        }
        let no_state =
            || AuthorizationError::StateMismatch { expected: String::new(), received: String::new() };
        Ok(Self {
            code: one("code")?,
            state: one("state")?.ok_or_else(no_state)?,
            error: one("error")?,
            error_description: one("error_description")?,
            error_uri: one("error_uri")?,
            iss: one("iss")?,
            session_state: one("session_state")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_are_read_from_addresses_queries_and_bodies() {
        for text in [
            "https://app.example/cb?code=c&state=s&iss=i",
            "?code=c&state=s&iss=i",
            "code=c&state=s&iss=i",
            "https://app.example/cb#code=c&state=s&iss=i",
        ] {
            let params = CallbackParams::parse(text).unwrap();
            assert_eq!(
                (params.code.as_deref(), params.state.as_str(), params.iss.as_deref()),
                (Some("c"), "s", Some("i")),
                "{text}"
            );
        }
        let refused = CallbackParams::parse("error=access_denied&state=s").unwrap();
        assert_eq!((refused.code, refused.error.as_deref()), (None, Some("access_denied")));
    }

    #[test]
    fn the_state_of_the_session_is_kept_and_an_answer_in_a_jwt_is_refused_by_name() {
        let params = CallbackParams::parse("code=c&state=s&session_state=x.y").unwrap();
        assert_eq!(params.session_state.as_deref(), Some("x.y"));
        let error = CallbackParams::parse("https://app.example/cb?response=a.b.c").unwrap_err();
        assert_eq!(error.to_string(), "Authorization error: authorization error: unsupported_response_mode");
    }

    #[test]
    fn callbacks_with_a_parameter_twice_or_without_state_are_refused() {
        for text in ["code=a&code=b&state=s", "code=a&state=s&state=t", "code=a", "", "code=a&state="] {
            assert!(CallbackParams::parse(text).is_err(), "{text}");
        }
    }
}
