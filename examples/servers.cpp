// servers: the tools of all servers of a configuration file, listed at the same time.
//
//     servers FILE                       lists the tools, as SERVER_TOOL
//     servers FILE SERVER_TOOL [JSON]    calls one, with its arguments
//
// Each server has its own client. A server that cannot be reached costs one line on stderr.
#include <mcp_queue.hpp>

#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace {

using servers = std::map<std::string, mcp::client>;

void report(const std::string &name, const std::exception &exception) {
    std::cerr << name << ": " << exception.what() << '\n';
}

servers open(const std::string &file) {
    servers opened;
    const mcp::json list = mcp::config_servers(file);
    for (mcp::json_view server : list.elements()) {
        const std::string name(server["name"].string().value_or(""));
        if (server["disabled"].as_bool())
            continue;
        try {
            opened.emplace(name, mcp::client::from_config(file, name));
        } catch (const mcp::exception &exception) {
            report(name, exception);
        }
    }
    return opened;
}

void list_all(servers &opened) {
    mcp::queue queue;
    std::map<std::string, std::future<mcp::json>> lists;
    for (auto &[name, client] : opened)
        lists.emplace(name, queue.future([&client = client](auto &with) { return client.list_tools(with); }));
    for (auto &[name, list] : lists) {
        try {
            queue.wait(list);
            const mcp::json tools = list.get();
            for (mcp::json_view tool : tools["tools"].elements())
                std::cout << name << '_' << tool["name"].string().value_or("") << '\n';
        } catch (const mcp::exception &exception) {
            report(name, exception);
        }
    }
}

// The server of a tool: of the names that fit, the longest.
servers::iterator find(servers &opened, std::string_view tool) {
    auto found = opened.end();
    for (auto server = opened.begin(); server != opened.end(); ++server) {
        const std::string prefix = server->first + '_';
        if (tool.substr(0, prefix.size()) == prefix &&
            (found == opened.end() || prefix.size() > found->first.size() + 1))
            found = server;
    }
    return found;
}

int call(servers &opened, std::string_view tool, const char *arguments) {
    const auto server = find(opened, tool);
    if (server == opened.end()) {
        std::cerr << "no server has a tool " << tool << '\n';
        return EXIT_FAILURE;
    }
    auto &[name, client] = *server;
    try {
        const mcp::tool_result result = client.call_tool(tool.substr(name.size() + 1), arguments);
        std::cout << result.text() << '\n';
        return EXIT_SUCCESS;
    } catch (const mcp::exception &exception) {
        report(name, exception);
        return EXIT_FAILURE;
    }
}

} // namespace

int main(int count, char **arguments) {
    if (count < 2) {
        std::cerr << "usage: servers FILE [SERVER_TOOL [JSON]]\n";
        return 2;
    }
    try {
        servers opened = open(arguments[1]);
        if (count > 2)
            return call(opened, arguments[2], count > 3 ? arguments[3] : "{}");
        list_all(opened);
        return EXIT_SUCCESS;
    } catch (const mcp::exception &exception) {
        report(arguments[1], exception);
        return EXIT_FAILURE;
    }
}
