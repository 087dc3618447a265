//! Device authorization (RFC 8628).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ayb_primitives::errors::IntegrationError as _;
use ayb_protocol::answer::DeviceAnswer;
use zeroize::Zeroizing;

use super::token::Grant;
use crate::Endpoint;
use crate::auth::{JSON, Proven};
use crate::config::DEVICE_WAIT;
use crate::core::{Core, Operation};
use crate::error::{DeviceFlowError, NetworkError, OAuth2Error};
use crate::resilience::{Call, Kind};
use crate::telemetry::Metric;
use crate::traits::{DeviceAuthorizationFlow, OnUserCode};
use crate::types::{DeviceAuthorizationResponse, TokenResponse};

/// RFC 8628 §3.4.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What `slow_down` adds for good (RFC 8628 §3.5), and what a server that does not say wants (§3.2).
const STEP: Duration = Duration::from_secs(5);

/// How many polls in a row without an answer end it.
const MOST_FAILURES: u32 = 5;

pub(crate) struct DeviceHandler(pub(crate) Arc<Core>);

#[async_trait]
impl DeviceAuthorizationFlow for DeviceHandler {
    async fn request_device_authorization(
        &self,
        scopes: Option<&[String]>,
    ) -> Result<DeviceAuthorizationResponse, OAuth2Error> {
        let core = &self.0;
        let scope = core.scope_text(scopes)?;
        let operation = core.begin("device_authorization", scope.as_deref());
        let result = core.device_codes(&operation, scope.as_deref()).await;
        core.end(operation, Metric::AuthorizationRequests, None, result)
    }

    async fn poll_token(
        &self,
        device_code: &str,
        interval: Duration,
        timeout: Duration,
    ) -> Result<TokenResponse, OAuth2Error> {
        let core = &self.0;
        let operation = core.begin("device_code", None);
        let result = match core.poll(&operation, device_code, interval, timeout).await {
            Ok(response) => core.with_checked_id_token(response).await,
            Err(error) => Err(error),
        };
        core.end(operation, Metric::TokenExchanges, Some(Metric::TokenExchangeDuration), result)
    }

    async fn execute_boxed(
        &self,
        scopes: Option<&[String]>,
        on_user_code: OnUserCode<'_>,
    ) -> Result<TokenResponse, OAuth2Error> {
        let codes = self.request_device_authorization(scopes).await?;
        on_user_code(&codes);
        let interval = codes.interval.map_or(STEP, Duration::from_secs).min(DEVICE_WAIT);
        let lifetime = Duration::from_secs(codes.expires_in).min(DEVICE_WAIT);
        match self.poll_token(&codes.device_code, interval, lifetime).await {
            Err(OAuth2Error::DeviceFlow(DeviceFlowError::PollingTimeout { .. })) => {
                Err(DeviceFlowError::ExpiredToken { answer: None }.into())
            }
            result => result,
        }
    }
}

impl Core {
    /// The person is whoever the ID token says, so a wrong one ends the flow. A provider without an issuer is none of OpenID
    /// Connect, and nothing that it calls an ID token can be checked.
    async fn with_checked_id_token(
        self: &Arc<Self>,
        response: TokenResponse,
    ) -> Result<TokenResponse, OAuth2Error> {
        if self.config.provider.issuer.is_none() {
            return Ok(self.check_or_leave_out("device_code", response).await);
        }
        self.check_id_token_of(&response).await?;
        Ok(response)
    }

    async fn device_codes(
        &self,
        operation: &Operation,
        scope: Option<&str>,
    ) -> Result<DeviceAuthorizationResponse, OAuth2Error> {
        let endpoint = Endpoint::DeviceAuthorization;
        let url = self.config.provider.endpoint(endpoint)?.clone();
        let some =
            |name: &'static str, value: Option<&str>| Some((name.into(), Zeroizing::new(value?.to_owned())));
        let form = [some("scope", scope), some("resource", self.config.resource.as_deref())];
        let form = form.into_iter().flatten().collect();
        let call = Call {
            endpoint,
            kind: Kind::DeviceStart,
            asked: "device_authorization",
            span: &*operation.span,
            parse_span: "oauth2.token_parse",
        };
        let strictness = self.config.strictness;
        let reading = self
            .call(&call, Proven { endpoint, url, form, accept: JSON }, |answer| {
                DeviceAnswer::read(answer, strictness)
            })
            .await?;
        DeviceAuthorizationResponse::from_answer(reading.value)
    }

    async fn poll(
        &self,
        operation: &Operation,
        device_code: &str,
        interval: Duration,
        timeout: Duration,
    ) -> Result<TokenResponse, OAuth2Error> {
        let started = self.time.monotonic();
        let (timeout, interval) = (timeout.min(DEVICE_WAIT), interval.min(DEVICE_WAIT));
        let mut pause = interval.max(self.config.rate_limits.device_polling_interval);
        let mut wait = pause;
        let mut failures = 0;
        loop {
            if self.time.monotonic() + wait >= started + timeout {
                let elapsed = self.time.monotonic().saturating_sub(started);
                return Err(DeviceFlowError::PollingTimeout { elapsed }.into());
            }
            self.time.sleep(wait).await;
            let grant = Grant::new(Kind::DevicePoll, GRANT).add("device_code", device_code);
            let error = match self.request_tokens(operation, "oauth2.token_exchange", grant).await {
                Ok(response) => {
                    self.count(Metric::DeviceFlowPolls, &[("status", "success")]);
                    return Ok(response);
                }
                Err(error) => error,
            };
            self.count(Metric::DeviceFlowPolls, &[("status", poll_status(&error))]);
            match &error {
                OAuth2Error::DeviceFlow(DeviceFlowError::AuthorizationPending) => failures = 0,
                OAuth2Error::DeviceFlow(DeviceFlowError::SlowDown { .. }) => {
                    failures = 0;
                    pause += STEP;
                }
                // RFC 8628 §3.5: after a timeout it has to go slower, and doubling is what it recommends.
                OAuth2Error::Network(failed) if is_passing(failed) && failures + 1 < MOST_FAILURES => {
                    failures += 1;
                    pause = (pause * 2).min(DEVICE_WAIT);
                }
                _ => return Err(error),
            }
            let asked_for = match &error {
                OAuth2Error::Network(_) => error.retry_after().unwrap_or_default(),
                _ => Duration::ZERO,
            };
            wait = pause.max(asked_for);
        }
    }
}

fn is_passing(error: &NetworkError) -> bool {
    !matches!(error, NetworkError::UnusableAnswer { .. } | NetworkError::TlsError { .. })
}

const fn poll_status(error: &OAuth2Error) -> &'static str {
    match error {
        OAuth2Error::DeviceFlow(DeviceFlowError::AuthorizationPending) => "pending",
        OAuth2Error::DeviceFlow(DeviceFlowError::SlowDown { .. }) => "slow_down",
        OAuth2Error::DeviceFlow(DeviceFlowError::AccessDenied { .. }) => "denied",
        OAuth2Error::DeviceFlow(DeviceFlowError::ExpiredToken { .. }) => "expired",
        _ => "failure",
    }
}
