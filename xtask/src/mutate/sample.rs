//! The mutations, by the crate that they break.

use super::Mutation;

pub(super) const SAMPLE: &[Mutation] = &[
    // What a token leads to when it leaves is still found by its grant.
    Mutation {
        file: "crates/store/src/chain.rs",
        from: "            \" union all select access_id from _ayb_oauth_tokens where \",\n",
        to: "            \" union all select successor_id from _ayb_oauth_tokens where \",\n",
        package: "ayb-store",
        test: "no_access_token_is_lost_when_the_rotated_token_beside_it_leaves",
    },
    Mutation {
        file: "crates/store/src/chain.rs",
        from: "            \" where chain.depth < \",\n",
        to: "            \" where chain.depth < -\",\n",
        package: "ayb-store",
        test: "every_way_of_revoking_marks_the_tokens_of_all_its_grants_and_of_no_other",
    },
    // A replaced secret is dead with its last second.
    Mutation {
        file: "crates/provider/src/client_auth.rs",
        from: "now < previous.expires_at",
        to: "now <= previous.expires_at",
        package: "ayb-provider",
        test: "the_secret_before_works_until_its_time_is_over",
    },
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
        from: "        let revoked = revoked.map_err(|error| OAuthError::not_now(&error))?;\n",
        to: "        let revoked = revoked.unwrap_or(ayb_provider::revoke::Revocation::Nothing);\n",
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
    // P-29: a revoked client is shown the door, before and after consent.
    Mutation {
        file: "crates/provider/src/authorize.rs",
        from: "    if client.revoked_at.is_some() {\n",
        to: "    if false && client.revoked_at.is_some() {\n",
        package: "ayb-server",
        test: "a_revoked_client_gets_a_page_and_no_redirect",
    },
    Mutation {
        file: "crates/provider/src/authorize.rs",
        from: "    if client.revoked_at.is_some() {\n",
        to: "    if false && client.revoked_at.is_some() {\n",
        package: "ayb-server",
        test: "a_client_revoked_meanwhile_gets_no_consent",
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
    // A password that changes while it is verified.
    Mutation {
        file: "crates/store/src/users.rs",
        from: "    where id = $1 and password_hash = $2 and disabled_at is null for no key update\";\n",
        to: "    where id = $1 and $2 <> '' and disabled_at is null for no key update\";\n",
        package: "ayb-store",
        test: "a_session_begins_only_with_the_password_that_was_verified",
    },
    Mutation {
        file: "crates/store/src/users.rs",
        from: "links::use_resets(user, now), ",
        to: "",
        package: "ayb-store",
        test: "a_new_password_uses_up_the_links_for_new_passwords",
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
    // S-16
    Mutation {
        file: "crates/server/src/api/auth/session.rs",
        from: "        Caller::Token(_) | Caller::ApiKey(_) => Err(",
        to: "        Caller::ApiKey(_) => Ok(crate::http::headers::no_store(http::StatusCode::NO_CONTENT)),\n        Caller::Token(_) => Err(",
        package: "ayb-server",
        test: "neither_a_key_nor_a_token_makes_lists_or_revokes_keys",
    },
    // A secret names a row only with the tag that was made for it
    Mutation {
        file: "crates/protocol/src/secret.rs",
        from: "        jose::constant_time_eq(mask.tag::<K>(id, random), tag).then_some(id)\n",
        to: "        let _ = (random, tag);\n        Some(id)\n",
        package: "ayb-server",
        test: "a_forged_refresh_token_ends_no_session_and_is_no_replay",
    },
    // S-37
    Mutation {
        file: "crates/server/src/app.rs",
        from: "        remember: config.auth.browser_session_duration,\n",
        to: "        remember: Seconds(0),\n",
        package: "ayb-server",
        test: "a_hint_of_an_old_key_works_as_long_as_a_session_may_live",
    },
    // P-136
    Mutation {
        file: "crates/provider/src/access.rs",
        from: "        if self.scope >= Some(O::NEEDS) {\n",
        to: "        if self.scope.is_some() {\n",
        package: "ayb-provider",
        test: "the_scope_decides_what_and_the_list_decides_where",
    },
    // F-15
    Mutation {
        file: "crates/server/src/caller/refusal.rs",
        from: "                APP_RATE_LIMIT.write(response",
        to: "                crate::http::headers::RATE_LIMIT.write(response",
        package: "ayb-server",
        test: "an_app_limit_reaches_every_token_of_its_clients",
    },
    // What an API of somebody else's relies on.
    Mutation {
        file: "crates/resource/src/verifier.rs",
        from: "    audiences.iter().fold(rules, jwt::Verifier::with_audience)\n",
        to: "    if audiences.is_empty() { rules.clone() } else { rules }\n",
        package: "ayb-resource",
        test: "a_token_for_another_api_is_refused",
    },
    Mutation {
        file: "crates/resource/src/keys/cache.rs",
        from: "        if state.tried_within(pause, now) {\n",
        to: "        if false && state.tried_within(pause, now) {\n",
        package: "ayb-resource",
        test: "a_crowd_with_unknown_keys_causes_one_fetch_and_then_none_until_the_cool_down_is_over",
    },
    Mutation {
        file: "crates/resource/src/keys/cache.rs",
        from: "            usable: until(|held| held.usable_until),\n",
        to: "            usable: held.map(|held| Arc::clone(&held.keys)),\n",
        package: "ayb-resource",
        test: "keys_go_on_verifying_while_they_cannot_be_fetched_and_not_for_ever",
    },
    // S-18: expanding and filtering keep to the asker's own rows.
    Mutation {
        file: "crates/store/src/tables/scope.rs",
        from: "        let owner = table.owner()?;\n",
        to: "        let owner = table.owner().filter(|_| alias.is_empty())?;\n",
        package: "ayb-store",
        test: "no_way_around_leads_to_the_rows_of_another",
    },
    // S-18: nobody refers to rows of others, and a misspelt owner is told.
    Mutation {
        file: "crates/store/src/tables/reference.rs",
        from: "        if target.owner.is_some() {\n",
        to: "        if target.owner.is_none() {\n",
        package: "ayb-store",
        test: "a_reference_leads_to_no_row_of_another_and_does_not_tell_whether_there_is_one",
    },
    Mutation {
        file: "crates/store/src/tables/schema.rs",
        from: "                self.missing_owners.push(format!(\"{name}.{column}\"));\n",
        to: "",
        package: "ayb-store",
        test: "an_owner_is_found_as_the_database_finds_names_and_one_that_is_not_is_told",
    },
    // P-215: a reference needs leave for the table that it leads to.
    Mutation {
        file: "crates/store/src/tables/scope.rs",
        from: "        self.table(&reference.table)\n",
        to: "        self.schema.table(&reference.table).map(|table| &**table).ok_or(TableError::UnknownTable)\n",
        package: "ayb-store",
        test: "a_credential_reaches_its_own_tables_by_no_other_way",
    },
    // F-18: a cursor belongs to one list.
    Mutation {
        file: "crates/store/src/tables/keyset.rs",
        from: "        if signature != self.signature() || values.len() != self.keys.len() {\n",
        to: "        if signature.is_empty() || values.len() != self.keys.len() {\n",
        package: "ayb-store",
        test: "a_forged_cursor_is_refused_or_shows_what_a_filter_could",
    },
    // F-18: a batch is done as a whole, on SQLite.
    Mutation {
        file: "crates/store/src/db/sqlite/dynamic.rs",
        from: "        session.control(\"rollback to tables\")?;\n",
        to: "",
        package: "ayb-store",
        test: "a_batch_that_fails_at_its_900th_row_changes_nothing",
    },
    // F-18: and on PostgreSQL.
    Mutation {
        file: "crates/store/src/db/postgres/dynamic.rs",
        from: "        let end = if outcome.is_ok() { \"commit\" } else { \"rollback\" };\n",
        to: "        let end = \"commit\";\n",
        package: "ayb-store",
        test: "a_batch_that_fails_at_its_900th_row_changes_nothing",
    },
    // S-18: statements run as the role for which policies hold.
    Mutation {
        file: "crates/store/src/db/postgres/dynamic.rs",
        from: "        let role = behalf.role.as_deref().map(",
        to: "        let role = behalf.role.as_deref().filter(|_| false).map(",
        package: "ayb-store",
        test: "policies_of_postgresql_hold_for_the_person_who_asks",
    },
    // S-17: nobody's write undoes the writes of others.
    Mutation {
        file: "crates/store/src/tables/change.rs",
        from: "\"insert or abort into\"",
        to: "\"insert into\"",
        package: "ayb-store",
        test: "what_could_take_the_writes_of_others_along_is_read_only_on_sqlite",
    },
    // S-17: tables of ayb are nowhere.
    Mutation {
        file: "crates/store/src/tables/schema.rs",
        from: "    [\"_ayb_\", \"sqlite_\", \"pg_\"].iter()",
        to: "    [\"sqlite_\", \"pg_\"].iter()",
        package: "ayb-store",
        test: "tables_of_ayb_and_of_the_database_are_nowhere",
    },
    // S-17: nothing that is too long is cut off.
    Mutation {
        file: "crates/store/src/tables/introspect_postgres.rs",
        from: "format_type(b.oid, -1)",
        to: "format_type(a.atttypid, a.atttypmod)",
        package: "ayb-store",
        test: "every_type_of_postgresql_is_read_and_written",
    },
    // S-13: over several servers too.
    Mutation {
        file: "crates/provider/src/limit.rs",
        from: "                (self.used, self.until) = (self.used.max(from), until);\n",
        to: "                self.until = until.max(from);\n",
        package: "ayb-provider",
        test: "nodes_together_let_through_a_burst_of_exactly_the_limit",
    },
    Mutation {
        file: "crates/store/src/throttle.rs",
        from: "            \"(t.blocked_until <= excluded.window_start or t.blocked_until = \",\n",
        to: "            \"(t.blocked_until >= excluded.window_start or t.blocked_until = \",\n",
        package: "ayb-store",
        test: "servers_that_ask_at_the_same_moment_never_get_the_same_part_of_the_line",
    },
    Mutation {
        file: "crates/server/src/throttle.rs",
        from: "        if self.0.line.is_none() {\n",
        to: "        if self.0.line.is_none() || key.len() == 4 {\n",
        package: "ayb-server",
        test: "a_burst_over_two_and_three_servers_is_exactly_the_limit_of_app_client_and_address",
    },
    // What a program that signs people in relies on.
    Mutation {
        file: "crates/client/src/resilience/table.rs",
        from: "            Next::Stop\n        }\n        (_, Failure::Throttled(time)) => Next::After(time),\n",
        to: "            Next::Backoff\n        }\n        (_, Failure::Throttled(time)) => Next::After(time),\n",
        package: "ayb-client",
        test: "a_code_is_never_sent_twice",
    },
    Mutation {
        file: "crates/client/src/tokens/storage/file.rs",
        from: "        Ok(StorageGuard::holding(held))\n",
        to: "        drop(held);\n        Ok(StorageGuard::none())\n",
        package: "ayb-client",
        test: "two_processes_with_one_store_do_not_use_a_token_twice",
    },
    Mutation {
        file: "crates/client/src/tokens/refresh.rs",
        from: "                if let Some(theirs) = self.read().await? {\n",
        to: "                if let Some(theirs) = self.read().await?.filter(|_| false) {\n",
        package: "ayb-client",
        test: "after_a_dead_grant_what_somebody_else_stored_meanwhile_is_taken_and_not_wiped",
    },
    Mutation {
        file: "crates/client/src/flows/refresh.rs",
        from: "        self.holds_key(set.dpop_jkt.as_deref())?;\n",
        to: "",
        package: "ayb-client",
        test: "stored_tokens_are_never_used_with_another_key",
    },
    Mutation {
        file: "crates/client/src/resilience/call.rs",
        from: "            && may_answer\n",
        to: "",
        package: "ayb-client",
        test: "a_code_is_sent_again_with_the_nonce_and_in_no_other_case",
    },
    Mutation {
        file: "crates/client/src/flows/introspect.rs",
        from: "ExpectedType::Is(\"token-introspection+jwt\".into())",
        to: "ExpectedType::Any",
        package: "ayb-client",
        test: "every_rule_of_a_signed_answer_is_checked",
    },
    Mutation {
        file: "crates/client/src/http/attach.rs",
        from: "        address.origin() == self.origin\n",
        to: "        address.host() == address.host()\n",
        package: "ayb-client",
        test: "the_layer_attaches_tokens_to_its_origin_and_leaves_the_rest_alone",
    },
    Mutation {
        file: "crates/client/src/login.rs",
        from: "        Err(error) if both && !is_refusal(&error) => {\n",
        to: "        Err(error) if false && both && !is_refusal(&error) => {\n",
        package: "ayb-client",
        test: "a_way_that_breaks_leaves_it_to_the_others_and_a_refusal_ends_all",
    },
    Mutation {
        file: "crates/server/src/cli/auth/token.rs",
        from: " && host.is_some() && host == flags.host)\n",
        to: " && host.is_some())\n",
        package: "ayb-server",
        test: "git_gets_the_token_for_its_host_only_and_kubectl_in_its_form",
    },
    // F-18: a key that cannot be is the key of no row.
    Mutation {
        file: "crates/store/src/tables/explain.rs",
        from: "        if field.is_none() && ",
        to: "        if false && ",
        package: "ayb-store",
        test: "a_key_that_no_row_can_have_is_one_that_no_row_has",
    },
    // what a credential opens is opened by no other kind.
    Mutation {
        file: "crates/provider/src/caller.rs",
        from: "&token.tables).only_if(live.is_for_us())",
        to: "&token.tables)",
        package: "ayb-server",
        test: "each_credential_opens_what_its_scope_and_its_tables_say_and_nothing_else",
    },
    // HEAD has no effect.
    Mutation {
        file: "crates/server/src/pages/logout.rs",
        from: "    if visit.method == Method::HEAD {\n",
        to: "    if false && visit.method == Method::HEAD {\n",
        package: "ayb-server",
        test: "asking_for_the_head_signs_nobody_out",
    },
    Mutation {
        file: "crates/server/src/oauth/authorize.rs",
        from: "        Step::Approved(_) if visit.method == Method::HEAD =>",
        to: "        Step::Approved(_) if false && visit.method == Method::HEAD =>",
        package: "ayb-server",
        test: "asking_for_the_head_gives_no_code",
    },
];
