//! Client authentication (RFC 6749 §2.3).

use crate::kit::{NOW, SECRET, client, other_id, our_id, reason};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::message::client_auth::{ClientProof, Credentials};
use ayb_protocol::secret::SecretHash;
use ayb_protocol::time::Seconds;
use ayb_provider::client::{ClientKind, ClientRecord, PreviousSecret};
use ayb_provider::client_auth::{AuthenticatedClient, verify};

fn credentials(proof: ClientProof) -> Credentials {
    Credentials { client_id: our_id().to_string(), proof }
}

fn basic(secret: &str) -> ClientProof {
    ClientProof::Basic(secret.to_owned().into())
}

fn post(secret: &str) -> ClientProof {
    ClientProof::Post(secret.to_owned().into())
}

fn public(client: &mut ClientRecord) {
    client.kind = ClientKind::Public;
}

fn refused(result: Result<AuthenticatedClient, Refusal>) -> Refusal {
    result.expect_err("refused")
}

#[test]
fn the_secret_is_accepted_by_basic_and_by_post() {
    for proof in [basic(SECRET), post(SECRET)] {
        let client = client(|_| {});
        let proven = verify(&credentials(proof), Some(client.clone().into()), NOW).expect("proven");
        assert_eq!(proven.record(), &client);
    }
}

#[test]
fn a_public_client_only_says_its_name() {
    assert!(verify(&credentials(ClientProof::None), Some(client(public).into()), NOW).is_ok());
}

#[test]
fn each_failure_is_refused_and_only_the_log_learns_why() {
    type Change = fn(&mut ClientRecord);
    let kept: Change = |_| {};
    let revoked: Change = |client| client.revoked_at = Some(NOW);
    let rotated: Change = |client| {
        client.kind = ClientKind::confidential(SecretHash::of("ayb_cs_newer"));
    };
    let revoked_public: Change = |client| {
        client.kind = ClientKind::Public;
        client.revoked_at = Some(NOW);
    };
    let cases: [(ClientProof, Change, &str); 16] = [
        (basic("ayb_cs_wrong"), kept, "wrong secret"),
        (post("ayb_cs_wrong"), kept, "wrong secret"),
        (basic(""), kept, "wrong secret"),
        (post(""), kept, "wrong secret"),
        (basic(&SECRET[..SECRET.len() - 1]), kept, "wrong secret"),
        (basic(&format!("{SECRET}0")), kept, "wrong secret"),
        (basic(&format!("{SECRET} ")), kept, "wrong secret"),
        (basic(&SECRET.to_uppercase()), kept, "wrong secret"),
        (basic(SECRET), rotated, "wrong secret"),
        (ClientProof::None, kept, "the secret is missing"),
        (basic(SECRET), revoked, "revoked client"),
        (ClientProof::None, revoked_public, "revoked client"),
        (basic(SECRET), public, "a public client sent a secret"),
        (post(SECRET), public, "a public client sent a secret"),
        (basic(""), public, "a public client sent a secret"),
        (post(""), public, "a public client sent a secret"),
    ];
    let unknown = refused(verify(&credentials(basic(SECRET)), None, NOW));
    assert_eq!(reason(&unknown), (ErrorCode::InvalidClient, "unknown client"));
    for (proof, change, detail) in cases {
        let refusal = refused(verify(&credentials(proof), Some(client(change).into()), NOW));
        assert_eq!(reason(&refusal), (ErrorCode::InvalidClient, detail));
        assert_eq!(refusal.public, unknown.public);
    }
}

#[test]
fn the_secret_before_works_until_its_time_is_over() {
    let rotated = |client: &mut ClientRecord| {
        let previous = PreviousSecret { hash: SecretHash::of(SECRET), expires_at: NOW.plus(Seconds(60)) };
        client.kind =
            ClientKind::Confidential { secret: SecretHash::of("ayb_cs_newer"), previous: Some(previous) };
    };
    let at = |secret: &str, seconds| {
        verify(&credentials(basic(secret)), Some(client(rotated).into()), NOW.plus(Seconds(seconds))).is_ok()
    };
    for (secret, seconds, works) in [
        (SECRET, 0, true),
        (SECRET, 59, true),
        (SECRET, 60, false),
        ("ayb_cs_newer", 0, true),
        ("ayb_cs_newer", 60, true),
        ("ayb_cs_other", 0, false),
        ("", 0, false),
    ] {
        assert_eq!(at(secret, seconds), works, "{secret} {seconds}");
    }
    let revoked = |client: &mut ClientRecord| {
        rotated(client);
        client.revoked_at = Some(NOW);
    };
    assert!(verify(&credentials(basic(SECRET)), Some(client(revoked).into()), NOW).is_err());
}

#[test]
fn the_stored_hash_is_not_the_secret() {
    let hash = ayb_protocol::secret::SecretHash::<ayb_protocol::secret::ClientSecret>::of(SECRET).to_stored();
    let hash = ayb_protocol::hex::encode(hash);
    let refusal = refused(verify(&credentials(basic(&hash)), Some(client(|_| {}).into()), NOW));
    assert_eq!(reason(&refusal), (ErrorCode::InvalidClient, "wrong secret"));
}

#[test]
fn a_record_of_another_client_proves_nothing() {
    for change in [
        |client: &mut ClientRecord| client.client_id = other_id(),
        |client: &mut ClientRecord| {
            client.client_id = other_id();
            client.kind = ClientKind::Public;
        },
    ] {
        let proof = match client(change).kind {
            ClientKind::Public => ClientProof::None,
            ClientKind::Confidential { .. } => basic(SECRET),
        };
        let refusal = refused(verify(&credentials(proof), Some(client(change).into()), NOW));
        assert_eq!(reason(&refusal), (ErrorCode::InvalidClient, "another client was loaded"));
    }
}

#[test]
fn a_refusal_repeats_nothing_of_the_request() {
    let refusal = refused(verify(&credentials(basic("ayb_cs_guess")), Some(client(|_| {}).into()), NOW));
    assert!(!format!("{refusal:?}").contains("ayb_c"));
}
