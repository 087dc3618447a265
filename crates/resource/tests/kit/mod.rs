//! An issuer, its keys, its tokens, and a clock that stands still.

pub(crate) mod issuer;
pub(crate) mod tokens;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ayb_resource::{CachePolicy, Clock, Seconds, Timestamp, Verifier, VerifierBuilder};

pub(crate) use issuer::{Answer, Issuer};
pub(crate) use tokens::{Key, forged};

/// When every test begins.
pub(crate) const START: i64 = 1_800_000_000;

/// The audience of the API under test.
pub(crate) const AUDIENCE: &str = "https://notes.example";

/// A clock that is moved by hand. Clones share their time.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    pub(crate) fn travel(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds())
    }
}

/// An issuer, one of its keys, and a verifier that asks it.
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) key: Key,
    pub(crate) clock: Hand,
    pub(crate) verifier: Verifier,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// With a changed verifier.
    pub(crate) async fn with(change: impl FnOnce(VerifierBuilder) -> VerifierBuilder) -> Self {
        let (issuer, key, clock) = (Issuer::start().await, Key::new("one"), Hand::new());
        issuer.publish(&[&key]);
        let builder =
            Verifier::builder(&issuer.name).audience(AUDIENCE).clock(clock.clone()).cache(patient());
        let verifier = change(builder).build().unwrap();
        Self { issuer, key, clock, verifier }
    }

    /// A good token, made now.
    pub(crate) fn token(&self) -> String {
        self.token_of(&self.key)
    }

    /// The same, signed by another key.
    pub(crate) fn token_of(&self, key: &Key) -> String {
        key.token(&tokens::claims(&self.issuer.name, self.clock.seconds()))
    }
}

/// The usual times, but the day of grace has two hours, and a fetch so much time that a busy machine fails nothing.
pub(crate) fn patient() -> CachePolicy {
    CachePolicy { timeout: Duration::from_secs(60), stale_if_error: Seconds(7200), ..CachePolicy::default() }
}

/// How far a future comes without anything happening.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
