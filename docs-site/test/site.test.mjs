// The site builds, no link in it leads nowhere (the build refuses one that does), and the tests that it names exist.

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { run } from "../../tests/interop/kit/program.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGES = [
  "index",
  ...["quick-start", "authentication", "oauth-provider", "oidc", "protecting-your-api", "mcp", "client", "integrations", "security", "operations"].map(inGuide),
  ...["client-quick-start", "client-flows", "client-storage", "client-resilience", "client-errors", "client-security"].map(inGuide),
  ...["client-providers", "glossary"].map(inGuide),
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

test("the glossary has the eighteen terms", async () => {
  const page = await readFile(join(ROOT, "guide/glossary.md"), "utf8");
  const terms = [...page.matchAll(/^\| \*\*(.+?)\*\* \| \S.* \|$/gm)].map(([, term]) => term);
  const wanted = [
    ...["Access token", "Authorization code", "Authorization server", "Client credentials", "Confidential client", "Device code"],
    ...["Grant type", "ID token", "Introspection", "OIDC", "PKCE", "Public client", "Refresh token", "Resource owner", "Revocation"],
    ...["Scope", "State", "Token endpoint"],
  ];
  // Words that came later stand behind them.
  assert.deepEqual(terms.slice(0, wanted.length), wanted);
});

test("programs on pages are the examples", async () => {
  const texts = await Promise.all(["protecting-your-api", "client-quick-start", "client-flows"].map((page) => readFile(join(ROOT, `${inGuide(page)}.md`), "utf8")));
  const blocks = texts.flatMap((text) => [...text.matchAll(/<!-- (crates\/\S+) -->\n```\w+\n([\s\S]*?)```/g)]);
  assert.equal(blocks.length, 4);
  for (const [, path, shown] of blocks) {
    const source = await readFile(join(ROOT, "..", path), "utf8");
    assert.ok(source.includes(shown), `${path} has no longer what the manual shows:\n${shown}`);
  }
});

test("every event of the audit trail is in the manual", async () => {
  const page = await readFile(join(ROOT, "guide/operations.md"), "utf8");
  const sources = join(ROOT, "../crates/server/src");
  const events = new Set();
  for (const file of (await readdir(sources, { recursive: true })).filter((name) => name.endsWith(".rs"))) {
    const source = await readFile(join(sources, file), "utf8");
    for (const [, event] of source.matchAll(/\bnote\([^;"]*"([a-z_.]+)"/g)) events.add(event);
  }
  assert.ok(events.size > 30, "the sources name events");
  for (const event of events) assert.ok(page.includes(`\`${event}\``), event);
});

test("every test that the security page names exists", async () => {
  const page = await readFile(join(ROOT, "guide/security.md"), "utf8");
  const named = [...page.matchAll(/`([\w/.-]+\.(?:rs|mjs))(?:::([^`]+))?`/g)];
  assert.ok(named.length > 20, "the page names tests");
  for (const [, path, name] of named) {
    const source = await readFile(join(ROOT, "..", path), "utf8");
    const found = !name || source.includes(`fn ${name}(`) || source.includes(`("${name}"`);
    assert.ok(found, `${path} has no test ${name}`);
  }
});
