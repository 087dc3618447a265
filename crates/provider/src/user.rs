//! People with an account.

use ayb_protocol::claims::Profile;
use ayb_protocol::ids::UserId;
use ayb_protocol::time::Timestamp;
use url::Url;

/// The longest email address that is taken, in bytes (RFC 5321 §4.5.3.1.3).
pub const MAX_EMAIL: usize = 254;
/// The longest password that is taken, in bytes: hashing is expensive on purpose, so the input is bounded.
pub const MAX_PASSWORD: usize = 1024;
/// The longest name that is taken, in characters.
pub const MAX_NAME: usize = 200;
/// The longest address of a picture that is taken, in bytes.
pub const MAX_PICTURE: usize = 2000;

/// A person as stored.
#[derive(Clone, Eq, PartialEq)]
pub struct UserRecord {
    /// The identifier, the `sub` of tokens.
    pub id: UserId,
    /// Email address, in lowercase.
    pub email: String,
    /// The password's hash in PHC form; none for somebody who cannot sign in with a password.
    pub password_hash: Option<String>,
    /// Whether the address was shown to be theirs.
    pub email_verified: bool,
    /// Name to show.
    pub name: Option<String>,
    /// Address of a picture.
    pub picture: Option<String>,
    /// When the account was disabled; a disabled person cannot sign in, and their tokens are dead.
    pub disabled_at: Option<Timestamp>,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl UserRecord {
    /// Whether the account may be used.
    pub fn is_active(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// What claims are made of.
    pub fn profile(&self) -> Profile {
        Profile {
            email: self.email.clone(),
            email_verified: self.email_verified,
            name: self.name.clone(),
            picture: self.picture.clone(),
        }
    }
}

impl std::fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserRecord({})", self.id)
    }
}

/// Reads an email address: trimmed, in lowercase.
///
/// # Errors
/// A fixed text when it cannot be an address.
pub fn parse_email(text: &str) -> Result<String, &'static str> {
    const NOT_AN_ADDRESS: &str = "Enter an email address, like ada@example.com.";
    let email = text.trim().to_lowercase();
    let strange =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ',' | ';' | '\\');
    let Some((local, domain)) = email.split_once('@') else { return Err(NOT_AN_ADDRESS) };
    let whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    let dots = !domain.starts_with('.') && !domain.ends_with('.') && !domain.contains("..");
    if !whole || !dots || email.len() > MAX_EMAIL || email.contains(strange) {
        return Err(NOT_AN_ADDRESS);
    }
    Ok(email)
}

/// Checks the length of a new password; `min_length` counts characters.
///
/// # Errors
/// A text that says what is wrong.
pub fn check_password(password: &str, min_length: usize) -> Result<(), String> {
    if password.chars().count() < min_length {
        return Err(format!("Use at least {min_length} characters."));
    }
    if password.len() > MAX_PASSWORD {
        return Err(format!("Use at most {MAX_PASSWORD} bytes."));
    }
    Ok(())
}

/// Reads a display name; empty text means none.
///
/// # Errors
/// A fixed text when it is too long or holds control characters.
pub fn parse_name(text: &str) -> Result<Option<String>, &'static str> {
    let name = text.trim();
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err("A name has at most 200 characters and no control characters.");
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// Reads the address of a picture; empty text means none. It ends up in the pages of others, so it is https.
///
/// # Errors
/// A fixed text when it is no such address.
pub fn parse_picture(text: &str) -> Result<Option<String>, &'static str> {
    const NOT_A_PICTURE: &str = "A picture is an https address of at most 2000 characters.";
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|_| NOT_A_PICTURE)?;
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    if !plain || url.as_str().len() > MAX_PICTURE {
        return Err(NOT_A_PICTURE);
    }
    Ok(Some(url.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_an_https_address() {
        assert_eq!(parse_picture(" "), Ok(None));
        let kept = parse_picture("https://cdn.example/ada.png?s=1");
        assert_eq!(kept, Ok(Some("https://cdn.example/ada.png?s=1".to_owned())));
        let long = format!("https://cdn.example/{}", "a".repeat(MAX_PICTURE));
        for bad in [
            "ada.png",
            "http://cdn.example/a",
            "javascript:alert(1)",
            "data:image/png;base64,AA==",
            "https://u:p@a.example/",
            &long,
        ] {
            assert!(parse_picture(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_folded_to_one_spelling() {
        assert_eq!(parse_email(" Ada@Example.COM ").as_deref(), Ok("ada@example.com"));
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "", "ada", "@b.c", "a@", "a@@b", "a b@c.d", "a@b@c", "a@.b", "a@b..c", "a\0@b.c", "<a@b.c>",
            &long,
        ] {
            assert!(parse_email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_are_bounded_on_both_sides() {
        assert!(check_password("1234567", 8).is_err());
        assert!(check_password("12345678", 8).is_ok());
        assert!(check_password("ééééééé", 8).is_err());
        assert!(check_password("пароль12", 8).is_ok());
        assert!(check_password("", 0).is_ok());
        assert!(check_password(&"a".repeat(MAX_PASSWORD + 1), 8).is_err());
    }

    #[test]
    fn debug_shows_neither_address_nor_hash() {
        let at = Timestamp::from_seconds(0);
        let user = UserRecord {
            id: UserId(uuid::Uuid::nil()),
            email: "ada@example.com".into(),
            password_hash: Some("$argon2id$".into()),
            email_verified: false,
            name: None,
            picture: None,
            disabled_at: None,
            created_at: at,
            updated_at: at,
        };
        let shown = format!("{user:?}");
        assert!(!shown.contains("ada@") && !shown.contains("argon2"));
    }
}
