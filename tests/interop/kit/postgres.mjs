// A PostgreSQL of one's own, started from the programs of the system, as `tests/testkit/src/cluster.rs` does for Rust.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Serves until its input ends, because we asked or because we are gone; then it leaves nothing behind. */
const KEEPER = `
trap '' INT TERM HUP
cd "$1" || exit 1
"$2/initdb" -D data -U ayb -A trust -E UTF8 --no-locale --no-sync >initdb.log 2>&1 &&
"$2/pg_ctl" -D data -s -w -t 60 -l server.log -o "-k '$1' -c listen_addresses= -c fsync=off" start >control.log 2>&1
echo $?
read -r _
"$2/pg_ctl" -D data -s -w -t 60 -m immediate stop >control.log 2>&1
cd / && rm -rf "$1"
`;

/** The folder of the newest PostgreSQL that has a server. */
function programs() {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).map(Number).filter(Boolean).sort((a, b) => b - a) : [];
  const folders = [...versions.map((version) => `${root}/${version}/bin`), ...process.env.PATH.split(":")];
  return folders.find((folder) => existsSync(join(folder, "initdb")));
}

/** Why there is none, for tests that are left out then; where everything must run that is an error. */
export const NO_POSTGRES = missing();

function missing() {
  if (process.env.AYB_TEST_POSTGRES_URL || programs()) return false;
  if (process.env.CI) throw new Error("there is no PostgreSQL, and CI is set");
  return "no PostgreSQL: install its server, or name one in AYB_TEST_POSTGRES_URL";
}

/** An empty database: its address, and what takes it away. */
export async function startPostgres() {
  if (process.env.AYB_TEST_POSTGRES_URL) return givenDatabase(process.env.AYB_TEST_POSTGRES_URL);
  const folder = await mkdtemp(join(tmpdir(), "ayb-pg-"));
  const child = spawn(...unprivileged(folder, ["sh", "-c", KEEPER, "keeper", folder, programs()]), {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH, LC_ALL: "C" },
  });
  const [status] = await once(child.stdout.setEncoding("utf8"), "data");
  const close = async () => {
    child.stdin.end();
    await once(child, "exit");
  };
  if (status.trim() === "0") return { url: `postgres:///postgres?host=${encodeURIComponent(folder)}&user=ayb`, close };
  await close();
  throw new Error("PostgreSQL did not start");
}

/** A command that does not run as root, because PostgreSQL refuses to. */
function unprivileged(folder, [program, ...words]) {
  if (process.getuid() !== 0) return [program, words];
  const number = (kind) => Number(execFileSync("id", [kind, "postgres"]));
  chownSync(folder, number("-u"), number("-g"));
  return ["setpriv", ["--reuid", "postgres", "--regid", String(number("-g")), "--init-groups", "--", program, ...words]];
}

function givenDatabase(server) {
  const name = `ayb_interop_${process.pid}_${Date.now()}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const ask = (sql) => execFileSync("psql", [server, "-q", "-c", sql]);
  ask(`create database ${name}`);
  return { url: url.href, close: async () => ask(`drop database ${name} with (force)`) };
}
