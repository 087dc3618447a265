// Programs beside the tests: started, waited for, stopped.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** How long a program may take to begin answering, in milliseconds. */
const START_LIMIT = 30_000;

/** A part of the set-up, by its variable: missing it is an error where everything must run, elsewhere a reason to skip. */
export function part(variable) {
  const value = process.env[variable];
  if (!value && process.env.CI) throw new Error(`${variable} is not set, and CI is`);
  return value ? { value, skip: false } : { value, skip: `${variable} is not set; \`cargo xtask test\` sets it` };
}

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Runs a program to its end and gives what it printed; fails when it fails. */
export function run(program, words, { input = "", ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = execFile(program, words, { maxBuffer: 1 << 26, ...options }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${words.join(" ")}\n${stdout}\n${stderr}`, { cause: error }));
      else resolve(stdout);
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Starts a server and waits until `answers(output)` holds or resolves to true. */
export async function start(program, words, options, answers) {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const output = [];
  let failure;
  child.on("error", (error) => (failure = error));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => output.push(text));
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null || failure) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  const text = () => output.join("");
  try {
    await until(async () => {
      if (failure || child.exitCode !== null) throw new Error(`${program} ended at once\n${text()}`, { cause: failure });
      return answers(text());
    }, `${program} to answer`);
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${text()}`, { cause: error });
  }
  return { stop, output: text };
}

/** Waits until a condition holds, looking again and again. */
export async function until(condition, what) {
  const deadline = Date.now() + START_LIMIT;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether an address answers with a success. */
export async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
