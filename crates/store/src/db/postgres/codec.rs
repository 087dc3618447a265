//! Values, rows and errors of PostgreSQL.

use std::error::Error;

use ayb_protocol::hex;
use ayb_protocol::time::Timestamp;
use bytes::{BufMut, BytesMut};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::db::row::mismatch;
use crate::db::{Refused, Value};
use crate::error::StoreError;

/// Milliseconds from the Unix epoch to PostgreSQL's own, 2000-01-01.
const EPOCH: i64 = 946_684_800_000;

type Failure = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match (self, ty) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Int(number), &Type::INT2) => out.put_i16(i16::try_from(*number)?),
            (Self::Int(number), &Type::INT4) => out.put_i32(i32::try_from(*number)?),
            (Self::Int(number), &Type::INT8) => out.put_i64(*number),
            (Self::Real(number), &Type::FLOAT8) => out.put_f64(*number),
            (Self::Bool(flag), &Type::BOOL) => out.put_u8((*flag).into()),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::JSON)
            | (Self::Json(text), &Type::TEXT) => {
                out.put_slice(text.as_bytes());
            }
            (Self::Text(text), &Type::JSONB) => {
                out.put_u8(JSONB_VERSION);
                out.put_slice(text.as_bytes());
            }
            (Self::Hex(prefix, bytes), &Type::TEXT | &Type::VARCHAR) => {
                out.put_slice(prefix.as_bytes());
                out.put_slice(hex::encode(bytes).as_bytes());
            }
            (Self::Uuid(id), &Type::UUID) => out.put_slice(id.as_bytes()),
            (Self::Uuids(ids), &Type::UUID_ARRAY) => return ids.to_sql(ty, out),
            (Self::Time(time), &Type::TIMESTAMPTZ) => {
                out.put_i64(micros(*time).ok_or("a time out of range")?);
            }
            (Self::List(list), &Type::TEXT_ARRAY | &Type::VARCHAR_ARRAY) => return list.to_sql(ty, out),
            (Self::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            _ => return Err(format!("{self:?} for a parameter of type {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The first byte of a binary `jsonb`.
const JSONB_VERSION: u8 = 1;

fn micros(time: Timestamp) -> Option<i64> {
    time.as_millis().checked_sub(EPOCH)?.checked_mul(1000)
}

struct Text<'a>(&'a str);

impl<'a> FromSql<'a> for Text<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        let raw = if *ty == Type::JSONB { raw.get(1..).unwrap_or_default() } else { raw };
        Ok(Self(std::str::from_utf8(raw)?))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::JSONB)
    }
}

struct Int(i64);

impl<'a> FromSql<'a> for Int {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(match *ty {
            Type::INT2 => i16::from_sql(ty, raw)?.into(),
            Type::INT4 => i32::from_sql(ty, raw)?.into(),
            _ => i64::from_sql(ty, raw)?,
        }))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT2 | Type::INT4 | Type::INT8)
    }
}

struct Time(Timestamp);

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        if micros == i64::MAX || micros == i64::MIN {
            return Err("an infinite time".into());
        }
        Ok(Self(Timestamp::from_millis(micros.div_euclid(1000) + EPOCH)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// A row as it came over the wire.
pub(in crate::db) struct Cells(pub(super) tokio_postgres::Row);

impl Cells {
    fn cell<'a, T: FromSql<'a>>(&'a self, column: usize, expected: &str) -> Result<Option<T>, StoreError> {
        self.0.try_get(column).map_err(|_| mismatch(column, expected))
    }

    pub(in crate::db) fn text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        Ok(self.cell::<Text<'_>>(column, "text")?.map(|text| text.0))
    }

    pub(in crate::db) fn int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        Ok(self.cell::<Int>(column, "a whole number")?.map(|number| number.0))
    }

    pub(in crate::db) fn bool(&self, column: usize) -> Result<Option<bool>, StoreError> {
        self.cell(column, "a truth value")
    }

    pub(in crate::db) fn uuid(&self, column: usize) -> Result<Option<Uuid>, StoreError> {
        self.cell(column, "an identifier")
    }

    pub(in crate::db) fn hex(&self, column: usize, prefix: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        let bytes = text.strip_prefix(prefix).and_then(|digits| hex::decode(digits).ok());
        bytes.map(Some).ok_or_else(|| mismatch(column, "hexadecimal"))
    }

    pub(in crate::db) fn time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.cell::<Time>(column, "a point in time")?.map(|time| time.0))
    }

    pub(in crate::db) fn list(&self, column: usize) -> Result<Option<Vec<String>>, StoreError> {
        self.cell(column, "a list of texts")
    }

    pub(in crate::db) fn bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        self.cell(column, "bytes")
    }
}

/// What a driver's error means to the store. PostgreSQL's details quote values and are left out.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn error(error: tokio_postgres::Error) -> StoreError {
    let Some(answer) = error.as_db_error() else {
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        return StoreError::unavailable(format!("postgresql: {error}{cause}"));
    };
    let constraint = || answer.constraint().or(answer.column()).unwrap_or_default().to_owned();
    match answer.code() {
        &SqlState::UNIQUE_VIOLATION => StoreError::Duplicate { constraint: constraint() },
        &SqlState::FOREIGN_KEY_VIOLATION | &SqlState::RESTRICT_VIOLATION => StoreError::ForeignKey,
        &SqlState::CHECK_VIOLATION | &SqlState::NOT_NULL_VIOLATION => {
            StoreError::Check { constraint: constraint() }
        }
        code if code.code().starts_with("22") => {
            StoreError::corrupt(format!("a value does not fit its column: {}", code.code()))
        }
        code => StoreError::unavailable(format!("postgresql {}: {}", code.code(), answer.message())),
    }
}

/// The classes of errors that no row and no rule of the operator causes (PostgreSQL, Appendix A).
const OURS: [&str; 18] = [
    "08", "25", "26", "28", "34", "3B", "3D", "3F", "40", "42", "53", "55", "57", "58", "72", "F0", "HV",
    "XX",
];

/// What PostgreSQL has against a statement over the tables of others.
pub(super) fn refusal(failure: tokio_postgres::Error) -> Refused {
    let Some(answer) = failure.as_db_error() else { return Refused::Store(error(failure)) };
    let column = || answer.column().map(str::to_owned);
    let constraint = || answer.constraint().unwrap_or_default().to_owned();
    match answer.code().code() {
        "23505" | "23P01" => Refused::Duplicate { constraint: constraint() },
        "23503" | "23001" => Refused::Reference,
        "23502" => Refused::Null { column: column() },
        "23514" => Refused::Check { constraint: constraint() },
        // No such function or operator, no such cast, no type to guess.
        // What is not supported is tried a second time, with statements prepared anew; then it is the type's fault.
        "42883" | "42846" | "42804" | "42725" | "42P18" | "0A000" => Refused::Operator,
        "42501" => Refused::Privilege,
        "42P01" | "42703" | "3F000" | "42704" | "26000" => Refused::Outdated,
        // A generated column, a view that takes no writes or whose functions write.
        "428C9" | "55000" | "25006" => Refused::Rule,
        // Text that is no query, no path, no name: a statement that is wrong itself is told when it is prepared.
        "42601" | "42602" => Refused::Value { column: column() },
        code if code.starts_with("22") => Refused::Value { column: column() },
        code if OURS.contains(&code.get(..2).unwrap_or_default()) => Refused::Store(error(failure)),
        // `with check option`, a bound of PostgreSQL, or the exception of a trigger, which may have a code of its own.
        _ => Refused::Rule,
    }
}

/// The transaction lost against another one and may simply run again.
pub(super) fn lost_race(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// The server does not know the prepared statement any more, or its tables have changed since.
pub(super) fn outdated(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::INVALID_SQL_STATEMENT_NAME | &SqlState::FEATURE_NOT_SUPPORTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_outside_the_range_are_refused_and_not_wrapped() {
        assert_eq!(micros(Timestamp::from_millis(EPOCH + 1)), Some(1000));
        assert_eq!(micros(Timestamp::from_millis(-1)), Some(-946_684_800_001_000));
        assert_eq!(micros(Timestamp::from_millis(i64::MAX)), None);
        assert_eq!(micros(Timestamp::from_millis(i64::MIN)), None);
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_name_only() {
        let mut out = BytesMut::new();
        let refused =
            Value::from("secret").to_sql(&Type::UUID, &mut out).err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), Some("Text for a parameter of type uuid"));
        assert!(Value::Int(1 << 40).to_sql(&Type::INT4, &mut out).is_err());
    }
}
