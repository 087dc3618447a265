//! Sessions of the administrator: a bearer token that nothing else is ever taken for.

use std::net::{IpAddr, Ipv4Addr};

use ayb_protocol::ids::SessionId;
use ayb_protocol::secret::{Admin, Secret};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_store::AdminSessionRecord;
use http::HeaderMap;
use http::header::USER_AGENT;
use zeroize::Zeroizing;

use crate::admin::password;
use crate::app::App;
use crate::audit::Subject;
use crate::config::secret_file;
use crate::error::ApiError;
use crate::http::client_ip::ClientIp;
use crate::limits::Standing;
use crate::password::PasswordHash;

/// How long a session lasts.
pub const LIFETIME: Seconds = Seconds(12 * 3600);

/// The file in the data folder that holds the token for the command line of this machine.
pub const LOCAL_TOKEN_FILE: &str = "admin-token";

const LONGEST_USER_AGENT: usize = 300;

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The address.
    pub ip: ClientIp,
    /// The program, as it calls itself.
    pub user_agent: Option<String>,
}

impl Origin {
    /// Reads the program's name from the request.
    pub fn new(ip: ClientIp, headers: &HeaderMap) -> Self {
        let text = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self { ip, user_agent: text.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()) }
    }
}

/// The administrator, signed in. Only [`admit`] makes one.
#[derive(Clone, Debug)]
pub struct AdminCaller {
    session: SessionId,
    ip: ClientIp,
    now: Timestamp,
}

impl AdminCaller {
    /// When the request came.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Notes what the administrator did.
    pub(crate) fn note(&self, app: &App, event: &'static str, about: Subject) {
        app.audit.note(event, by_admin(self.ip, about), self.now);
    }
}

/// The administrator behind a bearer string.
///
/// # Errors
/// 401 for everything but a live session of the administrator; what people and clients hold is never one.
pub async fn admit(app: &App, token: &str, ip: ClientIp, now: Timestamp) -> Result<AdminCaller, ApiError> {
    let secret = Secret::<Admin>::parse(token).ok_or_else(refused)?;
    let session = SessionId(secret.named_row(app.mint.mask()).ok_or_else(refused)?);
    let found = app.store.admin_session(session).await?.ok_or_else(refused)?;
    let live = found.hash == secret.hash() && found.revoked_at.is_none() && now < found.expires_at;
    if !live {
        return Err(refused());
    }
    Ok(AdminCaller { session, ip, now })
}

fn refused() -> ApiError {
    ApiError::unauthorized("sign in as administrator")
}

/// What the limit on attempts says about one more from `ip`.
pub async fn attempt(app: &App, ip: ClientIp, now: Timestamp) -> Option<Standing> {
    app.limits.admin_sign_in(ip, now).await
}

/// Signs the administrator in.
///
/// # Errors
/// 401 for a wrong password.
pub async fn sign_in(
    app: &App,
    password: Zeroizing<String>,
    origin: Origin,
    now: Timestamp,
) -> Result<Secret<Admin>, ApiError> {
    let ip = origin.ip;
    let begun = match password::verify(app, password).await? {
        Some(verified) => begin_verified(app, &verified, origin, now).await?,
        None => None,
    };
    let Some(token) = begun else {
        app.audit.note(
            "admin.sign_in_failed",
            Subject { ip: Some(ip.to_string()), ..Subject::default() },
            now,
        );
        return Err(ApiError::unauthorized("the password is wrong"));
    };
    app.audit.note("admin.signed_in", by_admin(ip, Subject::default()), now);
    Ok(token)
}

/// A session for whoever showed the password with this hash; `None` when the password is another by now.
///
/// # Errors
/// When the store or the randomness fails.
pub async fn begin_verified(
    app: &App,
    verified: &PasswordHash,
    origin: Origin,
    now: Timestamp,
) -> Result<Option<Secret<Admin>>, ApiError> {
    let (token, session) = prepare(app, origin, now)?;
    let stored = app.store.insert_verified_admin_session(&session, verified.as_str()).await?;
    Ok(stored.then_some(token))
}

/// Signs the administrator out of this session.
///
/// # Errors
/// When the store fails.
pub async fn sign_out(app: &App, admin: &AdminCaller) -> Result<(), ApiError> {
    app.store.end_admin_session(admin.session, admin.now).await?;
    admin.note(app, "admin.signed_out", Subject::default());
    Ok(())
}

/// A token for the command line on this machine.
///
/// # Errors
/// When the store or the randomness fails.
pub async fn local_token(app: &App) -> Result<Secret<Admin>, ApiError> {
    let here = ClientIp(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let origin = Origin { ip: here, user_agent: Some("ayb on the server's machine".to_owned()) };
    let (token, session) = prepare(app, origin, app.clock.now())?;
    app.store.insert_admin_session(&session).await?;
    Ok(token)
}

/// Writes a fresh [`local_token`] where the command line on this machine looks for it. A token lives for
/// [`LIFETIME`], so a running server writes anew well before that.
///
/// # Errors
/// When the store fails, or the file cannot be written.
pub async fn write_local_token(app: &App) -> anyhow::Result<()> {
    let token = local_token(app).await?;
    let path = app.config.server.data_dir.join(LOCAL_TOKEN_FILE);
    let text = Zeroizing::new(format!("{}\n", token.expose()));
    Ok(secret_file::replace(&path, &text)?)
}

fn prepare(
    app: &App,
    origin: Origin,
    now: Timestamp,
) -> Result<(Secret<Admin>, AdminSessionRecord), ApiError> {
    let id = app.mint.uuid(now)?;
    let token: Secret<Admin> = app.mint.named(id)?;
    let session = AdminSessionRecord {
        id: SessionId(id),
        hash: token.hash(),
        user_agent: origin.user_agent,
        ip: Some(origin.ip.to_string()),
        created_at: now,
        expires_at: now.plus(LIFETIME),
        revoked_at: None,
    };
    Ok((token, session))
}

fn by_admin(ip: ClientIp, about: Subject) -> Subject {
    Subject { actor: Some("admin".to_owned()), ip: Some(ip.to_string()), ..about }
}
