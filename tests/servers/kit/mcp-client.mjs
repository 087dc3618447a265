// The client that the conformance suite starts, with the address of a server as its last word: one of the Rust tests.

import { spawnSync } from "node:child_process";
import { join } from "node:path";

const words = ["test", "--quiet", "--locked", "--package", "ayb-client", "--test", "outside", "--", "--ignored", "--exact", "mcp::client"];
const env = { ...process.env, AYB_MCP_SERVER: process.argv.at(-1) };
process.exitCode = spawnSync("cargo", words, { cwd: join(import.meta.dirname, "../../.."), env, stdio: "inherit" }).status;
