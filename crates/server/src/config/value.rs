//! One configuration value, and the kinds of value that a key can ask for.

use std::fmt;

use toml::de::{DeInteger, DeValue};

/// No text value needs more, and a longer one is a mistake such as a pasted file.
const LONGEST_TEXT: usize = 8192;

/// A value as the layers carry it. It may hold a secret, so it has no `Debug`.
#[derive(Clone, Eq, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Switch(bool),
    /// A whole number, in the unit that the key's kind names.
    Number(i64),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    /// The form that flags, environment variables and `config set` read back.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => write!(formatter, "{on}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
            Self::List(items) => formatter.write_str(&items.join(",")),
        }
    }
}

/// What a text must look like.
pub struct Form {
    /// Its name in the reference, such as `URL`.
    pub name: &'static str,
    /// Says what is wrong with a text, as the end of a sentence that starts with the key.
    pub check: fn(&str) -> Result<(), &'static str>,
}

/// What a key's value must be.
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Number {
        /// The smallest value taken.
        least: i64,
        /// The largest value taken.
        most: i64,
    },
    /// A length of time in whole seconds.
    Seconds {
        /// The shortest time taken.
        least: i64,
        /// The longest time taken.
        most: i64,
    },
    /// A number of bytes; text such as `1 MiB` is taken too.
    Bytes {
        /// The smallest size taken.
        least: i64,
        /// The largest size taken.
        most: i64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text of some form.
    Text(&'static Form),
    /// A list of texts of one form.
    List(&'static Form),
}

impl Kind {
    /// The name in the reference page.
    pub fn name(&self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Number { .. } => "number".to_owned(),
            Self::Seconds { .. } => "seconds".to_owned(),
            Self::Bytes { .. } => "bytes".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Text(form) => form.name.to_owned(),
            Self::List(form) => format!("list of {}s", form.name),
        }
    }

    /// Reads the form that flags, environment variables and `config set` use; lists are separated by commas.
    ///
    /// The error is the end of a sentence that starts with the key; it never repeats the value.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let value = match self {
            Self::Switch => Value::Switch(match text {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return Err("must be true or false".to_owned()),
            }),
            Self::Number { .. } | Self::Seconds { .. } => {
                Value::Number(text.parse().map_err(|_| self.expectation())?)
            }
            Self::Bytes { .. } => Value::Number(parse_size(text).ok_or_else(|| self.expectation())?),
            Self::Choice(_) | Self::Text(_) => Value::Text(text.to_owned()),
            Self::List(_) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Value::List(items.map(str::to_owned).collect())
            }
        };
        self.accept(value)
    }

    /// Reads a value of a TOML document, which must already have the right TOML type. Errors as in [`Kind::parse`].
    pub fn read(&self, value: &DeValue<'_>) -> Result<Value, String> {
        let value = match (self, value) {
            (Self::Switch, DeValue::Boolean(on)) => Value::Switch(*on),
            (Self::Number { .. } | Self::Seconds { .. } | Self::Bytes { .. }, DeValue::Integer(number)) => {
                Value::Number(whole(number).ok_or_else(|| self.expectation())?)
            }
            (Self::Bytes { .. }, DeValue::String(text)) => return self.parse(text),
            (Self::Choice(_) | Self::Text(_), DeValue::String(text)) => Value::Text(text.to_string()),
            (Self::List(_), DeValue::Array(items)) => {
                let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
                Value::List(texts.collect::<Option<_>>().ok_or_else(|| self.expectation())?)
            }
            (_, DeValue::String(_)) => return Err(format!("{}, without quotes", self.expectation())),
            _ => return Err(self.expectation()),
        };
        self.accept(value)
    }

    fn accept(&self, value: Value) -> Result<Value, String> {
        match (self, &value) {
            (
                Self::Number { least, most } | Self::Seconds { least, most } | Self::Bytes { least, most },
                Value::Number(number),
            ) if number < least || number > most => Err(self.expectation()),
            (Self::Choice(words), Value::Text(text)) if !words.contains(&text.as_str()) => {
                Err(self.expectation())
            }
            (Self::Text(form), Value::Text(text)) => check_text(form, text).map(|()| value),
            (Self::List(form), Value::List(items)) => {
                items.iter().try_for_each(|item| check_text(form, item)).map(|()| value)
            }
            _ => Ok(value),
        }
    }

    fn expectation(&self) -> String {
        match self {
            Self::Switch => "must be true or false".to_owned(),
            Self::Number { least, most } => format!("must be a whole number from {least} to {most}"),
            Self::Seconds { least, most } => {
                format!("must be a positive whole number of seconds from {least} to {most}")
            }
            Self::Bytes { least, most } => {
                format!("must be a number of bytes from {least} to {most}, or a text such as \"1 MiB\"")
            }
            Self::Choice(words) => format!("must be one of {}", words.join(", ")),
            Self::Text(form) => format!("must be a text in quotes ({})", form.name),
            Self::List(form) => format!("must be a list of texts ({})", form.name),
        }
    }
}

fn check_text(form: &Form, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("must not be empty; leave the key out instead".to_owned());
    }
    if text.len() > LONGEST_TEXT {
        return Err(format!("must not be longer than {LONGEST_TEXT} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters such as line breaks".to_owned());
    }
    (form.check)(text).map_err(str::to_owned)
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn parse_size(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit: i64 = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// Any text.
pub static PLAIN: Form = Form { name: "text", check: |_| Ok(()) };
/// A path in the file system; a relative one starts at the working directory of the server.
pub static PATH: Form = Form { name: "path", check: |_| Ok(()) };

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: &Kind, text: &str) -> Result<String, String> {
        kind.parse(text).map(|value| value.to_string())
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        let kind = Kind::Bytes { least: 1, most: 1 << 30 };
        for (text, bytes) in
            [("5", "5"), ("2 KiB", "2048"), ("1MiB", "1048576"), ("3mb", "3000000"), ("7 kb", "7000")]
        {
            assert_eq!(shown(&kind, text), Ok(bytes.to_owned()), "{text}");
        }
        for text in ["", "MiB", "1 TiB", "-1", "1.5 MiB", "9223372036854775807 MiB", "1 M iB", "0x10"] {
            assert!(shown(&kind, text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_are_separated_by_commas() {
        assert_eq!(shown(&Kind::List(&PLAIN), " a, b ,,c "), Ok("a,b,c".to_owned()));
        assert_eq!(shown(&Kind::List(&PLAIN), ""), Ok(String::new()));
    }

    #[test]
    fn control_characters_and_oversized_texts_are_refused() {
        for text in ["a\nb", "a\u{1b}[31m", "a\0", &"x".repeat(LONGEST_TEXT + 1)] {
            assert!(shown(&Kind::Text(&PLAIN), text).is_err());
        }
    }

    #[test]
    fn an_error_never_repeats_the_value() {
        for kind in [Kind::Switch, Kind::Number { least: 1, most: 2 }, Kind::Choice(&["a"])] {
            assert!(!shown(&kind, "hunter2").unwrap_err().contains("hunter2"));
        }
    }
}
