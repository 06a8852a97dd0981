// The state files of the real servers (tests/servers/fixture.py), read with mcp::json.
#ifndef SERVERS_HPP
#define SERVERS_HPP

#include <mcp.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace servers {

// {"url": ..., "transport": ..., "tokens": {"right": ..., ...}}
inline mcp::json state(const char *path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    auto state = mcp::json::try_parse(text.str());
    if (!state || !state->pointer("/url")) {
        std::cerr << path << " does not contain the server's URL\n";
        std::exit(2);
    }
    return *std::move(state);
}

} // namespace servers

#endif
