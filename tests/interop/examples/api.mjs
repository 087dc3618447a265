// An API in Express that takes JWT access tokens of ayb and verifies them itself, with jose.

import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { ISSUER, AUDIENCE, PORT } = process.env;
const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks.json`));

/** The words of ayb in their order: each allows what the words before it allow. */
const WORDS = ["readonly", "readwrite", "*"];

/** Lets a request pass whose token is for this API and allows at least this word. */
function needs(scope) {
  const enough = WORDS.slice(WORDS.indexOf(scope));
  return async (request, response, next) => {
    const token = request.headers.authorization?.match(/^Bearer (.+)$/i)?.[1];
    if (!token) return response.status(401).set("www-authenticate", "Bearer").end();
    try {
      const wanted = { issuer: ISSUER, audience: AUDIENCE, typ: "at+jwt", algorithms: ["RS256", "ES256", "EdDSA"] };
      const { payload } = await jwtVerify(token, keys, wanted);
      request.token = payload;
    } catch {
      return response.status(401).set("www-authenticate", 'Bearer error="invalid_token"').end();
    }
    if (request.token.scope.split(" ").some((word) => enough.includes(word))) return next();
    response.status(403).set("www-authenticate", `Bearer error="insufficient_scope", scope="${scope}"`).end();
  };
}

const app = express();
app.get("/orders", needs("readonly"), (request, response) => response.json({ client: request.token.client_id }));
app.post("/orders", needs("readwrite"), (_request, response) => response.status(201).end());
app.get("/alive", (_request, response) => response.end());
app.listen(PORT, "127.0.0.1");
