// The client that uses the TypeScript SDK on Node.js: client.mjs URL KIND COUNT. KIND is ping, cold, or the file with
// the text that the server echoes. The modern protocol has no ping: like libmcp, this client sends server/discover.

import { readFileSync } from "node:fs";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const MODERN = "2026-07-28";
const WARMUP_MS = 3000;

const [url, kind, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const isModern = url.includes("/modern/");
const text = kind === "ping" || kind === "cold" ? "" : readFileSync(kind, "utf8");

const mode = isModern ? { pin: MODERN } : "legacy";
const client = new Client({ name: "bench", version: "1" }, { versionNegotiation: { mode } });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));

async function ping() {
  await (isModern ? client.discover() : client.ping());
}

async function echo() {
  const result = await client.callTool({ name: "echo", arguments: { text } });
  return result.content[0].text;
}

async function call() {
  if (text === "") {
    await ping();
  } else if ((await echo()).length !== text.length) {
    throw new Error("the echoed text differs");
  }
}

function cpuUs() {
  const used = process.cpuUsage();
  return used.user + used.system;
}

async function measure() {
  // The JIT compiler needs time to optimize: a tenth of the calls is not sufficient as warm-up.
  const warm = performance.now() + WARMUP_MS;
  for (let left = Math.max(3, count / 10); left > 0 || performance.now() < warm; left--) await call();
  const [cpu, wall] = [cpuUs(), process.hrtime.bigint()];
  for (let left = count; left > 0; left--) await call();
  const [cpuUsed, took] = [cpuUs() - cpu, Number(process.hrtime.bigint() - wall) / 1000];
  const rss = process.resourceUsage().maxRSS;
  return { count, cpu_us: cpuUsed / count, wall_us: took / count, rss_kib: rss };
}

async function cold() {
  await ping();
  const now = process.hrtime.bigint();
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  return { first_answer_ns: Number(now), rss_kib: rss };
}

if (text !== "" && (await echo()) !== text) throw new Error("the echoed text differs");
console.log(JSON.stringify(await (kind === "cold" ? cold() : measure())));
process.exit(0);
