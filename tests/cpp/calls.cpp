// Calls: connect, ping, server info, cancelling, closing, from one thread and from several.
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

void life(const std::string &options, std::string_view era, std::string_view transport) {
    mcp::client client = support::client_for(options);
    client.connect();
    client.ping();
    client.ping(mcp::options().timeout(5s).idle_timeout(5s));
    const mcp::json info = client.server_info(mcp::options().timeout(5s));
    CHECK_EQUAL(era, info["era"].string());
    CHECK_EQUAL(transport, info.at("/transport").string());
    CHECK(info.at("/serverInfo/name").string().value_or("").size() > 0);
    client.close();

    for (int round = 0; round < 2; round++) {
        CHECK_THROWS(closed, client.ping());
        CHECK_THROWS(closed, client.connect());
        CHECK_FAILS(closed, client.try_server_info());
        client.close(mcp::options().timeout(1s)); // once more does no harm
        CHECK_WORKS(client.try_close());
    }
}

// Threads with a blocked call each on one client, what ends them, and how long that takes.
template <class End>
void ends_blocked(const char *what, mcp::client &client, mcp::status status, const mcp::options &with, End end) {
    constexpr std::size_t calls = 8;
    std::atomic<double> last{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < calls; i++) {
        threads.emplace_back([&] {
            const mcp::expected<void> outcome = client.try_ping(with);
            const double now = now_ms();
            for (double before = last; before < now && !last.compare_exchange_weak(before, now);) {
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
    std::printf("%s: the last of %zu calls ended after %.2f ms\n", what, calls, last - start);
    CHECK(last - start < allowed_ms(2000, &before));
}

void cancelled(const std::string &options) {
    mcp::client client = support::client_for(options);
    mcp::cancel token;
    const mcp::options with = mcp::options().cancel(token);
    ends_blocked(("cancel, " + options).c_str(), client, mcp::status::cancelled, with, [&] { token.trigger(); });
    token.trigger();
    CHECK_THROWS(cancelled, client.ping(with)); // for ever
    CHECK_WORKS(client.try_close(support::brief()));
}

void tokens() {
    mcp::client client = support::client_for("dual");
    mcp::options with;
    {
        const mcp::cancel token;
        with.cancel(token);
        client.ping(with);
        token.trigger();
    }
    CHECK_THROWS(cancelled, client.ping(with)); // the options hold what is gone here
    client.ping(with.cancel(std::nullopt));
    client.ping(mcp::options().cancel(mcp::cancel()).cancel(std::nullopt));
    const auto token = mcp::cancel::try_new();
    CHECK_WORKS(token);
    token->trigger();
    CHECK_FAILS(cancelled, client.try_ping(mcp::options().timeout(1s).cancel(*token)));
    client.ping();
}

void closed(const std::string &options) {
    mcp::client client = support::client_for(options);
    ends_blocked(("close, " + options).c_str(), client, mcp::status::closed, mcp::options(), [&] {
        (void)client.try_close(support::brief()); // such a server may be silent to a goodbye too
    });
    CHECK_THROWS(closed, client.ping());
}

void closed_by_many() {
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

// The error of a close is why the server could not be told; the client is closed all the same.
void closed_with_an_error() {
    mcp::client client = support::client_for("legacy+fault=silent+when=DELETE");
    client.ping();
    CHECK_THROWS(timeout, client.close(mcp::options().timeout(100ms)));
    CHECK_THROWS(closed, client.ping());
    client.close();
}

} // namespace

int main() {
    life("modern", "modern", "streamable-http");
    life("legacy", "legacy", "streamable-http");
    life("dual+stream", "modern", "streamable-http");
    life("sse", "legacy", "sse");
    tokens();
    cancelled("dual+fault=silent");
    cancelled("modern+fault=silent-stream");
    cancelled("sse+fault=accepted+when=ping");
    closed("dual+fault=silent");
    closed("sse+fault=accepted+when=ping");
    closed_by_many();
    closed_with_an_error();
    return check::end();
}
