//! Every statement that runs often, or that touches a table without bounds, finds its rows by an index.

use ayb_protocol::ids::ApiKeyId;
use ayb_protocol::time::Timestamp;
use ayb_provider::limit::Ask;
use uuid::Uuid;

use crate::db::{Db, DbOptions, Engine, Value, migrate};
use crate::{
    LimitKey, api_keys, apps, chain, clients, codes, consents, grants, links, purge, refresh, sessions,
    settings, throttle, tokens, users,
};

const ID: Value = Value::Uuid(Uuid::nil());
const NOW: Timestamp = Timestamp::from_seconds(1_763_700_000);
const TIME: Value = Value::Time(NOW);
const COUNT: Value = Value::Int(10);

fn text() -> Value {
    Value::Text("text".to_owned())
}

fn of_code() -> Vec<Value> {
    let mut row = vec![Value::Null; 19];
    (row[2], row[3], row[14], row[18]) = (text(), ID, ID, COUNT);
    row
}

/// Statements that find rows by key.
fn searches() -> Vec<(&'static str, Vec<Value>)> {
    let mut searches = vec![
        (apps::COUNT_CLIENTS, vec![ID]),
        (apps::FIND, vec![ID]),
        (apps::LOCK, vec![ID]),
        (apps::OUTDATE_CLIENTS, vec![ID]),
        (apps::OWNER, vec![ID]),
        (clients::count_grants(2).leak(), vec![text(), text()]),
        (clients::count_tokens(2).leak(), vec![TIME, text(), text()]),
        (clients::FIND, vec![text()]),
        (codes::LOCK, vec![ID]),
        (codes::INSERT_IN_SESSION, of_code()),
        (codes::INSERT_OUTSIDE, of_code()),
        (codes::LOCK_SESSION, vec![ID, ID]),
        (codes::PEEK, vec![ID]),
        (codes::USE, vec![ID, TIME]),
        (codes::USE_UNCHANGED, vec![ID, TIME, COUNT]),
        (consents::DELETE, vec![ID, text()]),
        (consents::FIND, vec![ID, text()]),
        (consents::LIST, vec![ID]),
        (consents::LOCK, vec![ID, text()]),
        (consents::UPDATE, vec![ID, text(), text(), Value::Null, TIME]),
        (links::LOCK, vec![ID]),
        (links::PEEK, vec![ID]),
        (links::USE, vec![ID, TIME]),
        (links::USE_RESETS, vec![ID, TIME]),
        (settings::FIND, vec![text()]),
        (settings::LOCK_KNOWN, vec![text(), text()]),
        (users::FIND, vec![ID]),
        (users::FIND_BY_EMAIL, vec![text()]),
        (users::LOCK, vec![ID]),
        (users::LOCK_VERIFIED, vec![ID, text()]),
        (users::SET_PASSWORD, vec![ID, text(), TIME]),
        (users::VERIFY_EMAIL, vec![ID, text(), TIME, Value::Bool(true)]),
    ];
    searches.extend(of_api_keys());
    searches.extend(of_sessions());
    searches.extend(of_grants());
    searches.extend(of_tokens());
    searches.extend(of_purge());
    searches
}

fn of_api_keys() -> Vec<(&'static str, Vec<Value>)> {
    let mut row = vec![Value::Null; 11];
    (row[3], row[8], row[10]) = (ID, TIME, COUNT);
    vec![
        (api_keys::COUNT_OF_APP, vec![ID]),
        (api_keys::COUNT_OF_USER, vec![ID]),
        (api_keys::FIND, vec![text()]),
        (api_keys::INSERT, row),
        (api_keys::LIST_OF_USER, vec![COUNT, COUNT, ID]),
        (&api_keys::MARK_USED, api_keys::marked(&[ApiKeyId(Uuid::nil())], NOW)),
        (api_keys::REVOKE, vec![ID, TIME]),
        (api_keys::REVOKE_OF_USER, vec![ID, TIME]),
        (api_keys::REVOKE_OWN, vec![ID, TIME, ID]),
    ]
}

fn of_sessions() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        (sessions::END, vec![ID, TIME, text()]),
        (sessions::END_OF_USER, vec![ID, TIME, ID]),
        (sessions::FIND, vec![ID, text()]),
        (sessions::FIND_WITH_CONSENT, vec![ID, text(), text()]),
        (sessions::FIND_ADMIN, vec![ID]),
        (sessions::LIST, vec![ID, TIME]),
        (sessions::LOCK, vec![ID, text()]),
        (sessions::ROTATE, vec![ID, text(), TIME, TIME]),
        (sessions::TOUCHED, vec![ID, TIME]),
    ]
}

fn of_grants() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        (grants::DELETE_CODES_OF_LOGIN, vec![ID, text(), ID]),
        (grants::DELETE_CODES_OF_PAIR, vec![ID, text()]),
        (grants::DELETE_CODES_OF_USER, vec![ID]),
        (grants::REVOKE, vec![ID, TIME, text()]),
        (grants::REVOKE_OF_LOGIN, vec![ID, text(), ID, TIME, text()]),
        (grants::REVOKE_OF_PAIR, vec![ID, text(), TIME, text()]),
        (grants::REVOKE_OF_USER, vec![ID, TIME, text()]),
    ]
}

/// Statements whose text depends on the database.
fn per_engine(engine: Engine) -> [(&'static str, Vec<Value>); 6] {
    [
        (grants::LIST.on(engine), vec![ID, TIME]),
        (chain::HAND_ON.on(engine), vec![ID, ID, TIME]),
        (chain::REVOKE.on(engine), vec![ID, TIME]),
        (chain::REVOKE_OF_LOGIN.on(engine), vec![ID, text(), ID, TIME]),
        (chain::REVOKE_OF_PAIR.on(engine), vec![ID, text(), TIME]),
        (chain::REVOKE_OF_USER.on(engine), vec![ID, TIME]),
    ]
}

fn of_tokens() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        (tokens::ACCESS, vec![ID]),
        (tokens::FIRST_USE, vec![ID, text(), TIME]),
        (refresh::LOCK_REFRESH, vec![ID]),
        (refresh::LOCK_SUCCESSOR, vec![ID]),
        (refresh::PEEK_REFRESH, vec![ID]),
        (refresh::PEEK_SUCCESSOR, vec![ID]),
        (refresh::REPEAT, vec![ID, text()]),
        (refresh::RETIRE, vec![ID, TIME, ID]),
        (refresh::RETIRE_UNCHANGED, vec![ID, TIME, ID, COUNT]),
        (tokens::REVOKE, vec![ID, TIME]),
        (tokens::TOKEN, vec![ID]),
    ]
}

fn of_purge() -> Vec<(&'static str, Vec<Value>)> {
    let ends = [
        purge::API_KEYS_END,
        purge::CODES_END,
        purge::GRANTS_END,
        purge::LINKS_END,
        purge::SESSIONS_END,
        purge::TOKENS_END,
    ];
    let stretches =
        [purge::API_KEYS, purge::CODES, purge::GRANTS, purge::LINKS, purge::SESSIONS, chain::PURGE];
    let mut statements: Vec<_> = ends.map(|sql| (sql, vec![ID, ID, COUNT])).into();
    statements.extend(stretches.map(|sql| (sql, vec![ID, ID, TIME])));
    statements
}

/// Whether a plan reads a table from end to end. An index that is read without a condition is such a plan too.
fn scans(engine: Engine, plan: &str) -> bool {
    let lines = || plan.lines().map(str::trim);
    match engine {
        // A chain is what the statement has found itself.
        Engine::Sqlite => lines()
            .any(|line| line.starts_with("SCAN") && !matches!(line, "SCAN CONSTANT ROW" | "SCAN chain")),
        Engine::Postgres => {
            let indexes = lines().filter(|line| line.contains("Index") && line.contains("Scan")).count();
            let conditions = lines().filter(|line| line.starts_with("Index Cond")).count();
            plan.contains("Seq Scan") || indexes > conditions
        }
    }
}

/// Whether a plan reads everything in order to sort it.
fn sorts(plan: &str) -> bool {
    plan.contains("Sort") || plan.contains("TEMP B-TREE")
}

/// The same of PostgreSQL alone.
fn of_throttle() -> [(&'static str, Vec<Value>); 2] {
    let ask =
        Ask { requests: 1, from: 0, to: 0, mine: 0, length: 0, interval: 1, whole: 0, latest: 0, absurd: 0 };
    [(throttle::TAKE, throttle::asked(LimitKey([0; 16]), &ask)), (throttle::USED, vec![text()])]
}

/// What PostgreSQL alone is asked about codes and tokens: reads for several keys, and writes that decide by themselves.
fn of_grants_at_once() -> Vec<(&'static str, Vec<Value>)> {
    let redeemed = |length| {
        let mut row = vec![Value::Null; length];
        (row[0], row[1], row[2]) = (ID, TIME, COUNT);
        row
    };
    let mut rotated = vec![Value::Null; 21];
    (rotated[0], rotated[1], rotated[2], rotated[12]) = (ID, TIME, COUNT, ID);
    vec![
        (codes::PEEK_MANY, vec![Value::Uuids(vec![Uuid::nil()])]),
        (codes::REDEEM_FOR_ACCESS, redeemed(22)),
        (codes::REDEEM_FOR_PAIR, redeemed(31)),
        (grants::HOLD, vec![ID]),
        (grants::HOLD_OF_TOKEN, vec![ID]),
        (grants::HOLD_OF_USER, vec![ID]),
        (tokens::ACCESSES, vec![Value::Uuids(vec![Uuid::nil()])]),
        (refresh::PEEK_REFRESHES, vec![Value::Uuids(vec![Uuid::nil()])]),
        (refresh::ROTATE, rotated),
    ]
}

async fn each(test: impl AsyncFn(&Db)) {
    for database in ayb_testkit::databases().await {
        let db = Db::open(&database.url, DbOptions::default()).await.unwrap();
        migrate::up(&db).await.unwrap();
        test(&db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_by_an_index() {
    each(async |db| {
        let deletions = users::deletions(db.engine()).map(|sql| (sql, vec![ID]));
        let shared = of_throttle().into_iter().chain(of_grants_at_once());
        let shared = shared.filter(|_| db.engine() == Engine::Postgres);
        let shared = shared.chain(per_engine(db.engine()));
        for (sql, params) in searches().into_iter().chain(shared).chain(deletions) {
            let plan = db.explain(sql, params).await.unwrap();
            assert!(!scans(db.engine(), &plan), "{sql}\n{plan}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_an_index_is_noticed() {
    each(async |db| {
        let by_expiry = "select id from _ayb_oauth_tokens where expires_at < $1";
        let plan = db.explain(by_expiry, vec![TIME]).await.unwrap();
        assert!(scans(db.engine(), &plan), "{plan}");
        let plan = db.explain("select id from _ayb_users order by name limit 1", vec![]).await.unwrap();
        assert!(sorts(&plan), "{plan}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_read_in_the_order_of_a_key() {
    let lists = [api_keys::LIST, apps::LIST, clients::LIST, users::LIST];
    each(async |db| {
        for sql in lists {
            let plan = db.explain(sql, vec![COUNT, COUNT]).await.unwrap();
            assert!(!sorts(&plan), "{sql}\n{plan}");
        }
    })
    .await;
}
