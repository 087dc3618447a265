//! Password hashing with argon2id on threads of its own, so that a storm of logins queues instead of eating the
//! machine: memory is the cost of one hash times the number of workers, allocated once.

mod worker;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use argon2::password_hash::phc;
use argon2::{Algorithm, Params, ParamsBuilder, Version};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use self::worker::{Digest, Job, Recipe, Worker};
use crate::entropy::{Entropy, EntropyError};

/// The longest password that is hashed, in bytes: longer ones only cost time.
pub const MAX_PASSWORD_BYTES: usize = ayb_provider::user::MAX_PASSWORD;

const OUTPUT_LEN: usize = 32;
const SALT_LEN: usize = 16;
/// The most memory that a stored hash may ask for, in KiB (1 GiB): a forged row must not eat the machine.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_ITERATIONS: u32 = 64;

/// What one hash costs (RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes; they are computed one after the other.
    pub parallelism: u32,
}

impl Default for PasswordCost {
    /// 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 }
    }
}

/// An argon2id hash in PHC string form, as it is stored. Its `Debug` form shows nothing of it.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash as the store keeps it; whether it can be read shows itself in [`PasswordPool::verify`].
    pub fn from_stored(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The PHC string, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Whether a password is the one that was hashed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verification {
    /// It is. `stale` says that the hash was made at another cost than today's and should be made anew.
    Match {
        /// Hash the password again and store it.
        stale: bool,
    },
    /// It is not, or there was nothing to compare with.
    Mismatch,
}

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// More than [`MAX_PASSWORD_BYTES`].
    #[error("the password must have at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// The queue is full: too many logins at once.
    #[error("the password queue is full")]
    Busy,
    /// The stored hash cannot be read or asks for too much.
    #[error("a stored password hash is not usable")]
    Stored,
    /// The cost in the configuration is outside of what argon2 can do.
    #[error("the cost of password hashing is out of range")]
    Cost,
    /// A worker could not be started or is gone.
    #[error("the password workers are not running: {0}")]
    Pool(String),
    /// No salt could be drawn.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// A bounded pool of threads that hash and compare passwords. Clones share it; the threads end with the last clone.
#[derive(Clone)]
pub struct PasswordPool {
    queue: SyncSender<Job>,
    entropy: Entropy,
    params: Params,
    runs: Arc<AtomicU64>,
}

impl PasswordPool {
    /// Starts `workers` threads with a queue of `queue_len` waiting jobs.
    ///
    /// # Errors
    /// [`PasswordError::Cost`] when argon2 cannot work at `cost`, [`PasswordError::Pool`] when a thread cannot start.
    pub fn start(
        cost: PasswordCost,
        workers: NonZeroUsize,
        queue_len: usize,
        entropy: Entropy,
    ) -> Result<Self, PasswordError> {
        let params = params_of(cost)?;
        let (queue, jobs) = sync_channel(queue_len.max(1));
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..workers.get() {
            let worker = Worker { jobs: jobs.clone(), params: params.clone(), memory: Vec::new() };
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || worker.run())
                .map_err(|error| PasswordError::Pool(error.to_string()))?;
        }
        Ok(Self { queue, entropy, params, runs: Arc::default() })
    }

    /// Hashes a password at today's cost with a fresh salt.
    ///
    /// # Errors
    /// [`PasswordError::TooLong`], [`PasswordError::Busy`], or one of the faults of the pool.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<PasswordHash, PasswordError> {
        let salt = self.entropy.bytes::<SALT_LEN>()?;
        let digest =
            self.submit(password, Recipe::new(self.params.clone(), salt.to_vec(), OUTPUT_LEN)).await?;
        let stored = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: phc::ParamsString::try_from(&self.params).map_err(|_| PasswordError::Cost)?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| PasswordError::Cost)?),
            hash: Some(phc::Output::new(&digest).map_err(|_| PasswordError::Cost)?),
        };
        Ok(PasswordHash(stored.to_string()))
    }

    /// Compares a password with a stored hash, in constant time. A wrong password takes as long as
    /// [`PasswordPool::verify_dummy`], also where the stored hash was made at a lower cost than today's.
    ///
    /// # Errors
    /// As [`PasswordPool::hash`], and [`PasswordError::Stored`] for a hash that cannot be read.
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        stored: &PasswordHash,
    ) -> Result<Verification, PasswordError> {
        let (recipe, expected) = read_stored(stored)?;
        let stale = !same_cost(&recipe.params, &self.params);
        let rest = rest_of(&self.params, &recipe.params);
        let digest = self.submit(password.clone(), recipe).await?;
        if digest.ct_eq(&expected).into() {
            return Ok(Verification::Match { stale });
        }
        if let Some(rest) = rest {
            self.submit(password, Recipe::new(rest, vec![0; SALT_LEN], OUTPUT_LEN)).await?;
        }
        Ok(Verification::Mismatch)
    }

    /// Does the work of [`PasswordPool::verify`] where there is no account to compare with, so that the time of the
    /// answer does not tell the two apart. Always [`Verification::Mismatch`].
    ///
    /// # Errors
    /// As [`PasswordPool::hash`].
    pub async fn verify_dummy(&self, password: Zeroizing<String>) -> Result<Verification, PasswordError> {
        let recipe = Recipe::new(self.params.clone(), vec![0; SALT_LEN], OUTPUT_LEN);
        self.submit(password, recipe).await?;
        Ok(Verification::Mismatch)
    }

    /// How many digests were ordered since the start: the work that was done, whatever came of it.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    async fn submit(&self, password: Zeroizing<String>, recipe: Recipe) -> Result<Digest, PasswordError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Job { password, recipe, reply }).map_err(|error| match error {
            TrySendError::Full(_) => PasswordError::Busy,
            TrySendError::Disconnected(_) => PasswordError::Pool("no worker listens".to_owned()),
        })?;
        self.runs.fetch_add(1, Ordering::Relaxed);
        answer.await.map_err(|_| PasswordError::Pool("a worker stopped".to_owned()))?
    }
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").field("params", &self.params).finish_non_exhaustive()
    }
}

fn params_of(cost: PasswordCost) -> Result<Params, PasswordError> {
    if cost.memory_kib > MAX_MEMORY_KIB || cost.iterations > MAX_ITERATIONS {
        return Err(PasswordError::Cost);
    }
    ParamsBuilder::new()
        .m_cost(cost.memory_kib)
        .t_cost(cost.iterations)
        .p_cost(cost.parallelism)
        .output_len(OUTPUT_LEN)
        .build()
        .map_err(|_| PasswordError::Cost)
}

fn same_cost(one: &Params, other: &Params) -> bool {
    (one.m_cost(), one.t_cost(), one.p_cost()) == (other.m_cost(), other.t_cost(), other.p_cost())
}

/// What has to be computed after a digest at the cost of `stored`, so that both together take as long as one at the cost of
/// `today`. The time of argon2 grows with the memory and with the passes over it (RFC 9106 §3.1). `None`: it took as long
/// or longer, or less than argon2 can do is missing.
fn rest_of(today: &Params, stored: &Params) -> Option<Params> {
    let work = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
    let missing = work(today).checked_sub(work(stored))?;
    let memory = u32::try_from(missing / u64::from(today.t_cost())).ok()?;
    ParamsBuilder::new()
        .m_cost(memory)
        .t_cost(today.t_cost())
        .p_cost(today.p_cost())
        .output_len(OUTPUT_LEN)
        .build()
        .ok()
}

/// Reads a stored hash; only argon2id of version 19 with a salt, an output and bearable costs is one.
fn read_stored(stored: &PasswordHash) -> Result<(Recipe, Digest), PasswordError> {
    let hash = phc::PasswordHash::new(stored.as_str()).map_err(|_| PasswordError::Stored)?;
    let params = Params::try_from(&hash).map_err(|_| PasswordError::Stored)?;
    let bearable = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_ITERATIONS;
    let known = hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
    let (Some(salt), Some(output), true, true) = (hash.salt, hash.hash, bearable, known) else {
        return Err(PasswordError::Stored);
    };
    let expected = Zeroizing::new(output.as_bytes().to_vec());
    Ok((Recipe::new(params, salt.as_ref().to_vec(), expected.len()), expected))
}

#[cfg(test)]
mod tests;
