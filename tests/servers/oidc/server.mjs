// An authorization server (npm oidc-provider), and an MCP server on the TypeScript SDK 2.x that asks it about each
// token.
//
//     server.mjs FOLDER
//
// FOLDER is where the packages are installed. Both servers listen on free loopback ports; the addresses and the clients
// that exist from the start are written as JSON to $ANNOUNCE_FD. From the environment:
//
//     TOKEN_SECONDS   how long an access token lasts (3600)
//     PORTS           "ISSUER,RESOURCE": ports to listen on, so that a restarted server has the same URLs
//
// GET /events of the MCP server returns how often each event of the provider occurred, for example "grant.success
// refresh_token". The login page accepts any name and password.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

// Node.js 20 lacks this function, which the provider calls.
URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null);

const [folder] = process.argv.slice(2);
const installed = createRequire(path.join(folder, "package.json"));
const load = (name) => import(pathToFileURL(installed.resolve(name)).href);
const {
  McpServer,
  OAuthError,
  OAuthErrorCode,
  buildOAuthProtectedResourceMetadata,
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  requireBearerAuth,
  requireScopes,
} = await load("@modelcontextprotocol/server");
const { toNodeHandler } = await load("@modelcontextprotocol/node");
const { default: Provider } = await import(
  pathToFileURL(path.join(folder, "node_modules/oidc-provider/lib/index.js")).href
);

const tokenSeconds = Number(process.env.TOKEN_SECONDS ?? 3600);
const [issuerPort, resourcePort] = (process.env.PORTS ?? "0,0").split(",").map(Number);
const scopes = ["mcp:read", "mcp:write"];

async function listen(server, port) {
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
}
const issuing = http.createServer();
const serving = http.createServer();
const issuer = await listen(issuing, issuerPort);
const origin = await listen(serving, resourcePort);
const resource = `${origin}/mcp`;

// --- The authorization server ---

const secret = () => crypto.randomBytes(24).toString("hex");
const introspector = { client_id: "introspector", client_secret: secret() };
const service = { client_id: "service", client_secret: secret() };
const serviceKey = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
const tokenKey = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = (key, members) => ({ ...key.export({ format: "jwk" }), use: "sig", ...members });

const login = { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] };
const withoutLogin = { redirect_uris: [], response_types: [], scope: scopes.join(" ") };
const clientUrl = "https://client.test/metadata.json";
const loopback = {
  application_type: "native",
  redirect_uris: ["http://127.0.0.1/callback"],
  token_endpoint_auth_method: "none",
  ...login,
};

const provider = new Provider(issuer, {
  clients: [
    { ...withoutLogin, ...introspector, grant_types: [] },
    { ...withoutLogin, ...service, grant_types: ["client_credentials"] },
    {
      ...withoutLogin,
      client_id: "service-key",
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [jwk(serviceKey.publicKey, { kid: "service-1", alg: "ES256" })] },
    },
    { ...loopback, client_id: "native" },
  ],
  cookies: { keys: [secret()] },
  jwks: { keys: [jwk(tokenKey.privateKey, { kid: "token-1", alg: "RS256" })] },
  scopes: ["openid", "offline_access", ...scopes],
  clientAuthMethods: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: tokenSeconds, ClientCredentials: tokenSeconds },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  // The document of the client that is known by its URL. The provider fetches nothing else.
  fetch: async (url) => {
    if (String(url) !== clientUrl) {
      throw new Error(`not fetched: ${url}`);
    }
    return Response.json({ ...loopback, client_id: clientUrl, client_name: "libmcp test" });
  },
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: true },
    clientCredentials: { enabled: true },
    clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
    introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === introspector.client_id },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      // Tokens for this MCP server are opaque. Another one on this machine gets JWTs, which it verifies without
      // introspection.
      getResourceServerInfo: (_, indicator) => ({
        scope: scopes.join(" "),
        audience: indicator,
        accessTokenTTL: tokenSeconds,
        ...(indicator === resource
          ? { accessTokenFormat: "opaque" }
          : { accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } }),
      }),
    },
  },
});

const events = {};
const count = (event) => (events[event] = (events[event] ?? 0) + 1);
for (const event of ["grant.success", "grant.error"]) {
  provider.on(event, (ctx, error) => {
    count(`${event} ${ctx.oidc.params?.grant_type}`);
    if (error) {
      console.error(event, error.error, error.error_detail ?? error.error_description);
    }
  });
}
for (const event of ["authorization.success", "registration_create.success", "grant.revoked"]) {
  provider.on(event, () => count(event));
}
for (const event of ["authorization.error", "registration_create.error", "server_error", "revocation.error"]) {
  provider.on(event, (_, error) => {
    count(event);
    console.error(event, error);
  });
}
issuing.on("request", provider.callback());

// --- The MCP server ---

const text = (value) => ({ content: [{ type: "text", text: value }] });

function makeServer() {
  const server = new McpServer({ name: "libmcp-oidc", version: "1.2.3" });
  server.registerTool("read", {}, async (ctx) => {
    const { clientId, scopes: granted } = ctx.http.authInfo;
    return text(`${clientId} ${granted.join(" ")}`);
  });
  server.registerTool("write", { scopeChallenge: requireScopes("mcp:write") }, async (ctx) =>
    text(`wrote with ${ctx.http.authInfo.scopes.join(" ")}`),
  );
  return server;
}

const basic = Buffer.from(`${introspector.client_id}:${introspector.client_secret}`).toString("base64");
const verifier = {
  async verifyAccessToken(token) {
    const response = await fetch(`${issuer}/token/introspection`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token }),
    });
    const info = await response.json();
    if (!info.active || info.token_type !== "Bearer") {
      throw new OAuthError(OAuthErrorCode.InvalidToken, "the token is not active");
    }
    return {
      token,
      clientId: info.client_id,
      scopes: info.scope?.split(" ") ?? [],
      expiresAt: info.exp,
      resource: new URL(info.aud),
    };
  },
};
const metadataUrl = getOAuthProtectedResourceMetadataUrl(new URL(resource));
const metadata = buildOAuthProtectedResourceMetadata({
  oauthMetadata: { issuer },
  resourceServerUrl: new URL(resource),
  scopesSupported: ["mcp:read"],
});
const authenticate = requireBearerAuth({
  verifier,
  requiredScopes: ["mcp:read"],
  resourceMetadataUrl: metadataUrl,
  expectedResource: new URL(resource),
});
const serve = toNodeHandler(createMcpHandler(makeServer, { onerror: (error) => console.error(String(error)) }));

serving.on("request", async (request, response) => {
  const url = new URL(request.url, origin);
  const json = (value) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
  if (url.href === metadataUrl) {
    return json(metadata);
  }
  if (url.pathname === "/events") {
    return json(events);
  }
  if (url.pathname !== "/mcp") {
    return response.writeHead(404).end();
  }
  const { authorization = "" } = request.headers;
  const auth = await authenticate(new Request(url, { headers: { authorization } }));
  if (auth instanceof Response) {
    return response.writeHead(auth.status, Object.fromEntries(auth.headers)).end(await auth.text());
  }
  request.auth = auth;
  await serve(request, response);
});

const announcement = {
  transport: "streamable-http",
  url: resource,
  issuer,
  events: `${origin}/events`,
  scopes,
  client: { id: "native" },
  client_url: clientUrl,
  service: { id: service.client_id, secret: service.client_secret },
  service_key: {
    id: "service-key",
    key: serviceKey.privateKey.export({ type: "pkcs8", format: "pem" }),
    key_id: "service-1",
  },
};
const fixture = Number(process.env.ANNOUNCE_FD);
fs.writeSync(fixture, JSON.stringify(announcement));
fs.closeSync(fixture);
