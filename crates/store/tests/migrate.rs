//! Migrations: order, repetition, two starters, refusals.

use ayb_store::db::migrate::{self, MigrateError};
use ayb_store::db::{Db, Engine};
use futures_util::future::join_all;

use crate::kit::{each, each_url, open};

/// Everything that migrations made, one line each.
async fn catalog(db: &Db) -> Vec<String> {
    let sql = match db.engine() {
        Engine::Sqlite => {
            "select type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_schema
             where name <> '_ayb_migrations' order by 1"
        }
        Engine::Postgres => {
            "select line from (
                 select c.relkind::text || ' ' || c.relname || ' ' || coalesce(pg_get_indexdef(c.oid), '') || ' '
                     || coalesce(string_agg(a.attname || ':' || format_type(a.atttypid, a.atttypmod)
                        || ':' || a.attnotnull, ', ' order by a.attnum), '') as line
                 from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
                 where c.relnamespace = 'public'::regnamespace and c.relname not like '_ayb_migrations%'
                 group by c.oid
                 union all
                 select conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
                 from pg_constraint
                 where connamespace = 'public'::regnamespace and conrelid <> '_ayb_migrations'::regclass
             ) lines order by 1"
        }
    };
    let rows = db.many(sql, vec![]).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn up_down_and_up_again_end_where_they_began() {
    each(async |db: Db| {
        let names = migrate::up(&db).await.unwrap();
        for name in [
            "019_ayb_oauth_clients",
            "020_ayb_oauth_authorization_codes",
            "021_ayb_oauth_tokens",
            "022_ayb_oauth_consents",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(names.is_sorted());
        let first = catalog(&db).await;
        assert!(first.len() > 20);
        assert_eq!(migrate::up(&db).await.unwrap(), Vec::<&str>::new());
        let taken_back = migrate::down(&db, usize::MAX).await.unwrap();
        assert!(taken_back.iter().eq(names.iter().rev()));
        assert_eq!(catalog(&db).await, Vec::<String>::new());
        assert_eq!(migrate::up(&db).await.unwrap(), names);
        assert_eq!(catalog(&db).await, first);
    })
    .await;
}

#[tokio::test]
async fn each_step_down_can_be_gone_up_again() {
    each(async |db: Db| {
        let names = migrate::up(&db).await.unwrap();
        let whole = catalog(&db).await;
        for count in 1..=names.len() {
            let down = migrate::down(&db, count).await.unwrap();
            assert_eq!(down.len(), count);
            let mut up = migrate::up(&db).await.unwrap();
            up.reverse();
            assert_eq!(up, down);
        }
        assert_eq!(catalog(&db).await, whole);
    })
    .await;
}

#[tokio::test]
async fn status_says_what_is_there() {
    each(async |db: Db| {
        let before = migrate::status(&db).await.unwrap();
        assert!(before.iter().all(|row| row.applied_at.is_none()));
        migrate::up(&db).await.unwrap();
        migrate::down(&db, 1).await.unwrap();
        let status = migrate::status(&db).await.unwrap();
        let pending: Vec<&str> =
            status.iter().filter(|row| row.applied_at.is_none()).map(|row| row.name).collect();
        assert_eq!(pending, [before.last().unwrap().name]);
        // The clock of the database, in milliseconds: later than the day on which this was written.
        assert!(status.iter().filter_map(|row| row.applied_at).all(|at| at.as_millis() > 1_763_600_000_000));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_start_together_apply_each_migration_once() {
    each_url(async |url: &str| {
        let mut programs = Vec::new();
        for _ in 0..4 {
            programs.push(open(url).await);
        }
        let starts = programs.iter().cloned().map(|db| tokio::spawn(async move { migrate::up(&db).await }));
        let mut applied: Vec<&str> = Vec::new();
        for outcome in join_all(starts).await {
            applied.extend(outcome.unwrap().unwrap());
        }
        applied.sort_unstable();
        let status = migrate::status(&programs[0]).await.unwrap();
        assert!(status.iter().all(|row| row.applied_at.is_some()));
        assert_eq!(applied, status.iter().map(|row| row.name).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    each(async |db: Db| {
        migrate::up(&db).await.unwrap();
        let forge = "update _ayb_migrations set checksum = $1 where name = $2";
        db.execute(forge, vec!["0".repeat(64).into(), "010_ayb_apps".into()]).await.unwrap();
        let refused = MigrateError::Changed { name: "010_ayb_apps".to_owned() };
        assert_eq!(migrate::up(&db).await, Err(refused.clone()));
        assert_eq!(migrate::down(&db, 1).await, Err(refused.clone()));
        assert_eq!(migrate::status(&db).await, Err(refused));
    })
    .await;
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    each(async |db: Db| {
        migrate::up(&db).await.unwrap();
        let newer = "insert into _ayb_migrations (version, name, checksum) values ($1, $2, $3)";
        db.execute(newer, vec![999.into(), "999_future".into(), "".into()]).await.unwrap();
        let refused = MigrateError::Newer { name: "999_future".to_owned() };
        assert_eq!(migrate::up(&db).await, Err(refused.clone()));
        assert_eq!(migrate::down(&db, 1).await, Err(refused));
        let kept = db.one("select count(*) from _ayb_users", &[]).await.unwrap();
        assert!(kept.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    each(async |db: Db| {
        // The table of 010 can be made, its index cannot.
        db.execute("create table in_the_way (id integer primary key)", vec![]).await.unwrap();
        db.execute("create index idx_apps_owner_user_id on in_the_way (id)", vec![]).await.unwrap();
        let failed = migrate::up(&db).await.unwrap_err();
        assert!(matches!(&failed, MigrateError::Failed { name, .. } if name == "010_ayb_apps"), "{failed}");
        assert!(db.one("select count(*) from _ayb_apps", &[]).await.is_err());
        assert!(db.one("select count(*) from _ayb_user_tokens", &[]).await.is_ok());
        db.execute("drop table in_the_way", vec![]).await.unwrap();
        assert_eq!(migrate::up(&db).await.unwrap().first(), Some(&"010_ayb_apps"));
    })
    .await;
}
