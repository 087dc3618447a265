//! `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` (RFC 8414 §3, OpenID Connect
//! Discovery 1.0 §4): what is on, and nothing that is not.

use axum::extract::State;
use axum::response::Response;
use ayb_protocol::metadata::Metadata;
use bytes::Bytes;

use crate::app::App;
use crate::http::headers::cached_json;

const CACHE_CONTROL: &str = "public, max-age=3600";

/// Answers with the document; both addresses give the same.
pub async fn get(State(app): State<App>) -> Response {
    cached_json(app.metadata.clone(), CACHE_CONTROL)
}

/// The document for `issuer`.
pub fn document(issuer: &str) -> Bytes {
    let at = |path: &str| format!("{issuer}{path}");
    let metadata = Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: at("/oauth/token"),
        jwks_uri: at("/jwks.json"),
        userinfo_endpoint: Some(at("/oauth/userinfo")),
        end_session_endpoint: Some(at("/oauth/logout")),
        revocation_endpoint: at("/oauth/revoke"),
        scopes_supported: vec!["openid", "profile", "email", "offline_access", "readonly", "readwrite", "*"],
        response_types_supported: vec!["code"],
        response_modes_supported: vec!["query", "form_post"],
        grant_types_supported: vec!["authorization_code", "client_credentials", "refresh_token"],
        subject_types_supported: vec!["public"],
        id_token_signing_alg_values_supported: vec!["RS256", "ES256", "EdDSA"],
        token_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post", "none"],
        revocation_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post", "none"],
        code_challenge_methods_supported: vec!["S256"],
        prompt_values_supported: vec!["none", "login", "consent", "select_account"],
        claims_supported: vec![
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "amr",
            "at_hash",
            "sid",
            "email",
            "email_verified",
            "name",
            "picture",
        ],
        claims_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        authorization_response_iss_parameter_supported: true,
        service_documentation: None,
    };
    Bytes::from(serde_json::to_vec(&metadata).unwrap_or_default())
}
