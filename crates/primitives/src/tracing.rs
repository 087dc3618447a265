//! What happened inside what: spans with attributes.

use std::sync::{Arc, Mutex, PoisonError};

/// The names of attributes that [`TracingTracer`] passes on: those of the client module, the current ones of
/// OpenTelemetry for HTTP and the ones before them.
macro_rules! attributes {
    ($($name:literal),+ $(,)?) => {
        /// Attributes that are passed on under their own name.
        pub const ATTRIBUTES: &[&str] = &[$($name),+];

        fn open(name: &'static str, parent: Option<&::tracing::Span>) -> ::tracing::Span {
            match parent {
                Some(parent) => ::tracing::info_span!(
                    target: "integration", parent: parent, "span", otel.name = name, error = ::tracing::field::Empty,
                    $($name = ::tracing::field::Empty),+
                ),
                None => ::tracing::info_span!(
                    target: "integration", "span", otel.name = name, error = ::tracing::field::Empty,
                    $($name = ::tracing::field::Empty),+
                ),
            }
        }
    };
}

attributes!(
    "oauth2.flow",
    "oauth2.grant_type",
    "oauth2.scopes",
    "oauth2.provider",
    "oauth2.token_type",
    "oauth2.expires_in",
    "http.request.method",
    "http.response.status_code",
    "url.full",
    "http.method",
    "http.status_code",
    "http.url",
);

/// Something that takes time. It ends when it is dropped.
pub trait Span: Send + Sync {
    /// Says something about it.
    fn set_attribute(&self, name: &'static str, value: &str);

    /// It failed; `code` is the stable name of the error.
    fn record_error(&self, code: &'static str);

    /// Begins something inside it.
    fn child(&self, name: &'static str) -> Box<dyn Span>;
}

/// Begins spans.
pub trait Tracer: Send + Sync + 'static {
    /// Begins one, inside whatever the caller is in.
    fn span(&self, name: &'static str) -> Box<dyn Span>;
}

/// Hands spans to the crate `tracing`, and so to OpenTelemetry where a program has it: `otel.name` is the name.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingTracer;

impl Tracer for TracingTracer {
    fn span(&self, name: &'static str) -> Box<dyn Span> {
        Box::new(Passed(open(name, None)))
    }
}

struct Passed(::tracing::Span);

impl Span for Passed {
    fn set_attribute(&self, name: &'static str, value: &str) {
        self.0.record(name, value);
    }

    fn record_error(&self, code: &'static str) {
        self.0.record("error", code);
    }

    fn child(&self, name: &'static str) -> Box<dyn Span> {
        Box::new(Passed(open(name, Some(&self.0))))
    }
}

/// Keeps spans, for tests. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryTracer(Arc<Mutex<Vec<Recorded>>>);

/// A span that [`MemoryTracer`] kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recorded {
    /// Names from the outermost to this one, with `/` between them.
    pub path: String,
    /// What was said about it.
    pub attributes: Vec<(&'static str, String)>,
    /// The error, if it failed.
    pub error: Option<&'static str>,
}

impl MemoryTracer {
    /// The spans in the order in which they began.
    pub fn spans(&self) -> Vec<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&self, path: String) -> Box<dyn Span> {
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spans.push(Recorded { path: path.clone(), ..Recorded::default() });
        Box::new(Kept { tracer: self.clone(), index: spans.len() - 1, path })
    }
}

impl Tracer for MemoryTracer {
    fn span(&self, name: &'static str) -> Box<dyn Span> {
        self.begin(name.to_owned())
    }
}

struct Kept {
    tracer: MemoryTracer,
    index: usize,
    path: String,
}

impl Kept {
    fn change(&self, change: impl FnOnce(&mut Recorded)) {
        let mut spans = self.tracer.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(span) = spans.get_mut(self.index) {
            change(span);
        }
    }
}

impl Span for Kept {
    fn set_attribute(&self, name: &'static str, value: &str) {
        self.change(|span| span.attributes.push((name, value.to_owned())));
    }

    fn record_error(&self, code: &'static str) {
        self.change(|span| span.error = Some(code));
    }

    fn child(&self, name: &'static str) -> Box<dyn Span> {
        self.tracer.begin(format!("{}/{name}", self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(tracer: &dyn Tracer) {
        let outer = tracer.span("oauth2.flow");
        outer.set_attribute("oauth2.flow", "refresh");
        let inner = outer.child("http.request");
        inner.record_error("OAUTH2_NETWORK");
    }

    #[test]
    fn spans_know_what_they_are_inside_of() {
        let tracer = MemoryTracer::default();
        walk(&tracer);
        let spans = tracer.spans();
        let paths: Vec<_> = spans.iter().map(|span| span.path.as_str()).collect();
        assert_eq!(paths, ["oauth2.flow", "oauth2.flow/http.request"]);
        assert_eq!(spans[0].attributes, [("oauth2.flow", "refresh".to_owned())]);
        assert_eq!(spans[1].error, Some("OAUTH2_NETWORK"));
    }

    #[test]
    fn spans_pass_through_to_the_crate_tracing() {
        walk(&TracingTracer);
        assert!(ATTRIBUTES.contains(&"http.request.method") && ATTRIBUTES.contains(&"http.method"));
    }
}
