//! Signs a person in by every way that is open, and takes the one that ends first: a port of this machine, an address that the
//! person copies out of the browser, a code that they type in on another device.
//!
//! Over SSH, in containers and on machines with two operating systems the browser often cannot reach this program. Then the person
//! sees an address that does not load, and pastes it; or they never open it, and type the code in somewhere else.

use std::fmt;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use url::Url;

use crate::error::{AuthorizationError, ConfigurationError, DeviceFlowError, NetworkError, OAuth2Error};
use crate::id_token::{Expected, IdTokenClaims};
use crate::loopback::{Loopback, ours};
use crate::traits::{DeviceAuthorizationFlowExt as _, OAuth2Client as _};
use crate::types::{
    AuthorizationParams, AuthorizationStart, CallbackParams, DeviceAuthorizationResponse, TokenResponse,
    TokenSet,
};
use crate::{Endpoint, OAuth2, TokenStorageKey};
use secrecy::ExposeSecret as _;

/// How long a person has: as long as a sign-in lives.
const TIME_FOR_A_PERSON: Duration = Duration::from_secs(600);

/// Where the answer goes when no port is listened on: the page does not load, and its address is pasted.
const NOWHERE: &str = "http://127.0.0.1/callback";

/// The way by which a sign-in ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Way {
    /// The browser brought the answer to a port of this machine.
    Loopback,
    /// The person pasted the address at which the browser arrived.
    Pasted,
    /// The person typed a code in on another device.
    Device,
}

/// What the person has to be told. [`fmt::Display`] says it in English.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LoginPrompt<'a> {
    /// Open this address in a browser.
    Open {
        /// The address. It belongs to this sign-in only; do not log it.
        url: &'a Url,
        /// Whether the address at which the browser arrives can be pasted.
        can_paste: bool,
    },
    /// Type a code in, on any device.
    Type(&'a DeviceAuthorizationResponse),
    /// What was pasted is not the answer to this sign-in; it goes on.
    NotTheAnswer,
}

impl fmt::Display for LoginPrompt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { url, can_paste } => {
                write!(f, "Open this address in a browser to sign in:\n\n  {url}\n")?;
                if *can_paste {
                    f.write_str(
                        "\nIf the browser arrives at a page that does not load, paste its address here.\n",
                    )?;
                }
                Ok(())
            }
            Self::Type(codes) => {
                writeln!(f, "On any device, open {} and type in {}", codes.verification_uri, codes.user_code)
            }
            Self::NotTheAnswer => {
                f.write_str("That is not the address of this sign-in. Paste the whole address of the page.\n")
            }
        }
    }
}

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The tokens.
    pub response: TokenResponse,
    /// The tokens as they are kept.
    pub tokens: TokenSet,
    /// Who it is; nothing when there is no ID token.
    pub claims: Option<IdTokenClaims>,
    /// By which way.
    pub way: Way,
}

type Change<'a> = Box<dyn FnOnce(&mut AuthorizationParams) + Send + 'a>;
type Show<'a> = Box<dyn FnMut(LoginPrompt<'_>) + Send + 'a>;

/// A sign-in that is being set up: made by [`OAuth2::login`], carried out by [`Login::run`].
#[must_use = "nothing happens until it is run"]
pub struct Login<'a> {
    client: &'a OAuth2,
    scopes: Option<Vec<String>>,
    change: Vec<Change<'a>>,
    listens: bool,
    pasted: Option<Receiver<String>>,
    asks_for_codes: bool,
    show: Show<'a>,
    save_as: Option<Option<TokenStorageKey>>,
    timeout: Duration,
}

/// What ended the race.
enum First {
    Answer(CallbackParams, Way),
    Tokens(Box<TokenResponse>),
}

impl OAuth2 {
    /// Begins to sign a person in; by a port of this machine unless more is said.
    ///
    /// ```no_run
    /// # async fn run(client: ayb_client::OAuth2) -> Result<(), ayb_client::OAuth2Error> {
    /// let me = client.login().scopes(["openid", "email"]).or_device().show(|prompt| eprintln!("{prompt}")).save().run().await?;
    /// println!("hello {}", me.claims.as_ref().and_then(|claims| claims.email()).unwrap_or("you"));
    /// # Ok(()) }
    /// ```
    pub fn login(&self) -> Login<'_> {
        Login {
            client: self,
            scopes: None,
            change: Vec::new(),
            listens: true,
            pasted: None,
            asks_for_codes: false,
            show: Box::new(|_| ()),
            save_as: None,
            timeout: TIME_FOR_A_PERSON,
        }
    }
}

impl<'a> Login<'a> {
    /// Asks for these scopes instead of the default ones.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Changes what is asked of the authorization endpoint.
    pub fn params(mut self, change: impl FnOnce(&mut AuthorizationParams) + Send + 'a) -> Self {
        self.change.push(Box::new(change));
        self
    }

    /// Listens on no port.
    pub fn without_loopback(mut self) -> Self {
        self.listens = false;
        self
    }

    /// Takes what the person pastes too: each line that `lines` gives is looked at, and one that is not the answer ends nothing.
    pub fn or_paste(mut self, lines: Receiver<String>) -> Self {
        self.pasted = Some(lines);
        self
    }

    /// Offers a code for another device too (RFC 8628), if the provider has them.
    pub fn or_device(mut self) -> Self {
        self.asks_for_codes = true;
        self
    }

    /// What tells the person what to do.
    pub fn show(mut self, show: impl FnMut(LoginPrompt<'_>) + Send + 'a) -> Self {
        self.show = Box::new(show);
        self
    }

    /// Keeps the tokens under the default key.
    pub fn save(mut self) -> Self {
        self.save_as = Some(None);
        self
    }

    /// Keeps the tokens under this key.
    pub fn save_as(mut self, key: TokenStorageKey) -> Self {
        self.save_as = Some(Some(key));
        self
    }

    /// How long the person has. Ten minutes unless something else is said, and never longer than codes and sign-ins live.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Offers every way at once and takes the first that ends; the others are left alone then. A person who refuses ends all of
    /// them, a way that breaks only itself.
    ///
    /// # Errors
    /// [`NetworkError::Timeout`] when nobody signs in in time, [`ConfigurationError`] when there is no way at all, and whatever the
    /// way that ended was refused with.
    pub async fn run(self) -> Result<SignedIn, OAuth2Error> {
        let client = self.client;
        let loopback = if self.listens { Loopback::bind().await.ok() } else { None };
        let by_browser = loopback.is_some() || self.pasted.is_some();
        let by_code = self.asks_for_codes && client.provider().device_authorization_endpoint.is_some();
        if !by_browser && !by_code {
            let what = "there is no way to sign in: no port, nothing to paste into, and no codes for devices";
            return Err(ConfigurationError::Invalid(what).into());
        }
        let mut params = AuthorizationParams::new(redirect_uri(loopback.as_ref())?);
        params.scopes.clone_from(&self.scopes);
        self.change.into_iter().for_each(|change| change(&mut params));
        let scopes = self.scopes;
        let start = if by_browser { Some(client.start(params)?) } else { None };
        let show = Mutex::new(self.show);
        let (timeout, pasted) = (self.timeout, self.pasted);
        let browser = async {
            match &start {
                Some(start) => answer(start, loopback, pasted, &show, timeout).await,
                None => pending().await,
            }
        };
        let device = async {
            if !by_code {
                return pending().await;
            }
            let shown = |codes: &DeviceAuthorizationResponse| say(&show, LoginPrompt::Type(codes));
            let tokens = client.device_authorization().execute(scopes.as_deref(), shown).await?;
            Ok(First::Tokens(Box::new(tokens)))
        };
        let late = NetworkError::Timeout { endpoint: Endpoint::Authorization, sent: true };
        let first = tokio::time::timeout(timeout, race(browser, device, by_browser && by_code)).await;
        let (response, way) = match first.map_err(|_| late)?? {
            First::Tokens(response) => (*response, Way::Device),
            First::Answer(callback, way) => {
                let started = start.ok_or(AuthorizationError::MissingCode)?;
                (client.finish(started.pending, callback).await?, way)
            }
        };
        signed_in(client, response, way, self.save_as).await
    }
}

/// Where the answer goes.
fn redirect_uri(loopback: Option<&Loopback>) -> Result<Url, OAuth2Error> {
    match loopback {
        Some(loopback) => Ok(loopback.redirect_uri().clone()),
        None => Url::parse(NOWHERE).map_err(|_| AuthorizationError::MissingCode.into()),
    }
}

/// The first of two ways that ends. A way that breaks leaves it to the other one, if there is one.
async fn race(
    one: impl Future<Output = Result<First, OAuth2Error>>,
    other: impl Future<Output = Result<First, OAuth2Error>>,
    both: bool,
) -> Result<First, OAuth2Error> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (ended, first_was_one) = tokio::select! {
        ended = &mut one => (ended, true),
        ended = &mut other => (ended, false),
    };
    match ended {
        Err(error) if both && !is_refusal(&error) => {
            let rest = if first_was_one { other.await } else { one.await };
            // The way that is left ran out of time; what broke the first one says more.
            rest.map_err(|later| if is_refusal(&later) { later } else { error })
        }
        ended => ended,
    }
}

/// Whether the person said no.
const fn is_refusal(error: &OAuth2Error) -> bool {
    matches!(error, OAuth2Error::DeviceFlow(DeviceFlowError::AccessDenied { .. }))
}

/// Waits for the answer of the browser, by the port or by hand.
async fn answer(
    start: &AuthorizationStart,
    loopback: Option<Loopback>,
    pasted: Option<Receiver<String>>,
    show: &Mutex<Show<'_>>,
    timeout: Duration,
) -> Result<First, OAuth2Error> {
    say(show, LoginPrompt::Open { url: &start.url, can_paste: pasted.is_some() });
    let by_port = async {
        match loopback {
            Some(loopback) => loopback.wait(&start.pending, timeout).await,
            None => pending().await,
        }
    };
    let by_hand = async {
        let Some(mut lines) = pasted else { return pending().await };
        while let Some(line) = lines.recv().await {
            let line = line.trim();
            match CallbackParams::parse(line).and_then(|callback| ours(callback, &start.pending)) {
                Ok(callback) => return callback,
                Err(_) if line.is_empty() => {}
                Err(_) => say(show, LoginPrompt::NotTheAnswer),
            }
        }
        pending().await
    };
    tokio::select! {
        callback = by_port => Ok(First::Answer(callback?, Way::Loopback)),
        callback = by_hand => Ok(First::Answer(callback, Way::Pasted)),
    }
}

fn say(show: &Mutex<Show<'_>>, prompt: LoginPrompt<'_>) {
    show.lock().unwrap_or_else(PoisonError::into_inner)(prompt);
}

async fn signed_in(
    client: &OAuth2,
    response: TokenResponse,
    way: Way,
    save_as: Option<Option<TokenStorageKey>>,
) -> Result<SignedIn, OAuth2Error> {
    // The flow has checked it, with all that only the flow knows; a provider without an issuer has none that could be checked.
    let id_token = response.id_token.as_ref().filter(|_| client.provider().issuer.is_some());
    let claims = match id_token {
        // One that fails here was let through by a policy that somebody chose, and says nothing then.
        Some(token) => client.verify_id_token(token.expose_secret(), &Expected::default()).await.ok(),
        None => None,
    };
    let tokens = TokenSet::from_response(&response, client.now());
    match save_as {
        Some(Some(key)) => client.tokens_for(&key).store_tokens(tokens.clone()).await?,
        Some(None) => client.tokens().store_tokens(tokens.clone()).await?,
        None => {}
    }
    Ok(SignedIn { response, tokens, claims, way })
}
