// What people and clients see of a request that does not work.

import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, landing } from "./harness/steps.mjs";
import { newClient, walk, world } from "./harness/world.mjs";

test("while the address is not trusted the error stays on a page", walk(async (_, page) => {
  const client = await newClient();
  const unknown = { ...client, id: `ayb_cid_${"0".repeat(48)}` };
  const { callback } = world.clientApp;
  const cases = [
    [unknown, {}, "invalid_client"],
    [client, { client_id: "<script>alert(1)</script>" }, "invalid_client"],
    [client, { client_id: null }, "invalid_request"],
    [client, { redirect_uri: null }, "invalid_request"],
    [client, { redirect_uri: `${callback}/` }, "invalid_request"],
    [client, { redirect_uri: `${callback}?x=1` }, "invalid_request"],
    [client, { redirect_uri: "https://evil.example/callback" }, "invalid_request"],
    [client, { redirect_uri: "javascript:alert(1)" }, "invalid_request"],
  ];
  for (const [who, wanted, code] of cases) {
    const response = await begin(page, who, wanted);
    const what = JSON.stringify(wanted);
    assert.equal(response.status(), 400, what);
    assert.equal(await page.locator("#error-code").textContent(), code, what);
    assert.ok((await page.locator("#request-id").textContent()).length > 10, what);
    assert.doesNotMatch(await page.content(), /evil|alert/, "no echo of the input");
  }
}));

test("once the address is trusted the error goes to the client with its state", walk(async (_, page) => {
  const client = await newClient({ scopes: ["openid", "readonly"] });
  const cases = [
    [{ code_challenge: null }, "invalid_request"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge_method: null }, "invalid_request"],
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ response_type: null }, "invalid_request"],
    [{ scope: "readwrite" }, "invalid_scope"],
    [{ scope: null }, "invalid_scope"],
    [{ prompt: "none login" }, "invalid_request"],
    [{ request: "e30.e30." }, "request_not_supported"],
    [{ request_uri: "https://evil.example/" }, "request_uri_not_supported"],
    [{ id_token_hint: "no.id.token" }, "invalid_request"],
  ];
  for (const [wanted, code] of cases) {
    await begin(page, client, wanted);
    const { answer, sentState } = await landing(page);
    assert.deepEqual([answer.error, answer.state, answer.iss], [code, sentState, world.server.origin], JSON.stringify(wanted));
  }
}));

test("a request without state is refused at the client", walk(async (_, page) => {
  await begin(page, await newClient(), { state: null });
  const { answer } = await landing(page);
  assert.deepEqual([answer.error, answer.state], ["invalid_request", undefined]);
}));

test("an error by form_post is posted", walk(async (_, page) => {
  await begin(page, await newClient(), { response_mode: "form_post", prompt: "none" });
  const { answer, method } = await landing(page);
  assert.deepEqual([answer.error, method], ["login_required", "POST"]);
}));

test("an address without a page says so, and leads to the start", walk(async (_, page) => {
  const response = await page.goto(`${world.server.origin}/no/such/page`);
  assert.equal(response.status(), 404);
  assert.equal(await page.locator("#error-code").textContent(), "not_found");
  await page.getByRole("link", { name: "Go to the start page" }).click();
  await page.waitForURL(`${world.server.origin}/`);
}));
