//! The threads of the pool, each with memory of its own that it uses again and again while there is work.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;
use zeroize::{Zeroize, Zeroizing};

use super::PasswordError;
use crate::memory;

pub(super) type Digest = Zeroizing<Vec<u8>>;

/// Everything but the password that a digest depends on.
pub(super) struct Recipe {
    pub(super) params: Params,
    pub(super) salt: Vec<u8>,
    pub(super) output_len: usize,
}

impl Recipe {
    pub(super) fn new(params: Params, salt: Vec<u8>, output_len: usize) -> Self {
        Self { params, salt, output_len }
    }
}

pub(super) struct Job {
    pub(super) password: Zeroizing<String>,
    pub(super) recipe: Recipe,
    pub(super) reply: oneshot::Sender<Result<Digest, PasswordError>>,
}

pub(super) struct Worker {
    pub(super) jobs: Arc<Mutex<Receiver<Job>>>,
    pub(super) params: Params,
    pub(super) memory: Vec<Block>,
}

impl Worker {
    pub(super) fn run(mut self) {
        while let Some(job) = self.next() {
            self.serve(job);
        }
    }

    /// The next job. The memory stays while jobs wait; an idle server holds none of it, and nothing of a password.
    pub(super) fn next(&mut self) -> Option<Job> {
        if let Some(job) = self.waiting() {
            return Some(job);
        }
        if !self.memory.is_empty() {
            self.memory.zeroize();
            self.memory = Vec::new();
            memory::give_back();
        }
        self.take()
    }

    /// A job that is there already. Another worker that holds the lock waits for one, so there is none.
    fn waiting(&self) -> Option<Job> {
        self.jobs.try_lock().ok()?.try_recv().ok()
    }

    /// The next job, `None` when the pool is gone. The lock is held while waiting: one worker waits on the queue, the
    /// others on the lock.
    pub(super) fn take(&self) -> Option<Job> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    pub(super) fn serve(&mut self, job: Job) {
        // Nobody waits any more: under overload, work for those who left starves those who stayed.
        if job.reply.is_closed() {
            return;
        }
        let digest = self.digest(job.password.as_bytes(), &job.recipe);
        self.give_back_excess();
        let _ = job.reply.send(digest);
    }

    pub(super) fn digest(&mut self, password: &[u8], recipe: &Recipe) -> Result<Digest, PasswordError> {
        let blocks = recipe.params.block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::new());
        }
        let mut digest = Zeroizing::new(vec![0; recipe.output_len]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, recipe.params.clone())
            .hash_password_into_with_memory(password, &recipe.salt, &mut digest, &mut self.memory)
            .map_err(|_| PasswordError::Stored)?;
        Ok(digest)
    }

    /// A hash made at a higher cost than today's must not keep its memory for ever.
    pub(super) fn give_back_excess(&mut self) {
        let usual = self.params.block_count();
        if self.memory.len() > usual {
            self.memory.truncate(usual);
            self.memory.shrink_to_fit();
        }
    }
}
