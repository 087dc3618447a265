//! Consents, and what dies with them.

use ayb_protocol::scope::GrantedScope;
use ayb_protocol::tables::AllowedTables;
use ayb_provider::consent::{ConsentRecord, widened};
use ayb_provider::grant::CodeRecord;
use ayb_provider::grant::code::Redemption;
use ayb_store::{Approval, ListedConsent, RevocationReason, SessionKind};

use crate::kit::each_migrated;
use crate::sample::{NOW, PASSWORD, World, after, client, client_id, hash, session, tables};

/// The rule of the consent page: what is asked joins what was allowed before.
pub(crate) fn widening(
    asked: ConsentRecord,
    code: CodeRecord,
) -> impl Fn(Option<&ConsentRecord>) -> Result<(ConsentRecord, CodeRecord), ()> + Send + Sync + 'static {
    move |earlier| {
        let (scope, tables) = widened(earlier, &asked.scope, &asked.tables);
        Ok((ConsentRecord { scope, tables, ..asked.clone() }, code.clone()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_is_remembered_and_widened() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user, client) = (&world.store, world.user.id, &world.client.client_id);
        assert_eq!(store.consent(user, client).await.unwrap(), None);
        let first = world.consent_to("openid readonly", tables(&["notes"]));
        let rule = widening(first.clone(), world.new_code());
        let Approval::Stored(stored) = store.approve(user, client, rule).await.unwrap() else {
            panic!("refused")
        };
        assert_eq!(store.consent(user, client).await.unwrap(), Some(first));
        assert_eq!(store.peek_code(stored.1.id).await.unwrap().unwrap().code, stored.1);

        let more =
            ConsentRecord { granted_at: after(9), ..world.consent_to("email readwrite", tables(&["tags"])) };
        let rule = widening(more, world.new_code());
        store.approve(user, client, rule).await.unwrap();
        let both = world.consent_to("openid email readwrite", tables(&["notes", "tags"]));
        let expected = ConsentRecord { granted_at: after(9), ..both };
        assert_eq!(store.consent(user, client).await.unwrap(), Some(expected.clone()));
        let listed = ListedConsent {
            consent: expected,
            client_name: world.client.settings.name.clone(),
            app_name: world.app.name.clone(),
        };
        assert_eq!(store.list_consents(user).await.unwrap(), vec![listed]);
        store.revoke_client(client, NOW).await.unwrap();
        assert_eq!(store.list_consents(user).await.unwrap(), vec![]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_and_code_are_stored_together_or_not_at_all() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user, client) = (&world.store, world.user.id, &world.client.client_id);
        let refusing = |_: Option<&ConsentRecord>| Err::<(ConsentRecord, CodeRecord), _>("no");
        assert_eq!(store.approve(user, client, refusing).await.unwrap(), Approval::Refused("no"));
        let code = world.new_code();
        let rule = widening(world.consent_to("openid", AllowedTables::All), code.clone());
        store.end_session(world.session.id, SessionKind::Browser, NOW).await.unwrap();
        assert_eq!(store.approve(user, client, rule).await.unwrap(), Approval::SessionEnded);
        assert_eq!(store.consent(user, client).await.unwrap(), None);
        let stored = CodeRecord { session_id: None, ..code };
        let rule = widening(world.consent_to("openid", AllowedTables::All), stored.clone());
        store.approve(user, client, rule).await.unwrap();
        let same_row = CodeRecord { hash: hash(), ..stored };
        let rule = widening(world.consent_to("email", AllowedTables::All), same_row);
        assert!(store.approve(user, client, rule).await.is_err(), "two codes in one row");
        let kept = store.consent(user, client).await.unwrap().unwrap();
        assert_eq!(kept.scope.to_string(), "openid");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawing_a_consent_kills_what_stems_from_it_and_nothing_else() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user, client_id) = (&world.store, world.user.id, &world.client.client_id);
        let other = World { client: client(world.app.id), ..world.clone() };
        store.insert_client(&other.client).await.unwrap();
        let (answer, waiting) = (world.granted().await, world.code().await);
        let (kept, kept_code) = (other.granted().await, other.code().await);
        assert!(store.withdraw_consent(user, client_id, after(1)).await.unwrap());
        assert_eq!(store.consent(user, client_id).await.unwrap(), None);
        assert!(!world.is_live(&answer.issuance.access, after(1)).await);
        assert!(store.peek_code(waiting.id).await.unwrap().is_none());
        assert!(!store.withdraw_consent(user, client_id, after(2)).await.unwrap());
        assert!(other.is_live(&kept.issuance.access, after(1)).await);
        assert!(matches!(other.redeem(&kept_code, after(1)).await, Redemption::Issue(_)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_access_outlasts_the_session_that_gave_it() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user, name) = (&world.store, world.user.id, &world.client.client_id);
        let scope = GrantedScope::from_stored("openid offline_access readwrite").unwrap();
        let code = CodeRecord { scope, ..world.new_code() };
        let asked = world.consent_to("openid offline_access readwrite", AllowedTables::All);
        store.approve(user, name, widening(asked, code.clone())).await.unwrap();
        let offline = world.redeem(&code, NOW).await;
        let Redemption::Issue(offline) = offline else { panic!("{offline:?}") };
        let bound = world.granted().await;
        let reason = RevocationReason::LoggedOut;
        store.revoke_grants_of_session(user, name, world.session.id, reason, after(1)).await.unwrap();
        assert!(!world.is_live(&bound.issuance.access, after(1)).await);
        assert!(world.is_live(&offline.issuance.access, after(1)).await);
        store.revoke_grants(user, name, reason, after(2)).await.unwrap();
        assert!(!world.is_live(&offline.issuance.access, after(2)).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_die_by_person_by_client_and_by_session() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user, name) = (&world.store, world.user.id, &world.client.client_id);
        let reason = RevocationReason::LoggedOut;
        let second = World { session: session(user), ..world.clone() };
        assert!(store.insert_browser_session(&second.session, PASSWORD).await.unwrap());
        let (here, there, code) = (world.granted().await, second.granted().await, world.code().await);
        assert_eq!(store.list_grants(user, NOW).await.unwrap().len(), 2);
        store.revoke_grants_of_session(user, name, world.session.id, reason, after(1)).await.unwrap();
        assert!(!world.is_live(&here.issuance.access, after(1)).await);
        assert!(world.is_live(&there.issuance.access, after(1)).await);
        assert!(store.peek_code(code.id).await.unwrap().is_none());
        assert_eq!(store.list_grants(user, after(1)).await.unwrap(), vec![there.grant.clone()]);

        store.revoke_grants(user, &client_id(), reason, after(2)).await.unwrap();
        assert!(world.is_live(&there.issuance.access, after(2)).await);
        store.revoke_grants(user, name, reason, after(2)).await.unwrap();
        assert!(!world.is_live(&there.issuance.access, after(2)).await);

        let (last, code) = (world.granted().await, world.code().await);
        store.revoke_grants_of_user(user, reason, after(3)).await.unwrap();
        assert!(!world.is_live(&last.issuance.access, after(3)).await);
        assert!(store.peek_code(code.id).await.unwrap().is_none());
        assert!(store.consent(user, name).await.unwrap().is_some(), "the consent stays");
        assert_eq!(store.list_grants(user, after(3)).await.unwrap(), vec![]);
    })
    .await;
}
