// The applications in examples/, which the manual shows: each is started and used.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import * as client from "openid-client";

import { Person } from "./kit/person.mjs";
import { answers, freePort, part, start, until } from "./kit/program.mjs";
import { ADA, BINARY, startProvider } from "./kit/provider.mjs";

const EXAMPLES = join(import.meta.dirname, "examples");
const MANUAL = ["integrations", "mcp"].map((page) => join(import.meta.dirname, `../../docs-site/guide/${page}.md`));
const PYTHON = part("AYB_TEST_PYTHON");
const AUDIENCE = "https://api.example.com";
const SIGNED_IN = `signed in as ${ADA.name} <${ADA.email}>`;

/** How each example is run on a port. */
const node = (file) => () => [process.execPath, [join(EXAMPLES, file)]];
const uvicorn = (module) => (port) => [PYTHON.value, ["-m", "uvicorn", `${module}:app`, "--app-dir", EXAMPLES, "--port", port]];

describe("examples", { skip: BINARY.skip || PYTHON.skip }, () => {
  let provider;
  const running = [];
  before(async () => (provider = await startProvider()));
  after(async () => {
    await Promise.all(running.map((program) => program.stop()));
    await provider?.close();
  });

  /** Registers a site and gives what it is told about itself. */
  async function register(callback, bye) {
    const port = String(await freePort());
    const SITE = `http://localhost:${port}`;
    const addresses = { redirectUris: [SITE + callback], postLogoutRedirectUris: [SITE + bye] };
    const { id, secret } = await provider.client(addresses);
    const SESSION_SECRET = randomBytes(32).toString("base64url");
    return { ISSUER: provider.issuer, CLIENT_ID: id, CLIENT_SECRET: secret, SITE, SESSION_SECRET, PORT: port };
  }

  async function launch(command, values, path) {
    const [program, words] = command(values.PORT);
    const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", ...values };
    running.push(await start(program, words, { env }, () => answers(`http://localhost:${values.PORT}${path}`)));
  }

  async function signsInAndOut(site, login, logout) {
    const ada = new Person(ADA);
    assert.equal((await ada.visit(`${site}/`)).text, "signed out");
    assert.equal((await ada.visit(site + login)).text, SIGNED_IN);
    assert.equal((await ada.visit(`${site}/`)).text, SIGNED_IN);
    assert.equal((await ada.visit(site + logout)).text, "signed out");
    ada.asked.length = 0;
    await ada.visit(site + login);
    assert.ok(ada.asked.includes("login-submit"), "the session at the provider is over");
    return ada;
  }

  test("the Express example signs a person in and out", async () => {
    const values = await register("/callback", "/");
    await launch(node("express.mjs"), values, "/");
    const ada = await signsInAndOut(values.SITE, "/login", "/logout");
    assert.equal((await ada.visit(`${values.SITE}/refresh`)).text, SIGNED_IN);
    assert.equal((await ada.visit(`${values.SITE}/refresh`)).text, SIGNED_IN, "the new refresh token was kept");
    await refusesForgedAnswers(values.SITE, "/login", "/callback");
  });

  test("the Express example signs a person out whose token cannot be revoked", async () => {
    const values = await register("/callback", "/");
    await launch(node("express.mjs"), values, "/");
    const ada = new Person(ADA);
    assert.equal((await ada.visit(`${values.SITE}/login`)).text, SIGNED_IN);
    await provider.operator.ayb(["oauth", "clients", "rotate-secret", values.CLIENT_ID]);
    assert.equal((await ada.visit(`${values.SITE}/logout`)).text, "signed out");
    assert.equal((await ada.visit(`${values.SITE}/`)).text, "signed out", "the program goes on");
  });

  test("the FastAPI example signs a person in and out", async () => {
    const values = await register("/callback", "/bye");
    await launch(uvicorn("fastapi_site"), values, "/");
    await signsInAndOut(values.SITE, "/login", "/logout");
    await refusesForgedAnswers(values.SITE, "/login", "/callback");
  });

  test("the Next.js example signs a person in and out", async (context) => {
    const values = await register("/auth/callback", "/");
    Object.assign(process.env, values);
    const routes = await import("./examples/next.mjs");
    running.push(await serve(routes, values));
    const away = context.mock.method(globalThis, "fetch", () => Promise.reject(new TypeError("the provider is away")));
    assert.equal((await new Person(ADA).visit(`${values.SITE}/auth/login`)).status, 500);
    away.mock.restore();
    await signsInAndOut(values.SITE, "/auth/login", "/auth/logout");
    await refusesForgedAnswers(values.SITE, "/auth/login", "/auth/callback");
  });

  /** The program for the command line, waiting for the browser, and where it sends it. */
  async function askedByTerminal() {
    const registration = { type: "public", redirectUris: ["http://127.0.0.1/callback"], scopes: ["openid", "profile", "email"] };
    const { id } = await provider.client(registration);
    const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", ISSUER: provider.issuer, CLIENT_ID: id, BROWSER: "true" };
    const program = await start(PYTHON.value, [join(EXAMPLES, "cli.py")], { env }, (output) => /^Open .+\n/m.test(output));
    running.push(program);
    return { program, address: new URL(program.output().match(/^Open (.+)$/m)[1]) };
  }

  test("the command line in Python signs a person in", async () => {
    const { program, address } = await askedByTerminal();
    assert.equal((await new Person(ADA).visit(address)).text, "Go back to the terminal.");
    await until(() => program.output().includes(SIGNED_IN), "the program to say who signed in");
  });

  test("the command line in Python refuses forged answers", async () => {
    for (const [parameter, value] of [
      ["state", "another"],
      ["iss", "http://localhost:1"],
    ]) {
      const { program, address } = await askedByTerminal();
      const person = new Person(ADA);
      const arrived = await person.approve(address, address.searchParams.get("redirect_uri"));
      arrived.searchParams.set(parameter, value);
      await person.visit(arrived);
      await until(() => program.output().includes("the answer is not the one to this request"), "a refusal");
    }
  });

  async function refusesForgedAnswers(site, login, callback) {
    for (const [parameter, value] of [
      ["state", "another"],
      ["iss", "http://localhost:1"],
      ["code", "another"],
    ]) {
      const person = new Person(ADA);
      const arrived = await person.approve(site + login, site + callback);
      arrived.searchParams.set(parameter, value);
      const page = await person.visit(arrived);
      assert.ok(page.status >= 400, `${parameter}: ${page.status}`);
      assert.equal((await person.visit(`${site}/`)).text, "signed out");
    }
  }

  for (const [name, command] of [
    ["Express", node("api.mjs")],
    ["FastAPI", uvicorn("fastapi_api")],
  ]) {
    test(`the API example in ${name} verifies tokens itself`, async () => {
      const values = { ISSUER: provider.issuer, AUDIENCE, PORT: String(await freePort()) };
      await launch(command, values, "/alive");
      const orders = `http://localhost:${values.PORT}/orders`;
      const token = await machineToken(provider, AUDIENCE);
      const writer = await machineToken(provider, AUDIENCE, "readwrite");
      const full = await machineToken(provider, AUDIENCE, "*");
      const foreign = await machineToken(provider, "https://other.example.com");
      const changed = `${token.slice(0, -8)}AAAAAAAA`;
      for (const [method, bearer, status] of [
        ["GET", token, 200],
        ["POST", token, 403],
        ["GET", writer, 200],
        ["POST", writer, 201],
        ["GET", full, 200],
        ["POST", full, 201],
        ["GET", foreign, 401],
        ["GET", changed, 401],
        ["GET", "ayb_at_0", 401],
      ]) {
        const answer = await fetch(orders, { method, headers: { authorization: `Bearer ${bearer}` } });
        assert.equal(answer.status, status, `${method} ${bearer}`);
      }
      assert.equal((await fetch(orders)).status, 401);
    });
  }
});

async function machineToken(provider, audience, scope = "readonly") {
  const settings = { tokenFormat: "jwt", scopes: [scope], redirectUris: ["http://localhost:9/callback"], audience };
  const { id, secret } = await provider.client(settings);
  const options = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(provider.issuer), id, secret, undefined, options);
  return (await client.clientCredentialsGrant(config, { scope })).access_token;
}

/** What Next.js does with route handlers: hands them a Request, sends their Response. */
async function serve({ login, callback, logout, person }, { SITE, PORT }) {
  const home = async (request) => {
    const found = await person(request);
    return new Response(found ? `signed in as ${found.name} <${found.email}>` : "signed out");
  };
  const handlers = { "/": home, "/auth/login": login, "/auth/callback": callback, "/auth/logout": logout };
  const server = createServer(async (asked, answer) => {
    const request = new Request(SITE + asked.url, { headers: asked.headers });
    const handler = handlers[new URL(request.url).pathname];
    const response = await handler(request).catch((error) => new Response(error.message, { status: 500 }));
    const cookies = response.headers.getSetCookie();
    const headers = { ...Object.fromEntries(response.headers), "set-cookie": cookies };
    answer.writeHead(response.status, headers).end(await response.text());
  });
  server.listen(PORT, "127.0.0.1");
  await once(server, "listening");
  return { stop: () => server.close() };
}

test("the manual shows the examples as they were tested", async () => {
  const manual = await Promise.all(MANUAL.map((page) => readFile(page, "utf8")));
  const blocks = manual.flatMap((page) => [...page.matchAll(/<!-- (tests\/interop\/\S+) -->\n```\w+\n([\s\S]*?)```/g)]);
  const shown = new Set(blocks.map(([, path]) => path));
  for (const file of await readdir(EXAMPLES)) assert.ok(shown.has(`tests/interop/examples/${file}`), `the manual does not show ${file}`);
  for (const [, path, shown] of blocks) {
    const source = await readFile(join(import.meta.dirname, "../..", path), "utf8");
    assert.ok(plain(source).includes(plain(shown)), `${path} has no longer what the manual shows:\n${shown}`);
  }
});

/** Without indentation: the manual shows inner lines from the left edge. */
function plain(text) {
  return text.replace(/^[ \t]+/gm, "");
}
