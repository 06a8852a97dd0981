// A handwritten legacy MCP server on Fastify, which parses the body of every request that has a Content-Type, even of a
// DELETE.
//
//     server.mjs PORT FOLDER
//
// FOLDER is where the packages are installed. GET /sessions returns the open sessions.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";

const [port, folder] = process.argv.slice(2);
const fastify = createRequire(path.join(folder, "package.json"))("fastify");

const sessions = new Set();
const results = {
  initialize: {
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "libmcp-fastify", version: "1.2.3" },
  },
  "tools/call": { content: [{ type: "text", text: "ok" }] },
  ping: {},
};

const app = fastify();
app.post("/mcp", (request, reply) => {
  const { id, method } = request.body;
  let session = request.headers["mcp-session-id"];
  if (method === "initialize") {
    session = randomUUID();
    sessions.add(session);
    reply.header("mcp-session-id", session);
  }
  if (id === undefined) {
    return reply.code(202).send();
  }
  if (!results[method]) {
    return { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } };
  }
  return sessions.has(session) ? { jsonrpc: "2.0", id, result: results[method] } : reply.code(404).send();
});
app.delete("/mcp", (request, reply) => {
  const ended = sessions.delete(request.headers["mcp-session-id"]);
  return reply.code(ended ? 200 : 404).send();
});
app.get("/sessions", () => [...sessions]);
await app.listen({ port: Number(port), host: "127.0.0.1" });
