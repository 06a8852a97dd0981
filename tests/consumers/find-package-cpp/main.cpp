// Somebody's C++ program: it pings the server that MCP_TEST_URL names, and sees an error come back as an exception.
#include <mcp.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

struct Free {
    void operator()(mcp_client *client) const {
        mcp_client_free(client);
    }
    void operator()(mcp_error *error) const {
        mcp_error_free(error);
    }
};
using Client = std::unique_ptr<mcp_client, Free>;

[[noreturn]] void raise(mcp_error *owned) {
    const std::unique_ptr<mcp_error, Free> error(owned);
    throw std::runtime_error(mcp_error_message(error.get()));
}

void ping(const std::string &url) {
    mcp_error *error = nullptr;
    const Client client(mcp_client_new(url.c_str(), &error));
    if (!client || mcp_ping(client.get(), nullptr, &error) != MCP_OK) {
        raise(error);
    }
}

bool is_refused(const std::string &url) {
    try {
        ping(url);
    } catch (const std::runtime_error &error) {
        std::cout << "libmcp " << mcp_version() << ": refused " << url << ": " << error.what() << '\n';
        return true;
    }
    return false;
}

} // namespace

int main() {
    const char *server = std::getenv("MCP_TEST_URL");
    if (server == nullptr || mcp_version() != std::string(MCP_VERSION)) {
        std::cerr << "MCP_TEST_URL is not set, or the library is of another version than the header\n";
        return 1;
    }
    const std::string url = std::string(server) + "/mcp";
    try {
        ping(url);
    } catch (const std::runtime_error &error) {
        std::cerr << url << ": " << error.what() << '\n';
        return 1;
    }
    std::cout << "libmcp " << mcp_version() << ": pinged " << url << ": alive\n";
    return is_refused("not a URL") ? 0 : 1;
}
