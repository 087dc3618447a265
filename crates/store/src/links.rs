//! Links sent by mail: to set a new password, to show that an address is one's own.

use ayb_protocol::ids::UserId;
use ayb_protocol::secret::{MailLink, SecretHash};
use ayb_protocol::time::Timestamp;
use ayb_provider::user::UserRecord;
use uuid::Uuid;

use crate::Store;
use crate::columns::Columns;
use crate::db::{Row, Tx, Write};
use crate::error::StoreError;
use crate::users::{self, NewPassword, read_user, user_columns};

/// What a link is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkKind {
    /// To set a new password.
    Reset,
    /// To show that the address is the person's own.
    Verify,
}

impl LinkKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Verify => "verify",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Reset, Self::Verify].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A link as stored.
#[derive(Clone, Eq, PartialEq)]
pub struct LinkRecord {
    /// Its identifier.
    pub id: Uuid,
    /// What it is for.
    pub kind: LinkKind,
    /// SHA-256 of its secret.
    pub hash: SecretHash<MailLink>,
    /// Whom it was sent to.
    pub user_id: UserId,
    /// The address that it was sent to.
    pub email: String,
    /// When it dies unused.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for LinkRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkRecord({}, {:?})", self.id, self.kind)
    }
}

/// A link and its person.
#[derive(Clone, Debug)]
pub struct FoundLink {
    /// The link.
    pub link: LinkRecord,
    /// The person.
    pub user: UserRecord,
}

impl FoundLink {
    /// Whether a secret with this hash may use the link for `kind` now: it is the link's own, unused and alive, the
    /// account is in use, and the person still has the address that the link was sent to.
    pub fn opens(&self, kind: LinkKind, hash: &SecretHash<MailLink>, now: Timestamp) -> bool {
        let Self { link, user } = self;
        link.hash == *hash
            && link.kind == kind
            && link.used_at.is_none()
            && now < link.expires_at
            && user.is_active()
            && user.email == link.email
    }
}

/// What using a link does.
#[derive(Clone, Debug)]
pub enum LinkUse {
    /// The address is the person's own.
    VerifyEmail,
    /// The person has a new password. All their links for new passwords die with this one.
    SetPassword(NewPassword),
    /// Nothing: unknown, used, expired, or for something else.
    Refuse,
}

const INSERT: &str =
    "insert into _ayb_user_tokens (id, kind, token_hash, user_id, email, expires_at, created_at)
    values ($1, $2, $3, $4, $5, $6, $7)";

/// The columns of [`FoundLink`].
macro_rules! found_link {
    () => {
        concat!(
            "select l.id, l.kind, l.token_hash, l.user_id, l.email, l.expires_at, l.used_at, l.created_at, ",
            user_columns!(),
            " from _ayb_user_tokens l join _ayb_users u on u.id = l.user_id where l.id = $1"
        )
    };
}

fn found_link(row: &Row) -> Result<FoundLink, StoreError> {
    let mut columns = Columns::of(row);
    let link = LinkRecord {
        id: columns.uuid()?,
        kind: columns.word(LinkKind::parse)?,
        hash: columns.hash()?,
        user_id: UserId(columns.uuid()?),
        email: columns.string()?,
        expires_at: columns.time()?,
        used_at: columns.opt_time()?,
        created_at: columns.time()?,
    };
    Ok(FoundLink { link, user: read_user(&mut columns)? })
}

pub(crate) const PEEK: &str = found_link!();

// The person too: two links for new passwords are used one after the other.
pub(crate) const LOCK: &str = concat!(found_link!(), " for no key update of u, l");

pub(crate) const USE: &str = "update _ayb_user_tokens set used_at = $2 where id = $1 and used_at is null";

pub(crate) const USE_RESETS: &str = "update _ayb_user_tokens set used_at = $2
    where user_id = $1 and kind = 'reset' and used_at is null";

/// The write that uses up all links of a person for new passwords.
pub(crate) fn use_resets(user: UserId, now: Timestamp) -> Write {
    (USE_RESETS, vec![user.into(), now.into()])
}

async fn consume<R>(tx: &mut Tx, ask: &(Uuid, Timestamp, R)) -> Result<LinkUse, StoreError>
where
    R: Fn(Option<&FoundLink>) -> LinkUse,
{
    let (id, now, rule) = ask;
    let row = tx.lock_opt(LOCK, &[(*id).into()]).await?;
    let found = row.map(|row| found_link(&row)).transpose()?;
    let decision = rule(found.as_ref());
    let Some(FoundLink { link, .. }) = found else { return Ok(LinkUse::Refuse) };
    match &decision {
        LinkUse::VerifyEmail => {
            let verify = users::verify_email(link.user_id, &link.email, *now);
            tx.apply(vec![(USE, vec![(*id).into(), (*now).into()]), (users::VERIFY_EMAIL, verify)]).await?;
        }
        LinkUse::SetPassword(new) => {
            users::set_password(tx, link.user_id, new, *now).await?;
        }
        LinkUse::Refuse => {}
    }
    Ok(decision)
}

impl Store {
    /// Stores a new link.
    pub async fn insert_link(&self, link: &LinkRecord) -> Result<(), StoreError> {
        let row = vec![
            link.id.into(),
            link.kind.as_str().into(),
            link.hash.into(),
            link.user_id.into(),
            (&link.email).into(),
            link.expires_at.into(),
            link.created_at.into(),
        ];
        self.db.execute(INSERT, row).await?;
        Ok(())
    }

    /// A link and its person, to look at before a form is shown.
    pub async fn peek_link(&self, id: Uuid) -> Result<Option<FoundLink>, StoreError> {
        self.db.one(PEEK, &[id.into()]).await?.map(|row| found_link(&row)).transpose()
    }

    /// Uses a link by `rule`, which sees what is stored while nobody else can change it. What the rule decides is done
    /// to the person whose link it is, and the link is used up, in one transaction.
    pub async fn consume_link<R>(&self, id: Uuid, now: Timestamp, rule: R) -> Result<LinkUse, StoreError>
    where
        R: Fn(Option<&FoundLink>) -> LinkUse + Send + Sync + 'static,
    {
        self.db.transaction("consume link", (id, now, rule), |tx, ask| Box::pin(consume(tx, ask))).await
    }
}
