//! What a provider says about itself, and whether a client can rely on it.

use std::time::Duration;

use ayb_client::http::{HttpRequest, HttpResponse, Method, ReqwestTransport, TransportError};
use ayb_client::{Algorithm, HttpTransport as _, Strictness, Timestamp};
use ayb_protocol::answer::{Answer, ServerMetadata};
use serde_json::Value;
use url::Url;

use crate::cli::output::clean;
use crate::clock::Clock;
use crate::doctor::Finding;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// By how many seconds clocks may differ before ID tokens are refused.
const LEEWAY: i64 = 30;

/// What was found.
pub(super) struct Probed {
    pub(super) findings: Vec<Finding>,
    /// The metadata, if a client can use them.
    pub(super) metadata: Option<ServerMetadata>,
    /// Whether anybody answered at all.
    pub(super) is_reachable: bool,
}

/// One of the two places of the metadata.
struct Place {
    subject: &'static str,
    address: Url,
}

/// Asks an issuer everything that a client would.
pub(super) async fn examine(issuer: &Url, written: &str, transport: &ReqwestTransport) -> Probed {
    let mut findings = vec![tls(issuer)];
    let (mut found, mut is_reachable) = (Vec::new(), false);
    for place in places(issuer) {
        match get(transport, &place.address).await {
            Err(error) => findings.push(unreachable(place.subject, error)),
            Ok(answer) => {
                if !is_reachable {
                    findings.push(clock(&answer));
                }
                is_reachable = true;
                found.extend(document(&place, &answer, written, &mut findings));
            }
        }
    }
    if let [first, second] = &found[..] {
        findings.push(agreement(first, second));
    }
    let metadata = found.into_iter().next();
    match &metadata {
        Some(metadata) => {
            endpoints(metadata, issuer, &mut findings);
            abilities(metadata, &mut findings);
            findings.push(keys(metadata, transport).await);
        }
        None if is_reachable => findings.push(Finding::bad(
            "discovery",
            "there is no metadata that a client can use",
            "give the endpoints in the configuration, or ask the provider for the issuer's exact name",
        )),
        None => {}
    }
    Probed { findings, metadata, is_reachable }
}

/// OpenID Connect appends to the path of the issuer, RFC 8414 §3.1 inserts before it.
fn places(issuer: &Url) -> [Place; 2] {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let at = |path: &str| {
        let mut address = issuer.clone();
        address.set_path(path);
        address
    };
    [
        Place { subject: "OpenID Connect", address: at(&format!("{path}/.well-known/openid-configuration")) },
        Place { subject: "RFC 8414", address: at(&format!("/.well-known/oauth-authorization-server{path}")) },
    ]
}

async fn get(transport: &ReqwestTransport, address: &Url) -> Result<HttpResponse, TransportError> {
    let headers = vec![("accept", "application/json".to_owned().into())];
    let request = HttpRequest { method: Method::Get, url: address.clone(), headers, body: None };
    transport.send(request, PATIENCE).await
}

fn tls(issuer: &Url) -> Finding {
    match issuer.scheme() {
        "https" => Finding::good("TLS", "https: the certificate is checked, and TLS is 1.2 or later"),
        _ => Finding::doubtful("TLS", "plain http on this machine", "use https where anybody else is"),
    }
}

fn unreachable(subject: &'static str, error: TransportError) -> Finding {
    let hint = match error {
        TransportError::Tls => "the certificate is not to be trusted here, or TLS is older than 1.2",
        TransportError::Dns => "look at the name of the host",
        _ => "is the provider up, and reachable from here?",
    };
    Finding::bad(subject, error.to_string(), hint)
}

fn document(
    place: &Place,
    answer: &HttpResponse,
    written: &str,
    findings: &mut Vec<Finding>,
) -> Option<ServerMetadata> {
    let subject = place.subject;
    if answer.status == 404 {
        let path = place.address.path();
        findings.push(Finding::doubtful(
            subject,
            format!("nothing at {path}"),
            "one of the two places is enough",
        ));
        return None;
    }
    let content_type = answer.header("content-type");
    let read = Answer { status: answer.status, content_type, body: &answer.body };
    let reading = match ServerMetadata::read(read, Strictness::Lenient) {
        Ok(reading) => reading,
        Err(error) => {
            let hint = if (300..400).contains(&answer.status) {
                "clients follow no redirects: the document has to be at this address"
            } else {
                "the document has to be JSON with the member `issuer`"
            };
            findings.push(Finding::bad(subject, clean(&error.to_string()), hint));
            return None;
        }
    };
    for deviation in &reading.deviations {
        let text = format!("is read, and is not as it should be: {}", clean(&format!("{deviation:?}")));
        findings.push(Finding::doubtful(subject, text, "other clients may refuse it"));
    }
    if reading.value.issuer != written {
        let text =
            format!("the document is about `{}`, not `{}`", clean(&reading.value.issuer), clean(written));
        let hint = "the issuer has to be the same letter by letter, the slash at its end too (RFC 8414 §3.3)";
        findings.push(Finding::bad(subject, text, hint));
        return None;
    }
    findings.push(Finding::good(subject, format!("{}, about this issuer", place.address.path())));
    Some(reading.value)
}

fn agreement(first: &ServerMetadata, second: &ServerMetadata) -> Finding {
    let same = (&first.authorization_endpoint, &first.token_endpoint, &first.jwks_uri)
        == (&second.authorization_endpoint, &second.token_endpoint, &second.jwks_uri);
    if same {
        Finding::good("discovery", "both documents name the same endpoints")
    } else {
        let hint = "clients read the first; the second misleads those that read it";
        Finding::doubtful("discovery", "the two documents name different endpoints", hint)
    }
}

fn clock(answer: &HttpResponse) -> Finding {
    let date = answer.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(date) = date else {
        return Finding::doubtful(
            "clock",
            "the answer has no date",
            "its clock cannot be compared with ours",
        );
    };
    let theirs = Timestamp::from_seconds(date.timestamp().as_second());
    let skew = theirs.as_seconds() - Clock::system().now().as_seconds();
    let text = format!("{skew} seconds from ours");
    if skew.abs() <= LEEWAY {
        Finding::good("clock", text)
    } else {
        Finding::bad(
            "clock",
            text,
            "one of the two is wrong; ID tokens will be refused as expired or not yet valid",
        )
    }
}

fn endpoints(metadata: &ServerMetadata, issuer: &Url, findings: &mut Vec<Finding>) {
    let needed = [
        ("authorization_endpoint", &metadata.authorization_endpoint),
        ("token_endpoint", &metadata.token_endpoint),
    ];
    let may_be_used = |text: &str| {
        let url = Url::parse(text).ok();
        url.is_some_and(|url| url.scheme() == "https" || issuer.scheme() == "http")
    };
    for (name, address) in needed {
        findings.push(match address.as_deref() {
            Some(address) if may_be_used(address) => {
                Finding::good("endpoints", format!("{name} {}", clean(address)))
            }
            Some(address) => {
                let text = format!("{name} `{}` leads from https to http", clean(address));
                Finding::bad("endpoints", text, "clients refuse it: tokens would travel in the clear")
            }
            None => Finding::bad("endpoints", format!("no {name}"), "without it nobody can sign in"),
        });
    }
    let optional = [
        ("device codes", &metadata.device_authorization_endpoint),
        ("revocation", &metadata.revocation_endpoint),
        ("introspection", &metadata.introspection_endpoint),
        ("pushed requests", &metadata.pushed_authorization_request_endpoint),
        ("UserInfo", &metadata.userinfo_endpoint),
        ("logout", &metadata.end_session_endpoint),
    ];
    let named = |there: bool| {
        let names = optional.iter().filter(|(_, address)| address.is_some() == there).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    };
    findings.push(Finding::good("endpoints", format!("has {}", or_none(&named(true)))));
    if metadata.revocation_endpoint.is_none() {
        let hint = "a sign-out forgets tokens here, and they count until they end";
        findings.push(Finding::doubtful("endpoints", "tokens cannot be revoked (RFC 7009)", hint));
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn abilities(metadata: &ServerMetadata, findings: &mut Vec<Finding>) {
    let has = |list: &Option<Vec<String>>, word: &str| {
        list.as_ref().is_some_and(|list| list.iter().any(|entry| entry == word))
    };
    let pkce = &metadata.code_challenge_methods_supported;
    findings.push(match pkce {
        Some(_) if has(pkce, "S256") => Finding::good("PKCE", "S256"),
        Some(_) => Finding::bad(
            "PKCE",
            "lists no S256",
            "codes would be protected by `plain` only, which protects nothing",
        ),
        None => Finding::doubtful(
            "PKCE",
            "is not listed",
            "it is sent all the same; ask the provider whether it is checked",
        ),
    });
    let methods = &metadata.token_endpoint_auth_methods_supported;
    findings.push(match methods {
        Some(methods) => Finding::good("client authentication", clean(&methods.join(", "))),
        None => Finding::good(
            "client authentication",
            "client_secret_basic, since nothing is listed (RFC 8414 §2)",
        ),
    });
    if methods.is_some() && !has(methods, "none") {
        let hint = "set AYB_CLIENT_SECRET, or ask the provider whether programs without a secret may sign in";
        findings.push(Finding::doubtful(
            "client authentication",
            "clients without a secret are not listed",
            hint,
        ));
    }
    findings.push(match metadata.authorization_response_iss_parameter_supported {
        true => Finding::good("issuer in answers", "is sent and checked (RFC 9207)"),
        false => Finding::doubtful(
            "issuer in answers",
            "is not sent (RFC 9207)",
            "give each provider a callback of its own",
        ),
    });
    if let Some(algorithms) = &metadata.id_token_signing_alg_values_supported {
        findings.push(algorithms_finding(algorithms));
    }
}

fn algorithms_finding(algorithms: &[String]) -> Finding {
    let usable =
        algorithms.iter().any(|name| Algorithm::parse(name).is_some_and(|found| found.as_str() == name));
    let text = clean(&algorithms.join(", "));
    if !usable {
        Finding::bad("ID tokens", format!("signed by {text}"), "none of these can be checked here")
    } else if algorithms.iter().any(|name| name == "none") {
        Finding::doubtful(
            "ID tokens",
            format!("signed by {text}"),
            "`none` is refused: such a token proves nothing",
        )
    } else {
        Finding::good("ID tokens", format!("signed by {text}"))
    }
}

async fn keys(metadata: &ServerMetadata, transport: &ReqwestTransport) -> Finding {
    let subject = "keys";
    let Some(address) = metadata.jwks_uri.as_deref().and_then(|text| Url::parse(text).ok()) else {
        return Finding::doubtful(subject, "no jwks_uri", "ID tokens cannot be checked; leave `openid` out");
    };
    let answer = match get(transport, &address).await {
        Ok(answer) => answer,
        Err(error) => return unreachable(subject, error),
    };
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let Some(keys) = document["keys"].as_array().filter(|_| answer.status == 200) else {
        return Finding::bad(
            subject,
            "no key set at jwks_uri",
            "it has to be JSON with the member `keys` (RFC 7517 §5)",
        );
    };
    let is_private = |key: &Value| key.get("d").is_some() || key.get("k").is_some();
    if keys.iter().any(is_private) {
        return Finding::bad(
            subject,
            "a private key is published",
            "tell the provider at once: anybody can sign as it",
        );
    }
    let kinds = keys.iter().filter_map(|key| key["alg"].as_str().or(key["kty"].as_str()));
    let kinds = clean(&kinds.collect::<Vec<_>>().join(", "));
    if keys.is_empty() {
        return Finding::bad(subject, "the key set is empty", "no ID token can be checked");
    }
    if keys.len() > 1 && keys.iter().any(|key| key["kid"].as_str().is_none()) {
        let hint = "which key signed has to be guessed; it costs time, and some clients give up";
        return Finding::doubtful(subject, format!("{kinds}; not every key has a `kid`"), hint);
    }
    Finding::good(subject, format!("{} ({kinds})", keys.len()))
}
