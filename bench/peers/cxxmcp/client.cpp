// The client that uses cxxmcp, an SDK in C++: PROGRAM URL KIND COUNT. It supports legacy versions only.
#include <cxxmcp/client/client.hpp>

#include <string>

#include "../../clients/client.h"

namespace {

struct context {
    struct task task;
    mcp::client::Client client;
};

template <typename Result> auto must(Result result) {
    if (!result.has_value())
        fail(result.error().message.c_str());
    return *std::move(result);
}

void call(void *place, long number) {
    context &context = *static_cast<struct context *>(place);
    const struct task &task = context.task;
    if (task.what == PING) {
        must(context.client.ping());
        return;
    }
    mcp::protocol::ToolCall echo;
    echo.name = task.tool;
    echo.arguments = {{"text", std::string(task.text, task.size)}};
    auto result = must(context.client.call_tool(echo));
    if (result.content.size() != 1)
        fail("the result has no text");
    const std::string &text = result.content[0].text;
    check_text(&task, text.data(), text.size(), number);
}

} // namespace

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    if (task.modern)
        fail("cxxmcp has no modern protocol version");
    context context = {task, mcp::client::Client::connect_streamable_http(std::string(task.url))};
    must(context.client.initialize("bench", "1"));
    must(context.client.notify_initialized());
    return measure(&context.task, call, &context);
}
