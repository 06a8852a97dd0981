// Somebody's C++ program: it pings the server that MCP_TEST_URL names, and sees an error come back as an exception.
#include <mcp.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

bool is_refused(const std::string &url) {
    try {
        mcp::client client(url);
    } catch (const mcp::error &error) {
        std::cout << "libmcp " << mcp::version() << ": refused " << url << ": " << error.what() << '\n';
        return error.status() == mcp::status::invalid_argument;
    }
    return false;
}

} // namespace

int main() {
    const char *server = std::getenv("MCP_TEST_URL");
    if (server == nullptr || mcp::version() != std::string(MCP_VERSION)) {
        std::cerr << "MCP_TEST_URL is not set, or the library is of another version than the header\n";
        return 1;
    }
    const std::string url = std::string(server) + "/mcp";
    try {
        mcp::client client(url);
        client.ping();
        const mcp::json info = client.server_info();
        std::cout << "libmcp " << mcp::version() << ": pinged " << url << ": "
                  << info.at("/serverInfo/name").string().value_or("(no name)") << " is alive\n";
        client.close();
    } catch (const mcp::error &error) {
        std::cerr << url << ": " << error.what() << '\n';
        return 1;
    }
    return is_refused("not a URL") ? 0 : 1;
}
