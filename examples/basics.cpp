// basics: ten things that a client does. The token is in MCP_BEARER_TOKEN.
//
//     basics URL
//
// basics.py does the same with FastMCP, and prints the same lines.
#include <mcp.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>

using namespace std::chrono_literals;

namespace {

void ping(mcp::client &client) {
    client.ping();
    std::cout << "the server answers\n";
}

void show_server(mcp::client &client) {
    const mcp::json info = client.server_info();
    const mcp::json_view server = info["serverInfo"];
    std::cout << "server: " << server["name"].copy_string() << ' ' << server["version"].copy_string() << '\n';
}

void list_tools(mcp::client &client) {
    const mcp::json list = client.list_tools();
    for (mcp::json_view tool : list["tools"].elements())
        std::cout << "tool: " << tool["name"].copy_string() << '\n';
}

void call_tool(mcp::client &client) {
    mcp::json_writer arguments;
    arguments.begin_object().string("name", "Ada").int64("age", 36).end();
    const mcp::tool_result result = client.call_tool("person", arguments.text());
    const mcp::json_view person = result.structured();
    std::cout << "person: " << person["name"].copy_string() << ", " << person["age"].as_int64() << ", "
              << person["tags"].size() << " tags\n";
}

void see_tool_fail(mcp::client &client) {
    try {
        client.call_tool("fail", R"({"why":"no luck"})");
    } catch (const mcp::tool_error &error) {
        std::cout << "the tool failed: " << error.what() << '\n';
    }
}

void read_resource(mcp::client &client) {
    const mcp::json memo = client.read_resource("memo://text");
    for (mcp::json_view content : memo["contents"].elements())
        std::cout << "memo: " << content["text"].copy_string() << '\n';
}

void get_prompt(mcp::client &client) {
    const mcp::json prompt = client.get_prompt("explain", R"({"topic":"Rust"})");
    for (mcp::json_view message : prompt["messages"].elements())
        std::cout << message["role"].copy_string() << ": " << message["content"]["text"].copy_string() << '\n';
}

void watch_progress(mcp::client &client) {
    const auto show = [](const mcp::progress &progress) {
        std::cout << "progress: " << progress.value << " of " << progress.total.value_or(0) << ", " << progress.message
                  << '\n';
    };
    const mcp::tool_result result = client.call_tool("count", R"({"steps":3})", mcp::options().on_progress(show));
    std::cout << result.text() << '\n';
}

void answer(mcp::input &input) {
    std::cout << "the server asks: " << input.params()["message"].copy_string() << '\n';
    input.accept(R"({"name":"Ada"})");
}

void give_input(mcp::client &client) {
    const mcp::tool_result result = client.call_tool("ask_name");
    std::cout << result.text() << '\n';
}

void limit_time(mcp::client &client) {
    try {
        client.call_tool("slow", R"({"seconds":5})", mcp::options().timeout(200ms));
    } catch (const mcp::error &error) {
        if (error.status() != mcp::status::timeout)
            throw;
        std::cout << "the call took too long\n";
    }
}

} // namespace

int main(int count, char **arguments) {
    if (count != 2) {
        std::cerr << "usage: basics URL\n";
        return 2;
    }
    try {
        mcp::client client(arguments[1]);
        if (const char *token = std::getenv("MCP_BEARER_TOKEN"))
            client.set_bearer(token);
        client.set_elicitation(answer);
        ping(client);
        show_server(client);
        list_tools(client);
        call_tool(client);
        see_tool_fail(client);
        read_resource(client);
        get_prompt(client);
        watch_progress(client);
        give_input(client);
        limit_time(client);
        client.close();
    } catch (const mcp::exception &exception) {
        std::cerr << exception.what() << '\n';
        return EXIT_FAILURE;
    }
}
