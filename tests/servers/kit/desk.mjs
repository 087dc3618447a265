// Where the Rust tests ask for what these tests provide: `POST /<ask>` with a JSON object answers with a JSON value, or with
// status 500 and the reason.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";

import { report } from "../../interop/kit/foreign.mjs";
import { run } from "../../interop/kit/program.mjs";

const ROOT = join(import.meta.dirname, "../../..");
const WORDS = ["test", "--locked", "--package", "ayb-client", "--test", "outside"];
const { AYB_INTEROP_DESK: _, ...INHERITED } = process.env;
const ENV = { ...INHERITED, RUST_BACKTRACE: "0" };

/** Runs the Rust tests of one module, with a desk that knows these asks, and reports each as a test of ours. */
export async function prove(t, module, asks) {
  await run("cargo", [...WORDS, "--quiet", "--no-run"], { cwd: ROOT, env: ENV });
  const desk = createServer((request, response) => answer(asks, request, response)).listen(0, "127.0.0.1");
  await once(desk, "listening");
  t.after(() => {
    desk.closeAllConnections();
    desk.close();
  });
  const env = { ...ENV, AYB_INTEROP_DESK: `http://127.0.0.1:${desk.address().port}` };
  const output = await new Promise((resolve) => {
    const started = [...WORDS, "--", "--ignored", `${module}::`, "--test-threads=1"];
    execFile("cargo", started, { cwd: ROOT, env, maxBuffer: 1 << 26 }, (_, out, err) => resolve(out + err));
  });
  await report(t, "outside", output);
}

async function answer(asks, request, response) {
  try {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const value = await asks[request.url.slice(1)](JSON.parse(text || "{}"));
    response.setHeader("content-type", "application/json").end(JSON.stringify(value ?? null));
  } catch (error) {
    response.writeHead(500).end(error.stack);
  }
}
