//! What every handler works with: one value, cheap to clone.

use std::ops::Deref;
use std::sync::Arc;

use ayb_protocol::hex;
use ayb_protocol::jose::{Algorithm, HmacKey, MacKey};
use ayb_protocol::secret::MaskKey;
use ayb_protocol::time::Seconds;
use ayb_provider::keys::KeyPolicy;
use ayb_provider::policy::Policy;
use ayb_store::Store;
use ayb_store::error::StoreError;
use ayb_store::tables::Tables;
use bytes::Bytes;
use std::num::NonZeroUsize;

use crate::audit::Audit;
use crate::background::Background;
use crate::clock::Clock;
use crate::config::{Config, MasterKey};
use crate::entropy::Entropy;
use crate::http::cookie::HostCookie;
use crate::http::csrf::CsrfKey;
use crate::key_use::KeyUse;
use crate::keys::SigningKeys;
use crate::limits::Limits;
use crate::mail::Mailer;
use crate::master_key::{Purpose, derive};
use crate::mint::Mint;
use crate::oauth::metadata;
use crate::oauth::progress::ProgressKey;
use crate::password::{PasswordCost, PasswordPool};

/// The server's state.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the state consists of.
pub struct Parts {
    /// The configuration, checked.
    pub config: Config,
    /// The tables.
    pub store: Store,
    /// The tables of the operator, when their API is on.
    pub tables: Option<Tables>,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Lifetimes.
    pub policy: Policy,
    /// Draws secrets.
    pub mint: Mint,
    /// Signs tokens.
    pub keys: SigningKeys,
    /// Signs session tokens.
    pub session_key: HmacKey,
    /// Protects forms.
    pub csrf: CsrfKey,
    /// Remembers the progress of authorization requests.
    pub progress: ProgressKey,
    /// Hashes passwords of people.
    pub passwords: PasswordPool,
    /// Hashes the administrator's password: a storm of sign-ins must not keep out whoever could end it.
    pub admin_passwords: PasswordPool,
    /// Counts requests.
    pub limits: Limits,
    /// Remembers which API keys were used.
    pub key_use: KeyUse,
    /// Sends mail.
    pub mailer: Mailer,
    /// Notes what matters for security.
    pub audit: Audit,
    /// Does what must not hold up an answer.
    pub background: Background,
    /// The metadata document.
    pub metadata: Bytes,
    /// The client of the demo page, when that is on.
    pub demo_client: Option<String>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the state is built from, besides the configuration.
pub struct Ingredients {
    /// The tables, migrated.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The master key.
    pub master_key: MasterKey,
    /// Sends mail.
    pub mailer: Mailer,
    /// The client of the demo page, when the demo is on. Its table is made then too.
    pub demo_client: Option<String>,
}

/// Passwords that may wait for a hash, for each that is being hashed.
const PASSWORD_QUEUE: usize = 16;

impl App {
    /// Builds the state.
    ///
    /// # Errors
    /// When the keys cannot be opened or the password workers cannot start.
    pub async fn build(config: Config, with: Ingredients) -> anyhow::Result<Self> {
        let Ingredients { store, clock, entropy, master_key, mailer, demo_client } = with;
        let now = clock.now();
        let mask = mask_key(&store, &entropy, now).await?;
        let key = |purpose| derive(&master_key, purpose);
        let policy = policy(&config);
        let background = Background::default();
        let keys = SigningKeys::open(
            store.clone(),
            entropy.clone(),
            key(Purpose::SealSigningKeys),
            key_policy(&config, &policy),
            now,
        )
        .await?;
        Ok(Self(Arc::new(Parts {
            mint: Mint::new(entropy.clone(), mask, MacKey::new(key(Purpose::Successor).as_slice())),
            session_key: session_key(&config, &master_key)?,
            csrf: CsrfKey::new(&key(Purpose::Csrf)),
            progress: ProgressKey::new(key(Purpose::Progress)),
            passwords: passwords(&config, &entropy)?,
            admin_passwords: pool(&config, NonZeroUsize::MIN, &entropy)?,
            limits: Limits::new(&config, &entropy, &store, MacKey::new(key(Purpose::Limits).as_slice())),
            key_use: KeyUse::default(),
            audit: Audit::new(store.clone(), entropy.clone(), background.clone()),
            background,
            tables: tables(&config, &store, demo_client.is_some()).await?,
            metadata: metadata::document(&config.server.public_url),
            config,
            store,
            clock,
            entropy,
            policy,
            keys,
            mailer,
            demo_client,
        })))
    }

    /// The issuer: the public address, configured and never taken from a request.
    pub fn issuer(&self) -> &str {
        &self.config.server.public_url
    }

    /// The name of this server for people: the host of its public address.
    pub fn public_name(&self) -> &str {
        let address = self.issuer();
        address.split_once("://").map_or(address, |(_, host)| host)
    }

    /// Whether browsers reach this server over https.
    pub fn is_https(&self) -> bool {
        self.issuer().starts_with("https://")
    }

    /// The cookie of a browser session.
    pub fn session_cookie(&self) -> HostCookie {
        HostCookie::session(self.is_https())
    }

    /// The cookie that forms are bound to before sign-in.
    pub fn visitor_cookie(&self) -> HostCookie {
        HostCookie::visitor(self.is_https())
    }
}

/// What is wrong with an owner column that cannot be found.
pub(crate) const MISSING_OWNER: &str = "which is not there, or which `tables.role` may not read";
/// What to do about it.
pub(crate) const MISSING_OWNER_HINT: &str = "correct `tables.owners`, make the table, or let the role read it (`ayb \
    tables grant`); with a misspelt name the rows that are meant would be open to everybody";

/// The tables of the operator. With PostgreSQL their role must be there, and be one for which policies hold. Every owner
/// column that is configured must be there: with one that is misspelt, the rows that are meant would be everybody's.
async fn tables(config: &Config, store: &Store, demo: bool) -> anyhow::Result<Option<Tables>> {
    if !config.tables.enabled {
        return Ok(None);
    }
    let tables = Tables::new(store.db().clone(), config.tables.options());
    tables.prepare_role().await.map_err(|problem| {
        anyhow::anyhow!("{problem}\nhint: see tables.role in the manual, or switch tables.enabled off")
    })?;
    if demo {
        tables.make_demo_table().await?;
    }
    // Looked at apart: what is known of the tables begins with the first request.
    let schema = Tables::new(store.db().clone(), config.tables.options()).schema().await?;
    if let Some(owner) = schema.missing_owners().first() {
        anyhow::bail!("tables.owners names {owner}, {MISSING_OWNER}\nhint: {MISSING_OWNER_HINT}");
    }
    Ok(Some(tables))
}

/// The mask lives in the database: it hides a count from those who hold tokens, not from those who hold the tables.
async fn mask_key(
    store: &Store,
    entropy: &Entropy,
    now: ayb_protocol::time::Timestamp,
) -> anyhow::Result<MaskKey> {
    let proposed = hex::encode(entropy.bytes::<32>()?);
    let kept = store.setting_or_insert("token_mask_key", &proposed, now).await?;
    let bytes = hex::decode(&kept).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = bytes.ok_or_else(|| StoreError::corrupt("setting token_mask_key"))?;
    Ok(MaskKey::from_bytes(&bytes))
}

fn policy(config: &Config) -> Policy {
    let provider = &config.auth.provider;
    Policy {
        access_token: provider.access_token_duration,
        refresh_token: provider.refresh_token_duration,
        code: provider.auth_code_duration,
        id_token: provider.access_token_duration,
    }
}

fn key_policy(config: &Config, policy: &Policy) -> KeyPolicy {
    const DAY: u64 = 24 * 3600;
    const MARGIN: u64 = 3600;
    let days = u64::from(config.auth.provider.key_rotation_days);
    let longest = policy.access_token.max(policy.id_token);
    KeyPolicy {
        rotate_after: (days > 0).then_some(Seconds(days * DAY)),
        publish_ahead: config.auth.provider.key_publish_ahead_seconds,
        retain: Seconds(longest.0.saturating_add(MARGIN)),
        remember: config.auth.browser_session_duration,
    }
}

fn session_key(config: &Config, master_key: &MasterKey) -> anyhow::Result<HmacKey> {
    let derived = derive(master_key, Purpose::SessionTokens);
    let secret = config.auth.jwt_secret.as_ref().map(|secret| secret.expose().as_bytes());
    let key = HmacKey::from_secret(Algorithm::HS256, secret.unwrap_or(derived.as_slice()));
    key.map_err(|error| anyhow::anyhow!("auth.jwt_secret cannot be used: {error}"))
}

/// The configured pool of password workers.
///
/// # Errors
/// When argon2 cannot work at the configured cost, or a thread cannot start.
pub fn passwords(config: &Config, entropy: &Entropy) -> anyhow::Result<PasswordPool> {
    pool(config, NonZeroUsize::new(config.auth.password_workers).unwrap_or(NonZeroUsize::MIN), entropy)
}

/// So many workers at the configured cost.
fn pool(config: &Config, workers: NonZeroUsize, entropy: &Entropy) -> anyhow::Result<PasswordPool> {
    let auth = &config.auth;
    let cost = PasswordCost {
        memory_kib: auth.password_memory_kib,
        iterations: auth.password_iterations,
        parallelism: auth.password_parallelism,
    };
    Ok(PasswordPool::start(cost, workers, workers.get() * PASSWORD_QUEUE, entropy.clone())?)
}
