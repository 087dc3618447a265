// Where suites in other languages ask for what these tests provide: clients, a person who signs in, and lies.
//
// `POST /<ask>` with a JSON object answers with a JSON value, or with status 500 and the reason.

import { once } from "node:events";
import { createServer } from "node:http";

import { Forger } from "./forger.mjs";
import { Person } from "./person.mjs";
import { ADA, startProvider } from "./provider.mjs";

export class Desk {
  #server = createServer((request, response) => this.#serve(request, response));
  #ada = new Person(ADA);
  #turn = Promise.resolve();

  /** Two providers: one as it is, and one with the forger in front. */
  static async open() {
    const desk = new Desk();
    try {
      desk.plain = await startProvider();
      desk.forger = await Forger.start();
      desk.forged = await startProvider({ publicUrl: desk.forger.url });
      desk.forger.front(desk.forged.address);
      desk.#server.listen(0, "127.0.0.1");
      await once(desk.#server, "listening");
      desk.url = `http://127.0.0.1:${desk.#server.address().port}`;
      return desk;
    } catch (error) {
      await desk.close();
      throw error;
    }
  }

  async close() {
    this.#server.closeAllConnections();
    this.#server.close();
    await Promise.all([this.plain?.close(), this.forged?.close(), this.forger?.close()]);
  }

  #asks = {
    issuers: () => ({ plain: this.plain.issuer, forged: this.forged.issuer }),
    client: ({ issuer, ...settings }) => this.#provider(issuer).client(settings),
    approve: (words) => this.#inTurn(() => this.#approve(words)),
    lie: ({ name, secret }) => this.forger.lie(name, secret),
    honest: () => this.forger.honest(),
  };

  async #serve(request, response) {
    try {
      let text = "";
      for await (const chunk of request.setEncoding("utf8")) text += chunk;
      const answer = await this.#asks[request.url.slice(1)](JSON.parse(text || "{}"));
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer ?? null));
    } catch (error) {
      response.writeHead(500).end(error.stack);
    }
  }

  async #approve({ address, redirectUri, who = "ada" }) {
    const arrived = await this.#person(who).approve(address, redirectUri);
    return arrived.href;
  }

  /** One after the other: a person does one thing at a time, and has one set of cookies. */
  #inTurn(act) {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #provider(issuer) {
    return [this.plain, this.forged].find((provider) => provider.issuer === issuer);
  }

  /** Ada stays signed in; the others are new each time. */
  #person(who) {
    const people = {
      ada: () => this.#ada,
      stranger: () => new Person(ADA),
      denying: () => new Person({ ...ADA, consent: "deny" }),
    };
    return people[who]();
  }
}
