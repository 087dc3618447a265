// Other sites try to act for the person, or to lead them astray.

import assert from "node:assert/strict";
import { test } from "node:test";
import { escape } from "./harness/client-app.mjs";
import { account, somebody } from "./harness/people.mjs";
import { begin, landing, pathOf, signIn, signInAndAllow } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

/** A page of another site that posts a form to ours as soon as it is opened. */
const forgery = (path, fields) => world.clientApp.posting(world.server.origin + path, fields);

/** The hidden fields of the form on our page. */
const fieldsOf = async (page) =>
  Object.fromEntries(await page.locator("input[type=hidden]").evaluateAll((all) => all.map(({ name, value }) => [name, value])));

async function sessionOf(visitor) {
  return (await visitor.context.cookies()).find(({ name }) => name === "ayb_session")?.value;
}

test("return_to leads to a path of this server and nowhere else", walk(async (visitor, page) => {
  const person = await account(world.server);
  const hostile = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/.//evil.example",
  ];
  for (const to of hostile) {
    await visitor.context.clearCookies();
    await page.goto(`${world.server.origin}/login?${new URLSearchParams({ return_to: to })}`);
    assert.equal(await page.locator("[name=return_to]").count(), 0, to);
    await page.locator("form").evaluate((form, value) => {
      form.append(Object.assign(document.createElement("input"), { name: "return_to", value, type: "hidden" }));
    }, to);
    await signIn(page, person);
    await page.waitForURL((url) => url.pathname !== "/login");
    assert.equal(pathOf(page), "/account", to);
    await page.goto(`${world.server.origin}/login?${new URLSearchParams({ return_to: to })}`);
    assert.equal(pathOf(page), "/account", `${to} for somebody who is signed in`);
  }
}));

test("a form that another site posts signs nobody in", walk(async (visitor, page) => {
  const attacker = await account(world.server);
  await page.goto(`${world.server.origin}/login`);
  const fields = await fieldsOf(page);
  await page.goto(forgery("/login", { ...fields, email: attacker.email, password: attacker.password }));
  await page.locator("#error-code").waitFor();
  assert.equal(pathOf(page), "/login");
  assert.equal(await sessionOf(visitor), undefined);
}));

test("a form that another site posts makes no account", walk(async (visitor, page) => {
  await page.goto(`${world.server.origin}/signup`);
  await page.goto(forgery("/signup", { ...(await fieldsOf(page)), ...somebody() }));
  await page.locator("#error-code").waitFor();
  assert.equal(await sessionOf(visitor), undefined);
}));

test("a decision that another site posts allows nothing, even with the form's own token", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await begin(page, client);
  await signIn(page, person);
  await page.locator("#consent-allow").waitFor();
  const fields = await fieldsOf(page);
  assert.ok(fields.csrf);
  for (const forged of [fields, { ...fields, csrf: "" }]) {
    await page.goto(forgery("/oauth/consent", { ...forged, decision: "allow" }));
    await page.locator("#error-code, [name=email], #consent-allow").waitFor();
  }
  await begin(page, client);
  await page.locator("#consent-allow").waitFor();
}));

test("a neighbour on another port, whose forms bring the cookies along, decides and ends nothing either", walk(async (visitor, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const neighbour = (path, fields) => forgery(path, fields).replace("127.0.0.1", "localhost");
  const refused = async (path, fields) => {
    await page.goto(neighbour(path, fields));
    await page.locator("#error-code").waitFor();
    assert.equal(pathOf(page), path);
  };
  await begin(page, client);
  await signIn(page, person);
  await page.locator("#consent-allow").waitFor();
  const decision = await fieldsOf(page);
  await refused("/oauth/consent", { ...decision, decision: "allow" });
  await refused("/oauth/consent", { ...decision, decision: "allow", csrf: "" });
  // Somebody is signed in already and stays who they are: the form is not read any further.
  await page.goto(neighbour("/login", { ...decision, ...(await account(world.server)) }));
  await page.waitForURL(`${world.server.origin}/account`);
  assert.ok((await page.locator("main").textContent()).includes(person.email));
  await page.goto(`${world.server.origin}/logout`);
  await refused("/logout", await fieldsOf(page));
  await begin(page, client);
  await page.locator("#consent-allow").waitFor();
  assert.equal(await page.locator(".person-email").textContent(), person.email);
}));

test("a logout that another site posts ends no session", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await signInAndAllow(page, client, person);
  await page.goto(`${world.server.origin}/oauth/logout`);
  await page.goto(forgery("/oauth/logout", { ...(await fieldsOf(page)) }));
  await page.locator("#logout-confirm").waitFor();
  await begin(page, client);
  await landing(page);
}));

test("the token of one session's form is worth nothing in another", walk(async (visitor, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  await begin(page, client);
  await signIn(page, person);
  await page.locator("#consent-allow").waitFor();
  const stolen = await page.locator("[name=csrf]").inputValue();
  await visitor.context.clearCookies();
  await begin(page, client);
  await signIn(page, await account(world.server));
  await page.locator("#consent-allow").waitFor();
  await page.locator("[name=csrf]").evaluate((input, value) => (input.value = value), stolen);
  await page.locator("#consent-allow").click();
  assert.equal(await page.locator("#error-code").textContent(), "invalid_request");
}));

test("no page of ours is shown inside a page of another site", walk(async (visitor, page) => {
  visitor.expects(/frame-ancestors|X-Frame-Options|Refused to display|Framing/);
  const [client, person] = [await newClient(), await account(world.server)];
  await begin(page, client);
  await signIn(page, person);
  await page.locator("#consent-allow").waitFor();
  const addresses = [page.url(), `${world.server.origin}/login`, `${world.server.origin}/oauth/logout`, `${world.server.origin}/demo`];
  const frames = addresses.map((address) => `<iframe src="${escape(address)}"></iframe>`);
  await page.goto(world.clientApp.page(frames.join("")));
  const inside = page.frames().filter((frame) => frame !== page.mainFrame());
  assert.equal(inside.length, addresses.length);
  for (const frame of inside) assert.equal(await frame.locator("form, #demo").count(), 0, frame.url());
}));

test("a session that was planted before sign-in is not the one that is signed in", walk(async (visitor, page) => {
  const person = await account(world.server);
  const planted = `ayb_bs_${"0".repeat(96)}`;
  await visitor.context.addCookies([{ name: "ayb_session", value: planted, url: world.server.origin }]);
  await page.goto(`${world.server.origin}/login`);
  await signIn(page, person);
  await page.waitForURL((url) => url.pathname !== "/login");
  assert.notEqual(await sessionOf(visitor), planted);
}));

test("nothing that we answer tells the client's address where the person came from", walk(async (_, page) => {
  const [client, person] = [await newClient(), await account(world.server)];
  const referrers = [];
  page.on("request", (request) => request.url().startsWith(world.clientApp.callback) && referrers.push(request.headers().referer));
  await signInAndAllow(page, client, person);
  assert.deepEqual(referrers, [undefined]);
}));
