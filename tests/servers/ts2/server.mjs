// A server on the TypeScript SDK (@modelcontextprotocol/server 2.x), with the features of features_fastmcp.py and
// features_sdk.py, and more.
//
//     server.mjs --http FOLDER      HTTP on a free loopback port; the address is written as JSON to $ANNOUNCE_FD
//     server.mjs --stdio FOLDER
//
// FOLDER is where the packages are installed.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [mode, folder] = process.argv.slice(2);
const installed = createRequire(path.join(folder, "package.json"));
const load = (name) => import(pathToFileURL(installed.resolve(name)).href);
const { McpServer, ResourceTemplate, completable, createMcpHandler, createRequestStateCodec, inputRequired } =
  await load("@modelcontextprotocol/server");
const { serveStdio } = await load("@modelcontextprotocol/server/stdio");
const { toNodeHandler } = await load("@modelcontextprotocol/node");
const { z } = await load("zod");

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const TOPICS = ["rust", "ruby", "python"];
const text = (value) => ({ content: [{ type: "text", text: value }] });

/** The state of each client, by its header X-Client: counters of requests, and the header name of the tool `region`. */
const clients = new Map();
const client = (name) => clients.get(name) ?? clients.set(name, { list: 0, memo: 0, header: "Region" }).get(name);

const codec = createRequestStateCodec({ key: Buffer.alloc(32, 7) });
let notify; // set for stdio or HTTP at the end of this file

function make(ctx) {
  const caller = client(ctx.requestInfo?.headers.get("x-client") ?? "");
  const server = new McpServer(
    { name: "libmcp-features", version: "1.2.3" },
    {
      capabilities: { logging: {}, resources: { subscribe: true, listChanged: true }, tools: { listChanged: true } },
      instructions: "For tests.",
      cacheHints: { "tools/list": { ttlMs: 60000, cacheScope: "public" } },
      requestState: { verify: codec.verify },
    },
  );

  const textInput = z.object({ text: z.string() });
  server.registerTool("echo", { inputSchema: textInput }, async ({ text: value }) => text(value));
  server.registerTool(
    "add",
    { inputSchema: z.object({ a: z.number(), b: z.number() }), outputSchema: z.object({ result: z.number() }) },
    async ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { result: a + b } }),
  );
  server.registerTool(
    "person",
    {
      inputSchema: z.object({ name: z.string(), age: z.number().int() }),
      outputSchema: z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) }),
    },
    async ({ name, age }) => {
      const person = { name, age, tags: ["a", "b"] };
      return { ...text(JSON.stringify(person)), structuredContent: person };
    },
  );
  server.registerTool("fail", { inputSchema: z.object({ why: z.string() }) }, async ({ why }) => {
    throw new Error(why);
  });
  server.registerTool("picture", {}, async () => ({
    content: [{ type: "image", data: PIXEL, mimeType: "image/png" }],
  }));
  server.registerTool("count", { inputSchema: z.object({ steps: z.number().int() }) }, async ({ steps }, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (let step = 1; step <= steps; step++) {
      if (progressToken !== undefined) {
        const params = { progressToken, progress: step, total: steps, message: `step ${step}` };
        await ctx.mcpReq.notify({ method: "notifications/progress", params });
      }
    }
    return text(`counted to ${steps}`);
  });
  server.registerTool("speak", { inputSchema: textInput }, async ({ text: value }, ctx) => {
    for (const level of ["debug", "info", "warning", "error"]) {
      await ctx.mcpReq.log(level, value, "speaker");
    }
    return text("spoken");
  });
  server.registerTool("meta", {}, async (ctx) => {
    const meta = ctx.mcpReq._meta ?? {};
    const header = ctx.http?.req?.headers.get("x-test") ?? "none";
    return { ...text(`${meta.traceparent ?? "none"} ${header}`), _meta: { "libmcp.test/answer": 42 } };
  });

  // --- Inputs ---
  server.registerTool("ask_name", {}, async (ctx) => {
    const answer = ctx.mcpReq.inputResponses?.name;
    if (!answer) {
      const requestedSchema = {
        type: "object",
        properties: { name: { type: "string" }, greeting: { type: "string", default: "Hello" } },
        required: ["name"],
      };
      return inputRequired({
        inputRequests: { name: inputRequired.elicit({ message: "Who are you?", requestedSchema }) },
      });
    }
    if (answer.action !== "accept") {
      return text(`action: ${answer.action}`);
    }
    return text(`${answer.content.greeting}, ${answer.content.name}!`);
  });
  server.registerTool("ask_name_directly", {}, async (ctx) => {
    const requestedSchema = {
      type: "object",
      properties: { name: { type: "string" }, greeting: { type: "string", default: "Hello" } },
    };
    // Fails with modern versions.
    const answer = await ctx.mcpReq.elicitInput({ message: "Who are you?", requestedSchema });
    return text(answer.action === "accept" ? `${answer.content.greeting}, ${answer.content.name}!` : answer.action);
  });
  server.registerTool("ask_model", { inputSchema: z.object({ prompt: z.string() }) }, async ({ prompt }, ctx) => {
    const answer = ctx.mcpReq.inputResponses?.sample;
    if (!answer) {
      const messages = [{ role: "user", content: { type: "text", text: prompt } }];
      return inputRequired({ inputRequests: { sample: inputRequired.createMessage({ messages, maxTokens: 16 }) } });
    }
    return text(answer.content.text);
  });
  server.registerTool("ask_roots", {}, async (ctx) => {
    const answer = ctx.mcpReq.inputResponses?.roots;
    if (!answer) {
      return inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });
    }
    return text(answer.roots.map((root) => root.uri).join(" "));
  });
  server.registerTool("ask_url", {}, async (ctx) => {
    const answer = ctx.mcpReq.inputResponses?.url;
    if (!answer) {
      const request = inputRequired.elicitUrl({ message: "Log in.", url: "https://example.test/login" });
      return inputRequired({ inputRequests: { url: request } });
    }
    return text(`action: ${answer.action}`);
  });
  server.registerTool("ask_all", {}, async (ctx) => {
    const answers = ctx.mcpReq.inputResponses;
    if (!answers?.roots) {
      const schema = { type: "object", properties: { colour: { type: "string" } } };
      const messages = [{ role: "user", content: { type: "text", text: "all" } }];
      return inputRequired({
        inputRequests: {
          form: inputRequired.elicit({ message: "Which colour?", requestedSchema: schema }),
          sample: inputRequired.createMessage({ messages, maxTokens: 16 }),
          roots: inputRequired.listRoots(),
        },
        requestState: await codec.mint({ all: "three" }),
      });
    }
    const { all } = ctx.mcpReq.requestState();
    const { form, sample, roots } = answers;
    return text(`${all}: ${form.content.colour}, ${sample.content.text}, ${roots.roots.length}`);
  });
  server.registerTool("rounds", { inputSchema: z.object({ count: z.number().int() }) }, async ({ count }, ctx) => {
    const { round = 0, previous = [] } = ctx.mcpReq.requestState() ?? {};
    const answer = ctx.mcpReq.inputResponses?.[`word${round}`];
    const words = answer ? [...previous, answer.content.word] : previous;
    if (round === count) {
      return text(words.join(" "));
    }
    const schema = { type: "object", properties: { word: { type: "string" } } };
    const request = inputRequired.elicit({ message: `Word ${round + 1}?`, requestedSchema: schema });
    return inputRequired({
      inputRequests: { [`word${round + 1}`]: request },
      requestState: await codec.mint({ round: round + 1, previous: words }),
    });
  });
  server.registerTool("retry", { inputSchema: z.object({ times: z.number().int() }) }, async ({ times }, ctx) => {
    const { round = 0 } = ctx.mcpReq.requestState() ?? {};
    if (round < times) {
      return inputRequired({ requestState: await codec.mint({ round: round + 1 }) });
    }
    return text(`after ${round} retries`);
  });

  // --- Headers (2026-07-28, "Mcp-Param-*"): the SDK compares them with the arguments ---
  const inHeader = (schema, name) => schema.meta({ "x-mcp-header": name });
  server.registerTool(
    "region",
    {
      inputSchema: z.object({
        region: inHeader(z.string(), caller.header),
        level: inHeader(z.number().int(), "Level").optional(),
        urgent: inHeader(z.boolean(), "Urgent").optional(),
        query: z.string(),
      }),
    },
    async ({ region, level, urgent, query }, ctx) => {
      const header = (name) => ctx.http?.req?.headers.get(`mcp-param-${name}`) ?? "none";
      const seen = ctx.http ? `${header(caller.header)} ${header("level")} ${header("urgent")}` : "no http";
      return text(`${region} ${level} ${urgent} ${query}: ${seen}`);
    },
  );

  server.registerTool("rename", { inputSchema: z.object({ header: z.string() }) }, async ({ header }) => {
    caller.header = header;
    return text("renamed");
  });
  const broken = inHeader(z.object({ x: z.string() }), "Broken");
  server.registerTool("broken", { inputSchema: z.object({ broken }) }, async () => text("broken"));

  // --- Changes ---
  server.registerTool("touch", { inputSchema: z.object({ uri: z.string() }) }, async ({ uri }) => {
    notify.resourceUpdated(uri);
    return text("touched");
  });
  server.registerTool("change", { inputSchema: z.object({ what: z.string() }) }, async ({ what }) => {
    notify[`${what}Changed`]();
    return text("changed");
  });
  server.registerTool("counts", {}, async () => text(`list ${caller.list} memo ${caller.memo}`));

  // --- Resources ---
  const cacheable = { mimeType: "text/plain", cacheHint: { ttlMs: 60000, cacheScope: "private" } };
  server.registerResource("memo", "memo://text", cacheable, async (uri) => {
    caller.memo++;
    return { contents: [{ uri: uri.href, mimeType: "text/plain", text: "Dear diary" }] };
  });
  server.registerResource("bytes", "memo://bytes", { mimeType: "application/octet-stream" }, async (uri) => {
    const blob = Buffer.from(Array.from({ length: 256 }, (_, index) => index)).toString("base64");
    return { contents: [{ uri: uri.href, mimeType: "application/octet-stream", blob }] };
  });
  const complete = { number: (value) => ["1", "12", "123"].filter((each) => each.startsWith(value)) };
  server.registerResource(
    "square",
    new ResourceTemplate("memo://squares/{number}", { list: undefined, complete }),
    { mimeType: "text/plain" },
    async (uri, { number }) => ({
      contents: [{ uri: uri.href, mimeType: "text/plain", text: String(Number(number) ** 2) }],
    }),
  );

  // --- Prompts ---
  server.registerPrompt("greet", { description: "Greets." }, async () => ({
    messages: [{ role: "user", content: { type: "text", text: "Say hello." } }],
  }));
  const topic = completable(z.string(), (value) => TOPICS.filter((each) => each.startsWith(value)));
  server.registerPrompt(
    "explain",
    { description: "Explains.", argsSchema: z.object({ topic, style: z.string().optional() }) },
    async ({ topic: about, style }) => ({
      messages: [
        { role: "user", content: { type: "text", text: `Explain ${about}${style ? ` in ${style}` : ""}.` } },
      ],
    }),
  );
  return server;
}

if (mode === "--stdio") {
  let server;
  serveStdio((ctx) => (server = make(ctx)));
  notify = {
    resourceUpdated: (uri) => server.server.sendResourceUpdated({ uri }),
    toolsChanged: () => server.sendToolListChanged(),
    promptsChanged: () => server.sendPromptListChanged(),
    resourcesChanged: () => server.sendResourceListChanged(),
  };
} else {
  const handler = createMcpHandler(make, { onerror: (error) => console.error(String(error)) });
  notify = handler.notify;
  const serve = toNodeHandler(handler);
  const listener = http.createServer((request, response) => {
    if (request.headers["mcp-method"] === "tools/list") {
      client(request.headers["x-client"] ?? "").list++;
    }
    serve(request, response);
  });
  listener.listen(0, "127.0.0.1", () => {
    const url = `http://127.0.0.1:${listener.address().port}/mcp`;
    const fixture = Number(process.env.ANNOUNCE_FD);
    fs.writeSync(fixture, JSON.stringify({ transport: "streamable-http", url }));
    fs.closeSync(fixture);
  });
}
