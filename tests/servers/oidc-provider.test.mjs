// Our client, in crates/client, against npm's oidc-provider, which is certified for most of what it does.

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { Provider, errors } from "oidc-provider";

import { Browser } from "./kit/browser.mjs";
import { prove } from "./kit/desk.mjs";

const HOUR = 3600;
const API = "https://api.example/";

function key(alg, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: alg };
}

function settings() {
  return {
    jwks: {
      keys: [
        key("RS256", "rsa", { modulusLength: 2048 }),
        key("PS256", "rsa", { modulusLength: 2048 }),
        key("ES256", "ec", { namedCurve: "P-256" }),
        key("EdDSA", "ed25519"),
      ],
    },
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA", "HS256"] },
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"],
    scopes: ["openid", "email", "offline_access", "orders"],
    claims: { openid: ["sub"], email: ["email"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com` }) }),
    rotateRefreshToken: true,
    issueRefreshToken: (_, client, code) => client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
    ttl: { AccessToken: HOUR, ClientCredentials: HOUR, DeviceCode: 600, Grant: HOUR, IdToken: HOUR, RefreshToken: HOUR, Session: HOUR, Interaction: HOUR },
    cookies: { keys: ["a key for cookies of tests"] },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      registration: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => {
          if (resource !== API) throw new errors.InvalidTarget();
          return { scope: "orders", audience: API, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
        },
        useGrantedResource: () => true,
      },
    },
  };
}

async function start(t) {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on("request", new Provider(issuer, settings()).callback());
  return issuer;
}

/** Registers a client by the server's own registration (RFC 7591). */
async function register(issuer, metadata) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${issuer}/reg`, { method: "POST", headers, body: JSON.stringify(metadata) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** The way out of the server's pages. */
const abort = (text) => text.match(/href="([^"]*\/abort)"/)?.[1];

test("oidc-provider", async (t) => {
  const issuer = await start(t);
  await prove(t, "oidc_provider", {
    issuer: () => issuer,
    client: (metadata) => register(issuer, metadata),
    approve: ({ address, redirectUri }) => new Browser().visit(address, redirectUri),
    deny: ({ address, redirectUri }) => new Browser({ refuses: abort }).visit(address, redirectUri),
    device: ({ address }) => new Browser().visit(address),
    logout: ({ address, redirectUri }) => new Browser({ typed: { "button:logout": "yes" } }).visit(address, redirectUri),
  });
});
