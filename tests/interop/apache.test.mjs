// Debian's libapache2-mod-auth-openidc in a real Apache, configured by examples/apache.conf and examples/apache-api.conf.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";

import * as client from "openid-client";

import { APACHE, startApache } from "./kit/apache.mjs";
import { Forger } from "./kit/forger.mjs";
import { Person } from "./kit/person.mjs";
import { freePort } from "./kit/program.mjs";
import { ADA, BINARY, SCOPE, startProvider } from "./kit/provider.mjs";

const AUDIENCE = "https://api.example.com";

/** Each way in which a site proves itself and has its ID tokens signed; the module knows no EdDSA. */
const KINDS = [
  { method: "client_secret_basic", alg: "RS256", tokenFormat: "opaque" },
  { method: "client_secret_post", alg: "ES256", tokenFormat: "jwt" },
  { method: "none", alg: "RS256", tokenFormat: "opaque" },
];

/** A site that nobody has allowed anything yet. */
const STRANGE = "strange";

/** A site that signs its visitors in, registered at the provider. */
async function relyingParty(provider, { method, alg, tokenFormat }) {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const registered = await provider.client({
    type: method === "none" ? "public" : "confidential",
    redirectUris: [`${url}/callback`],
    postLogoutRedirectUris: [`${url}/bye`],
    signingAlg: alg,
    tokenFormat,
  });
  const values = {
    ISSUER: provider.issuer,
    SITE: url,
    CLIENT_ID: registered.id,
    CLIENT_SECRET: registered.secret ?? "none",
    PASSPHRASE: randomBytes(32).toString("base64url"),
  };
  const more = [`OIDCProviderTokenEndpointAuth ${method}`, `OIDCIDTokenSignedResponseAlg ${alg}`];
  return { url, registered, site: { port, example: "apache.conf", values, more } };
}

/** What the module is asked to do at its own address. */
function order(party, words) {
  return `${party.url}/callback?${new URLSearchParams(words)}`;
}

describe("mod_auth_openidc", { skip: BINARY.skip || APACHE.skip }, () => {
  let provider;
  let apache;
  let api;
  const parties = new Map();
  before(async () => {
    provider = await startProvider();
    for (const kind of KINDS) parties.set(kind.method, await relyingParty(provider, kind));
    parties.set(STRANGE, await relyingParty(provider, KINDS[0]));
    const port = await freePort();
    api = `http://localhost:${port}/api`;
    const values = { ISSUER: provider.issuer, AUDIENCE };
    const sites = [...parties.values()].map(({ site }) => site);
    apache = await startApache([...sites, { port, example: "apache-api.conf", values }]);
  });
  after(async () => {
    await apache?.close();
    await provider?.close();
  });

  for (const { method, alg, tokenFormat } of KINDS) {
    test(`mod_auth_openidc signs in with ${method}, ${alg}, ${tokenFormat} access tokens`, async () => {
      const ada = new Person(ADA);
      const page = await ada.visit(`${parties.get(method).url}/protected`);
      assert.deepEqual([page.status, page.text], [200, "protected\n"], await apache.log());
      assert.deepEqual(ada.asked.slice(0, 2), ["login-submit", "consent-allow"]);
      assert.equal(page.headers["x-issuer"], provider.issuer);
      assert.equal(page.headers["x-email"], ADA.email);
      const person = JSON.parse(page.headers["x-userinfo"]);
      assert.deepEqual([person.sub, person.name], [page.headers["x-user"], ADA.name]);
      assert.equal(page.headers["x-access-token"].split(".").length, tokenFormat === "jwt" ? 3 : 1);
    });

    test(`mod_auth_openidc refreshes with ${method}, and the old refresh token is refused`, async () => {
      const party = parties.get(method);
      const ada = new Person(ADA);
      const first = await ada.visit(`${party.url}/protected`);
      const again = { refresh: `${party.url}/protected`, access_token: first.headers["x-access-token"] };
      const second = await ada.visit(order(party, again));
      assert.equal(second.url.searchParams.get("error_code"), null, await apache.log());
      assert.notEqual(second.headers["x-access-token"], first.headers["x-access-token"]);
      assert.notEqual(second.headers["x-refresh-token"], first.headers["x-refresh-token"]);
      await replay(party, method, first.headers["x-refresh-token"]);
      const dead = { refresh: `${party.url}/protected`, access_token: second.headers["x-access-token"] };
      const third = await ada.visit(order(party, dead));
      assert.equal(third.url.searchParams.get("error_code"), "refresh_failed");
      assert.match(await apache.log(), /"?error"?.*invalid_grant/);
    });

    test(`mod_auth_openidc signs out with ${method}, and revokes its tokens`, async () => {
      const party = parties.get(method);
      const ada = new Person(ADA);
      const page = await ada.visit(`${party.url}/protected`);
      const bye = await ada.visit(order(party, { logout: `${party.url}/bye` }));
      assert.deepEqual([bye.url.pathname, bye.text], ["/bye", "bye\n"], await apache.log());
      const headers = { authorization: `Bearer ${page.headers["x-access-token"]}` };
      assert.equal((await fetch(`${provider.issuer}/oauth/userinfo`, { headers })).status, 401);
      ada.asked.length = 0;
      await ada.visit(`${party.url}/protected`);
      assert.ok(ada.asked.includes("login-submit"), "the session at the provider is over");
    });
  }

  test("mod_auth_openidc keeps a visitor out who denies", async () => {
    const denying = new Person({ ...ADA, consent: "deny" });
    const page = await denying.visit(`${parties.get(STRANGE).url}/protected`);
    // The `iss` of the answer (RFC 9207) makes this release take an error for a sign-in that a third party began: the
    // visitor stays out, but is not told why.
    assert.match(page.text, /<title>Error<\/title>/);
    assert.ok(!page.headers["x-user"]);
    assert.notEqual(page.text, "protected\n");
  });

  for (const alg of ["RS256", "ES256"]) {
    test(`mod_auth_openidc lets a machine into an API with a ${alg} JWT, verified through the key set`, async () => {
      const settings = { tokenFormat: "jwt", signingAlg: alg, scopes: ["readonly"], redirectUris: ["http://localhost:9/callback"] };
      const wanted = await machineToken(provider, { ...settings, audience: AUDIENCE });
      const foreign = await machineToken(provider, { ...settings, audience: "https://other.example.com" });
      const [head, claims, signature] = wanted.split(".");
      const changed = [head, claims, signature.slice(0, -8) + "AAAAAAAA"].join(".");
      for (const [token, status] of [
        [wanted, 200],
        [foreign, 401],
        [changed, 401],
        ["ayb_at_0", 401],
      ]) {
        const answer = await fetch(api, { headers: { authorization: `Bearer ${token}` } });
        assert.equal(answer.status, status, `${token}\n${await apache.log()}`);
      }
      assert.equal((await fetch(api)).status, 401);
    });
  }

  /** Somebody else uses the refresh token that was rotated away. */
  async function replay(party, method, token) {
    const proofs = { client_secret_basic: client.ClientSecretBasic, client_secret_post: client.ClientSecretPost, none: client.None };
    const { id, secret } = party.registered;
    const options = { execute: [client.allowInsecureRequests] };
    const config = await client.discovery(new URL(provider.issuer), id, {}, proofs[method](secret), options);
    await assert.rejects(client.refreshTokenGrant(config, token), { error: "invalid_grant" });
  }
});

async function machineToken(provider, settings) {
  const { id, secret } = await provider.client(settings);
  const options = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(provider.issuer), id, secret, undefined, options);
  return (await client.clientCredentialsGrant(config, { scope: "readonly" })).access_token;
}

describe("mod_auth_openidc against lies", { skip: BINARY.skip || APACHE.skip }, () => {
  let forger;
  let provider;
  let apache;
  const parties = new Map();
  before(async () => {
    forger = await Forger.start();
    provider = await startProvider({ publicUrl: forger.url });
    forger.front(provider.address);
    for (const alg of ["RS256", "ES256"]) {
      parties.set(alg, await relyingParty(provider, { method: "client_secret_basic", alg, tokenFormat: "opaque" }));
    }
    apache = await startApache([...parties.values()].map(({ site }) => site));
  });
  after(async () => {
    await apache?.close();
    await provider?.close();
    await forger?.close();
  });

  for (const alg of ["RS256", "ES256"]) {
    test(`mod_auth_openidc accepts a true ${alg} ID token of a published key`, async () => {
      forger.lie("nothing");
      const page = await new Person(ADA).visit(`${parties.get(alg).url}/protected`);
      assert.equal(forger.honest(), 1);
      assert.deepEqual([page.status, page.headers["x-email"]], [200, ADA.email], await apache.log());
    });
  }

  for (const [lie, complaint] of [
    ["nonce", /the nonce value \(another\) in the id_token did not match/],
    ["no nonce", /did not contain a "nonce" string/],
    ["iss", /does not match received "iss" value in id_token/],
    ["aud", /did not match the "aud" claim value/],
    ["exp", /"exp" validation failure/],
    ["no sub", /did not contain the required-by-spec "sub" string value/],
    ["signature", /JWT signature verification failed/],
    ["alg none", /no OpenSSL digest algorithm name found for algorithm "none"/],
    ["alg HS256", /not signed with the expected configured algorithm: HS256 != RS256/],
  ]) {
    test(`mod_auth_openidc refuses an ID token that lies: ${lie}`, async () => {
      const party = parties.get("RS256");
      forger.lie(lie, party.registered.secret);
      const page = await new Person(ADA).visit(`${party.url}/protected`);
      assert.equal(forger.honest(), 1);
      refused(page);
      assert.match(await apache.log(), complaint);
    });
  }

  test("mod_auth_openidc refuses UserInfo about somebody else", async () => {
    forger.lie("userinfo sub");
    const page = await new Person(ADA).visit(`${parties.get("RS256").url}/protected`);
    assert.notEqual(forger.honest(), 0);
    assert.equal(page.headers["x-userinfo"], undefined, "what it says is not taken over");
  });

  for (const [parameter, value] of [
    ["state", "another"],
    ["state", undefined],
    ["iss", "http://localhost:1"],
  ]) {
    test(`mod_auth_openidc refuses an answer whose ${parameter} is ${value ? "another" : "missing"}`, async () => {
      const { url } = parties.get("RS256");
      const ada = new Person(ADA);
      const arrived = await ada.approve(`${url}/protected`, `${url}/callback`);
      if (value) arrived.searchParams.set(parameter, value);
      else arrived.searchParams.delete(parameter);
      refused(await ada.visit(arrived));
    });
  }

  function refused(page) {
    assert.ok(!page.headers["x-user"], page.text);
    assert.notEqual(page.text, "protected\n");
    assert.ok(page.status >= 400 || /error/i.test(page.text), `${page.status} ${page.text}`);
  }
});
