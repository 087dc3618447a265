//! Messages whose own types know no OpenAPI, because they are the protocol's or hold no names: the same again for
//! readers. A test holds them to real answers.

use serde_json::Value;
use utoipa::ToSchema;

/// An answer that is not a success, outside the OAuth endpoints.
#[derive(ToSchema)]
pub struct Error {
    /// The HTTP status.
    pub code: u16,
    /// What is wrong, for a developer; a fixed text that repeats nothing that was sent.
    pub message: String,
    /// Facts for programs: `field` names the member or parameter at fault.
    #[schema(value_type = Option<Object>)]
    pub data: Option<Value>,
    /// The page of the manual that explains it.
    pub doc_url: Option<String>,
}

/// An error of an OAuth endpoint (RFC 6749 §5.2).
#[derive(ToSchema)]
pub struct OAuthError {
    /// The code.
    pub error: String,
    /// A fixed text for developers.
    pub error_description: String,
}

/// A token request (RFC 6749 §4.1.3, §4.4.2, §6). Which members it needs depends on `grant_type`.
#[derive(ToSchema)]
pub struct TokenRequest {
    /// `authorization_code`, `client_credentials` or `refresh_token`.
    pub grant_type: String,
    /// The code, for `authorization_code`.
    pub code: Option<String>,
    /// The address that the code was sent to, for `authorization_code`.
    pub redirect_uri: Option<String>,
    /// The verifier of the challenge (RFC 7636 §4.5), for `authorization_code`.
    pub code_verifier: Option<String>,
    /// The refresh token, for `refresh_token`.
    pub refresh_token: Option<String>,
    /// What is asked for: needed for `client_credentials`, at most as much as before for `refresh_token`.
    pub scope: Option<String>,
    /// The client, when it does not use HTTP Basic.
    pub client_id: Option<String>,
    /// Its secret, when it does not use HTTP Basic.
    pub client_secret: Option<String>,
}

/// The tokens (RFC 6749 §5.1).
#[derive(ToSchema)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds until it is dead.
    pub expires_in: u64,
    /// The refresh token, when there is one.
    pub refresh_token: Option<String>,
    /// What was granted.
    pub scope: String,
    /// The ID token, when `openid` was granted.
    pub id_token: Option<String>,
}

/// A token that is to die (RFC 7009 §2.1).
#[derive(ToSchema)]
pub struct RevocationRequest {
    /// The access or refresh token.
    pub token: String,
    /// A hint that needs not be right.
    pub token_type_hint: Option<String>,
    /// The client, when it does not use HTTP Basic.
    pub client_id: Option<String>,
    /// Its secret, when it does not use HTTP Basic.
    pub client_secret: Option<String>,
}

/// The claims about a person (OpenID Connect Core §5.3.2); which, says the scope.
#[derive(ToSchema)]
pub struct UserClaims {
    /// The person.
    pub sub: String,
    /// With `email`.
    pub email: Option<String>,
    /// With `email`.
    pub email_verified: Option<bool>,
    /// With `profile`.
    pub name: Option<String>,
    /// With `profile`.
    pub picture: Option<String>,
}

/// The decision of a person about an authorization request: the parameters of the request, and what they chose.
#[derive(ToSchema)]
pub struct ConsentDecision {
    /// `approve` or `deny`.
    pub decision: String,
    /// As in the request.
    pub response_type: String,
    /// As in the request.
    pub client_id: String,
    /// As in the request.
    pub redirect_uri: String,
    /// As in the request.
    pub scope: String,
    /// As in the request.
    pub state: String,
    /// As in the request.
    pub code_challenge: String,
    /// As in the request.
    pub code_challenge_method: String,
    /// The tables that access is limited to.
    pub allowed_tables: Option<Vec<String>>,
}

/// The public signing keys (RFC 7517 §5).
#[derive(ToSchema)]
pub struct KeySet {
    /// The keys.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<Value>,
}

/// The metadata of the provider (RFC 8414 §2, OpenID Connect Discovery 1.0 §3): what is on, and nothing that is not.
#[derive(ToSchema)]
pub struct ProviderMetadata {
    /// Who this is; `iss` of every token.
    pub issuer: String,
    /// Where authorization requests go.
    pub authorization_endpoint: String,
    /// Where token requests go.
    pub token_endpoint: String,
    /// Where the keys are.
    pub jwks_uri: String,
}

/// One page of the rows of a table.
#[derive(ToSchema)]
pub struct RowPage {
    /// The rows.
    pub items: Vec<crate::api::collections::RowCells>,
    /// Which page it is, counted from 1; not with a cursor.
    pub page: Option<u32>,
    /// Rows on a full page.
    #[schema(rename = "perPage")]
    pub per_page: u32,
    /// Rows on all pages, when they were counted.
    #[schema(rename = "totalItems")]
    pub total_items: Option<u64>,
    /// How many pages there are, when rows were counted.
    #[schema(rename = "totalPages")]
    pub total_pages: Option<u64>,
    /// Leads to the rows behind these, when there are any and the table has a primary key.
    #[schema(rename = "nextCursor")]
    pub next_cursor: Option<String>,
}

/// An OpenAPI document.
#[derive(ToSchema)]
pub struct CollectionsDocument {
    /// `3.1.0`.
    pub openapi: String,
    /// Each table and each of its rows.
    #[schema(value_type = Object)]
    pub paths: Value,
    /// The columns of each table.
    #[schema(value_type = Object)]
    pub components: Value,
}
