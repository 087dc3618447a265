// The server under test, set up as an operator would: by its own command line.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { answers, freePort, part, run, start } from "./program.mjs";

/** The person who signs in. */
export const ADA = { email: "ada@example.com", password: "correct horse", name: "Ada Lovelace" };

/** Everything that a client of these tests may ask for. */
export const SCOPE = "openid profile email offline_access readonly";

/** The binary, or the reason to skip. */
export const BINARY = part("AYB_TEST_BIN");

/**
 * Starts a server on an empty database, with one person and one app. `publicUrl` is its address where something stands
 * in front of it, `settings` are further variables of its environment.
 */
export async function startProvider({ publicUrl, settings = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "ayb-interop-"));
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const password = randomBytes(18).toString("base64url");
  const env = { ...environment(folder, publicUrl ?? address, password), ...settings };
  const words = ["start", "--port", String(port)];
  const server = await start(BINARY.value, words, { env, cwd: folder }, () => answers(`${address}/health/ready`));
  const close = async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  };
  const operator = new Operator({ ...env, AYB_URL: address }, folder);
  try {
    await operator.introduce(password);
  } catch (error) {
    await close();
    throw error;
  }
  return { issuer: publicUrl ?? address, address, password, operator, client: operator.client.bind(operator), close, output: server.output };
}

function environment(folder, publicUrl, adminPassword) {
  return {
    PATH: process.env.PATH,
    // The administrator's token is kept here, not in the folder of whoever runs the tests.
    XDG_CONFIG_HOME: join(folder, "config"),
    AYB_DATA_DIR: join(folder, "data"),
    AYB_SERVER_PUBLIC_URL: publicUrl,
    AYB_AUTH_JWT_SECRET: randomBytes(32).toString("base64url"),
    AYB_AUTH_OAUTH_PROVIDER_ENABLED: "true",
    AYB_ADMIN_PASSWORD: adminPassword,
    AYB_AUTH_RATE_LIMIT: "0",
    AYB_LOGGING_LEVEL: "warn",
  };
}

/** Whoever runs the server. */
class Operator {
  constructor(env, folder) {
    this.options = { env, cwd: folder };
  }

  async ayb(words, input) {
    const output = await run(BINARY.value, [...words, "--json"], { ...this.options, input });
    return output.trim() ? JSON.parse(output) : undefined;
  }

  async introduce(password) {
    await run(BINARY.value, ["admin", "login"], { ...this.options, input: `${password}\n` });
    const user = await this.ayb(["users", "create", "--email", ADA.email, "--name", ADA.name], `${ADA.password}\n`);
    this.app = await this.ayb(["apps", "create", "--name", "Interop", "--owner", user.id]);
  }

  /** Registers a client; lists are arrays, other settings as the command line takes them. */
  async client({ type = "confidential", scopes = SCOPE.split(" "), redirectUris, ...settings }) {
    const flags = { name: "Outside client", type, scopes, redirectUris, ...settings };
    const words = Object.entries(flags).flatMap(([name, value]) => [`--${dashed(name)}`, String(value)]);
    const made = await this.ayb(["oauth", "clients", "create", this.app.id, ...words]);
    return { id: made.client.clientId, secret: made.clientSecret ?? undefined };
  }

  async revokeClient(id) {
    await this.ayb(["oauth", "clients", "delete", id]);
  }
}

function dashed(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
