// A private Apache with mod_auth_openidc: its own configuration, port and folder, no rights needed.

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { answers, freePort, part, start } from "./program.mjs";

/** The program, or the reason to skip. */
export const APACHE = part("AYB_TEST_APACHE");

const MODULES = "/usr/lib/apache2/modules";
const NAMES = ["mpm_event", "authn_core", "authz_core", "authz_user", "alias", "headers", "auth_openidc"];

/** What the tests look at: the module puts what it knows into variables, and these headers show them. */
const SHOWN = {
  "X-Email": "OIDC_CLAIM_email",
  "X-Issuer": "OIDC_CLAIM_iss",
  "X-UserInfo": "OIDC_userinfo_json",
  "X-Access-Token": "OIDC_access_token",
  "X-Refresh-Token": "OIDC_refresh_token",
};

/** Starts one Apache with a site for each of `sites`: its port, an example with its values, more directives. */
export async function startApache(sites) {
  const folder = await mkdtemp(join(tmpdir(), "ayb-apache-"));
  // Started as root, Apache serves as another user.
  await chmod(folder, 0o755);
  await mkdir(join(folder, "files"));
  for (const name of ["protected", "api", "bye", "alive"]) await writeFile(join(folder, "files", name), `${name}\n`);
  const alive = await freePort();
  const hosts = await Promise.all([{ port: alive }, ...sites].map((site) => host(site, folder)));
  const configuration = join(folder, "apache.conf");
  await writeFile(configuration, [base(folder), ...hosts].join("\n"));
  const words = ["-f", configuration, "-d", folder, "-D", "FOREGROUND"];
  const server = await start(APACHE.value, words, {}, () => answers(`http://localhost:${alive}/alive`));
  const log = () => readFile(join(folder, "error.log"), "utf8");
  const close = async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  };
  return { close, log };
}

function base(folder) {
  const owner = process.getuid() === 0 ? ["User www-data", "Group www-data"] : [];
  return [
    ...NAMES.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
    ...owner,
    "ServerName localhost",
    `PidFile ${folder}/apache.pid`,
    `ErrorLog ${folder}/error.log`,
    `Mutex file:${folder}`,
    "LogLevel warn auth_openidc:info",
    "StartServers 1",
    `DocumentRoot ${folder}/files`,
    "<Directory />",
    "  Require all granted",
    "</Directory>",
  ].join("\n");
}

async function host({ port, example, values = {}, more = [] }, folder) {
  const text = example ? await readFile(join(import.meta.dirname, "../examples", example), "utf8") : "";
  const filled = text.replace(/\$\{(\w+)\}/g, (_, name) => values[name] ?? missing(name));
  const shown = Object.entries(SHOWN).map(([header, name]) => `Header always set ${header} "%{${name}}e" "expr=-n reqenv('${name}')"`);
  shown.push('Header always set X-User "expr=%{REMOTE_USER}"');
  const site = `127.0.0.1:${port}`;
  return [`Listen ${site}`, `<VirtualHost ${site}>`, filled, ...more, ...shown, "</VirtualHost>"].join("\n");
}

function missing(name) {
  throw new Error(`the example needs ${name}`);
}
