//! What the rules read by themselves: bearer strings, people's input, registrations.

use ayb_protocol::ids::ClientId;
use ayb_protocol::secret::{Access, ApiKey, Refresh, Secret, SecretHash};
use ayb_provider::api_key::prefix;
use ayb_provider::bearer::{Bearer, classify};
use ayb_provider::filter::{Filter, Literal, MAX_DEPTH, MAX_TERMS, Scalar, Term, Test, parse};
use ayb_provider::register::{ClientDraft, MAX_URIS, check};
use ayb_provider::revoke::{Revocable, classify_token};
use ayb_provider::user::{parse_email, parse_name, parse_picture};
use url::Url;

/// Each string is of one kind, and a prefix of ours is never a JWT.
pub fn bearer(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match classify(text) {
        Bearer::Opaque(secret) => {
            assert_eq!(secret.expose(), text);
            assert!(Secret::<Refresh>::parse(text).is_none() && ClientId::parse(text).is_none());
            assert!(matches!(classify_token(text), Revocable::Opaque(_)));
        }
        Bearer::Jwt { row, hash, .. } => {
            assert!(!text.starts_with("ayb_") && text.split('.').count() == 3);
            assert_eq!(hash, SecretHash::<Access>::of(text));
            assert!(matches!(classify_token(text), Revocable::Jwt { row: again, .. } if again == row));
        }
        Bearer::ApiKey(secret) => {
            assert_eq!(secret.expose(), text);
            assert!(Secret::<Access>::parse(text).is_none() && ClientId::parse(text).is_none());
            assert!(matches!(classify_token(text), Revocable::Unknown));
            assert!(text.starts_with(&prefix(&secret)) && text.len() == prefix(&secret).len() + 40);
        }
        Bearer::Session => {
            assert!(!text.starts_with("ayb_"));
            assert!(matches!(classify_token(text), Revocable::Unknown));
        }
        Bearer::Unusable => {
            assert!(Secret::<Access>::parse(text).is_none() && Secret::<ApiKey>::parse(text).is_none());
        }
    }
    if let Revocable::Refresh(secret) = classify_token(text) {
        assert_eq!(secret.expose(), text);
        assert!(matches!(classify(text), Bearer::Unusable));
    }
}

/// An address has one spelling, and nothing in it can end a header line or begin another recipient.
pub fn email(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(email) = parse_email(text) {
        assert_eq!(parse_email(&email).as_ref(), Ok(&email));
        assert_eq!(email.matches('@').count(), 1);
        assert!(!email.contains(|c: char| c.is_control() || c.is_whitespace() || "<>\",;\\".contains(c)));
    }
    if let Ok(Some(name)) = parse_name(text) {
        assert_eq!(parse_name(&name), Ok(Some(name.clone())));
        assert!(!name.contains(char::is_control));
    }
    if let Ok(Some(picture)) = parse_picture(text) {
        assert_eq!(parse_picture(&picture), Ok(Some(picture.clone())));
        assert!(Url::parse(&picture).is_ok_and(|url| url.scheme() == "https"));
    }
}

/// A registration that passes holds only safe values. Every line of the input is one of them; the tabulator separates
/// the fields.
pub fn registration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut fields = text.split('\t');
    let mut field = || fields.next().unwrap_or_default().to_owned();
    let list = |text: String| text.split(' ').filter(|item| !item.is_empty()).map(str::to_owned).collect();
    let word = |text: String| Some(text).filter(|text| !text.is_empty());
    let draft = ClientDraft {
        name: field(),
        redirect_uris: list(field()),
        scopes: list(field()),
        allowed_origins: list(field()),
        post_logout_redirect_uris: list(field()),
        token_format: word(field()),
        signing_alg: word(field()),
        audience: word(field()),
        refresh_tokens: None,
        refresh_grace_seconds: word(field()).and_then(|text| text.parse().ok()),
    };
    let Ok(settings) = check(&draft) else { return };
    assert!(!settings.name.is_empty() && !settings.name.contains(char::is_control));
    assert!(!settings.redirect_uris.is_empty() && settings.redirect_uris.len() <= MAX_URIS);
    assert!(settings.refresh_grace.0 <= 60 && !settings.scopes.words().is_empty());
    for origin in &settings.allowed_origins {
        let url = Url::parse(origin).expect("an origin is a URL");
        assert_eq!(&url.origin().ascii_serialization(), origin);
        assert!(origin != "null" && !origin.contains('*'));
    }
    let audience = settings.audience.as_deref().unwrap_or("x");
    assert!(!audience.is_empty() && audience.len() <= 255);
}

/// A filter that is read is bounded, and written out again it reads as the same. What is refused has a place in the text.
pub fn filter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let filter = match parse(text) {
        Ok(filter) => filter,
        Err(error) => return assert!((1..=text.chars().count() + 1).contains(&error.position)),
    };
    assert!(filter.depth() <= 3 * MAX_DEPTH + 3 && terms(&filter) <= MAX_TERMS);
    let written = written(&filter);
    if let Ok(again) = parse(&written) {
        assert_eq!(self::written(&again), written);
    } else {
        // Parentheses that were not there may be too many now, and every quote takes two characters.
        assert!(filter.depth() > MAX_DEPTH / 2 || written.len() > text.len());
    }
}

fn terms(filter: &Filter) -> usize {
    match filter {
        Filter::Term(_) => 1,
        Filter::Not(inner) => terms(inner),
        Filter::And(all) | Filter::Or(all) => all.iter().map(terms).sum(),
    }
}

/// A filter as text, with every group in parentheses and every name in backquotes.
fn written(filter: &Filter) -> String {
    let joined = |all: &[Filter], word: &str| {
        let parts: Vec<_> = all.iter().map(written).collect();
        format!("({})", parts.join(word))
    };
    match filter {
        Filter::And(all) => joined(all, " and "),
        Filter::Or(all) => joined(all, " or "),
        Filter::Not(inner) => format!("not {}", written(inner)),
        Filter::Term(term) => written_term(term),
    }
}

fn written_term(term: &Term) -> String {
    let quoted = |text: &str, quote: char| {
        format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
    };
    let value = |literal: &Literal| match &literal.value {
        Scalar::Text(text) => quoted(text, '\''),
        Scalar::Number(digits) => digits.clone(),
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Null => "null".to_owned(),
    };
    let not = |negated: &bool| if *negated { " not" } else { "" };
    let parts: Vec<_> = term.path.parts.iter().map(|part| quoted(part, '`')).collect();
    let path = parts.join(".");
    match &term.test {
        Test::Compare(comparison, literal) => format!("{path} {} {}", comparison.sign(), value(literal)),
        Test::In { negated, values } => {
            let values: Vec<_> = values.iter().map(value).collect();
            format!("{path}{} in ({})", not(negated), values.join(", "))
        }
        Test::Like { negated, any_case, pattern } => {
            let word = if *any_case { "ilike" } else { "like" };
            format!("{path}{} {word} {}", not(negated), quoted(pattern, '\''))
        }
        Test::Null { negated } => format!("{path} is{} null", not(negated)),
    }
}
