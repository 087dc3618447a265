//! How long a connection may make us wait: for the head of a request, between requests, and for taking an answer.
//!
//! hyper's own timer starts at the first byte or at the last answer alike, and not at all before the protocol is
//! known; a trickle of bytes would keep a connection for ever. Nor does it watch whether an answer is taken: a peer that
//! takes a byte now and then, or opens no window of HTTP/2, would keep the answer and the connection for ever.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::AbortHandle;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// The bytes of an answer that a peer takes in a second, at the least. A list of 15 MB may so take 16 minutes.
const LEAST_RATE: u64 = 16 * 1024;

/// How long a connection may do nothing of use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first byte of a request (or the start of the connection) to the end of its head.
    pub(super) head: Duration,
    /// From one answer to the next request.
    pub(super) idle: Duration,
    /// For the peer to take what we write, without regard to its size: of a single write, and of a whole answer, which
    /// gets further time by its size.
    pub(super) write: Duration,
}

impl Patience {
    /// From the head of an answer of so many bytes to its end.
    fn whole_answer(&self, bytes: u64) -> Duration {
        self.write + Duration::from_secs(bytes / LEAST_RATE)
    }
}

/// What a connection is doing. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    state: Arc<Mutex<State>>,
    patience: Patience,
    bytes_begin_heads: bool,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// When the last answer was complete, or the connection came.
    rest_since: Instant,
    /// When the head that is being read began.
    head_since: Option<Instant>,
    /// The answers that are under way to the peer.
    answers: Vec<Answer>,
    next_answer: u64,
}

/// An answer that is being sent.
#[derive(Debug)]
struct Answer {
    number: u64,
    until: Instant,
    /// Ends its stream, where there are streams.
    stream: Option<AbortHandle>,
}

impl Pace {
    /// Of a fresh connection, whose first head is awaited from now on.
    pub(super) fn start(patience: Patience) -> Self {
        let now = Instant::now();
        let state = State {
            in_flight: 0,
            rest_since: now,
            head_since: Some(now),
            answers: Vec::new(),
            next_answer: 0,
        };
        Self { state: Arc::new(Mutex::new(state)), patience, bytes_begin_heads: true }
    }

    /// Of a fresh HTTP/2 connection: its bytes are frames of many kinds, so only the time between requests counts.
    pub(super) fn start_framed(patience: Patience) -> Self {
        Self { bytes_begin_heads: false, ..Self::start(patience) }
    }

    /// A request has been read; it is in flight until the value is dropped, which is when its answer has been handed
    /// to the connection or given up.
    pub(super) fn begin(&self) -> Exchange {
        let mut state = self.lock();
        state.in_flight += 1;
        state.head_since = None;
        Exchange { pace: self.clone(), answer: None }
    }

    /// Whether no request is in flight.
    pub(super) fn is_quiet(&self) -> bool {
        self.lock().in_flight == 0
    }

    /// Returns once the peer has used up our patience. Looks up at least twice in the time that a head may take, so it
    /// may be late by half of that.
    pub(super) async fn overdue(&self) {
        loop {
            if self.nothing_moves() {
                return;
            }
            let look = Instant::now() + self.patience.head / 2;
            let deadline = self.deadline();
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return;
            }
            sleep_until(deadline.map_or(look, |deadline| deadline.min(look))).await;
        }
    }

    /// Gives up the streams whose answers were not taken in time. Says whether that was all that was in flight; without
    /// streams, the connection has to end for it.
    pub(super) fn nothing_moves(&self) -> bool {
        let state = self.lock();
        let now = Instant::now();
        let mut late = 0;
        for answer in state.answers.iter().filter(|answer| answer.until <= now) {
            late += 1;
            if let Some(stream) = &answer.stream {
                stream.abort();
            }
        }
        late > 0 && late == state.in_flight
    }

    /// When there is something to do next, as far as it is known. Streams that were given up are no concern any more.
    fn deadline(&self) -> Option<Instant> {
        let state = self.lock();
        if state.in_flight > 0 {
            let now = Instant::now();
            return state.answers.iter().map(|answer| answer.until).filter(|until| *until > now).min();
        }
        let idle = state.rest_since + self.patience.idle;
        Some(state.head_since.map_or(idle, |since| (since + self.patience.head).min(idle)))
    }

    fn bytes_arrived(&self) {
        if !self.bytes_begin_heads {
            return;
        }
        let mut state = self.lock();
        if state.in_flight == 0 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request and its answer, while they last.
#[derive(Debug)]
pub(super) struct Exchange {
    pace: Pace,
    answer: Option<u64>,
}

impl Exchange {
    /// The head of the answer is ready: from now on the peer has to take it, `bytes` in all. `stream` ends the stream of
    /// HTTP/2 that carries it.
    pub(super) fn send(&mut self, bytes: u64, stream: Option<AbortHandle>) {
        let until = Instant::now() + self.pace.patience.whole_answer(bytes);
        let mut state = self.pace.lock();
        let number = state.next_answer;
        state.next_answer += 1;
        state.answers.push(Answer { number, until, stream });
        self.answer = Some(number);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        state.answers.retain(|answer| Some(answer.number) != self.answer);
        state.in_flight -= 1;
        state.rest_since = Instant::now();
        state.head_since = None;
    }
}

/// A stream that tells its pace when bytes arrive, and breaks when the peer does not take what is written.
pub(super) struct PacedIo<IO> {
    inner: IO,
    pace: Pace,
    /// Set while a write is stuck.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<IO> PacedIo<IO> {
    pub(super) fn new(inner: IO, pace: Pace) -> Self {
        Self { inner, pace, stuck: None }
    }

    fn watch_write<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stuck = None;
            return progress;
        }
        let patience = self.pace.patience.write;
        let alarm = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        alarm.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for PacedIo<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pace.bytes_arrived();
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for PacedIo<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watch_write(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.watch_write(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch_write(cx, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch_write(cx, progress)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        write: Duration::from_secs(30),
    };

    async fn overdue_after(pace: &Pace) -> u64 {
        let start = Instant::now();
        tokio::time::timeout(Duration::from_secs(7200), pace.overdue()).await.expect("patience ends");
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_connection_must_send_a_head_in_time() {
        assert_eq!(overdue_after(&Pace::start(PATIENCE)).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_rest_longer_between_requests_until_the_next_head_begins() {
        let pace = Pace::start(PATIENCE);
        drop(pace.begin());
        assert_eq!(overdue_after(&pace).await, 60);
        drop(pace.begin());
        pace.bytes_arrived();
        assert_eq!(overdue_after(&pace).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_of_bytes_does_not_move_the_deadline() {
        let pace = Pace::start(PATIENCE);
        let dripping = pace.clone();
        let drip = tokio::spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                dripping.bytes_arrived();
            }
        });
        assert_eq!(overdue_after(&pace).await, 10);
        drip.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_yet_is_never_overdue() {
        let pace = Pace::start(PATIENCE);
        let exchange = pace.begin();
        assert!(!pace.is_quiet());
        let waited = tokio::time::timeout(Duration::from_secs(3600), pace.overdue()).await;
        assert!(waited.is_err());
        drop(exchange);
        assert!(pace.is_quiet());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_the_time_of_a_write_and_more_by_its_size() {
        for (bytes, seconds) in [(0, 30), (16 * 1024, 31), (15_000_000, 945)] {
            let pace = Pace::start(PATIENCE);
            let mut exchange = pace.begin();
            exchange.send(bytes, None);
            assert_eq!(overdue_after(&pace).await, seconds, "{bytes}");
            assert!(pace.nothing_moves());
            drop(exchange);
            assert!(!pace.nothing_moves());
            assert_eq!(overdue_after(&pace).await, 60, "and then it rests");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_not_taken_ends_alone_while_others_move() {
        let pace = Pace::start_framed(PATIENCE);
        let (mut stuck, mut moving) = (pace.begin(), pace.begin());
        let (handles, _registrations): (Vec<_>, Vec<_>) = (0..2).map(|_| AbortHandle::new_pair()).unzip();
        stuck.send(0, Some(handles[0].clone()));
        moving.send(160 * 1024, Some(handles[1].clone()));
        let waited = tokio::time::timeout(Duration::from_secs(39), pace.overdue()).await;
        assert!(waited.is_err(), "the connection goes on");
        assert_eq!((handles[0].is_aborted(), handles[1].is_aborted()), (true, false));
        assert_eq!(overdue_after(&pace).await, 1, "then nothing moves any more");
        assert!(handles[1].is_aborted());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_breaks_the_write() {
        let (ours, theirs) = tokio::io::duplex(64);
        let mut stream = PacedIo::new(ours, Pace::start(PATIENCE));
        let start = Instant::now();
        let stuck = stream.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 30);
        drop(theirs);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_keeps_reading_is_served() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut stream = PacedIo::new(ours, Pace::start(PATIENCE));
        let reader = tokio::spawn(async move {
            let mut taken = [0; 64];
            loop {
                sleep(Duration::from_secs(20)).await;
                if theirs.read(&mut taken).await.unwrap() == 0 {
                    return;
                }
            }
        });
        stream.write_all(&[0; 1000]).await.unwrap();
        drop(stream);
        reader.await.unwrap();
    }
}
