// The crate openidconnect, in rust/. It is its own workspace with its own lock file, and is built beside the product.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

import { Desk } from "./kit/desk.mjs";
import { report } from "./kit/foreign.mjs";
import { run } from "./kit/program.mjs";
import { BINARY } from "./kit/provider.mjs";

test("openidconnect", { skip: BINARY.skip }, async (t) => {
  const { AYB_INTEROP_DESK: _, ...inherited } = process.env;
  const env = { ...inherited, RUST_BACKTRACE: "0", CARGO_TARGET_DIR: join(import.meta.dirname, "../../target/interop") };
  const options = { cwd: join(import.meta.dirname, "rust"), env };
  await run("cargo", ["test", "--locked", "--quiet", "--no-run"], options);
  const desk = await Desk.open();
  t.after(() => desk.close());
  const output = await new Promise((resolve) => {
    const words = ["test", "--locked", "--test", "suite"];
    execFile("cargo", words, { ...options, env: { ...env, AYB_INTEROP_DESK: desk.url } }, (_, out, err) => resolve(out + err));
  });
  await report(t, "openidconnect", output);
});
