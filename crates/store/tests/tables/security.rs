//! Whose rows somebody sees and writes.

use std::collections::BTreeMap;

use ayb_protocol::scope::ResourceScope;
use ayb_protocol::tables::AllowedTables;
use ayb_provider::access::{Access, Denied};
use ayb_store::db::{Db, Engine};
use ayb_store::tables::{Asker, ListAsk, Operation, RoleProblem, TableError, TableOptions, Tables};
use serde_json::{Value, json};

use super::kit::{anybody, ask, cells, change_as, filtered, list, one, rows, stocked};
use crate::kit::each;

pub(super) const ADA: &str = "0190a0e0-0000-7000-8000-00000000000a";
pub(super) const BOB: &str = "0190a0e0-0000-7000-8000-00000000000b";

pub(super) fn person(id: &str) -> Asker<'static> {
    Asker { user_id: Some(id.to_owned()), user_email: format!("{id}@example.com"), ..anybody() }
}

pub(super) async fn seen(tables: &Tables, asker: &Asker<'_>, table: &str) -> Vec<Value> {
    rows(&tables.list(asker, table, &ask()).await.unwrap()).iter().map(|row| row["text"].clone()).collect()
}

pub(super) async fn write(
    tables: &Tables,
    asker: &Asker<'_>,
    table: &str,
    row: Value,
) -> Result<Value, TableError> {
    one(change_as(asker, tables, table, vec![Operation::Create { cells: cells(&row) }]).await)
}

/// Notes with owners, and comments that refer to them.
pub(super) async fn notes(db: Db) -> Tables {
    let owner = if db.engine() == Engine::Postgres { "uuid" } else { "text" };
    let script = [
        format!("create table notes (id integer primary key, owner_id {owner} not null, text text unique)"),
        "create table comments (id integer primary key, note_id integer references notes (id), text text)"
            .to_owned(),
    ];
    for statement in script {
        db.execute(statement.leak(), vec![]).await.unwrap();
    }
    let owners = BTreeMap::from([("notes".to_owned(), "owner_id".to_owned())]);
    Tables::new(db, TableOptions { schema: "public".to_owned(), owners, ..TableOptions::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_an_owner_are_their_owners_alone() {
    each(async |db| {
        let tables = notes(db).await;
        let (ada, bob) = (person(ADA), person(BOB));
        let made = write(&tables, &ada, "notes", json!({"id": 1, "text": "ada's"})).await.unwrap();
        assert_eq!(made["owner_id"], ADA, "filled in");
        write(&tables, &bob, "notes", json!({"id": 2, "text": "bob's", "owner_id": BOB})).await.unwrap();
        let stolen = write(&tables, &bob, "notes", json!({"id": 3, "text": "x", "owner_id": ADA})).await;
        assert!(
            matches!(stolen, Err(TableError::Value { field: Some(ref field), .. }) if field == "owner_id")
        );
        assert_eq!(seen(&tables, &ada, "notes").await, ["ada's"]);
        assert_eq!(seen(&tables, &bob, "notes").await, ["bob's"]);
        assert!(seen(&tables, &anybody(), "notes").await.is_empty(), "nobody owns nothing");
        let nobody = write(&tables, &anybody(), "notes", json!({"id": 4, "text": "x"})).await;
        assert!(matches!(nobody, Err(TableError::Forbidden(_))));
        let first = || vec!["1".to_owned()];
        for operation in [
            Operation::Update { id: first(), cells: cells(&json!({"text": "x"})) },
            Operation::Update { id: first(), cells: vec![] },
            Operation::Replace { id: first(), cells: cells(&json!({"text": "x"})) },
            Operation::Delete { id: first() },
        ] {
            let outcome = one(change_as(&bob, &tables, "notes", vec![operation.clone()]).await);
            assert_eq!(outcome, Err(TableError::NoRow), "{operation:?}");
        }
        assert_eq!(tables.one(&bob, "notes", &first(), None, &[]).await, Err(TableError::NoRow));
        let give = Operation::Update { id: first(), cells: cells(&json!({"owner_id": BOB})) };
        assert!(one(change_as(&ada, &tables, "notes", vec![give]).await).is_err());
        let count = tables.list(&bob, "notes", &ListAsk { count: true, ..ask() }).await.unwrap().total;
        assert_eq!(count, Some(1), "and nobody counts the rows of others");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_around_leads_to_the_rows_of_another() {
    each(async |db| {
        let tables = notes(db).await;
        let (ada, bob) = (person(ADA), person(BOB));
        write(&tables, &ada, "notes", json!({"id": 1, "text": "ada's"})).await.unwrap();
        write(&tables, &ada, "comments", json!({"id": 1, "note_id": 1, "text": "c"})).await.unwrap();
        let expanded = ListAsk { expand: vec![vec!["note_id".to_owned()]], ..ask() };
        let read = async |asker: &Asker<'_>| rows(&tables.list(asker, "comments", &expanded).await.unwrap());
        assert_eq!(read(&bob).await[0]["expand"]["note_id"], Value::Null);
        assert_eq!(read(&ada).await[0]["expand"]["note_id"]["text"], "ada's");
        for (asker, expected) in [(&bob, 0), (&ada, 1)] {
            let found = tables.list(asker, "comments", &filtered("note_id.text like 'a%'")).await.unwrap();
            assert_eq!(found.items.len(), expected);
            let search = ListAsk { search: Some("ada".to_owned()), ..ask() };
            assert_eq!(tables.list(asker, "notes", &search).await.unwrap().items.len(), expected);
            let all = tables.list(asker, "notes", &filtered("id = 1 or id != 1")).await.unwrap();
            assert_eq!(all.items.len(), expected, "an `or` does not reach past the owner");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_owner_column_is_gone_is_not_there() {
    each(async |db| {
        let tables = notes(db.clone()).await;
        db.execute("alter table notes drop column owner_id", vec![]).await.unwrap();
        assert_eq!(tables.list(&person(ADA), "notes", &ask()).await, Err(TableError::UnknownTable));
        assert!(tables.list(&person(ADA), "comments", &ask()).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_reaches_its_own_tables_by_no_other_way() {
    each(async |db| {
        let tables = stocked(db).await;
        let only = AllowedTables::from_stored(Some(vec!["books".to_owned(), "missing".to_owned()]));
        let small = Asker { access: Access::new(Some(ResourceScope::Readonly), &only), ..anybody() };
        let not_allowed = TableError::Denied(Denied::TableNotAllowed);
        assert!(tables.list(&small, "books", &ask()).await.is_ok());
        assert_eq!(tables.list(&small, "missing", &ask()).await, Err(TableError::UnknownTable));
        for table in ["authors", "nowhere", "_ayb_users"] {
            assert_eq!(tables.list(&small, table, &ask()).await, Err(not_allowed.clone()), "{table}");
        }
        let expanded = ListAsk { expand: vec![vec!["author_id".to_owned()]], ..ask() };
        assert_eq!(tables.list(&small, "books", &expanded).await, Err(not_allowed.clone()));
        let through = filtered("author_id.name = 'Ada'");
        assert_eq!(tables.list(&small, "books", &through).await, Err(not_allowed));
        let row = json!({"id": 9, "title": "x"});
        let refused = write(&tables, &small, "books", row).await;
        assert_eq!(
            refused,
            Err(TableError::Denied(Denied::InsufficientScope { would_do: ResourceScope::Readwrite }))
        );
    })
    .await;
}

/// PostgreSQL with policies that read the settings of the transaction.
async fn policies(db: &Db) -> Tables {
    ayb_store::db::migrate::up(db).await.unwrap();
    for statement in [
        "create table diary (id serial primary key, owner text not null default current_setting('ayb.user_id', true), text text)",
        "alter table diary enable row level security",
        "create policy own on diary using (owner = current_setting('ayb.user_id', true) and owner <> '')",
        "create table told (id serial primary key, line text default concat_ws('|', current_setting('ayb.user_id'),
         current_setting('ayb.user_email'), current_setting('ayb.client_id'), current_setting('ayb.scope'), current_user))",
    ] {
        db.execute(statement, vec![]).await.unwrap();
    }
    let role = db
        .one("select 'ayb_' || current_database()", &[])
        .await
        .unwrap()
        .unwrap()
        .text(0)
        .unwrap()
        .to_owned();
    let options = TableOptions { schema: "public".to_owned(), role: Some(role), ..TableOptions::default() };
    Tables::new(db.clone(), options)
}

async fn drop_role(db: &Db, tables: &Tables) {
    let role = tables.options().role.clone().unwrap();
    let script = format!("drop owned by \"{role}\"; drop role \"{role}\"");
    db.script_dynamic(script).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_postgresql_hold_for_the_person_who_asks() {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        let tables = policies(&db).await;
        tables.prepare_role().await.unwrap();
        tables.prepare_role().await.unwrap();
        let (ada, bob) = (person(ADA), person(BOB));
        write(&tables, &ada, "diary", json!({"text": "ada's"})).await.unwrap();
        assert_eq!(seen(&tables, &ada, "diary").await, ["ada's"]);
        assert!(
            seen(&tables, &bob, "diary").await.is_empty()
                && seen(&tables, &anybody(), "diary").await.is_empty()
        );
        let forged = write(&tables, &bob, "diary", json!({"text": "x", "owner": ADA})).await;
        assert!(matches!(forged, Err(TableError::Forbidden(_))), "{forged:?}");
        let client =
            Asker { client_id: "ayb_cid_1".to_owned(), scope: "readwrite".to_owned(), ..ada.clone() };
        let role = tables.options().role.clone().unwrap();
        let told = write(&tables, &client, "told", json!({})).await.unwrap();
        assert_eq!(told["line"], format!("{ADA}|{ADA}@example.com|ayb_cid_1|readwrite|{role}"));
        let told = write(&tables, &anybody(), "told", json!({})).await.unwrap();
        assert_eq!(told["line"], format!("||||{role}"), "nothing of the one before is left");
        let me = db
            .one("select current_user::text, current_setting('ayb.user_id', true)", &[])
            .await
            .unwrap()
            .unwrap();
        assert_ne!(me.text(0).unwrap(), role, "the connection is its own again");
        drop_role(&db, &tables).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_above_policies_or_with_a_view_of_our_tables_is_refused() {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        let tables = policies(&db).await;
        assert!(matches!(tables.check_role().await, Err(RoleProblem::Missing { .. })));
        tables.prepare_role().await.unwrap();
        let role = tables.options().role.clone().unwrap();
        let run =
            async |sql: &str| db.script_dynamic(sql.replace("ROLE", &format!("\"{role}\""))).await.unwrap();
        run("grant select on _ayb_users to ROLE").await;
        assert_eq!(tables.check_role().await, Err(RoleProblem::SeesOurs(role.clone())));
        run("revoke select on _ayb_users from ROLE; grant select (email) on _ayb_users to ROLE").await;
        assert_eq!(
            tables.check_role().await,
            Err(RoleProblem::SeesOurs(role.clone())),
            "one column is enough"
        );
        run("revoke select (email) on _ayb_users from ROLE; alter role ROLE bypassrls").await;
        assert_eq!(tables.check_role().await, Err(RoleProblem::Unbounded(role.clone())));
        run("alter role ROLE nobypassrls; create table owned (id integer); alter table owned owner to ROLE")
            .await;
        assert_eq!(tables.check_role().await, Err(RoleProblem::Owner(role.clone())));
        let family = format!("\"{role}_family\"");
        let grant =
            format!("create role {family}; alter table owned owner to {family}; grant {family} to ROLE");
        run(&grant).await;
        assert_eq!(
            tables.check_role().await,
            Err(RoleProblem::Owner(role.clone())),
            "policies ask for rights"
        );
        run(&format!("drop table owned; drop role {family}")).await;
        assert_eq!(tables.check_role().await, Ok(()));
        drop_role(&db, &tables).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_that_the_role_may_not_read_is_not_there() {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        let tables = policies(&db).await;
        tables.prepare_role().await.unwrap();
        db.execute("create table later (id integer primary key, text text)", vec![]).await.unwrap();
        super::kit::later().await;
        assert_eq!(tables.list(&person(ADA), "later", &ask()).await, Err(TableError::UnknownTable));
        for statement in
            ["create view glance as select * from later", "create view look as select * from later"]
        {
            db.execute(statement, vec![]).await.unwrap();
        }
        let options = TableOptions { views: vec!["look".to_owned()], ..tables.options().clone() };
        let tables = Tables::new(db.clone(), options);
        let granted = tables.grant_tables().await.unwrap();
        assert!(
            granted.contains(&"look".to_owned()) && !granted.contains(&"glance".to_owned()),
            "{granted:?}"
        );
        let may = "select has_table_privilege($1::text::name, $2::text, $3::text)";
        for (view, right, expected) in
            [("glance", "select", false), ("look", "select", true), ("look", "update", false)]
        {
            let asked = [tables.options().role.clone().unwrap().into(), view.into(), right.into()];
            let row = db.one(may, &asked).await.unwrap().unwrap();
            assert_eq!(row.bool(0).unwrap(), expected, "{right} on {view}");
        }
        assert!(
            granted.contains(&"later".to_owned()) && !granted.iter().any(|name| name.starts_with("_ayb_"))
        );
        super::kit::later().await;
        assert!(tables.list(&person(ADA), "later", &ask()).await.is_ok());
        drop_role(&db, &tables).await;
    })
    .await;
}

/// Our own statements find their rows by an index and are told so; what a caller asks for need not have one.
#[tokio::test(flavor = "multi_thread")]
async fn the_planner_is_as_the_operator_wants_it_for_callers_and_asked_to_use_indexes_for_us() {
    each(async |db| {
        if db.engine() == Engine::Sqlite {
            return;
        }
        let plan = "concat_ws('|', current_setting('enable_seqscan'), current_setting('jit'))";
        let tables = [
            format!("create table planned (id serial primary key, line text default {plan})"),
            format!("create view planning as select {plan} as line"),
        ];
        for statement in tables {
            db.execute(statement.leak(), vec![]).await.unwrap();
        }
        let wanted = "select string_agg(reset_val, '|' order by name) from pg_settings where name in ('enable_seqscan', 'jit')";
        let wanted = db.one(wanted, &[]).await.unwrap().unwrap().text(0).unwrap().to_owned();
        assert!(wanted.starts_with("on|"), "{wanted}");
        let views = vec!["planning".to_owned()];
        let options = TableOptions { schema: "public".to_owned(), views, ..TableOptions::default() };
        let tables = Tables::new(db.clone(), options);
        let written = write(&tables, &anybody(), "planned", json!({})).await.unwrap();
        assert_eq!(written["line"], wanted);
        let listed = list(&tables, "planning", &ask()).await.unwrap();
        assert_eq!(listed[0]["line"], wanted);
        let ours = db.one("select concat_ws('|', current_setting('enable_seqscan'), current_setting('jit'))", &[]);
        assert_eq!(ours.await.unwrap().unwrap().text(0).unwrap(), "off|off");
    })
    .await;
}
