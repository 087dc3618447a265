// Signing out: by the person, and at the wish of a client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { account } from "./harness/people.mjs";
import { begin, pathOf, signInAndAllow } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

/** Somebody who is signed in and has come to `client`. */
async function signedIn(page) {
  const [client, person] = [await newClient(), await account(world.server)];
  const { tokens } = await signInAndAllow(page, client, person);
  return { client, person, tokens };
}

const logout = (parameters) => `${world.server.origin}/oauth/logout?${new URLSearchParams(parameters)}`;

/** Whether the browser still has a session: without one, a request shows the sign-in page. */
async function assertSignedOut(page, client) {
  await begin(page, client);
  assert.match(pathOf(page), /^\/login\?/);
}

test("with id_token_hint nobody is asked, and the client gets its state back", walk(async (_, page) => {
  const { client, tokens } = await signedIn(page);
  const to = { id_token_hint: tokens.id_token, post_logout_redirect_uri: world.clientApp.signedOut, state: "bye & good" };
  await page.goto(logout(to));
  assert.equal(new URL(page.url()).pathname, "/signed-out");
  assert.deepEqual(JSON.parse(await page.locator("#answer").textContent()), { state: "bye & good" });
  assert.equal((await world.clientApp.userInfo(tokens.access_token)).status, 401, "what was given in the session is dead");
  await assertSignedOut(page, client);
}));

test("without id_token_hint the person is asked first", walk(async (_, page) => {
  const { client, person } = await signedIn(page);
  await page.goto(logout({}));
  assert.equal(await page.locator(".person-email").textContent(), person.email);
  await page.goBack();
  await begin(page, client);
  assert.match(page.url(), /callback/, "asking alone does not sign out");
  await page.goto(logout({}));
  await page.locator("#logout-confirm").click();
  await page.locator("#logged-out").waitFor();
  await assertSignedOut(page, client);
}));

test("a client that names itself gets the person back after the question", walk(async (_, page) => {
  const { client } = await signedIn(page);
  await page.goto(logout({ client_id: client.id, post_logout_redirect_uri: world.clientApp.signedOut, state: "s" }));
  assert.match(await page.locator(".lead").textContent(), /^Trailbook Web asks to sign you out/);
  await page.locator("#logout-confirm").click();
  await page.waitForURL(`${world.clientApp.signedOut}?state=s`);
  await assertSignedOut(page, client);
}));

test("a client may post its request", walk(async (_, page) => {
  const { client, tokens } = await signedIn(page);
  const fields = { id_token_hint: tokens.id_token, post_logout_redirect_uri: world.clientApp.signedOut, state: "posted" };
  await page.goto(world.clientApp.posting(`${world.server.origin}/oauth/logout`, fields));
  await page.waitForURL(`${world.clientApp.signedOut}?state=posted`);
  await assertSignedOut(page, client);
}));

test("the ID token of somebody else does not sign out without a question", walk(async (visitor, page) => {
  const { tokens } = await signedIn(page);
  await visitor.context.clearCookies();
  await signedIn(page);
  await page.goto(logout({ id_token_hint: tokens.id_token }));
  await page.locator("#logout-confirm").waitFor();
}));

test("an address that is not registered is not followed", walk(async (_, page) => {
  const { client, tokens } = await signedIn(page);
  for (const uri of [`${world.clientApp.origin}/elsewhere`, "https://evil.example/", "javascript:alert(1)"]) {
    await page.goto(logout({ id_token_hint: tokens.id_token, post_logout_redirect_uri: uri }));
    assert.equal(await page.locator("#error-code").textContent(), "invalid_request");
  }
  await begin(page, client);
  assert.match(page.url(), /callback/, "nobody was signed out");
}));

test("the back button after signing out shows nothing private", walk(async (_, page) => {
  const { client, person } = await signedIn(page);
  await begin(page, client, { prompt: "consent" });
  assert.equal(await page.locator(".person-email").textContent(), person.email);
  await page.goto(logout({}));
  await page.locator("#logout-confirm").click();
  await page.locator("#logged-out").waitFor();
  for (const _ of [1, 2]) {
    await page.goBack();
    assert.doesNotMatch(await page.content(), new RegExp(person.email));
  }
}));

test("signing out twice, or without ever signing in, says that one is signed out", walk(async (_, page) => {
  await page.goto(logout({}));
  await page.locator("#logged-out").waitFor();
}));
