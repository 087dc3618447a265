//! What is lost when migrations are taken back, before they are.

use super::{Db, MIGRATIONS, MigrateError, Migration, quoted, status};

/// What one migration takes with it when it is taken back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loss {
    /// The migration's file name, without its ending.
    pub migration: &'static str,
    /// The table that goes, or that loses a column.
    pub table: &'static str,
    /// The column that goes, if it is not the whole table.
    pub column: Option<&'static str>,
    /// How many rows the table has.
    pub rows: u64,
}

/// What taking back the last `count` migrations takes away, in the order in which it goes.
///
/// # Errors
/// As [`status`], and when the database cannot be asked.
pub async fn losses(db: &Db, count: usize) -> Result<Vec<Loss>, MigrateError> {
    let status = status(db).await?;
    let applied = |migration: &&Migration| {
        status.iter().any(|entry| entry.name == migration.name && entry.applied_at.is_some())
    };
    let mut losses = Vec::new();
    for migration in MIGRATIONS.iter().rev().filter(applied).take(count) {
        for (table, column) in dropped(migration.script(db.engine()).down) {
            let text = format!("select count(*) from {}", quoted(table));
            let rows = db.many(text, Vec::new()).await?;
            let rows = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
            let rows = u64::try_from(rows).unwrap_or(0);
            losses.push(Loss { migration: migration.name, table, column, rows });
        }
    }
    Ok(losses)
}

/// The tables and columns that a script drops.
fn dropped(script: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    script.split(';').filter_map(|statement| {
        let words: Vec<&'static str> = statement.split_whitespace().collect();
        match words[..] {
            ["drop", "table", table] => Some((table, None)),
            ["alter", "table", table, "drop", "column", column] => Some((table, Some(column))),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_that_is_taken_back_says_what_goes() {
        for migration in MIGRATIONS {
            for script in [migration.sqlite.down, migration.postgres.down] {
                let statements = script.split(';').filter(|statement| !statement.trim().is_empty()).count();
                assert_eq!(dropped(script).count(), statements, "{}", migration.name);
            }
        }
        let column = dropped("alter table _ayb_apps drop column allowed_origins;\n").next();
        assert_eq!(column, Some(("_ayb_apps", Some("allowed_origins"))));
    }
}
