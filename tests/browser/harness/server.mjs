// Our server: the real binary on a free port, with a configuration and a data folder that nobody else uses.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BUILT_HERE = fileURLToPath(new URL("../../../target/debug/ayb", import.meta.url));
const ADMIN_PASSWORD = "the administrator of the browser tests";

/** Hashing at full cost would only make the tests slow, and a limit by address would stop them: they share one. */
const configuration = (port) => `
[server]
port = ${port}
public_url = "http://localhost:${port}"
shutdown_timeout = 2
[admin]
password = "${ADMIN_PASSWORD}"
login_rate_limit = 0
[auth]
jwt_secret = "only for the browser tests, 32 characters"
rate_limit = 0
password_memory_kib = 7168
password_iterations = 1
[auth.oauth_provider]
enabled = true
key_rotation_days = 0
`;

/** A port that nobody listens on. */
async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** The environment without settings of ours that a developer may have. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AYB_")));
}

/** Starts the server and waits until it says that it runs. */
export async function startServer() {
  const program = process.env.AYB_TEST_BIN ?? BUILT_HERE;
  await access(program);
  const folder = await mkdtemp(join(tmpdir(), "ayb-browser-"));
  const port = await freePort();
  const config = join(folder, "ayb.toml");
  await writeFile(config, configuration(port), { mode: 0o600 });
  const words = ["start", "--demo", "--config", config, "--data-dir", join(folder, "data")];
  const child = spawn(program, words, { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  const server = new Server(child, folder, `http://localhost:${port}`);
  await server.running();
  return server;
}

class Server {
  #child;
  #folder;
  #output = "";

  constructor(child, folder, origin) {
    this.#child = child;
    this.#folder = folder;
    this.origin = origin;
    this.adminPassword = ADMIN_PASSWORD;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (this.#output += text));
    }
  }

  /** Everything that it has printed, for the report of a failure. */
  get output() {
    return this.#output;
  }

  /** Waits until the server has printed something that matches, and gives the match. */
  printed(pattern) {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.#output.match(pattern);
        if (!found) return;
        for (const stream of [this.#child.stdout, this.#child.stderr]) stream.off("data", look);
        resolve(found);
      };
      for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on("data", look);
      look();
    });
  }

  async running() {
    const ended = once(this.#child, "exit").then(([code]) => {
      throw new Error(`the server ended with ${code} instead of starting:\n${this.#output}`);
    });
    await Promise.race([this.printed(/is running/), ended]);
    ended.catch(() => {});
    const health = await fetch(`${this.origin}/health/ready`);
    if (!health.ok) throw new Error(`the server is not ready: ${health.status}`);
  }

  async stop() {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [code] = await ended;
    await rm(this.#folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${this.#output}`);
  }
}
