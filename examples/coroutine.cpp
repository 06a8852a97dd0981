// Prints the tools of several servers. One thread asks all servers at the same time, with a coroutine for each.
//
//     coroutine URL...
#include <mcp_queue.hpp>

#include <chrono>
#include <coroutine>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

// A coroutine that begins at once and is not awaited. Libraries for coroutines have types that can do more.
struct task {
    struct promise_type {
        task get_return_object() {
            return {};
        }
        std::suspend_never initial_suspend() noexcept {
            return {};
        }
        std::suspend_never final_suspend() noexcept {
            return {};
        }
        void return_void() {}
        void unhandled_exception() {
            std::terminate();
        }
    };
};

task print_tools(mcp::queue &queue, std::string url, int &failed) {
    try {
        mcp::client client(url);
        const mcp::json info = co_await queue.awaitable([&](auto &with) { return client.server_info(with); });
        const mcp::json tools =
            co_await queue.awaitable([&](auto &with) { return client.list_tools(with); }, mcp::options().timeout(5s));
        std::cout << info["serverInfo"]["name"].string().value_or(url) << ":\n";
        for (mcp::json_view tool : tools["tools"].elements())
            std::cout << "    " << tool["name"].string().value_or("?") << '\n';
        co_await queue.awaitable([&](auto &with) { client.close(with); });
    } catch (const mcp::exception &exception) {
        std::cerr << exception.what() << '\n';
        failed++;
    }
}

} // namespace

int main(int count, char **arguments) {
    int failed = 0;
    mcp::queue queue;
    for (int i = 1; i < count; i++)
        print_tools(queue, arguments[i], failed);
    // A program with an event loop waits for queue.fd() together with its other events instead.
    while (queue.pending() > 0)
        queue.dispatch(std::nullopt);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
