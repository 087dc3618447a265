// PyPI Authlib, in python/test_authlib.py.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

import { Desk } from "./kit/desk.mjs";
import { report } from "./kit/foreign.mjs";
import { part } from "./kit/program.mjs";
import { BINARY } from "./kit/provider.mjs";

const PYTHON = part("AYB_TEST_PYTHON");

test("Authlib", { skip: BINARY.skip || PYTHON.skip }, async (t) => {
  const desk = await Desk.open();
  t.after(() => desk.close());
  const script = join(import.meta.dirname, "python/test_authlib.py");
  const env = { PATH: process.env.PATH, AYB_INTEROP_DESK: desk.url, PYTHONDONTWRITEBYTECODE: "1" };
  const output = await new Promise((resolve) => {
    execFile(PYTHON.value, [script], { env }, (_, out, err) => resolve(out + err));
  });
  await report(t, "authlib", output);
});
