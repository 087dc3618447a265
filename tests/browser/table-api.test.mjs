// An application on another origin that keeps its data in the table API, in a browser that holds it to CORS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { account } from "./harness/people.mjs";
import { withSite } from "./harness/site.mjs";
import { allow, signIn } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

const APP = new URL("./notes-app/", import.meta.url);

/** A public client whose answers only the app's own origin may read. */
const clientOf = (site) =>
  newClient({ name: "Notes", clientType: "public", redirectUris: [`${site.origin}/`], allowedOrigins: [site.origin] });

async function signedIn(page, site, client, scope) {
  const person = await account(world.server);
  const words = new URLSearchParams({ issuer: world.server.origin, client_id: client.id, scope });
  await page.goto(`${site.origin}/?${words}`);
  await page.locator("#sign-in:enabled").click();
  await signIn(page, person);
  await allow(page);
  await state(page, "signed in");
}

const state = (page, text) => page.locator("#state", { hasText: new RegExp(`^${text}$`) }).waitFor();

const titles = (page) => page.locator("#notes li span").allTextContents();

async function add(page, title) {
  await page.locator("[name=title]").fill(title);
  await page.getByRole("button", { name: "Add" }).click();
  await page.locator("#notes li", { hasText: title }).waitFor();
  await state(page, "signed in");
}

/** Clicks what stands beside a note. */
const click = (page, title, name) => page.locator("#notes li", { hasText: title }).getByRole("button", { name }).click();

/** What leaves the page for our server, preflights included, as "OPTIONS /path". */
async function overheard(visitor, page) {
  const session = await visitor.context.newCDPSession(page);
  await session.send("Network.enable");
  const seen = [];
  session.on("Network.requestWillBeSent", ({ request, type }) => {
    if (!request.url.startsWith(world.server.origin) || type === "Document") return;
    const { pathname, search } = new URL(request.url);
    seen.push(`${type === "Preflight" ? "OPTIONS" : request.method} ${pathname}${search}`);
  });
  return seen;
}

/** Hands the token that the app was given to a test, from the answer that the browser received. */
function tokenFor(page) {
  const given = page.waitForResponse((response) => response.url().endsWith("/oauth/token"));
  return given.then(async (response) => (await response.json()).access_token);
}

/** What a script of another page sees when it asks with a token: the status, or that it may not look. */
const asked = (page, method, token) =>
  page.evaluate(
    async ([method, url, token]) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const body = method === "GET" ? undefined : JSON.stringify({ title: "from elsewhere" });
      return fetch(url, { method, headers, body }).then((response) => response.status, (error) => error.name);
    },
    [method, `${world.server.origin}/api/collections/notes`, token],
  );

test("an app on another origin signs in and keeps its notes by the table API", walk(async (visitor, page) => {
  await withSite(APP, async (site) => {
    const seen = await overheard(visitor, page);
    await signedIn(page, site, await clientOf(site), "readwrite");
    assert.deepEqual(await titles(page), [], "somebody new has no notes");
    assert.equal(page.url(), `${site.origin}/`, "the code does not stay in the address");
    await add(page, "milk");
    await add(page, "bread");
    assert.deepEqual(await titles(page), ["milk", "bread"]);
    await click(page, "milk", "Done");
    await page.locator("#notes li.done", { hasText: "milk" }).waitFor();
    await click(page, "bread", "Shout");
    await page.locator("#notes li", { hasText: "BREAD" }).waitFor();
    await click(page, "milk", "Remove");
    await page.locator("#notes li", { hasText: "milk" }).waitFor({ state: "detached" });
    await state(page, "signed in");
    assert.deepEqual(await titles(page), ["BREAD"]);
    for (const method of ["GET", "POST", "PATCH", "PUT", "DELETE"]) {
      assert.ok(seen.some((line) => line.startsWith(`${method} /api/collections/notes`)), `${method}: ${seen}`);
    }
    const count = (line) => seen.filter((one) => one === line).length;
    assert.equal(count("GET /api/collections/notes?sort=id"), 6, `${seen}`);
    assert.equal(count("OPTIONS /api/collections/notes?sort=id"), 1, `a preflight is remembered: ${seen}`);
  });
}));

test("an app on another origin reads why its token does not let it write", walk(async (visitor, page) => {
  visitor.expects(/status of 403/);
  await withSite(APP, async (site) => {
    await signedIn(page, site, await clientOf(site), "readonly");
    await page.locator("[name=title]").fill("milk");
    await page.getByRole("button", { name: "Add" }).click();
    await state(page, "refused with 403");
    const refusal = JSON.parse(await page.locator("#refusal").textContent());
    assert.match(refusal.challenge, /^Bearer .*error="insufficient_scope".*scope="readwrite"$/);
    assert.deepEqual([refusal.status, refusal.data], [403, { error: "insufficient_scope", scope: "readwrite" }]);
  });
}));

test("a page on an origin that the client does not list cannot read with its token", walk(async (visitor, page) => {
  visitor.expects(/blocked by CORS policy/);
  visitor.expects(/net::ERR_FAILED/);
  visitor.expects(/status of 401/);
  await withSite(APP, (site) =>
    withSite(APP, async (elsewhere) => {
      const token = tokenFor(page);
      await signedIn(page, site, await clientOf(site), "readwrite");
      assert.equal(await asked(page, "GET", await token), 200);
      await page.goto(`${elsewhere.origin}/`);
      assert.equal(await asked(page, "GET", await token), "TypeError");
      assert.equal(await asked(page, "GET", "dead"), 401, "what is no secret of anybody is for everybody");
    }),
  );
}));
