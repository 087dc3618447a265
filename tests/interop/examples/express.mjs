// Express with openid-client: people sign in at ayb.

import express from "express";
import session from "express-session";
import * as client from "openid-client";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, SITE, SESSION_SECRET, PORT } = process.env;
const CALLBACK = `${SITE}/callback`;

// Plain http only on this machine; a real issuer is an https address, and the line does nothing then.
const execute = ISSUER.startsWith("http://localhost") ? [client.allowInsecureRequests] : [];
const metadata = { id_token_signed_response_alg: "RS256" };
const proof = client.ClientSecretBasic(CLIENT_SECRET);
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, metadata, proof, { execute });

const app = express();
const cookie = { httpOnly: true, sameSite: "lax", secure: SITE.startsWith("https:") };
app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie }));

app.get("/login", async (request, response) => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  request.session.pending = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: "openid profile email offline_access readonly",
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  response.redirect(address.href);
});

app.get("/callback", async (request, response, next) => {
  const { pending } = request.session;
  if (!pending) return response.redirect("/login");
  delete request.session.pending;
  // Checks state, iss, the code's PKCE, and of the ID token iss, aud, exp, nonce.
  const tokens = await client.authorizationCodeGrant(config, new URL(request.originalUrl, SITE), pending);
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  // A new session: one that somebody planted before the sign-in is worth nothing.
  request.session.regenerate((error) => {
    // Nothing catches what is thrown in a callback: it would end the program.
    if (error) return next(error);
    Object.assign(request.session, { person, idToken: tokens.id_token, refreshToken: tokens.refresh_token });
    response.redirect("/");
  });
});

app.get("/refresh", async (request, response) => {
  // The old refresh token is spent: keep the new one.
  const tokens = await client.refreshTokenGrant(config, request.session.refreshToken);
  request.session.refreshToken = tokens.refresh_token;
  response.redirect("/");
});

app.get("/logout", (request, response, next) => {
  const { idToken, refreshToken } = request.session;
  const asked = { post_logout_redirect_uri: `${SITE}/`, ...(idToken && { id_token_hint: idToken }) };
  const address = client.buildEndSessionUrl(config, asked);
  request.session.destroy(async (error) => {
    if (error) return next(error);
    if (refreshToken) await giveBack(refreshToken);
    response.redirect(address.href);
  });
});

/** Revokes a refresh token. A provider that is away or says no keeps nobody from signing out. */
async function giveBack(refreshToken) {
  try {
    await client.tokenRevocation(config, refreshToken);
  } catch (error) {
    console.error(`a refresh token was not revoked: ${reason(error)}`);
  }
}

app.get("/", (request, response) => {
  const { person } = request.session;
  response.type("text").send(person ? `signed in as ${person.name} <${person.email}>` : "signed out");
});

app.use((error, _request, response, _next) => {
  response.status(400).type("text").send(`the sign-in failed: ${reason(error)}`);
});

function reason(error) {
  return error.error ?? error.code ?? error.name;
}

app.listen(PORT, "127.0.0.1");
