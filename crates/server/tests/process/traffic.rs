//! Token traffic that keeps a book: what was acknowledged, and what therefore must hold later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ayb_testkit::Database;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::caller::{Caller, Pair, Reply, Sent, World};

/// Workers that send requests at the same time.
const WORKERS: usize = 12;

/// What was acknowledged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    /// Access tokens of the client itself that are alive.
    machines: Vec<String>,
    /// Pairs that are alive as a whole.
    pairs: Vec<Pair>,
    /// Access tokens of people that are alive, whatever became of the refresh token beside them.
    accesses: Vec<String>,
    /// Access tokens that are dead.
    dead: Vec<String>,
    /// Refresh tokens that are dead. To present one is to kill its grant.
    spent: Vec<String>,
    /// Codes whose redemption nobody heard about.
    open_codes: Vec<String>,
    /// Refresh tokens whose rotation nobody heard about.
    open_refreshes: Vec<String>,
}

impl Book {
    fn merge(&mut self, other: Self) {
        self.machines.extend(other.machines);
        self.pairs.extend(other.pairs);
        self.accesses.extend(other.accesses);
        self.dead.extend(other.dead);
        self.spent.extend(other.spent);
        self.open_codes.extend(other.open_codes);
        self.open_refreshes.extend(other.open_refreshes);
    }

    /// Whether every kind of acknowledgement is in the book.
    pub(crate) fn is_rich(&self) -> bool {
        !self.machines.is_empty() && !self.pairs.is_empty() && !self.dead.is_empty() && !self.spent.is_empty()
    }

    /// Every secret in the book, none of which may ever be printed.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let pairs = self.pairs.iter().flat_map(|pair| [&pair.access, &pair.refresh]);
        let lists = [&self.machines, &self.accesses, &self.dead, &self.spent];
        let lists = lists.into_iter().chain([&self.open_codes, &self.open_refreshes]);
        lists.flatten().chain(pairs).map(String::as_str)
    }

    /// Holds the server to everything in the book.
    pub(crate) async fn check(&self, caller: &Caller, world: &World) {
        let status = async |access: &str| caller.userinfo(access).await.unwrap().status;
        for token in &self.machines {
            assert_eq!(status(token).await, 403, "an acknowledged token of the client is lost");
        }
        for token in &self.accesses {
            assert_eq!(status(token).await, 200, "an acknowledged token is lost");
        }
        for token in &self.dead {
            assert_eq!(status(token).await, 401, "an acknowledged revocation is undone");
        }
        for pair in &self.pairs {
            assert_eq!(status(&pair.access).await, 200, "an acknowledged pair has lost its access token");
            let next = Pair::of(&caller.refresh(world, &pair.refresh).await.unwrap());
            assert_eq!(status(&next.access).await, 200);
        }
        for token in &self.open_refreshes {
            whole_or_refused(caller, world, &caller.refresh(world, token).await.unwrap()).await;
        }
        for code in &self.open_codes {
            whole_or_refused(caller, world, &caller.redeem(world, code).await.unwrap()).await;
        }
        // Last, because each of these kills a grant.
        for token in &self.spent {
            let reply = caller.refresh(world, token).await.unwrap();
            assert_eq!((reply.status, reply.member("error").as_str()), (400, "invalid_grant"), "{reply:?}");
        }
    }
}

/// Nobody knows whether it happened, but it did not happen by halves.
async fn whole_or_refused(caller: &Caller, world: &World, reply: &Reply) {
    if reply.status == 400 {
        assert_eq!(reply.member("error"), "invalid_grant", "{reply:?}");
        return;
    }
    let pair = Pair::of(reply);
    assert_eq!(caller.userinfo(&pair.access).await.unwrap().status, 200);
    assert_eq!(caller.refresh(world, &pair.refresh).await.unwrap().status, 200);
}

/// What no database may hold, whenever it is looked at: things that were issued by halves.
pub(crate) async fn assert_nothing_half_issued(database: &Database) {
    for (what, sql) in [
        (
            "a grant without its first pair",
            "select count(*) from _ayb_oauth_grants g where not exists
             (select 1 from _ayb_oauth_tokens t where t.grant_id = g.id and t.token_type = 'refresh')",
        ),
        (
            "a used code without its grant",
            "select count(*) from _ayb_oauth_authorization_codes c where c.used_at is not null and not exists
             (select 1 from _ayb_oauth_grants g where g.id = c.grant_id)",
        ),
        (
            "a grant without its used code",
            "select count(*) from _ayb_oauth_grants g where not exists
             (select 1 from _ayb_oauth_authorization_codes c where c.grant_id = g.id and c.used_at is not null)",
        ),
        (
            "a refresh token without the access token beside it",
            "select count(*) from _ayb_oauth_tokens r where r.token_type = 'refresh' and not exists
             (select 1 from _ayb_oauth_tokens t where t.id = r.access_id and t.grant_id = r.grant_id)",
        ),
        (
            "a replaced refresh token that is alive, or one without its successor",
            "select count(*) from _ayb_oauth_tokens r where r.successor_id is not null and (r.revoked_at is null
             or not exists (select 1 from _ayb_oauth_tokens t where t.id = r.successor_id and t.grant_id = r.grant_id))",
        ),
    ] {
        assert_eq!(database.rows(sql).await, [[Some("0".to_owned())]], "{what}");
    }
}

/// Traffic under way.
pub(crate) struct Traffic {
    workers: Vec<JoinHandle<Book>>,
    counter: Arc<Counter>,
}

struct Counter {
    acknowledged: AtomicUsize,
    goal: usize,
    reached: Notify,
    at_goal: Box<dyn Fn() + Send + Sync>,
}

impl Counter {
    /// Counts an acknowledgement; the one that reaches the goal acts at once, before anybody else moves.
    fn count(&self) {
        if self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == self.goal {
            (self.at_goal)();
            self.reached.notify_one();
        }
    }
}

impl Traffic {
    /// Starts traffic that ends when the server does not answer, or answers that it cannot. `at_goal` runs in the
    /// moment in which the acknowledgement with this number arrives.
    pub(crate) fn start(
        callers: &[Caller],
        world: &World,
        goal: usize,
        at_goal: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let counter = Counter {
            acknowledged: AtomicUsize::new(0),
            goal,
            reached: Notify::new(),
            at_goal: Box::new(at_goal),
        };
        let counter = Arc::new(counter);
        let workers = (0..WORKERS).map(|number| {
            let caller = callers[number % callers.len()].clone();
            let worker =
                Worker { caller, world: world.clone(), counter: counter.clone(), book: Book::default() };
            tokio::spawn(worker.work(number))
        });
        Self { workers: workers.collect(), counter }
    }

    /// Waits until the goal is reached.
    pub(crate) async fn goal(&self) {
        let reached = self.counter.reached.notified();
        tokio::time::timeout(super::binary::PATIENCE, reached).await.expect("traffic flows");
    }

    /// What was acknowledged, when all workers have seen the end.
    pub(crate) async fn book(self) -> Book {
        let mut book = Book::default();
        for worker in self.workers {
            book.merge(worker.await.unwrap());
        }
        book
    }
}

struct Worker {
    caller: Caller,
    world: World,
    counter: Arc<Counter>,
    book: Book,
}

impl Worker {
    async fn work(mut self, number: usize) -> Book {
        for round in number.. {
            if self.round(round).await.is_none() {
                break;
            }
        }
        self.book
    }

    /// The answer when it is one; none when the server is gone or cannot, which leaves open what happened.
    fn heard(&self, sent: Sent) -> Option<Reply> {
        let reply = sent.ok().filter(|reply| reply.status < 500)?;
        self.counter.count();
        Some(reply)
    }

    async fn round(&mut self, round: usize) -> Option<()> {
        let machine = self.heard(self.caller.machine(&self.world).await)?;
        assert_eq!(machine.status, 200, "{machine:?}");
        let token = machine.member("access_token");
        if round.is_multiple_of(2) {
            self.book.machines.push(token);
        } else {
            self.revoke(&token).await?;
            self.book.dead.push(token);
        }
        let code = self.caller.code(&self.world).await.ok()??;
        let first = self.redeem(code).await?;
        let second = self.rotate(first).await?;
        match round % 4 {
            0 => self.book.pairs.push(second),
            1 => {
                self.revoke(&second.access).await?;
                self.book.dead.push(second.access);
            }
            2 => {
                self.revoke(&second.refresh).await?;
                self.book.dead.push(second.access);
                self.book.spent.push(second.refresh);
            }
            _ => {
                let third = self.rotate(second).await?;
                self.book.pairs.push(third);
            }
        }
        Some(())
    }

    async fn redeem(&mut self, code: String) -> Option<Pair> {
        let Some(reply) = self.heard(self.caller.redeem(&self.world, &code).await) else {
            self.book.open_codes.push(code);
            return None;
        };
        Some(Pair::of(&reply))
    }

    async fn rotate(&mut self, pair: Pair) -> Option<Pair> {
        let Some(reply) = self.heard(self.caller.refresh(&self.world, &pair.refresh).await) else {
            self.book.accesses.push(pair.access);
            self.book.open_refreshes.push(pair.refresh);
            return None;
        };
        self.book.spent.push(pair.refresh);
        Some(Pair::of(&reply))
    }

    async fn revoke(&self, token: &str) -> Option<()> {
        let reply = self.heard(self.caller.revoke(&self.world, token).await)?;
        assert_eq!(reply.status, 200, "{reply:?}");
        Some(())
    }
}
