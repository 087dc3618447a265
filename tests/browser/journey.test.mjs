// The whole way of one person: account, consent, back at the client, again without a question, no, and out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { somebody } from "./harness/people.mjs";
import { allow, begin, deny, landing, signIn, signUp } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

const SCOPE = "openid profile email readonly";

async function wholeJourney(page) {
  const { clientApp } = world;
  const client = await newClient();
  const person = somebody();

  await begin(page, client, { scope: SCOPE });
  await signUp(page, person);
  await allow(page);
  const first = await landing(page);
  assert.equal(first.answer.state, first.sentState);
  assert.equal(first.answer.iss, world.server.origin);
  assert.equal(first.tokens.scope, SCOPE);
  const opened = await clientApp.userInfo(first.tokens.access_token);
  assert.deepEqual([opened.status, opened.claims.sub], [200, first.claims.sub]);
  assert.deepEqual([opened.claims.email, opened.claims.name], [person.email, person.name]);

  await begin(page, client, { scope: SCOPE });
  const again = await landing(page);
  assert.equal(again.claims.sub, first.claims.sub, "back without a question");

  const other = await newClient({ name: "Other", app: { name: "Other" } });
  await begin(page, other);
  await deny(page);
  const denied = await landing(page);
  assert.deepEqual([denied.answer.error, denied.answer.state], ["access_denied", denied.sentState]);
  assert.equal(denied.tokens, null);

  await page.goto(`${world.server.origin}/oauth/logout`);
  await page.locator("#logout-confirm").click();
  await page.locator("#logged-out").waitFor();
  await begin(page, client, { scope: SCOPE });
  await signIn(page, person);
  const signedInAgain = await landing(page);
  assert.equal(signedInAgain.claims.sub, first.claims.sub, "the consent outlives the session");
}

test("a person signs up, consents, returns without being asked, denies and signs out", walk((_, page) => wholeJourney(page)));

test("the whole journey works with JavaScript off", walk({ javaScriptEnabled: false }, (_, page) => wholeJourney(page)));

test("a registered client gets a code, exchanges it, uses the token, refreshes and revokes it", walk(async (_, page) => {
  const { clientApp } = world;
  const client = await newClient();
  const person = somebody();
  await begin(page, client, { scope: "openid email readonly offline_access" });
  await signUp(page, person);
  await allow(page);
  const { tokens } = await landing(page);
  assert.match(tokens.access_token, /^ayb_at_/);
  assert.equal((await clientApp.userInfo(tokens.access_token)).claims.email, person.email);
  const me = () => fetch(`${world.server.origin}/api/auth/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal((await (await me()).json()).email, person.email, "the API of the application");
  const renewed = await clientApp.ask("token_endpoint", client, {
    grant_type: "refresh_token",
    refresh_token: tokens.refresh_token,
  });
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
  assert.equal((await clientApp.userInfo(renewed.access_token)).status, 200);
  await clientApp.ask("revocation_endpoint", client, { token: renewed.refresh_token });
  for (const { access_token: token } of [tokens, renewed]) assert.equal((await clientApp.userInfo(token)).status, 401);
  assert.equal((await me()).status, 401);
}));
