//! What PostgreSQL says about its tables.

use super::options::TableOptions;
use super::schema::{Column, Kind, Reference, Schema, Table};
use crate::columns::Columns;
use crate::db::{Db, Row, Value};
use crate::error::StoreError;

/// Something that changes whenever a table of the schema does. A row of the catalogue that is written again has another
/// `xmin`.
const MARK: &str = "select concat_ws(':',
    (select sum(hashtext(concat(c.oid, ' ', c.xmin))::bigint) from pg_class c where c.relnamespace = n.oid),
    (select sum(hashtext(concat(a.attrelid, ' ', a.attnum, ' ', a.xmin))::bigint)
        from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = n.oid),
    (select sum(hashtext(concat(k.oid, ' ', k.xmin))::bigint) from pg_constraint k where k.connamespace = n.oid),
    (select count(*) from pg_enum))
    from pg_namespace n where n.nspname::text = $1::text";

/// A type with length -1 is what a cast needs: `character` alone would mean one character, and a cast to a length cuts
/// what is longer, where an assignment refuses it. So a domain is cast to the type below all domains.
const COLUMNS: &str =
    "select c.relname::text, c.relkind in ('v', 'm', 'f'), c.relkind in ('r', 'p'), a.attname::text,
    format_type(a.atttypid, a.atttypmod), format_type(b.oid, -1), b.typname::text, b.typcategory::text,
    not (a.attnotnull or d.required), a.atthasdef or a.attidentity <> '' or t.typdefault is not null,
    a.attgenerated <> '' or a.attidentity = 'a',
    case when b.typname in ('varchar', 'bpchar') and d.length > 4 then (d.length - 4)::bigint end,
    (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = b.oid)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    cross join lateral (
        with recursive below (oid, kind, base, length, required) as (
            select t.oid, t.typtype, t.typbasetype, greatest(a.atttypmod, t.typtypmod), t.typnotnull
            union all select u.oid, u.typtype, u.typbasetype, greatest(w.length, u.typtypmod),
                w.required or u.typnotnull
                from below w join pg_type u on u.oid = w.base where w.kind = 'd')
        select oid, length, required from below where kind <> 'd') d
    join pg_type b on b.oid = d.oid
    where n.nspname::text = $1::text and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
    and case when $2::text = '' then true else has_table_privilege($2::text::name, c.oid, 'select') end
    order by c.relname, a.attnum";

const KEYS: &str = "select c.relname::text, k.contype::text,
    (select array_agg(a.attname::text order by o.n) from unnest(k.conkey) with ordinality o (num, n)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.num),
    coalesce(f.relname::text, ''),
    (select array_agg(a.attname::text order by o.n) from unnest(k.confkey) with ordinality o (num, n)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.num)
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_class f on f.oid = k.confrelid
    where n.nspname::text = $1::text and k.contype in ('p', 'u', 'f')
    and (k.confrelid = 0 or f.relnamespace = n.oid)
    order by c.relname, k.conname";

/// Each table with each that it inherits from, however far. A partition is never shown by itself.
const HEIRS: &str = "with recursive above (heir, ancestor) as (
        select inhrelid, inhparent from pg_inherits
        union select a.heir, i.inhparent from above a join pg_inherits i on i.inhrelid = a.ancestor)
    select h.relname::text, f.relname::text from above a
    join pg_class h on h.oid = a.heir
    join pg_class f on f.oid = a.ancestor
    join pg_namespace n on n.oid = h.relnamespace and n.oid = f.relnamespace
    where n.nspname::text = $1::text and not h.relispartition and f.relkind <> 'i' and f.relkind <> 'I'";

/// Something that changes whenever a table does.
pub(super) async fn mark(db: &Db, options: &TableOptions) -> Result<String, StoreError> {
    let row = db.one(MARK, &[Value::from(&options.schema)]).await?;
    row.map_or(Ok(String::new()), |row| row.text(0).map(str::to_owned))
}

/// All tables that the role may read.
pub(super) async fn read(db: &Db, options: &TableOptions) -> Result<Schema, StoreError> {
    let role = options.role.clone().unwrap_or_default();
    let columns = db.many(COLUMNS, vec![Value::from(&options.schema), role.into()]).await?;
    let keys = db.many(KEYS, vec![Value::from(&options.schema)]).await?;
    let mut tables: Vec<Table> = Vec::new();
    for row in &columns {
        add_column(&mut tables, row)?;
    }
    for row in &keys {
        add_key(&mut tables, row)?;
    }
    let heirs = db.many(HEIRS, vec![Value::from(&options.schema)]).await?;
    let heirs = heirs.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())));
    Ok(Schema::new(tables).with_heirs(heirs.collect::<Result<_, StoreError>>()?))
}

fn add_column(tables: &mut Vec<Table>, row: &Row) -> Result<(), StoreError> {
    let mut cells = Columns::of(row);
    let name = cells.string()?;
    let (is_view, writable) = (cells.bool()?, cells.bool()?);
    if tables.last().is_none_or(|table| table.name != name) {
        tables.push(Table { name, is_view, writable, ..Table::default() });
    }
    let column = Column {
        name: cells.string()?,
        type_name: cells.string()?,
        cast: cells.string()?,
        kind: kind(cells.text()?, cells.text()?),
        nullable: cells.bool()?,
        has_default: cells.bool()?,
        default: None,
        generated: cells.bool()?,
        max_length: row.opt_int(11)?.and_then(|length| u32::try_from(length).ok()),
        choices: row.opt_list(12)?.unwrap_or_default(),
    };
    tables.last_mut().map(|table| table.columns.push(column)).unwrap_or_default();
    Ok(())
}

/// What a type is in JSON, by its name and its category in the catalogue.
fn kind(name: &str, category: &str) -> Kind {
    match (name, category) {
        ("int2" | "int4" | "int8" | "oid", _) => Kind::Integer,
        ("float4" | "float8" | "numeric", _) => Kind::Number,
        ("json" | "jsonb", _) => Kind::Json,
        ("bytea", _) => Kind::Bytes,
        (_, "B") => Kind::Boolean,
        (_, "A") => Kind::Array,
        (_, "C") => Kind::Composite,
        (_, "S" | "E") => Kind::Text,
        _ => Kind::Other,
    }
}

fn add_key(tables: &mut [Table], row: &Row) -> Result<(), StoreError> {
    let (name, sort) = (row.text(0)?, row.text(1)?);
    let Some(table) = tables.iter_mut().find(|table| table.name == name) else { return Ok(()) };
    let columns = row.opt_list(2)?.unwrap_or_default();
    let Some(columns) = columns.iter().map(|column| table.position(column)).collect::<Option<Vec<_>>>()
    else {
        return Ok(());
    };
    match sort {
        "p" => table.primary_key = columns,
        "u" => table.unique.push(columns),
        _ => {
            let to = row.opt_list(4)?.unwrap_or_default();
            table.references.push(Reference { columns, table: row.text(3)?.to_owned(), to });
        }
    }
    Ok(())
}
