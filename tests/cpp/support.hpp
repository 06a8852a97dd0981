// Clocks, the scripted server and its log for the C++ tests; most of it is shared with the C tests.
#ifndef SUPPORT_HPP
#define SUPPORT_HPP

// Before support.h: no C++ header may be included inside extern "C".
#include <mcp.hpp>

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <strings.h>

extern "C" {
#include "support.h"
}

namespace support {

using namespace std::chrono_literals;

// An environment variable that the test server sets.
inline std::string variable(const char *name) {
    const char *value = std::getenv(name);
    must(value != nullptr, name);
    return value;
}

// A client for a scenario of the test server, such as "legacy+stream". The timeout turns a hang into a failure.
inline mcp::client client_at(std::string_view url) {
    auto client = mcp::client::try_new(url);
    must(client.has_value(), "create a client");
    must(client->try_set_timeout(20s).has_value(), "set the timeout");
    return *std::move(client);
}
inline mcp::client client_for(const std::string &options) {
    return client_at(scenario(options.c_str()));
}

// The requests that the server recorded under a tag: a JSON array.
inline mcp::json log_of(const std::string &tag) {
    const std::unique_ptr<char, decltype(&std::free)> text(http_get(("/_log/" + tag).c_str()), &std::free);
    auto log = mcp::json::try_parse(text.get());
    must(log.has_value() && log->type() == mcp::json_type::array, "the test server's log is a JSON array");
    return *std::move(log);
}

// The value of a header of a recorded request.
inline std::optional<std::string_view> header(mcp::json_view request, const char *name) {
    for (mcp::json_view pair : request["headers"].elements()) {
        const std::optional<std::string_view> key = pair[0].string();
        if (key && strcasecmp(key->data(), name) == 0) {
            return pair[1].string();
        }
    }
    return std::nullopt;
}

// The last recorded request.
inline mcp::json_view last(const mcp::json &log) {
    must(log.size() > 0, "the server recorded a request");
    return log[log.size() - 1];
}

// A short timeout for close(), for servers that do not respond to it.
inline mcp::options short_timeout() {
    return mcp::options().timeout(1s);
}

} // namespace support

#endif
