//! Connections to PostgreSQL: as many as the configuration says, from the start on.

use futures_util::future::join_all;

use super::binary::Setup;

const OPEN: &str = "select count(*) from pg_stat_activity
    where application_name = 'ayb' and datname = current_database()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_opens_its_least_connections_at_the_start_and_never_more_than_its_most() {
    let Some(database) = ayb_testkit::postgres().await else { return };
    let open = async || database.rows(OPEN).await[0][0].clone().unwrap();
    for (least, most, at_start) in [("2", "3", 2..=3), ("6", "6", 6..=6)] {
        let setup = Setup::new().on(&database.url);
        let setup = setup.with("AYB_DATABASE_MIN_CONNS", least).with("AYB_DATABASE_MAX_CONNS", most);
        let ayb = setup.start().await;
        let first: u32 = open().await.parse().unwrap();
        // The start itself runs transactions, for which a further one may have been opened.
        assert!(at_start.contains(&first), "{first} are open; at least {least}, at most {most}");
        let token = ayb.admin_token();
        let requests = (0..40).map(|number| match number % 2 {
            0 => ayb.caller.admin(&token, "users", None),
            _ => ayb.caller.admin(&token, "oauth/clients", None),
        });
        for reply in join_all(requests).await {
            assert_eq!(reply.unwrap().status, 200);
        }
        assert_eq!(open().await, most, "all in use, and none above");
        assert!(ayb.stop().await.success());
    }
}
