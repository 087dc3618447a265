// Suites that are not written in JavaScript: run once, each of their tests reported as a test of ours.

import assert from "node:assert/strict";

/** Reports what a suite printed: `test <name> ... <verdict>`, one line for each test. */
export async function report(t, prefix, output) {
  const tests = [...output.matchAll(/^test (.+?) \.\.\. (\w+)/gm)].map(([, name, verdict]) => ({ name, verdict }));
  assert.notEqual(tests.length, 0, `no test ran\n${output}`);
  for (const { name, verdict } of tests) {
    await t.test(`${prefix}::${name}`, () => assert.equal(verdict, "ok", output));
  }
}
