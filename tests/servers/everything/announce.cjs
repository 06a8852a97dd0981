// Preloaded into the `everything` server: lets it listen on a free loopback port and writes the address as JSON to
// $ANNOUNCE_FD. Without that variable, the server listens on the loopback port $PORT.
// In `sse` mode, the server is available at a second path, see ../announce.py.
const fs = require("node:fs");
const net = require("node:net");

const TOKENS = Object.fromEntries(
  ["right", "wrong", "expired", "missing-scope"].map((name) => [name, `${name}-token`]),
);
const SSE = "/sse";
const EVENTS = "/events";
const sse = process.argv[2] === "sse";
const listen = net.Server.prototype.listen;

const fixture = Number(process.env.ANNOUNCE_FD ?? -1);

net.Server.prototype.listen = function (port, ...rest) {
  this.once("listening", () => {
    if (fixture < 0) {
      return;
    }
    const origin = `http://127.0.0.1:${this.address().port}`;
    const address = sse
      ? { transport: "sse", url: origin + SSE, events_url: origin + EVENTS }
      : { transport: "streamable-http", url: `${origin}/mcp` };
    fs.writeSync(fixture, JSON.stringify({ ...address, tokens: TOKENS }));
    fs.closeSync(fixture);
  });
  if (sse) {
    this.prependListener("request", (request) => {
      if (request.url === EVENTS) {
        request.url = SSE;
      }
    });
  }
  return listen.call(this, fixture < 0 ? port : 0, "127.0.0.1", ...rest);
};
