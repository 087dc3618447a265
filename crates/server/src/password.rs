//! Password hashing with argon2id on threads of its own, so that a storm of logins queues instead of eating the
//! machine: memory is the cost of one hash times the number of workers, allocated once.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, ParamsBuilder, Version};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError};

/// The longest password that is hashed, in bytes: longer ones only cost time.
pub const MAX_PASSWORD_BYTES: usize = 1024;

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
    /// Fewer characters than the rule asks for.
    #[error("the password must have at least {min} characters")]
    TooShort {
        /// The least number of characters.
        min: usize,
    },
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

/// Checks the length of a new password: at least `min_chars` characters, at most [`MAX_PASSWORD_BYTES`] bytes.
///
/// # Errors
/// [`PasswordError::TooShort`] or [`PasswordError::TooLong`].
pub fn check_length(password: &str, min_chars: usize) -> Result<(), PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::TooLong);
    }
    if password.chars().take(min_chars).count() < min_chars {
        return Err(PasswordError::TooShort { min: min_chars });
    }
    Ok(())
}

/// A bounded pool of threads that hash and compare passwords. Clones share it; the threads end with the last clone.
#[derive(Clone)]
pub struct PasswordPool {
    queue: SyncSender<Job>,
    entropy: Entropy,
    params: Params,
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
        Ok(Self { queue, entropy, params })
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

    /// Compares a password with a stored hash, in constant time.
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
        let digest = self.submit(password, recipe).await?;
        let matches: bool = digest.ct_eq(&expected).into();
        Ok(if matches { Verification::Match { stale } } else { Verification::Mismatch })
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

    async fn submit(&self, password: Zeroizing<String>, recipe: Recipe) -> Result<Digest, PasswordError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Job { password, recipe, reply }).map_err(|error| match error {
            TrySendError::Full(_) => PasswordError::Busy,
            TrySendError::Disconnected(_) => PasswordError::Pool("no worker listens".to_owned()),
        })?;
        answer.await.map_err(|_| PasswordError::Pool("a worker stopped".to_owned()))?
    }
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").field("params", &self.params).finish_non_exhaustive()
    }
}

type Digest = Zeroizing<Vec<u8>>;

/// Everything but the password that a digest depends on.
struct Recipe {
    params: Params,
    salt: Vec<u8>,
    output_len: usize,
}

impl Recipe {
    fn new(params: Params, salt: Vec<u8>, output_len: usize) -> Self {
        Self { params, salt, output_len }
    }
}

struct Job {
    password: Zeroizing<String>,
    recipe: Recipe,
    reply: oneshot::Sender<Result<Digest, PasswordError>>,
}

struct Worker {
    jobs: Arc<Mutex<Receiver<Job>>>,
    params: Params,
    memory: Vec<Block>,
}

impl Worker {
    fn run(mut self) {
        while let Some(job) = self.take() {
            self.serve(job);
        }
    }

    /// The next job, `None` when the pool is gone. The lock is held while waiting: one worker waits on the queue, the
    /// others on the lock.
    fn take(&self) -> Option<Job> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    fn serve(&mut self, job: Job) {
        // Nobody waits any more: under overload, work for those who left starves those who stayed.
        if job.reply.is_closed() {
            return;
        }
        let digest = self.digest(job.password.as_bytes(), &job.recipe);
        self.give_back_excess();
        let _ = job.reply.send(digest);
    }

    fn digest(&mut self, password: &[u8], recipe: &Recipe) -> Result<Digest, PasswordError> {
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
    fn give_back_excess(&mut self) {
        let usual = self.params.block_count();
        if self.memory.len() > usual {
            self.memory.truncate(usual);
            self.memory.shrink_to_fit();
        }
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
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 64, iterations: 1, parallelism: 1 };

    fn pool(cost: PasswordCost, workers: usize, queue: usize) -> PasswordPool {
        let workers = NonZeroUsize::new(workers).unwrap();
        PasswordPool::start(cost, workers, queue, Entropy::open().unwrap()).unwrap()
    }

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let pool = pool(CHEAP, 2, 8);
        let hash = pool.hash(secret("correct horse")).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", hash.as_str());
        let right = pool.verify(secret("correct horse"), &hash).await.unwrap();
        assert_eq!(right, Verification::Match { stale: false });
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert_eq!(pool.verify(secret(wrong), &hash).await.unwrap(), Verification::Mismatch, "{wrong}");
        }
        assert_ne!(hash, pool.hash(secret("correct horse")).await.unwrap(), "each hash has its own salt");
    }

    #[tokio::test]
    async fn a_hash_of_another_program_is_understood() {
        // Written by the C command line tool `argon2 somesalt -id -t 2 -m 16 -p 1` for "password".
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let verdict = pool(CHEAP, 1, 1).verify(secret("password"), &PasswordHash::from_stored(stored)).await;
        assert_eq!(verdict.unwrap(), Verification::Match { stale: true });
    }

    #[tokio::test]
    async fn a_hash_at_another_cost_is_stale_and_gives_its_memory_back() {
        let costly = PasswordCost { memory_kib: 1024, ..CHEAP };
        let hash = pool(costly, 1, 1).hash(secret("pw")).await.unwrap();
        let verdict = pool(CHEAP, 1, 1).verify(secret("pw"), &hash).await.unwrap();
        assert_eq!(verdict, Verification::Match { stale: true });

        let (_, jobs) = sync_channel(1);
        let mut worker =
            Worker { jobs: Arc::new(Mutex::new(jobs)), params: params_of(CHEAP).unwrap(), memory: vec![] };
        let (recipe, _) = read_stored(&hash).unwrap();
        worker.digest(b"pw", &recipe).unwrap();
        assert_eq!(worker.memory.len(), 1024);
        worker.give_back_excess();
        assert_eq!(worker.memory.len(), 64);
    }

    #[tokio::test]
    async fn an_unusable_stored_hash_is_a_fault_of_ours() {
        let pool = pool(CHEAP, 1, 1);
        let broken = [
            "",
            "plaintext",
            "$argon2id$",
            "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=64,t=4294967295,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=64,t=1,p=1",
            "$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ];
        for stored in broken {
            let verdict = pool.verify(secret("pw"), &PasswordHash::from_stored(stored)).await;
            assert!(matches!(verdict, Err(PasswordError::Stored)), "{stored}: {verdict:?}");
        }
    }

    #[tokio::test]
    async fn the_dummy_does_the_work_of_a_real_comparison_and_never_matches() {
        let pool = pool(CHEAP, 1, 4);
        let hash = pool.hash(secret("pw")).await.unwrap();
        let (real, _) = read_stored(&hash).unwrap();
        let dummy = Recipe::new(pool.params.clone(), vec![0; SALT_LEN], OUTPUT_LEN);
        assert!(same_cost(&real.params, &dummy.params));
        assert_eq!((real.salt.len(), real.output_len), (dummy.salt.len(), dummy.output_len));
        assert_eq!(pool.verify_dummy(secret("pw")).await.unwrap(), Verification::Mismatch);
    }

    #[tokio::test]
    async fn too_long_a_password_is_refused_the_same_with_and_without_an_account() {
        let pool = pool(CHEAP, 1, 4);
        let hash = pool.hash(secret("pw")).await.unwrap();
        let long = secret(&"x".repeat(MAX_PASSWORD_BYTES + 1));
        assert!(matches!(pool.verify(long.clone(), &hash).await, Err(PasswordError::TooLong)));
        assert!(matches!(pool.verify_dummy(long.clone()).await, Err(PasswordError::TooLong)));
        assert!(matches!(pool.hash(long).await, Err(PasswordError::TooLong)));
        assert!(pool.hash(secret(&"x".repeat(MAX_PASSWORD_BYTES))).await.is_ok());
    }

    #[test]
    fn the_length_rule_counts_characters_and_bounds_bytes() {
        assert!(check_length("пароль12", 8).is_ok());
        assert!(matches!(check_length("пароль1", 8), Err(PasswordError::TooShort { min: 8 })));
        assert!(check_length("", 0).is_ok());
        assert!(matches!(check_length(&"é".repeat(513), 8), Err(PasswordError::TooLong)));
    }

    #[test]
    fn an_impossible_cost_is_refused_at_start() {
        let costs = [
            PasswordCost { memory_kib: 0, ..CHEAP },
            PasswordCost { iterations: 0, ..CHEAP },
            PasswordCost { parallelism: 0, ..CHEAP },
            PasswordCost { memory_kib: u32::MAX, ..CHEAP },
            PasswordCost { iterations: u32::MAX, ..CHEAP },
        ];
        for cost in costs {
            assert!(matches!(params_of(cost), Err(PasswordError::Cost)), "{cost:?}");
        }
    }

    /// A pool whose only worker is this test: nothing is taken from the queue until the test says so.
    fn idle_pool(queue: usize) -> (PasswordPool, Worker) {
        let (sender, jobs) = sync_channel(queue);
        let params = params_of(CHEAP).unwrap();
        let pool = PasswordPool { queue: sender, entropy: Entropy::open().unwrap(), params: params.clone() };
        (pool, Worker { jobs: Arc::new(Mutex::new(jobs)), params, memory: Vec::new() })
    }

    #[tokio::test]
    async fn a_full_queue_is_an_error_at_once_and_the_runtime_stays_free() {
        let (pool, _worker) = idle_pool(2);
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { pool.verify_dummy(secret("pw")).await })
            })
            .collect();
        // One thread drives this runtime: had a waiting job blocked it, the next line would never run.
        tokio::task::yield_now().await;
        assert!(matches!(pool.verify_dummy(secret("pw")).await, Err(PasswordError::Busy)));
        assert!(waiting.iter().all(|job| !job.is_finished()));
    }

    #[tokio::test]
    async fn work_for_those_who_left_is_not_done() {
        let (pool, mut worker) = idle_pool(4);
        let left = tokio::time::timeout(std::time::Duration::ZERO, pool.verify_dummy(secret("pw"))).await;
        assert!(left.is_err());
        let job = worker.take().unwrap();
        worker.serve(job);
        assert!(worker.memory.is_empty(), "nothing was computed");
    }

    #[test]
    fn neither_the_hash_nor_the_password_shows_in_debug() {
        let hash = PasswordHash::from_stored("$argon2id$secret");
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }
}
