//! From bytes to members, and from members to values.

use serde_json::Value;
use zeroize::Zeroizing;

use super::{AnswerError, ErrorAnswer};
use crate::jose::json::{self, Members};

/// How much of what servers do wrong is forgiven.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strictness {
    /// Nothing: an answer that deviates is refused.
    Strict,
    /// What can be understood without a doubt is read, and written down.
    #[default]
    Lenient,
}

/// Something that a server did in another way than the specification says, and that was read all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum Deviation {
    /// JSON under another content type, or under none.
    ContentType,
    /// A form instead of JSON.
    FormBody,
    /// An error with a status that means success.
    ErrorWithSuccess,
    /// A success with another status than 200.
    SuccessStatus,
    /// A number as text.
    NumberAsText(&'static str),
    /// A number with a fraction.
    Fraction(&'static str),
    /// A number below zero; it counts as zero.
    Negative(&'static str),
    /// A member that is there and cannot be read; it counts as absent.
    Unreadable(&'static str),
    /// A truth value as text.
    BoolAsText(&'static str),
    /// Words as a list, or with commas between them.
    WordsAsList(&'static str),
    /// A member that is required and is missing; what it has to mean is known.
    Missing(&'static str),
    /// A member under its name of a draft.
    OldName(&'static str),
}

/// An answer as it came.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The bytes.
    pub body: &'a [u8],
}

/// A value and how the answer deviated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading<T> {
    /// The value.
    pub value: T,
    /// In which ways the answer was not as it should be.
    pub deviations: Vec<Deviation>,
}

/// Members that are being read.
pub(super) struct Reader {
    members: Members,
    deviations: Vec<Deviation>,
}

impl Answer<'_> {
    const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Reads an answer whose success is an object of its own.
    pub(super) fn reader(&self) -> Result<Reader, AnswerError> {
        let mut deviations = Vec::new();
        let Some(members) = self.members(&mut deviations) else {
            let shape = shape(self.body);
            return Err(if self.is_success() {
                AnswerError::Malformed { member: "", shape }
            } else {
                AnswerError::Status(self.status)
            });
        };
        if let Some(error) = ErrorAnswer::from_members(&members) {
            return Err(AnswerError::Refused(error));
        }
        if !self.is_success() {
            return Err(AnswerError::Status(self.status));
        }
        if self.status != 200 {
            deviations.push(Deviation::SuccessStatus);
        }
        Ok(Reader { members, deviations })
    }

    /// The body counts as what the header says; where the header says nothing of use, the first sign decides.
    fn members(&self, deviations: &mut Vec<Deviation>) -> Option<Members> {
        let media = self.content_type.unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json =
            media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"));
        if is_json {
            return json::parse_object(self.body);
        }
        if self.body.trim_ascii_start().first() == Some(&b'{') {
            deviations.push(Deviation::ContentType);
            return json::parse_object(self.body);
        }
        if matches!(media.as_str(), "application/x-www-form-urlencoded" | "text/plain" | "") {
            deviations.push(Deviation::FormBody);
            return form(self.body);
        }
        None
    }
}

fn form(body: &[u8]) -> Option<Members> {
    if !body.contains(&b'=') {
        return None;
    }
    let mut members = Members::new();
    for (name, value) in form_urlencoded::parse(body.trim_ascii()) {
        if members.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return None;
        }
    }
    Some(members)
}

/// What a body looks like, without anything of what it says.
pub(super) fn shape(body: &[u8]) -> String {
    let kind = match body.trim_ascii_start().first() {
        None => "empty",
        Some(b'{') => "a JSON object that is broken or repeats a member",
        Some(b'[') => "a JSON list",
        Some(b'<') => "markup",
        Some(_) => "neither JSON nor a form",
    };
    format!("{} bytes, {kind}", body.len())
}

impl Reader {
    /// Whatever was not asked for.
    pub(super) fn rest(&mut self) -> Members {
        std::mem::take(&mut self.members)
    }

    /// Puts the members of an object in the place of those around it that speak of tokens, if it has the one that counts.
    pub(super) fn lift(&mut self, member: &str, counts: &str) {
        let Some(Value::Object(inner)) = self.members.get(member) else { return };
        if !inner.contains_key(counts) {
            return;
        }
        let Some(Value::Object(inner)) = self.members.remove(member) else { return };
        for name in ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"] {
            self.members.remove(name);
        }
        self.members.extend(inner);
    }

    /// Puts the value together with the deviations; strictly, there may be none.
    pub(super) fn finish<T>(self, strictness: Strictness, value: T) -> Result<Reading<T>, AnswerError> {
        match (strictness, self.deviations.first()) {
            (Strictness::Strict, Some(deviation)) => Err(AnswerError::Deviates(*deviation)),
            _ => Ok(Reading { value, deviations: self.deviations }),
        }
    }

    /// Names that no specification would use are counted only: a token that is read as a form is a name.
    pub(super) fn missing(&self, member: &'static str) -> AnswerError {
        let is_plain = |name: &str| {
            (1..=40).contains(&name.len())
                && name.bytes().all(|sign| sign.is_ascii_lowercase() || sign == b'_')
        };
        let (plain, others): (Vec<_>, Vec<_>) =
            self.members.keys().map(String::as_str).partition(|name| is_plain(name));
        let mut names: Vec<_> = plain.into_iter().take(16).map(str::to_owned).collect();
        if !others.is_empty() {
            names.push(format!("{} other members", others.len()));
        }
        AnswerError::Malformed { member, shape: format!("an object with {}", names.join(", ")) }
    }

    /// Here it is as it should be.
    pub(super) fn forgives(&mut self, deviation: Deviation) {
        self.deviations.retain(|found| *found != deviation);
    }

    pub(super) fn deviates(&mut self, deviation: Deviation) {
        self.deviations.push(deviation);
    }

    /// Text that is not empty.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.members.remove(name)? {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::Null => None,
            _ => {
                self.deviations.push(Deviation::Unreadable(name));
                None
            }
        }
    }

    /// The same for what must be wiped.
    pub(super) fn secret(&mut self, name: &'static str) -> Option<Zeroizing<String>> {
        self.text(name).map(Zeroizing::new)
    }

    /// A number of seconds: whole, from zero on.
    pub(super) fn seconds(&mut self, name: &'static str) -> Option<u64> {
        let number = match self.members.remove(name)? {
            Value::Number(number) => number,
            Value::String(text) => {
                self.deviations.push(Deviation::NumberAsText(name));
                text.trim().parse().ok()?
            }
            _ => {
                self.deviations.push(Deviation::Unreadable(name));
                return None;
            }
        };
        if let Some(seconds) = number.as_u64() {
            return Some(seconds);
        }
        let value = number.as_f64()?;
        let deviation = if value < 0.0 { Deviation::Negative(name) } else { Deviation::Fraction(name) };
        self.deviations.push(deviation);
        // The cast stops at both ends.
        Some(value as u64)
    }

    /// A date in seconds since the epoch, possibly before it.
    pub(super) fn date(&mut self, name: &'static str) -> Option<i64> {
        if let Some(date) = self.members.get(name).and_then(Value::as_i64) {
            self.members.remove(name);
            return Some(date);
        }
        self.seconds(name).and_then(|seconds| i64::try_from(seconds).ok())
    }

    /// Words with spaces between them.
    pub(super) fn words(&mut self, name: &'static str) -> Option<String> {
        let Some(Value::Array(items)) = self.members.get(name) else { return self.text(name) };
        let words: Vec<_> = items.iter().filter_map(Value::as_str).collect();
        let joined = words.join(" ");
        self.members.remove(name);
        self.deviations.push(Deviation::WordsAsList(name));
        Some(joined).filter(|words| !words.is_empty())
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let value = match self.members.remove(name)? {
            Value::Bool(value) => return Some(value),
            Value::String(text) if text == "true" => true,
            Value::String(text) if text == "false" => false,
            _ => {
                self.deviations.push(Deviation::Unreadable(name));
                return None;
            }
        };
        self.deviations.push(Deviation::BoolAsText(name));
        Some(value)
    }

    /// Texts in a list; one text alone counts as a list of one (RFC 7519 §4.1.3).
    pub(super) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        match self.members.remove(name)? {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => {
                Some(items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
            }
            _ => None,
        }
    }
}
