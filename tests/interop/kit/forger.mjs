// A server in front of the server, at the address that is the issuer. It passes everything on, and on demand puts a lie
// into one answer. Its own keys are published beside the real ones, so that a forged ID token has a valid signature and
// only the lie can be what a client refuses.

import { once } from "node:events";
import { createServer } from "node:http";

import { SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from "jose";

const ALGORITHMS = ["RS256", "ES256", "EdDSA"];

/** Headers that describe one connection, or a body that is sent anew. */
const OWN_HEADERS = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host", "expect"]);

/** Each lie about an ID token: what it changes, and with which key it is signed. */
const ID_TOKEN_LIES = {
  // The control: signed by the forger, and true. Clients must accept it, or the refusals below would prove nothing.
  nothing: ({ claims }) => ({ claims }),
  nonce: ({ claims }) => ({ claims: { ...claims, nonce: "another" } }),
  "no nonce": ({ claims: { nonce: _, ...claims } }) => ({ claims }),
  iss: ({ claims }) => ({ claims: { ...claims, iss: "http://localhost:1" } }),
  aud: ({ claims }) => ({ claims: { ...claims, aud: `ayb_cid_${"0".repeat(48)}` } }),
  exp: ({ claims }) => ({ claims: { ...claims, iat: claims.iat - 90_000, exp: claims.exp - 90_000 } }),
  "no sub": ({ claims: { sub: _, ...claims } }) => ({ claims }),
  signature: ({ claims }) => ({ claims, key: "unpublished" }),
  "alg none": ({ claims }) => ({ claims, key: "none" }),
  "alg HS256": ({ claims }) => ({ claims, key: "secret" }),
};

/** Lies about other answers, by the path of the answer. */
const OTHER_LIES = {
  "/.well-known/openid-configuration": { "discovery iss": (body) => ({ ...body, issuer: "http://localhost:1" }) },
  "/oauth/userinfo": { "userinfo sub": (body) => ({ ...body, sub: "00000000-0000-7000-8000-000000000000" }) },
};

/** Every lie that there is. */
export const LIES = [...Object.keys(ID_TOKEN_LIES), ...Object.values(OTHER_LIES).flatMap((lies) => Object.keys(lies))];

export class Forger {
  #server = createServer((request, response) => this.#serve(request, response));
  #keys = new Map();
  #lie;
  #told = 0;

  static async start() {
    const forger = new Forger();
    for (const alg of ALGORITHMS) {
      const options = { extractable: true };
      const [published, unpublished] = await Promise.all([generateKeyPair(alg, options), generateKeyPair(alg, options)]);
      const jwk = { ...(await exportJWK(published.publicKey)), kid: `forger-${alg}`, alg, use: "sig" };
      forger.#keys.set(alg, { published: published.privateKey, unpublished: unpublished.privateKey, jwk });
    }
    forger.#server.listen(0, "127.0.0.1");
    await once(forger.#server, "listening");
    forger.url = `http://localhost:${forger.#server.address().port}`;
    return forger;
  }

  /** Stands in front of the server at this address from now on. */
  front(address) {
    this.address = address;
  }

  /** Tells one lie until `honest()`; `secret` is the client's, for HS256. */
  lie(name, secret) {
    if (!LIES.includes(name)) throw new Error(`there is no lie called ${name}`);
    this.#lie = { name, secret };
    this.#told = 0;
  }

  /** Ends the lie; gives how often it was told, because a lie that nobody heard proves nothing. */
  honest() {
    this.#lie = undefined;
    return this.#told;
  }

  async close() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request, response) {
    try {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const headers = passed(Object.entries(request.headers));
      const body = chunks.length ? Buffer.concat(chunks) : undefined;
      const answer = await fetch(this.address + request.url, { method: request.method, headers, body, redirect: "manual" });
      const text = await this.#changed(request.url.split("?")[0], answer.status, await answer.text());
      response.writeHead(answer.status, [...passed(answer.headers)].flat());
      response.end(text);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  }

  async #changed(path, status, text) {
    if (status !== 200) return text;
    if (path === "/jwks.json") {
      const ours = [...this.#keys.values()].map(({ jwk }) => jwk);
      return JSON.stringify({ keys: [...JSON.parse(text).keys, ...ours] });
    }
    const change = OTHER_LIES[path]?.[this.#lie?.name];
    if (change) return this.#tell(change(JSON.parse(text)));
    const forge = ID_TOKEN_LIES[this.#lie?.name];
    const body = path === "/oauth/token" && forge ? JSON.parse(text) : {};
    if (!body.id_token) return text;
    return this.#tell({ ...body, id_token: await this.#forged(forge, body.id_token) });
  }

  #tell(body) {
    this.#told += 1;
    return JSON.stringify(body);
  }

  async #forged(forge, token) {
    const { claims, key = "published" } = forge({ claims: decodeJwt(token) });
    const { alg } = decodeProtectedHeader(token);
    const kid = `forger-${alg}`;
    if (key === "none") return new UnsecuredJWT(claims).encode();
    if (key === "secret") {
      const secret = new TextEncoder().encode(this.#lie.secret ?? JSON.stringify(this.#keys.get(alg).jwk));
      return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(secret);
    }
    return new SignJWT(claims).setProtectedHeader({ alg, kid, typ: "JWT" }).sign(this.#keys.get(alg)[key]);
  }
}

function passed(headers) {
  return [...headers].filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
}
