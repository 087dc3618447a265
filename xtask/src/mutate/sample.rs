//! The mutations, by the crate that they break.

use super::Mutation;

pub(super) const SAMPLE: &[Mutation] = &[
    Mutation {
        file: "crates/provider/src/grant/refresh.rs",
        from: "    if found.token.revoked_at.is_some() && lost.is_none() {\n",
        to: "    if found.token.revoked_at.is_some() && lost.is_none() && ask.scope.is_ok() {\n",
        package: "ayb-provider",
        test: "a_replayed_token_revokes_its_grant",
    },
    Mutation {
        file: "crates/provider/src/grant/code.rs",
        from: "    if !code.challenge.matches(&ask.verifier) {\n",
        to: "    if false && !code.challenge.matches(&ask.verifier) {\n",
        package: "ayb-provider",
        test: "wrong_verifier_leaves_the_code_usable",
    },
    Mutation {
        file: "crates/provider/src/grant/code.rs",
        from: "    if now >= code.expires_at {\n",
        to: "    if now > code.expires_at {\n",
        package: "ayb-provider",
        test: "an_expired_code_is_refused_from_its_last_moment_on",
    },
    Mutation {
        file: "crates/provider/src/bearer.rs",
        from: "(now >= found.token.expires_at, \"expired token\")",
        to: "(now > found.token.expires_at, \"expired token\")",
        package: "ayb-provider",
        test: "a_token_is_dead_from_its_last_moment_on",
    },
    // P-15: a store that fails is no fault of the caller.
    Mutation {
        file: "crates/server/src/error.rs",
        from: "            StoreError::Unavailable { .. } => Self::unavailable(error),\n",
        to: "            StoreError::Unavailable { .. } => Self::not_found(\"there is no such client\"),\n",
        package: "ayb-server",
        test: "doors_about_clients_answer_5xx_when_the_store_fails",
    },
    // P-19: a revocation that did not happen is not claimed.
    Mutation {
        file: "crates/server/src/oauth/revoke.rs",
        from: "        app.store.revoke_token(row, now, move |found| revoke(found, hash, &client)).await?;\n",
        to: "        let _ = app.store.revoke_token(row, now, move |found| revoke(found, hash, &client)).await;\n",
        package: "ayb-server",
        test: "a_token_that_could_not_be_revoked_is_not_called_revoked",
    },
    // P-21: a session token is dead with its last second.
    Mutation {
        file: "crates/server/src/session_token.rs",
        from: "        exp: now.plus(lifetime).as_seconds(),\n",
        to: "        exp: now.plus(lifetime).as_seconds() + 1,\n",
        package: "ayb-server",
        test: "session_token_and_session_end_in_time",
    },
    // P-45: who has no business with OpenID Connect gets no ID token.
    Mutation {
        file: "crates/server/src/oauth/id_token.rs",
        from: "    if !scope.scope().has(IdentityScope::Openid) {\n",
        to: "    if scope.scope().is_empty() {\n",
        package: "ayb-server",
        test: "an_id_token_comes_with_openid_only",
    },
    // F-37: a well-known password is for this machine only.
    Mutation {
        file: "crates/server/src/config/server.rs",
        from: "self.listens_on_loopback() && Url::parse",
        to: "Url::parse",
        package: "ayb-server",
        test: "a_server_that_others_can_reach_has_no_demo",
    },
    // clean-up is started with the server.
    Mutation {
        file: "crates/server/src/start.rs",
        from: "        tokio::spawn(purge(app.clone())),\n",
        to: "        tokio::spawn(async { drop(purge) }),\n",
        package: "ayb-server",
        test: "a_running_server_deletes_what_has_been_dead_for_a_day",
    },
    // A slow body is the caller's fault.
    Mutation {
        file: "crates/server/src/http/edge.rs",
        from: "        body_time: request_time * 9 / 10,\n",
        to: "        body_time: request_time * 2,\n",
        package: "ayb-server",
        test: "a_body_that_does_not_end_is_the_callers_fault_at_every_door",
    },
    // database.min_conns
    Mutation {
        file: "crates/server/src/start.rs",
        from: "        min_connections: least,\n",
        to: "",
        package: "ayb-server",
        test: "a_server_opens_its_least_connections_at_the_start_and_never_more_than_its_most",
    },
    // F-15
    Mutation {
        file: "crates/server/src/oauth/bearer.rs",
        from: "                APP_RATE_LIMIT.write(response",
        to: "                crate::http::headers::RATE_LIMIT.write(response",
        package: "ayb-server",
        test: "an_app_limit_reaches_every_token_of_its_clients",
    },
];
