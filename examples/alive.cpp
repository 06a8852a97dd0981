#include <mcp.hpp>

#include <cstdlib>
#include <iostream>

int main(int count, char **arguments) {
    try {
        mcp::client client(count > 1 ? arguments[1] : "https://example.com/mcp");
        if (const char *token = std::getenv("MCP_BEARER_TOKEN"))
            client.set_bearer(token);
        client.ping();
        std::cout << "the server answers\n";
    } catch (const mcp::exception &exception) {
        std::cerr << exception.what() << '\n';
        return 1;
    }
}
