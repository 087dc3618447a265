//! Request bodies under guard: a size that they may have and a moment by which they must be here.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than are allowed.
    #[error("the request body is too large")]
    TooLarge,
    /// Not complete when its time was up.
    #[error("the request body did not arrive in time")]
    TooSlow,
    /// The connection broke, or the framing was wrong.
    #[error("the request body could not be read")]
    Broken,
}

/// Puts a body under guard: at most `limit` bytes, all here within `time` from now.
pub fn guard(body: Body, limit: usize, time: Duration) -> Body {
    Body::new(GuardedBody { inner: body, left: limit, deadline: Instant::now() + time, alarm: None })
}

/// Reads a whole body of at most `limit` bytes, besides what its guard allows.
///
/// # Errors
/// [`BodyError`], by the first rule that was broken.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let collected = Limited::new(body, limit).collect().await.map_err(|error| cause_of(error.as_ref()))?;
    Ok(collected.to_bytes())
}

fn cause_of(error: &(dyn Error + 'static)) -> BodyError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(known) = error.downcast_ref::<BodyError>() {
            return *known;
        }
        if error.is::<http_body_util::LengthLimitError>() {
            return BodyError::TooLarge;
        }
        cause = error.source();
    }
    BodyError::Broken
}

struct GuardedBody {
    inner: Body,
    left: usize,
    deadline: Instant,
    /// Set only once the body keeps us waiting: most bodies are here with the head of the request.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl GuardedBody {
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(cx)
    }

    fn admit(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.left = self.left.checked_sub(length).ok_or(BodyError::TooLarge)?;
        Ok(frame)
    }
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.admit(frame))),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BodyError::Broken))),
            Poll::Pending => {
                ready!(self.poll_alarm(cx));
                Poll::Ready(Some(Err(BodyError::TooSlow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_body_within_its_limits_is_read_whole() {
        let body = guard(Body::from("0123456789"), 10, MINUTE);
        assert_eq!(read(body, 10).await.unwrap(), "0123456789");
        assert_eq!(read(guard(Body::empty(), 0, MINUTE), 0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_byte_too_many_is_refused_by_guard_and_by_reader() {
        assert_eq!(read(guard(Body::from("0123456789"), 9, MINUTE), 100).await, Err(BodyError::TooLarge));
        assert_eq!(read(guard(Body::from("0123456789"), 100, MINUTE), 9).await, Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn chunks_are_counted_together() {
        let chunks =
            stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789"))));
        assert_eq!(read(guard(Body::from_stream(chunks), 99, MINUTE), 1000).await, Err(BodyError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_cut_when_its_time_is_up() {
        let start = Instant::now();
        let drip = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        let body = guard(Body::from_stream(drip), 1000, Duration::from_secs(10));
        assert_eq!(read(body, 1000).await, Err(BodyError::TooSlow));
        assert!(start.elapsed() <= Duration::from_secs(11), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_broken_stream_is_not_mistaken_for_a_large_one() {
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]);
        assert_eq!(read(guard(Body::from_stream(broken), 10, MINUTE), 10).await, Err(BodyError::Broken));
    }
}
