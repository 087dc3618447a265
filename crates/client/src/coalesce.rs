//! One at a time for all who want the same.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Something that runs at most once at a time, in a task of its own: whoever waits for it may go away without ending it.
pub(crate) struct Flight<T> {
    running: Arc<Mutex<Running<T>>>,
}

/// Where the value of the run that is under way will be.
type Running<T> = Option<watch::Receiver<Option<T>>>;

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self { running: Arc::default() }
    }
}

fn locked<T>(running: &Mutex<Running<T>>) -> MutexGuard<'_, Running<T>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Joins the run that is under way, or begins one. Nothing when it ended without a value, by a panic.
    pub(crate) async fn run<F>(&self, begin: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut receiver = self.join(begin);
        let value = receiver.wait_for(Option::is_some).await;
        value.ok().and_then(|value| value.clone())
    }

    fn join<F>(&self, begin: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut running = locked(&self.running);
        // The sender is dropped when the run has ended, by a panic too.
        if let Some(receiver) = running.as_ref().filter(|receiver| receiver.has_changed().is_ok()) {
            return receiver.clone();
        }
        let (sender, receiver) = watch::channel(None);
        *running = Some(receiver.clone());
        let work = begin();
        let running = Arc::clone(&self.running);
        tokio::spawn(async move {
            let value = work.await;
            // Nothing of it stays here, and whoever comes now begins the next run.
            *locked(&running) = None;
            // Nobody may be waiting any more.
            let _unheard = sender.send(Some(value));
        });
        receiver
    }

    /// Waits for the end of the run that is under way, if there is one.
    pub(crate) async fn settle(&self) {
        let receiver = locked(&self.running).clone();
        if let Some(mut receiver) = receiver {
            // Ended by a panic, it has ended all the same.
            let _ended = receiver.wait_for(Option::is_some).await;
        }
    }

    /// Begins a run unless one is under way, and waits for none.
    pub(crate) fn start<F>(&self, begin: impl FnOnce() -> F)
    where
        F: Future<Output = T> + Send + 'static,
    {
        let _receiver = self.join(begin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn all_who_ask_meanwhile_get_the_value_of_one_run_and_leaving_does_not_end_it() {
        let (flight, runs) = (Arc::new(Flight::<u32>::default()), Arc::new(AtomicU32::new(0)));
        let begin = |runs: &Arc<AtomicU32>| {
            let runs = Arc::clone(runs);
            move || async move {
                tokio::task::yield_now().await;
                runs.fetch_add(1, Ordering::SeqCst) + 1
            }
        };
        let leaver = tokio::spawn({
            let (flight, begin) = (Arc::clone(&flight), begin(&runs));
            async move { flight.run(begin).await }
        });
        tokio::task::yield_now().await;
        leaver.abort();
        let (a, b) = tokio::join!(flight.run(begin(&runs)), flight.run(begin(&runs)));
        assert_eq!((a, b, runs.load(Ordering::SeqCst)), (Some(1), Some(1), 1));
        assert_eq!(flight.run(begin(&runs)).await, Some(2), "the next run is another one");
        assert!(locked(&flight.running).is_none(), "nothing of it stays");
    }

    #[tokio::test]
    async fn a_run_that_panics_leaves_nobody_waiting() {
        let flight = Flight::<u32>::default();
        assert_eq!(flight.run(|| async { panic!("on purpose") }).await, None);
        assert_eq!(flight.run(|| async { 7 }).await, Some(7));
    }
}
