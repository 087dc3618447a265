//! Clients: the programs that ask for tokens.

use std::collections::HashMap;
use std::sync::Arc;

use ayb_protocol::ids::{AppId, ClientId};
use ayb_protocol::redirect_uri::RegisteredRedirectUri;
use ayb_protocol::scope::RegisteredScopes;
use ayb_protocol::secret::{ClientSecret, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::client::{
    ClientKind, ClientRecord, ClientSettings, PreviousSecret, SigningAlg, TokenFormat,
};

use crate::Store;
use crate::columns::Columns;
use crate::db::{Row, Value};
use crate::error::StoreError;
use crate::page::Page;

/// What a client has been up to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ClientStats {
    /// Its access tokens that are alive; none for a revoked client.
    pub active_access_tokens: u64,
    /// Its refresh tokens that are alive; none for a revoked client.
    pub active_refresh_tokens: u64,
    /// The authorizations that people gave it, as far back as their tokens are kept.
    pub total_grants: u64,
    /// When it last received a token, as far back as tokens are kept.
    pub last_token_issued_at: Option<Timestamp>,
}

/// What became of a change of a client's settings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientUpdate {
    /// They are stored.
    Updated,
    /// There is no such client.
    NotFound,
    /// A revoked client does not change any more.
    Revoked,
}

/// What became of a new secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretReplacement {
    /// It is the client's secret now, and the old one is worth nothing.
    Replaced,
    /// There is no such client.
    NotFound,
    /// A revoked client gets no secret.
    Revoked,
    /// A public client has no secret.
    Public,
}

/// The columns of a client.
macro_rules! client_columns {
    () => {
        "id, app_id, client_id, client_type, client_secret_hash, previous_secret_hash, previous_secret_expires_at, name, redirect_uris, scopes, allowed_origins,
         post_logout_redirect_uris, token_format, signing_alg, audience, refresh_tokens, refresh_grace_seconds,
         created_at, updated_at, revoked_at, version"
    };
}

/// The columns that [`read_client`] takes.
macro_rules! client_with_app {
    () => {
        concat!(client_columns!(), ", (select a.allowed_origins from _ayb_apps a where a.id = app_id)")
    };
}

fn read_client(row: &Row) -> Result<ClientRecord, StoreError> {
    let mut columns = Columns::of(row);
    Ok(ClientRecord {
        id: columns.uuid()?,
        app_id: AppId(columns.uuid()?),
        client_id: columns.client_id()?,
        kind: read_kind(&mut columns)?,
        settings: ClientSettings {
            name: columns.string()?,
            redirect_uris: read_uris(&mut columns)?,
            scopes: read_scopes(&mut columns)?,
            allowed_origins: columns.list()?,
            post_logout_redirect_uris: read_uris(&mut columns)?,
            token_format: columns.word(TokenFormat::parse)?,
            signing_alg: columns.word(SigningAlg::parse)?,
            audience: columns.opt_string()?,
            refresh_tokens: columns.bool()?,
            refresh_grace: Seconds(columns.count()?),
        },
        created_at: columns.time()?,
        updated_at: columns.time()?,
        revoked_at: columns.opt_time()?,
        version: columns.count()?,
        app_allowed_origins: columns.list()?,
    })
}

fn read_kind(columns: &mut Columns<'_>) -> Result<ClientKind, StoreError> {
    let word = columns.text()?;
    let secret = columns.opt_hash()?;
    let previous = columns.opt_hash()?.zip(columns.opt_time()?);
    let previous = previous.map(|(hash, expires_at)| PreviousSecret { hash, expires_at });
    match (word, secret) {
        ("confidential", Some(secret)) => Ok(ClientKind::Confidential { secret, previous }),
        ("public", None) => Ok(ClientKind::Public),
        _ => Err(columns.corrupt("a client type without its secret")),
    }
}

fn read_uris(columns: &mut Columns<'_>) -> Result<Vec<RegisteredRedirectUri>, StoreError> {
    let uris = columns.list()?;
    let uris = uris.iter().map(|uri| RegisteredRedirectUri::parse(uri)).collect::<Result<_, _>>();
    uris.map_err(|_| columns.corrupt("not a redirect address"))
}

fn read_scopes(columns: &mut Columns<'_>) -> Result<RegisteredScopes, StoreError> {
    let words = columns.list()?;
    RegisteredScopes::parse(&words).map_err(|_| columns.corrupt("not scopes"))
}

const INSERT: &str = concat!(
    "insert into _ayb_oauth_clients (",
    client_columns!(),
    ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)"
);

/// The settings as parameters, in the order of the columns.
fn settings_row(settings: &ClientSettings) -> Result<Vec<Value>, StoreError> {
    let grace = i64::try_from(settings.refresh_grace.0);
    Ok(vec![
        (&settings.name).into(),
        texts(&settings.redirect_uris).into(),
        settings.scopes.words().into(),
        (&settings.allowed_origins).into(),
        texts(&settings.post_logout_redirect_uris).into(),
        settings.token_format.as_str().into(),
        settings.signing_alg.as_str().into(),
        settings.audience.as_ref().into(),
        settings.refresh_tokens.into(),
        grace.map_err(|_| StoreError::corrupt("a grace out of range"))?.into(),
    ])
}

/// Which state of a client a decision was made with, as a parameter.
pub(crate) fn version(client: &ClientRecord) -> Result<Value, StoreError> {
    let version = i64::try_from(client.version);
    Ok(version.map_err(|_| StoreError::corrupt("a version out of range"))?.into())
}

/// What a client was when a decision was made with it, to be compared with what it is now.
pub(crate) struct Seen {
    id: ClientId,
    version: u64,
}

impl Seen {
    pub(crate) fn of(client: &ClientRecord) -> Self {
        Self { id: client.client_id.clone(), version: client.version }
    }

    /// Whether the client `id`, now in `state`, is this one, but not as it was seen.
    pub(crate) fn changed(&self, id: &ClientId, state: State) -> bool {
        self.id == *id && (self.version != state.version || state.revoked)
    }
}

/// What a client is now.
#[derive(Clone, Copy)]
pub(crate) struct State {
    version: u64,
    revoked: bool,
}

impl State {
    /// The state in the next columns, `version` and `revoked_at`.
    pub(crate) fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self { version: columns.count()?, revoked: columns.opt_time()?.is_some() })
    }
}

fn texts(uris: &[RegisteredRedirectUri]) -> Vec<String> {
    uris.iter().map(ToString::to_string).collect()
}

pub(crate) const FIND: &str =
    concat!("select ", client_with_app!(), " from _ayb_oauth_clients where client_id = $1");

pub(crate) const LIST: &str =
    concat!("select ", client_with_app!(), " from _ayb_oauth_clients order by id desc limit $1 offset $2");

const COUNT: &str = "select count(*) from _ayb_oauth_clients";

pub(crate) const LIST_OF_APP: &str = concat!(
    "select ",
    client_with_app!(),
    " from _ayb_oauth_clients where app_id = $3 order by id desc limit $1 offset $2"
);

const COUNT_OF_APP: &str = "select count(*) from _ayb_oauth_clients where app_id = $1";

/// Counts the tokens of so many clients, whose names are the parameters from `$2` on.
pub(crate) fn count_tokens(clients: usize) -> String {
    let names = names(2, clients);
    format!(
        "select client_id,
         count(case when token_type = 'access' and revoked_at is null and expires_at > $1 then 1 end),
         count(case when token_type = 'refresh' and revoked_at is null and expires_at > $1 then 1 end),
         max(created_at) from _ayb_oauth_tokens where client_id in ({names}) group by client_id"
    )
}

/// Counts the grants of so many clients, whose names are the parameters from `$1` on.
pub(crate) fn count_grants(clients: usize) -> String {
    let names = names(1, clients);
    format!(
        "select client_id, count(*) from _ayb_oauth_grants where client_id in ({names}) group by client_id"
    )
}

fn names(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

const UPDATE: &str =
    "update _ayb_oauth_clients set name = $3, redirect_uris = $4, scopes = $5, allowed_origins = $6,
    post_logout_redirect_uris = $7, token_format = $8, signing_alg = $9, audience = $10, refresh_tokens = $11,
    refresh_grace_seconds = $12, updated_at = $2, version = version + 1
    where client_id = $1 and revoked_at is null";

const REVOKE: &str = "update _ayb_oauth_clients set revoked_at = $2, updated_at = $2, version = version + 1
    where client_id = $1 and revoked_at is null";

const REPLACE_SECRET: &str =
    "update _ayb_oauth_clients set client_secret_hash = $2, previous_secret_hash = null,
    previous_secret_expires_at = null, updated_at = $3, version = version + 1
    where client_id = $1 and revoked_at is null and client_type = 'confidential'";

const OVERLAP_SECRET: &str =
    "update _ayb_oauth_clients set client_secret_hash = $2, previous_secret_hash = client_secret_hash,
    previous_secret_expires_at = $4, updated_at = $3, version = version + 1
    where client_id = $1 and revoked_at is null and client_type = 'confidential'";

impl Store {
    /// Stores a new client. [`StoreError::ForeignKey`]: there is no such app.
    pub async fn insert_client(&self, client: &ClientRecord) -> Result<(), StoreError> {
        let (secret, previous) = match &client.kind {
            ClientKind::Confidential { secret, previous } => (Some(*secret), *previous),
            ClientKind::Public => (None, None),
        };
        let mut row = vec![
            client.id.into(),
            client.app_id.into(),
            (&client.client_id).into(),
            client.kind.as_str().into(),
            secret.into(),
            previous.map(|previous| previous.hash).into(),
            previous.map(|previous| previous.expires_at).into(),
        ];
        row.extend(settings_row(&client.settings)?);
        row.extend([client.created_at.into(), client.updated_at.into(), client.revoked_at.into()]);
        row.push(version(client)?);
        self.db.execute(INSERT, row).await?;
        Ok(())
    }

    /// A client, revoked or not.
    pub async fn client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        self.db.one(FIND, &[id.into()]).await?.map(|row| read_client(&row)).transpose()
    }

    /// A client as this process read it last, perhaps out of date: what is decided with it must be confirmed by the
    /// write that follows. `None` when it was not read lately.
    pub fn recall_client(&self, id: &ClientId) -> Option<Arc<ClientRecord>> {
        self.remembered.get(id)
    }

    /// Reads a client anew, for itself and for [`Self::recall_client`].
    pub async fn load_client(&self, id: &ClientId) -> Result<Option<Arc<ClientRecord>>, StoreError> {
        let found = self.client(id).await?.map(Arc::new);
        match &found {
            Some(client) => self.remembered.insert(id.clone(), Arc::clone(client)),
            None => self.forget_client(id),
        }
        Ok(found)
    }

    /// Lets go of a client that turned out to be out of date.
    pub(crate) fn forget_client(&self, id: &ClientId) {
        self.remembered.remove(id);
    }

    /// One page of all clients, or of those of one app, newest first, and how many there are.
    pub async fn list_clients(
        &self,
        page: Page,
        app: Option<AppId>,
        now: Timestamp,
    ) -> Result<(Vec<(ClientRecord, ClientStats)>, u64), StoreError> {
        let mut params = vec![page.limit(), page.offset()];
        let (rows, total) = match app {
            None => (self.db.many(LIST, params).await?, self.count(COUNT, vec![]).await?),
            Some(app) => {
                params.push(app.into());
                let total = self.count(COUNT_OF_APP, vec![app.into()]).await?;
                (self.db.many(LIST_OF_APP, params).await?, total)
            }
        };
        let clients = rows.iter().map(read_client).collect::<Result<Vec<_>, _>>()?;
        Ok((self.with_stats(clients, now).await?, total))
    }

    /// A client and what it has been up to.
    pub async fn client_with_stats(
        &self,
        id: &ClientId,
        now: Timestamp,
    ) -> Result<Option<(ClientRecord, ClientStats)>, StoreError> {
        let client = self.client(id).await?;
        Ok(self.with_stats(client.into_iter().collect(), now).await?.pop())
    }

    /// The clients, in the same order, each with its statistics: two statements however many there are.
    async fn with_stats(
        &self,
        clients: Vec<ClientRecord>,
        now: Timestamp,
    ) -> Result<Vec<(ClientRecord, ClientStats)>, StoreError> {
        if clients.is_empty() {
            return Ok(vec![]);
        }
        let names: Vec<Value> = clients.iter().map(|client| (&client.client_id).into()).collect();
        let params = [&[now.into()], names.as_slice()].concat();
        let tokens = self.db.many(count_tokens(clients.len()), params).await?;
        let grants = self.db.many(count_grants(clients.len()), names).await?;
        let mut stats: HashMap<ClientId, ClientStats> = HashMap::with_capacity(clients.len());
        for row in &tokens {
            let mut columns = Columns::of(row);
            let stats = stats.entry(columns.client_id()?).or_default();
            stats.active_access_tokens = columns.count()?;
            stats.active_refresh_tokens = columns.count()?;
            stats.last_token_issued_at = columns.opt_time()?;
        }
        for row in &grants {
            let mut columns = Columns::of(row);
            let stats = stats.entry(columns.client_id()?).or_default();
            stats.total_grants = columns.count()?;
        }
        let of = |client: &ClientRecord| {
            let stats = stats.get(&client.client_id).copied().unwrap_or_default();
            match client.revoked_at {
                None => stats,
                Some(_) => ClientStats { active_access_tokens: 0, active_refresh_tokens: 0, ..stats },
            }
        };
        let paired = |client: ClientRecord| {
            let stats = of(&client);
            (client, stats)
        };
        Ok(clients.into_iter().map(paired).collect())
    }

    /// Stores new settings of a client that is not revoked.
    pub async fn update_client(
        &self,
        id: &ClientId,
        settings: &ClientSettings,
        now: Timestamp,
    ) -> Result<ClientUpdate, StoreError> {
        let mut row = vec![id.into(), now.into()];
        row.extend(settings_row(settings)?);
        if self.db.execute(UPDATE, row).await? > 0 {
            self.forget_client(id);
            return Ok(ClientUpdate::Updated);
        }
        Ok(self.client(id).await?.map_or(ClientUpdate::NotFound, |_| ClientUpdate::Revoked))
    }

    /// Revokes a client: it can do nothing any more, and its tokens are dead. True the first time.
    pub async fn revoke_client(&self, id: &ClientId, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = self.db.execute(REVOKE, vec![id.into(), now.into()]).await? > 0;
        self.forget_client(id);
        Ok(revoked)
    }

    /// Gives a confidential client another secret. Its tokens live on; the secret until now works until `overlap`, or not
    /// any more. The one before that never does.
    pub async fn replace_client_secret(
        &self,
        id: &ClientId,
        secret: SecretHash<ClientSecret>,
        overlap: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<SecretReplacement, StoreError> {
        let mut params = vec![id.into(), secret.into(), now.into()];
        params.extend(overlap.map(Value::from));
        let sql = if overlap.is_some() { OVERLAP_SECRET } else { REPLACE_SECRET };
        if self.db.execute(sql, params).await? > 0 {
            self.forget_client(id);
            return Ok(SecretReplacement::Replaced);
        }
        Ok(match self.client(id).await? {
            None => SecretReplacement::NotFound,
            Some(client) if client.revoked_at.is_some() => SecretReplacement::Revoked,
            Some(_) => SecretReplacement::Public,
        })
    }
}
