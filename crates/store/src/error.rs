//! What can go wrong below the rules. A refusal is not among them: that is a value which a rule returned.

/// An error of the store. Its texts are for the log; they carry names of tables and columns, never a value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// A row with the same key exists already.
    #[error("a row with the same key exists: {constraint}")]
    Duplicate {
        /// `{table}_{columns}_key` or `{table}_pkey`, the same name on both databases.
        constraint: String,
    },
    /// A foreign key: the row that is referred to is absent, or other rows still refer to this one.
    #[error("a reference between rows would break")]
    ForeignKey,
    /// A `CHECK`, a `NOT NULL` or the type of a column refused the row, which the rules should have done before.
    #[error("a constraint refused the row: {constraint}")]
    Check {
        /// The constraint as the database names it.
        constraint: String,
    },
    /// A stored value is not what its column promises, or cannot be stored in it.
    #[error("corrupt: {what}")]
    Corrupt {
        /// Which value, by table, column or position.
        what: String,
    },
    /// The database could not do it, or it is unknown whether it did. Nothing may be claimed to have happened.
    #[error("database unavailable: {cause}")]
    Unavailable {
        /// The reason, for the log.
        cause: String,
    },
}

impl StoreError {
    /// A stored value that its record cannot be built from.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// The database could not do it.
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self::Unavailable { cause: cause.into() }
    }
}
