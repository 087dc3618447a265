//! One operation: its attempts, and what is told about them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ayb_primitives::circuit_breaker::{CircuitBreaker as _, CircuitState, Outcome};
use ayb_primitives::errors::IntegrationError as _;
use ayb_primitives::logging::Level;
use ayb_primitives::retry::{Next, Retried, RetryExecutor};
use ayb_primitives::tracing::Span;
use ayb_protocol::answer::{Answer, AnswerError, Reading};
use ayb_protocol::dpop::USE_NONCE;

use secrecy::{ExposeSecret as _, SecretString};

use super::RetryDecision;
use super::table::{self, Failure, Kind, Past};
use crate::Endpoint;
use crate::core::Core;
use crate::dpop;
use crate::error::{Failed, NetworkError, OAuth2Error, OAuth2ErrorKind, TokenError, from_answer};
use crate::http::{HttpRequest, HttpResponse, MAX_ANSWER, TransportError, without_query};
use crate::sent::Sent;
use crate::telemetry::Metric;

/// The longest wish of a server that is heard: beyond it a wrong header would end all requests for good.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// How long a 429 without `Retry-After` is taken to mean.
const UNSAID_PAUSE: Duration = Duration::from_secs(60);

/// What is asked, and what it is called in metrics and spans.
pub(crate) struct Call<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) kind: Kind,
    /// The grant or whatever else tells requests to one endpoint apart.
    pub(crate) asked: &'a str,
    pub(crate) span: &'a dyn Span,
    /// The name of the span around reading the answer.
    pub(crate) parse_span: &'static str,
}

/// An attempt that failed, and whether it may be repeated.
struct Attempt {
    failure: Failure,
    error: OAuth2Error,
}

/// What is tried.
struct Task<'a, B, R> {
    core: &'a Core,
    call: &'a Call<'a>,
    build: B,
    read: R,
    until: Duration,
    executor: &'a RetryExecutor,
    past: Mutex<Past>,
}

impl<B, R> Task<'_, B, R> {
    fn past(&self) -> std::sync::MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send, B, R> Retried for Task<'_, B, R>
where
    B: AsyncRequest,
    R: Fn(Answer<'_>) -> Result<Reading<T>, AnswerError> + Send + Sync,
{
    type Value = Reading<T>;
    type Error = Attempt;

    /// A demand for a nonce is answered within the attempt: it is no failure of it, so it takes nothing of its retries.
    async fn attempt(&self, _: u32) -> Result<Reading<T>, Attempt> {
        let answer = self.core.attempt(self.call, &self.build, &self.read, self.until).await;
        let demanded = Failure::NonceDemanded;
        if !answer.as_ref().is_err_and(|failed| failed.failure == demanded) {
            return answer;
        }
        let past = {
            let mut past = self.past();
            *past = past.and(demanded);
            *past
        };
        match table::next(self.call.kind, demanded, past) {
            Next::Stop => answer,
            _ => self.core.attempt(self.call, &self.build, &self.read, self.until).await,
        }
    }

    async fn next(&self, number: u32, failed: &Attempt) -> Next {
        let past = {
            let mut past = self.past();
            *past = past.and(failed.failure);
            *past
        };
        self.core.after(self.call.kind, number, past, failed, self.executor).await
    }
}

impl Core {
    /// Sends a request until it succeeds, may not be repeated, or takes too long. `build` runs for every attempt, so that
    /// proofs are made anew.
    pub(crate) async fn call<T: Send, B>(
        &self,
        call: &Call<'_>,
        build: B,
        read: impl Fn(Answer<'_>) -> Result<Reading<T>, AnswerError> + Send + Sync,
    ) -> Result<Reading<T>, OAuth2Error>
    where
        B: AsyncRequest,
    {
        let policy = self.config.retry_config.policy();
        let executor = RetryExecutor::new(policy, Arc::clone(&self.time), Arc::clone(&self.random));
        let deadline = self.config.timeout;
        let until = self.time.monotonic() + deadline;
        let past = Mutex::default();
        let task = Task { core: self, call, build, read, until, executor: &executor, past };
        let result = executor.run(deadline, &task).await;
        let error = match result {
            Ok(reading) => {
                if !reading.deviations.is_empty() {
                    let what = format!("{:?}", reading.deviations);
                    self.log(
                        Level::Debug,
                        "the answer deviates from the specification",
                        call.asked,
                        &[("deviations", &what)],
                    );
                }
                return Ok(reading);
            }
            Err(attempt) => unknown_outcome(call, attempt, *task.past()),
        };
        call.span.record_error(error.error_code());
        self.count(Metric::Errors, &[("error_type", error.error_code())]);
        Err(error)
    }

    /// What the table says, less what configuration and hook do not want.
    async fn after(
        &self,
        kind: Kind,
        number: u32,
        past: Past,
        failed: &Attempt,
        executor: &RetryExecutor,
    ) -> Next {
        let wanted = |kind| self.config.retry_config.retryable_errors.contains(&kind);
        let is_wanted = match failed.failure {
            Failure::PreSend | Failure::Ambiguous => wanted(OAuth2ErrorKind::Network),
            Failure::Throttled(_) | Failure::Server => wanted(OAuth2ErrorKind::TemporarilyUnavailable),
            Failure::Final | Failure::NonceDemanded => false,
        };
        let next = if is_wanted { table::next(kind, failed.failure, past) } else { Next::Stop };
        let Some(hook) = &self.retry_hook else { return next };
        let pause = match next {
            Next::Stop => return Next::Stop,
            Next::Backoff => executor.backoff(number),
            Next::After(pause) => pause,
        };
        if number > self.config.retry_config.max_retries {
            hook.on_exhausted(&failed.error, number).await;
            return Next::Stop;
        }
        match hook.on_retry(number, &failed.error, pause).await {
            // The server's own wish is the least that is waited.
            RetryDecision::Retry(time) => Next::After(time.max(least(failed.failure))),
            RetryDecision::Abort => Next::Stop,
            RetryDecision::Default => Next::After(pause),
        }
    }

    async fn attempt<T>(
        &self,
        call: &Call<'_>,
        build: &impl AsyncRequest,
        read: &(impl Fn(Answer<'_>) -> Result<Reading<T>, AnswerError> + Sync),
        until: Duration,
    ) -> Result<Reading<T>, Attempt> {
        let fail = |failure| move |error: OAuth2Error| Attempt { failure, error };
        self.wait_for_turn(call.endpoint, until).await.map_err(fail(Failure::Final))?;
        let request = build.request(self).await.map_err(fail(Failure::Final))?;
        let breaker = self.resilience.breaker(call.endpoint);
        if let Err(open) = breaker.try_acquire() {
            let error = NetworkError::CircuitOpen { endpoint: call.endpoint, retry_after: open.retry_after };
            return Err(Attempt { failure: Failure::Final, error: error.into() });
        }
        let secret = self.config.credentials.client_secret.as_ref();
        let sent = Sent::of(&request, secret.map(SecretString::expose_secret));
        let proven =
            request.headers.iter().any(|(name, _)| *name == dpop::HEADER).then(|| request.url.clone());
        let left = until.saturating_sub(self.time.monotonic());
        let answer = self.send(call, request, left.min(self.config.attempt_timeout)).await;
        let nonce = answer.as_ref().ok().and_then(|response| response.header(dpop::NONCE_HEADER));
        let demands = |response: &HttpResponse| {
            let challenge = response.header("www-authenticate");
            response.status == 401 && challenge.is_some_and(dpop::asks_for_nonce)
        };
        // Only who sent a proof can send a better one.
        let may_answer = match (&proven, nonce) {
            (Some(url), Some(nonce)) => {
                self.nonces.remember(url, nonce);
                true
            }
            _ => false,
        };
        let is_challenged = answer.as_ref().is_ok_and(demands);
        let mut judged = self.judge(call, answer, read, &sent);
        if let Err(failed) = &mut judged
            && may_answer
            && (is_challenged || failed.error.response().is_some_and(|said| said.code == USE_NONCE))
        {
            failed.failure = Failure::NonceDemanded;
        }
        breaker.record(outcome(&judged));
        self.gauge_breaker(call.endpoint, breaker.state());
        judged
    }

    async fn wait_for_turn(&self, endpoint: Endpoint, until: Duration) -> Result<(), OAuth2Error> {
        while let Err(limited) = self.resilience.take(endpoint) {
            let NetworkError::RateLimited { retry_after, .. } = &limited else { return Err(limited.into()) };
            if self.time.monotonic() + *retry_after >= until {
                self.log(
                    Level::Warn,
                    "the rate limit holds a request back for longer than it may take",
                    endpoint.as_str(),
                    &[],
                );
                return Err(limited.into());
            }
            self.time.sleep(*retry_after).await;
        }
        Ok(())
    }

    async fn send(
        &self,
        call: &Call<'_>,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let span = call.span.child("http.request");
        let (method, url) = (request.method.as_str(), without_query(&request.url));
        for (current, old, value) in
            [("http.request.method", "http.method", method), ("url.full", "http.url", &url)]
        {
            span.set_attribute(current, value);
            span.set_attribute(old, value);
        }
        self.trace_request(call, &request);
        let answer = self.transport.send(request, timeout).await;
        match &answer {
            Ok(response) => {
                self.trace_answer(call, response);
                let status = response.status.to_string();
                span.set_attribute("http.response.status_code", &status);
                span.set_attribute("http.status_code", &status);
                let size = response.body.len().to_string();
                self.log(
                    Level::Debug,
                    "an answer came",
                    call.asked,
                    &[("endpoint", call.endpoint.as_str()), ("status", &status), ("bytes", &size)],
                );
            }
            Err(error) => {
                span.record_error("OAUTH2_NETWORK");
                let why = error.to_string();
                self.log(
                    Level::Debug,
                    "no answer came",
                    call.asked,
                    &[("endpoint", call.endpoint.as_str()), ("why", &why)],
                );
            }
        }
        answer
    }

    fn judge<T>(
        &self,
        call: &Call<'_>,
        answer: Result<HttpResponse, TransportError>,
        read: &impl Fn(Answer<'_>) -> Result<Reading<T>, AnswerError>,
        sent: &Sent,
    ) -> Result<Reading<T>, Attempt> {
        let endpoint = call.endpoint;
        let response = answer.map_err(|error| no_answer(endpoint, error))?;
        let _span = call.span.child(call.parse_span);
        if response.body.len() > MAX_ANSWER {
            return Err(no_answer(endpoint, TransportError::TooLarge));
        }
        let content_type = response.header("content-type");
        let error = match read(Answer { status: response.status, content_type, body: &response.body }) {
            Ok(reading) => return Ok(reading),
            Err(error) => sent.blank_error(error),
        };
        let retry_after = retry_after(&response, self.time.unix_time());
        let failure = match (response.status, retry_after) {
            // The server acted, and its answer was lost on the way.
            (200..=299, _) if matches!(error, AnswerError::Malformed { .. }) => Failure::Ambiguous,
            (429, after) => Failure::Throttled(after.unwrap_or(UNSAID_PAUSE)),
            (503, Some(after)) => Failure::Throttled(after),
            (500.., _) => Failure::Server,
            _ => Failure::Final,
        };
        // With another status the header does not speak of too many requests.
        if let (Some(after), 429 | 503) = (retry_after, response.status) {
            self.resilience.adjust(endpoint, after);
        }
        let request_id = response.header("x-request-id");
        let failed =
            Failed { endpoint, status: Some(response.status), retry_after, request_id, asked: call.asked };
        Err(Attempt { failure, error: from_answer(error, &failed) })
    }

    fn gauge_breaker(&self, endpoint: Endpoint, state: CircuitState) {
        let value = match state {
            CircuitState::Closed => 0.0,
            CircuitState::HalfOpen => 1.0,
            CircuitState::Open => 2.0,
        };
        self.metrics.gauge(Metric::CircuitBreakerState.as_str(), &[("endpoint", endpoint.as_str())], value);
    }
}

/// Makes the request of one attempt.
pub(crate) trait AsyncRequest: Send + Sync {
    /// Makes it.
    fn request(&self, core: &Core) -> impl Future<Output = Result<HttpRequest, OAuth2Error>> + Send;
}

/// A request that needs no proof.
pub(crate) struct Plain(pub(crate) HttpRequest);

impl AsyncRequest for Plain {
    async fn request(&self, _: &Core) -> Result<HttpRequest, OAuth2Error> {
        Ok(self.0.clone())
    }
}

const fn least(failure: Failure) -> Duration {
    match failure {
        Failure::Throttled(time) => time,
        _ => Duration::ZERO,
    }
}

fn no_answer(endpoint: Endpoint, error: TransportError) -> Attempt {
    let (failure, error) = match error {
        TransportError::Dns => (Failure::PreSend, NetworkError::DnsResolutionFailed { endpoint }),
        TransportError::Connect => {
            (Failure::PreSend, NetworkError::ConnectionFailed { endpoint, sent: false })
        }
        // A certificate does not get better by asking again.
        TransportError::Tls => (Failure::Final, NetworkError::TlsError { endpoint }),
        TransportError::TimedOut { sent: false } => {
            (Failure::PreSend, NetworkError::Timeout { endpoint, sent: false })
        }
        TransportError::TimedOut { sent: true } => {
            (Failure::Ambiguous, NetworkError::Timeout { endpoint, sent: true })
        }
        TransportError::Broken => {
            (Failure::Ambiguous, NetworkError::ConnectionFailed { endpoint, sent: true })
        }
        TransportError::TooLarge => {
            let reason = "it is larger than a megabyte".to_owned();
            (Failure::Ambiguous, NetworkError::UnusableAnswer { endpoint, reason })
        }
    };
    Attempt { failure, error: error.into() }
}

/// A refusal says that the server is well. An answer that cannot be read says nothing.
fn outcome<T>(judged: &Result<T, Attempt>) -> Outcome {
    let Err(attempt) = judged else { return Outcome::Success };
    match (&attempt.error, attempt.failure) {
        (OAuth2Error::Network(NetworkError::UnusableAnswer { .. }), _) => Outcome::Unknown,
        (_, Failure::PreSend | Failure::Ambiguous | Failure::Server) => Outcome::Failure,
        (OAuth2Error::Network(NetworkError::TlsError { .. }), _) => Outcome::Failure,
        (OAuth2Error::Network(NetworkError::ServerFailed { retry_after: None, .. }), _) => Outcome::Failure,
        (OAuth2Error::Network(_), _) => Outcome::Unknown,
        _ => Outcome::Success,
    }
}

/// A code that may be spent must not be tried again by the caller either, and what was sent once stays sent.
fn unknown_outcome(call: &Call<'_>, attempt: Attempt, past: Past) -> OAuth2Error {
    let endpoint = call.endpoint;
    let is_single_use = matches!(call.kind, Kind::Code | Kind::TokenExchange | Kind::Register);
    let may_have_acted = match &attempt.error {
        // `server_error` comes with other statuses too. Only 429 says that nothing was done.
        OAuth2Error::Network(NetworkError::ServerFailed { status, .. }) => *status != 429,
        _ => attempt.failure == Failure::Ambiguous,
    };
    if is_single_use && may_have_acted {
        return NetworkError::OutcomeUnknown { endpoint }.into();
    }
    // The last attempt was not sent, but one before it was.
    if attempt.failure == Failure::PreSend && past.ambiguous > 0 {
        return NetworkError::ConnectionFailed { endpoint, sent: true }.into();
    }
    attempt.error
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(response: &HttpResponse, unix_time: Duration) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    let wished = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::from_secs(http_date(text)?).saturating_sub(unix_time),
    };
    Some(wished.min(LONGEST_PAUSE))
}

/// Seconds since the epoch of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is sent today.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let [day, year, hour, minute, second] =
        [day, year, hour, minute, second].map(|word| word.parse::<u64>().ok());
    let within = |number: Option<u64>, from, to| number.filter(|number| (from..=to).contains(number));
    let (day, year) = (within(day, 1, 31)?, within(year, 1970, 9999)?);
    let (hour, minute, second) = (within(hour, 0, 23)?, within(minute, 0, 59)?, within(second, 0, 60)?);
    // Days since the epoch by the calendar of Howard Hinnant: the year begins in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

impl TokenError {
    /// Whether the server said that this refresh token is dead.
    pub(crate) const fn is_dead_grant(&self) -> bool {
        matches!(self, Self::InvalidGrant { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text: &str| {
            let headers = vec![("retry-after".to_owned(), text.to_owned())];
            let response = HttpResponse { status: 429, headers, body: Bytes::new() };
            retry_after(&response, Duration::from_secs(784_111_777 - 90)).map(|time| time.as_secs())
        };
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(90));
        assert_eq!(after("Sun, 06 Nov 1994 08:40:00 GMT"), Some(0));
        assert_eq!(after(&u64::MAX.to_string()), Some(86_400), "no header stops the client for ever");
        assert_eq!(after("Fri, 31 Dec 9999 23:59:59 GMT"), Some(86_400));
        for bad in [
            "soon",
            "",
            "Sun, 06 Nov 1994 18446744073709551615:00:00 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "-1",
        ] {
            assert_eq!(after(bad), None, "{bad}");
        }
        assert_eq!(http_date("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    }
}
