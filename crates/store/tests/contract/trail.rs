//! The audit trail.

use ayb_protocol::ids::UserId;
use ayb_store::{AuditEntry, AuditFilter, Page, Store};
use serde_json::json;

use crate::kit::each_migrated;
use crate::sample::{after, id};

const FIRST: Page = Page { number: 1, per_page: 20 };

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_what_they_are_about() {
    each_migrated(async |db| {
        let (store, person) = (Store::new(db), UserId(id()));
        let entry = |seconds, event: &str| AuditEntry {
            id: id(),
            at: after(seconds),
            event: event.to_owned(),
            actor: None,
            client_id: None,
            user_id: None,
            ip: None,
            detail: None,
        };
        let login = AuditEntry {
            user_id: Some(person),
            actor: Some("user".to_owned()),
            ip: Some("203.0.113.9".to_owned()),
            detail: Some(json!({"amr": ["pwd"], "n": 1})),
            ..entry(1, "user.signed_in")
        };
        let revoked = AuditEntry { client_id: Some("ayb_cid_1".to_owned()), ..entry(2, "client.revoked") };
        let again = AuditEntry { user_id: Some(person), ..entry(3, "user.signed_in") };
        for entry in [&again, &login, &revoked] {
            store.append_audit(entry).await.unwrap();
        }
        let all = AuditFilter::default();
        let found = [
            (all.clone(), vec![&again, &revoked, &login]),
            (AuditFilter { event: Some("user.signed_in".to_owned()), ..all.clone() }, vec![&again, &login]),
            (AuditFilter { client_id: Some("ayb_cid_1".to_owned()), ..all.clone() }, vec![&revoked]),
            (
                AuditFilter {
                    user_id: Some(person),
                    since: Some(after(1)),
                    until: Some(after(3)),
                    ..all.clone()
                },
                vec![&login],
            ),
            (AuditFilter { event: Some("' or 1=1 --".to_owned()), ..all.clone() }, vec![]),
        ];
        for (filter, expected) in found {
            let total = expected.len() as u64;
            let expected: Vec<AuditEntry> = expected.into_iter().cloned().collect();
            assert_eq!(store.list_audit(FIRST, &filter).await.unwrap(), (expected, total), "{filter:?}");
        }
        let second = store.list_audit(Page { number: 2, per_page: 2 }, &all).await.unwrap();
        assert_eq!(second, (vec![login], 3));
    })
    .await;
}
