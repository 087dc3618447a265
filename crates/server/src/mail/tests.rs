//! A mail server of a few lines stands in for the real one.

use ayb_protocol::time::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        security: SmtpSecurity::Plain,
        credentials: None,
        from: "Ayb <ayb@example.com>".to_owned(),
        extra_ca: None,
        deadline: Duration::from_secs(20),
    }
}

fn mailer(settings: &SmtpSettings) -> Result<Mailer, MailError> {
    let clock = Clock::manual(Timestamp::from_seconds(1_700_000_000));
    Mailer::smtp(settings, clock, Entropy::open().unwrap())
}

fn mail(to: &str, subject: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: "Follow https://id.example.com/reset?token=abc\n.\nBye".to_owned(),
        html: None,
    }
}

/// A mail server for one connection that answers `250` (or what SMTP wants there) and writes down what it hears.
async fn mail_server() -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        let (mut heard, mut in_data) = (String::new(), false);
        writer.write_all(b"220 test ESMTP\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            heard.push_str(&line);
            heard.push('\n');
            let answer: &[u8] = match line.as_str() {
                "." => {
                    in_data = false;
                    b"250 taken\r\n"
                }
                _ if in_data => continue,
                "DATA" => {
                    in_data = true;
                    b"354 go on\r\n"
                }
                "QUIT" => b"221 bye\r\n",
                _ => b"250 fine\r\n",
            };
            if writer.write_all(answer).await.is_err() {
                break;
            }
        }
        heard
    });
    (port, heard)
}

#[tokio::test]
async fn a_mail_reaches_the_mail_server_in_one_piece() {
    let (port, heard) = mail_server().await;
    let with_html = Mail { html: Some("<p>Follow</p>".to_owned()), ..mail("ada@example.org", "Grüße") };
    mailer(&settings(port)).unwrap().send(with_html).await.unwrap();
    let heard = heard.await.unwrap();
    for part in [
        "EHLO example.com",
        "MAIL FROM:<ayb@example.com>",
        "RCPT TO:<ada@example.org>",
        "Date: Tue, 14 Nov 2023 22:13:20 +0000",
        "@example.com>",
        "Subject: =?utf-8?b?R3LDvMOfZQ==?=",
        "https://id.example.com/reset?token=abc",
        "<p>Follow</p>",
        "multipart/alternative",
    ] {
        assert!(heard.contains(part), "{part} in {heard}");
    }
    assert!(heard.contains("\n..\n"), "a dot alone in a line is no end: {heard}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_mail_server_is_given_up_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Enough to get past the connection; then silence.
        stream.write_all(b"220 test ESMTP\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let start = tokio::time::Instant::now();
    let sent = mailer(&settings(port)).unwrap().send(mail("ada@example.org", "Hello")).await;
    assert!(matches!(sent, Err(MailError::Deadline | MailError::Refused(_))), "{sent:?}");
    assert!(start.elapsed() <= Duration::from_secs(20), "{:?}", start.elapsed());
    silent.abort();
}

#[tokio::test]
async fn a_mail_is_not_sent_in_the_clear_where_tls_was_asked_for() {
    let (port, heard) = mail_server().await;
    let asked = SmtpSettings { security: SmtpSecurity::StartTls, ..settings(port) };
    let sent = mailer(&asked).unwrap().send(mail("ada@example.org", "Hello")).await;
    assert!(matches!(sent, Err(MailError::Refused(_))), "{sent:?}");
    assert!(!heard.await.unwrap().contains("MAIL FROM"));
}

#[tokio::test]
async fn addresses_and_subjects_cannot_carry_further_headers() {
    let mailer = mailer(&settings(1)).unwrap();
    for to in
        ["", "ada", "ada@example.org\r\nBcc: eve@example.net", "a@b, c@d", "Ada <ada@example.org>", "a b@c"]
    {
        let sent = mailer.send(mail(to, "Hello")).await;
        assert!(matches!(sent, Err(MailError::Address("recipient"))), "{to:?}: {sent:?}");
    }
    let sent = mailer.send(mail("ada@example.org", "Hello\r\nBcc: eve@example.net")).await;
    assert!(matches!(sent, Err(MailError::Form(_))), "{sent:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let wrong = SmtpSettings { from: "not an address".to_owned(), ..settings(25) };
    assert!(matches!(mailer(&wrong), Err(MailError::Address("sender"))));
    let credentials = Some(("ayb".to_owned(), Zeroizing::new("CANARY".to_owned())));
    let wrong = SmtpSettings { credentials, ..settings(25) };
    assert!(matches!(mailer(&wrong), Err(MailError::Settings(_))));
    assert!(!format!("{wrong:?}").contains("CANARY"));
    let tls = SmtpSettings { security: SmtpSecurity::Tls, ..wrong };
    assert!(mailer(&tls).is_ok());
    let wrong = SmtpSettings { extra_ca: Some(b"not PEM".to_vec()), ..tls };
    assert!(matches!(mailer(&wrong), Err(MailError::Settings(_))));
}

#[tokio::test]
async fn the_outbox_keeps_what_was_sent() {
    let (mailer, outbox) = Mailer::memory();
    mailer.send(mail("ada@example.org", "One")).await.unwrap();
    mailer.clone().send(mail("ada@example.org", "Two")).await.unwrap();
    let subjects: Vec<_> = outbox.take().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["One", "Two"]);
    assert!(outbox.take().is_empty());
}

#[test]
fn the_text_of_a_mail_does_not_show_in_debug() {
    assert!(!format!("{:?}", mail("ada@example.org", "Reset")).contains("token=abc"));
}
