// Our client against npm's oauth2-mock-server, whose answers can be changed on order.

import { test } from "node:test";

import { OAuth2Server } from "oauth2-mock-server";

import { Browser } from "./kit/browser.mjs";
import { prove } from "./kit/desk.mjs";

const servers = new Map();

async function start({ algorithms }) {
  const server = new OAuth2Server();
  for (const algorithm of algorithms) await server.issuer.keys.generate(algorithm);
  await server.start(0, "127.0.0.1");
  // What it says about itself is fixed otherwise, whatever it signs with.
  server.service.on("beforeWellKnownOpenIdConfiguration", ({ body }) => {
    body.id_token_signing_alg_values_supported = algorithms;
  });
  servers.set(server.issuer.url, server);
  return server.issuer.url;
}

/** A member that is null is left out. */
function changed(object, change) {
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete object[name];
    else object[name] = value;
  }
}

/** What is to be wrong in the next answer. */
function wrong({ issuer, event, change }) {
  const { service } = servers.get(issuer);
  const answer = (response) => {
    response.statusCode = change.status;
    changed(response.body, change.body);
  };
  if (event === "tokens") service.once("beforeResponse", answer);
  else if (event === "userinfo") service.once("beforeUserinfo", answer);
  else {
    const spoil = ({ payload }) => {
      if (!payload.aud) return;
      changed(payload, change);
      service.off("beforeTokenSigning", spoil);
    };
    service.on("beforeTokenSigning", spoil);
  }
}

/** Another key signs from now on, and the old one is not there any more. */
async function rotate({ issuer }) {
  const keys = servers.get(issuer).issuer.keys;
  const [old] = keys.toJSON();
  const fresh = await keys.generate("ES256");
  keys.toJSON = () => [{ ...fresh, d: undefined }];
  keys.get = () => fresh;
  return old.kid;
}

test("oauth2-mock-server", async (t) => {
  t.after(() => Promise.all([...servers.values()].map((server) => server.stop())));
  await prove(t, "mock_server", {
    start,
    wrong,
    rotate,
    approve: ({ address, redirectUri }) => new Browser().visit(address, redirectUri),
  });
});
