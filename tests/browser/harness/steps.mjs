// What people do on the pages, by the names that the pages promise to keep.

import assert from "node:assert/strict";
import { world } from "./world.mjs";

export async function signIn(page, person) {
  await page.locator("[name=email]").fill(person.email);
  await page.locator("[name=password]").fill(person.password);
  await page.locator("#login-submit").click();
}

export async function signUp(page, person) {
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.locator("[name=name]").fill(person.name);
  await page.locator("[name=email]").fill(person.email);
  await page.locator("[name=password]").fill(person.password);
  await page.locator("#signup-submit").click();
}

export const allow = (page) => page.locator("#consent-allow").click();
export const deny = (page) => page.locator("#consent-deny").click();

/** Sends the person from the client app to our server. */
export const begin = (page, client, wanted) => page.goto(world.clientApp.start(client, wanted));

/** Waits until the browser is back at the client app, and reads what the app was told. */
export async function landing(page) {
  await page.waitForURL(`${world.clientApp.callback}*`).catch((cause) => {
    throw new Error(`the person is still at ${page.url()}`, { cause });
  });
  const read = async (id) => {
    const place = page.locator(`#${id}`);
    return (await place.count()) ? JSON.parse(await place.textContent()) : null;
  };
  const names = ["answer", "method", "sent-state", "claims", "tokens"];
  const [answer, method, sentState, claims, tokens] = await Promise.all(names.map(read));
  assert.equal(tokens?.error, undefined, JSON.stringify(tokens));
  return { answer, method, sentState, claims, tokens };
}

/** Signs in on the way to `client` and allows what it asks for. */
export async function signInAndAllow(page, client, person, wanted) {
  await begin(page, client, wanted);
  await signIn(page, person);
  await allow(page);
  return landing(page);
}

/** Where the page is, without the origin of our server. */
export const pathOf = (page) => page.url().replace(world.server.origin, "");
