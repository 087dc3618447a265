//! Metadata of an authorization server, as a client reads it (RFC 8414 §2, OpenID Connect Discovery 1.0 §3).

use super::{Answer, AnswerError, Reading, Strictness};
use crate::jose::json::Members;

/// What a server says about itself. Addresses are texts here: whether one may be used is for the client to decide.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerMetadata {
    /// The issuer. It must be exactly the one that was asked (RFC 8414 §3.3).
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization_endpoint: Option<String>,
    /// The token endpoint.
    pub token_endpoint: Option<String>,
    /// The public keys.
    pub jwks_uri: Option<String>,
    /// The UserInfo endpoint.
    pub userinfo_endpoint: Option<String>,
    /// RFC 8628.
    pub device_authorization_endpoint: Option<String>,
    /// RFC 7662.
    pub introspection_endpoint: Option<String>,
    /// RFC 7009.
    pub revocation_endpoint: Option<String>,
    /// RFC 9126.
    pub pushed_authorization_request_endpoint: Option<String>,
    /// RFC 7591.
    pub registration_endpoint: Option<String>,
    /// RP-initiated logout.
    pub end_session_endpoint: Option<String>,
    /// Scope words.
    pub scopes_supported: Option<Vec<String>>,
    /// Grant types.
    pub grant_types_supported: Option<Vec<String>>,
    /// Methods of client authentication; `client_secret_basic` when absent (RFC 8414 §2).
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Methods of PKCE.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Algorithms of ID tokens.
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// Algorithms of signed answers of introspection (RFC 9701 §7).
    pub introspection_signing_alg_values_supported: Option<Vec<String>>,
    /// Algorithms of proofs of possession (RFC 9449 §5.1).
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Whether answers of the authorization endpoint carry `iss` (RFC 9207 §3).
    pub authorization_response_iss_parameter_supported: bool,
    /// Whatever else it says.
    pub extra: Members,
}

impl ServerMetadata {
    /// Reads a document.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read(answer: Answer<'_>, strictness: Strictness) -> Result<Reading<Self>, AnswerError> {
        let mut reader = answer.reader()?;
        let Some(issuer) = reader.text("issuer") else { return Err(reader.missing("issuer")) };
        let value = Self {
            issuer,
            authorization_endpoint: reader.text("authorization_endpoint"),
            token_endpoint: reader.text("token_endpoint"),
            jwks_uri: reader.text("jwks_uri"),
            userinfo_endpoint: reader.text("userinfo_endpoint"),
            device_authorization_endpoint: reader.text("device_authorization_endpoint"),
            introspection_endpoint: reader.text("introspection_endpoint"),
            revocation_endpoint: reader.text("revocation_endpoint"),
            pushed_authorization_request_endpoint: reader.text("pushed_authorization_request_endpoint"),
            registration_endpoint: reader.text("registration_endpoint"),
            end_session_endpoint: reader.text("end_session_endpoint"),
            scopes_supported: reader.texts("scopes_supported"),
            grant_types_supported: reader.texts("grant_types_supported"),
            token_endpoint_auth_methods_supported: reader.texts("token_endpoint_auth_methods_supported"),
            code_challenge_methods_supported: reader.texts("code_challenge_methods_supported"),
            id_token_signing_alg_values_supported: reader.texts("id_token_signing_alg_values_supported"),
            introspection_signing_alg_values_supported: reader
                .texts("introspection_signing_alg_values_supported"),
            dpop_signing_alg_values_supported: reader.texts("dpop_signing_alg_values_supported"),
            authorization_response_iss_parameter_supported: reader
                .boolean("authorization_response_iss_parameter_supported")
                .unwrap_or(false),
            extra: reader.rest(),
        };
        reader.finish(strictness, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_own_server_prints_is_read() {
        let body = br#"{"issuer":"https://id.example","token_endpoint":"https://id.example/oauth/token",
            "code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true,"x":1}"#;
        let answer = Answer { status: 200, content_type: Some("application/json"), body };
        let read = ServerMetadata::read(answer, Strictness::Strict).unwrap().value;
        assert_eq!(read.code_challenge_methods_supported.as_deref(), Some(&["S256".to_owned()][..]));
        assert!(read.authorization_response_iss_parameter_supported);
        assert_eq!((read.revocation_endpoint, read.extra.len()), (None, 1));
    }

    #[test]
    fn a_document_without_issuer_or_with_a_member_twice_is_refused() {
        for body in ["{}", r#"{"issuer":"a","issuer":"a"}"#, r#"{"issuer":1}"#] {
            let answer =
                Answer { status: 200, content_type: Some("application/json"), body: body.as_bytes() };
            assert!(ServerMetadata::read(answer, Strictness::Lenient).is_err(), "{body}");
        }
    }
}
