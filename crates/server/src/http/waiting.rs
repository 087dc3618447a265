//! Bytes of large answers that wait for their peers to take them: bounded on a connection, where HTTP/2 can ask for many at
//! once, and in all, because each may take its time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

/// From so many bytes on an answer counts. All that are smaller, on one connection, come to 8 MiB.
pub(super) const LARGE: u64 = 64 * 1024;

/// How many bytes may wait: so many that each caller may have two of the largest answers.
const ON_A_CONNECTION: u64 = 32 << 20;

const IN_ALL: u64 = 256 << 20;

/// What waits somewhere. Clones share it.
#[derive(Clone, Debug)]
pub struct Waiting(Arc<Count>);

#[derive(Debug)]
struct Count {
    bytes: AtomicU64,
    most: u64,
}

impl Waiting {
    /// At most so many bytes, or a single answer.
    pub fn at_most(bytes: u64) -> Self {
        Self(Arc::new(Count { bytes: AtomicU64::new(0), most: bytes }))
    }

    /// For all connections together.
    pub fn in_all() -> Self {
        Self::at_most(IN_ALL)
    }

    /// For one connection.
    pub(super) fn on_a_connection() -> Self {
        Self::at_most(ON_A_CONNECTION)
    }

    fn add(&self, bytes: u64, refusable: bool) -> Option<Held> {
        let room = |waiting: u64| {
            let after = waiting.saturating_add(bytes);
            (!refusable || waiting == 0 || after <= self.0.most).then_some(after)
        };
        let added = self.0.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        added.is_ok().then(|| Held { of: self.clone(), bytes })
    }
}

/// Bytes that wait until this is dropped.
struct Held {
    of: Waiting,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// An answer whose bytes are in memory once, however many wait for them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared;

/// The answer, which counts until it has been taken or given up; `None` where there is no room for it. One that is not
/// `refusable`, because something was done already, passes and counts.
pub(super) fn admit(
    answer: Response,
    refusable: bool,
    of_connection: Option<&Waiting>,
    in_all: &Waiting,
) -> Option<Response> {
    let size = answer.body().size_hint();
    let bytes = size.upper().unwrap_or(size.lower());
    if bytes < LARGE || answer.extensions().get::<Shared>().is_some() {
        return Some(answer);
    }
    let own = match of_connection {
        Some(waiting) => Some(waiting.add(bytes, refusable)?),
        None => None,
    };
    let held = (own, in_all.add(bytes, refusable)?);
    Some(answer.map(|inner| Body::new(HeldBody { inner, _held: held })))
}

/// A body whose bytes count as long as it lasts.
struct HeldBody {
    inner: Body,
    _held: (Option<Held>, Held),
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
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
    use super::*;

    fn answer(bytes: usize) -> Response {
        Response::new(Body::from(vec![b'x'; bytes]))
    }

    const ANSWER: usize = LARGE as usize;

    #[test]
    fn large_answers_count_until_they_are_gone_and_small_ones_never() {
        let in_all = Waiting::at_most(2 * LARGE);
        let first = admit(answer(ANSWER), true, None, &in_all);
        let second = admit(answer(ANSWER), true, None, &in_all);
        assert!(first.is_some() && second.is_some());
        assert!(admit(answer(ANSWER), true, None, &in_all).is_none());
        assert!(admit(answer(ANSWER - 1), true, None, &in_all).is_some());
        drop(first);
        assert!(admit(answer(ANSWER), true, None, &in_all).is_some());
    }

    #[test]
    fn a_connection_is_full_before_all_are_and_a_refusal_takes_no_room() {
        let (own, in_all) = (Waiting::at_most(LARGE), Waiting::at_most(2 * LARGE));
        let _first = admit(answer(ANSWER), true, Some(&own), &in_all).unwrap();
        assert!(admit(answer(ANSWER), true, Some(&own), &in_all).is_none());
        let another = Waiting::at_most(LARGE);
        let _second = admit(answer(ANSWER), true, Some(&another), &in_all).unwrap();
        let third = Waiting::at_most(LARGE);
        assert!(admit(answer(ANSWER), true, Some(&third), &in_all).is_none());
        assert_eq!(third.0.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_single_answer_passes_however_large_it_is() {
        let in_all = Waiting::at_most(1);
        let _first = admit(answer(ANSWER), true, None, &in_all).unwrap();
        assert!(admit(answer(ANSWER), true, None, &in_all).is_none());
    }

    #[test]
    fn what_was_done_is_told_and_what_all_share_counts_once() {
        let in_all = Waiting::at_most(LARGE);
        let _first = admit(answer(ANSWER), true, None, &in_all).unwrap();
        let done = admit(answer(ANSWER), false, None, &in_all);
        assert!(done.is_some());
        assert_eq!(in_all.0.bytes.load(Ordering::Relaxed), 2 * LARGE);
        let mut shared = answer(ANSWER);
        shared.extensions_mut().insert(Shared);
        assert!(admit(shared, true, None, &in_all).is_some());
        assert_eq!(in_all.0.bytes.load(Ordering::Relaxed), 2 * LARGE);
    }
}
