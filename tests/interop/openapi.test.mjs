// PyPI Schemathesis: requests drawn from the documents that the server serves about itself and about the operator's tables.
// None of them may be a failure of ours, and what is said about tables must be what is answered.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { shelveInPostgres, shelveInSqlite } from "./kit/library.mjs";
import { NO_POSTGRES, startPostgres } from "./kit/postgres.mjs";
import { part } from "./kit/program.mjs";
import { ADA, BINARY, startProvider } from "./kit/provider.mjs";

const PYTHON = part("AYB_TEST_PYTHON");
const HERE = join(import.meta.dirname, "python");

/** Requests to each kind of database, both documents together. */
const WANTED = 5000;

const SETTINGS = {
  AYB_TABLES_ENABLED: "true",
  AYB_TABLES_OWNERS: "notes.owner_id",
  AYB_ADMIN_LOGIN_RATE_LIMIT: "0",
  AYB_AUTH_OAUTH_PROVIDER_TOKEN_FAILURE_LIMIT: "0",
  AYB_AUTH_PASSWORD_MEMORY_KIB: "7168",
  AYB_AUTH_PASSWORD_ITERATIONS: "1",
};

/** The documents: who may read them, how many cases each operation gets, what answers must come, what else is held. */
const DOCUMENTS = [
  {
    path: "/api/collections/openapi.json",
    cases: 50,
    answers: [200, 201, 204, 400, 404, 409, 422],
    checks: ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"],
  },
  { path: "/api/openapi.json", cases: 15, answers: [200, 201, 204, 400, 401, 404, 422], checks: ["not_a_server_error"] },
];

const SKIP = BINARY.skip || PYTHON.skip;

test("no request that a served document describes fails on SQLite", { skip: SKIP }, (t) => examine(t, onSqlite));

test("no request that a served document describes fails on PostgreSQL", { skip: SKIP || NO_POSTGRES }, (t) =>
  examine(t, onPostgres));

async function examine(t, start) {
  const folder = await mkdtemp(join(tmpdir(), "ayb-openapi-"));
  const ends = [() => rm(folder, { recursive: true })];
  // What was begun last ends first.
  t.after(async () => {
    for (const end of ends.toReversed()) await end();
  });
  const provider = await start(ends, folder);
  const tokens = await credentials(provider);
  let sent = 0;
  for (const document of DOCUMENTS) sent += await draw(provider, tokens, document, folder);
  assert.ok(sent >= WANTED, `${sent} requests`);
  t.diagnostic(`${sent} requests`);
  assert.doesNotMatch(provider.output(), /panic/);
}

async function onSqlite(ends, folder) {
  const file = join(folder, "library.db");
  await shelveInSqlite(PYTHON.value, file);
  return provide(ends, `sqlite://${file}`);
}

async function onPostgres(ends) {
  const database = await startPostgres();
  ends.push(database.close);
  await shelveInPostgres(database.url);
  return provide(ends, database.url);
}

async function provide(ends, url) {
  const provider = await startProvider({ settings: { ...SETTINGS, AYB_DATABASE_URL: url } });
  ends.push(provider.close);
  return provider;
}

/** A session, an administrator, and the person who must stay for the session to live. */
async function credentials({ address, password }) {
  const ask = async (path, words) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(address + path, { method: "POST", headers, body: JSON.stringify(words) });
    assert.equal(response.status, 200, path);
    return response.json();
  };
  const session = await ask("/api/auth/login", { email: ADA.email, password: ADA.password });
  const admin = await ask("/api/admin/auth", { password });
  return { user: session.token, admin: admin.token, spared: [session.user.id] };
}

/** Draws requests from one document, and gives their number. */
async function draw({ address }, tokens, { path, cases, answers, checks }, folder) {
  const served = await fetch(address + path, { headers: { authorization: `Bearer ${tokens.user}` } });
  const file = join(folder, "openapi.json");
  await writeFile(file, await served.text());
  const words = ["--config-file", join(HERE, "schemathesis.toml"), "run", file, "--url", address];
  words.push("--phases", "coverage,fuzzing", "--checks", checks.join(), "--max-examples", String(cases), "--seed", "1");
  words.push("--continue-on-failure", "--no-shrink", "--generation-database", "none", "--no-color");
  const env = {
    PATH: process.env.PATH,
    PYTHONPATH: HERE,
    PYTHONDONTWRITEBYTECODE: "1",
    SCHEMATHESIS_HOOKS: "openapi_hooks",
    AYB_API_TOKENS: JSON.stringify(tokens),
  };
  const options = { env, cwd: folder, maxBuffer: 1 << 26, timeout: 300_000 };
  const { error, output } = await new Promise((resolve) => {
    const program = join(dirname(PYTHON.value), "schemathesis");
    execFile(program, words, options, (error, out, err) => resolve({ error, output: out + err }));
  });
  assert.equal(error, null, output);
  const counts = JSON.parse(output.match(/^answers (.*)$/m)[1]);
  for (const status of answers) assert.ok(counts[status], `${path} never answered ${status}\n${output}`);
  const failures = Object.keys(counts).filter((status) => status >= 500);
  assert.deepEqual(failures, [], output);
  return Object.values(counts).reduce((sum, count) => sum + count);
}
