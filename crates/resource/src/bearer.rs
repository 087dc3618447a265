//! The bearer check (RFC 6750) as a tower layer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use tower::{Layer, Service};
use url::Url;

use crate::challenge::{Challenge, Refusal};
use crate::error::BuildError;
use crate::scope::RequiredScope;
use crate::token::AccessToken;
use crate::verifier::Verifier;

/// Lets a request pass that brings a good access token, with the [`AccessToken`] in its extensions; answers all others.
///
/// The token comes in the `Authorization` header (RFC 6750 §2.1). The other two ways, in the body and in the query, are
/// not spoken: addresses end up in logs (RFC 9700 §4.3.2). Preflight requests of browsers bring no token: put the layer for
/// CORS around this one.
#[derive(Clone, Debug)]
pub struct BearerLayer {
    verifier: Verifier,
    required: Option<RequiredScope>,
    challenge: Challenge,
}

impl BearerLayer {
    /// Lets every good token pass, whatever its scope.
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, required: None, challenge: Challenge::default() }
    }

    /// Demands a scope. A token without it is answered 403, and the answer names the scope that would do.
    #[must_use]
    pub fn require(mut self, scope: RequiredScope) -> Self {
        self.challenge.scope = Some(scope.as_str().to_owned());
        self.required = Some(scope);
        self
    }

    /// Names the protected space in the challenge (RFC 9110 §11.5).
    ///
    /// # Errors
    /// [`BuildError::Text`] when it does not fit between quotes in a header.
    pub fn realm(mut self, realm: impl Into<String>) -> Result<Self, BuildError> {
        let realm = realm.into();
        if !realm.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            return Err(BuildError::Text);
        }
        self.challenge.realm = Some(realm);
        Ok(self)
    }

    /// Says in the challenge where the metadata of this API is (RFC 9728 §5.1), so that a client that knows nothing but the
    /// address of the API can find the issuer.
    #[must_use]
    pub fn resource_metadata(mut self, address: &Url) -> Self {
        // An address as the crate `url` writes it has neither quotes nor backslashes outside the fragment.
        let mut address = address.clone();
        address.set_fragment(None);
        self.challenge.resource_metadata = Some(address.into());
        self
    }

    /// The check itself, for those who have no tower: the token of a request with these headers.
    ///
    /// # Errors
    /// What [`BearerLayer::answer`] answers.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<AccessToken, Refusal> {
        let token = self.verifier.verify(credential(headers)?).await?;
        match &self.required {
            Some(required) if !required.is_met_by(&token) => Err(Refusal::Scope),
            _ => Ok(token),
        }
    }

    /// The answer to a request that is not let in: status, challenge, and an empty body.
    pub fn answer<R: Default>(&self, refusal: &Refusal) -> Response<R> {
        self.challenge.answer(refusal, self.verifier.retry_pause())
    }
}

/// The bearer token of a request. Its form is that of RFC 6750 §2.1, `b64token`.
fn credential(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let text = value.to_str().map_err(|_| Refusal::Malformed)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        // RFC 6750 §3.1: a method that is not supported is as good as none.
        return Err(Refusal::Missing);
    }
    let token = token.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if body.is_empty() || !body.bytes().all(fits) {
        return Err(Refusal::Malformed);
    }
    Ok(token)
}

impl<S> Layer<S> for BearerLayer {
    type Service = BearerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BearerService { inner, layer: Arc::new(self.clone()) }
    }
}

/// A service behind a [`BearerLayer`].
#[derive(Clone, Debug)]
pub struct BearerService<S> {
    inner: S,
    layer: Arc<BearerLayer>,
}

impl<S, B, R> Service<Request<B>> for BearerService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that is ready goes with the request; its clone stays and gets ready for the next one.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let layer = Arc::clone(&self.layer);
        Box::pin(async move {
            match layer.admit(request.headers()).await {
                Ok(token) => {
                    request.extensions_mut().insert(token);
                    inner.call(request).await
                }
                Err(refusal) => {
                    tracing::debug!(reason = %refusal, "a request was not let in");
                    Ok(layer.answer(&refusal))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&'static str]) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        credential(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_token_of_the_right_form_is_read() {
        for good in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c"] {
            assert_eq!(read(&[good]), Ok("a.b.c".to_owned()), "{good}");
        }
        assert_eq!(read(&["Bearer a-._~+/09="]), Ok("a-._~+/09=".to_owned()));
        for missing in [&[] as &[_], &["Basic YTpi"], &["DPoP a.b.c"], &[""], &["a.b.c"]] {
            assert_eq!(read(missing), Err(Refusal::Missing), "{missing:?}");
        }
        for malformed in [
            &["Bearer"] as &[_],
            &["Bearer "],
            &["Bearer ="],
            &["Bearer a b"],
            &["Bearer a,b"],
            &["Bearer a=b"],
            &["Bearer \"a\""],
            &["Bearer ä"],
            &["Bearer a", "Bearer a"],
            &["Basic YTpi", "Bearer a"],
        ] {
            assert_eq!(read(malformed), Err(Refusal::Malformed), "{malformed:?}");
        }
    }
}
