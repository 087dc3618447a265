//! The audit trail: security events, which outlive what they speak of.

use ayb_protocol::ids::UserId;
use ayb_protocol::time::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::Store;
use crate::columns::Columns;
use crate::db::{Row, Value};
use crate::error::StoreError;
use crate::page::Page;

/// One event. It never holds a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditEntry {
    /// Its identifier.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, as a word with dots: `client.revoked`.
    pub event: String,
    /// Who did it: `admin`, `user`, `client`, `system`.
    pub actor: Option<String>,
    /// Which client it is about.
    pub client_id: Option<String>,
    /// Which person it is about.
    pub user_id: Option<UserId>,
    /// The address that it came from.
    pub ip: Option<String>,
    /// What else there is to say.
    pub detail: Option<Json>,
}

/// Which events are wanted; what is not said does not matter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuditFilter {
    /// What happened.
    pub event: Option<String>,
    /// Which client it is about.
    pub client_id: Option<String>,
    /// Which person it is about.
    pub user_id: Option<UserId>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
    /// Earlier than this.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    /// The conditions in SQL, and their parameters.
    fn conditions(&self) -> (String, Vec<Value>) {
        let wishes: [(&str, Value); 5] = [
            ("event =", self.event.as_ref().into()),
            ("client_id =", self.client_id.as_ref().into()),
            ("user_id =", self.user_id.into()),
            ("at >=", self.since.into()),
            ("at <", self.until.into()),
        ];
        let (mut sql, mut params) = (String::new(), Vec::new());
        for (column, value) in wishes {
            if value == Value::Null {
                continue;
            }
            params.push(value);
            let word = if params.len() == 1 { "where" } else { "and" };
            sql.push_str(&format!(" {word} {column} ${}", params.len()));
        }
        (sql, params)
    }
}

fn read_entry(row: &Row) -> Result<AuditEntry, StoreError> {
    let mut columns = Columns::of(row);
    Ok(AuditEntry {
        id: columns.uuid()?,
        at: columns.time()?,
        event: columns.string()?,
        actor: columns.opt_string()?,
        client_id: columns.opt_string()?,
        user_id: columns.opt_uuid()?.map(UserId),
        ip: columns.opt_string()?,
        detail: columns
            .opt_text()?
            .map(serde_json::from_str)
            .transpose()
            .map_err(|_| columns.corrupt("not JSON"))?,
    })
}

const INSERT: &str = "insert into _ayb_audit (id, at, event, actor, client_id, user_id, ip, detail)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

impl Store {
    /// Adds an event to the trail.
    pub async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let row = vec![
            entry.id.into(),
            entry.at.into(),
            (&entry.event).into(),
            entry.actor.as_ref().into(),
            entry.client_id.as_ref().into(),
            entry.user_id.into(),
            entry.ip.as_ref().into(),
            entry.detail.as_ref().map(Json::to_string).into(),
        ];
        self.db.append(INSERT, row).await?;
        Ok(())
    }

    /// One page of the events that `filter` lets through, latest first, and how many there are.
    pub async fn list_audit(
        &self,
        page: Page,
        filter: &AuditFilter,
    ) -> Result<(Vec<AuditEntry>, u64), StoreError> {
        let (conditions, mut params) = filter.conditions();
        let count = format!("select count(*) from _ayb_audit{conditions}");
        let total = self.db.many(count, params.clone()).await?;
        let total = total.first().map_or(Ok(0), |row| Columns::of(row).count())?;
        let (limit, offset) = (params.len() + 1, params.len() + 2);
        let list = format!(
            "select id, at, event, actor, client_id, user_id, ip, detail from _ayb_audit{conditions}
             order by at desc, id desc limit ${limit} offset ${offset}"
        );
        params.extend([page.limit(), page.offset()]);
        let rows = self.db.many(list, params).await?;
        Ok((rows.iter().map(read_entry).collect::<Result<_, _>>()?, total))
    }
}
