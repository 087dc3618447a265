//! How requests come to the test server, and what goes wrong on the way.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use ayb_primitives::types::TimeProvider;

use super::Fault;
use super::answer;
use super::server::{Recorded, TestAuthServer};
use crate::Endpoint;
use crate::http::{HttpRequest, HttpResponse, HttpTransport, MAX_ANSWER, TransportError};

#[async_trait]
impl HttpTransport for TestAuthServer {
    async fn send(&self, request: HttpRequest, timeout: Duration) -> Result<HttpResponse, TransportError> {
        let Some(endpoint) = Self::endpoint(&request.url) else {
            return Ok(answer::with(404, "text/plain", ""));
        };
        // Others get their turn, as they would with a network in between.
        tokio::task::yield_now().await;
        let recorded = record(endpoint, &request);
        let fault = {
            let mut state = self.lock();
            state.requests.push(recorded.clone());
            state.faults.get_mut(&endpoint).and_then(VecDeque::pop_front)
        };
        let act = || self.act(endpoint, &recorded, request.url.path());
        match fault {
            None => Ok(act()),
            Some(Fault::UnknownHost) => Err(TransportError::Dns),
            Some(Fault::Unreachable) => Err(TransportError::Connect),
            Some(Fault::BadTls) => Err(TransportError::Tls),
            Some(Fault::DropBeforeProcessing) => Err(TransportError::Broken),
            Some(Fault::DropAfterProcessing) => {
                act();
                Err(TransportError::Broken)
            }
            Some(Fault::TimeOut) => {
                act();
                self.clock.advance(timeout);
                Err(TransportError::TimedOut { sent: true })
            }
            Some(Fault::TornBody) => {
                let mut answer = act();
                answer.body.truncate(answer.body.len() / 2);
                Ok(answer)
            }
            Some(Fault::Slow(time)) if time >= timeout => {
                self.clock.advance(timeout);
                Err(TransportError::TimedOut { sent: true })
            }
            Some(Fault::Slow(time)) => {
                self.clock.sleep(time).await;
                Ok(act())
            }
            Some(Fault::Status(status)) => Ok(answer::with(status, "text/html", "<h1>trouble</h1>")),
            Some(Fault::RetryAfter(status, seconds)) => {
                let answer = answer::with(status, "text/html", "<h1>later</h1>");
                Ok(answer::and(answer, "retry-after", &seconds.to_string()))
            }
            Some(Fault::DpopNonce(nonce)) => {
                Ok(answer::and(answer::error(400, "use_dpop_nonce"), "dpop-nonce", nonce))
            }
            Some(Fault::Error(code)) => Ok(answer::error(400, code)),
            Some(Fault::Answer(status, content_type, body)) => Ok(answer::with(status, content_type, body)),
            Some(Fault::Redirect) => {
                Ok(answer::and(answer::with(302, "text/html", ""), "location", "https://evil.test/token"))
            }
            Some(Fault::Huge) => Ok(answer::with(200, "application/json", vec![b' '; MAX_ANSWER + 1])),
        }
    }
}

fn record(endpoint: Endpoint, request: &HttpRequest) -> Recorded {
    let body = request.body.as_deref().map_or("", |body| body.as_str());
    let header = |wanted: &str| {
        request.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_string())
    };
    let content_type = header("content-type");
    let is_json = endpoint == Endpoint::Token && content_type.is_some();
    let pairs = || url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let form = if is_json { serde_json::from_str(body).unwrap_or_default() } else { pairs() };
    Recorded {
        endpoint,
        url: request.url.clone(),
        method: request.method,
        body: body.to_owned(),
        form,
        content_type,
        authorization: header("authorization"),
        dpop: header("dpop"),
        accept: header("accept"),
    }
}
