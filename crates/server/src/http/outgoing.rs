//! Answers on their way out: bodies in pieces, and streams of HTTP/2 that can be ended from outside.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use futures_util::future::{AbortHandle, Abortable};
use hyper::body::{Frame, SizeHint};
use hyper::rt::Executor;
use tokio::task_local;

use crate::http::pace::Exchange;

/// The bytes that the connection gets at one time: as many as a frame of HTTP/2 carries. It asks for further ones when
/// the peer has taken most of what it has; a body in one piece would be gone at once, and nobody could tell.
const PIECE: usize = 16 * 1024;

task_local! {
    static STREAM: AbortHandle;
}

/// Runs each stream of HTTP/2 in a task of its own, which can be ended: hyper asks a body for nothing while the peer
/// opens no window, so the body cannot end the stream itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams;

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let (handle, registration) = AbortHandle::new_pair();
        tokio::spawn(STREAM.scope(handle, Abortable::new(stream, registration)));
    }
}

/// Begins to send `answer`, whose time is then measured.
pub(super) fn send(answer: Response, mut exchange: Exchange) -> Response<PacedBody> {
    let bytes = answer.body().size_hint();
    exchange.send(bytes.upper().unwrap_or(bytes.lower()), STREAM.try_with(Clone::clone).ok());
    answer.map(|body| PacedBody { inner: body, rest: Bytes::new(), _exchange: exchange })
}

/// The body of an answer; the exchange lasts as long as it.
pub(super) struct PacedBody {
    inner: Body,
    /// What is left of the last frame of `inner`.
    rest: Bytes,
    _exchange: Exchange,
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                other => return other,
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(inner.lower() + rest);
        hint
    }
}
