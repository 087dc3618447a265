//! `ayb start`: from a configuration to a server that answers, and down again.

pub mod hints;
mod signals;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use ayb_provider::keys::Rotation;
use ayb_store::db::{Db, DbOptions, migrate};
use ayb_store::{Purged, Store, Sweep};
use zeroize::Zeroizing;

use crate::app::{App, Ingredients};
use crate::clock::Clock;
use crate::config::{Config, EmailBackend, EmailConfig, SmtpTls};
use crate::entropy::Entropy;
use crate::http::listener::{ConnectionLimits, Listener};
use crate::http::tls::{TlsFiles, TlsIdentity};
use crate::http::{edge, routes};
use crate::mail::{Mailer, SmtpSecurity, SmtpSettings};
use crate::{admin, banner, demo, master_key, memory};

/// How often keys are looked after; a rotation by another process is noticed this late at the most.
const KEYS_EVERY: Duration = Duration::from_secs(30);
/// How often the command line of this machine gets a new token; half of a token's life.
const LOCAL_TOKEN_EVERY: Duration = Duration::from_secs(admin::sessions::LIFETIME.0 / 2);
/// How often the last uses of API keys are written down.
const KEY_USE_EVERY: Duration = Duration::from_secs(5);
/// How often dead rows are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(10);
/// The rest between two batches of dead rows: up to 20,000 leave in a second.
const PURGE_WORKING: Duration = Duration::from_millis(10);
/// The rest between two batches in which everything lived.
const PURGE_WALKING: Duration = Duration::from_millis(60);
/// How often the certificate's files are looked at.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(60);
/// How often limits that count nothing any more are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(10);
/// Limits that are forgotten at once: more than can come up meanwhile.
const FORGET_BUDGET: u32 = 20_000;
/// Rows of each table that one look may take.
const PURGE_BUDGET: u32 = 100;
/// How long a mail server may take.
const MAIL_DEADLINE: Duration = Duration::from_secs(30);

/// Starts the server and serves until it is asked to stop. `announce` is told where it listens.
///
/// # Errors
/// With the reason why it cannot start.
pub async fn run(
    config: Config,
    with_demo: bool,
    announce: impl FnOnce(&[SocketAddr]) -> io::Result<()>,
) -> anyhow::Result<()> {
    signals::ignore_file_size();
    prepare_folder(&config.server.data_dir)?;
    let listener = bind(&config).await?;
    let app = build(config, with_demo).await?;
    let password = if app.config.admin.enabled { open_admin(&app).await? } else { None };
    let asked = signals::stop_requests()?;
    announce(&listener.addresses()).context("the address cannot be written to the data folder")?;
    banner::print(&app, &listener, password.as_ref().map(|password| password.as_str()), with_demo);
    let background = [
        tokio::spawn(tend_keys(app.clone(), KEYS_EVERY)),
        tokio::spawn(purge(app.clone())),
        tokio::spawn(forget_limits(app.clone())),
        tokio::spawn(renew_local_token(app.clone())),
        tokio::spawn(write_key_use(app.clone())),
    ];
    let router = edge::wrap(routes::router(app.clone()), &app)?;
    memory::leave_start();
    tokio::select! {
        () = serve(&app, listener, router, signals::asked(asked.clone(), 1)) => {}
        () = signals::asked(asked, 2) => tracing::warn!("stopped at once, because it was asked for twice"),
    }
    for task in background {
        task.abort();
    }
    Ok(())
}

/// Serves until it is asked to stop, and until what was begun has ended.
async fn serve(app: &App, listener: Listener, router: axum::Router, stop: impl Future<Output = ()>) {
    let drained = listener.serve(router, stop).await;
    // What was begun beside the requests may finish: an entry in the trail, a mail, the last use of a key.
    let patience = Duration::from_secs(app.config.server.shutdown_timeout.0);
    let rest = async { tokio::join!(app.background.idle(), app.key_use.write(&app.store)) };
    let finished = tokio::time::timeout(patience, rest).await.is_ok();
    tracing::info!(cut = drained.cut, finished, "stopped");
}

/// Makes the administrator's password when there is none yet, and a token for the command line on this machine.
async fn open_admin(app: &App) -> anyhow::Result<Option<Zeroizing<String>>> {
    let password = admin::password::ensure(app).await?;
    admin::sessions::write_local_token(app).await?;
    Ok(password)
}

/// Opens the database, brings it up to date, and builds the server's state.
///
/// # Errors
/// With the reason why it cannot be done.
pub async fn build(mut config: Config, with_demo: bool) -> anyhow::Result<App> {
    let store = open_store(&config).await?;
    let (clock, entropy) = (Clock::system(), Entropy::open()?);
    let mailer = mailer(&config.email, &config.server.outbound_ca_file, &clock, &entropy)?;
    // Another process that starts at the same moment makes the master key before it makes signing keys.
    let sealed = !store.list_keys().await?.is_empty();
    let master_key = master_key::load_or_create(&config.auth.provider, sealed, &entropy)?;
    let demo_client = match with_demo {
        true => {
            demo::open_tables(&mut config);
            Some(demo::prepare(&config, &store, &entropy, clock.now()).await?)
        }
        false => None,
    };
    App::build(config, Ingredients { store, clock, entropy, master_key, mailer, demo_client }).await
}

/// Opens the configured database with every migration applied.
///
/// # Errors
/// When it does not answer, or its tables are from another version.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let db = connect(config, DbOptions { is_server: true, ..options(config) }).await?;
    let applied = migrate::up(&db).await.context("the database cannot be brought up to date")?;
    if !applied.is_empty() {
        tracing::info!(count = applied.len(), "migrations applied");
    }
    Ok(Store::new(db))
}

/// Opens the configured database as it is, for a command.
///
/// # Errors
/// When it does not answer.
pub async fn open_db(config: &Config) -> anyhow::Result<Db> {
    connect(config, options(config)).await
}

async fn connect(config: &Config, options: DbOptions) -> anyhow::Result<Db> {
    Db::open(config.database.url.expose(), options).await.context("the database cannot be opened")
}

fn options(config: &Config) -> DbOptions {
    let defaults = DbOptions::default();
    let (most, least) = (config.database.max_conns as usize, config.database.min_conns as usize);
    // One connection at least is for transactions and lists.
    let shared_connections = defaults.shared_connections.min(most.saturating_sub(1)).max(1);
    DbOptions {
        shared_connections,
        max_connections: most.saturating_sub(shared_connections).max(1),
        min_connections: least,
        ..defaults
    }
}

fn prepare_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))
}

async fn bind(config: &Config) -> anyhow::Result<Listener> {
    let server = &config.server;
    let limits = ConnectionLimits {
        connections: u32::try_from(server.max_connections).unwrap_or(u32::MAX),
        head_time: Duration::from_secs(server.header_timeout_seconds.0),
        drain_time: Duration::from_secs(server.shutdown_timeout.0),
        ..ConnectionLimits::default()
    };
    let listener = Listener::bind(&server.host.to_string(), server.port, limits)
        .await
        .map_err(|error| anyhow::anyhow!("{error}\nhint: {}", error.hint))?;
    let (Some(certificate), Some(key)) = (&server.tls_cert_file, &server.tls_key_file) else {
        return Ok(listener);
    };
    let files = TlsFiles { certificate: certificate.clone(), private_key: key.clone() };
    let identity =
        TlsIdentity::load(files).map_err(|error| anyhow::anyhow!("{error}\nhint: {}", error.hint()))?;
    tokio::spawn(identity.clone().watch(CERTIFICATE_EVERY));
    Ok(listener.with_tls(identity))
}

fn mailer(
    config: &EmailConfig,
    extra_ca: &Option<std::path::PathBuf>,
    clock: &Clock,
    entropy: &Entropy,
) -> anyhow::Result<Mailer> {
    if config.backend == EmailBackend::Log {
        return Ok(Mailer::log());
    }
    let user = config.smtp_username.clone();
    let password =
        config.smtp_password.as_ref().map(|password| zeroize::Zeroizing::new(password.expose().to_owned()));
    let settings = SmtpSettings {
        host: config.smtp_host.clone().unwrap_or_default(),
        port: config.smtp_port,
        security: match config.smtp_tls {
            SmtpTls::None => SmtpSecurity::Plain,
            SmtpTls::Starttls => SmtpSecurity::StartTls,
            SmtpTls::Tls => SmtpSecurity::Tls,
        },
        credentials: user.zip(password),
        from: config.from.clone().unwrap_or_default(),
        extra_ca: extra_ca
            .as_ref()
            .map(std::fs::read)
            .transpose()
            .context("cannot read the file of server.outbound_ca_file\nhint: correct the path, or give the user that runs ayb the right to read it")?,
        deadline: MAIL_DEADLINE,
    };
    Ok(Mailer::smtp(&settings, clock.clone(), entropy.clone())?)
}

/// Looks after the signing keys, and takes over what another process did with them, for as long as it is polled.
pub async fn tend_keys(app: App, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        if let Err(error) = app.keys.tend(Rotation::WhenDue, app.clock.now()).await {
            tracing::warn!(%error, "the signing keys could not be looked after");
        }
    }
}

/// Keeps a token that works in the data folder, for the command line on this machine.
async fn renew_local_token(app: App) {
    if !app.config.admin.enabled {
        return;
    }
    let mut ticks = tokio::time::interval(LOCAL_TOKEN_EVERY);
    // The first tick comes at once, and the first token is there.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Err(error) = admin::sessions::write_local_token(&app).await {
            tracing::warn!(%error, "the token for the command line of this machine could not be renewed");
        }
    }
}

async fn write_key_use(app: App) {
    let mut ticks = tokio::time::interval(KEY_USE_EVERY);
    loop {
        ticks.tick().await;
        app.key_use.write(&app.store).await;
    }
}

async fn purge(app: App) {
    let mut sweep = Sweep::default();
    loop {
        let pause = match app.store.purge(app.clock.now(), PURGE_BUDGET, &mut sweep).await {
            Ok(purged) => pause_after(&purged),
            Err(error) => {
                tracing::warn!(%error, "dead rows could not be deleted");
                PURGE_EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Deletes what limits wrote for other servers to see, once it counts nothing any more.
async fn forget_limits(app: App) {
    if !app.store.shares_limits() {
        return;
    }
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = app.store.forget_limits(app.clock.now(), FORGET_BUDGET).await {
            tracing::warn!(%error, "limits that count nothing any more could not be deleted");
        }
    }
}

/// How long the purge rests: shortly while there is something to delete, so that it keeps up with whatever is issued,
/// and longer while it only walks past rows that live.
fn pause_after(purged: &Purged) -> Duration {
    if purged.backlog && purged.total() > 0 {
        return PURGE_WORKING;
    }
    if purged.backlog { PURGE_WALKING } else { PURGE_EVERY }
}
