//! The progress of one authorization request, signed into the address that leads back to it, so that nothing is stored
//! before somebody has signed in.

use ayb_protocol::jose;
use ayb_protocol::jose::base64url;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::authorize::Progress;
use form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// The parameter that carries it; clients cannot make one.
pub const PARAMETER: &str = "ayb_progress";

/// How long progress counts: as long as somebody may take to sign in.
const LIFETIME: Seconds = Seconds(600);

/// Signs and reads progress.
pub struct ProgressKey(Zeroizing<[u8; 32]>);

impl ProgressKey {
    /// A key for this purpose alone.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// The progress that came with a request; none when there is none, when it was made for another request, or when
    /// it is too old: an address from the browser's history must not skip a sign-in that is asked for.
    pub fn read(&self, pairs: &[(String, String)], now: Timestamp) -> Progress {
        self.verified(pairs, now).unwrap_or_default()
    }

    fn verified(&self, pairs: &[(String, String)], now: Timestamp) -> Option<Progress> {
        let (_, text) = pairs.iter().find(|(name, _)| name == PARAMETER)?;
        let (state, tag) = text.split_once('~')?;
        let expected = self.tag(&request_query(pairs), state);
        if !jose::constant_time_eq(tag, expected) {
            return None;
        }
        let mut parts = state.split('-');
        let made_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
        let (asked, chosen) = (parts.next()?, parts.next()?);
        if now > made_at.plus(LIFETIME) {
            return None;
        }
        let login_asked_at = asked.parse().ok().map(Timestamp::from_millis);
        Some(Progress { login_asked_at, account_chosen: chosen == "1" })
    }

    /// The query that leads back to the request with its progress.
    pub fn query(&self, pairs: &[(String, String)], progress: Progress, now: Timestamp) -> String {
        let request = request_query(pairs);
        let asked = progress.login_asked_at.map(|at| at.as_millis().to_string()).unwrap_or_default();
        let state = format!("{}-{asked}-{}", now.as_millis(), u8::from(progress.account_chosen));
        let tag = self.tag(&request, &state);
        format!("{request}&{PARAMETER}={state}~{tag}")
    }

    fn tag(&self, request: &str, state: &str) -> String {
        base64url::encode(jose::hmac_sha256(self.0.as_slice(), format!("{state}\n{request}")))
    }
}

/// The request's own parameters, encoded one way.
pub fn request_query(pairs: &[(String, String)]) -> String {
    let own = pairs.iter().filter(|(name, _)| name != PARAMETER);
    Serializer::new(String::new()).extend_pairs(own).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    const NOW: Timestamp = Timestamp::from_millis(5000);

    #[test]
    fn progress_counts_for_its_own_request_and_for_a_while() {
        let key = ProgressKey::new(Zeroizing::new([1; 32]));
        let progress = Progress { login_asked_at: Some(Timestamp::from_millis(1234)), account_chosen: true };
        let query = key.query(&pairs("client_id=a&state=b%20c"), progress, NOW);
        assert_eq!(key.read(&pairs(&query), NOW), progress);
        assert_eq!(key.read(&pairs(&query), NOW.plus(LIFETIME)), progress);
        assert_eq!(key.read(&pairs(&query), NOW.plus(Seconds(LIFETIME.0 + 1))), Progress::default());
        assert_eq!(key.read(&pairs("client_id=a"), NOW), Progress::default());
        let hostile = [
            query.replace("client_id=a", "client_id=x"),
            query.replace("5000-1234-1", "9999-1234-1"),
            query.replace("5000-1234-1", "5000-9999-1"),
            query.replace("5000-1234-1", "5000-1234-0"),
            query.replace('~', "."),
            format!("{query}x"),
        ];
        for forged in hostile {
            assert_eq!(key.read(&pairs(&forged), NOW), Progress::default(), "{forged}");
        }
        let other = ProgressKey::new(Zeroizing::new([2; 32]));
        assert_eq!(other.read(&pairs(&query), NOW), Progress::default());
    }
}
