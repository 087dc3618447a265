// Looking after one's own account: a forgotten password, connected apps, sessions, and the end of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Visitor } from "./harness/browser.mjs";
import { account, somebody } from "./harness/people.mjs";
import { begin, landing, pathOf, signIn, signInAndAllow, signUp } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

const NEW_PASSWORD = "a compiler of one's own";

/** The link that a mail to `person` brought; in tests the server prints its mails. */
async function mailed(person, path) {
  const before = `(http://localhost:\\d+/${path}\\?token=\\w+)(?:(?!to=")[^])*to="${person.email}"`;
  return (await world.server.printed(new RegExp(before)))[1];
}

async function enter(page, person) {
  await page.goto(`${world.server.origin}/login`);
  await signIn(page, person);
  await page.waitForURL((url) => url.pathname === "/account");
}

test("a forgotten password is replaced by a link that works once", walk(async (_, page) => {
  const person = await account(world.server);
  await page.goto(`${world.server.origin}/login`);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.locator("[name=email]").fill(person.email);
  await page.locator("#forgot-submit").click();
  await page.getByRole("heading", { name: "Check your inbox" }).waitFor();
  const link = await mailed(person, "reset");
  await page.goto(link);
  await page.locator("[name=password]").fill(NEW_PASSWORD);
  await page.locator("#reset-submit").click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await signIn(page, { ...person, password: NEW_PASSWORD });
  await page.waitForURL((url) => url.pathname === "/account");
  await page.goto(link);
  await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
}));

test("the answer to a forgotten password does not tell whether there is an account", walk(async (_, page) => {
  const answers = [];
  for (const person of [await account(world.server), somebody()]) {
    await page.goto(`${world.server.origin}/forgot`);
    await page.locator("[name=email]").fill(person.email);
    await page.locator("#forgot-submit").click();
    await page.getByRole("heading", { name: "Check your inbox" }).waitFor();
    answers.push(await page.locator("main").textContent());
  }
  assert.equal(answers[0], answers[1]);
}));

test("an address is verified by the mailed link", walk(async (_, page) => {
  const person = somebody();
  await page.goto(`${world.server.origin}/login`);
  await signUp(page, person);
  await page.goto(await mailed(person, "verify-email"));
  await page.locator("#verify-submit").click();
  await page.getByRole("link", { name: "Go to your account" }).click();
  await page.getByText("Verified", { exact: true }).waitFor();
}));

test("an app loses its access as soon as the person takes it back", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const { tokens } = await signInAndAllow(page, client, person);
  await page.goto(`${world.server.origin}/account`);
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No app has access to your account.").waitFor();
  assert.equal((await world.clientApp.userInfo(tokens.access_token)).status, 401);
  await begin(page, client);
  await page.locator("#consent-allow").waitFor();
}));

test("a person signs out another browser", walk(async (_, page) => {
  const person = await account(world.server);
  const other = await Visitor.open(world.browser);
  await enter(other.page, person);
  await enter(page, person);
  await page.locator("#others-submit").click();
  await page.locator("[role=status]").waitFor();
  assert.equal(await page.locator("#others-submit").count(), 0);
  await other.page.reload();
  assert.match(pathOf(other.page), /^\/login/);
  await other.close();
}));

test("a new password ends every other session and keeps this one", walk(async (_, page) => {
  const person = await account(world.server);
  await enter(page, person);
  await page.locator("[name=current_password]").fill("not the password");
  await page.locator("[name=new_password]").fill(NEW_PASSWORD);
  await page.locator("#password-submit").click();
  await page.locator("#problems").waitFor();
  await page.locator("[name=current_password]").fill(person.password);
  await page.locator("[name=new_password]").fill(NEW_PASSWORD);
  await page.locator("#password-submit").click();
  await page.locator("[role=status]").waitFor();
  assert.equal(new URL(page.url()).pathname, "/account");
}));

test("a new name is what the client reads from then on", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const { tokens } = await signInAndAllow(page, client, person, { scope: "openid profile" });
  await page.goto(`${world.server.origin}/account`);
  await page.locator("[name=name]").fill("Rear Admiral Hopper");
  await page.locator("#profile-submit").click();
  await page.locator("[role=status]").waitFor();
  assert.equal((await world.clientApp.userInfo(tokens.access_token)).claims.name, "Rear Admiral Hopper");
}));

test("a deleted account is gone, and so is what its apps held", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const { tokens } = await signInAndAllow(page, client, person);
  await page.goto(`${world.server.origin}/account`);
  await page.locator("form[action$='/account/delete'] input[type=password]").fill(person.password);
  await page.locator("#delete-submit").click();
  await page.waitForURL(`${world.server.origin}/`);
  assert.equal((await world.clientApp.userInfo(tokens.access_token)).status, 401);
  await page.goto(`${world.server.origin}/login`);
  await signIn(page, person);
  await page.locator("#problems").waitFor();
}));
