//! Sends mail: through a mail server, into the log while developing, or into memory for tests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Address;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::entropy::{Entropy, EntropyError};

/// A mail to one person. It may hold a link that signs its reader in: only the log backend may ever print it.
#[derive(Clone, Eq, PartialEq)]
pub struct Mail {
    /// The bare address of the recipient.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text; every mail has one.
    pub text: String,
    /// The same in HTML, if there is such a form.
    pub html: Option<String>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SmtpSecurity {
    /// TLS after `STARTTLS`, refused when the server does not offer it (RFC 3207).
    #[default]
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// None: for a mail server on this machine.
    Plain,
}

/// The mail server and the sender.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Name of the mail server.
    pub host: String,
    /// Its port, usually 587 or 465.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// Name and password, where the server asks for them.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
    /// A further certificate authority to trust, in PEM form.
    pub extra_ca: Option<Vec<u8>>,
    /// The longest that one mail may take, from connecting to the server's last word.
    pub deadline: Duration,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Why a mail was not sent. Texts are for the log and the operator.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender or the recipient is not a mail address.
    #[error("the {0} is not a mail address")]
    Address(&'static str),
    /// The mail cannot be put into the form of the wire.
    #[error("the mail cannot be written: {0}")]
    Form(String),
    /// The settings contradict each other or cannot be used.
    #[error("the mail settings cannot be used: {0}")]
    Settings(String),
    /// The mail server did not take the mail.
    #[error("the mail server did not take the mail: {0}")]
    Refused(String),
    /// The mail server kept silent for too long.
    #[error("the mail server did not answer in time")]
    Deadline,
    /// No identifier for the mail could be drawn.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Sends mail through one of its backends. Clones share it.
#[derive(Clone, Debug)]
pub struct Mailer(Backend);

#[derive(Clone)]
enum Backend {
    Log,
    Smtp(Arc<Smtp>),
    Memory(Outbox),
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "Log",
            Self::Smtp(_) => "Smtp",
            Self::Memory(_) => "Memory",
        })
    }
}

/// The mails that a mailer of memory has taken.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<Vec<Mail>>>);

impl Outbox {
    /// Takes out all mails, the oldest first.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Mail>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer {
    /// Prints each mail to the log, its links included: for development, where nobody else reads the log.
    pub fn log() -> Self {
        Self(Backend::Log)
    }

    /// Keeps each mail in memory: for tests.
    pub fn memory() -> (Self, Outbox) {
        let outbox = Outbox::default();
        (Self(Backend::Memory(outbox.clone())), outbox)
    }

    /// Hands each mail to a mail server, over a connection of its own.
    ///
    /// # Errors
    /// [`MailError::Address`] for the sender, [`MailError::Settings`] for a password that would travel in the clear or
    /// a certificate that cannot be read.
    pub fn smtp(settings: &SmtpSettings, clock: Clock, entropy: Entropy) -> Result<Self, MailError> {
        Ok(Self(Backend::Smtp(Arc::new(Smtp::build(settings, clock, entropy)?))))
    }

    /// Sends a mail, or says why not. Takes as long as the mail server does, within the deadline: send from a job, never
    /// from a request whose time tells something.
    ///
    /// # Errors
    /// [`MailError`]; the mail may have been delivered after [`MailError::Deadline`].
    pub async fn send(&self, mail: Mail) -> Result<(), MailError> {
        match &self.0 {
            Backend::Log => print(&mail),
            Backend::Memory(outbox) => outbox.lock().push(mail),
            Backend::Smtp(smtp) => smtp.send(&mail).await?,
        }
        Ok(())
    }
}

fn print(mail: &Mail) {
    tracing::info!(target: "ayb_server::mail", to = mail.to, subject = mail.subject, "mail, printed only:\n{}", mail.text);
}

struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    deadline: Duration,
    clock: Clock,
    entropy: Entropy,
}

impl Smtp {
    fn build(settings: &SmtpSettings, clock: Clock, entropy: Entropy) -> Result<Self, MailError> {
        let from: Mailbox = settings.from.parse().map_err(|_| MailError::Address("sender"))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
            .port(settings.port)
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(settings.deadline))
            .tls(protection(settings)?);
        if let Some((name, password)) = &settings.credentials {
            builder = builder.credentials(Credentials::new(name.clone(), password.as_str().to_owned()));
        }
        Ok(Self { transport: builder.build(), from, deadline: settings.deadline, clock, entropy })
    }

    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.write(mail)?;
        // The library's own time-out does not cover a server that takes the connection and keeps silent.
        match tokio::time::timeout(self.deadline, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(MailError::Refused(error.to_string())),
            Err(_) => Err(MailError::Deadline),
        }
    }

    fn write(&self, mail: &Mail) -> Result<Message, MailError> {
        let to: Address = mail.to.parse().map_err(|_| MailError::Address("recipient"))?;
        if mail.subject.chars().any(char::is_control) {
            return Err(MailError::Form("the subject has control characters".to_owned()));
        }
        let now = self.clock.now();
        let sent = UNIX_EPOCH + Duration::from_secs(u64::try_from(now.as_seconds()).unwrap_or(0));
        let id = format!("<{}@{}>", self.entropy.uuid_v7(now)?, self.from.email.domain());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(sent)
            .message_id(Some(id))
            .subject(mail.subject.as_str());
        let text = SinglePart::plain(mail.text.clone());
        let written = match &mail.html {
            None => message.singlepart(text),
            Some(html) => message.multipart(
                MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(html.clone())),
            ),
        };
        written.map_err(|error| MailError::Form(error.to_string()))
    }
}

fn protection(settings: &SmtpSettings) -> Result<Tls, MailError> {
    if settings.security == SmtpSecurity::Plain {
        return match &settings.credentials {
            Some(_) => Err(MailError::Settings("a password must not travel without TLS".to_owned())),
            None => Ok(Tls::None),
        };
    }
    let unusable = |error: lettre::transport::smtp::Error| MailError::Settings(error.to_string());
    let mut parameters = TlsParameters::builder(settings.host.clone());
    if let Some(pem) = &settings.extra_ca {
        for certificate in authorities(pem)? {
            parameters = parameters.add_root_certificate(certificate);
        }
    }
    let parameters = parameters.build().map_err(unusable)?;
    Ok(match settings.security {
        SmtpSecurity::StartTls => Tls::Required(parameters),
        SmtpSecurity::Tls | SmtpSecurity::Plain => Tls::Wrapper(parameters),
    })
}

/// The library takes text without any certificate for an empty list, which would surprise at the first mail only.
fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, MailError> {
    let unusable = || MailError::Settings("the certificate authority is not in PEM form".to_owned());
    let ders: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| unusable())?;
    if ders.is_empty() {
        return Err(unusable());
    }
    ders.into_iter().map(|der| Certificate::from_der(der.to_vec()).map_err(|_| unusable())).collect()
}

#[cfg(test)]
mod tests;
