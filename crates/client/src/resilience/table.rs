//! Which requests may be sent again after which failure. Everything else follows from this table.

use std::time::Duration;

use ayb_primitives::retry::Next;

/// What is being asked for; the grant decides, not the endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Metadata, keys, UserInfo: a `GET` that changes nothing.
    Read,
    /// Client credentials: at worst there is a token too many.
    ClientCredentials,
    /// Introspection and revocation, which can be repeated (RFC 7009 §2).
    Idempotent,
    /// A code. The second use must fail and should revoke what was issued (RFC 6749 §4.1.2).
    Code,
    /// A refresh token that stays the same.
    Refresh,
    /// A refresh token that every use replaces. One quick repetition under the same lock: if the first attempt was processed,
    /// its answer is lost either way, and a server with a grace window gives it again.
    RotatingRefresh,
    /// A poll of the device flow. Polling has a loop of its own, with longer pauses than a retry would make
    /// (RFC 8628 §3.5).
    DevicePoll,
    /// Device authorization: the code was not shown yet.
    DeviceStart,
    /// Token exchange: the subject token may be good for one use only.
    TokenExchange,
    /// Registration of a client, and all that is done with one: twice would make two clients, or lose the token that the first
    /// answer replaced.
    Register,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// Nothing was sent: no name, no connection, no TLS.
    PreSend,
    /// The request may have arrived, and there is no answer that can be read to the end.
    Ambiguous,
    /// 429 or 503 with the time to wait.
    Throttled(Duration),
    /// Refused before anything was done, for a proof with the nonce that the refusal brought (RFC 9449 §8).
    NonceDemanded,
    /// Another 5xx, or one without a time to wait.
    Server,
    /// A refusal, or an answer without a meaning: the same again brings the same.
    Final,
}

/// What the attempts of one operation came to so far, the last one included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Past {
    /// How many may have been acted upon.
    pub(crate) ambiguous: u32,
    /// How many the server asked to send later.
    pub(crate) throttled: u32,
    /// How many were refused for a proof with a nonce.
    pub(crate) nonces: u32,
}

impl Past {
    /// The same after one more.
    #[must_use]
    pub(crate) const fn and(self, failure: Failure) -> Self {
        match failure {
            Failure::Ambiguous | Failure::Server => Self { ambiguous: self.ambiguous + 1, ..self },
            Failure::Throttled(_) => Self { throttled: self.throttled + 1, ..self },
            Failure::NonceDemanded => Self { nonces: self.nonces + 1, ..self },
            Failure::PreSend | Failure::Final => self,
        }
    }
}

/// What happens after an attempt that failed like this, given what there was so far.
pub(crate) fn next(kind: Kind, failure: Failure, past: Past) -> Next {
    let once = |count, next| if count == 1 { next } else { Next::Stop };
    match (kind, failure) {
        // Nothing was done, so whatever is asked may be asked again, with the nonce; but a server that goes on asking is not heard.
        (_, Failure::NonceDemanded) => once(past.nonces, Next::After(Duration::ZERO)),
        (_, Failure::Final) | (Kind::DevicePoll, _) => Next::Stop,
        (Kind::RotatingRefresh, Failure::Ambiguous | Failure::Server) => {
            once(past.ambiguous, Next::After(Duration::ZERO))
        }
        // The quick repetition was the last one: a later one would be taken for a theft.
        (Kind::RotatingRefresh, _) if past.ambiguous > 0 => Next::Stop,
        (_, Failure::PreSend) => Next::Backoff,
        (Kind::Code | Kind::Register, Failure::Throttled(time)) => once(past.throttled, Next::After(time)),
        (Kind::Code | Kind::TokenExchange | Kind::Register, Failure::Ambiguous | Failure::Server) => {
            Next::Stop
        }
        (_, Failure::Throttled(time)) => Next::After(time),
        (_, Failure::Ambiguous | Failure::Server) => Next::Backoff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_do_harm_is_sent_again() {
        const WAIT: Duration = Duration::from_secs(7);
        let again = Next::Backoff;
        let quick = Next::After(Duration::ZERO);
        // Kind, ambiguous, 5xx, and the same for the second attempt.
        let table = [
            (Kind::Read, [again, again, again, again]),
            (Kind::ClientCredentials, [again, again, again, again]),
            (Kind::Idempotent, [again, again, again, again]),
            (Kind::Code, [Next::Stop, Next::Stop, Next::Stop, Next::Stop]),
            (Kind::Refresh, [again, again, again, again]),
            (Kind::RotatingRefresh, [quick, quick, Next::Stop, Next::Stop]),
            (Kind::DeviceStart, [again, again, again, again]),
            (Kind::TokenExchange, [Next::Stop, Next::Stop, Next::Stop, Next::Stop]),
            (Kind::Register, [Next::Stop, Next::Stop, Next::Stop, Next::Stop]),
        ];
        for (kind, expected) in table {
            let of = |failure, attempt| {
                let past = (1..attempt).fold(Past::default(), |past, _| past.and(failure));
                next(kind, failure, past.and(failure))
            };
            let found = [
                of(Failure::Ambiguous, 1),
                of(Failure::Server, 1),
                of(Failure::Ambiguous, 2),
                of(Failure::Server, 2),
            ];
            assert_eq!(found, expected, "{kind:?}");
            assert_eq!(of(Failure::PreSend, 1), Next::Backoff, "{kind:?}: nothing was sent");
            assert_eq!(of(Failure::Throttled(WAIT), 1), Next::After(WAIT), "{kind:?}");
            assert_eq!(of(Failure::Final, 1), Next::Stop, "{kind:?}");
            assert_eq!(
                of(Failure::NonceDemanded, 1),
                quick,
                "{kind:?}: it was refused before anything was done"
            );
            assert_eq!(of(Failure::NonceDemanded, 2), Next::Stop, "{kind:?}");
        }
        assert_eq!(
            next(Kind::DevicePoll, Failure::PreSend, Past::default()),
            Next::Stop,
            "its own loop decides"
        );
        assert_eq!(
            next(Kind::Code, Failure::Throttled(WAIT), Past { throttled: 2, ..Past::default() }),
            Next::Stop
        );
    }

    #[test]
    fn a_rotating_refresh_token_is_repeated_once_whatever_came_before_and_never_later() {
        let after = |failures: &[Failure]| {
            let past = failures.iter().fold(Past::default(), |past, failure| past.and(*failure));
            next(Kind::RotatingRefresh, failures[failures.len() - 1], past)
        };
        let (unsent, unknown) = (Failure::PreSend, Failure::Ambiguous);
        let throttled = Failure::Throttled(Duration::from_secs(7));
        let quick = Next::After(Duration::ZERO);
        assert_eq!(after(&[unsent, unknown]), quick, "the first that was sent has its repetition");
        assert_eq!(after(&[throttled, unknown]), quick);
        assert_eq!(after(&[unsent, unknown, unknown]), Next::Stop);
        assert_eq!(after(&[unknown, unsent]), Next::Stop, "no third one");
        assert_eq!(after(&[unknown, throttled]), Next::Stop, "not that much later");
        assert_eq!(after(&[unsent, unsent]), Next::Backoff);
        assert_eq!(after(&[unknown, Failure::NonceDemanded]), quick, "the repetition itself was not taken");
    }
}
