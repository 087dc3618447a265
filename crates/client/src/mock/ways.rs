//! Ways of providers that are not those of the specifications: the test server takes them when it is told to, and then nothing else.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::answer;
use super::server::{Recorded, TestAuthServer};
use crate::Endpoint;
use crate::http::HttpResponse;

/// Where refresh tokens go when they do not go to the token endpoint.
const REFRESH: &str = "/refresh";

/// In what the server differs.
#[derive(Default)]
pub(super) struct Ways {
    takes_json: bool,
    refreshes_elsewhere: bool,
    renamed: Vec<(String, String)>,
    tokens_within: Option<String>,
    described_below: String,
}

impl TestAuthServer {
    /// Requests for tokens have to be JSON.
    #[must_use]
    pub fn taking_json(self) -> Self {
        self.lock().ways.takes_json = true;
        self
    }

    /// Refresh tokens are taken at `/refresh` only, and nothing else is taken there.
    #[must_use]
    pub fn refreshing_elsewhere(self) -> Self {
        self.lock().ways.refreshes_elsewhere = true;
        self
    }

    /// A parameter has another name, and under its own it is refused.
    #[must_use]
    pub fn calling(self, parameter: &str, other: &str) -> Self {
        self.lock().ways.renamed.push((parameter.to_owned(), other.to_owned()));
        self
    }

    /// The tokens of a person are in a member of the answer; those of a refresh are where they always are.
    #[must_use]
    pub fn nesting_tokens(self, member: &str) -> Self {
        self.lock().ways.tokens_within = Some(member.to_owned());
        self
    }

    /// The metadata are below this path and not below the issuer.
    #[must_use]
    pub fn described_below(self, path: &str) -> Self {
        path.clone_into(&mut self.lock().ways.described_below);
        self
    }

    /// The request as the specifications have it, or a refusal.
    pub(super) fn as_usual(
        &self,
        endpoint: Endpoint,
        request: &Recorded,
        path: &str,
    ) -> Result<Recorded, HttpResponse> {
        let state = self.lock();
        let ways = &state.ways;
        let mut usual = request.clone();
        if endpoint == Endpoint::Token {
            let is_json = request.content_type.as_deref() == Some("application/json");
            if is_json != ways.takes_json {
                return Err(answer::error(400, "invalid_request"));
            }
            let is_refresh = request.form.get("grant_type").is_some_and(|grant| grant == "refresh_token");
            if (path == REFRESH) != (is_refresh && ways.refreshes_elsewhere) {
                return Err(answer::error(400, "unsupported_grant_type"));
            }
        }
        ways.usual_names(&mut usual.form).map_err(|()| answer::error(400, "invalid_request"))?;
        Ok(usual)
    }
}

impl Ways {
    /// Puts the names of the specifications in place.
    pub(super) fn usual_names(&self, parameters: &mut HashMap<String, String>) -> Result<(), ()> {
        for (name, other) in &self.renamed {
            if parameters.contains_key(name) {
                return Err(());
            }
            if let Some(value) = parameters.remove(other) {
                parameters.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    /// An answer with tokens, in the form that it has here.
    pub(super) fn tokens(&self, tokens: Value, is_refresh: bool) -> Value {
        match &self.tokens_within {
            Some(member) if !is_refresh => {
                let mut body = json!({ "ok": true });
                body[member.as_str()] = tokens;
                body
            }
            _ => tokens,
        }
    }

    /// Whether the metadata are at this path.
    pub(super) fn are_described_at(&self, path: &str) -> bool {
        path == format!("{}/.well-known/openid-configuration", self.described_below)
    }
}
