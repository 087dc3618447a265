// Signing in: the way there and back, who is asked, and when somebody is asked again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { account, somebody } from "./harness/people.mjs";
import { allow, begin, landing, pathOf, signIn, signInAndAllow } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

const error = (page) => page.locator("#problems").textContent();

test("a request without a session leads to sign-in and back to the same request", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const wanted = { scope: "openid readonly", state: "a b+c&d=é", allowed_tables: "trails,photos" };
  await begin(page, client, wanted);
  const returnTo = new URL(page.url()).searchParams.get("return_to");
  assert.equal(new URL(page.url()).pathname, "/login");
  assert.match(returnTo, /^\/oauth\/authorize\?/, "a path, not an address");
  assert.match(await page.locator(".lead").textContent(), /to continue to Trailbook Web, part of Trailbook/);
  await signIn(page, person);
  await page.locator("#consent-allow").waitFor();
  const back = new URL(page.url()).searchParams;
  const request = { client_id: client.id, redirect_uri: world.clientApp.callback, response_type: "code", ...wanted };
  for (const [name, value] of Object.entries(request)) assert.equal(back.get(name), value, name);
  await allow(page);
  const { answer, sentState } = await landing(page);
  assert.deepEqual([answer.state, sentState], [wanted.state, wanted.state]);
}));

test("a wrong password is answered like an unknown address, and the person can go on", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await begin(page, client);
  await signIn(page, { ...person, password: "not the password" });
  const wrong = await error(page);
  assert.equal(await page.locator("[name=email]").inputValue(), person.email, "the address need not be typed again");
  assert.equal(await page.locator("[name=password]").inputValue(), "");
  await signIn(page, somebody());
  assert.equal(await error(page), wrong);
  await signIn(page, person);
  await allow(page);
  assert.ok((await landing(page)).tokens);
}));

test("an account is not made twice, and what was typed stays", walk(async (_, page) => {
  const person = await account(world.server);
  await page.goto(`${world.server.origin}/signup`);
  await page.locator("[name=name]").fill("Somebody else");
  await page.locator("[name=email]").fill(person.email.toUpperCase());
  await page.locator("[name=password]").fill("another fine password");
  await page.locator("#signup-submit").click();
  await page.locator("#problems").waitFor();
  assert.equal(await page.locator("[name=name]").inputValue(), "Somebody else");
}));

test("login_hint fills in the address", walk(async (_, page) => {
  const client = await newClient();
  await begin(page, client, { login_hint: "hint@example.com" });
  assert.equal(await page.locator("[name=email]").inputValue(), "hint@example.com");
}));

test("prompt=login asks for the password again, once", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const first = await signInAndAllow(page, client, person);
  await begin(page, client, { prompt: "login" });
  assert.equal(await page.locator("[name=email]").inputValue(), person.email);
  await signIn(page, person);
  const again = await landing(page);
  assert.equal(again.claims.sub, first.claims.sub);
  assert.ok(again.claims.auth_time >= first.claims.auth_time);
}));

test("going back to the request after prompt=login does not skip the password", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await signInAndAllow(page, client, person);
  await begin(page, client, { prompt: "login" });
  const returnTo = new URL(page.url()).searchParams.get("return_to");
  await page.goto(world.server.origin + returnTo);
  assert.match(pathOf(page), /^\/login\?/);
}));

test("max_age asks again when the sign-in is older, and not before", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await signInAndAllow(page, client, person);
  await begin(page, client, { max_age: "3600" });
  const kept = await landing(page);
  assert.equal(typeof kept.claims.auth_time, "number");
  await begin(page, client, { max_age: "0" });
  await signIn(page, person);
  const renewed = await landing(page);
  assert.ok(renewed.claims.auth_time >= kept.claims.auth_time);
}));

test("prompt=select_account offers the account, and another one", walk(async (_, page) => {
  const client = await newClient();
  const [one, two] = [await account(world.server, somebody("Ada Byron")), await account(world.server)];
  const first = await signInAndAllow(page, client, one);
  await begin(page, client, { prompt: "select_account" });
  await page.getByRole("button", { name: one.email }).click();
  assert.equal((await landing(page)).claims.sub, first.claims.sub);
  await begin(page, client, { prompt: "select_account" });
  await page.locator("#account-other").click();
  await signIn(page, two);
  await allow(page);
  assert.notEqual((await landing(page)).claims.sub, first.claims.sub);
}));

test("prompt=none is answered at the client without a page", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await begin(page, client, { prompt: "none" });
  assert.equal((await landing(page)).answer.error, "login_required");
  await page.goto(`${world.server.origin}/login`);
  await signIn(page, person);
  await page.waitForURL((url) => url.pathname !== "/login");
  await begin(page, client, { prompt: "none" });
  assert.equal((await landing(page)).answer.error, "consent_required");
  await begin(page, client);
  await allow(page);
  await landing(page);
  await begin(page, client, { prompt: "none" });
  assert.ok((await landing(page)).tokens);
}));

test("form_post brings the answer by POST", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const { answer, method, sentState, tokens } = await signInAndAllow(page, client, person, { response_mode: "form_post" });
  assert.deepEqual([method, answer.state], ["POST", sentState]);
  assert.ok(tokens.access_token);
  assert.equal(new URL(page.url()).search, "", "nothing in the address");
}));

test("form_post without JavaScript needs one click", walk({ javaScriptEnabled: false }, async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await begin(page, client, { response_mode: "form_post" });
  await signIn(page, person);
  await allow(page);
  await page.locator("#form-post-continue").click();
  assert.equal((await landing(page)).method, "POST");
}));

test("the session cookie is out of reach for scripts and other sites, and is new at each sign-in", walk(async (visitor, page) => {
  const person = await account(world.server);
  const session = async () => (await visitor.context.cookies()).find(({ name }) => name === "ayb_session");
  const enter = async () => {
    await page.goto(`${world.server.origin}/login?again=1`);
    await signIn(page, person);
    await page.waitForURL((url) => url.pathname !== "/login");
    return session();
  };
  const first = await enter();
  assert.deepEqual([first.httpOnly, first.sameSite, first.path, first.expires], [true, "Lax", "/", -1]);
  assert.doesNotMatch(await page.evaluate(() => document.cookie), /ayb/);
  const second = await enter();
  assert.notEqual(second.value, first.value);
  await visitor.context.addCookies([first]);
  await page.goto(`${world.server.origin}/login`);
  assert.equal(pathOf(page), "/login", "the earlier session ended");
}));

test("programs carry the session in a header, pages in the cookie, and an access token is no session", walk(async (visitor, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const { tokens } = await signInAndAllow(page, client, person);
  const request = new URLSearchParams({
    response_type: "code",
    client_id: client.id,
    redirect_uri: world.clientApp.callback,
    scope: "openid email",
    state: "s",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  });
  const asked = async (headers) => {
    const address = `${world.server.origin}/api/auth/authorize?${request}`;
    const answer = await fetch(address, { headers: { accept: "application/json", ...headers }, redirect: "manual" });
    return [answer.status, (await answer.json()).requires_consent];
  };
  const login = await fetch(`${world.server.origin}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: person.email, password: person.password }),
  });
  const { token } = await login.json();
  const [cookie] = (await visitor.context.cookies()).filter(({ name }) => name === "ayb_session");
  assert.deepEqual(await asked({}), [401, undefined]);
  assert.deepEqual(await asked({ authorization: `Bearer ${token}` }), [200, true]);
  assert.deepEqual(await asked({ cookie: `ayb_session=${cookie.value}` }), [200, true]);
  assert.deepEqual(await asked({ authorization: `Bearer ${tokens.access_token}` }), [401, undefined]);
  assert.deepEqual(await asked({ authorization: `Bearer ${cookie.value}` }), [401, undefined]);
}));
