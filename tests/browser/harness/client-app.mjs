// A small application of somebody else: it knows our server by its discovery document only, and sends people there.

import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const random = () => randomBytes(32).toString("base64url");
const digest = (text) => createHash("sha256").update(text).digest();

export const escape = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** A page without style. The icon keeps the browser from asking for one. */
const html = (title, body) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,">` +
  `<main><h1>${title}</h1>${body}</main></html>`;

/** Data for the person at the keyboard, and for the test. */
const shown = (id, value) => `<pre id="${id}">${escape(JSON.stringify(value))}</pre>`;

export async function startClientApp(issuer) {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`);
  const app = new ClientApp(await discovery.json());
  await app.listen();
  return app;
}

class ClientApp {
  #metadata;
  #http;
  #clients = new Map();
  #flows = new Map();
  #pages = new Map();
  #hops = new Map();

  constructor(metadata) {
    this.#metadata = metadata;
    this.#http = createServer((request, response) => {
      this.#answer(request)
        .then((answer) => response.writeHead(answer.status, answer.headers).end(answer.body))
        .catch((error) => response.writeHead(500).end(String(error)));
    });
  }

  async listen() {
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    this.origin = `http://127.0.0.1:${this.#http.address().port}`;
  }

  async stop() {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  get callback() {
    return `${this.origin}/callback`;
  }

  get signedOut() {
    return `${this.origin}/signed-out`;
  }

  /** Lets the app act as a client: its identifier and, for a confidential one, its secret. */
  act(client) {
    this.#clients.set(client.id, client);
  }

  /** Where a person begins to sign in; `wanted` are parameters of the authorization request, `null` leaves one out. */
  start(client, wanted = {}) {
    return `${this.origin}/start?${new URLSearchParams({ client_id: client.id, request: JSON.stringify(wanted) })}`;
  }

  /** Puts a page of the test's own on this site and gives its address. */
  page(body) {
    const path = `/page/${random()}`;
    this.#pages.set(path, html("A page of another site", body));
    return `${this.origin}${path}`;
  }

  /** An address of this site that leads on to another. */
  hop(to) {
    const path = `/hop/${random()}`;
    this.#hops.set(path, to);
    return this.origin + path;
  }

  /** Puts a page on this site that posts a form as soon as it is opened, and gives its address. */
  posting(action, fields) {
    const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`);
    const script = `<script>document.getElementById("form").submit()</script>`;
    return this.page(`<form id="form" method="post" action="${action}">${inputs.join("")}</form>${script}`);
  }

  async #answer(request) {
    const url = new URL(request.url, this.origin);
    switch (url.pathname) {
      case "/start":
        return this.#leave(url.searchParams.get("client_id"), JSON.parse(url.searchParams.get("request")));
      case "/callback":
        return this.#arrive(request.method, request.method === "POST" ? await form(request) : url.searchParams);
      case "/signed-out":
        return page(html("Signed out of the app", shown("answer", Object.fromEntries(url.searchParams))));
      default:
        if (this.#hops.has(url.pathname)) return redirect(this.#hops.get(url.pathname));
        return this.#pages.has(url.pathname) ? page(this.#pages.get(url.pathname)) : { status: 404, headers: {}, body: "" };
    }
  }

  #leave(clientId, wanted) {
    const flow = { clientId, verifier: random(), nonce: random(), state: wanted.state ?? random() };
    this.#flows.set(flow.state, flow);
    const request = {
      response_type: "code",
      client_id: clientId,
      redirect_uri: this.callback,
      scope: "openid",
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: digest(flow.verifier).toString("base64url"),
      code_challenge_method: "S256",
      ...wanted,
    };
    const parameters = Object.entries(request).filter(([, value]) => value !== null);
    return redirect(`${this.#metadata.authorization_endpoint}?${new URLSearchParams(parameters)}`);
  }

  async #arrive(method, parameters) {
    const answer = Object.fromEntries(parameters);
    const flow = this.#flows.get(answer.state);
    const facts = [shown("method", method), shown("answer", answer), shown("sent-state", flow?.state ?? null)];
    if (!answer.code || !flow) return page(html("Not signed in", facts.join("")));
    this.#flows.delete(answer.state);
    const tokens = await this.#redeem(flow, answer.code);
    if (tokens.id_token) facts.push(shown("claims", await this.#checked(flow, tokens.id_token)));
    return page(html("Welcome back to the app", [...facts, shown("tokens", tokens)].join("")));
  }

  async #redeem(flow, code) {
    const client = this.#clients.get(flow.clientId);
    return this.ask("token_endpoint", client, {
      grant_type: "authorization_code",
      code,
      redirect_uri: this.callback,
      code_verifier: flow.verifier,
    });
  }

  /** Sends a form to an endpoint as `client` and gives the JSON of the answer. */
  async ask(endpoint, client, fields) {
    const headers = {};
    const body = new URLSearchParams(fields);
    if (client.secret) headers.authorization = `Basic ${btoa(`${client.id}:${client.secret}`)}`;
    else body.set("client_id", client.id);
    const response = await fetch(this.#metadata[endpoint], { method: "POST", headers, body });
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }

  /** What an access token opens: the status of UserInfo and its claims. */
  async userInfo(token) {
    const response = await fetch(this.#metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, claims: await response.json().catch(() => null) };
  }

  /** The claims of an ID token whose signature, issuer, audience, nonce and time are right. */
  async #checked(flow, token) {
    const [head, body, signature] = token.split(".");
    const [{ alg, kid }, claims] = [head, body].map((part) => JSON.parse(Buffer.from(part, "base64url")));
    const { keys } = await (await fetch(this.#metadata.jwks_uri)).json();
    const key = createPublicKey({ key: keys.find((key) => key.kid === kid), format: "jwk" });
    const signed = Buffer.from(`${head}.${body}`);
    const genuine = alg === "RS256" && verify("sha256", signed, key, Buffer.from(signature, "base64url"));
    const now = Date.now() / 1000;
    const meant = claims.iss === this.#metadata.issuer && claims.aud === flow.clientId && claims.nonce === flow.nonce;
    if (!genuine || !meant || claims.exp <= now) throw new Error(`a wrong ID token: ${JSON.stringify(claims)}`);
    return claims;
  }
}

const page = (body) => ({ status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body });

const redirect = (to) => ({ status: 303, headers: { location: to }, body: "" });

async function form(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return new URLSearchParams(text);
}
