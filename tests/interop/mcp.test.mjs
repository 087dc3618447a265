// The MCP server in examples/mcp.mjs, which the manual shows, and the client of the official SDK.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { Person } from "./kit/person.mjs";
import { answers, freePort, start } from "./kit/program.mjs";
import { ADA, BINARY, startProvider } from "./kit/provider.mjs";

const EXAMPLE = join(import.meta.dirname, "examples/mcp.mjs");

/** What the SDK asks a program for that it signs in: who it is, and where it keeps things. */
class Keeper {
  saved = {};

  constructor(clientId, redirectUrl) {
    Object.assign(this, { clientId, redirectUrl, clientMetadata: { redirect_uris: [redirectUrl] } });
  }

  clientInformation = () => ({ client_id: this.clientId });
  // ayb refuses requests without it, and the SDK sends none of its own.
  state = () => (this.saved.state = randomUUID());
  tokens = () => this.saved.tokens;
  saveTokens = (tokens) => (this.saved.tokens = tokens);
  codeVerifier = () => this.saved.verifier;
  saveCodeVerifier = (verifier) => (this.saved.verifier = verifier);
  redirectToAuthorization = (address) => (this.saved.address = address);
}

describe("MCP", { skip: BINARY.skip }, () => {
  let provider, server, resource, port;

  before(async () => {
    provider = await startProvider();
    port = String(await freePort());
    resource = `http://localhost:${port}/mcp`;
    const env = { PATH: process.env.PATH, ISSUER: provider.issuer, RESOURCE: resource, PORT: port };
    const ready = () => answers(`http://localhost:${port}/.well-known/oauth-protected-resource/mcp`);
    server = await start(process.execPath, [EXAMPLE], { env }, ready);
  });

  after(async () => {
    await server?.stop();
    await provider?.close();
  });

  /** A program that is registered for the server, as the manual says, and listens on a port of its own. */
  async function keeper(settings = {}) {
    const addresses = ["http://localhost/callback", "http://127.0.0.1/callback"];
    const registration = { type: "public", tokenFormat: "jwt", audience: resource, redirectUris: addresses, scopes: ["readonly"] };
    const { id } = await provider.client({ ...registration, ...settings });
    return new Keeper(id, `http://127.0.0.1:${await freePort()}/callback`);
  }

  /** Asks for a tool without a token, and gives what the SDK then would open in a browser. */
  async function asked(program) {
    const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: program });
    await assert.rejects(new Client({ name: "agent", version: "1.0.0" }).connect(transport), UnauthorizedError);
    return { transport, address: program.saved.address };
  }

  async function signedIn(program) {
    const { transport, address } = await asked(program);
    const arrived = await new Person(ADA).approve(address, program.redirectUrl);
    assert.equal(arrived.searchParams.get("state"), program.saved.state);
    await transport.finishAuth(arrived.searchParams.get("code"));
    return program;
  }

  async function whoami(program) {
    const client = new Client({ name: "agent", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(new URL(resource), { authProvider: program }));
    const { content } = await client.callTool({ name: "whoami" });
    await client.close();
    return content[0].text;
  }

  test("the client of the SDK finds its way, signs a person in and uses a tool", async () => {
    const program = await signedIn(await keeper());
    const subject = JSON.parse(Buffer.from(program.saved.tokens.access_token.split(".")[1], "base64url")).sub;
    assert.equal(await whoami(program), subject);
  });

  test("a token that is dead is refreshed", async () => {
    const program = await signedIn(await keeper());
    const { refresh_token: before } = program.saved.tokens;
    program.saved.tokens.access_token = "ayb_at_0";
    assert.ok(await whoami(program));
    assert.notEqual(program.saved.tokens.refresh_token, before);
  });

  test("what is registered for another server opens nothing here", async () => {
    const program = await signedIn(await keeper({ audience: "https://other.example.com/mcp" }));
    const authorization = `Bearer ${program.saved.tokens.access_token}`;
    assert.equal((await fetch(resource, { method: "POST", headers: { authorization } })).status, 401);
  });

  test("a word that includes the one that is needed is enough", async () => {
    const program = await keeper({ scopes: ["readwrite"] });
    const { transport, address } = await asked(program);
    address.searchParams.set("scope", "readwrite");
    const arrived = await new Person(ADA).approve(address, program.redirectUrl);
    await transport.finishAuth(arrived.searchParams.get("code"));
    assert.ok(await whoami(program));
  });

  test("an agent that acts for itself gets a token by its secret", async () => {
    const settings = { tokenFormat: "jwt", audience: resource, scopes: ["readonly"], redirectUris: ["http://localhost/callback"] };
    const { id, secret } = await provider.client(settings);
    const agent = { clientId: id, clientSecret: secret, scope: "readonly", expectedIssuer: provider.issuer };
    assert.equal(await whoami(new ClientCredentialsProvider(agent)), id);
  });

  test("two words for APIs at once are refused, as the manual warns", async () => {
    const program = await keeper({ scopes: ["readonly", "readwrite"] });
    const { address } = await asked(program);
    address.searchParams.set("scope", "readonly readwrite");
    const arrived = await new Person(ADA).approve(address, program.redirectUrl);
    assert.equal(arrived.searchParams.get("error"), "invalid_scope");
  });
});
