//! What columns mean: from a row to the words of the protocol, and back to parameters.

use ayb_protocol::claims::ClaimsRequest;
use ayb_protocol::ids::{ApiKeyId, AppId, ClientId, GrantId, SessionId, UserId};
use ayb_protocol::scope::{GrantedScope, Scope};
use ayb_protocol::secret::SecretHash;
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::Timestamp;
use uuid::Uuid;

use crate::db::{Row, Value};
use crate::error::StoreError;

/// The columns of a row, read from left to right in the order of the statement's list.
pub(crate) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    fn step(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    pub(crate) fn text(&mut self) -> Result<&'r str, StoreError> {
        self.row.text(self.step())
    }

    pub(crate) fn string(&mut self) -> Result<String, StoreError> {
        self.text().map(str::to_owned)
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<&'r str>, StoreError> {
        self.row.opt_text(self.step())
    }

    pub(crate) fn opt_string(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.opt_text()?.map(str::to_owned))
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.row.int(self.step())
    }

    /// A number that cannot be negative.
    pub(crate) fn count(&mut self) -> Result<u64, StoreError> {
        u64::try_from(self.int()?).map_err(|_| self.corrupt("a negative count"))
    }

    pub(crate) fn bool(&mut self) -> Result<bool, StoreError> {
        self.row.bool(self.step())
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, StoreError> {
        self.row.uuid(self.step())
    }

    pub(crate) fn opt_uuid(&mut self) -> Result<Option<Uuid>, StoreError> {
        self.row.opt_uuid(self.step())
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.row.time(self.step())
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.row.opt_time(self.step())
    }

    pub(crate) fn list(&mut self) -> Result<Vec<String>, StoreError> {
        self.row.list(self.step())
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.row.bytes(self.step()).map(<[u8]>::to_vec)
    }

    pub(crate) fn client_id(&mut self) -> Result<ClientId, StoreError> {
        let bytes = self.row.hex(self.step(), ClientId::PREFIX)?;
        let bytes: Result<[u8; ClientId::BYTES], _> = bytes.try_into();
        bytes.map(|bytes| ClientId::from_bytes(&bytes)).map_err(|_| self.corrupt("not a client id"))
    }

    pub(crate) fn hash<K>(&mut self) -> Result<SecretHash<K>, StoreError> {
        self.opt_hash()?.ok_or_else(|| self.corrupt("not a hash"))
    }

    pub(crate) fn opt_hash<K>(&mut self) -> Result<Option<SecretHash<K>>, StoreError> {
        let Some(bytes) = self.row.opt_hex(self.step(), "")? else { return Ok(None) };
        let bytes: Result<[u8; 32], _> = bytes.try_into();
        bytes.map(|bytes| Some(SecretHash::from_stored(bytes))).map_err(|_| self.corrupt("not a hash"))
    }

    pub(crate) fn scope(&mut self) -> Result<Scope, StoreError> {
        Scope::parse(self.text()?).map_err(|_| self.corrupt("not a scope"))
    }

    pub(crate) fn granted_scope(&mut self) -> Result<GrantedScope, StoreError> {
        GrantedScope::from_stored(self.text()?).map_err(|_| self.corrupt("not a scope"))
    }

    /// NULL means every table; an empty list would mean none, which nobody can have written.
    pub(crate) fn tables(&mut self) -> Result<AllowedTables, StoreError> {
        let names = self.row.opt_list(self.step())?;
        if names.as_ref().is_some_and(Vec::is_empty) {
            return Err(self.corrupt("an empty list of tables"));
        }
        Ok(AllowedTables::from_stored(names))
    }

    pub(crate) fn claims(&mut self) -> Result<ClaimsRequest, StoreError> {
        let Some(text) = self.opt_text()? else { return Ok(ClaimsRequest::default()) };
        serde_json::from_str(text).map_err(|_| self.corrupt("not a claims request"))
    }

    /// The value of `parse`, which knows all words that the column may hold.
    pub(crate) fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(self.text()?).ok_or_else(|| self.corrupt("an unknown word"))
    }

    /// The error of the column that was read last.
    pub(crate) fn corrupt(&self, what: &str) -> StoreError {
        StoreError::corrupt(format!("{what} in column {}", self.next.saturating_sub(1)))
    }
}

macro_rules! parameters {
    ($($source:ty => |$word:ident| $value:expr;)+) => {
        $(impl From<$source> for Value {
            fn from($word: $source) -> Self {
                $value
            }
        })+
    };
}

parameters! {
    UserId => |id| id.0.into();
    AppId => |id| id.0.into();
    ApiKeyId => |id| id.0.into();
    GrantId => |id| id.0.into();
    SessionId => |id| id.0.into();
    &ClientId => |id| Value::Hex(ClientId::PREFIX, id.bytes().to_vec());
    &Scope => |scope| scope.to_string().into();
    &GrantedScope => |scope| scope.to_string().into();
    &AllowedTables => |tables| tables.to_stored().into();
    &ClaimsRequest => |claims| claims_text(claims).into();
}

impl<K> From<SecretHash<K>> for Value {
    fn from(hash: SecretHash<K>) -> Self {
        Self::Hex("", hash.to_stored().to_vec())
    }
}

fn claims_text(claims: &ClaimsRequest) -> Option<String> {
    let text = serde_json::json!({
        "userinfo": claims.userinfo,
        "id_token": claims.id_token,
        "auth_time": claims.auth_time,
        "sub": claims.sub,
    });
    (!claims.is_empty()).then(|| text.to_string())
}
