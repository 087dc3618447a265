//! Work that goes on after the answer: what is noted in the trail, what is sent by mail.

use std::future::Future;

use tokio::sync::watch;

/// Work beside the requests. Clones share the count of what is under way, so that a server that stops can wait for it.
#[derive(Clone, Debug)]
pub struct Background(watch::Sender<usize>);

impl Default for Background {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Background {
    /// Starts `work`.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let under_way = UnderWay::begin(&self.0);
        tokio::spawn(async move {
            let _under_way = under_way;
            work.await;
        });
    }

    /// Waits until nothing is under way.
    pub async fn idle(&self) {
        // The sender lives as long as `self`, so the wait cannot end early.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// One piece of work; it is over when this is dropped, by the end of the work, by a panic or by the end of the runtime.
struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn begin(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn idle_waits_for_the_work_and_for_work_that_panics() {
        let background = Background::default();
        background.idle().await;
        let done = Arc::new(AtomicBool::new(false));
        let flag = done.clone();
        background.spawn(async move {
            tokio::task::yield_now().await;
            flag.store(true, Ordering::SeqCst);
        });
        background.spawn(async { panic!("as a test of the count") });
        background.idle().await;
        assert!(done.load(Ordering::SeqCst));
    }
}
