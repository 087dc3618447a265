//! The authorization endpoint: the request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1) and the answer (§4.1.2).
//!
//! Reading goes in two steps, because an error may be sent to the redirect URI only once that address is trusted:
//! [`Address`] first, then [`AuthorizeRequest`].

use crate::claims::ClaimsRequest;
use crate::error::{ErrorCode, Refusal};
use crate::params::Params;
use crate::pkce::CodeChallenge;
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;
use crate::tables::AllowedTables;
use crate::time::Seconds;

/// The longest `state` that is taken, in bytes.
pub const MAX_STATE: usize = 512;
/// The longest `nonce` that is taken, in bytes.
pub const MAX_NONCE: usize = 512;
const MAX_LOGIN_HINT: usize = 320;

/// Who asks, and where the answer is to go: nothing of it is trusted yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// The `client_id` as sent.
    pub client_id: String,
    /// The `redirect_uri` as sent.
    pub redirect_uri: String,
}

impl Address {
    /// Reads `client_id` and `redirect_uri`.
    ///
    /// # Errors
    /// `invalid_request` when one is missing or repeated; to be shown on a page, never by redirect.
    pub fn read(params: &Params) -> Result<Self, Refusal> {
        Ok(Self {
            client_id: params.required("client_id", "client_id is missing.")?.to_owned(),
            redirect_uri: params.required("redirect_uri", "redirect_uri is missing.")?.to_owned(),
        })
    }
}

/// How the answer travels (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In a form that the browser posts to the redirect URI.
    FormPost,
}

impl ResponseMode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    /// The mode in which even an error about this very request goes back: what was asked, if it is known.
    pub fn of(params: &Params) -> Self {
        if params.all("response_mode").any(|mode| mode == "form_post") { Self::FormPost } else { Self::Query }
    }
}

/// What the client wants the person to be asked (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Prompt {
    /// Ask nothing; fail instead.
    pub none: bool,
    /// Ask for the password again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Let the person choose an account.
    pub select_account: bool,
}

impl Prompt {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => return Err(Refusal::new(ErrorCode::InvalidRequest, "The prompt value is unknown.")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "prompt=none cannot be combined."));
        }
        Ok(prompt)
    }
}

/// A well-formed authorization request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorizeRequest {
    /// What is asked for.
    pub scope: Scope,
    /// The tables to be limited to.
    pub tables: AllowedTables,
    /// Returned unchanged; required.
    pub state: String,
    /// The PKCE challenge; required.
    pub challenge: CodeChallenge,
    /// Copied into the ID token.
    pub nonce: Option<String>,
    /// What to ask the person.
    pub prompt: Prompt,
    /// The oldest sign-in that will do.
    pub max_age: Option<Seconds>,
    /// An e-mail address to prefill.
    pub login_hint: Option<String>,
    /// An ID token of the person that the answer must be about; not verified here.
    pub id_token_hint: Option<String>,
    /// Single claims asked for.
    pub claims: ClaimsRequest,
    /// How the answer travels.
    pub response_mode: ResponseMode,
}

impl AuthorizeRequest {
    /// Reads everything but the address.
    ///
    /// # Errors
    /// The code that goes back to the client: for each parameter the one of RFC 6749 §4.1.2.1 or OpenID Connect
    /// Core §3.1.2.6.
    pub fn read(params: &Params) -> Result<Self, Refusal> {
        let refuse = |code, text| Err(Refusal::new(code, text));
        params.refuse_repeats(&["allowed_tables", "resource"])?;
        for (name, code, text) in [
            ("request", ErrorCode::RequestNotSupported, "Request objects are not supported."),
            ("request_uri", ErrorCode::RequestUriNotSupported, "request_uri is not supported."),
            (
                "registration",
                ErrorCode::RegistrationNotSupported,
                "The registration parameter is not supported.",
            ),
        ] {
            if params.one(name)?.is_some() {
                return refuse(code, text);
            }
        }
        match params.one("response_type")? {
            Some("code") => {}
            Some(_) => {
                return refuse(ErrorCode::UnsupportedResponseType, "Only response_type=code is supported.");
            }
            None => return refuse(ErrorCode::InvalidRequest, "response_type is missing."),
        }
        let response_mode = match params.one("response_mode")? {
            None | Some("query") => ResponseMode::Query,
            Some("form_post") => ResponseMode::FormPost,
            Some(_) => return refuse(ErrorCode::InvalidRequest, "response_mode is query or form_post."),
        };
        let state = params.required("state", "state is missing.")?;
        if state.len() > MAX_STATE {
            return refuse(ErrorCode::InvalidRequest, "state is longer than 512 bytes.");
        }
        let challenge =
            CodeChallenge::parse(params.one("code_challenge")?, params.one("code_challenge_method")?)?;
        Ok(Self {
            scope: Scope::parse(params.one("scope")?.unwrap_or(""))?,
            tables: AllowedTables::parse(params.all("allowed_tables"))?,
            state: state.to_owned(),
            challenge,
            nonce: bounded(params.one("nonce")?, MAX_NONCE, "nonce is longer than 512 bytes.")?,
            prompt: Prompt::parse(params.one("prompt")?.unwrap_or(""))?,
            max_age: read_max_age(params.one("max_age")?)?,
            login_hint: bounded(params.one("login_hint")?, MAX_LOGIN_HINT, "login_hint is too long.")?,
            id_token_hint: params.one("id_token_hint")?.map(str::to_owned),
            claims: params.one("claims")?.map(ClaimsRequest::parse).transpose()?.unwrap_or_default(),
            response_mode,
        })
    }
}

fn bounded(value: Option<&str>, limit: usize, text: &'static str) -> Result<Option<String>, Refusal> {
    if value.is_some_and(|value| value.len() > limit) {
        return Err(Refusal::new(ErrorCode::InvalidRequest, text));
    }
    Ok(value.map(str::to_owned))
}

fn read_max_age(value: Option<&str>) -> Result<Option<Seconds>, Refusal> {
    let Some(text) = value else { return Ok(None) };
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits => Ok(Some(Seconds(seconds))),
        _ => Err(Refusal::new(ErrorCode::InvalidRequest, "max_age is a whole number of seconds.")),
    }
}

/// The answer to an authorization request, on its way to a trusted address. `iss` is always said (RFC 9207 §2).
#[derive(Clone, Debug)]
pub struct AuthorizeResponse<'a> {
    /// Where to.
    pub redirect_uri: &'a RedirectUri,
    /// How.
    pub mode: ResponseMode,
    /// The parameters, in order.
    pub params: Vec<(&'static str, &'a str)>,
}

impl<'a> AuthorizeResponse<'a> {
    /// A code was issued.
    pub fn code(
        redirect_uri: &'a RedirectUri,
        mode: ResponseMode,
        code: &'a str,
        state: &'a str,
        issuer: &'a str,
    ) -> Self {
        Self { redirect_uri, mode, params: vec![("code", code), ("state", state), ("iss", issuer)] }
    }

    /// The request was refused (RFC 6749 §4.1.2.1).
    pub fn error(
        redirect_uri: &'a RedirectUri,
        mode: ResponseMode,
        refusal: &Refusal,
        state: Option<&'a str>,
        issuer: &'a str,
    ) -> Self {
        let mut params = vec![("error", refusal.code.as_str()), ("error_description", refusal.public)];
        params.extend(state.map(|state| ("state", state)));
        params.push(("iss", issuer));
        Self { redirect_uri, mode, params }
    }

    /// The address with the parameters in its query.
    pub fn location(&self) -> String {
        self.redirect_uri.with_params(&self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "response_type=code&scope=openid&state=s&code_challenge_method=S256\
                        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(query: &str) -> Result<AuthorizeRequest, Refusal> {
        AuthorizeRequest::read(&Params::parse(query)?)
    }

    #[test]
    fn a_whole_request_is_read() {
        let query = format!(
            "{GOOD}&nonce=n&prompt=login%20consent&max_age=0&login_hint=a%40b.c&response_mode=form_post&allowed_tables=a,b"
        );
        let request = read(&query).expect("valid");
        assert_eq!(request.max_age, Some(Seconds(0)));
        assert!(request.prompt.login && request.prompt.consent && !request.prompt.none);
        assert_eq!(request.response_mode, ResponseMode::FormPost);
        assert_eq!(request.login_hint.as_deref(), Some("a@b.c"));
        assert_eq!(request.tables.names().map(std::collections::BTreeSet::len), Some(2));
    }

    #[test]
    fn each_fault_has_its_error() {
        let without = |name: &str| {
            GOOD.split('&')
                .filter(|pair| !pair.starts_with(&format!("{name}=")))
                .collect::<Vec<_>>()
                .join("&")
        };
        let with = |extra: &str| format!("{GOOD}&{extra}");
        let long = "x".repeat(513);
        for (query, code) in [
            (without("response_type"), ErrorCode::InvalidRequest),
            (without("scope"), ErrorCode::InvalidScope),
            (without("state"), ErrorCode::InvalidRequest),
            (without("code_challenge"), ErrorCode::InvalidRequest),
            (without("code_challenge_method"), ErrorCode::InvalidRequest),
            (GOOD.replace("S256", "plain"), ErrorCode::InvalidRequest),
            (GOOD.replace("response_type=code", "response_type=token"), ErrorCode::UnsupportedResponseType),
            (
                GOOD.replace("response_type=code", "response_type=code%20id_token"),
                ErrorCode::UnsupportedResponseType,
            ),
            (GOOD.replace("state=s", &format!("state={long}")), ErrorCode::InvalidRequest),
            (with("state=t"), ErrorCode::InvalidRequest),
            (with("foo=1&foo=2"), ErrorCode::InvalidRequest),
            (with("response_mode=fragment"), ErrorCode::InvalidRequest),
            (with("prompt=none%20login"), ErrorCode::InvalidRequest),
            (with("prompt=sometimes"), ErrorCode::InvalidRequest),
            (with("max_age=-1"), ErrorCode::InvalidRequest),
            (with("max_age=99999999999999999999"), ErrorCode::InvalidRequest),
            (with("max_age=%2B5"), ErrorCode::InvalidRequest),
            (with("request=e30"), ErrorCode::RequestNotSupported),
            (with("request_uri=https://x"), ErrorCode::RequestUriNotSupported),
            (with("registration=%7B%7D"), ErrorCode::RegistrationNotSupported),
            (with("claims=nonsense"), ErrorCode::InvalidRequest),
            (with(&format!("nonce={long}")), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(read(&query).expect_err(&query).code, code, "{query}");
        }
    }

    #[test]
    fn answers_carry_state_and_issuer() {
        let to = RedirectUri::from_stored("https://app.example/cb".into());
        let mode = ResponseMode::Query;
        let answer = AuthorizeResponse::code(&to, mode, "c", "s+1", "https://op.example");
        assert_eq!(
            answer.location(),
            "https://app.example/cb?code=c&state=s%2B1&iss=https%3A%2F%2Fop.example"
        );
        let refusal = Refusal::new(ErrorCode::AccessDenied, "No.");
        let answer = AuthorizeResponse::error(&to, mode, &refusal, Some("s"), "https://op.example");
        assert!(
            answer
                .location()
                .starts_with("https://app.example/cb?error=access_denied&error_description=No.&state=s")
        );
    }
}
