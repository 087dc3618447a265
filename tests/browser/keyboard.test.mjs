// The whole way without a mouse.

import assert from "node:assert/strict";
import { test } from "node:test";
import { somebody } from "./harness/people.mjs";
import { begin, landing } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

const MOST_STOPS = 30;

/** Presses Tab until the element has the focus, and sees that every stop on the way shows where the focus is. */
async function tabTo(page, selector) {
  await page.locator(selector).waitFor();
  for (let stops = 0; stops < MOST_STOPS; stops += 1) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate((selector) => {
      const { activeElement } = document;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(activeElement);
      const isVisible = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
      return { isThere: activeElement.matches(selector), isVisible, html: activeElement.outerHTML.slice(0, 120) };
    }, selector);
    assert.ok(focus.isVisible, `no sign of the focus on ${focus.html}`);
    if (focus.isThere) return;
  }
  assert.fail(`${selector} is not reached in ${MOST_STOPS} stops`);
}

/** Types into the field that has the focus already, as `autofocus` left it. */
async function typeInto(page, selector, text) {
  const isFocused = await page.locator(selector).evaluate((element) => element === document.activeElement);
  if (!isFocused) await tabTo(page, selector);
  await page.keyboard.press("Control+a");
  await page.keyboard.type(text);
}

const press = async (page, selector) => {
  await tabTo(page, selector);
  await page.keyboard.press("Enter");
};

test("a person signs up, consents, signs in again and signs out with Tab and Enter", walk(async (_, page) => {
  const [client, person] = [await newClient(), somebody()];
  await begin(page, client, { scope: "openid readonly", allowed_tables: "trails" });
  await press(page, "a[href^='/signup']");
  await typeInto(page, "[name=name]", person.name);
  await typeInto(page, "[name=email]", person.email);
  await typeInto(page, "[name=password]", person.password);
  await page.keyboard.press("Enter");
  await press(page, "#consent-allow");
  assert.ok((await landing(page)).tokens);

  await begin(page, client, { prompt: "login" });
  await page.locator("[name=password]").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "password", "the known address is filled in already");
  await typeInto(page, "[name=password]", person.password);
  await page.keyboard.press("Enter");
  await landing(page);

  await page.goto(`${world.server.origin}/logout`);
  await press(page, "#logout-confirm");
  await page.locator("#logged-out").waitFor();
}));

test("Enter on the consent page without a chosen button does not allow", walk(async (_, page) => {
  const [client, person] = [await newClient(), somebody()];
  await begin(page, client);
  await page.getByRole("link", { name: "Create an account" }).click();
  for (const [name, value] of Object.entries(person)) await page.locator(`[name=${name}]`).fill(value);
  await page.locator("#signup-submit").click();
  await page.locator("#consent-allow").waitFor();
  const first = await page.locator("form button[type=submit]").first().getAttribute("id");
  assert.equal(first, "consent-deny");
}));

test("the first stop leads past the head of the page", walk(async (_, page) => {
  await page.goto(`${world.server.origin}/`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), "#main");
}));
