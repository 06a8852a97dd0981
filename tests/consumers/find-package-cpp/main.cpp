// A C++ program that pings the server at MCP_TEST_URL, and catches an error as an exception.
#include <mcp.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

bool is_rejected(const std::string &url) {
    try {
        mcp::client client(url);
    } catch (const mcp::error &error) {
        std::cout << "libmcp " << mcp::version() << ": rejected " << url << ": " << error.what() << '\n';
        return error.status() == mcp::status::invalid_argument;
    }
    return false;
}

} // namespace

int main() {
    const char *server = std::getenv("MCP_TEST_URL");
    if (server == nullptr || mcp::version() != std::string(MCP_VERSION)) {
        std::cerr << "MCP_TEST_URL is not set, or the library and the header have different versions\n";
        return 1;
    }
    const std::string url = std::string(server) + "/mcp";
    try {
        mcp::client client(url);
        client.ping();
        const mcp::json info = client.server_info();
        std::cout << "libmcp " << mcp::version() << ": pinged " << url << ": "
                  << info.pointer("/serverInfo/name").string().value_or("(no name)") << " is alive\n";
        client.close();
    } catch (const mcp::error &error) {
        std::cerr << url << ": " << error.what() << '\n';
        return 1;
    }
    return is_rejected("not a URL") ? 0 : 1;
}
