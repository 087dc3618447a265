//! Many at once: one winner, and nothing lives after its revocation was acknowledged. Every race runs through two
//! handles of one database, as two processes would have them.

mod deadlock;
mod once;
mod revocation;

use std::future::Future;

use ayb_store::db::migrate;

use crate::kit::{each_url, open};
use crate::sample::World;

/// Runs `test` with one world seen through two handles of each kind of database.
async fn each_pair(test: impl AsyncFn([World; 2])) {
    each_url(async |url: &str| {
        let (first, second) = (open(url).await, open(url).await);
        migrate::up(&first).await.unwrap();
        let world = World::new(first).await;
        let other = world.through(second);
        test([world, other]).await;
    })
    .await;
}

/// Starts all of them and waits for all of them.
async fn at_once<T, F>(tasks: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::with_capacity(running.len());
    for task in running {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
