//! Apps: the products that clients belong to.

use ayb_protocol::ids::{AppId, UserId};
use ayb_provider::app::AppRecord;
use ayb_provider::user::UserRecord;

use crate::Store;
use crate::api_keys;
use crate::columns::Columns;
use crate::db::Row;
use crate::error::StoreError;
use crate::page::Page;
use crate::tokens::rate_limit;
use crate::users::{read_user, user_columns};

/// What became of an app that was to be deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeletedApp {
    /// It is gone.
    Deleted,
    /// There was none.
    NotFound,
    /// It stays, because something belongs to it.
    InUse {
        /// Clients, revoked ones included.
        clients: u64,
        /// API keys, dead ones included until they leave.
        api_keys: u64,
    },
}

/// The columns that [`read_app`] takes.
macro_rules! app_columns {
    () => {
        "id, name, description, owner_user_id, rate_limit_rps, rate_limit_window_seconds, allowed_origins, created_at,
         updated_at"
    };
}

fn read_app(row: &Row) -> Result<AppRecord, StoreError> {
    let mut columns = Columns::of(row);
    Ok(AppRecord {
        id: AppId(columns.uuid()?),
        name: columns.string()?,
        description: columns.string()?,
        owner_user_id: columns.opt_uuid()?.map(UserId),
        rate_limit: rate_limit(&mut columns)?,
        allowed_origins: columns.list()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

/// The window of a limit as a parameter.
fn window(app: &AppRecord) -> Result<i64, StoreError> {
    i64::try_from(app.rate_limit.window.0).map_err(|_| StoreError::corrupt("a window out of range"))
}

const INSERT: &str =
    concat!("insert into _ayb_apps (", app_columns!(), ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)");

pub(crate) const FIND: &str = concat!("select ", app_columns!(), " from _ayb_apps where id = $1");

pub(crate) const LIST: &str =
    concat!("select ", app_columns!(), " from _ayb_apps order by id desc limit $1 offset $2");

const COUNT: &str = "select count(*) from _ayb_apps";

const UPDATE: &str =
    "update _ayb_apps set name = $2, description = $3, owner_user_id = $4, rate_limit_rps = $5,
    rate_limit_window_seconds = $6, allowed_origins = $7, updated_at = $8 where id = $1";

// Whoever adds a client to the app waits, or is waited for.
pub(crate) const LOCK: &str = "select allowed_origins from _ayb_apps where id = $1 for update";

/// What is remembered about a client holds the origins of its app, so it is out of date.
pub(crate) const OUTDATE_CLIENTS: &str =
    "update _ayb_oauth_clients set version = version + 1 where app_id = $1";

const DELETE: &str = "delete from _ayb_apps where id = $1";

pub(crate) const COUNT_CLIENTS: &str = "select count(*) from _ayb_oauth_clients where app_id = $1";

pub(crate) const OWNER: &str = concat!(
    "select ",
    user_columns!(),
    " from _ayb_apps a join _ayb_users u on u.id = a.owner_user_id where a.id = $1"
);

impl Store {
    /// Stores a new app. [`StoreError::ForeignKey`]: there is no such owner.
    pub async fn insert_app(&self, app: &AppRecord) -> Result<(), StoreError> {
        let row = vec![
            app.id.into(),
            (&app.name).into(),
            (&app.description).into(),
            app.owner_user_id.into(),
            app.rate_limit.requests.into(),
            window(app)?.into(),
            (&app.allowed_origins).into(),
            app.created_at.into(),
            app.updated_at.into(),
        ];
        self.db.execute(INSERT, row).await?;
        Ok(())
    }

    /// An app.
    pub async fn app(&self, id: AppId) -> Result<Option<AppRecord>, StoreError> {
        self.db.one(FIND, &[id.into()]).await?.map(|row| read_app(&row)).transpose()
    }

    /// One page of all apps, newest first, and how many there are.
    pub async fn list_apps(&self, page: Page) -> Result<(Vec<AppRecord>, u64), StoreError> {
        let total = self.count(COUNT, vec![]).await?;
        let rows = self.db.many(LIST, vec![page.limit(), page.offset()]).await?;
        Ok((rows.iter().map(read_app).collect::<Result<_, _>>()?, total))
    }

    /// Stores everything of an app that can change; false when there is none. [`StoreError::ForeignKey`]: there is no
    /// such owner.
    pub async fn update_app(&self, app: &AppRecord) -> Result<bool, StoreError> {
        let row = vec![
            app.id.into(),
            (&app.name).into(),
            (&app.description).into(),
            app.owner_user_id.into(),
            app.rate_limit.requests.into(),
            window(app)?.into(),
            (&app.allowed_origins).into(),
            app.updated_at.into(),
        ];
        let ask = (app.id, app.allowed_origins.clone(), row);
        self.db
            .transaction("update app", ask, |tx, (id, origins, row)| {
                Box::pin(async move {
                    let Some(before) = tx.lock_opt(LOCK, &[(*id).into()]).await? else { return Ok(false) };
                    tx.execute(UPDATE, row).await?;
                    if Columns::of(&before).list()? != *origins {
                        tx.execute(OUTDATE_CLIENTS, &[(*id).into()]).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    /// Deletes an app that no client and no API key belongs to. What is made at the same moment either keeps the app or
    /// is refused.
    pub async fn delete_app(&self, id: AppId) -> Result<DeletedApp, StoreError> {
        match self.db.execute(DELETE, vec![id.into()]).await {
            Ok(0) => Ok(DeletedApp::NotFound),
            Ok(_) => Ok(DeletedApp::Deleted),
            Err(StoreError::ForeignKey) => Ok(DeletedApp::InUse {
                clients: self.count(COUNT_CLIENTS, vec![id.into()]).await?,
                api_keys: self.count(api_keys::COUNT_OF_APP, vec![id.into()]).await?,
            }),
            Err(error) => Err(error),
        }
    }

    /// The person who looks after an app.
    pub async fn app_owner(&self, id: AppId) -> Result<Option<UserRecord>, StoreError> {
        let row = self.db.one(OWNER, &[id.into()]).await?;
        row.map(|row| read_user(&mut Columns::of(&row))).transpose()
    }
}
