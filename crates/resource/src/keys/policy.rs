//! How long keys are kept and how often they are asked for.

use std::time::Duration;

use ayb_protocol::time::Seconds;

use crate::error::BuildError;

/// The times of the key cache. What the issuer says in `Cache-Control` counts within `least` and `most`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CachePolicy {
    /// How long keys are kept when the issuer does not say. One hour.
    pub usual: Seconds,
    /// The shortest time for which keys are kept, whatever the issuer says. One minute.
    pub least: Seconds,
    /// The longest time, whatever the issuer says: as long a withdrawn key may go on verifying. One day.
    pub most: Seconds,
    /// After the keys were fetched, a token with an unknown `kid` causes no further fetch for this long: strangers invent
    /// names of keys as fast as they like. Half a minute.
    pub cool_down: Seconds,
    /// After a fetch failed, the next one waits this long. Five seconds.
    pub retry_pause: Seconds,
    /// How long keys go on verifying after their time, while they cannot be fetched again (RFC 5861 §4). One day.
    pub stale_if_error: Seconds,
    /// How long one fetch may take, metadata and keys together. Five seconds.
    pub timeout: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            usual: Seconds(3600),
            least: Seconds(60),
            most: Seconds(86_400),
            cool_down: Seconds(30),
            retry_pause: Seconds(5),
            stale_if_error: Seconds(86_400),
            timeout: Duration::from_secs(5),
        }
    }
}

impl CachePolicy {
    /// Keys live at least as long as the cool-down: otherwise a fetch that is due could be one that is not allowed.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let ordered = self.cool_down <= self.least && self.least <= self.most;
        let bounded = !self.timeout.is_zero() && self.retry_pause.0 > 0;
        if ordered && bounded { Ok(()) } else { Err(BuildError::Policy) }
    }

    /// How long a document is kept for which the issuer said `said`.
    pub(crate) fn lifetime(&self, said: Option<Seconds>) -> Seconds {
        said.unwrap_or(self.usual).clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_heard_within_bounds() {
        let policy = CachePolicy::default();
        let table = [(None, 3600), (Some(600), 600), (Some(0), 60), (Some(u64::MAX), 86_400)];
        for (said, kept) in table {
            assert_eq!(policy.lifetime(said.map(Seconds)), Seconds(kept), "{said:?}");
        }
    }

    #[test]
    fn times_that_contradict_each_other_are_refused() {
        let usual = CachePolicy::default();
        assert_eq!(usual.check(), Ok(()));
        let bad = [
            CachePolicy { cool_down: Seconds(61), ..usual },
            CachePolicy { least: Seconds(86_401), ..usual },
            CachePolicy { retry_pause: Seconds(0), ..usual },
            CachePolicy { timeout: Duration::ZERO, ..usual },
        ];
        for policy in bad {
            assert_eq!(policy.check(), Err(BuildError::Policy), "{policy:?}");
        }
    }
}
