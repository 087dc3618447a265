// One shell for a whole page, as its reader has: variables that a command sets are there for the next.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** How long one command may take, in milliseconds. */
const LIMIT = 60_000;

export class Shell {
  #child;
  #printed = "";
  #errors = "";
  #count = 0;

  constructor(options) {
    this.#child = spawn("bash", ["--noprofile", "--norc"], { stdio: ["pipe", "pipe", "pipe"], ...options });
    this.#child.stdin.on("error", () => {});
    this.#child.stdout.setEncoding("utf8").on("data", (text) => (this.#printed += text));
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.#errors += text));
    this.#child.stdin.write("set -euo pipefail\n");
  }

  /** Runs a command and gives what it prints; fails when any part of it fails. */
  async run(command) {
    const end = `end-of-command-${(this.#count += 1)}`;
    const start = this.#printed.length;
    this.#child.stdin.write(`${command}\nprintf '%s' ${end}\n`);
    const deadline = Date.now() + LIMIT;
    while (!this.#printed.endsWith(end)) {
      if (this.#child.exitCode !== null) throw new Error(`failed:\n${command}\n${this.#printed.slice(start)}${this.#errors}`);
      if (Date.now() > deadline) throw new Error(`no end of:\n${command}\n${this.#printed.slice(start)}${this.#errors}`);
      await wait(10);
    }
    return this.#printed.slice(start, -end.length);
  }

  async close() {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
  }
}
