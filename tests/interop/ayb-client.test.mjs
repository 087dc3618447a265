// Our own client, in crates/client, against our own server: both ends of every message that we speak.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

import { Desk } from "./kit/desk.mjs";
import { report } from "./kit/foreign.mjs";
import { run } from "./kit/program.mjs";
import { BINARY } from "./kit/provider.mjs";

test("ayb-client", { skip: BINARY.skip }, async (t) => {
  const { AYB_INTEROP_DESK: _, ...inherited } = process.env;
  const env = { ...inherited, RUST_BACKTRACE: "0" };
  const options = { cwd: join(import.meta.dirname, "../.."), env };
  const words = ["test", "--locked", "--package", "ayb-client", "--test", "interop"];
  await run("cargo", [...words, "--quiet", "--no-run"], options);
  const desk = await Desk.open();
  t.after(() => desk.close());
  const output = await new Promise((resolve) => {
    const started = [...words, "--", "--ignored"];
    execFile("cargo", started, { ...options, env: { ...env, AYB_INTEROP_DESK: desk.url } }, (_, out, err) => resolve(out + err));
  });
  await report(t, "ayb-client", output);
});
