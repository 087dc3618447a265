//! A person as the account API shows them to themselves.

use ayb_protocol::scope::{IdentityScope, ResourceScope, Scope};
use ayb_provider::user::UserRecord;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::json::IsoTime;

/// A person with an account.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = User)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// The identifier, the `sub` of tokens.
    id: Uuid,
    /// The address to sign in with.
    #[serde(flatten)]
    address: Option<Address>,
    /// Name and picture.
    #[serde(flatten)]
    looks: Option<Looks>,
    /// When the account was made.
    created_at: IsoTime,
    /// When it was last changed.
    updated_at: IsoTime,
}

/// What the scope `email` opens.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = UserAddress)]
#[serde(rename_all = "camelCase")]
struct Address {
    /// The address to sign in with.
    email: String,
    /// Whether the address was shown to be theirs.
    email_verified: bool,
}

/// What the scope `profile` opens.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = UserLooks)]
struct Looks {
    /// Name to show.
    name: Option<String>,
    /// Address of a picture.
    picture: Option<String>,
}

impl UserView {
    /// Everything, for the person themselves.
    pub fn whole(user: UserRecord) -> Self {
        Self {
            id: user.id.0,
            address: Some(Address { email: user.email, email_verified: user.email_verified }),
            looks: Some(Looks { name: user.name, picture: user.picture }),
            created_at: IsoTime(user.created_at),
            updated_at: IsoTime(user.updated_at),
        }
    }

    /// What a client may see: the address with `email`, name and picture with `profile`, all of it with `*`, as the
    /// person was told when they agreed.
    pub fn within(user: UserRecord, scope: &Scope) -> Self {
        let all = scope.resource() == Some(ResourceScope::Full);
        let whole = Self::whole(user);
        Self {
            address: whole.address.filter(|_| all || scope.has(IdentityScope::Email)),
            looks: whole.looks.filter(|_| all || scope.has(IdentityScope::Profile)),
            ..whole
        }
    }
}
