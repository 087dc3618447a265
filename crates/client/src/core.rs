//! What all flows of one client share.

use std::sync::Arc;
use std::time::Duration;

use ayb_primitives::errors::IntegrationError as _;
use ayb_primitives::logging::{Field, Level, Logger};
use ayb_primitives::tracing::{Span, Tracer};
use ayb_primitives::types::{RandomProvider, TimeProvider};
use ayb_protocol::jose::base64url;
use ayb_protocol::time::Timestamp;

use crate::config::{OAuth2Config, check_scopes};
use crate::dpop::Nonces;
use crate::error::OAuth2Error;
use crate::http::HttpTransport;
use crate::key_cache::KeyCache;
use crate::pending::StateStore;
use crate::resilience::{Resilience, RetryHook};
use crate::telemetry::{Label, Metric, MetricsRecorder, OAuth2LogContext};
use crate::tokens::TokenStorage;
use crate::types::tokens_now;

/// Clones share everything but the configuration.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) config: OAuth2Config,
    pub(crate) transport: Arc<dyn HttpTransport>,
    pub(crate) time: Arc<dyn TimeProvider>,
    pub(crate) random: Arc<dyn RandomProvider>,
    pub(crate) logger: Arc<dyn Logger>,
    pub(crate) tracer: Arc<dyn Tracer>,
    pub(crate) metrics: Arc<dyn MetricsRecorder>,
    pub(crate) retry_hook: Option<Arc<dyn RetryHook>>,
    pub(crate) resilience: Arc<Resilience>,
    pub(crate) states: Arc<StateStore>,
    pub(crate) keys: Arc<KeyCache>,
    pub(crate) nonces: Arc<Nonces>,
    pub(crate) storage: Arc<dyn TokenStorage>,
}

/// An operation that is measured: its span, its beginning, its name.
pub(crate) struct Operation {
    pub(crate) span: Box<dyn Span>,
    pub(crate) flow: &'static str,
    started: Duration,
    context: OAuth2LogContext,
}

impl Core {
    pub(crate) fn now(&self) -> Timestamp {
        tokens_now(&*self.time)
    }

    /// 256 bits of randomness as text.
    pub(crate) fn draw_text(&self) -> String {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes);
        base64url::encode(bytes)
    }

    /// The provider's name in spans and messages.
    pub(crate) fn provider_name(&self) -> String {
        let provider = &self.config.provider;
        let host = || provider.token_endpoint.as_ref()?.host_str().map(str::to_owned);
        provider.issuer.clone().or_else(host).unwrap_or_else(|| "unknown".to_owned())
    }

    /// The provider in the names of stored tokens: the issuer, or else the whole address of the token endpoint, since one host may
    /// have many providers.
    pub(crate) fn provider_binding(&self) -> String {
        let provider = &self.config.provider;
        // No issuer begins so: it is an address itself.
        let token = || Some(format!("token endpoint {}", provider.token_endpoint.as_ref()?));
        provider.issuer.clone().or_else(token).unwrap_or_else(|| "unknown".to_owned())
    }

    /// The scopes of a call, with spaces between them; nothing when none are asked for.
    pub(crate) fn scope_text(&self, scopes: Option<&[String]>) -> Result<Option<String>, OAuth2Error> {
        let scope = scopes.unwrap_or(&self.config.default_scopes).join(" ");
        check_scopes(&scope)?;
        Ok(Some(scope).filter(|scope| !scope.is_empty()))
    }

    /// Scopes as this provider separates them.
    pub(crate) fn separated(&self, scope: &str) -> String {
        match self.config.provider.scope_separator {
            Some(separator) => scope.replace(' ', &separator.to_string()),
            None => scope.to_owned(),
        }
    }

    pub(crate) fn begin(&self, flow: &'static str, scopes: Option<&str>) -> Operation {
        let span = self.tracer.span("oauth2.flow");
        let mut id = [0; 8];
        self.random.fill(&mut id);
        let context = OAuth2LogContext {
            correlation_id: base64url::encode(id),
            flow: flow.to_owned(),
            provider: Some(self.provider_name()),
            client_id: self.config.credentials.client_id.clone(),
            scopes: scopes.map(str::to_owned),
            ..OAuth2LogContext::default()
        };
        span.set_attribute("oauth2.flow", flow);
        span.set_attribute("oauth2.provider", context.provider.as_deref().unwrap_or_default());
        span.set_attribute("oauth2.scopes", scopes.unwrap_or_default());
        let operation = Operation { span, flow, started: self.time.monotonic(), context };
        self.tell(Level::Info, "the flow begins", &operation.context);
        operation
    }

    /// Ends an operation: counter, histogram, message. An error that is a refusal of somebody else's is an error here too.
    pub(crate) fn end<T>(
        &self,
        operation: Operation,
        counter: Metric,
        histogram: Option<Metric>,
        result: Result<T, OAuth2Error>,
    ) -> Result<T, OAuth2Error> {
        let took = self.time.monotonic().saturating_sub(operation.started);
        let status = if result.is_ok() { "success" } else { "failure" };
        let by_flow: &[Label<'_>] = &[("flow", operation.flow), ("status", status)];
        let has_flow = matches!(counter, Metric::AuthorizationRequests | Metric::TokenExchanges);
        self.count(counter, if has_flow { by_flow } else { &by_flow[1..] });
        if let Some(histogram) = histogram {
            let labels = if has_flow { &by_flow[..1] } else { &[] };
            self.metrics.observe(histogram.as_str(), labels, took.as_secs_f64());
        }
        let mut context = operation.context;
        context.duration_ms = u64::try_from(took.as_millis()).ok();
        match &result {
            Ok(_) => self.tell(Level::Info, "the flow succeeded", &context),
            Err(error) => {
                operation.span.record_error(error.error_code());
                context.error_code = Some(error.error_code().to_owned());
                let level = if counter == Metric::TokenRefreshes { Level::Warn } else { Level::Error };
                self.tell(level, "the flow failed", &context);
            }
        }
        result
    }

    pub(crate) fn count(&self, metric: Metric, labels: &[Label<'_>]) {
        self.metrics.count(metric.as_str(), labels);
    }

    /// One message about a flow.
    pub(crate) fn log(&self, level: Level, message: &'static str, flow: &str, more: &[Field<'_>]) {
        let client_id = self.config.credentials.client_id.as_str();
        let mut fields = vec![("flow", flow), ("client_id", client_id)];
        fields.extend_from_slice(more);
        self.logger.log(level, message, &fields);
    }

    fn tell(&self, level: Level, message: &'static str, context: &OAuth2LogContext) {
        let took = context.duration_ms.map(|ms| ms.to_string());
        let optional = [
            ("provider", context.provider.as_deref()),
            ("scopes", context.scopes.as_deref()),
            ("duration_ms", took.as_deref()),
            ("error_code", context.error_code.as_deref()),
        ];
        let mut fields = vec![
            ("correlation_id", context.correlation_id.as_str()),
            ("flow", context.flow.as_str()),
            ("client_id", context.client_id.as_str()),
        ];
        fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        self.logger.log(level, message, &fields);
    }
}
