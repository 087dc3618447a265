//! Bearer credentials (RFC 6750): kinds by form, and life.

use crate::kit::{NOW, found_access as found, our_id, reason};
use ayb_protocol::error::ErrorCode;
use ayb_protocol::ids::AppId;
use ayb_protocol::jose::base64url;
use ayb_protocol::secret::{Access, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::bearer::{Bearer, FoundAccess, check, classify};
use uuid::Uuid;

const ROW: &str = "0192f3a4-5b6c-7d8e-9fab-0123456789ab";

fn hash() -> SecretHash<Access> {
    SecretHash::of("access")
}

#[test]
fn a_live_token_opens_the_api() {
    let live = check(&hash(), Some(found(|_| {})), NOW).expect("alive");
    assert_eq!(live.token(), &found(|_| {}).token);
    assert_eq!(live.found().app_id, AppId(Uuid::from_u128(0xa)));
}

#[test]
fn each_reason_kills_and_only_the_log_learns_which() {
    type Change = fn(&mut FoundAccess);
    let cases: [(&str, Change); 6] = [
        ("revoked token", |found| found.token.revoked_at = Some(NOW)),
        ("revoked grant", |found| found.grant_revoked = true),
        ("revoked client", |found| found.client_revoked = true),
        ("disabled account", |found| found.user_active = false),
        ("expired token", |found| found.token.expires_at = NOW),
        ("unknown token", |found| found.token.hash = SecretHash::of("another")),
    ];
    let unknown = check(&hash(), None, NOW).expect_err("unknown");
    assert_eq!(reason(&unknown), (ErrorCode::InvalidToken, "unknown token"));
    for (detail, change) in cases {
        let refusal = check(&hash(), Some(found(change)), NOW).expect_err(detail);
        assert_eq!(reason(&refusal), (ErrorCode::InvalidToken, detail));
        assert_eq!(refusal.public, unknown.public);
    }
}

#[test]
fn a_token_that_only_points_at_the_row_is_refused() {
    for text in ["forged", "", "access ", "ACCESS"] {
        let refusal = check(&SecretHash::of(text), Some(found(|_| {})), NOW).expect_err(text);
        assert_eq!(reason(&refusal).1, "unknown token");
    }
}

#[test]
fn a_token_is_dead_from_its_last_moment_on() {
    let at = |millis: i64| {
        let found = found(|_| {});
        let now = Timestamp::from_millis(found.token.expires_at.as_millis() + millis);
        check(&hash(), Some(found), now).is_ok()
    };
    assert!(at(-1));
    for late in [0, 1, 1000, i64::MAX / 2] {
        assert!(!at(late), "{late} ms");
    }
}

#[test]
fn a_revocation_counts_whatever_its_time_says() {
    // Another server's clock may be ahead of ours.
    let later = NOW.plus(Seconds(60));
    let found = found(|found| found.token.revoked_at = Some(later));
    assert!(check(&hash(), Some(found), NOW).is_err());
}

fn jwt(header: &str, payload: &str) -> String {
    format!("{}.{}.c2ln", base64url::encode(header), base64url::encode(payload))
}

fn typed(header: &str) -> String {
    jwt(header, &format!(r#"{{"jti":"{ROW}"}}"#))
}

fn access_jwt(payload: &str) -> String {
    jwt(r#"{"alg":"RS256","typ":"at+jwt"}"#, payload)
}

fn kind(text: &str) -> &'static str {
    match classify(text) {
        Bearer::Opaque(_) => "opaque",
        Bearer::Jwt { .. } => "jwt",
        Bearer::ApiKey(_) => "API key",
        Bearer::Session => "session",
        Bearer::Unusable => "unusable",
    }
}

#[test]
fn the_prefix_decides_before_anything_else() {
    let hex = |prefix: &str, bytes: usize| format!("{prefix}{}", "ab".repeat(bytes));
    for (text, expected) in [
        (hex("ayb_at_", 32), "opaque"),
        (hex("ayb_at_", 31), "unusable"),
        (hex("ayb_at_", 33), "unusable"),
        (hex("ayb_at_", 48), "unusable"),
        (hex("ayb_at_", 0), "unusable"),
        (hex("ayb_at_", 32).replace('b', "B"), "unusable"),
        (hex("AYB_AT_", 32), "unusable"),
        (hex("ayb_at_", 32).to_uppercase(), "unusable"),
        (format!(" {}", hex("ayb_at_", 32)), "unusable"),
        (format!("{}\n", hex("ayb_at_", 32)), "unusable"),
        (format!("{}é", hex("ayb_at_", 31)), "unusable"),
        (format!("ayb_at_{}", typed(r#"{"alg":"RS256","typ":"at+jwt"}"#)), "unusable"),
        (hex("ayb_rt_", 48), "unusable"),
        (hex("ayb_rt_", 32), "unusable"),
        (hex("ayb_cs_", 32), "unusable"),
        (hex("ayb_bs_", 48), "unusable"),
        (hex("ayb_sr_", 48), "unusable"),
        (hex("ayb_adm_", 48), "unusable"),
        (hex("ayb_ml_", 48), "unusable"),
        (hex("ayb_cid_", 24), "unusable"),
        (hex("ayb_at_", 24), "unusable"),
        (hex("ayb_rt_", 24), "unusable"),
        (hex("ayb_cs_", 24), "unusable"),
        (hex("ayb_", 24), "API key"),
        (hex("ayb_", 23), "unusable"),
        (hex("ayb_", 25), "unusable"),
        (hex("ayb_", 32), "unusable"),
        (hex("AYB_", 24), "unusable"),
        (hex("ayb_", 24).replace('b', "B"), "unusable"),
        (hex("ayb_", 24).replacen("ayb_ab", "ayb_aB", 1), "unusable"),
        (hex("ayb_", 24).replacen("ayb_ab", "ayb_at_", 1), "unusable"),
        (format!("{}\n", hex("ayb_", 24)), "unusable"),
        (format!(" {}", hex("ayb_", 24)), "unusable"),
        (format!("{}é", hex("ayb_", 23)), "unusable"),
        (hex("", 32), "unusable"),
        ("ayb_".to_owned(), "unusable"),
        (String::new(), "unusable"),
    ] {
        assert_eq!(kind(&text), expected, "{text:?}");
    }
}

#[test]
fn a_prefix_is_never_read_as_a_jwt() {
    let jwt = typed(r#"{"alg":"HS256","typ":"ayb-session+jwt"}"#);
    for prefix in ["ayb_", "ayb_rt_", "ayb_at_", "ayb_x."] {
        assert_eq!(kind(&format!("{prefix}{jwt}")), "unusable", "{prefix}");
    }
}

#[test]
fn the_type_of_a_jwt_decides_what_it_may_open() {
    for (header, expected) in [
        (r#"{"alg":"RS256","typ":"at+jwt"}"#, "jwt"),
        (r#"{"alg":"ES256","typ":"AT+JWT"}"#, "jwt"),
        (r#"{"alg":"HS256","typ":"ayb-session+jwt"}"#, "session"),
        (r#"{"alg":"HS256","typ":"AYB-Session+JWT"}"#, "session"),
        (r#"{"alg":"RS256","typ":"JWT"}"#, "unusable"),
        (r#"{"alg":"RS256","typ":"logout+jwt"}"#, "unusable"),
        (r#"{"alg":"RS256","typ":"at+jwt "}"#, "unusable"),
        (r#"{"alg":"RS256","typ":""}"#, "unusable"),
        (r#"{"alg":"RS256"}"#, "unusable"),
        (r#"{"alg":"RS256","typ":["at+jwt"]}"#, "unusable"),
        (r#"{"alg":"RS256","typ":null}"#, "unusable"),
        (r#"{"alg":"RS256","typ":"JWT","typ":"at+jwt"}"#, "unusable"),
        (r#"{"alg":"none","typ":"at+jwt"}"#, "unusable"),
        (r#"{"alg":"None","typ":"at+jwt"}"#, "unusable"),
        (r#"{"alg":"none","typ":"ayb-session+jwt"}"#, "unusable"),
        (r#"{"typ":"at+jwt"}"#, "unusable"),
        (r#"{"alg":"RS256","typ":"at+jwt","crit":["exp"]}"#, "unusable"),
        (r#"{"alg":"RS256","typ":"at+jwt","zip":"DEF"}"#, "unusable"),
        ("[]", "unusable"),
        ("", "unusable"),
    ] {
        assert_eq!(kind(&typed(header)), expected, "{header}");
    }
}

#[test]
fn a_jwt_without_a_row_is_unusable() {
    for payload in [
        "{}",
        r#"{"jti":""}"#,
        r#"{"jti":"1"}"#,
        r#"{"jti":5}"#,
        r#"{"jti":null}"#,
        r#"{"jti":["0192f3a4-5b6c-7d8e-9fab-0123456789ab"]}"#,
        r#"{"jti":"0192f3a4-5b6c-7d8e-9fab-0123456789a"}"#,
        r#"{"jti":"0192f3a4-5b6c-7d8e-9fab-0123456789ab "}"#,
        r#"{"jti":"0192f3a4-5b6c-7d8e-9fab-0123456789ab","jti":"0192f3a4-5b6c-7d8e-9fab-0123456789ab"}"#,
        r#"{"jti":"' OR 1=1 --"}"#,
        "[]",
        "",
    ] {
        assert_eq!(kind(&access_jwt(payload)), "unusable", "{payload}");
    }
}

#[test]
fn a_jwt_is_known_by_all_of_its_text() {
    let token = typed(r#"{"alg":"RS256","typ":"at+jwt"}"#);
    let Bearer::Jwt { row, hash, audience } = classify(&token) else { panic!("no JWT") };
    assert_eq!((row.to_string().as_str(), hash, audience), (ROW, SecretHash::of(&token), None));
    let unsigned = &token[..token.rfind('.').expect("dots") + 1];
    let Bearer::Jwt { hash: other, .. } = classify(unsigned) else { panic!("no JWT") };
    assert_ne!(hash, other);
}

#[test]
fn broken_jwts_are_unusable() {
    let token = typed(r#"{"alg":"RS256","typ":"at+jwt"}"#);
    for text in [
        format!("{token}.x"),
        format!(".{token}"),
        token.replacen('.', "", 1),
        token.replace('.', ".."),
        format!("{token}\0").replacen('.', " .", 1),
        "..".to_owned(),
        ".".repeat(10_000),
        "{}".to_owned(),
    ] {
        assert_eq!(kind(&text), "unusable", "{text:.100}");
    }
}

#[test]
fn oversized_strings_are_unusable() {
    const LONG: usize = 17 * 1024;
    let padding = "a".repeat(LONG);
    for text in [
        padding.clone(),
        format!("ayb_at_{padding}"),
        format!("ayb_rt_{padding}"),
        access_jwt(&format!(r#"{{"jti":"{ROW}","x":"{padding}"}}"#)),
        jwt(
            &format!(r#"{{"alg":"RS256","typ":"at+jwt","x":"{padding}"}}"#),
            &format!(r#"{{"jti":"{ROW}"}}"#),
        ),
        format!("{}{padding}", typed(r#"{"alg":"RS256","typ":"at+jwt"}"#)),
        format!("{}{padding}", typed(r#"{"alg":"HS256","typ":"ayb-session+jwt"}"#)),
        access_jwt(&format!(r#"{{"jti":"{ROW}","x":{}{}}}"#, "[".repeat(4000), "]".repeat(4000))),
    ] {
        assert_eq!(kind(&text), "unusable", "{text:.60}");
    }
}

#[test]
fn what_was_classified_never_shows_in_debug() {
    let opaque = format!("ayb_at_{}", "ab".repeat(32));
    let shown =
        format!("{:?} {:?}", classify(&opaque), classify(&typed(r#"{"alg":"RS256","typ":"at+jwt"}"#)));
    assert!(!shown.contains("abab") && !shown.contains("c2ln"), "{shown}");
}

#[test]
fn a_jwt_is_for_us_or_for_another_api() {
    const ISSUER: &str = "https://id.example";
    let client = our_id();
    for (payload, ours) in [
        (format!(r#"{{"jti":"{ROW}","aud":"{ISSUER}"}}"#), true),
        (format!(r#"{{"jti":"{ROW}","aud":"{client}"}}"#), true),
        (format!(r#"{{"jti":"{ROW}","aud":"{ISSUER}/"}}"#), false),
        (format!(r#"{{"jti":"{ROW}","aud":"https://api.example"}}"#), false),
        (format!(r#"{{"jti":"{ROW}","aud":"{}"}}"#, crate::kit::other_id()), false),
        (format!(r#"{{"jti":"{ROW}","aud":["{ISSUER}"]}}"#), false),
        (format!(r#"{{"jti":"{ROW}","aud":""}}"#), false),
        (format!(r#"{{"jti":"{ROW}"}}"#), false),
    ] {
        let Bearer::Jwt { audience, .. } = classify(&access_jwt(&payload)) else { panic!("{payload}") };
        let live = check(&hash(), Some(found(|_| {})), NOW).expect("alive");
        assert!(live.is_for_us(), "an opaque token is always for us");
        assert_eq!(live.with_audience(audience.as_deref(), ISSUER).is_for_us(), ours, "{payload}");
    }
}
