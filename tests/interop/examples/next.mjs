// Next.js with oauth4webapi and jose, without a server-side store: what a sign-in needs is sealed into cookies.
//
// These functions are route handlers. In app/auth/login/route.js: `export { login as GET } from "@/auth";`, and in the
// same way app/auth/callback/route.js and app/auth/logout/route.js.

import { createHash } from "node:crypto";

import { EncryptJWT, jwtDecrypt } from "jose";
import * as oauth from "oauth4webapi";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, SITE, SESSION_SECRET } = process.env;
const CALLBACK = `${SITE}/auth/callback`;
const KEY = createHash("sha256").update(SESSION_SECRET).digest();

// Plain http only on this machine.
const options = { [oauth.allowInsecureRequests]: ISSUER.startsWith("http://localhost") };
const client = { client_id: CLIENT_ID, id_token_signed_response_alg: "RS256" };
const proof = oauth.ClientSecretBasic(CLIENT_SECRET);

let discovered;
async function discover() {
  const issuer = new URL(ISSUER);
  // Only what was found is kept: after a failure the next visitor asks again.
  discovered ??= await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
  return discovered;
}

export async function login() {
  const as = await discover();
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
  const address = new URL(as.authorization_endpoint);
  address.search = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: CALLBACK,
    response_type: "code",
    scope: "openid profile email",
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  return redirect(address, await cookie("pending", { verifier, state, nonce }, 600));
}

export async function callback(request) {
  const as = await discover();
  const { verifier, state, nonce } = await read(request, "pending");
  // Checks state and iss; an error of the provider is thrown with its code.
  const answer = oauth.validateAuthResponse(as, client, new URL(request.url), state);
  const response = await oauth.authorizationCodeGrantRequest(as, client, proof, answer, CALLBACK, verifier, options);
  const checks = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, checks);
  const { sub, name, email } = oauth.getValidatedIdTokenClaims(tokens);
  const session = { sub, name, email, idToken: tokens.id_token };
  return redirect(`${SITE}/`, await cookie("session", session, 8 * 3600), "pending=; Path=/; Max-Age=0");
}

export async function logout(request) {
  const as = await discover();
  const { idToken } = await read(request, "session");
  const address = new URL(as.end_session_endpoint);
  address.search = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: `${SITE}/` });
  return redirect(address, "session=; Path=/; Max-Age=0");
}

/** Who is signed in; for pages and other routes. */
export async function person(request) {
  const { name, email } = await read(request, "session").catch(() => ({}));
  return email && { name, email };
}

function redirect(address, ...cookies) {
  const headers = new Headers({ location: String(address) });
  for (const text of cookies) headers.append("set-cookie", text);
  return new Response(null, { status: 302, headers });
}

async function cookie(name, content, seconds) {
  const sealed = new EncryptJWT(content).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).setExpirationTime(`${seconds}s`);
  const secure = SITE.startsWith("https:") ? "; Secure" : "";
  return `${name}=${await sealed.encrypt(KEY)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
}

async function read(request, name) {
  const pairs = (request.headers.get("cookie") ?? "").split("; ").map((pair) => pair.split("="));
  const sealed = pairs.find(([key]) => key === name)?.[1];
  return (await jwtDecrypt(sealed ?? "", KEY)).payload;
}
