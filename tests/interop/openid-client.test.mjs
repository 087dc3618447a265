// npm openid-client, the certified relying party library for Node.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";

import { Forger } from "./kit/forger.mjs";
import { ErrorPage, Person } from "./kit/person.mjs";
import { ADA, BINARY, SCOPE, startProvider } from "./kit/provider.mjs";

const CALLBACK = "http://localhost:9/callback";
const BYE = "http://localhost:9/bye";
const CODE = { redirectUris: [CALLBACK], postLogoutRedirectUris: [BYE] };

/** How a library's client proves itself, by name of the method. */
const METHODS = {
  client_secret_basic: { type: "confidential", proof: client.ClientSecretBasic },
  client_secret_post: { type: "confidential", proof: client.ClientSecretPost },
  none: { type: "public", proof: client.None },
};

/** Discovers the provider as a client of it, with signatures always checked. */
async function relyingParty(provider, { method = "client_secret_basic", alg = "RS256", ...settings } = {}) {
  const { type, proof } = METHODS[method];
  const registered = await provider.client({ ...CODE, type, signingAlg: alg, ...settings });
  const metadata = { id_token_signed_response_alg: alg };
  const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };
  const config = await client.discovery(new URL(provider.issuer), registered.id, metadata, proof(registered.secret), options);
  return { config, registered };
}

/** Begins a sign-in: the address to go to, and what to expect on return. */
async function begin(config, more = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expected = { pkceCodeVerifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    state: expected.expectedState,
    nonce: expected.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    ...more,
  });
  return { address, expected: { ...expected, idTokenExpected: true } };
}

async function signIn(person, config, more) {
  const { address, expected } = await begin(config, more);
  const arrived = await person.approve(address, CALLBACK);
  return client.authorizationCodeGrant(config, arrived, expected);
}

/** An OAuth error that the library understood as such. */
function oauthError(error, status) {
  return (thrown) => {
    assert.ok(thrown instanceof client.ResponseBodyError, `${thrown}`);
    assert.deepEqual([thrown.error, thrown.status], [error, status]);
    return true;
  };
}

describe("openid-client", { skip: BINARY.skip }, () => {
  let provider;
  let ada;
  before(async () => {
    provider = await startProvider();
    ada = new Person(ADA);
  });
  after(() => provider?.close());

  test("openid-client reads the discovery document", async () => {
    const { config } = await relyingParty(provider);
    const metadata = config.serverMetadata();
    assert.equal(metadata.issuer, provider.issuer);
    for (const [endpoint, path] of [
      ["authorization_endpoint", "/oauth/authorize"],
      ["token_endpoint", "/oauth/token"],
      ["userinfo_endpoint", "/oauth/userinfo"],
      ["revocation_endpoint", "/oauth/revoke"],
      ["end_session_endpoint", "/oauth/logout"],
      ["jwks_uri", "/jwks.json"],
    ]) {
      assert.equal(metadata[endpoint], provider.issuer + path, endpoint);
    }
    assert.ok(metadata.supportsPKCE());
  });

  for (const algorithm of ["oidc", "oauth2"]) {
    test(`openid-client discovers by ${algorithm} well-known address`, async () => {
      const { id, secret } = await provider.client(CODE);
      const options = { algorithm, execute: [client.allowInsecureRequests] };
      const config = await client.discovery(new URL(provider.issuer), id, secret, undefined, options);
      assert.equal(config.serverMetadata().issuer, provider.issuer);
    });
  }

  const KINDS = Object.keys(METHODS).flatMap((method) =>
    ["RS256", "ES256", "EdDSA"].flatMap((alg) => ["opaque", "jwt"].map((tokenFormat) => ({ method, alg, tokenFormat }))),
  );
  for (const kind of KINDS) {
    test(`openid-client signs in with ${kind.method}, ${kind.alg}, ${kind.tokenFormat} access tokens`, async () => {
      const { config, registered } = await relyingParty(provider, kind);
      const tokens = await signIn(ada, config);
      const claims = tokens.claims();
      assert.deepEqual([claims.iss, claims.aud, claims.email], [provider.issuer, registered.id, ADA.email]);
      assert.deepEqual(tokens.scope.split(" ").sort(), SCOPE.split(" ").sort());
      const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
      assert.deepEqual([person.sub, person.email, person.name], [claims.sub, ADA.email, ADA.name]);
    });
  }

  test("openid-client refreshes, and the old refresh token is refused with the whole grant", async () => {
    const { config } = await relyingParty(provider);
    const first = await signIn(ada, config);
    const second = await client.refreshTokenGrant(config, first.refresh_token);
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.notEqual(second.access_token, first.access_token);
    await client.fetchUserInfo(config, second.access_token, first.claims().sub);
    await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), oauthError("invalid_grant", 400));
    await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), oauthError("invalid_grant", 400));
  });

  for (const tokenFormat of ["opaque", "jwt"]) {
    test(`openid-client revokes ${tokenFormat} access tokens`, async () => {
      const { config } = await relyingParty(provider, { tokenFormat });
      const tokens = await signIn(ada, config);
      await client.tokenRevocation(config, tokens.access_token);
      const refused = client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
      await assert.rejects(refused, (thrown) => {
        assert.ok(thrown instanceof client.WWWAuthenticateChallengeError, `${thrown}`);
        assert.equal(thrown.status, 401);
        assert.equal(thrown.cause[0].scheme, "bearer");
        assert.equal(thrown.cause[0].parameters.error, "invalid_token");
        return true;
      });
    });
  }

  test("openid-client revokes a refresh token, and its access token dies with it", async () => {
    const { config } = await relyingParty(provider);
    const tokens = await signIn(ada, config);
    await client.tokenRevocation(config, tokens.refresh_token, { token_type_hint: "refresh_token" });
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), oauthError("invalid_grant", 400));
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), { status: 401 });
    await client.tokenRevocation(config, "a token that never was");
  });

  test("openid-client signs out at the provider", async () => {
    const { config } = await relyingParty(provider);
    const grace = new Person(ADA);
    const tokens = await signIn(grace, config);
    const asked = { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE, state: "on my way" };
    const arrived = await grace.visit(client.buildEndSessionUrl(config, asked), BYE);
    assert.equal(arrived.searchParams.get("state"), "on my way");
    assert.ok(!grace.asked.includes("logout-confirm"), "the hint proves whose session it is");
    const { address, expected } = await begin(config, { prompt: "none" });
    const back = await grace.approve(address, CALLBACK);
    await assert.rejects(client.authorizationCodeGrant(config, back, expected), { error: "login_required" });
  });

  test("openid-client asks before it signs out without a hint", async () => {
    const { config } = await relyingParty(provider);
    const grace = new Person(ADA);
    await signIn(grace, config);
    const arrived = await grace.visit(client.buildEndSessionUrl(config, { post_logout_redirect_uri: BYE }), BYE);
    assert.equal(arrived.href, BYE);
    assert.ok(grace.asked.includes("logout-confirm"));
  });

  test("openid-client reads an answer that comes as a form", async () => {
    const { config } = await relyingParty(provider);
    const { address, expected } = await begin(config, { response_mode: "form_post" });
    const { form } = await ada.approve(address, CALLBACK);
    const answer = new Request(CALLBACK, { method: "POST", body: form });
    const tokens = await client.authorizationCodeGrant(config, answer, expected);
    assert.equal(tokens.claims().email, ADA.email);
  });

  test("openid-client checks that max_age was kept", async () => {
    const { config } = await relyingParty(provider);
    const { address, expected } = await begin(config, { max_age: "3600" });
    const arrived = await ada.approve(address, CALLBACK);
    const tokens = await client.authorizationCodeGrant(config, arrived, { ...expected, maxAge: 3600 });
    assert.equal(typeof tokens.claims().auth_time, "number");
  });

  for (const tokenFormat of ["opaque", "jwt"]) {
    test(`openid-client gets ${tokenFormat} tokens for a machine`, async () => {
      const { config } = await relyingParty(provider, { tokenFormat, scopes: ["readonly"] });
      const tokens = await client.clientCredentialsGrant(config, { scope: "readonly" });
      assert.equal(tokens.scope, "readonly");
      assert.equal(tokens.refresh_token, undefined);
      assert.equal(tokens.id_token, undefined);
      assert.equal(tokens.access_token.split(".").length, tokenFormat === "jwt" ? 3 : 1);
    });
  }

  for (const alg of ["RS256", "ES256", "EdDSA"]) {
    test(`jose verifies ${alg} access tokens through the key set alone`, async () => {
      const { config, registered } = await relyingParty(provider, { tokenFormat: "jwt", alg });
      const tokens = await signIn(ada, config);
      const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
      const wanted = { issuer: provider.issuer, audience: registered.id, typ: "at+jwt", algorithms: [alg] };
      const { payload } = await jwtVerify(tokens.access_token, keys, wanted);
      assert.equal(payload.sub, tokens.claims().sub);
      assert.equal(payload.client_id, registered.id);
      assert.deepEqual(payload.scope.split(" ").sort(), SCOPE.split(" ").sort());
      assert.ok(payload.exp > payload.iat && payload.jti);
      await assert.rejects(jwtVerify(tokens.id_token, keys, wanted), { code: "ERR_JWT_CLAIM_VALIDATION_FAILED" });
      const claims = JSON.stringify({ ...payload, scope: "*" });
      const [head, , signature] = tokens.access_token.split(".");
      const changed = [head, Buffer.from(claims).toString("base64url"), signature].join(".");
      await assert.rejects(jwtVerify(changed, keys, wanted), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
    });
  }

  test("openid-client verifies through the key set that a chosen audience is the token's", async () => {
    const audience = "https://api.example.com";
    const { config } = await relyingParty(provider, { tokenFormat: "jwt", audience });
    const tokens = await signIn(ada, config);
    const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
    const { payload } = await jwtVerify(tokens.access_token, keys, { issuer: provider.issuer, audience });
    assert.equal(payload.aud, audience);
  });

  test("openid-client understands each refusal of the token endpoint", async () => {
    const { config, registered } = await relyingParty(provider);
    const other = await relyingParty(provider);
    const code = async () => {
      const { address, expected } = await begin(config);
      return { arrived: await ada.approve(address, CALLBACK), expected };
    };
    const wrong = await code();
    wrong.expected.pkceCodeVerifier = client.randomPKCECodeVerifier();
    const stolen = await code();
    stolen.arrived.searchParams.set("iss", other.config.serverMetadata().issuer);
    const spent = await code();
    await client.authorizationCodeGrant(config, spent.arrived, spent.expected);
    for (const [grant, error, status] of [
      [() => client.authorizationCodeGrant(config, wrong.arrived, wrong.expected), "invalid_grant", 400],
      [() => client.authorizationCodeGrant(other.config, stolen.arrived, stolen.expected), "invalid_grant", 400],
      [() => client.authorizationCodeGrant(config, spent.arrived, spent.expected), "invalid_grant", 400],
      [() => client.refreshTokenGrant(config, "no such token"), "invalid_grant", 400],
      [() => client.clientCredentialsGrant(config, { scope: "readwrite" }), "invalid_scope", 400],
      [() => client.genericGrantRequest(config, "password", { username: "a", password: "b" }), "unsupported_grant_type", 400],
    ]) {
      await assert.rejects(grant(), oauthError(error, status));
    }
  });

  for (const proof of [client.ClientSecretBasic, client.ClientSecretPost]) {
    test(`openid-client learns that its secret is wrong, sent by ${proof.name}`, async () => {
      const { config, registered } = await relyingParty(provider);
      const impostor = new client.Configuration(config.serverMetadata(), registered.id, {}, proof("ayb_cs_wrong"));
      client.allowInsecureRequests(impostor);
      await assert.rejects(client.clientCredentialsGrant(impostor, { scope: "readonly" }), (thrown) => {
        assert.ok(thrown instanceof client.WWWAuthenticateChallengeError, `${thrown}`);
        assert.deepEqual([thrown.status, thrown.cause[0].scheme], [401, "basic"]);
        return true;
      });
    });
  }

  test("openid-client understands each refusal of the authorization endpoint", async () => {
    const { config } = await relyingParty(provider, { scopes: ["openid", "readonly"] });
    const stranger = new Person(ADA);
    const denying = new Person({ ...ADA, consent: "deny" });
    for (const [person, more, error] of [
      [denying, { scope: "openid" }, "access_denied"],
      [stranger, { scope: "openid", prompt: "none" }, "login_required"],
      [ada, { scope: "openid", prompt: "none" }, "consent_required"],
      [ada, { scope: "openid readwrite" }, "invalid_scope"],
      [ada, { scope: "openid", code_challenge_method: "plain" }, "invalid_request"],
      [ada, { scope: "openid", response_type: "token" }, "unsupported_response_type"],
    ]) {
      const { address, expected } = await begin(config, more);
      const arrived = await person.approve(address, CALLBACK);
      await assert.rejects(client.authorizationCodeGrant(config, arrived, expected), (thrown) => {
        assert.ok(thrown instanceof client.AuthorizationResponseError, `${thrown}`);
        assert.equal(thrown.error, error);
        return true;
      });
    }
  });

  test("openid-client never gets an answer at an address that is not registered", async () => {
    const { config } = await relyingParty(provider);
    for (const redirect_uri of ["http://localhost:9/elsewhere", "https://evil.example/callback"]) {
      const { address } = await begin(config, { redirect_uri });
      await assert.rejects(ada.visit(address, redirect_uri), (thrown) => thrown instanceof ErrorPage && thrown.code === "invalid_request");
    }
  });
});

describe("openid-client against lies", { skip: BINARY.skip }, () => {
  let forger;
  let provider;
  let ada;
  before(async () => {
    forger = await Forger.start();
    provider = await startProvider({ publicUrl: forger.url });
    forger.front(provider.address);
    ada = new Person(ADA);
  });
  after(async () => {
    await provider?.close();
    await forger?.close();
  });

  for (const alg of ["RS256", "ES256", "EdDSA"]) {
    test(`openid-client accepts a true ${alg} ID token of a published key`, async () => {
      const { config } = await relyingParty(provider, { alg });
      forger.lie("nothing");
      const tokens = await signIn(ada, config);
      assert.equal(forger.honest(), 1);
      assert.equal(tokens.claims().email, ADA.email);
    });
  }

  for (const [lie, code] of [
    ["nonce", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"],
    ["no nonce", "OAUTH_INVALID_RESPONSE"],
    ["iss", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"],
    ["aud", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"],
    ["exp", "OAUTH_JWT_TIMESTAMP_CHECK_FAILED"],
    ["no sub", "OAUTH_INVALID_RESPONSE"],
    ["signature", "OAUTH_INVALID_RESPONSE"],
    ["alg none", "OAUTH_INVALID_RESPONSE"],
    ["alg HS256", "OAUTH_INVALID_RESPONSE"],
  ]) {
    test(`openid-client refuses an ID token that lies: ${lie}`, async () => {
      const { config, registered } = await relyingParty(provider);
      forger.lie(lie, registered.secret);
      await assert.rejects(signIn(ada, config), { code });
      assert.equal(forger.honest(), 1);
    });
  }

  test("openid-client refuses an ID token of another algorithm than registered", async () => {
    const { config, registered } = await relyingParty(provider, { alg: "ES256" });
    const metadata = { client_secret: registered.secret, id_token_signed_response_alg: "RS256" };
    const expecting = new client.Configuration(config.serverMetadata(), registered.id, metadata);
    client.allowInsecureRequests(expecting);
    await assert.rejects(signIn(ada, expecting), { code: "OAUTH_INVALID_RESPONSE" });
  });

  test("openid-client refuses UserInfo about somebody else", async () => {
    const { config } = await relyingParty(provider);
    const tokens = await signIn(ada, config);
    forger.lie("userinfo sub");
    const refused = client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    await assert.rejects(refused, { code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" });
    assert.equal(forger.honest(), 1);
  });

  test("openid-client refuses a discovery document of another issuer", async () => {
    forger.lie("discovery iss");
    await assert.rejects(relyingParty(provider), { code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" });
    assert.equal(forger.honest(), 1);
  });

  for (const [parameter, value] of [
    ["state", "another"],
    ["state", undefined],
    ["iss", "http://localhost:1"],
    ["iss", undefined],
  ]) {
    test(`openid-client refuses an answer whose ${parameter} is ${value ? "another" : "missing"}`, async () => {
      const { config } = await relyingParty(provider);
      const { address, expected } = await begin(config);
      const arrived = await ada.approve(address, CALLBACK);
      if (value) arrived.searchParams.set(parameter, value);
      else arrived.searchParams.delete(parameter);
      const refused = client.authorizationCodeGrant(config, arrived, expected);
      await assert.rejects(refused, { code: "OAUTH_INVALID_RESPONSE" });
    });
  }
});
