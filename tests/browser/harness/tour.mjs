// Every page that a person can see, opened as a person would.

import assert from "node:assert/strict";
import { account, somebody } from "./people.mjs";
import { allow, begin, landing, signIn } from "./steps.mjs";
import { newClient, world } from "./world.mjs";

const MANY_TABLES = Array.from({ length: 15 }, (_, index) => `measurements_${2010 + index}`).join(",");

/** Opens page after page and calls `look(name)` at each. */
export async function tour(page, inspect) {
  const look = (name) => {
    assert.ok(page.url().startsWith(world.server.origin), `${name} is not a page of ours: ${page.url()}`);
    return inspect(name);
  };
  await asVisitor(page, look);
  const person = await account(world.server, somebody("Ada Lovelace"));
  await asAsked(page, look, person);
  await asMember(page, look);
}

async function asVisitor(page, look) {
  const { origin } = world.server;
  await page.goto(`${origin}/`);
  await look("home");
  await page.goto(`${origin}/login`);
  await look("login");
  await signIn(page, somebody());
  await page.locator("#problems").waitFor();
  await look("login-refused");
  await page.goto(`${origin}/signup`);
  await look("signup");
  await page.locator("form").evaluate((form) => (form.noValidate = true));
  await page.locator("#signup-submit").click();
  await page.locator("#problems").waitFor();
  await look("signup-refused");
  await page.goto(`${origin}/forgot`);
  await look("forgot");
  await page.locator("[name=email]").fill(somebody().email);
  await page.locator("#forgot-submit").click();
  await page.getByRole("heading", { name: "Check your inbox" }).waitFor();
  await look("notice");
  await page.goto(`${origin}/reset?token=unknown`);
  await look("reset-expired");
  await begin(page, await newClient(), { client_id: "unknown" });
  await look("error");
  await page.goto(`${origin}/no/such/page`);
  await look("not-found");
  await page.goto(`${origin}/demo`);
  await page.locator("#step-discovery[data-state=done]").waitFor();
  await look("demo");
}

async function asAsked(page, look, person) {
  const client = await newClient();
  await begin(page, client, { scope: "openid readonly" });
  await look("login-for-app");
  await signIn(page, person);
  await allow(page);
  await landing(page);
  await begin(page, client, { scope: "openid profile email readwrite offline_access", allowed_tables: "trails,photos" });
  await look("consent-more");
  await begin(page, await newClient({ name: "Trailbook" }), { scope: "openid profile email readonly offline_access" });
  await look("consent");
  await begin(page, await newClient(), { scope: "readwrite", allowed_tables: MANY_TABLES });
  await look("consent-tables");
  await begin(page, await newClient({ app: { description: "" } }), { scope: "*" });
  await look("consent-full");
  await begin(page, client, { prompt: "select_account" });
  await look("select-account");
}

async function asMember(page, look) {
  const { origin } = world.server;
  await page.goto(`${origin}/`);
  await look("home-signed-in");
  await page.route("**/form-post.js*", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
  await begin(page, await newClient(), { response_mode: "form_post", prompt: "none" });
  await look("form-post");
  await demo(page, look);
  await page.goto(`${origin}/account`);
  await look("account");
  await page.locator("[name=current_password]").fill("not the password");
  await page.locator("[name=new_password]").fill("short");
  await page.locator("#password-submit").click();
  await page.locator("#problems").waitFor();
  await look("account-refused");
  await page.goto(`${origin}/logout`);
  await look("logout");
  await page.locator("#logout-confirm").click();
  await page.locator("#logged-out").waitFor();
  await look("logged-out");
}

async function demo(page, look) {
  await page.goto(`${world.server.origin}/demo`);
  await page.locator("#demo-signin").click();
  await allow(page);
  await page.locator("#step-exchange[data-state=done]").waitFor();
  await page.locator("#demo-userinfo").click();
  await page.locator("#step-userinfo[data-state=done]").waitFor();
  await look("demo-signed-in");
}
