// Every command that the pages mark as running is run, in the order of the page, against a server that the page starts.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

import { commands, fits } from "./page.mjs";
import { BINARY, Reader } from "./reader.mjs";

/** Pages that go on where the quick start ends, each with the quick start's server in front. */
const PAGES = ["oauth-provider", "oidc", "authentication"];

const options = { skip: BINARY.skip };

test("the commands of the quick start work", options, () => reading("quick-start"));

for (const page of PAGES) {
  test(`the commands of ${page} work`, options, () => reading(page));
}

async function reading(page) {
  const reader = await Reader.begin();
  try {
    if (page === "quick-start") return await reader.follow(page);
    await reader.serve();
    await reader.follow(page);
  } finally {
    await reader.end();
  }
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
  const run = ["quick-start", ...PAGES];
  for (const file of await readdir(guide)) {
    const page = file.replace(/\.md$/, "");
    const found = await commands(new URL(file, guide));
    assert.equal(found.length > 0, run.includes(page), page);
  }
});
