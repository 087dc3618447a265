//! `POST /oauth/token`, also `/api/auth/token` (RFC 6749 §3.2).

use axum::response::Response;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::GrantId;
use ayb_protocol::message::token::{ClientCredentialsRequest, CodeRequest, TokenRequest};
use ayb_protocol::time::Timestamp;
use ayb_provider::client::TokenFormat;
use ayb_provider::client_auth::AuthenticatedClient;
use ayb_provider::grant::code::{CodeAsk, FoundCode, Redemption};
use ayb_provider::grant::{Answer, client_credentials, code};

use crate::app::App;
use crate::oauth::client_auth::Recall;
use crate::oauth::client_request::{ClientRequest, Proven};
use crate::oauth::error::OAuthError;
use crate::oauth::issue::{Drawn, DrawnAccess, Reply, Rows, Source, draw, grant_answer, machine_answer};
use crate::oauth::refresh;

/// A client may have been remembered: the write that follows tells whether it is still what it was.
const RECALLS: [Recall; 2] = [Recall::Allowed, Recall::Never];

/// Answers a token request.
pub async fn post(sent: ClientRequest) -> Response {
    sent.answer(&RECALLS, TokenRequest::read, grant).await
}

/// The answer to a client that may have been remembered; `None` when it is no longer what it was.
async fn grant(proven: Proven<'_, TokenRequest>) -> Result<Option<Response>, OAuthError> {
    let Proven { app, client, request, now } = proven;
    match request {
        TokenRequest::Code(request) => redeem(app, client, request, now).await,
        TokenRequest::ClientCredentials(request) => machine(app, client, request, now).await,
        TokenRequest::Refresh(request) => refresh::rotate(app, client, request, now).await,
    }
}

async fn machine(
    app: &App,
    client: &AuthenticatedClient,
    request: &ClientCredentialsRequest,
    now: Timestamp,
) -> Result<Option<Response>, OAuthError> {
    let format = client.record().settings.token_format;
    let mut access = DrawnAccess::alone(&app.mint, format, now)?;
    // A grant of this one token: nobody looks for its row, so the token's own identifier names it.
    let grant_id = GrantId(access.fresh.id);
    let mut record = client_credentials::issue(client, request, access.fresh, grant_id, &app.policy, now)?;
    if format == TokenFormat::Jwt {
        access.sign(app, client.record(), &record, None)?;
        record = record.with_hash(access.fresh.hash);
    }
    let stored = app.store.issue_access(&record, client.record()).await?;
    Ok(stored.then(|| machine_answer(&record, &access.text, now)))
}

async fn redeem(
    app: &App,
    client: &AuthenticatedClient,
    request: &CodeRequest,
    now: Timestamp,
) -> Result<Option<Response>, OAuthError> {
    let Some(secret) = &request.code else {
        return Err(Refusal::new(ErrorCode::InvalidGrant, "The authorization code is not valid.").into());
    };
    let (id, hash) = secret.locate(app.mint.mask());
    let ask =
        CodeAsk { hash, redirect_uri: request.redirect_uri.clone(), verifier: request.verifier.clone() };
    let format = client.record().settings.token_format;
    let mut drawn = draw(&app.mint, format, &Source::Random, Rows::new(&app.mint, now))?;
    let seen = match format {
        TokenFormat::Jwt => sign_ahead(app, client, &ask, &mut drawn, id, now).await?,
        TokenFormat::Opaque => None,
    };
    let rule = rule(ask, client.clone(), &drawn, app.policy.clone(), now);
    let Some(decision) = app.store.redeem_code(id, client.record(), now, seen, rule).await? else {
        return Ok(None);
    };
    match decision {
        Redemption::Issue(answer) => {
            let Answer { grant, issuance, nonce } = &*answer;
            let refresh = issuance.refresh.as_ref().map(|_| &drawn.refresh);
            let reply = Reply { grant, access: &issuance.access, nonce: nonce.as_deref(), refresh };
            grant_answer(app, client.record(), &drawn.access.text, &reply, now).await.map(Some)
        }
        Redemption::Replay { revoke } => {
            app.audit.code_replayed(client.record(), revoke, now);
            let text = "The authorization code was used before; everything it led to is revoked.";
            Err(Refusal::new(ErrorCode::InvalidGrant, text).into())
        }
        Redemption::Refuse(refusal) => Err(refusal.into()),
    }
}

fn rule(
    ask: CodeAsk,
    client: AuthenticatedClient,
    drawn: &Drawn,
    policy: ayb_provider::policy::Policy,
    now: Timestamp,
) -> impl Fn(Option<&FoundCode>) -> Redemption + Send + Sync + 'static {
    let (fresh, signed) = (drawn.fresh(), drawn.access.is_signed());
    move |found| code::redeem(found, &ask, &client, &fresh, &policy, now).only_if(signed)
}

/// Signs the access token before the transaction, in which nothing slow may happen. What goes into it is fixed when
/// the code is issued, so an early look gives the same claims; whether it is issued at all is decided later. What was seen.
async fn sign_ahead(
    app: &App,
    client: &AuthenticatedClient,
    ask: &CodeAsk,
    drawn: &mut Drawn,
    id: uuid::Uuid,
    now: Timestamp,
) -> Result<Option<FoundCode>, OAuthError> {
    let found = app.store.peek_code(id).await?;
    let foreseen = code::redeem(found.as_ref(), ask, client, &drawn.fresh(), &app.policy, now);
    if let Redemption::Issue(answer) = foreseen {
        drawn.access.sign(app, client.record(), &answer.issuance.access, Some(answer.grant.auth_time))?;
    }
    Ok(found)
}
