// A site of somebody else that is nothing but files: one origin, no code of its own behind it.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const KINDS = { html: "text/html; charset=utf-8", mjs: "text/javascript; charset=utf-8" };

/** Serves the files of `folder`, by name, to `page`, on an origin of its own; `act(site)` uses it, and it is gone. */
export async function withSite(folder, act) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    const kind = KINDS[name.split(".").pop()];
    const found = kind && /^[a-z.]+$/.test(name) ? readFile(new URL(name, folder)) : Promise.reject(new Error("none"));
    found.then(
      (bytes) => response.writeHead(200, { "content-type": kind }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await act({ origin: `http://127.0.0.1:${server.address().port}` });
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}
