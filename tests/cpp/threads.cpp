// 64 threads on one client; also built with the thread sanitizer.
//
//     threads               with the scripted server at MCP_TEST_URL
//     threads STATE_FILE    with a real server that requires tokens
//     threads --race        two threads with a deliberate data race, which the sanitizer must report
#include "check.hpp"
#include "servers.hpp"
#include "support.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int calls = 64;

// Runs a function in `count` threads that start at the same time.
void in_threads(int count, const std::function<void(int)> &run) {
    std::atomic<int> waiting{count};
    std::vector<std::thread> threads;
    for (int i = 0; i < count; i++) {
        threads.emplace_back([&run, &waiting, i] {
            waiting--;
            while (waiting > 0) {
                std::this_thread::yield();
            }
            run(i);
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

// First calls of all kinds, while settings change, and results that all threads read.
void concurrent_calls_settings_and_reads(mcp::client &client, const std::string &token) {
    std::atomic<int> lines{0}, auth_calls{0};
    client.set_log([&lines](mcp::log_level, std::string_view line) { lines += !line.empty(); });
    client.set_auth([&auth_calls, token](mcp::auth_request &request) {
        request.set_bearer(token);
        // Last: the sanitizer does not see how the library orders the callback, on its own thread, before the end of
        // the callback's life, but it sees that this thread reads the number.
        auth_calls++;
    });
    const mcp::cancel never;
    const mcp::options with = mcp::options().timeout(60s).cancel(never);
    in_threads(calls, [&](int i) {
        CHECK_WORKS(client.try_ping(with));
        CHECK_WORKS(client.try_set_header("X-Thread", std::to_string(i)));
        CHECK_WORKS(client.try_set_timeout(std::chrono::seconds(60 + i)));
        const auto info = client.try_server_info(with);
        CHECK(info && info->pointer("/serverInfo/name").string());
        client.ping();
    });
    CHECK(lines > 0 && auth_calls >= 2 * calls);
    client.set_auth(std::nullopt);
    client.set_log(std::nullopt);

    const mcp::json info = client.server_info();
    in_threads(calls, [&](int) {
        std::size_t members = 0;
        for (auto [key, value] : info.members()) {
            members += !key.empty() && value;
        }
        CHECK_EQUAL(info.size(), members);
    });
}

void errors_are_shared_between_threads(mcp::client &client) {
    client.set_bearer("wrong-token");
    std::vector<std::optional<mcp::error>> errors(calls);
    in_threads(calls, [&](int i) {
        errors[static_cast<std::size_t>(i)] = CHECK_FAILS(unauthorized, client.try_ping());
        const mcp::error copy = *errors[static_cast<std::size_t>(i)];
        CHECK_EQUAL(401, copy.http_status());
    });
    const mcp::error shared = *errors[0];
    in_threads(calls, [&](int) {
        const mcp::error copy = shared;
        CHECK(!copy.message().empty() && copy.challenge());
    });
}

// The first thread closes the client while the others make calls.
void close_ends_concurrent_calls(mcp::client &client, const std::string &token) {
    client.set_bearer(token);
    in_threads(calls, [&](int i) {
        if (i == 0) {
            CHECK_WORKS(client.try_close());
            return;
        }
        for (int round = 0; round < 100; round++) {
            const mcp::expected<void> outcome = client.try_ping();
            if (!outcome) {
                CHECK_EQUAL(mcp::status::closed, outcome.error().status());
                return;
            }
        }
    });
    CHECK_FAILS(closed, client.try_ping());
}

// Two log callbacks that share a variable without a lock.
void race() {
    int lines = 0;
    in_threads(2, [&](int) {
        mcp::client client = support::client_for("legacy");
        client.set_log([&lines](mcp::log_level, std::string_view) { lines++; });
        client.ping();
    });
    CHECK(lines > 0);
}

} // namespace

int main(int count, char **arguments) {
    if (count > 1 && std::string(arguments[1]) == "--race") {
        race();
        return check::end();
    }
    const bool real = count > 1;
    const mcp::json state = real ? servers::state(arguments[1]) : mcp::json::parse(R"({"tokens":{"right":"good"}})");
    const std::string token = state.pointer("/tokens/right").copy_string();
    mcp::client client =
        real ? support::client_at(state["url"].copy_string()) : support::client_for("dual+bearer=" + token);
    concurrent_calls_settings_and_reads(client, token);
    errors_are_shared_between_threads(client);
    close_ends_concurrent_calls(client, token);
    return check::end();
}
