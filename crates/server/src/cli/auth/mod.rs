//! `ayb auth`: signing in at any provider from the command line, and tokens for scripts. Nothing here has to do with a server
//! of this machine.

mod browser;
mod doctor;
mod failures;
mod login;
mod logout;
mod probe;
mod profile;
pub mod providers;
mod status;
mod token;

use clap::{Args, Subcommand, ValueEnum};

use super::context::Context;
use super::failure::Failure;
use profile::KeyPlace;

/// Commands about signing in at a provider.
#[derive(Subcommand, Clone, Debug)]
pub enum AuthCommand {
    /// Sign in at a provider and keep the tokens, encrypted
    Login(LoginFlags),
    /// Print an access token, renewed when needed, and nothing else
    Token(TokenFlags),
    /// Revoke the tokens of a profile at the provider, and forget them
    Logout {
        /// The profile
        #[arg(long, value_name = "NAME", default_value = "default")]
        profile: String,
    },
    /// Show the profiles: where they are signed in, until when, and where the tokens are kept
    Status,
    /// Examine a provider: its metadata, keys, algorithms, clock, and how to use it
    Doctor {
        /// The issuer, such as https://id.example.com
        #[arg(value_name = "ISSUER")]
        issuer: String,
    },
}

/// Where and how to sign in.
#[derive(Args, Clone, Debug)]
pub struct LoginFlags {
    /// The issuer, such as https://id.example.com
    #[arg(value_name = "ISSUER")]
    pub issuer: String,
    /// The name of the client that is registered there; its secret, if it has one, comes from AYB_CLIENT_SECRET
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// What the sign-in is called here
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub profile: String,
    /// What to ask for; separated by commas
    #[arg(long, value_name = "SCOPE,…", value_delimiter = ',', default_value = "openid,offline_access")]
    pub scopes: Vec<String>,
    /// The API that the tokens are for (RFC 8707)
    #[arg(long, value_name = "URL")]
    pub resource: Option<String>,
    /// Sign in on another device, with a code
    #[arg(long)]
    pub device: bool,
    /// Sign in in any browser, and give the address at which it arrives as a line of the input
    #[arg(long, conflicts_with = "device")]
    pub paste: bool,
    /// Open no browser; the address is shown
    #[arg(long)]
    pub no_browser: bool,
    /// Where the key of the tokens is kept [default: the key ring of the system if there is one, else a file]
    #[arg(long, value_enum, value_name = "PLACE")]
    pub key: Option<KeyPlace>,
}

/// Which token, and in which form.
#[derive(Args, Clone, Debug)]
pub struct TokenFlags {
    /// The profile
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub profile: String,
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "token")]
    pub format: TokenForm,
    /// The only host that git gets the token for
    #[arg(long, value_name = "HOST", required_if_eq("format", "git-credential"))]
    pub host: Option<String>,
    /// What git wants: get, store or erase
    #[arg(value_name = "OPERATION", hide = true)]
    pub operation: Option<String>,
}

/// The form of a token's output.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum TokenForm {
    /// The token alone
    Token,
    /// With its type, end and scopes
    Json,
    /// As a credential helper of git
    GitCredential,
    /// As an exec credential plugin of kubectl
    Kubectl,
}

impl AuthCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        match self {
            Self::Login(flags) => login::run(flags, context).await,
            Self::Token(flags) => token::run(&flags, context).await,
            Self::Logout { profile } => logout::run(&profile, context).await,
            Self::Status => status::run(context).await,
            Self::Doctor { issuer } => doctor::run(&issuer, context).await,
        }
    }
}
