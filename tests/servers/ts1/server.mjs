// A server on the TypeScript SDK 1.x (@modelcontextprotocol/sdk) with a single transport, and therefore a single
// session.
//
//     server.mjs PORT FOLDER
//
// FOLDER is where the packages are installed.
import http from "node:http";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [port, folder] = process.argv.slice(2);
const installed = createRequire(path.join(folder, "package.json"));
const load = (name) => import(pathToFileURL(installed.resolve(`@modelcontextprotocol/sdk/server/${name}.js`)).href);
const { McpServer } = await load("mcp");
const { StreamableHTTPServerTransport } = await load("streamableHttp");

const server = new McpServer({ name: "libmcp-one-session", version: "1.2.3" });
server.registerTool("echo", {}, async () => ({ content: [{ type: "text", text: "ok" }] }));
const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
await server.connect(transport);
http
  .createServer((request, response) => transport.handleRequest(request, response))
  .listen(Number(port), "127.0.0.1");
