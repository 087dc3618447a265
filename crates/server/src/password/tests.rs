//! Tests at the least cost that argon2 has.

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

#[test]
fn what_an_older_hash_is_cheaper_by_is_computed_as_well() {
    let params =
        |memory_kib, iterations| params_of(PasswordCost { memory_kib, iterations, parallelism: 1 }).unwrap();
    let today = params(19 * 1024, 2);
    for (stored, memory) in [
        (params(19 * 1024, 1), Some(19 * 512)),
        (params(12 * 1024, 2), Some(7 * 1024)),
        (params(8, 1), Some(19 * 1024 - 4)),
        (params(19 * 1024 - 8, 2), Some(8)),
        (params(19 * 1024 - 4, 2), None),
        (params(19 * 1024, 2), None),
        (params(64 * 1024, 3), None),
    ] {
        let rest = rest_of(&today, &stored).map(|rest| (rest.m_cost(), rest.t_cost(), rest.p_cost()));
        assert_eq!(rest, memory.map(|memory| (memory, 2, 1)), "{stored:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_of_an_older_hash_takes_as_long_as_an_unknown_account() {
    let old = pool(CHEAP, 1, 1).hash(secret("pw")).await.unwrap();
    let pool = pool(PasswordCost { memory_kib: 1024, ..CHEAP }, 1, 1);
    let new = pool.hash(secret("pw")).await.unwrap();
    for (password, stored, digests) in [("pw", &old, 1), ("no", &old, 2), ("pw", &new, 1), ("no", &new, 1)] {
        let before = pool.runs();
        pool.verify(secret(password), stored).await.unwrap();
        assert_eq!(pool.runs() - before, digests, "{password}");
    }
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
    let pool = PasswordPool {
        queue: sender,
        entropy: Entropy::open().unwrap(),
        params: params.clone(),
        runs: Arc::default(),
    };
    (pool, Worker { jobs: Arc::new(Mutex::new(jobs)), params, memory: Vec::new() })
}

#[tokio::test]
async fn a_worker_keeps_its_memory_while_jobs_wait_and_gives_it_back_when_idle() {
    let (pool, mut worker) = idle_pool(2);
    let waiting = tokio::spawn(async move { pool.verify_dummy(secret("pw")).await });
    tokio::task::yield_now().await;
    worker.memory = vec![argon2::Block::new(); 64];
    let job = worker.next().unwrap();
    assert_eq!(worker.memory.len(), 64);
    worker.serve(job);
    assert!(matches!(waiting.await.unwrap(), Ok(Verification::Mismatch)));
    // The pool is gone, so there is nothing to wait for.
    assert!(worker.next().is_none());
    assert_eq!(worker.memory.capacity(), 0);
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
