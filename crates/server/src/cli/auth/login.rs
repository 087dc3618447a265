//! `ayb auth login`.

use ayb_client::login::{LoginPrompt, SignedIn, Way};
use ayb_client::{OAuth2, OAuth2Config, ProviderConfig};
use serde_json::json;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use url::Url;

use super::failures::failed;
use super::profile::{KeyPlace, Profile, Profiles, credentials, storage_key};
use super::{LoginFlags, browser};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output::{Console, Format, clean};

/// What the sign-in wants the person to see.
enum Said {
    Open(Url, String),
    Text(String),
}

/// Signs in and keeps the tokens. Everything that can be known to fail is tried before the person is asked for anything.
pub(super) async fn run(flags: LoginFlags, context: &mut Context<'_>) -> Result<(), Failure> {
    let profiles = Profiles::open(context)?;
    let (place, remark) = profiles.settle_key(flags.key)?;
    if let Some(remark) = remark {
        context.console.note(&remark)?;
    }
    let mut config = OAuth2Config::new(ProviderConfig::default(), credentials(context, &flags.client_id));
    config.storage = profiles.storage(context)?;
    config.resource.clone_from(&flags.resource);
    let wrong =
        |error: &_| failed(&format!("cannot sign in at {}", clean(&flags.issuer)), &flags.profile, error);
    let builder = OAuth2::builder(config).discover(&flags.issuer).await.map_err(|error| wrong(&error))?;
    let client = builder.build().map_err(|error| wrong(&error))?;
    let me = sign_in(&client, &flags, context).await?.map_err(|error| wrong(&error))?;

    let mut profile = Profile::of(client.provider(), &flags.issuer, &flags.client_id, &flags.scopes);
    profile.resource = flags.resource;
    let claims = me.claims.as_ref();
    profile.account = claims.map(|claims| claims.email().unwrap_or(claims.subject()).to_owned());
    profiles.keep(&flags.profile, profile.clone())?;
    show(&mut context.console, &flags.profile, &profile, place, &me)
}

type Outcome = Result<Result<SignedIn, ayb_client::OAuth2Error>, Failure>;

async fn sign_in(client: &OAuth2, flags: &LoginFlags, context: &mut Context<'_>) -> Outcome {
    let has_browser = browser::is_here(&context.environment) && !flags.no_browser;
    let (said, mut saying) = unbounded_channel();
    let (paste, pasted) = channel(1);
    let by_hand = flags.paste || (context.console.interactive && !flags.device);
    let mut login = client
        .login()
        .scopes(flags.scopes.iter().cloned())
        .save_as(storage_key(&flags.profile))
        .show(move |prompt| tell(&said, prompt));
    if flags.device || flags.paste {
        login = login.without_loopback();
    }
    if flags.device || !(has_browser || flags.paste) {
        login = login.or_device();
    }
    if by_hand {
        login = login.or_paste(pasted);
        if !flags.paste {
            read_terminal(paste.clone());
        }
    }
    let mut running = std::pin::pin!(login.run());
    loop {
        tokio::select! {
            biased;
            Some(what) = saying.recv() => {
                if let Some(url) = print(&mut context.console, what)?.filter(|_| has_browser) {
                    browser::open(&url);
                }
                if flags.paste {
                    take_line(&mut context.console, &paste)?;
                }
            }
            ended = &mut running => {
                drain(&mut context.console, &mut saying)?;
                return Ok(ended);
            }
        }
    }
}

fn tell(said: &UnboundedSender<Said>, prompt: LoginPrompt<'_>) {
    let text = prompt.to_string();
    let what = match prompt {
        LoginPrompt::Open { url, .. } => Said::Open(url.clone(), text),
        _ => Said::Text(text),
    };
    // Nobody listens once the sign-in has ended.
    let _ended = said.send(what);
}

/// Shows it, line by line since all of it may come from the provider.
fn print(console: &mut Console<'_>, what: Said) -> Result<Option<Url>, Failure> {
    let (url, text) = match what {
        Said::Open(url, text) => (Some(url), text),
        Said::Text(text) => (None, text),
    };
    text.lines().try_for_each(|line| console.note(&clean(line)))?;
    console.err.flush()?;
    Ok(url)
}

fn drain(console: &mut Console<'_>, saying: &mut UnboundedReceiver<Said>) -> Result<(), Failure> {
    while let Ok(what) = saying.try_recv() {
        print(console, what)?;
    }
    Ok(())
}

/// The next line of the input, which is the only way here, so that waiting for it holds nothing up.
fn take_line(console: &mut Console<'_>, paste: &Sender<String>) -> Result<(), Failure> {
    let line = console.read_line()?.ok_or_else(|| {
        Failure::usage("no address was given")
            .hint("give the address at which the browser arrived as a line of the input")
    })?;
    // There is room: the line before this one has been taken, or this would not have been asked for.
    let _sent = paste.try_send(line);
    Ok(())
}

/// Lines from the terminal, by a thread that ends with the program: the sign-in goes on while somebody may type.
#[cfg(unix)]
fn read_terminal(paste: Sender<String>) {
    use std::io::BufRead as _;
    let Ok(terminal) = std::fs::File::open("/dev/tty") else { return };
    std::thread::spawn(move || {
        let lines = std::io::BufReader::new(terminal).lines().map_while(Result::ok);
        for line in lines {
            if paste.blocking_send(line).is_err() {
                return;
            }
        }
    });
}

#[cfg(not(unix))]
fn read_terminal(_: Sender<String>) {}

fn show(
    console: &mut Console<'_>,
    name: &str,
    profile: &Profile,
    place: KeyPlace,
    me: &SignedIn,
) -> Result<(), Failure> {
    let account = profile.account.as_deref().unwrap_or("somebody");
    let way = match me.way {
        Way::Loopback => "loopback",
        Way::Pasted => "pasted",
        Way::Device => "device",
        _ => "other",
    };
    if console.format == Format::Table {
        let (account, issuer) = (clean(account), clean(&profile.issuer));
        console.line(&format!("Signed in at {issuer} as {account}; the profile is `{}`.", clean(name)))?;
        if me.tokens.refresh_token.is_none() {
            console.note("There is no refresh token: when the access token ends, sign in again.")?;
        }
        return console.note(&format!("A token for a script: ayb auth token --profile {}", clean(name)));
    }
    let scope = me.tokens.scopes();
    let fields = json!({
        "profile": name, "issuer": profile.issuer, "clientId": profile.client_id, "account": profile.account,
        "way": way, "scopes": scope, "renews": me.tokens.refresh_token.is_some(), "key": place.word(),
    });
    if console.format == Format::Json {
        return console.line(&fields.to_string());
    }
    console
        .rows(&["Profile", "Issuer", "Account"], &[vec![name.into(), profile.issuer.clone(), account.into()]])
}
