// What every test shares: one server, one application of somebody else, one browser, one administrator.
// Tests share no people, no clients and no windows, so their order does not matter.

import { after, before } from "node:test";
import { Admin } from "./admin.mjs";
import { startBrowser, Visitor } from "./browser.mjs";
import { startClientApp } from "./client-app.mjs";
import { startServer } from "./server.mjs";

export const world = {};

before(async () => {
  world.server = await startServer();
  world.admin = await Admin.signIn(world.server);
  world.clientApp = await startClientApp(world.server.origin);
  world.browser = await startBrowser();
});

after(async () => {
  await world.browser?.close();
  await world.clientApp?.stop();
  await world.server?.stop();
});

const DESCRIPTION = "Plan hikes with friends, keep your routes and share photos of the way.";

/** A client of a new app that nobody has consented to yet. */
export async function newClient({ app = {}, ...client } = {}) {
  const { admin, clientApp } = world;
  const made = await admin.register({
    app: { name: "Trailbook", description: DESCRIPTION, ...app },
    client: {
      name: "Trailbook Web",
      redirectUris: [clientApp.callback],
      postLogoutRedirectUris: [clientApp.signedOut],
      scopes: ["openid", "profile", "email", "readonly", "readwrite", "*"],
      ...client,
    },
  });
  clientApp.act(made);
  return made;
}

/** The body of a test: `walk(async (visitor, page) => …)`, or with options of the window first. */
export function walk(...words) {
  const body = words.pop();
  return async () => {
    const visitor = await Visitor.open(world.browser, words[0]);
    try {
      await body(visitor, visitor.page);
    } finally {
      await visitor.close();
    }
  };
}
