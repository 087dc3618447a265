//! What must happen once happens once.

use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::Seconds;
use ayb_provider::client::{ClientSettings, SigningAlg};
use ayb_provider::consent::{ConsentRecord, widened};
use ayb_provider::grant::code::Redemption;
use ayb_provider::grant::refresh::Rotation;
use ayb_provider::keys::{KeyRecord, KeyState};
use ayb_provider::session::{SessionRotation, rotate};
use ayb_provider::user::UserRecord;
use ayb_store::{Approval, DeletedApp, FoundLink, LinkKind, LinkRecord, LinkUse, UserInsertion};

use super::{at_once, each_pair};
use crate::sample::{
    NOW, PASSWORD, World, after, app, client, fresh, hash, id, key, session, settings, tables, user,
};

const MANY: usize = 50;

/// The worlds in turn, as often as there are racers.
fn racers(worlds: &[World; 2]) -> impl Iterator<Item = World> {
    worlds.clone().into_iter().cycle().take(MANY)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redemptions_of_a_code_wins_and_the_others_revoke_its_grant() {
    each_pair(async |worlds| {
        let code = worlds[0].code().await;
        let redeem = |world: World, code| async move { world.redeem(&code, after(1)).await };
        let outcomes = at_once(racers(&worlds).map(|world| redeem(world, code.clone()))).await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Redemption::Issue(_))).count();
        let replay = Redemption::Replay { revoke: code.grant_id };
        let replayed = outcomes.iter().filter(|outcome| **outcome == replay).count();
        assert_eq!((won, replayed), (1, MANY - 1));
        let answer = outcomes.into_iter().find_map(|outcome| match outcome {
            Redemption::Issue(answer) => Some(answer),
            _ => None,
        });
        assert!(!worlds[0].is_live(&answer.unwrap().issuance.access, after(1)).await);
    })
    .await;
}

/// The worlds with a client that has this grace for lost answers.
async fn with_grace(worlds: [World; 2], seconds: u64) -> [World; 2] {
    let settings = ClientSettings { refresh_grace: Seconds(seconds), ..settings() };
    worlds[0].store.update_client(&worlds[0].client.client_id, &settings, NOW).await.unwrap();
    worlds.map(|mut world| {
        world.client.settings = settings.clone();
        world
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_uses_of_a_refresh_token_wins_and_the_others_revoke_the_grant() {
    each_pair(async |worlds| {
        let worlds = with_grace(worlds, 0).await;
        let first = worlds[0].granted().await;
        let refresh = |world: World, first| async move { world.refresh(&first, fresh(), after(1)).await };
        let outcomes = at_once(racers(&worlds).map(|world| refresh(world, first.issuance.clone()))).await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Rotation::Issue(_))).count();
        let replay = Rotation::Replay { revoke: first.grant.id };
        assert_eq!(won, 1);
        assert!(outcomes.contains(&replay), "{outcomes:?}");
        // Once the grant is revoked, a second use is no news any more.
        let others = |outcome: &&Rotation| **outcome == replay || matches!(outcome, Rotation::Refuse(_));
        assert_eq!(outcomes.iter().filter(others).count(), MANY - 1);
        let grant =
            worlds[1].store.peek_refresh(first.issuance.refresh.unwrap().id).await.unwrap().unwrap().grant;
        assert_eq!(grant.revoked_at, Some(after(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grace_for_lost_answers_makes_no_second_pair() {
    each_pair(async |worlds| {
        let worlds = with_grace(worlds, 30).await;
        let first = worlds[0].granted().await;
        let refresh = |world: World, first| async move { world.refresh(&first, fresh(), after(1)).await };
        let outcomes = at_once(racers(&worlds).map(|world| refresh(world, first.issuance.clone()))).await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Rotation::Issue(_))).count();
        let again = outcomes.iter().filter(|outcome| **outcome == Rotation::Again).count();
        assert_eq!((won, again), (1, MANY - 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_approvals_of_one_client_lose_nothing() {
    each_pair(async |worlds| {
        for _ in 0..10 {
            let client = client(worlds[0].app.id);
            worlds[0].store.insert_client(&client).await.unwrap();
            let worlds = worlds.clone().map(|world| World { client: client.clone(), ..world });
            let approvals = racers(&worlds).take(16).enumerate();
            for outcome in at_once(approvals.map(|(number, world)| approve(number, world))).await {
                let Approval::Stored(stored) = outcome else { panic!("{outcome:?}") };
                assert!(worlds[0].store.peek_code(stored.1.id).await.unwrap().is_some());
            }
            let consent =
                worlds[1].store.consent(worlds[0].user.id, &client.client_id).await.unwrap().unwrap();
            let AllowedTables::Only(names) = consent.tables else { panic!("every table") };
            assert_eq!(names.len(), 16);
        }
    })
    .await;
}

/// The person allows one more table.
async fn approve(number: usize, world: World) -> Approval<()> {
    let asked = world.consent_to("readonly", tables(&[&format!("table{number}")]));
    let code = world.new_code();
    let rule = move |earlier: Option<&ConsentRecord>| {
        let (scope, tables) = widened(earlier, &asked.scope, &asked.tables);
        Ok((ConsentRecord { scope, tables, ..asked.clone() }, code.clone()))
    };
    world.store.approve(world.user.id, &world.client.client_id, rule).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_rotated_once() {
    each_pair(async |worlds| {
        let session = session(worlds[0].user.id);
        assert!(worlds[0].store.insert_api_session(&session, PASSWORD).await.unwrap());
        let (name, sent) = (session.id, session.hash);
        let refresh = |world: World| async move {
            let fresh = hash();
            let rule = move |found| rotate(found, &sent, fresh, Seconds(3600), NOW);
            world.store.rotate_api_session(name, NOW, rule).await.unwrap()
        };
        let outcomes = at_once(racers(&worlds).map(refresh)).await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, SessionRotation::Issue { .. })).count();
        assert_eq!(won, 1);
        assert!(worlds[0].store.api_session(session.id).await.unwrap().unwrap().0.revoked_at.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_used_once() {
    each_pair(async |worlds| {
        let user = &worlds[0].user;
        let link = LinkRecord {
            id: id(),
            kind: LinkKind::Verify,
            hash: hash(),
            user_id: user.id,
            email: user.email.clone(),
            expires_at: after(60),
            used_at: None,
            created_at: NOW,
        };
        worlds[0].store.insert_link(&link).await.unwrap();
        let (name, sent) = (link.id, link.hash);
        let consume = |world: World| async move {
            let rule = move |found: Option<&FoundLink>| match found {
                Some(found) if found.opens(LinkKind::Verify, &sent, NOW) => LinkUse::VerifyEmail,
                _ => LinkUse::Refuse,
            };
            world.store.consume_link(name, NOW, rule).await.unwrap()
        };
        let outcomes = at_once(racers(&worlds).map(consume)).await;
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, LinkUse::VerifyEmail)).count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_starters_agree_on_a_setting() {
    each_pair(async |worlds| {
        let start = |number: usize, world: World| async move {
            world.store.setting_or_insert("name", &number.to_string(), NOW).await.unwrap()
        };
        let outcomes = at_once(racers(&worlds).enumerate().map(|(n, world)| start(n, world))).await;
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_starters_agree_on_the_first_key() {
    each_pair(async |worlds| {
        let start = |world: World| async move {
            let first = key(SigningAlg::ES256, KeyState::Active);
            let rule = move |keys: &[KeyRecord]| match keys {
                [] => vec![first.clone()],
                keys => keys.to_vec(),
            };
            world.store.change_keys(rule).await.unwrap()
        };
        for _ in 0..10 {
            let outcomes = at_once(racers(&worlds).take(16).map(start)).await;
            assert_eq!(outcomes[0].len(), 1);
            assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
            worlds[0].store.change_keys(|_| vec![]).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_registered_once() {
    each_pair(async |worlds| {
        let register = |world: World| async move {
            let person = UserRecord { email: "ada@example.com".to_owned(), ..user() };
            world.store.insert_user(&person).await.unwrap()
        };
        let outcomes = at_once(racers(&worlds).map(register)).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == UserInsertion::Inserted).count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_client_is_left_without_its_app() {
    each_pair(async |worlds| {
        for _ in 0..30 {
            let (app, [here, there]) = (app(), worlds.clone());
            here.store.insert_app(&app).await.unwrap();
            let client = client(app.id);
            let insert = tokio::spawn(async move { here.store.insert_client(&client).await.is_ok() });
            let delete = tokio::spawn(async move { there.store.delete_app(app.id).await.unwrap() });
            match (insert.await.unwrap(), delete.await.unwrap()) {
                (true, DeletedApp::InUse { clients: 1, api_keys: 0 }) | (false, DeletedApp::Deleted) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}
