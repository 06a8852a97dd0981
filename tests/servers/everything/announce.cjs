// Preloaded into the `everything` server: listen on a free loopback port and tell the fixture on $ANNOUNCE_FD.
const fs = require("node:fs");
const net = require("node:net");

const TOKENS = Object.fromEntries(
  ["right", "wrong", "expired", "missing-scope"].map((name) => [name, `${name}-token`]),
);
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (_port, ...rest) {
  this.once("listening", () => {
    const url = `http://127.0.0.1:${this.address().port}/mcp`;
    const fixture = Number(process.env.ANNOUNCE_FD);
    fs.writeSync(fixture, JSON.stringify({ url, tokens: TOKENS }));
    fs.closeSync(fixture);
  });
  return listen.call(this, 0, "127.0.0.1", ...rest);
};
