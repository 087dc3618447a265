//! SQLite: which tables take no writes, because a write could undo those of others.
//!
//! Many writes share a commit here. A deferred reference fails the commit of all, and what says `rollback` ends their
//! transaction from within. It is enough that a write leads there, by cascades and triggers, over however many tables.

use std::collections::HashSet;

use super::declaration::{names, says};
use crate::db::{Db, Row};
use crate::error::StoreError;

const DECLARATIONS: &str = "select type, tbl_name, coalesce(sql, '') from sqlite_schema
    where type in ('table', 'trigger')";

/// The tables that refer to another one, which that is, and whether something done there is done here too.
const REFERENCES: &str = "select l.name, f.\"table\",
    f.on_update not in ('NO ACTION', 'RESTRICT') or f.on_delete not in ('NO ACTION', 'RESTRICT')
    from pragma_table_list l join pragma_foreign_key_list(l.name) f
    where l.schema = 'main' and l.type = 'table' and f.seq = 0";

/// What a write to a table may become.
enum Way {
    /// A write to the table that a cascade leads to.
    Cascade(String),
    /// A write to whatever the text of a trigger names.
    Trigger(String),
}

/// What the declarations say, all names in lower case.
#[derive(Default)]
struct Declared {
    /// Tables with a deferred reference.
    deferred: HashSet<String>,
    /// Tables with `on conflict rollback`. A write of ours says `or abort`, which overrules that; what a trigger does
    /// after a delete may not, so the way there is closed and the table is not.
    touchy: HashSet<String>,
    /// Tables with a trigger that rolls back.
    strict: HashSet<String>,
    ways: Vec<(String, Way)>,
}

/// The names of these tables, in lower case. Views may be among them.
pub(super) async fn frozen(db: &Db) -> Result<HashSet<String>, StoreError> {
    let mut declared = Declared::default();
    for row in &db.many(DECLARATIONS, vec![]).await? {
        declared.add(row.text(0)? == "trigger", lower(row, 1)?, row.text(2)?);
    }
    let Declared { deferred, touchy, strict, mut ways } = declared;
    let mut frozen: HashSet<String> = deferred.union(&strict).cloned().collect();
    for row in &db.many(REFERENCES, vec![]).await? {
        let (child, parent) = (lower(row, 0)?, lower(row, 1)?);
        // A row that is gone counts at the commit as one that is not there yet.
        if deferred.contains(&child) {
            frozen.insert(parent.clone());
        }
        if row.bool(2)? {
            ways.push((parent, Way::Cascade(child)));
        }
    }
    Ok(spread(frozen, &touchy, &ways))
}

impl Declared {
    fn add(&mut self, is_trigger: bool, table: String, declaration: &str) {
        let rolls_back = says(declaration, "rollback");
        if is_trigger {
            self.ways.push((table.clone(), Way::Trigger(declaration.to_ascii_lowercase())));
            if rolls_back {
                self.strict.insert(table);
            }
            return;
        }
        if rolls_back {
            self.touchy.insert(table.clone());
        }
        if says(declaration, "deferred") {
            self.deferred.insert(table);
        }
    }
}

/// Adds every table from which there is a way to one of these.
fn spread(mut frozen: HashSet<String>, touchy: &HashSet<String>, ways: &[(String, Way)]) -> HashSet<String> {
    loop {
        let is_bad = |way: &Way| match way {
            Way::Cascade(table) => frozen.contains(table) || touchy.contains(table),
            Way::Trigger(text) => frozen.union(touchy).any(|table| names(text, table)),
        };
        let found = ways.iter().filter(|(from, way)| !frozen.contains(from) && is_bad(way));
        let found: Vec<String> = found.map(|(from, _)| from.clone()).collect();
        if found.is_empty() {
            return frozen;
        }
        frozen.extend(found);
    }
}

fn lower(row: &Row, column: usize) -> Result<String, StoreError> {
    row.text(column).map(str::to_ascii_lowercase)
}
