//! The `claims` parameter (OpenID Connect Core §5.5) and the claims about a person (§5.1).

use crate::error::{ErrorCode, Refusal};
use crate::scope::{IdentityScope, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The longest `claims` parameter that is taken, in bytes.
pub const MAX_CLAIMS: usize = 4096;

/// A claim about a person that this provider can make.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserClaim {
    /// `email`
    Email,
    /// `email_verified`
    EmailVerified,
    /// `name`
    Name,
    /// `picture`
    Picture,
}

impl UserClaim {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Email, Self::EmailVerified, Self::Name, Self::Picture];

    /// The member name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
            Self::Name => "name",
            Self::Picture => "picture",
        }
    }

    /// The scope word that opens this claim (OpenID Connect Core §5.4).
    pub const fn scope(self) -> IdentityScope {
        match self {
            Self::Email | Self::EmailVerified => IdentityScope::Email,
            Self::Name | Self::Picture => IdentityScope::Profile,
        }
    }
}

/// Which single claims were asked for, and where. Claims that this provider does not know are ignored
/// (OpenID Connect Core §5.5.1).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// For the UserInfo answer.
    pub userinfo: BTreeSet<UserClaim>,
    /// For the ID token.
    pub id_token: BTreeSet<UserClaim>,
    /// `auth_time` was asked for as essential.
    pub auth_time: bool,
    /// The one person that the answer must be about, if said (`sub` with a `value`).
    pub sub: Option<String>,
}

impl ClaimsRequest {
    /// Reads the parameter.
    ///
    /// # Errors
    /// `invalid_request` when it is too long or not a JSON object of objects.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse =
            || Refusal::new(ErrorCode::InvalidRequest, "The claims parameter is not a valid JSON object.");
        if text.len() > MAX_CLAIMS {
            return Err(refuse());
        }
        let Some(places) = crate::jose::json::parse_object(text.as_bytes()) else { return Err(refuse()) };
        let mut request = Self::default();
        for (place, members) in &places {
            let known = matches!(place.as_str(), "userinfo" | "id_token");
            match members {
                Value::Object(members) if known => request.read_place(place, members).ok_or_else(refuse)?,
                Value::Null if known => {}
                _ if known => return Err(refuse()),
                _ => {}
            }
        }
        Ok(request)
    }

    fn read_place(&mut self, place: &str, members: &Map<String, Value>) -> Option<()> {
        for (name, wish) in members {
            if !matches!(wish, Value::Null | Value::Object(_)) {
                return None;
            }
            if let Some(claim) = UserClaim::ALL.into_iter().find(|claim| claim.as_str() == name) {
                let set = if place == "userinfo" { &mut self.userinfo } else { &mut self.id_token };
                set.insert(claim);
            }
            match name.as_str() {
                "auth_time" if place == "id_token" => {
                    self.auth_time |= wish["essential"] == Value::Bool(true);
                }
                "sub" if !wish["value"].is_null() => self.expect_sub(wish["value"].as_str()?)?,
                _ => {}
            }
        }
        Some(())
    }

    /// Two places that name two people ask for the impossible.
    fn expect_sub(&mut self, sub: &str) -> Option<()> {
        let same = self.sub.get_or_insert_with(|| sub.to_owned()) == sub;
        same.then_some(())
    }

    /// The identity scopes whose claims are asked for one by one; consent must name them too.
    pub fn implied_scopes(&self) -> BTreeSet<IdentityScope> {
        self.userinfo.iter().chain(&self.id_token).map(|claim| claim.scope()).collect()
    }

    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is known about a person.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    /// E-mail address.
    pub email: String,
    /// Whether the person has shown that it is theirs.
    pub email_verified: bool,
    /// Name to show.
    pub name: Option<String>,
    /// Address of a picture.
    pub picture: Option<String>,
}

/// Whether [`user_claims`] may say anything at all, so that nobody's profile is read for nothing.
pub fn asks_about_person(scope: &Scope, single: &BTreeSet<UserClaim>) -> bool {
    !single.is_empty() || UserClaim::ALL.into_iter().any(|claim| scope.has(claim.scope()))
}

/// The claims of `profile` that `scope` opens or `single` names, as JSON members.
pub fn user_claims(profile: &Profile, scope: &Scope, single: &BTreeSet<UserClaim>) -> Map<String, Value> {
    let wanted = |claim: UserClaim| scope.has(claim.scope()) || single.contains(&claim);
    let mut claims = Map::new();
    for claim in UserClaim::ALL.into_iter().filter(|claim| wanted(*claim)) {
        let value = match claim {
            UserClaim::Email => Value::from(profile.email.as_str()),
            UserClaim::EmailVerified => Value::from(profile.email_verified),
            UserClaim::Name => profile.name.clone().map_or(Value::Null, Value::from),
            UserClaim::Picture => profile.picture.clone().map_or(Value::Null, Value::from),
        };
        if !value.is_null() {
            claims.insert(claim.as_str().to_owned(), value);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_claims_are_found_and_unknown_ones_ignored() {
        let text = r#"{"userinfo":{"email":null,"given_name":{"essential":true}},
                       "id_token":{"auth_time":{"essential":true},"name":{"essential":false},"sub":{"value":"u1"}},
                       "other":1}"#;
        let request = ClaimsRequest::parse(text).expect("valid");
        assert_eq!(request.userinfo, BTreeSet::from([UserClaim::Email]));
        assert_eq!(request.id_token, BTreeSet::from([UserClaim::Name]));
        assert!(request.auth_time);
        assert_eq!(request.sub.as_deref(), Some("u1"));
        assert_eq!(request.implied_scopes(), BTreeSet::from([IdentityScope::Profile, IdentityScope::Email]));
    }

    #[test]
    fn hostile_texts_are_refused() {
        let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
        let long = format!("{{\"userinfo\":{{\"{}\":null}}}}", "a".repeat(MAX_CLAIMS));
        for bad in [
            "",
            "null",
            "[]",
            "{",
            r#"{"userinfo":[]}"#,
            r#"{"userinfo":{"email":true}}"#,
            r#"{"id_token":{"sub":{"value":5}}}"#,
            r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#,
            r#"{"userinfo":{},"userinfo":{"email":null}}"#,
            &deep,
            &long,
        ] {
            assert!(ClaimsRequest::parse(bad).is_err(), "{}", &bad[..bad.len().min(60)]);
        }
    }

    #[test]
    fn claims_follow_the_scope_and_absent_facts_are_left_out() {
        let profile =
            Profile { email: "a@b.c".into(), email_verified: true, name: Some("Ada".into()), picture: None };
        let claims = |scope: &str, single: &[UserClaim]| {
            let scope = Scope::parse(scope).expect("valid");
            Value::Object(user_claims(&profile, &scope, &single.iter().copied().collect())).to_string()
        };
        assert_eq!(claims("openid", &[]), "{}");
        assert_eq!(claims("openid email", &[]), r#"{"email":"a@b.c","email_verified":true}"#);
        assert_eq!(claims("openid profile", &[]), r#"{"name":"Ada"}"#);
        assert_eq!(claims("openid", &[UserClaim::Email]), r#"{"email":"a@b.c"}"#);
    }
}
