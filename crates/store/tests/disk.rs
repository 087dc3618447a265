//! A full disk. The test runs itself once more in a shell that limits the size of files, which is what SQLite then
//! meets as a disk that takes no more.

use std::process::Command;

use ayb_store::db::Db;
use ayb_store::error::StoreError;
use ayb_testkit::sqlite;

use crate::kit::open;

const INSERT: &str = "insert into blobs (id, data) values ($1, $2)";

/// Largest file in the child: 512-byte blocks, the unit of `ulimit -f` in a POSIX shell.
const BLOCKS: u32 = 2048;

#[test]
fn a_full_disk_is_an_error_and_the_writer_goes_on() {
    // A signal that is ignored stays ignored in the program that the shell becomes.
    let script = format!("trap '' XFSZ; ulimit -S -f {BLOCKS}; exec \"$0\" \"$@\"");
    let program = std::env::current_exe().unwrap();
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(program)
        .args(["--exact", "--ignored", "--nocapture", "disk::child_on_a_full_disk"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&child.stderr)
    );
}

#[tokio::test]
#[ignore = "runs inside a_full_disk_is_an_error_and_the_writer_goes_on"]
async fn child_on_a_full_disk() {
    let database = sqlite();
    let db = open(&database.url).await;
    db.execute("create table blobs (id integer primary key, data blob not null) strict", vec![])
        .await
        .unwrap();
    let mut acknowledged = 0_i64;
    let refused = loop {
        let written = db.execute(INSERT, vec![acknowledged.into(), vec![7_u8; 50_000].into()]).await;
        match written {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 1000, "the limit does not work");
    };
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused:?}");
    assert!(acknowledged > 0);
    assert_eq!(count(&db).await, acknowledged);
    let in_a_transaction = db.transaction("write", acknowledged, |tx, id| {
        Box::pin(tx.apply(vec![(INSERT, vec![(*id).into(), vec![7_u8; 50_000].into()])]))
    });
    assert!(matches!(in_a_transaction.await, Err(StoreError::Unavailable { .. })));
    assert_eq!(count(&db).await, acknowledged);

    // Somebody makes room.
    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited:", "--pid", &std::process::id().to_string()])
        .status();
    assert!(lifted.unwrap().success());
    db.execute(INSERT, vec![acknowledged.into(), vec![7_u8; 50_000].into()]).await.unwrap();
    assert_eq!(count(&db).await, acknowledged + 1);
    drop(db);
    assert_eq!(count(&open(&database.url).await).await, acknowledged + 1);
}

async fn count(db: &Db) -> i64 {
    db.one("select count(*) from blobs", &[]).await.unwrap().unwrap().int(0).unwrap()
}
