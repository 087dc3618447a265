// A reader who does what the pages say, in an empty folder, on a port of their own.

import { mkdtemp, rm, symlink, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { answers, freePort, part, start } from "../../tests/interop/kit/program.mjs";
import { commands, fits } from "./page.mjs";
import { Shell } from "./shell.mjs";

/** The binary, or the reason to skip. */
export const BINARY = part("AYB_TEST_BIN");

/** The example API of the manual, or the reason to skip. */
export const NOTES_API = part("AYB_TEST_NOTES_API");

/** The ports that the pages use: the server's, and the one of the example API. */
const PAGE_PORT = "8090";
const API_PORT = "4010";

/** The page of a name. */
export function pageOf(name) {
  return new URL(name === "README" ? "../../README.md" : `../guide/${name}.md`, import.meta.url);
}

export class Reader {
  #servers = [];

  static async begin() {
    const reader = new Reader();
    reader.folder = await mkdtemp(join(tmpdir(), "ayb-docs-"));
    reader.port = String(await freePort());
    reader.apiPort = String(await freePort());
    await mkdir(join(reader.folder, "bin"));
    await symlink(BINARY.value, join(reader.folder, "bin/ayb"));
    if (!NOTES_API.skip) await symlink(NOTES_API.value, join(reader.folder, "bin/notes_api"));
    const env = {
      PATH: `${join(reader.folder, "bin")}:${process.env.PATH}`,
      HOME: reader.folder,
      AYB_SERVER_PORT: reader.port,
      AYB_LOGGING_LEVEL: "warn",
      // The packages of this folder, for the examples that use one.
      NODE_PATH: new URL("../node_modules", import.meta.url).pathname,
    };
    if (process.env.AYB_TEST_PYTHON) env.PYTHON = process.env.AYB_TEST_PYTHON;
    reader.options = { cwd: reader.folder, env };
    reader.shell = new Shell(reader.options);
    return reader;
  }

  /** Sets a server up as the quick start does. */
  async serve() {
    for (const command of await commands(pageOf("quick-start"))) {
      await this.#obey("quick-start", command);
      if (command.background) return;
    }
  }

  /** Starts the demo, as `cargo xtask start` does. */
  async demo() {
    await this.#obey("the demo", { body: "ayb start --demo --data-dir .demo", background: true });
  }

  /** Does everything that a page says. */
  async follow(name) {
    for (const command of await commands(pageOf(name))) {
      await this.#obey(`${name}.md:${command.line}`, command);
    }
  }

  async #obey(place, { body, background, output }) {
    const words = body.replaceAll(PAGE_PORT, this.port).replaceAll(API_PORT, this.apiPort).trim();
    if (background) {
      const ready = () => answers(words.startsWith("notes_api") ? this.#api() : this.#server());
      this.#servers.push(await start("bash", ["-c", `exec ${words}`], this.options, ready));
      return;
    }
    const said = await this.shell.run(words);
    const printed = said.replaceAll(this.port, PAGE_PORT).replaceAll(this.apiPort, API_PORT);
    if (output !== undefined && !fits(printed, output)) {
      throw new Error(`${place} promises\n${output}\nand what is printed is\n${printed}`);
    }
  }

  /** What answers when the server runs. */
  #server() {
    return `http://localhost:${this.port}/health/ready`;
  }

  /** What answers when the example API runs. */
  #api() {
    return `http://localhost:${this.apiPort}/.well-known/oauth-protected-resource`;
  }

  async end() {
    await this.shell.close();
    for (const server of this.#servers) await server.stop();
    await rm(this.folder, { recursive: true });
  }
}
