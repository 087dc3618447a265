// npm oauth4webapi: the protocol step by step, for every JavaScript runtime.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as oauth from "oauth4webapi";

import { Forger } from "./kit/forger.mjs";
import { Person } from "./kit/person.mjs";
import { ADA, BINARY, SCOPE, startProvider } from "./kit/provider.mjs";

const CALLBACK = "http://localhost:9/callback";
const LOOPBACK = { [oauth.allowInsecureRequests]: true };

const METHODS = {
  client_secret_basic: { type: "confidential", proof: oauth.ClientSecretBasic },
  client_secret_post: { type: "confidential", proof: oauth.ClientSecretPost },
  none: { type: "public", proof: oauth.None },
};

async function discover(provider, algorithm = "oidc") {
  const issuer = new URL(provider.issuer);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...LOOPBACK }));
}

/** One client with the steps of the protocol that these tests take. */
class RelyingParty {
  static async of(provider, { method = "client_secret_basic", alg = "RS256", ...settings } = {}) {
    const { type, proof } = METHODS[method];
    const party = new RelyingParty();
    party.registered = await provider.client({ redirectUris: [CALLBACK], type, signingAlg: alg, ...settings });
    party.as = await discover(provider);
    party.client = { client_id: party.registered.id, id_token_signed_response_alg: alg };
    party.proof = proof(party.registered.secret);
    return party;
  }

  async begin(more = {}) {
    const expected = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
    const address = new URL(this.as.authorization_endpoint);
    address.search = new URLSearchParams({
      client_id: this.client.client_id,
      redirect_uri: CALLBACK,
      response_type: "code",
      scope: SCOPE,
      state: expected.state,
      nonce: expected.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(expected.verifier),
      code_challenge_method: "S256",
      ...more,
    });
    return { address, expected };
  }

  async redeem(arrived, { verifier, state, nonce }) {
    const { as, client, proof } = this;
    const parameters = oauth.validateAuthResponse(as, client, arrived, state);
    const response = await oauth.authorizationCodeGrantRequest(as, client, proof, parameters, CALLBACK, verifier, LOOPBACK);
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(as, response, LOOPBACK);
    return tokens;
  }

  async signIn(person, more) {
    const { address, expected } = await this.begin(more);
    return this.redeem(await person.approve(address, CALLBACK), expected);
  }

  async userInfo(token, sub) {
    const response = await oauth.userInfoRequest(this.as, this.client, token, LOOPBACK);
    return oauth.processUserInfoResponse(this.as, this.client, sub, response);
  }

  async refresh(token) {
    const response = await oauth.refreshTokenGrantRequest(this.as, this.client, this.proof, token, LOOPBACK);
    return oauth.processRefreshTokenResponse(this.as, this.client, response);
  }

  async revoke(token) {
    const response = await oauth.revocationRequest(this.as, this.client, this.proof, token, LOOPBACK);
    return oauth.processRevocationResponse(response);
  }

  async machine(scope) {
    const response = await oauth.clientCredentialsGrantRequest(this.as, this.client, this.proof, { scope }, LOOPBACK);
    return oauth.processClientCredentialsResponse(this.as, this.client, response);
  }
}

function claimsOf(tokens) {
  return oauth.getValidatedIdTokenClaims(tokens);
}

describe("oauth4webapi", { skip: BINARY.skip }, () => {
  let provider;
  let ada;
  before(async () => {
    provider = await startProvider();
    ada = new Person(ADA);
  });
  after(() => provider?.close());

  test("oauth4webapi reads the same metadata at both well-known addresses", async () => {
    const [oidc, oauth2] = await Promise.all([discover(provider, "oidc"), discover(provider, "oauth2")]);
    assert.deepEqual(oidc, oauth2);
    assert.equal(oidc.issuer, provider.issuer);
    assert.deepEqual(oidc.code_challenge_methods_supported, ["S256"]);
    assert.equal(oidc.authorization_response_iss_parameter_supported, true);
  });

  for (const method of Object.keys(METHODS)) {
    for (const alg of ["RS256", "ES256", "EdDSA"]) {
      test(`oauth4webapi signs in with ${method} and ${alg}`, async () => {
        const party = await RelyingParty.of(provider, { method, alg });
        const tokens = await party.signIn(ada);
        const claims = claimsOf(tokens);
        assert.deepEqual([claims.iss, claims.aud, claims.email], [provider.issuer, party.registered.id, ADA.email]);
        assert.equal((await party.userInfo(tokens.access_token, claims.sub)).email, ADA.email);
      });
    }
  }

  for (const method of Object.keys(METHODS)) {
    test(`oauth4webapi refreshes with ${method}, and the old refresh token is refused`, async () => {
      const party = await RelyingParty.of(provider, { method });
      const first = await party.signIn(ada);
      const second = await party.refresh(first.refresh_token);
      assert.notEqual(second.refresh_token, first.refresh_token);
      await assert.rejects(party.refresh(first.refresh_token), { name: "ResponseBodyError", error: "invalid_grant", status: 400 });
      await assert.rejects(party.userInfo(second.access_token, claimsOf(first).sub), { status: 401 });
    });

    test(`oauth4webapi revokes with ${method}`, async () => {
      const party = await RelyingParty.of(provider, { method });
      const tokens = await party.signIn(ada);
      assert.equal(await party.revoke(tokens.access_token), undefined);
      await assert.rejects(party.userInfo(tokens.access_token, claimsOf(tokens).sub), (thrown) => {
        assert.ok(thrown instanceof oauth.WWWAuthenticateChallengeError, `${thrown}`);
        assert.equal(thrown.cause[0].parameters.error, "invalid_token");
        return true;
      });
    });
  }

  for (const alg of ["RS256", "ES256", "EdDSA"]) {
    test(`oauth4webapi accepts a JWT access token signed with ${alg} in an API`, async () => {
      const audience = "https://api.example.com";
      const party = await RelyingParty.of(provider, { alg, tokenFormat: "jwt", audience });
      const tokens = await party.signIn(ada);
      const asked = (token) => new Request(`${audience}/orders`, { headers: { authorization: `Bearer ${token}` } });
      const claims = await oauth.validateJwtAccessToken(party.as, asked(tokens.access_token), audience, LOOPBACK);
      assert.deepEqual([claims.sub, claims.client_id], [claimsOf(tokens).sub, party.registered.id]);
      for (const [token, aud] of [
        [tokens.access_token, "https://another.example.com"],
        [tokens.id_token, party.registered.id],
        [`${tokens.access_token.slice(0, -8)}AAAAAAAA`, audience],
      ]) {
        const refused = oauth.validateJwtAccessToken(party.as, asked(token), aud, LOOPBACK);
        await assert.rejects(refused, (thrown) => thrown instanceof oauth.OperationProcessingError);
      }
    });
  }

  for (const tokenFormat of ["opaque", "jwt"]) {
    test(`oauth4webapi gets ${tokenFormat} tokens for a machine`, async () => {
      const party = await RelyingParty.of(provider, { tokenFormat, scopes: ["readwrite"] });
      const tokens = await party.machine("readwrite");
      assert.deepEqual([tokens.token_type, tokens.scope, tokens.refresh_token], ["bearer", "readwrite", undefined]);
      assert.ok(tokens.expires_in > 0);
      await assert.rejects(party.userInfo(tokens.access_token, oauth.skipSubjectCheck), (thrown) => {
        assert.equal(thrown.status, 403);
        assert.equal(thrown.cause[0].parameters.error, "insufficient_scope");
        return true;
      });
    });
  }

  test("oauth4webapi is refused as a machine when it is public", async () => {
    const party = await RelyingParty.of(provider, { method: "none" });
    await assert.rejects(party.machine("readonly"), { name: "ResponseBodyError", error: "unauthorized_client", status: 400 });
  });

  test("oauth4webapi is refused when its verifier is not the challenge's", async () => {
    const party = await RelyingParty.of(provider, { method: "none" });
    const { address, expected } = await party.begin();
    const arrived = await ada.approve(address, CALLBACK);
    const guessed = { ...expected, verifier: oauth.generateRandomCodeVerifier() };
    await assert.rejects(party.redeem(arrived, guessed), { name: "ResponseBodyError", error: "invalid_grant" });
  });

  test("oauth4webapi is refused without PKCE, with an error that it understands", async () => {
    const party = await RelyingParty.of(provider);
    const { address, expected } = await party.begin();
    address.searchParams.delete("code_challenge");
    address.searchParams.delete("code_challenge_method");
    const arrived = await ada.approve(address, CALLBACK);
    await assert.rejects(party.redeem(arrived, expected), { name: "AuthorizationResponseError", error: "invalid_request" });
  });

  test("oauth4webapi loses its tokens when the operator revokes the client", async () => {
    const party = await RelyingParty.of(provider);
    const tokens = await party.signIn(ada);
    await provider.operator.revokeClient(party.registered.id);
    await assert.rejects(party.userInfo(tokens.access_token, claimsOf(tokens).sub), { status: 401 });
    await assert.rejects(party.refresh(tokens.refresh_token), { status: 401 });
  });
});

describe("oauth4webapi against lies", { skip: BINARY.skip }, () => {
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

  test("oauth4webapi accepts a true ID token of a published key", async () => {
    const party = await RelyingParty.of(provider);
    forger.lie("nothing");
    const tokens = await party.signIn(ada);
    assert.equal(forger.honest(), 1);
    assert.equal(claimsOf(tokens).email, ADA.email);
  });

  for (const lie of ["nonce", "no nonce", "iss", "aud", "exp", "no sub", "signature", "alg none", "alg HS256"]) {
    test(`oauth4webapi refuses an ID token that lies: ${lie}`, async () => {
      const party = await RelyingParty.of(provider);
      forger.lie(lie, party.registered.secret);
      await assert.rejects(party.signIn(ada), (thrown) => thrown instanceof oauth.OperationProcessingError);
      assert.equal(forger.honest(), 1);
    });
  }

  test("oauth4webapi refuses UserInfo about somebody else", async () => {
    const party = await RelyingParty.of(provider);
    const tokens = await party.signIn(ada);
    forger.lie("userinfo sub");
    await assert.rejects(party.userInfo(tokens.access_token, claimsOf(tokens).sub), { code: oauth.JSON_ATTRIBUTE_COMPARISON });
    assert.equal(forger.honest(), 1);
  });

  test("oauth4webapi refuses a discovery document of another issuer", async () => {
    forger.lie("discovery iss");
    await assert.rejects(discover(provider), { code: oauth.JSON_ATTRIBUTE_COMPARISON });
    assert.equal(forger.honest(), 1);
  });

  for (const [parameter, value] of Object.entries({ state: "another", iss: "http://localhost:1" })) {
    test(`oauth4webapi refuses an answer with another ${parameter}`, async () => {
      const party = await RelyingParty.of(provider);
      const { address, expected } = await party.begin();
      const arrived = await ada.approve(address, CALLBACK);
      for (const changed of [value, undefined]) {
        const answer = new URL(arrived);
        if (changed) answer.searchParams.set(parameter, changed);
        else answer.searchParams.delete(parameter);
        await assert.rejects(party.redeem(answer, expected), (thrown) => thrown instanceof oauth.OperationProcessingError);
      }
    });
  }
});
