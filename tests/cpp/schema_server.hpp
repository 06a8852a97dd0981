// tests/schema/server.py as a child process: a server that supports all operations in one version.
#ifndef SCHEMA_SERVER_HPP
#define SCHEMA_SERVER_HPP

#include <mcp.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace schema_server {

inline const char *const legacy = "2025-11-25";
inline const char *const modern = "2026-07-28";

// Its tool "asks" needs all handlers; "never" never responds.
inline mcp::client client(const std::string &version) {
    mcp::client client = mcp::client::for_process({PYTHON, SCHEMA_SERVER, version, "/dev/null"});
    client.set_timeout(std::chrono::seconds(20));
    client.set_protocol_version(version); // without it, a server that starts slowly is taken for a legacy one
    return client;
}

// Handlers for the requests of "asks", except elicitations.
inline void set_other_handlers(mcp::client &client) {
    client.set_sampling([](mcp::input &input) {
        input.respond(R"({"role":"assistant","model":"none","content":{"type":"text","text":"hello"}})");
    });
    client.set_roots([](mcp::input &input) { input.respond(R"({"roots":[]})"); });
}

} // namespace schema_server

#endif
