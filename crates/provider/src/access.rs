//! Who may do what with which table: one rule for every credential and for every way to reach a table.
//!
//! A door asks for a [`Permit`] before it looks whether there is such a table, so that a refusal says nothing about
//! what exists. Whatever reads or writes a table takes the permit, and a permit names one table: relations that are
//! followed, tables that a filter looks at and entries of a batch each need their own.

use std::fmt;
use std::marker::PhantomData;

use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::scope::ResourceScope;
use ayb_protocol::tables::AllowedTables;

/// What is done with a table.
pub trait Operation: sealed::Sealed + Send + Sync + 'static {
    /// The least scope that allows it.
    const NEEDS: ResourceScope;
}

/// Reading: `GET` and `HEAD`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Read {}
/// Creating, changing and deleting: `POST`, `PUT`, `PATCH` and `DELETE`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Write {}

impl Operation for Read {
    const NEEDS: ResourceScope = ResourceScope::Readonly;
}
impl Operation for Write {
    const NEEDS: ResourceScope = ResourceScope::Readwrite;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Read {}
    impl Sealed for super::Write {}
}

/// What a caller may do with tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Access<'a> {
    scope: Option<ResourceScope>,
    tables: &'a AllowedTables,
    for_us: bool,
}

static EVERY_TABLE: AllowedTables = AllowedTables::All;

impl<'a> Access<'a> {
    /// What `scope` allows on `tables`. Without a word about tables, nothing: words about identity open no table.
    pub fn new(scope: Option<ResourceScope>, tables: &'a AllowedTables) -> Self {
        Self { scope, tables, for_us: true }
    }

    /// The same, unless the credential is for another API (RFC 9068 §4).
    #[must_use]
    pub fn only_if(self, for_us: bool) -> Self {
        Self { for_us, ..self }
    }

    /// Everything, for the person themselves.
    pub fn everything() -> Access<'static> {
        Access { scope: Some(ResourceScope::Full), tables: &EVERY_TABLE, for_us: true }
    }

    /// The word that the caller has about tables.
    pub fn scope(self) -> Option<ResourceScope> {
        self.scope
    }

    /// Whether the scope suffices for `O`, whichever the table.
    ///
    /// # Errors
    /// [`Denied::AnotherAudience`], [`Denied::InsufficientScope`].
    pub fn suffices<O: Operation>(self) -> Result<(), Denied> {
        if !self.for_us {
            return Err(Denied::AnotherAudience);
        }
        if self.scope >= Some(O::NEEDS) {
            return Ok(());
        }
        Err(Denied::InsufficientScope { would_do: O::NEEDS })
    }

    /// Leave to do `O` with `table`. Names are compared byte for byte.
    ///
    /// # Errors
    /// Why not: for whom the credential is counts first, then its scope.
    pub fn permit<O: Operation>(self, table: &str) -> Result<Permit<O>, Denied> {
        self.suffices::<O>()?;
        match self.tables.names() {
            Some(names) if !names.contains(table) => Err(Denied::TableNotAllowed),
            _ => Ok(Permit { table: table.to_owned(), operation: PhantomData }),
        }
    }
}

/// Leave to do `O` with one table. Only [`Access::permit`] makes it. Whether the table exists is another question.
pub struct Permit<O> {
    table: String,
    operation: PhantomData<O>,
}

impl<O> Permit<O> {
    /// The table that it is about.
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl<O> Clone for Permit<O> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), operation: PhantomData }
    }
}

impl<O> fmt::Debug for Permit<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({})", self.table)
    }
}

/// Why a caller may not do it (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Denied {
    /// The credential is for another API: 401, as if it were dead.
    AnotherAudience,
    /// The scope is too small: 403.
    InsufficientScope {
        /// The least scope that would do.
        would_do: ResourceScope,
    },
    /// The credential is limited to other tables: 403. No scope would help.
    TableNotAllowed,
}

impl Denied {
    /// The scope that the answer names, if one would do (RFC 6750 §3).
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            Self::InsufficientScope { would_do } => Some(would_do.as_str()),
            Self::AnotherAudience | Self::TableNotAllowed => None,
        }
    }

    /// What the caller is told. It is the same whether the table exists or not.
    pub const fn refusal(self) -> Refusal {
        let (code, text) = match self {
            Self::AnotherAudience => (ErrorCode::InvalidToken, "The access token is for another API."),
            Self::InsufficientScope { .. } => {
                (ErrorCode::InsufficientScope, "The scope of the credential does not allow this.")
            }
            Self::TableNotAllowed => {
                (ErrorCode::InsufficientScope, "The credential is limited to other tables.")
            }
        };
        Refusal::new(code, text)
    }
}
