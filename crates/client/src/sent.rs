//! What a request carried that nobody may read in an error. Servers repeat in their texts what they were sent.

use ayb_protocol::answer::{AnswerError, ErrorAnswer};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::http::HttpRequest;

/// What stands where a secret stood.
const BLANK: &str = "[REDACTED]";

/// What is shorter is in too many words to be looked for.
const SHORTEST: usize = 6;

/// Parameters that are no secret.
const PUBLIC: [&str; 12] = [
    "grant_type",
    "client_id",
    "scope",
    "resource",
    "audience",
    "redirect_uri",
    "response_type",
    "token_type_hint",
    "subject_token_type",
    "actor_token_type",
    "requested_token_type",
    "client_assertion_type",
];

/// Strings to be blanked.
#[derive(Default)]
pub(crate) struct Sent(Vec<Zeroizing<String>>);

impl Sent {
    /// Everything in a request that may be a secret, as it is and as it was written, and the client's secret.
    pub(crate) fn of(request: &HttpRequest, client_secret: Option<&str>) -> Self {
        let mut all = Vec::new();
        let body = request.body.as_deref().map_or("", |body| body.as_str());
        for pair in body.split('&') {
            let Some((name, written)) = pair.split_once('=').filter(|(name, _)| !PUBLIC.contains(name))
            else {
                continue;
            };
            all.push(Zeroizing::new(written.to_owned()));
            let decoded = form_urlencoded::parse(pair.as_bytes()).find(|(other, _)| other == name);
            all.extend(decoded.map(|(_, value)| Zeroizing::new(value.into_owned())));
        }
        // A registration has secrets in these members.
        if body.starts_with('{')
            && let Ok(members) = serde_json::from_str::<serde_json::Map<_, _>>(body)
        {
            // Of a grant it is every member that may be a secret, as in a form.
            let is_grant = members.contains_key("grant_type");
            let is_secret = |name: &str| {
                ["client_secret", "software_statement"].contains(&name)
                    || (is_grant && !PUBLIC.contains(&name))
            };
            let named = members.iter().filter(|(name, _)| is_secret(name));
            let named = named.filter_map(|(_, value)| Some(Zeroizing::new(value.as_str()?.to_owned())));
            all.extend(named);
        }
        let authorization = request.headers.iter().filter(|(name, _)| *name == "authorization");
        all.extend(
            authorization.filter_map(|(_, value)| Some(Zeroizing::new(value.split_once(' ')?.1.to_owned()))),
        );
        let proofs = request.headers.iter().filter(|(name, _)| *name == "dpop");
        all.extend(proofs.map(|(_, proof)| proof.clone()));
        all.extend(client_secret.map(|secret| Zeroizing::new(secret.to_owned())));
        Self::new(all)
    }

    /// These strings.
    pub(crate) fn new(mut all: Vec<Zeroizing<String>>) -> Self {
        all.retain(|secret| secret.len() >= SHORTEST);
        // A secret within another one must not leave the rest of that one behind.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(all)
    }

    /// The same refusal without them.
    pub(crate) fn blank_refusal(&self, answer: ErrorAnswer) -> ErrorAnswer {
        ErrorAnswer {
            error: self.blank(answer.error),
            error_description: answer.error_description.map(|text| self.blank(text)),
            error_uri: answer.error_uri.map(|text| self.blank(text)),
        }
    }

    /// The same error without them.
    pub(crate) fn blank_error(&self, error: AnswerError) -> AnswerError {
        match error {
            AnswerError::Refused(answer) => AnswerError::Refused(self.blank_refusal(answer)),
            other => other,
        }
    }

    fn blank(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), BLANK);
            }
            // Long texts are cut, perhaps within a secret.
            let cut = (SHORTEST..secret.len()).rev().filter_map(|end| secret.get(..end));
            if let Some(part) = cut.into_iter().find(|part| text.ends_with(part)) {
                text.truncate(text.len() - part.len());
                text.push_str(BLANK);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    #[test]
    fn what_was_sent_is_blanked_and_what_is_public_stays() {
        let body = "grant_type=refresh_token&scope=orders.read&refresh_token=canary%2Bone%3D%3D&client_secret=canary-two";
        let request = HttpRequest {
            method: Method::Post,
            url: url::Url::parse("https://id.test/token").unwrap(),
            headers: vec![("authorization", Zeroizing::new("Basic Y2FuYXJ5LXRocmVl".to_owned()))],
            body: Some(Zeroizing::new(body.to_owned())),
        };
        let sent = Sent::of(&request, Some("canary-four"));
        let blank = |text: &str| sent.blank(text.to_owned());
        for text in ["canary+one==", "canary%2Bone%3D%3D", "canary-two", "Y2FuYXJ5LXRocmVl", "canary-four"] {
            assert_eq!(blank(&format!("token {text} is dead")), "token [REDACTED] is dead");
        }
        assert_eq!(blank("dead: canary+on"), "dead: [REDACTED]", "a text that was cut");
        let public = "refresh_token with orders.read is dead";
        assert_eq!(blank(public), public);
    }
}
