//! The filter language of the table API: from a text to a tree.
//!
//! ```text
//! filter     = and { ("or" | "||") and }
//! and        = not { ("and" | "&&") not }
//! not        = ("not" | "!") not | "(" filter ")" | term
//! term       = path comparison literal
//!            | path ["not"] "in" "(" literal { "," literal } ")"
//!            | path ["not"] ("like" | "ilike") string
//!            | path "is" ["not"] "null"
//! path       = name { "." (name | digits) }
//! comparison = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">="
//! literal    = string | number | "true" | "false" | "null"
//! string     = "'" … "'" | '"' … '"'          the quote inside is written twice
//! name       = letter { letter | digit | "_" } | "`" … "`"
//! ```
//!
//! Words of the language are the same in upper and lower case. A name that is one of them is written in backquotes.
//! The tree holds names and values as they were written; what they mean is for the store to say, which knows the
//! tables. No part of the text reaches a statement.

mod lexer;
mod parser;

pub use parser::parse;

/// The longest filter, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;
/// The deepest nesting of parentheses and negations.
pub const MAX_DEPTH: usize = 32;
/// The most terms of one filter.
pub const MAX_TERMS: usize = 100;
/// The most values of one filter, those of its lists included.
pub const MAX_VALUES: usize = 500;
/// The most parts of one path.
pub const MAX_PARTS: usize = 16;

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of these; at least two.
    And(Vec<Self>),
    /// One of these; at least two.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// One condition.
    Term(Term),
}

/// A condition on one value of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What is looked at.
    pub path: Path,
    /// What must hold.
    pub test: Test,
}

/// The way to a value: a column, a member of a JSON document in it, a column of the row that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its names; at least one.
    pub parts: Vec<String>,
    /// Where it stands in the text, in characters counted from 1.
    pub position: usize,
}

/// What must hold of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It compares so to this one, which is never null.
    Compare(Comparison, Literal),
    /// It is one of these, none of which is null, or none of them.
    In {
        /// Whether it is to be none of them.
        negated: bool,
        /// At least one value.
        values: Vec<Literal>,
    },
    /// It is a text of this form, or is not: `%` stands for any text, `_` for one character, `\` takes the meaning of
    /// the next one away.
    Like {
        /// Whether it is to have another form.
        negated: bool,
        /// Whether upper and lower case are the same.
        any_case: bool,
        /// The form; it does not end in a lone `\`.
        pattern: String,
    },
    /// There is no value, or there is one.
    Null {
        /// Whether there is to be one.
        negated: bool,
    },
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`, `<>`
    Different,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// The sign that every SQL database knows.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Different => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The value.
    pub value: Scalar,
    /// Where it stands in the text, in characters counted from 1.
    pub position: usize,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A text, without its quotes.
    Text(String),
    /// A number, in its digits: a JSON number (RFC 8259 §6), so that none is too large or too exact.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {message}")]
pub struct FilterError {
    /// Where, in characters counted from 1.
    pub position: usize,
    /// What is wrong; it repeats nothing of the text.
    pub message: &'static str,
}

impl Filter {
    /// How deep conditions stand in each other.
    pub fn depth(&self) -> usize {
        match self {
            Self::Term(_) => 1,
            Self::Not(inner) => 1 + inner.depth(),
            Self::And(all) | Self::Or(all) => 1 + all.iter().map(Self::depth).max().unwrap_or(0),
        }
    }
}
