// The site builds, and no link in it leads nowhere: the build refuses one that does.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { run } from "../../tests/interop/kit/program.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGES = [
  "index",
  ...["quick-start", "authentication", "oauth-provider", "oidc", "integrations", "security", "operations"].map(inGuide),
  ...["troubleshooting", "api-reference", "configuration", "cli"].map(inGuide),
];

function inGuide(page) {
  return `guide/${page}`;
}

test("the site builds, with every page", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ayb-site-"));
  try {
    await run(join(ROOT, "node_modules/.bin/vitepress"), ["build", "--outDir", folder], { cwd: ROOT });
    for (const page of PAGES) {
      const html = await readFile(join(folder, `${page}.html`), "utf8");
      assert.match(html, /<h1/, page);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
