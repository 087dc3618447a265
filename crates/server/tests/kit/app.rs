//! The server under test.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use ayb_protocol::time::Seconds;
use ayb_provider::keys::KeyRecord;
use ayb_server::app::{App, Ingredients};
use ayb_server::clock::{Clock, Stopwatch};
use ayb_server::config::{self, Config, Environment, MasterKey, Sources};
use ayb_server::entropy::Entropy;
use ayb_server::http::listener::{ConnectionLimits, Drained, Listener};
use ayb_server::http::{edge, routes};
use ayb_server::mail::{Mailer, Outbox};
use ayb_store::Store;
use ayb_store::db::{Db, DbOptions, migrate};
use ayb_testkit::rows::TextRow;
use ayb_testkit::{Database, Kind};
use http::Method;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::browser::Browser;
use super::client::Client;
use super::request::Call;
use super::time::START;

/// The public address of the server under test.
pub(crate) const ISSUER: &str = "https://id.test";
/// The master key of the server under test.
pub(crate) const MASTER_KEY: [u8; 32] = [7; 32];

/// A whole server on a database of its own.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) kind: Kind,
    pub(crate) database: std::sync::Arc<Database>,
    folder: std::sync::Arc<TempDir>,
}

impl TestApp {
    /// A server on SQLite.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server on SQLite with a changed configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on_with(ayb_testkit::sqlite(), change).await
    }

    /// A server on a database.
    pub(crate) async fn on(database: Database) -> Self {
        Self::on_with(database, |_| {}).await
    }

    /// A server on each kind of database.
    pub(crate) async fn everywhere() -> Vec<Self> {
        Self::everywhere_with(|_| {}).await
    }

    /// The same with a changed configuration.
    pub(crate) async fn everywhere_with(change: impl Fn(&mut Config)) -> Vec<Self> {
        let mut apps = Vec::new();
        for database in ayb_testkit::databases().await {
            apps.push(Self::on_with(database, &change).await);
        }
        apps
    }

    /// A server on a database with a changed configuration.
    pub(crate) async fn on_with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = configuration(&folder, &database.url);
        change(&mut config);
        let store = open(&database.url).await;
        migrate::up(store.db()).await.unwrap();
        lend_keys(&store).await;
        let clock = Clock::manual(START);
        let built = build(config, store, &clock, MASTER_KEY).await;
        let (app, outbox) = built.unwrap();
        keep_keys(&app).await;
        Self::around(app, outbox, database.into(), folder.into())
    }

    /// Another process on the same database, with its own configuration and the same clock.
    pub(crate) async fn twin(&self, change: impl FnOnce(&mut Config)) -> Self {
        self.reopened(change, MASTER_KEY).await.unwrap()
    }

    /// The same under another master key.
    pub(crate) async fn reopened(
        &self,
        change: impl FnOnce(&mut Config),
        master_key: [u8; 32],
    ) -> anyhow::Result<Self> {
        let mut config = self.app.config.clone();
        change(&mut config);
        let store = open(&self.database.url).await;
        let (app, outbox) = build(config, store, &self.clock, master_key).await?;
        Ok(Self::around(app, outbox, self.database.clone(), self.folder.clone()))
    }

    fn around(
        app: App,
        outbox: Outbox,
        database: std::sync::Arc<Database>,
        folder: std::sync::Arc<TempDir>,
    ) -> Self {
        let router = edge::wrap(routes::router(app.clone()), &app).unwrap();
        Self { router, clock: app.clock.clone(), app, outbox, kind: database.kind, database, folder }
    }

    /// Moves the clock forward.
    pub(crate) fn travel(&self, distance: Seconds) {
        self.clock.travel(distance);
    }

    /// The public address.
    pub(crate) fn issuer(&self) -> &str {
        self.app.issuer()
    }

    pub(crate) fn request(&self, method: Method, uri: &str) -> Call {
        Call::new(&self.router, method, uri)
    }

    pub(crate) fn get(&self, uri: &str) -> Call {
        self.request(Method::GET, uri)
    }

    pub(crate) fn post(&self, uri: &str) -> Call {
        self.request(Method::POST, uri)
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.router, &self.clock, self.issuer())
    }

    /// Rows past the store, as text; `None` is NULL, bytes are hexadecimal.
    pub(crate) async fn db_rows(&self, sql: &str) -> Vec<TextRow> {
        self.database.rows(sql).await
    }

    /// The name of a client as the database writes it in SQL.
    pub(crate) fn literal(&self, client: &Client) -> String {
        self.database.client_literal(&client.client_id)
    }

    /// Waits until a read finds something that is written beside the request.
    pub(crate) async fn eventually(&self, sql: &str) -> Vec<TextRow> {
        for _ in 0..500 {
            let rows = self.db_rows(sql).await;
            if !rows.is_empty() {
                return rows;
            }
            tokio::task::yield_now().await;
        }
        panic!("nothing comes: {sql}");
    }

    /// Asks again and again until the answer has this status, for at most half a minute; gives the last status.
    pub(crate) async fn until(&self, status: u16, ask: impl Fn() -> Call) -> u16 {
        let watch = Stopwatch::start();
        loop {
            let found = ask().await.status.as_u16();
            if found == status || watch.elapsed() > Duration::from_secs(30) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Everything that is in the database, one line a row.
    pub(crate) async fn dump(&self) -> String {
        let mut dump = String::new();
        for table in self.database.tables().await {
            for row in self.db_rows(&format!("select * from {table}")).await {
                let cells: Vec<_> =
                    row.iter().map(|cell| cell.as_deref().unwrap_or("null").to_owned()).collect();
                dump.push_str(&format!("{table}: {}\n", cells.join(" | ")));
            }
        }
        dump
    }

    /// Opens a socket on loopback for those who need one.
    pub(crate) async fn listen(&self) -> Listening {
        self.listen_on(Self::socket().await)
    }

    /// A socket on loopback, for servers that have to know their port beforehand.
    pub(crate) async fn socket() -> Listener {
        Listener::bind("127.0.0.1", 0, ConnectionLimits::default()).await.unwrap()
    }

    /// Listens on a socket that is open already.
    pub(crate) fn listen_on(&self, listener: Listener) -> Listening {
        let address = listener.addresses()[0];
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(self.router.clone(), async {
            let _asked = stopped.await;
        }));
        Listening { address, stop: Some(stop), served }
    }
}

/// A server that listens.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
}

impl Listening {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(mut self) -> Drained {
        if let Some(stop) = self.stop.take() {
            let _sent = stop.send(());
        }
        self.served.await.unwrap()
    }
}

fn configuration(folder: &TempDir, database: &str) -> Config {
    let environment = Environment::from_pairs([
        ("AYB_DATABASE_URL", database),
        ("AYB_SERVER_PUBLIC_URL", ISSUER),
        ("AYB_AUTH_JWT_SECRET", "a secret of at least thirty-two characters"),
        ("AYB_AUTH_RATE_LIMIT", "0"),
        ("AYB_AUTH_PASSWORD_WORKERS", "1"),
        ("AYB_AUTH_OAUTH_PROVIDER_ENABLED", "true"),
        ("AYB_AUTH_OAUTH_PROVIDER_TOKEN_FAILURE_LIMIT", "0"),
        ("AYB_TABLES_ENABLED", "true"),
        ("AYB_TABLES_ROLE", "none"),
    ]);
    let data_dir = Some(folder.path().join("data"));
    let sources =
        Sources { environment, data_dir, directory: folder.path().to_owned(), ..Sources::default() };
    let mut config = config::load(&sources).unwrap_or_else(|error| panic!("{error}"));
    // Below what a real configuration may say: a test hashes dozens of passwords.
    config.auth.password_memory_kib = 8;
    config.auth.password_iterations = 1;
    config
}

async fn open(url: &str) -> Store {
    Store::new(Db::open(url, DbOptions::default()).await.unwrap())
}

async fn build(
    config: Config,
    store: Store,
    clock: &Clock,
    master_key: [u8; 32],
) -> anyhow::Result<(App, Outbox)> {
    let (mailer, outbox) = Mailer::memory();
    let with = Ingredients {
        store,
        clock: clock.clone(),
        entropy: Entropy::open()?,
        master_key: MasterKey::from_bytes(master_key),
        mailer,
        demo_client: None,
    };
    Ok((App::build(config, with).await?, outbox))
}

/// The signing keys of the first server of this process. The others borrow them: making an RSA key takes longer than
/// everything else that a server does at its start.
static KEYS: OnceLock<Vec<KeyRecord>> = OnceLock::new();

async fn lend_keys(store: &Store) {
    if let Some(keys) = KEYS.get() {
        store.change_keys(|_| keys.clone()).await.unwrap();
    }
}

async fn keep_keys(app: &App) {
    if KEYS.get().is_none() {
        let keys = app.store.list_keys().await.unwrap();
        let _first = KEYS.set(keys);
    }
}
