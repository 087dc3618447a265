//! What `ayb start --demo` puts into an empty database: a person, an app and a public client for the demo page, and a
//! table of notes that belong to their users.

use ayb_protocol::ids::{AppId, ClientId, UserId};
use ayb_protocol::time::Timestamp;
use ayb_provider::app::{AppRecord, RateLimit};
use ayb_provider::client::{ClientKind, ClientRecord};
use ayb_provider::register::{ClientDraft, check};
use ayb_provider::user::UserRecord;
use ayb_store::Store;
use ayb_store::tables::{DEMO_OWNER, DEMO_TABLE};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::entropy::Entropy;

/// The demo person's address.
pub const DEMO_EMAIL: &str = "ada@example.com";
/// The demo person's password. The demo refuses to start where other machines could reach it.
pub const DEMO_PASSWORD: &str = "correct horse";
/// What the demo page asks for.
pub const DEMO_SCOPE: &str = "openid profile email offline_access readonly";

const SETTING: &str = "demo_client";

/// Makes sure that the demo's person, app and client exist, and gives the client's name.
///
/// # Errors
/// When the server is reachable from other machines, or the store cannot do it.
pub async fn prepare(
    config: &Config,
    store: &Store,
    entropy: &Entropy,
    now: Timestamp,
) -> anyhow::Result<String> {
    anyhow::ensure!(
        config.server.is_for_this_machine(),
        "the demo has a well-known password, so it starts for this machine only\n\
         hint: leave server.host at 127.0.0.1 and server.public_url at http://localhost, or start without --demo"
    );
    let redirect_uri = format!("{}/demo", config.server.public_url);
    let owner = person(config, store, entropy, now).await?;
    if let Some(known) = store.setting(SETTING).await?
        && let Some(client_id) = ClientId::parse(&known)
        && let Some(client) = store.client(&client_id).await?
        && client.settings.redirect_uris.iter().any(|uri| uri.as_str() == redirect_uri)
    {
        return Ok(known);
    }
    let client_id = client(store, entropy, owner, redirect_uri, now).await?;
    store.put_setting(SETTING, &client_id, now).await?;
    Ok(client_id)
}

/// Switches the API over tables on, with a table whose rows belong to their users.
pub fn open_tables(config: &mut Config) {
    config.tables.enabled = true;
    let owner = format!("{DEMO_TABLE}.{DEMO_OWNER}");
    if !config.tables.owners.contains(&owner) {
        config.tables.owners.push(owner);
    }
}

async fn person(config: &Config, store: &Store, entropy: &Entropy, now: Timestamp) -> anyhow::Result<UserId> {
    if let Some(user) = store.user_by_email(DEMO_EMAIL).await? {
        return Ok(user.id);
    }
    let hash = crate::app::passwords(config, entropy)?.hash(Zeroizing::new(DEMO_PASSWORD.to_owned())).await?;
    let user = UserRecord {
        id: UserId(entropy.uuid_v7(now)?),
        email: DEMO_EMAIL.to_owned(),
        password_hash: Some(hash.as_str().to_owned()),
        email_verified: true,
        name: Some("Ada Lovelace".to_owned()),
        picture: None,
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    store.insert_user(&user).await?;
    Ok(user.id)
}

async fn client(
    store: &Store,
    entropy: &Entropy,
    owner: UserId,
    redirect_uri: String,
    now: Timestamp,
) -> anyhow::Result<String> {
    let app = AppRecord {
        id: AppId(entropy.uuid_v7(now)?),
        name: "Demo".to_owned(),
        description: "A small relying party that shows each request of a sign-in.".to_owned(),
        owner_user_id: Some(owner),
        rate_limit: RateLimit::default(),
        allowed_origins: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    store.insert_app(&app).await?;
    let words = ["openid", "profile", "email", "readonly", "readwrite"];
    let settings = check(&ClientDraft {
        name: "Demo page".to_owned(),
        redirect_uris: vec![redirect_uri.clone()],
        post_logout_redirect_uris: vec![redirect_uri],
        scopes: words.map(str::to_owned).to_vec(),
        signing_alg: Some("ES256".to_owned()),
        ..ClientDraft::default()
    })?;
    let record = ClientRecord {
        id: entropy.uuid_v7(now)?,
        app_id: app.id,
        client_id: ClientId::from_bytes(&entropy.bytes()?),
        kind: ClientKind::Public,
        settings,
        created_at: now,
        updated_at: now,
        revoked_at: None,
        version: 1,
        app_allowed_origins: app.allowed_origins,
    };
    store.insert_client(&record).await?;
    Ok(record.client_id.to_string())
}
