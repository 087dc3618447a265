//! From words and signs to a tree, by recursive descent with a bound on its depth.

use super::lexer::{Placed, Token, tokens};
use super::{
    Comparison, Filter, FilterError, Literal, MAX_DEPTH, MAX_PARTS, MAX_TERMS, MAX_VALUES, Path, Scalar,
    Term, Test,
};

/// Reads a filter.
///
/// # Errors
/// The position of the first character that does not fit, and what is wrong there.
pub fn parse(text: &str) -> Result<Filter, FilterError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, terms: 0, values: 0 };
    let filter = parser.either(0)?;
    match parser.token() {
        Token::End => Ok(filter),
        _ => Err(parser.error("`and`, `or` or the end was expected here")),
    }
}

struct Parser {
    /// At least one: the end, which is never passed.
    tokens: Vec<Placed>,
    at: usize,
    terms: usize,
    values: usize,
}

impl Parser {
    fn token(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(1, |(_, position)| *position)
    }

    fn error(&self, message: &'static str) -> FilterError {
        FilterError { position: self.position(), message }
    }

    fn takes(&mut self, matches: bool) -> bool {
        self.at += usize::from(matches);
        matches
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        self.takes(matches!(self.token(), Token::Sign(found) if *found == sign))
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        matches!(self.tokens.get(at), Some((Token::Word(found), _)) if found.eq_ignore_ascii_case(word))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.takes(self.is_word(self.at, word))
    }

    fn either(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut all = vec![self.both(depth)?];
        while self.takes_sign("||") || self.takes_word("or") {
            all.push(self.both(depth)?);
        }
        Ok(joined(all, Filter::Or))
    }

    fn both(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut all = vec![self.negation(depth)?];
        while self.takes_sign("&&") || self.takes_word("and") {
            all.push(self.negation(depth)?);
        }
        Ok(joined(all, Filter::And))
    }

    fn negation(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth >= MAX_DEPTH {
            return Err(self.error("a filter nests at most 32 deep"));
        }
        if self.takes_sign("!") || self.takes_word("not") {
            return Ok(Filter::Not(Box::new(self.negation(depth + 1)?)));
        }
        if self.takes_sign("(") {
            let inner = self.either(depth + 1)?;
            return match self.takes_sign(")") {
                true => Ok(inner),
                false => Err(self.error("`)` was expected here")),
            };
        }
        self.term().map(Filter::Term)
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.error("a filter has at most 100 conditions"));
        }
        let path = self.path()?;
        let test = self.test()?;
        Ok(Term { path, test })
    }

    fn path(&mut self) -> Result<Path, FilterError> {
        let position = self.position();
        let mut parts = vec![self.name()?];
        while self.takes_sign(".") {
            parts.push(self.name()?);
        }
        match parts.len() > MAX_PARTS {
            true => Err(FilterError { position, message: "a path has at most 16 names" }),
            false => Ok(Path { parts, position }),
        }
    }

    fn name(&mut self) -> Result<String, FilterError> {
        let name = match self.token() {
            Token::Name(name) => name.clone(),
            // Behind a dot any word is a name; in front of a path the words of the language are themselves.
            Token::Word(word) if !is_reserved(word) || self.is_behind_dot() => word.clone(),
            _ => return Err(self.error("a column was expected here")),
        };
        self.at += 1;
        Ok(name)
    }

    fn is_behind_dot(&self) -> bool {
        self.at > 0 && matches!(self.tokens.get(self.at - 1), Some((Token::Sign("."), _)))
    }

    fn test(&mut self) -> Result<Test, FilterError> {
        if let Some(comparison) = self.comparison() {
            return self.compared(comparison);
        }
        if self.takes_word("is") {
            let negated = self.takes_word("not");
            return match self.takes_word("null") {
                true => Ok(Test::Null { negated }),
                false => Err(self.error("`null` was expected here")),
            };
        }
        let negated = self.takes_word("not");
        if self.takes_word("in") {
            return self.list().map(|values| Test::In { negated, values });
        }
        let any_case = self.is_word(self.at, "ilike");
        if any_case || self.is_word(self.at, "like") {
            self.at += 1;
            return self.pattern().map(|pattern| Test::Like { negated, any_case, pattern });
        }
        Err(self.error("a comparison was expected here"))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let Token::Sign(sign) = self.token() else { return None };
        let comparison = match *sign {
            "=" => Comparison::Equal,
            "!=" | "<>" => Comparison::Different,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn compared(&mut self, comparison: Comparison) -> Result<Test, FilterError> {
        let literal = self.literal()?;
        match (literal.value == Scalar::Null, comparison) {
            (false, _) => Ok(Test::Compare(comparison, literal)),
            (true, Comparison::Equal) => Ok(Test::Null { negated: false }),
            (true, Comparison::Different) => Ok(Test::Null { negated: true }),
            (true, _) => {
                let message = "null is neither less nor greater than anything";
                Err(FilterError { position: literal.position, message })
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        let position = self.position();
        let value = match self.token() {
            Token::Text(text) => Scalar::Text(text.clone()),
            Token::Number(digits) => Scalar::Number(digits.clone()),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Scalar::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Scalar::Bool(false),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Scalar::Null,
            _ => {
                return Err(self
                    .error("a value was expected here: a string in quotes, a number, true, false or null"));
            }
        };
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.error("a filter has at most 500 values"));
        }
        self.at += 1;
        Ok(Literal { value, position })
    }

    fn list(&mut self) -> Result<Vec<Literal>, FilterError> {
        if !self.takes_sign("(") {
            return Err(self.error("`(` was expected here"));
        }
        let mut values = Vec::new();
        loop {
            let literal = self.literal()?;
            if literal.value == Scalar::Null {
                let message = "a list holds no null: ask with `is null`";
                return Err(FilterError { position: literal.position, message });
            }
            values.push(literal);
            if self.takes_sign(")") {
                return Ok(values);
            }
            if !self.takes_sign(",") {
                return Err(self.error("`,` or `)` was expected here"));
            }
        }
    }

    fn pattern(&mut self) -> Result<String, FilterError> {
        let Token::Text(pattern) = self.token() else {
            return Err(self.error("a string in quotes was expected here"));
        };
        let escapes = pattern.chars().rev().take_while(|c| *c == '\\').count();
        if escapes % 2 == 1 {
            return Err(self.error("a pattern does not end in a lone `\\`"));
        }
        let pattern = pattern.clone();
        self.at += 1;
        Ok(pattern)
    }
}

fn joined(mut all: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            join(all)
        }
    }
}

/// Words that are no names unless they stand in backquotes.
fn is_reserved(word: &str) -> bool {
    ["and", "or", "not", "in", "is", "like", "ilike", "null", "true", "false"]
        .iter()
        .any(|reserved| word.eq_ignore_ascii_case(reserved))
}
