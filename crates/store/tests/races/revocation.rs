//! Once a revocation was acknowledged, nothing that it covers is alive, whoever was at work at the same moment.

use ayb_provider::grant::Issuance;
use ayb_provider::grant::code::Redemption;
use ayb_provider::grant::refresh::Rotation;
use ayb_provider::grant::{FreshPair, FreshToken};
use ayb_store::db::Db;
use ayb_store::{NewPassword, RevocationReason};

use super::each_pair;
use crate::sample::{NOW, PASSWORD, World, after, fresh, hash, issued, session};

const ROUNDS: usize = 150;

/// Tokens without a mark of revocation, whatever their grant says.
const UNMARKED: &str = "select count(*) from _ayb_oauth_tokens where user_id = $1 and revoked_at is null";

/// Grants that are not revoked.
const OPEN: &str = "select count(*) from _ayb_oauth_grants where user_id = $1 and revoked_at is null";

/// Codes that could still be redeemed.
const UNUSED: &str =
    "select count(*) from _ayb_oauth_authorization_codes where user_id = $1 and used_at is null";

async fn count(db: &Db, sql: &'static str, world: &World) -> i64 {
    db.one(sql, &[world.user.id.0.into()]).await.unwrap().unwrap().int(0).unwrap()
}

/// Nothing that the person has granted is alive.
async fn assert_nothing_lives(world: &World, round: usize) {
    let db = world.store.db();
    let alive =
        [count(db, UNMARKED, world).await, count(db, OPEN, world).await, count(db, UNUSED, world).await];
    assert_eq!(alive, [0, 0, 0], "tokens, grants, codes in round {round}");
}

/// Rotates until it is refused; all access tokens that it got.
async fn chain(world: World, mut issuance: Issuance) -> Vec<Issuance> {
    let mut got = Vec::new();
    while let Rotation::Issue(answer) = world.refresh(&issuance, fresh(), after(1)).await {
        issuance = answer.issuance;
        got.push(issuance.clone());
        if got.len() == 20 {
            break;
        }
    }
    got
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_never_outlives_the_revocation_of_its_grant() {
    each_pair(async |[here, there]| {
        let mut rotations = 0;
        for round in 0..ROUNDS {
            let answer = here.granted().await;
            let (grant, refresh) = (answer.grant.id, answer.issuance.refresh.clone().unwrap().id);
            let rotating = tokio::spawn(chain(here.clone(), answer.issuance.clone()));
            let revoking = tokio::spawn({
                let there = there.clone();
                async move {
                    match round % 3 {
                        0 => there
                            .store
                            .revoke_grant(grant, RevocationReason::ByClient, after(1))
                            .await
                            .unwrap(),
                        1 => {
                            there.revoke(refresh, after(1)).await;
                        }
                        _ => {
                            let (user, client) = (there.user.id, there.client.client_id.clone());
                            let reason = RevocationReason::ByAdministrator;
                            there.store.revoke_grants(user, &client, reason, after(1)).await.unwrap();
                        }
                    }
                }
            });
            revoking.await.unwrap();
            // Whatever was stored before this moment or is stored after it is dead.
            let open = count(there.store.db(), OPEN, &there).await;
            assert_eq!(open, 0, "round {round}");
            let got = rotating.await.unwrap();
            for issuance in &got {
                assert!(!here.is_live(&issuance.access, after(1)).await, "round {round}");
            }
            rotations += got.len();
            assert_nothing_lives(&here, round).await;
        }
        eprintln!("{rotations} rotations in {ROUNDS} rounds");
    })
    .await;
}

/// Rotations share a transaction and lock their grants in the order in which they came; a revocation of everything locks the same
/// grants in an order of its own. Whoever the database ends runs again, and nobody is told of it.
#[tokio::test(flavor = "multi_thread")]
async fn many_rotations_at_once_do_not_outlive_a_revocation_of_everything() {
    each_pair(async |[here, there]| {
        let mut rotations = 0;
        for round in 0..ROUNDS / 15 {
            let mut rotating = Vec::new();
            for _ in 0..12 {
                rotating.push(tokio::spawn(chain(here.clone(), here.granted().await.issuance)));
            }
            let reason = RevocationReason::ByAdministrator;
            there.store.revoke_grants_of_user(there.user.id, reason, after(1)).await.unwrap();
            assert_eq!(count(there.store.db(), OPEN, &there).await, 0, "round {round}");
            for chain in rotating {
                let got = chain.await.unwrap();
                for issuance in &got {
                    assert!(!here.is_live(&issuance.access, after(1)).await, "round {round}");
                }
                rotations += got.len();
            }
            assert_nothing_lives(&here, round).await;
        }
        eprintln!("{rotations} rotations in {} rounds", ROUNDS / 15);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redemption_never_outlives_the_withdrawal_of_its_consent() {
    each_pair(async |[here, there]| {
        let mut issued = 0;
        for round in 0..ROUNDS {
            let code = here.code().await;
            let redeeming = tokio::spawn({
                let here = here.clone();
                async move { here.redeem(&code, after(1)).await }
            });
            let withdrawing = tokio::spawn({
                let there = there.clone();
                async move {
                    let (user, client) = (there.user.id, &there.client.client_id);
                    match round % 2 {
                        0 => there.store.withdraw_consent(user, client, after(1)).await.map(|_| ()).unwrap(),
                        _ => {
                            let reason = RevocationReason::ByAdministrator;
                            there.store.revoke_grants_of_user(user, reason, after(1)).await.unwrap();
                        }
                    }
                }
            });
            withdrawing.await.unwrap();
            issued += usize::from(matches!(redeeming.await.unwrap(), Redemption::Issue(_)));
            assert_nothing_lives(&here, round).await;
        }
        eprintln!("{issued} redemptions in {ROUNDS} rounds");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_never_outlives_its_consent() {
    each_pair(async |[here, there]| {
        let mut stored = 0;
        for round in 0..ROUNDS {
            here.code().await;
            let issuing = tokio::spawn({
                let here = here.clone();
                async move { here.store.insert_code(&here.new_code(), &here.client).await.unwrap() }
            });
            let (user, client) = (there.user.id, &there.client.client_id);
            there.store.withdraw_consent(user, client, after(1)).await.unwrap();
            stored += usize::from(issuing.await.unwrap());
            assert_nothing_lives(&here, round).await;
        }
        eprintln!("{stored} codes in {ROUNDS} rounds");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_never_outlives_its_session_when_the_password_is_new() {
    each_pair(async |[mut here, there]| {
        let mut stored = 0;
        for round in 0..ROUNDS {
            here.session = session(here.user.id);
            assert!(here.store.insert_browser_session(&here.session, PASSWORD).await.unwrap());
            let issuing = tokio::spawn({
                let here = here.clone();
                async move {
                    let before = here.code().await;
                    let inserted = here.store.insert_code(&here.new_code(), &here.client).await.unwrap();
                    usize::from(here.store.peek_code(before.id).await.unwrap().is_some())
                        + usize::from(inserted)
                }
            });
            let new = NewPassword { hash: PASSWORD.to_owned(), keep: None, revoke_grants: true };
            assert!(there.store.set_password_hash(there.user.id, new, after(1)).await.unwrap());
            stored += issuing.await.unwrap();
            assert_nothing_lives(&here, round).await;
        }
        eprintln!("{stored} codes in {ROUNDS} rounds");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_never_outlives_the_password_that_it_began_with() {
    each_pair(async |[here, there]| {
        let (mut stored, mut password) = (0, PASSWORD.to_owned());
        for round in 0..ROUNDS {
            let begun = session(here.user.id);
            let beginning = tokio::spawn({
                let (store, begun) = (here.store.clone(), begun.clone());
                async move { store.insert_browser_session(&begun, &password).await.unwrap() }
            });
            password = format!("$argon2id${round}");
            let new = NewPassword { hash: password.clone(), keep: None, revoke_grants: false };
            assert!(there.store.set_password_hash(there.user.id, new, after(1)).await.unwrap());
            let found = match beginning.await.unwrap() {
                true => here.store.browser_session(begun.id).await.unwrap(),
                false => None,
            };
            stored += usize::from(found.is_some());
            assert!(found.is_none_or(|(session, _)| session.revoked_at.is_some()), "round {round}");
        }
        eprintln!("{stored} sessions in {ROUNDS} rounds");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_either_used_or_repeated() {
    each_pair(async |[here, there]| {
        let (mut used, mut repeated) = (0, 0);
        for round in 0..ROUNDS {
            let first = here.granted().await.issuance;
            let second = issued(here.refresh(&first, fresh(), after(1)).await);
            let lost = second.access.clone();
            let using = tokio::spawn({
                let store = there.store.clone();
                async move { store.record_first_use(lost.id, &lost.hash, after(2)).await.unwrap() }
            });
            let again = FreshPair {
                access: FreshToken { id: second.access.id, hash: hash() },
                refresh: FreshToken {
                    id: second.refresh.as_ref().unwrap().id,
                    hash: second.refresh.unwrap().hash,
                },
            };
            let repeat = matches!(here.refresh(&first, again, after(2)).await, Rotation::Repeat(_));
            let using = using.await.unwrap();
            assert!(using != repeat, "round {round}: used {using}, repeated {repeat}");
            used += usize::from(using);
            repeated += usize::from(repeat);
        }
        eprintln!("{used} used, {repeated} repeated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_deleted_person_stays() {
    each_pair(async |[here, there]| {
        for round in 0..30 {
            let world = World::new(here.store.db().clone()).await;
            let (answer, code) = (world.granted().await, world.code().await);
            let working = tokio::spawn({
                let world = world.clone();
                async move {
                    let redeemed = world
                        .store
                        .redeem_code(code.id, &world.client, NOW, None, world.redemption(&code, NOW))
                        .await;
                    let rule = world.rotation(answer.issuance.refresh.as_ref().unwrap().hash, fresh(), NOW);
                    let id = answer.issuance.refresh.as_ref().unwrap().id;
                    (redeemed, world.store.rotate_refresh(id, &world.client, NOW, None, rule).await)
                }
            });
            assert!(there.store.delete_user(world.user.id).await.unwrap());
            // What came too late was refused, or met a person who is gone.
            let _outcomes = working.await.unwrap();
            assert_nothing_lives(&world, round).await;
        }
    })
    .await;
}
