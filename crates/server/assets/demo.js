"use strict";

/*
 * A relying party in one file: discovery, authorization code with PKCE, ID token checks, UserInfo, refresh,
 * revocation and logout, with nothing but what a browser has. It keeps its state in sessionStorage, because the
 * sign-in leaves the page and comes back. Everything is put on the page as text, never as markup.
 */

(() => {
  const root = document.getElementById("demo");
  const config = {
    issuer: root.dataset.issuer,
    clientId: root.dataset.clientId,
    redirectUri: root.dataset.redirectUri,
    scope: root.dataset.scope,
  };
  const STORAGE_KEY = "ayb-demo";
  const STEPS = ["discovery", "signin", "exchange", "userinfo", "refresh", "revoke", "check", "logout"];
  const SHOWN_HEADERS = ["content-type", "cache-control", "www-authenticate"];
  const SECRET_PREVIEW = 16;

  const emptyState = () => ({ steps: {}, log: [], secrets: {}, tokens: null, flow: null, metadata: null });
  let state = emptyState();
  const rendered = {};

  const save = () => sessionStorage.setItem(STORAGE_KEY, JSON.stringify(state));
  const load = () => {
    try {
      return { ...emptyState(), ...JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "{}") };
    } catch {
      return emptyState();
    }
  };

  /** A refusal that the visitor should read. */
  class DemoError extends Error {}

  // Bytes and randomness

  const base64url = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const fromBase64url = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
  const utf8 = (text) => new TextEncoder().encode(text);
  const digest = (name, text) => crypto.subtle.digest(name, utf8(text));
  const json = (value) => JSON.stringify(value, null, 2);

  /** Remembers a value that is to be shown shortened. */
  const keepSecret = (name, value) => {
    if (value) state.secrets[value] = name;
  };

  // Requests, each with its entry in the log

  const requestText = (method, url, headers, form) => {
    const lines = [`${method} ${url.pathname}${url.search}`, `Host: ${url.host}`];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    if (form) lines.push("", [...form].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("\n&"));
    return lines.join("\n");
  };

  const responseText = (response, body) => {
    const lines = [`${response.status} ${response.statusText}`.trim()];
    for (const name of SHOWN_HEADERS) {
      if (response.headers.has(name)) lines.push(`${name}: ${response.headers.get(name)}`);
    }
    return body ? `${lines.join("\n")}\n\n${body}` : lines.join("\n");
  };

  const parsed = (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  };

  /** Sends one request and logs it under a step; a quiet one is shown folded. */
  const send = async (step, method, address, { bearer, form, quiet } = {}) => {
    const url = new URL(address);
    const headers = { Accept: "application/json" };
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (form) headers["Content-Type"] = "application/x-www-form-urlencoded";
    const body = form && new URLSearchParams(form);
    const entry = { step, method, path: url.pathname, quiet, left: requestText(method, url, headers, body) };
    let response;
    let text;
    try {
      response = await fetch(url, { method, headers, body, credentials: "omit", cache: "no-store", redirect: "error" });
      text = await response.text();
    } catch {
      state.log.push({ ...entry, status: "failed", bad: true, right: "No answer." });
      throw new DemoError("The server did not answer.");
    }
    const content = parsed(text);
    for (const name of ["access_token", "refresh_token", "id_token"]) keepSecret(name, content?.[name]);
    const right = responseText(response, content ? json(content) : text);
    state.log.push({ ...entry, status: String(response.status), bad: !response.ok, right });
    return { ok: response.ok, status: response.status, content };
  };

  const sent = async (...request) => {
    const answer = await send(...request);
    if (!answer.ok) throw new DemoError(answer.content?.error_description ?? `The server answered ${answer.status}.`);
    return answer.content;
  };

  // The steps

  const discover = async () => {
    const base = config.issuer.replace(/\/$/, "");
    const metadata = await sent("discovery", "GET", `${base}/.well-known/openid-configuration`, { quiet: true });
    if (metadata?.issuer !== config.issuer) throw new DemoError("The metadata names another issuer.");
    state.metadata = metadata;
    return `${Object.keys(metadata).length} facts read`;
  };

  const leave = (step, address, parameters) => {
    const url = new URL(address);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const lines = Object.entries(parameters).map(([name, value]) => `${name}=${value}`).join("\n&");
    const left = `GET ${url.pathname}\nHost: ${url.host}\n\n?${lines}`;
    state.log.push({ step, method: "GET", path: url.pathname, status: "redirect", left, right: "The browser leaves this page." });
    save();
    location.assign(url);
  };

  const signIn = async () => {
    const { metadata } = state;
    const [discovery] = state.log.filter((entry) => entry.step === "discovery").slice(-1);
    state = { ...emptyState(), metadata, log: discovery ? [discovery] : [], steps: { discovery: state.steps.discovery } };
    state.flow = { verifier: randomText(), state: randomText(), nonce: randomText() };
    keepSecret("code_verifier", state.flow.verifier);
    leave("signin", metadata.authorization_endpoint, {
      response_type: "code",
      client_id: config.clientId,
      redirect_uri: config.redirectUri,
      scope: config.scope,
      state: state.flow.state,
      nonce: state.flow.nonce,
      code_challenge: base64url(await digest("SHA-256", state.flow.verifier)),
      code_challenge_method: "S256",
    });
  };

  /** What the authorization endpoint sent back. `state` and `iss` are compared before anything else is believed. */
  const returned = (answer) => {
    keepSecret("code", answer.get("code"));
    const [entry] = state.log.filter((candidate) => candidate.step === "signin").slice(-1);
    const lines = [...answer].map(([name, value]) => `${name}=${value}`).join("\n&");
    if (entry) Object.assign(entry, { status: "302", right: `Back at ${new URL(config.redirectUri).pathname}\n\n?${lines}` });
    if (!state.flow || answer.get("state") !== state.flow.state) {
      throw new DemoError("The answer does not belong to a sign-in that was started here.");
    }
    if (answer.get("iss") !== config.issuer) throw new DemoError("The answer comes from another issuer.");
    if (answer.has("error")) {
      if (entry) entry.bad = true;
      throw new DemoError(answer.get("error") === "access_denied" ? "Access was denied." : `The answer is an error: ${answer.get("error")}`);
    }
    return "You are back";
  };

  const exchange = async (code) => {
    const form = {
      grant_type: "authorization_code",
      code,
      redirect_uri: config.redirectUri,
      client_id: config.clientId,
      code_verifier: state.flow.verifier,
    };
    const tokens = await sent("exchange", "POST", state.metadata.token_endpoint, { form });
    if (tokens.id_token) await checkIdToken(tokens);
    state.tokens = { ...tokens, revoked: false };
    state.flow = null;
    return "Tokens received";
  };

  // The ID token, checked as OpenID Connect Core §3.1.3.7 asks

  const algorithms = {
    RS256: { hash: "SHA-256", import: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, verify: "RSASSA-PKCS1-v1_5" },
    ES256: { hash: "SHA-256", import: { name: "ECDSA", namedCurve: "P-256" }, verify: { name: "ECDSA", hash: "SHA-256" } },
    EdDSA: { hash: "SHA-512", import: { name: "Ed25519" }, verify: "Ed25519" },
  };

  const isSigned = async (header, parts, algorithm) => {
    const jwks = await sent("exchange", "GET", state.metadata.jwks_uri, { quiet: true });
    const jwk = jwks.keys.find((key) => key.kid === header.kid);
    if (!jwk) return false;
    const { kty, n, e, crv, x, y } = jwk;
    const key = await crypto.subtle.importKey("jwk", { kty, n, e, crv, x, y }, algorithm.import, false, ["verify"]);
    return crypto.subtle.verify(algorithm.verify, key, fromBase64url(parts[2]), utf8(`${parts[0]}.${parts[1]}`));
  };

  const checkIdToken = async (tokens) => {
    const parts = tokens.id_token.split(".");
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(new TextDecoder().decode(fromBase64url(part))));
    const algorithm = Object.hasOwn(algorithms, header.alg) ? algorithms[header.alg] : null;
    const half = (bytes) => bytes.slice(0, bytes.byteLength / 2);
    const checks = [
      [algorithm !== null && (await isSigned(header, parts, algorithm)), `Signed with ${header.alg} by a key from the key set`],
      [claims.iss === config.issuer, "Issued by the issuer we asked"],
      [claims.aud === config.clientId, "Meant for this app"],
      [claims.nonce === state.flow.nonce, "Answers this sign-in (nonce)"],
      [claims.exp * 1000 > Date.now(), "Not expired"],
    ];
    if (algorithm && claims.at_hash !== undefined) {
      const expected = base64url(half(await digest(algorithm.hash, tokens.access_token)));
      checks.push([claims.at_hash === expected, "Belongs to the access token (at_hash)"]);
    }
    state.log.push({ step: "exchange", path: "ID token", status: "decoded", left: json(header), right: json(claims), labels: ["Header", "Claims"], checks });
    if (!checks.every(([passed]) => passed)) throw new DemoError("The ID token was not accepted.");
  };

  const userInfo = async () => {
    const claims = await sent("userinfo", "GET", state.metadata.userinfo_endpoint, { bearer: state.tokens.access_token });
    return `Hello, ${claims.name || claims.email || claims.sub}`;
  };

  const refresh = async () => {
    const form = { grant_type: "refresh_token", refresh_token: state.tokens.refresh_token, client_id: config.clientId };
    const tokens = await sent("refresh", "POST", state.metadata.token_endpoint, { form });
    state.tokens = { ...state.tokens, ...tokens };
    return "A new pair";
  };

  const revoke = async () => {
    const hint = state.tokens.refresh_token ? "refresh_token" : "access_token";
    const form = { token: state.tokens[hint], token_type_hint: hint, client_id: config.clientId };
    await sent("revoke", "POST", state.metadata.revocation_endpoint, { form });
    state.tokens.revoked = true;
    delete state.steps.check;
    state.log = state.log.filter((entry) => entry.step !== "check");
    return "Revoked";
  };

  const check = async () => {
    const { status } = await send("check", "GET", state.metadata.userinfo_endpoint, { bearer: state.tokens.access_token });
    if (state.tokens.revoked && status !== 401) throw new DemoError(`The revoked token got ${status}.`);
    if (!state.tokens.revoked && status !== 200) throw new DemoError(`The living token got ${status}.`);
    const entry = state.log[state.log.length - 1];
    entry.bad = false;
    return state.tokens.revoked ? "Dead, as it should be" : "Alive: it was not revoked yet";
  };

  const logOut = async () => {
    state.flow = { logout: randomText() };
    leave("logout", state.metadata.end_session_endpoint, {
      id_token_hint: state.tokens.id_token,
      client_id: config.clientId,
      post_logout_redirect_uri: config.redirectUri,
      state: state.flow.logout,
    });
  };

  // The page

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const secretButton = (value) => {
    const button = element("button", "secret", `${value.slice(0, SECRET_PREVIEW)}…`);
    button.type = "button";
    button.title = `Show the whole ${state.secrets[value]}`;
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") === "false";
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? value : `${value.slice(0, SECRET_PREVIEW)}…`;
    });
    return button;
  };

  /** Text with every known secret in it shortened behind a button. */
  const textWithSecrets = (text) => {
    const pre = element("pre");
    const secrets = Object.keys(state.secrets).sort((one, other) => other.length - one.length);
    let rest = text;
    while (rest) {
      const found = secrets.map((value) => ({ value, at: rest.indexOf(value) })).filter(({ at }) => at >= 0);
      const first = found.reduce((best, next) => (best === null || next.at < best.at ? next : best), null);
      if (!first) break;
      pre.append(rest.slice(0, first.at), secretButton(first.value));
      rest = rest.slice(first.at + first.value.length);
    }
    pre.append(rest);
    return pre;
  };

  const pane = (title, text) => {
    const made = element("div", "pane");
    made.append(element("h3", "", title), textWithSecrets(text));
    return made;
  };

  const exchangePanel = (entry) => {
    const panel = element("details", "exchange");
    panel.open = !entry.quiet;
    const summary = element("summary");
    if (entry.method) summary.append(element("span", "method", entry.method));
    summary.append(element("span", "", entry.path), element("span", entry.bad ? "status status-bad" : "status", entry.status));
    const panes = element("div", "panes");
    const [left, right] = entry.labels ?? ["Request", "Response"];
    panes.append(pane(left, entry.left), pane(right, entry.right));
    panel.append(summary, panes);
    if (!entry.checks) return [panel];
    const list = element("ul", "checks");
    for (const [passed, text] of entry.checks) list.append(element("li", passed ? "" : "check-bad", text));
    return [panel, list];
  };

  const buttonOf = (step) => document.getElementById(`demo-${step}`);

  const isPossible = (step) => {
    const tokens = state.tokens;
    const living = tokens !== null && !tokens.revoked;
    switch (step) {
      case "signin": return state.metadata !== null;
      case "userinfo": return living;
      case "refresh": return living && Boolean(tokens.refresh_token);
      case "revoke": return living && Boolean(state.metadata.revocation_endpoint);
      case "check": return tokens !== null;
      case "logout": return Boolean(tokens?.id_token && state.metadata.end_session_endpoint);
      default: return false;
    }
  };

  /** Rebuilds the log of a step only when it changed, so that what the visitor unfolded stays unfolded. */
  const renderLog = (step, place) => {
    const entries = state.log.filter((entry) => entry.step === step);
    const content = JSON.stringify(entries);
    if (rendered[step] === content) return;
    rendered[step] = content;
    place.replaceChildren(...entries.flatMap(exchangePanel));
  };

  const render = () => {
    const next = STEPS.find((step) => isPossible(step) && state.steps[step]?.state !== "done");
    for (const step of STEPS) {
      const item = document.getElementById(`step-${step}`);
      const known = state.steps[step];
      item.dataset.state = known?.state ?? (step === next ? "ready" : "waiting");
      item.querySelector(".step-state").textContent = known?.note ?? "";
      renderLog(step, item.querySelector(".step-log"));
      const button = buttonOf(step);
      if (!button) continue;
      button.disabled = !isPossible(step);
      button.classList.toggle("button-quiet", step !== next);
    }
    document.getElementById("demo-reset").hidden = state.log.length === 0;
  };

  const complain = (text) => {
    const problem = document.getElementById("demo-problem");
    problem.textContent = text;
    problem.hidden = false;
  };

  /** A button that is switched off loses the focus: it comes back to it, or goes on to the next one that can be pressed. */
  const focusAfter = (step) => {
    const rest = STEPS.slice(STEPS.indexOf(step));
    const next = [...rest, "signin"].map(buttonOf).find((button) => button && !button.disabled);
    next?.focus();
  };

  /** Runs a step from its beginning. */
  const begin = (step, action) => {
    state.log = state.log.filter((entry) => entry.step !== step);
    return run(step, action);
  };

  /** Runs a step, or the rest of one that left the page, and notes how it ended. Answers whether it succeeded. */
  const run = async (step, action) => {
    const button = buttonOf(step);
    const focused = button !== null && document.activeElement === button;
    if (button) button.disabled = true;
    let ended = true;
    try {
      const note = await action();
      if (note) state.steps[step] = { state: "done", note };
    } catch (error) {
      if (!(error instanceof DemoError)) console.error(error);
      state.steps[step] = { state: "failed", note: error instanceof DemoError ? error.message : "Something unexpected happened." };
      ended = false;
    }
    save();
    render();
    if (focused) focusAfter(step);
    return ended;
  };

  const comeBack = async (answer) => {
    history.replaceState(null, "", location.pathname);
    if (state.flow?.logout && answer.get("state") === state.flow.logout) {
      const [entry] = state.log.filter((candidate) => candidate.step === "logout").slice(-1);
      if (entry) Object.assign(entry, { status: "302", right: `Back at ${location.pathname}\n\n?state=${state.flow.logout}` });
      state.tokens = null;
      state.flow = null;
      await run("logout", async () => "Signed out");
      return;
    }
    if (await run("signin", async () => returned(answer))) await begin("exchange", () => exchange(answer.get("code")));
    document.getElementById("step-signin").scrollIntoView();
  };

  const start = async () => {
    const home = new URL(config.redirectUri);
    if (location.origin !== home.origin) {
      complain(`Open the demo at ${home.origin}${home.pathname}: that is the address its client is registered with.`);
      return;
    }
    if (!globalThis.crypto?.subtle) {
      complain("Browsers offer the needed cryptography only over https, or on localhost.");
      return;
    }
    const actions = { signin: signIn, userinfo: userInfo, refresh, revoke, check, logout: logOut };
    for (const [step, action] of Object.entries(actions)) {
      buttonOf(step).addEventListener("click", () => begin(step, action));
    }
    document.getElementById("demo-reset").addEventListener("click", () => {
      sessionStorage.removeItem(STORAGE_KEY);
      location.assign(home);
    });
    state = load();
    render();
    if (!state.metadata) await begin("discovery", discover);
    const answer = new URLSearchParams(location.search);
    if (answer.has("state")) await comeBack(answer);
  };

  start();
})();
