//! Response headers that several answers share.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use ayb_provider::limit::Verdict;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, Entry, PRAGMA, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::http::waiting::{self, Shared};
use crate::limits::Standing;

/// The challenge of an answer 401 where a bearer token was expected (RFC 6750 §3).
pub const BEARER_CHALLENGE: &str = "Bearer realm=\"ayb\"";

/// The header that carries the request's identifier, in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The names that every limit uses beside its own, with the seconds until all is free again and not the moment
/// (draft-ietf-httpapi-ratelimit-headers-06).
const ANY_LIMIT: RateHeaders = RateHeaders {
    limit: HeaderName::from_static("ratelimit-limit"),
    remaining: HeaderName::from_static("ratelimit-remaining"),
    reset: HeaderName::from_static("ratelimit-reset"),
};

/// The names under which a limit tells its state.
#[derive(Debug)]
pub struct RateHeaders {
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

/// Names of a limit per address, client or token.
pub const RATE_LIMIT: RateHeaders = RateHeaders {
    limit: HeaderName::from_static("x-ratelimit-limit"),
    remaining: HeaderName::from_static("x-ratelimit-remaining"),
    reset: HeaderName::from_static("x-ratelimit-reset"),
};

/// Names of an app's limit.
pub const APP_RATE_LIMIT: RateHeaders = RateHeaders {
    limit: HeaderName::from_static("x-app-ratelimit-limit"),
    remaining: HeaderName::from_static("x-app-ratelimit-remaining"),
    reset: HeaderName::from_static("x-app-ratelimit-reset"),
};

impl RateHeaders {
    /// Writes where somebody stands: how many requests, how many are left, the Unix second at which all are back, and
    /// `Retry-After` when refused; and the same as `RateLimit-Limit`, `-Remaining` and `-Reset`.
    pub fn write(&self, headers: &mut HeaderMap, standing: &Standing) {
        let (remaining, reset) = match standing.verdict {
            Verdict::Allowed { remaining, reset } => (remaining, reset),
            Verdict::Limited { retry_after, reset } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.0));
                (0, reset)
            }
        };
        // Rounded up: a caller that waits until then must not come a moment too early.
        let whole = |millis: i64| millis.saturating_add(999).div_euclid(1_000);
        let away = reset.as_millis().saturating_sub(standing.at.as_millis()).max(0);
        for (names, reset) in [(self, whole(reset.as_millis())), (&ANY_LIMIT, whole(away))] {
            headers.insert(names.limit.clone(), HeaderValue::from(standing.limit.requests.get()));
            headers.insert(names.remaining.clone(), HeaderValue::from(remaining));
            headers.insert(names.reset.clone(), HeaderValue::from(reset));
        }
    }
}

/// Forbids every cache to keep the answer, the old ones too (RFC 6749 §5.1 asks for both headers).
pub fn no_store(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A JSON document that anyone may read and keep for as long as `cache_control` says.
pub fn cached_json(body: Bytes, cache_control: &'static str) -> Response {
    let large = body.len() as u64 >= waiting::LARGE;
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    if large {
        response.extensions_mut().insert(Shared);
    }
    response
}

/// Adds what every answer carries unless its maker said otherwise: nothing is sniffed, framed, cached, referred to or
/// allowed to load anything. With `https` the browser is told to stay on it.
pub fn secure_by_default(headers: &mut HeaderMap, https: bool) {
    let defaults = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in defaults {
        keep_or_insert(headers, name, value);
    }
    if https {
        keep_or_insert(headers, STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

fn keep_or_insert(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if let Entry::Vacant(place) = headers.entry(name) {
        place.insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use ayb_protocol::time::{Seconds, Timestamp};

    use ayb_provider::limit::Limit;

    use super::*;

    #[test]
    fn a_limit_tells_its_state_and_when_to_come_back() {
        let mut headers = HeaderMap::new();
        let (limit, at) = (Limit::per_minute(10), Timestamp::from_millis(1_699_999_994_500));
        let verdict = Verdict::Allowed { remaining: 9, reset: Timestamp::from_millis(1_700_000_000_001) };
        RATE_LIMIT.write(&mut headers, &Standing { limit, verdict, at });
        assert_eq!(headers["x-ratelimit-limit"], "10");
        assert_eq!(headers["x-ratelimit-remaining"], "9");
        assert_eq!(headers["x-ratelimit-reset"], "1700000001");
        assert_eq!(
            (&headers["ratelimit-limit"], &headers["ratelimit-remaining"]),
            (&"10".parse().unwrap(), &"9".parse().unwrap())
        );
        assert_eq!(headers["ratelimit-reset"], "6", "in seconds from now, rounded up");
        assert!(!headers.contains_key("retry-after"));

        let verdict =
            Verdict::Limited { retry_after: Seconds(6), reset: Timestamp::from_seconds(1_700_000_060) };
        APP_RATE_LIMIT.write(&mut headers, &Standing { limit, verdict, at });
        assert_eq!(headers["x-app-ratelimit-remaining"], "0");
        assert_eq!(
            (&headers["ratelimit-remaining"], &headers["retry-after"]),
            (&"0".parse().unwrap(), &"6".parse().unwrap())
        );
    }

    #[test]
    fn defaults_do_not_override_what_the_handler_said() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        secure_by_default(&mut headers, false);
        assert_eq!(headers[CACHE_CONTROL], "public, max-age=60");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
        secure_by_default(&mut headers, true);
        assert_eq!(headers[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }

    #[test]
    fn no_store_speaks_to_old_caches_too() {
        let response = no_store("body");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[PRAGMA], "no-cache");
    }
}
