// Where a client sends the person on to after our answer is its own business: nothing of ours may stop it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { account } from "./harness/people.mjs";
import { allow, begin, deny, signIn } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

/** A client whose addresses lead on to a page of another origin, and that page. */
async function clientThatMovesOn() {
  const { clientApp } = world;
  const elsewhere = clientApp.page("You have arrived.").replace("127.0.0.1", "app.localhost");
  const hop = clientApp.hop(elsewhere);
  const client = await newClient({ redirectUris: [hop], postLogoutRedirectUris: [hop] });
  const start = (page, wanted) => begin(page, client, { redirect_uri: hop, ...wanted });
  const arrive = async (page) => {
    await page.getByText("You have arrived.").waitFor();
    assert.equal(page.url(), elsewhere);
  };
  return { client, hop, start, arrive };
}

test("a client may send the person on to another origin after every form of ours", walk(async (_, page) => {
  const { client, hop, start, arrive } = await clientThatMovesOn();
  const person = await account(world.server);
  await start(page);
  await signIn(page, person);
  await deny(page);
  await arrive(page);
  await start(page);
  await allow(page);
  await arrive(page);
  await start(page, { prompt: "login" });
  await signIn(page, person);
  await arrive(page);
  await start(page, { prompt: "select_account" });
  await page.getByRole("button", { name: person.email }).click();
  await arrive(page);
  await start(page, { response_mode: "form_post" });
  await arrive(page);
  const leave = { client_id: client.id, post_logout_redirect_uri: hop };
  await page.goto(`${world.server.origin}/oauth/logout?${new URLSearchParams(leave)}`);
  await page.locator("#logout-confirm").click();
  await arrive(page);
}));
