// A person with a browser that keeps cookies, follows redirects, and fills the forms that it is shown.
//
// On node:http and not fetch, which says of every request that it is none of a person who goes to a page.

import { once } from "node:events";
import { request } from "node:http";

/** More pages than any sign-in has. */
const PATIENCE = 20;

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** A page that says what went wrong. */
export class ErrorPage extends Error {
  constructor(status, code) {
    super(`an error page: ${code}`);
    this.status = status;
    this.code = code;
  }
}

export class Person {
  #cookies = new Map();

  /** `answers` are email and password, and `consent`, which is "allow" or "deny". */
  constructor({ email, password, consent = "allow" }) {
    this.answers = { email, password, consent };
    /** The pages that asked for something, by the id of their button. */
    this.asked = [];
  }

  /**
   * Goes to `address` and on, until the way leads to something that begins with `end` — that address is given and not
   * visited — or to a page that asks for nothing, whose answer is given.
   */
  async visit(address, end) {
    let step = { method: "GET", url: new URL(address) };
    for (let page = 0; page < PATIENCE; page += 1) {
      if (end && step.url.href.startsWith(end)) return arrival(step);
      const answer = await this.#send(step);
      step = this.#next(answer, step);
      if (!step) return { url: answer.url, ...answer };
    }
    throw new Error(`no end of pages after ${address}`);
  }

  /** What this person brings back from the authorization endpoint. */
  async approve(address, redirectUri) {
    const arrived = await this.visit(address, redirectUri);
    if (!arrived.href) throw new Error(`stopped at ${arrived.url} with ${arrived.status}\n${arrived.text}`);
    return arrived;
  }

  async #send({ method, url, form }) {
    const headers = { accept: "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate", cookie: this.#cookiesFor(url) };
    if (form) headers["content-type"] = "application/x-www-form-urlencoded";
    const answer = request(url, { method, headers, agent: false }).end(form?.toString());
    // Lenient as browsers are about what follows an answer: mod_auth_openidc ends some error pages with a second one.
    answer.on("error", () => {});
    const [response] = await once(answer, "response");
    this.#keep(url, response.headers["set-cookie"] ?? []);
    const text = Buffer.concat(await response.toArray()).toString();
    return { url, status: response.statusCode, headers: response.headers, text };
  }

  #next({ url, status, headers, text }) {
    if (status >= 300 && status < 400) return { method: "GET", url: new URL(headers.location, url) };
    const code = text.match(/id="error-code"[^>]*>([^<]*)</)?.[1];
    if (code) throw new ErrorPage(status, code);
    const { email, password, consent } = this.answers;
    const buttons = { "login-submit": { email, password }, [`consent-${consent}`]: {}, "logout-confirm": {} };
    for (const [id, fields] of Object.entries(buttons)) {
      const form = formWith(text, `id="${id}"`, url);
      if (!form) continue;
      if (status === 401) throw new ErrorPage(status, "wrong_password");
      this.asked.push(id);
      return submitted(form, id, fields);
    }
    const posted = formWith(text, 'name="state"', url);
    return posted && submitted(posted);
  }

  #cookiesFor(url) {
    const fitting = [...(this.#cookies.get(url.hostname)?.values() ?? [])].filter(({ path }) => url.pathname.startsWith(path));
    return fitting.map(({ name, value }) => `${name}=${value}`).join("; ");
  }

  #keep(url, lines) {
    const jar = this.#cookies.get(url.hostname) ?? new Map();
    this.#cookies.set(url.hostname, jar);
    for (const line of lines) {
      const [pair, ...attributes] = line.split(";").map((part) => part.trim());
      const [name, ...value] = pair.split("=");
      const attribute = (wanted) => attributes.find((text) => text.toLowerCase().startsWith(wanted))?.split("=")[1];
      const expires = attribute("expires=");
      const gone = attribute("max-age=") === "0" || (expires && Date.parse(expires) <= Date.now());
      if (gone) jar.delete(name);
      else jar.set(name, { name, value: value.join("="), path: attribute("path=") ?? "/" });
    }
  }
}

/** An address that was reached by redirect is a URL; one that a form was sent to also has the form. */
function arrival({ url, form }) {
  const reached = new URL(url);
  if (form) reached.form = form;
  return reached;
}

function formWith(text, mark, url) {
  const form = [...text.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)].map(([html]) => html).find((html) => html.includes(mark));
  return form && { html: form, action: new URL(attribute(form, "action") ?? url, url) };
}

function submitted({ html, action }, button, typed = {}) {
  const form = new URLSearchParams();
  for (const [tag] of html.matchAll(/<input\b[^>]*>/g)) {
    const name = attribute(tag, "name");
    if (name) form.append(name, typed[name] ?? attribute(tag, "value") ?? "");
  }
  const pressed = button && html.match(new RegExp(`<button\\b[^>]*id="${button}"[^>]*>`))?.[0];
  const name = pressed && attribute(pressed, "name");
  if (name) form.append(name, attribute(pressed, "value"));
  return { method: "POST", url: action, form };
}

function attribute(tag, name) {
  const value = tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1];
  return value?.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, word) =>
    hex || decimal ? String.fromCodePoint(Number.parseInt(hex ?? decimal, hex ? 16 : 10)) : (ENTITIES[word] ?? whole),
  );
}
