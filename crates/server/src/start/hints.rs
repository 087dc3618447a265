//! What an operator can do about what keeps the server from starting.

use ayb_store::db::migrate::MigrateError;
use ayb_store::error::StoreError;

use crate::keys::KeysError;
use crate::mail::MailError;

/// What the store says, and what to do about it. The first that fits counts. PostgreSQL is known by its codes of errors
/// (PostgreSQL, Appendix A), which are the same in every language.
const DATABASE: &[(&str, &str)] = &[
    (
        "postgresql 28",
        "correct the user and the password in database.url; pg_hba.conf of the server says who may come from where",
    ),
    ("password missing", "put the password into database.url: postgres://user:password@host/name"),
    ("postgresql 3D000", "make the database (`createdb`), or correct its name in database.url"),
    (
        "postgresql 42501",
        "let the user of database.url make tables: `grant create on schema public to …`, or make it the owner of the database",
    ),
    (
        "postgresql 25006",
        "name the primary server in database.url, and look whether default_transaction_read_only is on",
    ),
    (
        "postgresql 53300",
        "lower database.max_conns, or let more connections in: max_connections, or the limit of the user or database",
    ),
    ("postgresql 57P03", "PostgreSQL is starting or stopping: try again in a moment"),
    ("postgresql 42", "this PostgreSQL does not know what ayb asks for: use version 15 or a later one"),
    (
        "TLS",
        "look at sslmode and sslrootcert in database.url, at the server's certificate, and at the clocks",
    ),
    ("sslrootcert", "let sslrootcert in database.url name a file of certificates in PEM form"),
    (
        "failed to lookup address",
        "correct the host name in database.url, and look whether this machine can resolve it",
    ),
    (
        "postgresql: error connecting",
        "start PostgreSQL, or correct host and port in database.url; is there a firewall in between?",
    ),
    (
        "no connection in time",
        "does PostgreSQL listen at host and port of database.url, and is there a firewall in between?",
    ),
    ("sslmode", "correct database.url: postgres://user:password@host:port/name?sslmode=require"),
    (
        "address of the PostgreSQL server",
        "correct database.url: postgres://user:password@host:port/name; special characters are written like %40",
    ),
    ("database is locked", "another program has locked the file: end it, or wait until it is done"),
    (
        "not a database",
        "the file is damaged or is something else: restore a backup, or name another file in database.url",
    ),
    ("malformed", "the file is damaged: restore a backup"),
    ("Is a directory", "name a file in database.url, not a folder"),
    ("No such file", "make the folder of the file, or correct the path in database.url"),
    ("Permission denied", RIGHTS),
    ("readonly", RIGHTS),
    ("unable to open", RIGHTS),
    ("full", ROOM),
    ("disk I/O error", ROOM),
];

const RIGHTS: &str = "give the user that runs ayb the right to read and write the file and its folder";
const ROOM: &str =
    "is the disk full, is there a limit on the size of files (`ulimit -f`), does the disk work?";
const WHICH: &str = "`ayb config get database.url` shows which database is meant; `ayb doctor` looks at it";

/// What to do about an error, by the first of its causes that is known.
pub fn of(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        let migrate = cause.downcast_ref::<MigrateError>().map(migration);
        let store = || cause.downcast_ref::<StoreError>().map(|error| database(&error.to_string()));
        let keys = || cause.downcast_ref::<KeysError>().map(signing_keys);
        let mail =
            || cause.downcast_ref::<MailError>().map(|_| "look at [email] and server.outbound_ca_file");
        migrate.or_else(store).or_else(keys).or_else(mail)
    })
}

/// What to do about tables that do not fit the program.
pub(crate) fn migration(error: &MigrateError) -> &'static str {
    match error {
        MigrateError::Changed { .. } => "use the program that made these tables, or restore a backup",
        MigrateError::Newer { .. } => "start the newer program, or restore the backup from before it",
        MigrateError::Failed { cause, .. } | MigrateError::Store(cause) => database(&cause.to_string()),
    }
}

fn signing_keys(error: &KeysError) -> &'static str {
    match error {
        KeysError::Sealed { .. } => {
            "put the master key back with which this database began: from a backup of master.key or of ayb.toml"
        }
        KeysError::Damaged { .. } => "restore a backup of the database",
        KeysError::Store(error) => database(&error.to_string()),
        KeysError::Entropy(_) => "the system gives no random numbers: look at its log",
    }
}

fn database(said: &str) -> &'static str {
    DATABASE.iter().find(|(words, _)| said.contains(words)).map_or(WHICH, |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn what_lies_below_a_message_decides_the_hint() {
        let refused = StoreError::unavailable("postgresql 28P01: password authentication failed");
        let opened = Err::<(), _>(refused.clone()).context("the database cannot be opened").unwrap_err();
        assert!(of(&opened).unwrap().starts_with("correct the user and the password"));
        let failed = MigrateError::Failed { name: "001_x".to_owned(), cause: refused };
        assert!(of(&failed.into()).unwrap().starts_with("correct the user and the password"));
        assert_eq!(of(&anyhow::anyhow!("something else")), None);
    }

    /// Texts of the store, of SQLite, of the system and of a PostgreSQL 15, as they were met.
    #[test]
    fn what_is_met_at_the_start_has_a_hint_of_its_own() {
        for (said, hint) in [
            ("postgresql: invalid configuration: password missing", "put the password"),
            ("postgresql 53300: too many connections for role \"few\"", "lower database.max_conns"),
            ("sslrootcert: the file holds no readable certificates", "let sslrootcert"),
            ("sslmode is disable, prefer, require or verify-full", "correct database.url"),
            ("the address of the PostgreSQL server cannot be read", "correct database.url"),
            ("postgresql: no connection in time", "does PostgreSQL listen"),
            ("sqlite: database is locked", "another program has locked the file"),
            ("/data/ayb.db: Permission denied (os error 13)", "give the user that runs ayb the right"),
            ("sqlite: database or disk is full", "is the disk full"),
        ] {
            assert!(database(said).starts_with(hint), "{said}: {}", database(said));
        }
    }

    #[test]
    fn a_code_has_its_own_hint_before_its_class_has_one() {
        assert!(
            database("database unavailable: postgresql 42501: permission denied").contains("grant create")
        );
        assert!(database("database unavailable: postgresql 42601: syntax error").contains("a later one"));
        assert_eq!(database("database unavailable: something new"), WHICH);
    }
}
