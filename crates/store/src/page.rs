//! Pages of long lists.

use crate::Store;
use crate::columns::Columns;
use crate::db::Value;
use crate::error::StoreError;

/// The most rows on one page, whatever is asked for.
const MOST: u32 = 500;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// Counted from one; zero means the first page too.
    pub number: u32,
    /// Rows on one page: at least one, at most 500.
    pub per_page: u32,
}

impl Page {
    /// The parameter of `limit`.
    pub(crate) fn limit(self) -> Value {
        self.rows().into()
    }

    /// The parameter of `offset`.
    pub(crate) fn offset(self) -> Value {
        (i64::from(self.number.saturating_sub(1)) * i64::from(self.rows())).into()
    }

    fn rows(self) -> u32 {
        self.per_page.clamp(1, MOST)
    }
}

impl Store {
    /// The one number that a counting statement finds.
    pub(crate) async fn count(&self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        let rows = self.db.many(sql, params).await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt("a count without a row"))?;
        Columns::of(row).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_pages_are_brought_into_range() {
        let parts = |number, per_page| {
            let page = Page { number, per_page };
            (page.limit(), page.offset())
        };
        assert_eq!(parts(0, 20), (Value::Int(20), Value::Int(0)));
        assert_eq!(parts(3, 20), (Value::Int(20), Value::Int(40)));
        assert_eq!(parts(2, 0), (Value::Int(1), Value::Int(1)));
        assert_eq!(parts(u32::MAX, u32::MAX), (Value::Int(500), Value::Int(4_294_967_294 * 500)));
    }
}
