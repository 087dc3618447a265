// The demo page: a client that shows its work.

import assert from "node:assert/strict";
import { test } from "node:test";
import { account } from "./harness/people.mjs";
import { allow, deny, signIn } from "./harness/steps.mjs";
import { walk, world } from "./harness/world.mjs";

/** Waits until a step has ended, and gives what it says. */
async function outcome(page, step) {
  const item = page.locator(`#step-${step}:is([data-state=done], [data-state=failed])`);
  await item.waitFor();
  return [await item.getAttribute("data-state"), await item.locator(".step-state").textContent()];
}

/** The requests that a step shows, as "status method path". */
async function requests(page, step) {
  const heads = await page.locator(`#step-${step} .exchange > summary`).all();
  const read = async (head) => (await head.locator("span").allTextContents()).join(" ");
  return Promise.all(heads.map(read));
}

async function opened(page) {
  await page.goto(`${world.server.origin}/demo`);
  assert.equal((await outcome(page, "discovery"))[0], "done");
}

async function signedIn(page, person) {
  await opened(page);
  await page.locator("#demo-signin").click();
  await signIn(page, person);
  await allow(page);
  assert.deepEqual(await outcome(page, "exchange"), ["done", "Tokens received"]);
}

async function click(page, step) {
  await page.locator(`#demo-${step}`).click();
  return outcome(page, step);
}

test("the demo signs in, uses, refreshes and revokes its tokens, and sees them die", walk(async (visitor, page) => {
  visitor.expects(/status of 401/);
  const person = await account(world.server);
  await signedIn(page, person);
  assert.deepEqual(await requests(page, "exchange"), ["POST /oauth/token 200", "GET /jwks.json 200", "ID token decoded"]);
  assert.equal(await page.locator("#step-exchange .check-bad").count(), 0);
  assert.equal(await page.locator("#step-exchange .checks li").count(), 6);
  assert.equal(new URL(page.url()).search, "", "the code does not stay in the address");
  assert.deepEqual(await click(page, "userinfo"), ["done", `Hello, ${person.name}`]);
  assert.deepEqual(await click(page, "check"), ["done", "Alive: it was not revoked yet"]);
  assert.deepEqual(await click(page, "refresh"), ["done", "A new pair"]);
  assert.deepEqual(await click(page, "revoke"), ["done", "Revoked"]);
  assert.deepEqual(await click(page, "check"), ["done", "Dead, as it should be"]);
  assert.deepEqual(await requests(page, "check"), ["GET /oauth/userinfo 401"]);
  assert.deepEqual(await click(page, "logout"), ["done", "Signed out"]);
  assert.ok(await page.locator("#demo-userinfo").isDisabled());
}));

test("with a keyboard the focus stays where the next step is", walk(async (visitor, page) => {
  visitor.expects(/status of 401/);
  await signedIn(page, await account(world.server));
  await page.locator("#demo-userinfo").focus();
  for (const [step, then] of [["userinfo", "userinfo"], ["refresh", "refresh"], ["revoke", "check"], ["check", "check"]]) {
    while ((await page.evaluate(() => document.activeElement.id)) !== `demo-${step}`) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await outcome(page, step);
    const focus = await page.evaluate(() => [document.activeElement.id, document.activeElement.matches(":focus-visible")]);
    assert.deepEqual(focus, [`demo-${then}`, true], `after ${step}`);
  }
}));

test("the demo shows that access was denied", walk(async (_, page) => {
  const person = await account(world.server);
  await opened(page);
  await page.locator("#demo-signin").click();
  await signIn(page, person);
  await deny(page);
  assert.deepEqual(await outcome(page, "signin"), ["failed", "Access was denied."]);
  assert.ok(await page.locator("#demo-userinfo").isDisabled());
  await page.locator("#demo-signin").click();
  await allow(page);
  assert.equal((await outcome(page, "exchange"))[0], "done");
}));

test("the demo does not believe an answer that it did not ask for", walk(async (_, page) => {
  await page.goto(`${world.server.origin}/demo?code=abc&state=forged&iss=${encodeURIComponent(world.server.origin)}`);
  const [state, note] = await outcome(page, "signin");
  assert.deepEqual([state, note], ["failed", "The answer does not belong to a sign-in that was started here."]);
  assert.deepEqual(await requests(page, "exchange"), []);
}));

test("the demo keeps secrets folded until they are asked for", walk(async (_, page) => {
  await signedIn(page, await account(world.server));
  const secret = page.locator("#step-exchange .secret").first();
  assert.match(await secret.textContent(), /…$/);
  await secret.click();
  assert.doesNotMatch(await secret.textContent(), /…$/);
  await page.locator("#demo-reset").click();
  assert.equal((await outcome(page, "discovery"))[0], "done");
  assert.deepEqual(await requests(page, "exchange"), []);
}));

test("the demo says so when it is opened under another name", walk(async (_, page) => {
  await page.goto(`${world.server.origin.replace("localhost", "127.0.0.1")}/demo`);
  await page.locator("#demo-problem:visible").waitFor();
  assert.match(await page.locator("#demo-problem").textContent(), /Open the demo at http:\/\/localhost/);
}));

test("the demo page explains itself without JavaScript", walk({ javaScriptEnabled: false }, async (_, page) => {
  await page.goto(`${world.server.origin}/demo`);
  assert.ok(await page.locator("noscript .notice").isVisible());
}));
