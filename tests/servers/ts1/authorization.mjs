// A server on the TypeScript SDK 1.x (@modelcontextprotocol/sdk) behind the SDK's own authorization server and its demo
// provider, which logs in without a page, and issues no refresh tokens.
//
//     authorization.mjs FOLDER
//
// FOLDER is where the packages are installed. Both servers listen on free loopback ports; the addresses are written as
// JSON to $ANNOUNCE_FD. $TOKEN_SECONDS is how long an access token lasts.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const installed = createRequire(path.join(folder, "package.json"));
const load = (name) => import(pathToFileURL(installed.resolve(name)).href);
const sdk = (name) => load(`@modelcontextprotocol/sdk/${name}.js`);
const { default: express } = await load("express");
const { McpServer } = await sdk("server/mcp");
const { StreamableHTTPServerTransport } = await sdk("server/streamableHttp");
const { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter, mcpAuthRouter } = await sdk("server/auth/router");
const { requireBearerAuth } = await sdk("server/auth/middleware/bearerAuth");
const { InvalidTokenError } = await sdk("server/auth/errors");
const { DemoInMemoryAuthProvider } = await sdk("examples/server/demoInMemoryOAuthProvider");

const tokenSeconds = Number(process.env.TOKEN_SECONDS ?? 3600);
const scopes = ["mcp:tools"];

class Provider extends DemoInMemoryAuthProvider {
  async exchangeAuthorizationCode(...rest) {
    const tokens = await super.exchangeAuthorizationCode(...rest);
    this.tokens.get(tokens.access_token).expiresAt = Date.now() + tokenSeconds * 1000;
    return { ...tokens, expires_in: tokenSeconds };
  }

  async verifyAccessToken(token) {
    return super.verifyAccessToken(token).catch((error) => {
      // The demo throws an ordinary error, which the SDK responds to with 500.
      throw new InvalidTokenError(error.message);
    });
  }
}

async function listen(application) {
  const server = http.createServer(application);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${server.address().port}`);
}

const authorization = express();
const serving = express();
const issuer = await listen(authorization);
const resource = new URL("/mcp", await listen(serving));

const provider = new Provider((requested) => requested?.href === resource.href);
const rateLimit = false; // the tests send more requests than a person
authorization.use(
  mcpAuthRouter({
    provider,
    issuerUrl: issuer,
    scopesSupported: scopes,
    authorizationOptions: { rateLimit },
    tokenOptions: { rateLimit },
    clientRegistrationOptions: { rateLimit },
  }),
);

const oauthMetadata = { issuer: issuer.href };
serving.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: resource, scopesSupported: scopes }));
const authenticate = requireBearerAuth({
  verifier: provider,
  requiredScopes: scopes,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
  expectedResource: resource,
});
serving.all("/mcp", authenticate, express.json(), async (request, response) => {
  const server = new McpServer({ name: "libmcp-oauth", version: "1.2.3" });
  server.registerTool("read", {}, async ({ authInfo }) => ({
    content: [{ type: "text", text: `${authInfo.clientId} ${authInfo.scopes.join(" ")}` }],
  }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});

const fixture = Number(process.env.ANNOUNCE_FD);
const announcement = { transport: "streamable-http", url: resource.href, issuer: issuer.href, scopes };
fs.writeSync(fixture, JSON.stringify(announcement));
fs.closeSync(fixture);
