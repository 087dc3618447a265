//! What the server says about itself (RFC 8414 §2, OpenID Connect Discovery 1.0 §3).

use serde::Serialize;

/// The metadata document. Members that do not apply are left out: only what is on is described.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    /// The issuer: an `https` address without query and fragment.
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization_endpoint: String,
    /// The token endpoint.
    pub token_endpoint: String,
    /// The public keys.
    pub jwks_uri: String,
    /// The UserInfo endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// RP-initiated logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// RFC 7009.
    pub revocation_endpoint: String,
    /// Scope words.
    pub scopes_supported: Vec<&'static str>,
    /// Only `code`.
    pub response_types_supported: Vec<&'static str>,
    /// `query`, `form_post`.
    pub response_modes_supported: Vec<&'static str>,
    /// Grant types.
    pub grant_types_supported: Vec<&'static str>,
    /// Only `public`.
    pub subject_types_supported: Vec<&'static str>,
    /// Algorithms of ID tokens.
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    /// Client authentication at the token endpoint.
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// Client authentication at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    /// Only `S256`.
    pub code_challenge_methods_supported: Vec<&'static str>,
    /// Values of `prompt`.
    pub prompt_values_supported: Vec<&'static str>,
    /// Claims about the person and the token.
    pub claims_supported: Vec<&'static str>,
    /// The `claims` parameter is understood.
    pub claims_parameter_supported: bool,
    /// Request objects are not.
    pub request_parameter_supported: bool,
    /// Nor by reference.
    pub request_uri_parameter_supported: bool,
    /// Answers carry `iss` (RFC 9207 §3).
    pub authorization_response_iss_parameter_supported: bool,
    /// The manual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
}
