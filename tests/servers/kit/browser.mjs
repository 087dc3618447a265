// Somebody in front of a browser: cookies, redirects, and forms that are sent as they come, with a name and a password.

const PATIENCE = 20;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** What they type, by the name of the field. */
const TYPED = { login: "ada", password: "correct horse" };

export class Browser {
  #cookies = new Map();

  /**
   * `refuses` is asked of each page, and names an address to go to instead of sending its form. `script` is asked of each
   * address that it is sent to, and names the one to which the program of that page would go.
   */
  constructor({ refuses = () => undefined, script = () => undefined, typed = {} } = {}) {
    this.refuses = refuses;
    this.script = script;
    this.typed = { ...TYPED, ...typed };
  }

  /** Takes cookies that were given to the person elsewhere. */
  remember(cookies) {
    for (const pair of cookies.split("; ")) this.#cookies.set(...pair.match(/^([^=]+)=(.*)/).slice(1));
  }

  /** Goes to an address and on, to one that begins with `end`, which is given; or to a page without a form, which is given. */
  async visit(address, end) {
    let step = { url: new URL(address) };
    for (let page = 0; page < PATIENCE; page += 1) {
      if (end && step.url.href.startsWith(end)) return step.url.href;
      const { status, location, text } = await this.#send(step);
      if (location) step = this.#sentTo(new URL(location, step.url));
      else if (this.refuses(text)) step = { url: new URL(this.refuses(text), step.url) };
      else {
        const form = text.match(/<form[^>]*>.*?<\/form>/s)?.[0];
        if (!form || status >= 400) {
          if (end) throw new Error(`stopped at ${step.url} with ${status}\n${text}`);
          return text;
        }
        step = this.#filled(form, step.url);
      }
    }
    throw new Error(`no end of pages after ${address}`);
  }

  #sentTo(url) {
    const next = this.script(url);
    return { url: next ? new URL(next) : url };
  }

  #filled(form, base) {
    const url = new URL(unescaped(form.match(/action="([^"]*)"/)[1]), base);
    const body = new URLSearchParams();
    for (const [input] of form.matchAll(/<input[^>]*>/g)) {
      const [, name] = input.match(/name="([^"]*)"/);
      body.append(name, this.typed[name] ?? unescaped(input.match(/value="([^"]*)"/)?.[1] ?? ""));
    }
    for (const [name, value] of Object.entries(this.typed)) {
      // What a button would add.
      if (name.startsWith("button:") && !body.has(name.slice(7))) body.append(name.slice(7), value);
    }
    return { url, body };
  }

  async #send({ url, body }) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const method = body ? "POST" : "GET";
    const answer = await fetch(url, { method, body, redirect: "manual", headers: { cookie, accept: "text/html" } });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
      if (value) this.#cookies.set(name, value);
      else this.#cookies.delete(name);
    }
    const isRedirect = answer.status >= 300 && answer.status < 400;
    return { status: answer.status, location: isRedirect && answer.headers.get("location"), text: await answer.text() };
  }
}

function unescaped(text) {
  return text.replace(/&(#39|\w+);/g, (_, name) => ENTITIES[name]);
}
