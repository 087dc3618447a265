//! From a text to words and signs.

use super::{FilterError, MAX_BYTES};

/// The longest name or string is shorter than the filter; a number has at most this many characters.
const MAX_NUMBER: usize = 200;

/// One word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare name or a word of the language.
    Word(String),
    /// A name in backquotes, which is never a word of the language.
    Name(String),
    /// A string.
    Text(String),
    /// A JSON number.
    Number(String),
    /// A sign.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// A token and where it begins, in characters counted from 1.
pub(super) type Placed = (Token, usize);

/// Longer signs stand before those that they begin with.
const SIGNS: [&str; 14] = ["&&", "||", "!=", "<>", "<=", ">=", "==", "=", "<", ">", "!", "(", ")", ","];

/// The tokens of a text; the last one is its end.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    if text.len() > MAX_BYTES {
        return Err(FilterError { position: 1, message: "a filter has at most 8192 bytes" });
    }
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0 };
    let mut found = Vec::new();
    loop {
        let after_dot = matches!(found.last(), Some((Token::Sign("."), _)));
        let placed = lexer.next(after_dot)?;
        let end = placed.0 == Token::End;
        found.push(placed);
        if end {
            return Ok(found);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn error(&self, at: usize, message: &'static str) -> FilterError {
        FilterError { position: at + 1, message }
    }

    /// The next token. Behind the dot of a path digits are an index, with no point and no exponent.
    fn next(&mut self, after_dot: bool) -> Result<Placed, FilterError> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let start = self.at;
        let Some(first) = self.peek() else { return Ok((Token::End, start + 1)) };
        let token = match first {
            '\'' | '"' => Token::Text(self.quoted(first, "a string has no end")?),
            '`' => Token::Name(self.quoted(first, "a name has no end")?),
            '.' => {
                self.at += 1;
                Token::Sign(".")
            }
            c if after_dot && c.is_ascii_digit() => Token::Word(self.run(|c| c.is_ascii_digit())),
            c if c == '-' || c.is_ascii_digit() => Token::Number(self.number()?),
            c if c == '_' || c.is_alphabetic() => Token::Word(self.run(|c| c == '_' || c.is_alphanumeric())),
            _ => Token::Sign(self.sign()?),
        };
        Ok((token, start + 1))
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
        self.chars[from..self.at].iter().collect()
    }

    fn quoted(&mut self, quote: char, unfinished: &'static str) -> Result<String, FilterError> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let Some(c) = self.peek() else { return Err(self.error(start, unfinished)) };
            self.at += 1;
            match c {
                '\0' => return Err(self.error(self.at - 1, "a filter holds no NUL")),
                c if c == quote && self.peek() == Some(quote) => self.at += 1,
                c if c == quote => return Ok(text),
                _ => {}
            }
            text.push(c);
        }
    }

    /// A JSON number (RFC 8259 §6): no plus in front, no zero in front of other digits, digits around the point.
    fn number(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        let wrong = |lexer: &Self| lexer.error(start, "this is not a number");
        if self.peek() == Some('-') {
            self.at += 1;
        }
        let whole = self.run(|c| c.is_ascii_digit());
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(wrong(self));
        }
        if self.peek() == Some('.') {
            self.at += 1;
            if self.run(|c| c.is_ascii_digit()).is_empty() {
                return Err(wrong(self));
            }
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.peek(), Some('+' | '-')) {
                self.at += 1;
            }
            if self.run(|c| c.is_ascii_digit()).is_empty() {
                return Err(wrong(self));
            }
        }
        if self.peek().is_some_and(|c| c == '_' || c.is_alphanumeric()) || self.at - start > MAX_NUMBER {
            return Err(wrong(self));
        }
        Ok(self.chars[start..self.at].iter().collect())
    }

    fn sign(&mut self) -> Result<&'static str, FilterError> {
        let rest = &self.chars[self.at..];
        let fits = |sign: &&&str| sign.chars().enumerate().all(|(index, c)| rest.get(index) == Some(&c));
        let Some(sign) = SIGNS.iter().find(fits) else {
            return Err(self.error(self.at, "this character means nothing here"));
        };
        self.at += sign.len();
        Ok(if *sign == "==" { "=" } else { sign })
    }
}
