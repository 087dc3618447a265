//! Authorization codes.

use ayb_provider::grant::CodeRecord;
use ayb_provider::grant::code::Redemption;
use ayb_store::SessionKind;

use crate::kit::each_migrated;
use crate::sample::{NOW, World, after, hash, id};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_read_back_as_written() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        world.code().await;
        let bare = CodeRecord {
            nonce: None,
            claims: ayb_protocol::claims::ClaimsRequest::default(),
            tables: ayb_protocol::tables::AllowedTables::All,
            session_id: None,
            ..world.new_code()
        };
        for code in [world.new_code(), bare] {
            assert!(world.store.insert_code(&code, &world.client).await.unwrap());
            let found = world.store.peek_code(code.id).await.unwrap().unwrap();
            assert_eq!(found.code, code);
            assert!(found.user_active);
        }
        world.store.set_user_disabled(world.user.id, Some(NOW), NOW).await.unwrap();
        let code = world.code().await;
        assert!(!world.store.peek_code(code.id).await.unwrap().unwrap().user_active);
        assert!(world.store.peek_code(id()).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_needs_a_consent_and_a_session_that_still_exist() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let store = &world.store;
        assert!(!store.insert_code(&world.new_code(), &world.client).await.unwrap(), "no consent was given");
        world.code().await;
        assert!(store.insert_code(&world.new_code(), &world.client).await.unwrap());
        store.withdraw_consent(world.user.id, &world.client.client_id, NOW).await.unwrap();
        assert!(
            !store.insert_code(&world.new_code(), &world.client).await.unwrap(),
            "the consent was withdrawn"
        );
        world.code().await;
        store.end_session(world.session.id, SessionKind::Browser, NOW).await.unwrap();
        let code = world.new_code();
        assert!(!store.insert_code(&code, &world.client).await.unwrap(), "the session has ended");
        assert!(store.peek_code(code.id).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redeeming_stores_everything_at_once() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let code = world.code().await;
        let Redemption::Issue(answer) = world.redeem(&code, after(1)).await else { panic!("refused") };
        assert_eq!(world.store.peek_code(code.id).await.unwrap().unwrap().code.used_at, Some(after(1)));
        let access = world.store.access(answer.issuance.access.id).await.unwrap().unwrap();
        assert_eq!(access.token, answer.issuance.access);
        let refresh = answer.issuance.refresh.unwrap();
        let found = world.store.peek_refresh(refresh.id).await.unwrap().unwrap();
        assert_eq!((found.token, found.grant), (refresh, answer.grant));
        assert!(found.user_active && found.successor.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_revokes_what_the_first_led_to() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let code = world.code().await;
        let Redemption::Issue(answer) = world.redeem(&code, NOW).await else { panic!("refused") };
        assert!(world.is_live(&answer.issuance.access, NOW).await);
        let second = world.redeem(&code, after(2)).await;
        assert_eq!(second, Redemption::Replay { revoke: code.grant_id });
        let access = world.store.access(answer.issuance.access.id).await.unwrap().unwrap();
        assert!(access.grant_revoked);
        assert_eq!(access.token.revoked_at, Some(after(2)));
        let refresh = answer.issuance.refresh.unwrap();
        let found = world.store.peek_refresh(refresh.id).await.unwrap().unwrap();
        assert_eq!((found.token.revoked_at, found.grant.revoked_at), (Some(after(2)), Some(after(2))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_redemption_leaves_the_code_usable() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let code = world.code().await;
        let guessed = CodeRecord { hash: hash(), ..code.clone() };
        assert!(matches!(world.redeem(&guessed, NOW).await, Redemption::Refuse(_)));
        assert!(matches!(world.redeem(&code, NOW).await, Redemption::Issue(_)));
        let unknown = world.new_code();
        assert!(matches!(world.redeem(&unknown, NOW).await, Redemption::Refuse(_)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn even_a_rule_that_always_issues_opens_a_grant_once() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let code = world.code().await;
        let Redemption::Issue(answer) = world.redeem(&code, NOW).await else { panic!("refused") };
        let careless = move |_: Option<&_>| Redemption::Issue(answer.clone());
        let again = world.store.redeem_code(code.id, &world.client, NOW, None, careless).await;
        assert!(again.is_err(), "{again:?}");
    })
    .await;
}
