//! A full disk. The server runs under a limit on the size of files, which is what SQLite meets as a disk that takes no
//! more; the limit is lifted from outside, as somebody makes room.

use std::process::Command;

use super::binary::{Setup, eventually, free_port};
use super::caller::Pair;

/// Largest file of the server: 512-byte blocks, the unit of `ulimit -f` in a POSIX shell.
const BLOCKS: u32 = 2048;
/// More tokens than fit into that.
const MANY: usize = 5000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_an_error_and_no_token_is_claimed_that_is_not_there() {
    let setup = Setup::new().after(&format!("ulimit -S -f {BLOCKS}"));
    let mut ayb = setup.start().await;
    let caller = ayb.caller.clone();
    let world = caller.world(&ayb.admin_token()).await;
    let code = caller.code(&world).await.unwrap().unwrap();
    let pair = Pair::of(&caller.redeem(&world, &code).await.unwrap());
    let open_code = caller.code(&world).await.unwrap().unwrap();
    let mut acknowledged = Vec::new();
    let refused = loop {
        let reply = caller.machine(&world).await.unwrap();
        if reply.status != 200 {
            break reply;
        }
        acknowledged.push(reply.member("access_token"));
        assert!(acknowledged.len() < MANY, "the limit does not work");
    };
    assert_eq!((refused.status, refused.member("error").as_str()), (503, "temporarily_unavailable"));
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    // The last bytes go to what is smaller than a token.
    eventually("the end of all space", async || caller.status("/health/ready").await == 503).await;

    // Reading goes on, and no write is claimed.
    for token in &acknowledged {
        assert_eq!(caller.userinfo(token).await.unwrap().status, 403, "an acknowledged token is lost");
    }
    for refused in [
        caller.redeem(&world, &open_code).await,
        caller.refresh(&world, &pair.refresh).await,
        caller.revoke(&world, &pair.access).await,
        caller.get("/health/ready").await,
    ] {
        assert_eq!(refused.unwrap().status, 503);
    }
    assert_eq!(caller.userinfo(&pair.access).await.unwrap().status, 200);
    assert_eq!(caller.status("/health/live").await, 200);
    assert!(ayb.lives());

    // Somebody makes room.
    let pid = ayb.pid().as_raw_nonzero().to_string();
    let lifted = Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &pid]).status().unwrap();
    assert!(lifted.success());
    eventually("recovery", async || caller.status("/health/ready").await == 200).await;
    assert_eq!(caller.revoke(&world, &pair.access).await.unwrap().status, 200);
    let next = Pair::of(&caller.refresh(&world, &pair.refresh).await.unwrap());
    Pair::of(&caller.redeem(&world, &open_code).await.unwrap());
    assert!(ayb.stop().await.success());

    let ayb = Setup::at(&setup.data_dir).start().await;
    assert_eq!(ayb.caller.userinfo(&next.access).await.unwrap().status, 200);
    assert_eq!(ayb.caller.userinfo(&pair.access).await.unwrap().status, 401);
    for token in &acknowledged {
        assert_eq!(ayb.caller.userinfo(token).await.unwrap().status, 403, "an acknowledged token is lost");
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_is_an_error_too() {
    let port = free_port().to_string();
    let setup = Setup::new().after("ulimit -S -f 64").argument("--port").argument(&port);
    let refused = setup.refused();
    assert_eq!(refused.code, Some(1), "no signal ends it: {refused:?}");
    assert!(refused.err.contains("\nerror: the database cannot be brought up to date\n"), "{refused:?}");
    assert!(
        refused.err.contains("\n  cause: ") && refused.err.contains("\n  hint: is the disk full"),
        "{refused:?}"
    );
}
