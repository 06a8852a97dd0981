// Calls from one and several threads: connect, ping, server info, cancel, close.
#include "check.hpp"
#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

void client_connects_calls_and_closes(const std::string &options, std::string_view era, std::string_view transport) {
    mcp::client client = support::client_for(options);
    client.connect();
    client.ping();
    client.ping(mcp::options().timeout(5s).idle_timeout(5s));
    const mcp::json info = client.server_info(mcp::options().timeout(5s));
    CHECK_EQUAL(era, info["era"].string());
    CHECK_EQUAL(transport, info.pointer("/transport").string());
    CHECK(info.pointer("/serverInfo/name").string().value_or("").size() > 0);
    client.close();

    for (int round = 0; round < 2; round++) {
        CHECK_THROWS(closed, client.ping());
        CHECK_THROWS(closed, client.connect());
        CHECK_FAILS(closed, client.try_server_info());
        client.close(mcp::options().timeout(1s)); // a second close has no effect
        CHECK_WORKS(client.try_close());
    }
}

// Blocks several threads in calls on one client, ends the calls with `end`, and checks how long that takes.
template <class End>
void check_blocked_calls_end(const char *what, mcp::client &client, mcp::status status, const mcp::options &with,
                             End end) {
    constexpr std::size_t calls = 8;
    std::atomic<double> last_end{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < calls; i++) {
        threads.emplace_back([&] {
            const mcp::expected<void> outcome = client.try_ping(with);
            const double now = now_ms();
            for (double before = last_end; before < now && !last_end.compare_exchange_weak(before, now);) {
            }
            CHECK(!outcome && outcome.error().status() == status);
        });
    }
    await_polling(calls);
    delays before;
    note_delays(&before);
    const double start = now_ms();
    end();
    for (std::thread &thread : threads) {
        thread.join();
    }
    std::printf("%s: the last of %zu calls ended after %.2f ms\n", what, calls, last_end - start);
    CHECK(last_end - start < allowed_ms(2000, &before));
}

void cancel_token_ends_blocked_calls(const std::string &options) {
    mcp::client client = support::client_for(options);
    mcp::cancel token;
    const mcp::options with = mcp::options().cancel(token);
    check_blocked_calls_end(("cancel, " + options).c_str(), client, mcp::status::cancelled, with,
                            [&] { token.trigger(); });
    token.trigger();
    CHECK(token.is_triggered());
    CHECK_THROWS(cancelled, client.ping(with)); // the token stays triggered
    CHECK_WORKS(client.try_close(support::short_timeout()));
}

void cancel_tokens_and_options() {
    mcp::client client = support::client_for("dual");
    mcp::options with;
    {
        const mcp::cancel token;
        with.cancel(token);
        client.ping(with);
        token.trigger();
    }
    CHECK_THROWS(cancelled, client.ping(with)); // the options own a reference to the destroyed token
    client.ping(with.cancel(std::nullopt));
    client.ping(mcp::options().cancel(mcp::cancel()).cancel(std::nullopt));
    const mcp::cancel token;
    token.trigger();
    CHECK_FAILS(cancelled, client.try_ping(mcp::options().timeout(1s).cancel(token)));
    token.reset();
    CHECK(!token.is_triggered());
    client.ping(mcp::options().cancel(token));
    client.ping();
}

void close_ends_blocked_calls(const std::string &options) {
    mcp::client client = support::client_for(options);
    check_blocked_calls_end(("close, " + options).c_str(), client, mcp::status::closed, mcp::options(), [&] {
        (void)client.try_close(support::short_timeout()); // the server may not respond to close either
    });
    CHECK_THROWS(closed, client.ping());
}

void concurrent_closes_send_one_delete() {
    mcp::client client = support::client_for("legacy+tag=cpp-close");
    client.ping();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++) {
        threads.emplace_back([&] { CHECK_WORKS(client.try_close()); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    const mcp::json log = support::log_of("cpp-close");
    const mcp::json_elements requests = log.elements();
    CHECK_EQUAL(1, std::count_if(requests.begin(), requests.end(),
                                 [](mcp::json_view request) { return request["method"].string() == "DELETE"sv; }));
}

// close() reports that the server could not be notified; the client is closed anyway.
void failed_close_closes_client() {
    mcp::client client = support::client_for("legacy+fault=silent+when=DELETE");
    client.ping();
    CHECK_THROWS(timeout, client.close(mcp::options().timeout(100ms)));
    CHECK_THROWS(closed, client.ping());
    client.close();
}

} // namespace

int main() {
    client_connects_calls_and_closes("modern", "modern", "streamable-http");
    client_connects_calls_and_closes("legacy", "legacy", "streamable-http");
    client_connects_calls_and_closes("dual+stream", "modern", "streamable-http");
    client_connects_calls_and_closes("sse", "legacy", "sse");
    cancel_tokens_and_options();
    cancel_token_ends_blocked_calls("dual+fault=silent");
    cancel_token_ends_blocked_calls("modern+fault=silent-stream");
    cancel_token_ends_blocked_calls("sse+fault=accepted+when=ping");
    close_ends_blocked_calls("dual+fault=silent");
    close_ends_blocked_calls("sse+fault=accepted+when=ping");
    concurrent_closes_send_one_delete();
    failed_close_closes_client();
    return check::end();
}
