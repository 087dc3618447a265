//! The UserInfo answer (OpenID Connect Core §5.3.2).

use serde::Serialize;
use serde_json::{Map, Value};

/// The claims about the person behind an access token.
#[derive(Clone, Debug, Serialize)]
pub struct UserInfoResponse {
    /// The person.
    pub sub: String,
    /// The claims that the token's scope opens.
    #[serde(flatten)]
    pub claims: Map<String, Value>,
}
