// Every command that the pages mark as running is run, in the order of the page, against a server that the page starts.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

import { commands, fits } from "./page.mjs";
import { BINARY, NOTES_API, Reader, pageOf } from "./reader.mjs";

/** The pages that are run. */
const PAGES = new Set();

test("the commands of the README work", reading("README", (reader) => reader.demo()));
test("the commands of the quick start work", reading("quick-start", async () => {}));
test("the commands of the OAuth guide work", reading("oauth-provider", (reader) => reader.serve()));
test("the commands of the OpenID Connect guide work", reading("oidc", (reader) => reader.serve()));
test("the commands of the page on APIs work", reading("protecting-your-api", (reader) => reader.serve()));
test("the commands of the page on MCP work", reading("mcp", (reader) => reader.serve()));
test("the commands of the page on accounts work", reading("authentication", (reader) => reader.serve()));
test("the commands of the page on API keys work", reading("api-keys", (reader) => reader.serve()));
test("the commands of the page on the table API work", reading("table-api", (reader) => reader.demo()));
test("the commands of the page on filters work", reading("filters", (reader) => reader.demo()));
test("the commands of the page on operations work", reading("operations", (reader) => reader.serve()));
test("the commands of the page on limits work", reading("limits", (reader) => reader.serve()));

/** A test that does what a page says, on the server that its reader has; the quick start brings its own. */
function reading(page, prepare) {
  return async (context) => {
    PAGES.add(page);
    const skip = BINARY.skip || (page === "protecting-your-api" && NOTES_API.skip);
    if (skip) return context.skip(skip);
    const reader = await Reader.begin();
    try {
      await prepare(reader);
      await reader.follow(page);
    } finally {
      await reader.end();
    }
  };
}

test("what is printed must be what the page says", () => {
  const table = [
    ["200\n", "200", true],
    ["400\n", "200", false],
    ['{\n  "a": "x1"\n}', '{\n  "a": "x…"\n}', true],
    ['{\n  "b": "x1"\n}', '{\n  "a": "x…"\n}', false],
    ["200\n200", "200", false],
    ["a.b", "a.b", true],
    ["axb", "a.b", false],
  ];
  for (const [printed, promised, good] of table) assert.equal(fits(printed, promised), good, printed);
});

test("every page with commands to run is among those that are run", async () => {
  const guide = new URL("../guide/", import.meta.url);
  const all = (await readdir(guide)).map((file) => file.replace(/\.md$/, ""));
  for (const page of ["README", ...all]) {
    const found = await commands(pageOf(page));
    assert.equal(found.length > 0, PAGES.has(page), page);
  }
});
