//! Reading an `id_token_hint`: an ID token of ours, possibly expired (OpenID Connect Core §3.1.2.1, RP-Initiated Logout
//! §4).

use ayb_protocol::jose::Algorithm;
use ayb_protocol::jose::jwt::{ExpectedType, Expiry, Verifier};
use ayb_protocol::time::Timestamp;
use ayb_provider::logout::Hint;

use crate::app::App;

/// What the token says; `None` unless we signed it as an ID token.
pub fn read(app: &App, token: &str, now: Timestamp) -> Option<Hint> {
    let algorithms = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let verifier = Verifier::new(algorithms, ExpectedType::Is("JWT".into()))
        .with_issuer(app.issuer())
        .with_expiry(Expiry::MayHavePassed);
    let claims = verifier.verify(token, app.keys.ring().hints(), now).ok()?;
    Some(Hint {
        sub: claims.subject()?.to_owned(),
        client_id: claims.audience().first().map(|client| (*client).to_owned())?,
        sid: claims.text("sid").map(str::to_owned),
    })
}
