//! The address to which a person is sent (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use url::Url;

use crate::Endpoint;
use crate::config::check_scopes;
use crate::core::Core;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::pending::PendingAuthorization;
use crate::telemetry::Metric;
use crate::types::{AuthorizationParams, AuthorizationStart, PkceMethod, PkceVerifier, ResponseMode};

/// What only the module may set.
const RESERVED: [&str; 17] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "login_hint",
    "prompt",
    "max_age",
    "acr_values",
    "ui_locales",
    "id_token_hint",
    "claims",
    "dpop_jkt",
];

impl Core {
    /// Makes state, nonce and verifier, and the address that has them.
    pub(crate) fn start(
        &self,
        flow: &'static str,
        params: AuthorizationParams,
    ) -> Result<AuthorizationStart, OAuth2Error> {
        let scopes = params.scopes.clone().unwrap_or_else(|| self.config.default_scopes.clone());
        let scope = scopes.join(" ");
        let operation = self.begin(flow, Some(&scope));
        let result = self.make_start(&operation, params, scopes, &scope);
        self.end(operation, Metric::AuthorizationRequests, None, result)
    }

    fn make_start(
        &self,
        operation: &crate::core::Operation,
        params: AuthorizationParams,
        scopes: Vec<String>,
        scope: &str,
    ) -> Result<AuthorizationStart, OAuth2Error> {
        let span = operation.span.child("oauth2.authorization_url_generation");
        params.check()?;
        check_scopes(scope)?;
        if params.extra_params.keys().any(|name| RESERVED.contains(&name.as_str())) {
            return Err(
                ConfigurationError::Invalid("an extra parameter is one that the module sets itself").into()
            );
        }
        let endpoint = self.config.provider.endpoint(Endpoint::Authorization)?;
        self.resilience.take(Endpoint::Authorization)?;
        drop(span.child("oauth2.state_generation"));
        let state = params.state.clone().unwrap_or_else(|| self.draw_text());
        let method = if params.without_pkce { None } else { Some(self.pkce_method()?) };
        let verifier = method.map(|_| {
            drop(span.child("oauth2.pkce_generation"));
            PkceVerifier::draw(&*self.random)
        });
        let nonce = scopes.iter().any(|word| word == "openid").then(|| self.draw_text());
        let mut url = endpoint.clone();
        let challenge =
            method.zip(verifier.as_ref()).map(|(method, verifier)| (method, verifier.challenge(method)));
        self.write(&mut url, &params, scope, &state, nonce.as_deref(), challenge);
        let pending = PendingAuthorization {
            state: state.clone(),
            nonce,
            verifier,
            redirect_uri: params.redirect_uri,
            issuer: self.config.provider.issuer.clone(),
            client_id: self.config.credentials.client_id.clone(),
            token_endpoint: self.config.provider.token_endpoint.clone(),
            scopes,
            max_age: params.max_age,
            dpop_jkt: self.thumbprint().map(str::to_owned),
            created_at: self.now(),
        };
        Ok(AuthorizationStart { url, state, pending })
    }

    fn write(
        &self,
        url: &mut Url,
        params: &AuthorizationParams,
        scope: &str,
        state: &str,
        nonce: Option<&str>,
        challenge: Option<(PkceMethod, String)>,
    ) {
        let max_age = params.max_age.map(|seconds| seconds.to_string());
        let scope = self.separated(scope);
        let prompt = params.prompt_text();
        let (method, challenge) = match challenge {
            Some((method, challenge)) => (Some(method.as_str()), Some(challenge)),
            None => (None, None),
        };
        let all = [
            ("response_type", Some("code")),
            ("client_id", Some(self.config.credentials.client_id.as_str())),
            ("redirect_uri", Some(params.redirect_uri.as_str())),
            ("scope", Some(scope.as_str()).filter(|scope| !scope.is_empty())),
            ("state", Some(state)),
            ("code_challenge", challenge.as_deref()),
            ("code_challenge_method", method),
            ("nonce", nonce),
            ("response_mode", params.response_mode.map(ResponseMode::as_str)),
            ("login_hint", params.login_hint.as_deref()),
            ("prompt", prompt.as_deref()),
            ("max_age", max_age.as_deref()),
            ("acr_values", params.acr_values.as_deref()),
            ("ui_locales", params.ui_locales.as_deref()),
            ("id_token_hint", params.id_token_hint.as_deref()),
            ("claims", params.claims.as_deref()),
            ("resource", self.config.resource.as_deref()),
            // RFC 9449 §10: the code is good with this key only.
            ("dpop_jkt", self.thumbprint()),
        ];
        let mut pairs = url.query_pairs_mut();
        let provider = &self.config.provider;
        pairs.extend_pairs(all.iter().filter_map(|(name, value)| Some((provider.name_of(name), (*value)?))));
        pairs.extend_pairs(&params.extra_params);
        let usual = provider.authorization_params.iter();
        // What the caller says goes before what is usual.
        let is_said = |name: &str| {
            params.extra_params.contains_key(name)
                || all.iter().any(|(own, value)| *own == name && value.is_some())
        };
        pairs.extend_pairs(usual.filter(|(name, _)| !is_said(name)));
    }

    /// S256, unless the provider says that it knows `plain` only and the configuration allows it.
    fn pkce_method(&self) -> Result<PkceMethod, OAuth2Error> {
        let listed = self.config.provider.code_challenge_methods.as_deref();
        let only_plain =
            listed.is_some_and(|listed| !listed.is_empty() && listed.iter().all(|name| name == "plain"));
        match (only_plain, self.config.allow_plain_pkce) {
            (false, _) => Ok(PkceMethod::S256),
            (true, true) => Ok(PkceMethod::Plain),
            (true, false) => {
                let reason = "the provider knows PKCE with `plain` only, and `allow_plain_pkce` is off";
                Err(ConfigurationError::Invalid(reason).into())
            }
        }
    }
}
