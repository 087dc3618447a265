// The consent page: what it says, and what a decision does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { account } from "./harness/people.mjs";
import { allow, begin, deny, landing, pathOf, signIn, signInAndAllow } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

/** Opens the consent page of `client` as somebody new. */
async function asked(page, client, wanted) {
  const person = await account(world.server);
  await begin(page, client, wanted);
  await signIn(page, person);
  await page.locator("#consent-allow").waitFor();
  return person;
}

/** Each permission as the page words it, with `New` where it says so. */
async function permissions(page) {
  const items = await page.locator(".permission").all();
  const read = async (item) => {
    const words = await item.locator(".permission-words").textContent();
    const isNew = await item.locator(":scope > div > .badge").count();
    return [await item.getAttribute("data-scope"), isNew ? `${words} (new)` : words];
  };
  return Object.fromEntries(await Promise.all(items.map(read)));
}

const tables = async (page) => (await page.locator(".tables li").allTextContents()).map((text) => text.trim());

test("the page names the app, what it says about itself, the client and the person", walk(async (_, page) => {
  const client = await newClient();
  const person = await asked(page, client);
  assert.equal(await page.locator("h1").textContent(), "Allow Trailbook access?");
  assert.match(await page.locator("#who-asks").textContent(), /^Trailbook Web, part of Trailbook, asks to use your/);
  assert.match(await page.locator(".about").textContent(), new RegExp(client.app.description ?? "Plan hikes with friends"));
  assert.equal(await page.locator(".person-email").textContent(), person.email);
  assert.equal(await page.locator(".person-name").textContent(), person.name);
}));

test("each permission is said in words", walk(async (_, page) => {
  await asked(page, await newClient(), { scope: "openid profile email readonly offline_access" });
  assert.deepEqual(await permissions(page), {
    openid: "Know who you are",
    profile: "See your name and picture",
    email: "See your email address",
    readonly: "Read your data",
    offline_access: "Keep access while you are away",
  });
  const others = { readwrite: "Read and modify your data", "*": "Full access to your account" };
  for (const [scope, words] of Object.entries(others)) {
    await begin(page, await newClient(), { scope });
    assert.deepEqual(await permissions(page), { [scope]: words });
  }
}));

test("the tables that are asked for are listed", walk(async (_, page) => {
  await asked(page, await newClient(), { scope: "readwrite", allowed_tables: "trails,photos" });
  assert.match(await page.locator(".tables-lead").textContent(), /Only in these 2 tables/);
  assert.deepEqual((await tables(page)).sort(), ["photos", "trails"]);
}));

test("the page says when the answer goes to a program on this computer", walk(async (_, page) => {
  await asked(page, await newClient());
  assert.match(await page.locator("#loopback-warning").textContent(), new RegExp(new URL(world.clientApp.origin).host));
}));

test("denying tells the client, with its state, and nothing is remembered", walk(async (_, page) => {
  const client = await newClient();
  await asked(page, client);
  await deny(page);
  const { answer, sentState, tokens } = await landing(page);
  assert.deepEqual([answer.error, answer.state, answer.iss], ["access_denied", sentState, world.server.origin]);
  assert.equal(tokens, null);
  await begin(page, client);
  await page.locator("#consent-allow").waitFor();
}));

test("somebody who agreed is asked again only when more is wanted, and sees what is new", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await signInAndAllow(page, client, person, { scope: "openid" });
  await begin(page, client, { scope: "openid email readonly", allowed_tables: "trails" });
  assert.equal(await page.locator("h1").textContent(), "Allow Trailbook more access?");
  assert.deepEqual(await permissions(page), {
    openid: "Know who you are",
    email: "See your email address (new)",
    readonly: "Read your data (new)",
  });
  await allow(page);
  assert.equal((await landing(page)).tokens.scope, "openid email readonly");
  await begin(page, client, { scope: "openid email" });
  assert.equal((await landing(page)).tokens.scope, "openid email", "less than allowed is not asked for");
  await begin(page, client, { scope: "openid email readonly", allowed_tables: "trails,photos" });
  assert.deepEqual((await tables(page)).sort(), ["photos New", "trails"]);
  await allow(page);
  await landing(page);
}));

test("prompt=consent asks again", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await signInAndAllow(page, client, person);
  await begin(page, client, { prompt: "consent" });
  await allow(page);
  assert.ok((await landing(page)).tokens);
}));

test("the page is also at its own address", walk(async (_, page) => {
  const client = await newClient();
  await asked(page, client);
  await page.goto(page.url().replace("/oauth/authorize?", "/oauth/consent?"));
  await allow(page);
  assert.ok((await landing(page)).tokens);
}));

test("a decision after the session has ended leads to sign-in and back to the question", walk(async (visitor, page) => {
  const client = await newClient();
  const person = await asked(page, client);
  await visitor.context.clearCookies();
  await allow(page);
  await page.waitForURL((url) => url.pathname === "/login");
  await signIn(page, person);
  await allow(page);
  assert.ok((await landing(page)).tokens);
}));

test("Not you? leads to another account and back to the question", walk(async (_, page) => {
  const client = await newClient();
  const [one, two] = [await asked(page, client), await account(world.server)];
  await page.getByRole("link", { name: "Not you?" }).click();
  await signIn(page, two);
  await page.locator("#consent-allow").waitFor();
  assert.equal(await page.locator(".person-email").textContent(), two.email);
  assert.notEqual(two.email, one.email);
}));

test("names that carry markup are shown as text", walk(async (_, page) => {
  const name = `<img src=x onerror="alert(1)"><b>x`;
  const client = await newClient({ name, app: { name, description: name } });
  await asked(page, client);
  assert.equal(await page.locator("h1").textContent(), `Allow ${name} access?`);
  assert.equal(await page.locator("main img, main b").count(), 0);
  await deny(page);
  assert.match(pathOf(page), /\/callback\?error=access_denied/);
}));
