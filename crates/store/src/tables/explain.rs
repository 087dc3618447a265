//! From what the database has against a statement to what the caller hears.

use super::change::Places;
use super::error::{BatchError, TableError};
use super::reference::NO_REFERENCE;
use super::run::{Question, Tables};
use super::schema::Column;
use super::sql::trial;
use crate::db::{Behalf, Failed, Refused, Value};
use crate::error::StoreError;

/// What the caller hears about a value that its column does not take.
pub(super) const UNFIT: &str = "this value does not fit its column";
const NO_OPERATOR: &str = "the type of a column does not know this comparison or order";
/// What the caller hears when a trigger or another rule of the operator says no.
pub(super) const RULE: TableError =
    TableError::Value { field: None, message: "a rule of the database refuses this" };

impl Tables {
    /// What the caller hears. PostgreSQL does not say which value did not fit, so the values are tried one by one.
    pub(super) async fn explained(&self, behalf: &Behalf, failed: Failed, question: &Question) -> BatchError {
        let Failed { index, refused } = failed;
        let places = index.and_then(|index| question.places.get(index));
        let statement = index.and_then(|index| question.statements.get(index));
        let params = statement.map_or(&[][..], |statement| statement.params.as_slice());
        let purpose = index.and_then(|index| question.purposes.get(index));
        let outdated = refused == Refused::Outdated;
        let error = match meaning(refused) {
            TableError::NoRow if purpose.is_some_and(|purpose| purpose.is_check) => NO_REFERENCE,
            TableError::Value { field: None, message } => match places {
                Some(places) => {
                    self.blamed(behalf, places, params, message).await.unwrap_or_else(TableError::from)
                }
                None => TableError::Value { field: None, message },
            },
            // The tables were read again and are what they were: it is a value that names what is not there, such as a
            // table in a column of type `regclass`.
            TableError::Store(error) if outdated => match places {
                Some(places) => self.named(behalf, places, params).await.unwrap_or(TableError::Store(error)),
                None if params.is_empty() => error.into(),
                None => TableError::Value { field: None, message: UNFIT },
            },
            error => error,
        };
        BatchError { index: purpose.map_or(index, |purpose| Some(purpose.operation)), error }
    }

    /// The column whose value is at fault, if one is. A key that no row can have is one that no row has.
    async fn blamed(
        &self,
        behalf: &Behalf,
        places: &Places,
        params: &[Value],
        message: &'static str,
    ) -> Result<TableError, StoreError> {
        let field = self.unfit(behalf, &places.fields, params).await?;
        if field.is_none() && self.unfit(behalf, &places.key, params).await?.is_some() {
            return Ok(TableError::NoRow);
        }
        let message = if field.is_some() && message == NO_OPERATOR { UNFIT } else { message };
        Ok(TableError::Value { field, message })
    }

    /// What the value at fault makes of the request; none when none is.
    async fn named(&self, behalf: &Behalf, places: &Places, params: &[Value]) -> Option<TableError> {
        match self.blamed(behalf, places, params, UNFIT).await {
            Ok(TableError::Value { field: None, .. }) | Err(_) => None,
            Ok(error) => Some(error),
        }
    }

    /// The first column that does not take its value by itself.
    async fn unfit(
        &self,
        behalf: &Behalf,
        fields: &[(Column, usize)],
        params: &[Value],
    ) -> Result<Option<String>, StoreError> {
        let given = fields.iter().filter_map(|(column, at)| Some((column, params.get(*at)?.clone())));
        let given: Vec<_> = given.collect();
        let trials: Vec<_> =
            given.iter().map(|(column, value)| trial(self.db(), column, value.clone())).collect();
        let found = self.db().unfit_dynamic(behalf, &trials).await?;
        Ok(found.and_then(|at| given.get(at)).map(|(column, _)| column.name.clone()))
    }
}

fn meaning(refused: Refused) -> TableError {
    let value = |field, message| TableError::Value { field, message };
    match refused {
        Refused::NoRow => TableError::NoRow,
        Refused::Value { column } => value(column, UNFIT),
        Refused::Null { column } => value(column, "this column needs a value"),
        Refused::Check { .. } => value(None, "a check of the table refuses this row"),
        Refused::Operator => value(None, NO_OPERATOR),
        Refused::Rule => RULE,
        Refused::Duplicate { .. } => TableError::Conflict("another row has the same key"),
        Refused::Reference => NO_REFERENCE,
        Refused::Exhausted => {
            TableError::Conflict("the table has no number left for another row: its counter is at its end")
        }
        Refused::TooLarge => TableError::TooLarge,
        Refused::Privilege => TableError::Forbidden("the database does not allow this"),
        Refused::Outdated => StoreError::unavailable("the tables changed twice").into(),
        Refused::Store(error) => error.into(),
    }
}
