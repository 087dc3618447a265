//! The token endpoint: requests (RFC 6749 §4.1.3, §4.4.2, §6) and answers (§5).

use crate::error::{ErrorCode, Refusal};
use crate::params::Params;
use crate::pkce::CodeVerifier;
use crate::scope::Scope;
use crate::secret::{Code, Refresh, Secret};
use crate::tables::AllowedTables;
use serde::Serialize;

/// A token request, by grant type.
#[derive(Debug)]
pub enum TokenRequest {
    /// `authorization_code`.
    Code(CodeRequest),
    /// `client_credentials`.
    ClientCredentials(ClientCredentialsRequest),
    /// `refresh_token`.
    Refresh(RefreshRequest),
}

/// What comes with `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5).
#[derive(Debug)]
pub struct CodeRequest {
    /// The code, `None` when the text cannot be one of ours (it is then unknown, not malformed).
    pub code: Option<Secret<Code>>,
    /// Must equal the one of the authorization request.
    pub redirect_uri: String,
    /// The proof that the sender started the flow.
    pub verifier: CodeVerifier,
}

/// What comes with `grant_type=client_credentials` (RFC 6749 §4.4.2).
#[derive(Debug)]
pub struct ClientCredentialsRequest {
    /// What is asked for; required.
    pub scope: Scope,
    /// The tables to be limited to.
    pub tables: AllowedTables,
}

/// What comes with `grant_type=refresh_token` (RFC 6749 §6).
#[derive(Debug)]
pub struct RefreshRequest {
    /// The token, `None` when the text cannot be one of ours.
    pub token: Option<Secret<Refresh>>,
    /// A smaller scope for the new access token, if asked. What cannot be read is carried along: a replay is to be
    /// noticed whatever else is wrong with the request (RFC 9700 §4.14.2), so the token is looked at first.
    pub scope: Result<Option<Scope>, Refusal>,
}

impl TokenRequest {
    /// Reads the body's parameters.
    ///
    /// # Errors
    /// `invalid_request` for what is missing, malformed or repeated; `unsupported_grant_type`; `invalid_scope`, but for
    /// refreshing, where the scope is judged after the token.
    pub fn read(params: &Params) -> Result<Self, Refusal> {
        params.refuse_repeats(&["allowed_tables", "resource", "audience"])?;
        match params.required("grant_type", "grant_type is missing.")? {
            "authorization_code" => Ok(Self::Code(CodeRequest {
                code: Secret::parse(params.required("code", "code is missing.")?),
                redirect_uri: params.required("redirect_uri", "redirect_uri is missing.")?.to_owned(),
                verifier: CodeVerifier::parse(
                    params.required("code_verifier", "code_verifier is missing.")?,
                )?,
            })),
            "client_credentials" => Ok(Self::ClientCredentials(ClientCredentialsRequest {
                scope: Scope::parse(params.one("scope")?.unwrap_or(""))?,
                tables: AllowedTables::parse(params.all("allowed_tables"))?,
            })),
            "refresh_token" => Ok(Self::Refresh(RefreshRequest {
                token: Secret::parse(params.required("refresh_token", "refresh_token is missing.")?),
                scope: params.one("scope")?.map(Scope::parse).transpose(),
            })),
            _ => Err(Refusal::new(ErrorCode::UnsupportedGrantType, "This grant type is not supported.")),
        }
    }
}

/// A successful answer (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Serialize)]
pub struct TokenResponse<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token dies.
    pub expires_in: u64,
    /// The refresh token, when one is issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<&'a str>,
    /// What was granted, always said.
    pub scope: String,
    /// The ID token, for `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<&'a str>,
}

/// An error answer (RFC 6749 §5.2).
#[derive(Debug, Serialize)]
pub struct ErrorResponse {
    /// The code.
    pub error: &'static str,
    /// A fixed text for developers.
    pub error_description: &'static str,
}

impl From<&Refusal> for ErrorResponse {
    fn from(refusal: &Refusal) -> Self {
        Self { error: refusal.code.as_str(), error_description: refusal.public }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn refused(body: &str) -> ErrorCode {
        let params = Params::parse(body).expect("readable");
        TokenRequest::read(&params).expect_err(body).code
    }

    #[test]
    fn each_missing_part_has_its_error() {
        let code = "a".repeat(64);
        for (body, expected) in [
            (String::new(), ErrorCode::InvalidRequest),
            ("grant_type=password&username=a&password=b".into(), ErrorCode::UnsupportedGrantType),
            ("grant_type=implicit".into(), ErrorCode::UnsupportedGrantType),
            (
                "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x".into(),
                ErrorCode::UnsupportedGrantType,
            ),
            (
                format!("grant_type=authorization_code&redirect_uri=x&code_verifier={VERIFIER}"),
                ErrorCode::InvalidRequest,
            ),
            (
                format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}"),
                ErrorCode::InvalidRequest,
            ),
            (format!("grant_type=authorization_code&code={code}&redirect_uri=x"), ErrorCode::InvalidRequest),
            (
                format!("grant_type=authorization_code&code={code}&redirect_uri=x&code_verifier=short"),
                ErrorCode::InvalidRequest,
            ),
            ("grant_type=refresh_token".into(), ErrorCode::InvalidRequest),
            ("grant_type=client_credentials".into(), ErrorCode::InvalidScope),
            ("grant_type=client_credentials&scope=api:read".into(), ErrorCode::InvalidScope),
            ("grant_type=client_credentials&scope=readonly&scope=*".into(), ErrorCode::InvalidRequest),
            (
                "grant_type=client_credentials&grant_type=refresh_token&scope=*".into(),
                ErrorCode::InvalidRequest,
            ),
            ("grant_type=client_credentials&scope=*&foo=1&foo=2".into(), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(refused(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_foreign_token_string_is_unknown_rather_than_malformed() {
        let params =
            Params::parse("grant_type=refresh_token&refresh_token=from-elsewhere").expect("readable");
        let request = TokenRequest::read(&params).expect("well formed");
        assert!(matches!(request, TokenRequest::Refresh(RefreshRequest { token: None, scope: Ok(None) })));
    }

    #[test]
    fn a_scope_that_cannot_be_read_does_not_keep_the_refresh_token_from_being_looked_at() {
        let params =
            Params::parse("grant_type=refresh_token&refresh_token=x&scope=api:read").expect("readable");
        let Ok(TokenRequest::Refresh(request)) = TokenRequest::read(&params) else { panic!("well formed") };
        assert_eq!(request.scope.expect_err("unknown").code, ErrorCode::InvalidScope);
    }

    #[test]
    fn answers_have_the_members_of_the_rfc_and_no_empty_ones() {
        let answer = TokenResponse {
            access_token: "a",
            token_type: "Bearer",
            expires_in: 3600,
            refresh_token: None,
            scope: "readonly".into(),
            id_token: None,
        };
        let json = serde_json::to_string(&answer).expect("json");
        assert_eq!(
            json,
            r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"scope":"readonly"}"#
        );
    }
}
