// A server of the Model Context Protocol that takes JWT access tokens of ayb, with the official SDK and jose.

import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

// The address that clients know this server by, such as https://notes.example.com/mcp; it is the audience of its tokens.
const { ISSUER, RESOURCE, PORT } = process.env;
const { origin, pathname } = new URL(RESOURCE);
const METADATA = `/.well-known/oauth-protected-resource${pathname}`;
const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks.json`));

/** The words of ayb in their order: each allows what the words before it allow. */
const WORDS = ["readonly", "readwrite", "*"];

async function verifyAccessToken(token) {
  const wanted = { issuer: ISSUER, audience: RESOURCE, typ: "at+jwt", algorithms: ["RS256", "ES256", "EdDSA"] };
  const { payload } = await jwtVerify(token, keys, wanted).catch((error) => {
    throw error instanceof errors.JOSEError ? new InvalidTokenError("The access token is not valid here.") : error;
  });
  const highest = Math.max(...payload.scope.split(" ").map((word) => WORDS.indexOf(word)));
  // The SDK compares letter by letter, so it is told every word that the token includes.
  const scopes = WORDS.slice(0, highest + 1);
  return { token, clientId: payload.client_id, scopes, expiresAt: payload.exp, extra: { subject: payload.sub } };
}

/** The tools of one request. */
function tools() {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  server.registerTool("whoami", { description: "For whom this server works" }, ({ authInfo }) => ({
    content: [{ type: "text", text: authInfo.extra.subject }],
  }));
  return server;
}

const app = express();

app.get(METADATA, (_request, response) => {
  response.set("access-control-allow-origin", "*").json({
    resource: RESOURCE,
    authorization_servers: [ISSUER],
    // One word: a client may ask for all that is listed, and ayb gives one word for APIs at a time.
    scopes_supported: ["readonly"],
    bearer_methods_supported: ["header"],
  });
});

const guard = requireBearerAuth({
  verifier: { verifyAccessToken },
  requiredScopes: ["readonly"],
  resourceMetadataUrl: origin + METADATA,
});

app.post(pathname, guard, express.json(), async (request, response) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => transport.close());
  await tools().connect(transport);
  await transport.handleRequest(request, response, request.body);
});

app.listen(PORT, "127.0.0.1");
