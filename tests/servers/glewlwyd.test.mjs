// Our client against Debian's glewlwyd, a server in C, on SQLite.

import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

import { answers, freePort, part, run, start } from "../interop/kit/program.mjs";
import { Browser } from "./kit/browser.mjs";
import { prove } from "./kit/desk.mjs";

const GLEWLWYD = part("AYB_TEST_GLEWLWYD");
const SCHEMA = "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz";
const MODULES = "/usr/lib/glewlwyd";
/** What the schema makes. */
const ADMINISTRATOR = { username: "admin", password: "password" };
const ADA = { username: "ada", password: "correct horse" };
const SCOPE = "openid orders";

function configuration(folder, address, port) {
  return `
port=${port}
bind_address="127.0.0.1"
external_url="${address}"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="WARNING"
cookie_secure=0
session_expiration=86400
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="${MODULES}/user"
client_module_path="${MODULES}/client"
user_auth_scheme_module_path="${MODULES}/scheme"
plugin_module_path="${MODULES}/plugin"
hash_algorithm="SHA512"
database={type="sqlite3"; path="${folder}/glewlwyd.db";};
`;
}

/** Somebody who is signed in to the server's own interface. */
class Session {
  static async open(address, credentials) {
    const session = new Session();
    session.api = `${address}/api`;
    const answer = await session.send("POST", "/auth/", credentials);
    session.cookie = answer.headers.getSetCookie().map((set) => set.split(";")[0]).join("; ");
    return session;
  }

  async send(method, path, body) {
    const headers = { "content-type": "application/json", cookie: this.cookie ?? "" };
    const answer = await fetch(`${this.api}${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}

function plugin(issuer, name, type, keys) {
  const pem = (key, format) => key.export({ type: format, format: "pem" });
  const parameters = {
    iss: issuer,
    "jwt-type": type,
    "jwt-key-size": "256",
    key: pem(keys.privateKey, "pkcs8"),
    cert: pem(keys.publicKey, "spki"),
    "access-token-duration": 3600,
    "refresh-token-duration": 86_400,
    "code-duration": 600,
    "refresh-token-rolling": true,
    "refresh-token-one-use": "always",
    "allow-non-oidc": true,
    "auth-type-code-enabled": true,
    "auth-type-code-revoke-replayed": true,
    "auth-type-token-enabled": false,
    "auth-type-client-enabled": true,
    "auth-type-device-enabled": true,
    "auth-type-refresh-enabled": true,
    "jwks-show": true,
    "request-parameter-allow": false,
    "pkce-allowed": true,
    "pkce-required": true,
    "introspection-revocation-allowed": true,
    "introspection-revocation-allow-target-client": true,
    "oauth-as-iss-id": true,
    "oauth-par-allowed": true,
    "oauth-par-required": false,
    "oauth-par-request_uri-prefix": "urn:ietf:params:oauth:request_uri:",
    "oauth-par-duration": 90,
    "email-claim": "mandatory",
    "device-authorization-expiration": 600,
    "device-authorization-interval": 1,
  };
  return { module: "oidc", name, display_name: name, parameters };
}

/** Starts it on an empty database, with one person and one issuer for each algorithm. */
async function open(t) {
  const folder = await mkdtemp(join(tmpdir(), "ayb-glewlwyd-"));
  t.after(() => rm(folder, { recursive: true }));
  await run("sqlite3", [`${folder}/glewlwyd.db`], { input: gunzipSync(await readFile(SCHEMA)) });
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  await writeFile(`${folder}/glewlwyd.conf`, configuration(folder, address, port));
  const words = ["--config-file", `${folder}/glewlwyd.conf`];
  const server = await start(GLEWLWYD.value, words, { cwd: folder }, () => answers(`${address}/config`));
  t.after(server.stop);
  const admin = await Session.open(address, ADMINISTRATOR);
  await admin.send("POST", "/scope/", { name: "orders", display_name: "orders", password_required: false });
  await admin.send("POST", "/user/", { ...ADA, email: "ada@example.com", scope: ["openid", "orders"] });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await admin.send("POST", "/mod/plugin/", plugin(`${address}/api/es256`, "es256", "ecdsa", ec));
  await admin.send("POST", "/mod/plugin/", plugin(`${address}/api/rs256`, "rs256", "rsa", rsa));
  return { admin, address };
}

test("glewlwyd", { skip: GLEWLWYD.skip }, async (t) => {
  const { admin, address } = await open(t);
  const ada = await Session.open(address, ADA);
  await prove(t, "glewlwyd", {
    issuer: ({ algorithm }) => `${address}/api/${algorithm.toLowerCase()}`,
    async client({ client_id, ...settings }) {
      await admin.send("POST", "/client/", { client_id, name: client_id, enabled: true, scope: SCOPE.split(" "), ...settings });
      await ada.send("PUT", `/auth/grant/${client_id}`, { scope: SCOPE });
    },
    approve: (words) => visit(ada, words),
  });
});

/** The page for signing in is a program; it goes on so when whoever is signed in has agreed. */
const script = (url) => url.pathname === "/login.html" && `${url.searchParams.get("callback_url")}&g_continue`;

function visit(session, { address, redirectUri }) {
  const browser = new Browser({ script });
  browser.remember(session.cookie);
  return browser.visit(address, redirectUri);
}
