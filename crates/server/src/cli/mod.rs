//! The command line: `ayb <command>`, one file a command.
//!
//! Commands that change a running server talk to its administration API; only `start`, `init`, `config`, `migrate`,
//! `tables`, `keys` and `doctor` work on files and the database themselves; `auth` talks to any provider.

pub mod admin;
pub mod apikeys;
pub mod apps;
pub mod auth;
pub mod clients;
pub mod config;
pub mod confirm;
pub mod context;
pub mod doctor;
pub mod failure;
pub mod flags;
pub mod init;
pub mod keys;
pub mod listing;
pub mod local;
pub mod migrate;
pub mod output;
pub mod password;
pub mod process;
pub mod reference;
pub mod server;
pub mod start;
pub mod status;
pub mod stop;
pub mod tables;
pub mod token;
pub mod users;
pub mod version;

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use context::Context;
pub use failure::{EXIT_CODES, Exit, Failure};
pub use flags::Flags;
pub use output::{Console, Format};
pub use reference::reference_markdown;
pub use start::StartFlags;

use crate::config::Environment;

/// Makes an application an OAuth 2.0 and OpenID Connect provider.
#[derive(Parser, Clone, Debug)]
#[command(name = "ayb", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct CommandLine {
    /// Flags that every command takes.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Start the server in the foreground
    Start(StartFlags),
    /// Write a commented ayb.toml with fresh secrets and provider mode on
    Init(init::InitCommand),
    /// Show the configuration, or get or set one key of it
    Config(config::ConfigCommand),
    /// Bring the tables of the database to this version, take migrations back, or show them
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Show whether the running server works
    Status,
    /// Stop the server of the data folder
    Stop,
    /// Sign in as administrator, change the administrator's password
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Accounts
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Apps: the products that clients belong to
    #[command(subcommand)]
    Apps(apps::AppsCommand),
    /// API keys: what people give to their own programs
    #[command(subcommand, name = "apikeys")]
    ApiKeys(apikeys::ApiKeysCommand),
    /// Provider mode
    #[command(subcommand)]
    Oauth(OauthCommand),
    /// Your own tables, as the table API sees them
    #[command(subcommand)]
    Tables(tables::TablesCommand),
    /// Sign in at any provider, and get tokens for scripts
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    /// Keys that sign tokens
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Examine configuration, files and database, and say what to do
    Doctor,
    /// Print the version
    Version,
    /// Print a reference page of the manual
    #[command(hide = true)]
    Reference(reference::ReferenceCommand),
}

/// Commands about provider mode.
#[derive(Subcommand, Clone, Debug)]
pub enum OauthCommand {
    /// Clients: the programs that may ask for tokens
    #[command(subcommand)]
    Clients(clients::ClientsCommand),
}

/// Runs the program as the operating system started it.
pub fn main() -> ExitCode {
    let (mut out, mut err, mut input) = (std::io::stdout(), std::io::stderr(), std::io::stdin().lock());
    let streams = Streams {
        out: &mut out,
        err: &mut err,
        input: &mut input,
        interactive: std::io::stdin().is_terminal(),
    };
    ExitCode::from(run(std::env::args_os(), Environment::of_process(), streams) as u8)
}

/// The streams of a run.
pub struct Streams<'a> {
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where everything else goes.
    pub err: &'a mut dyn Write,
    /// Where answers come from.
    pub input: &'a mut dyn BufRead,
    /// Whether somebody sits at the input and sees what they type.
    pub interactive: bool,
}

/// Runs one command line; the first argument is the program's name. Nothing is kept from one run to the next.
pub fn run<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    environment: Environment,
    streams: Streams<'_>,
) -> Exit {
    let CommandLine { flags, command } = match CommandLine::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return show_usage(&error, streams),
    };
    let Streams { out, err, input, interactive } = streams;
    let console = Console { out, err, input, interactive, format: flags.format() };
    let mut context = Context { console, flags, environment };
    match command.run(&mut context).and_then(|()| Ok(context.console.out.flush()?)) {
        Ok(()) => Exit::Done,
        Err(failure) if failure.exit == Exit::Done => Exit::Done,
        Err(failure) => {
            // Nobody reads the error stream any more: there is nobody to tell.
            let _ = writeln!(context.console.err, "{failure}");
            failure.exit
        }
    }
}

/// Prints help and the version as results, and mistakes as errors.
fn show_usage(error: &clap::Error, streams: Streams<'_>) -> Exit {
    let (stream, exit) =
        if error.use_stderr() { (streams.err, Exit::Usage) } else { (streams.out, Exit::Done) };
    // Nobody reads the stream any more: there is nobody to tell.
    let _ = write!(stream, "{}", error.render());
    exit
}

impl Command {
    fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        match self {
            Self::Start(flags) => start::run(&flags, context),
            Self::Init(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Migrate(command) => Context::block_on(command.run(context)),
            Self::Status => Context::block_on(status::run(context)),
            Self::Stop => stop::run(context),
            Self::Admin(command) => Context::block_on(command.run(context)),
            Self::Users(command) => Context::block_on(command.run(context)),
            Self::Apps(command) => Context::block_on(command.run(context)),
            Self::ApiKeys(command) => Context::block_on(command.run(context)),
            Self::Oauth(OauthCommand::Clients(command)) => Context::block_on(command.run(context)),
            Self::Tables(command) => Context::block_on(command.run(context)),
            Self::Auth(command) => Context::block_on(command.run(context)),
            Self::Keys(command) => Context::block_on(command.run(context)),
            Self::Doctor => Context::block_on(doctor::run(context)),
            Self::Version => version::run(&mut context.console),
            Self::Reference(command) => command.run(&mut context.console),
        }
    }
}
