// The auth callback and the log callback: their arguments, exceptions, and the lifetime of the callables.
#include "callables.hpp"
#include "check.hpp"
#include "support.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::string_view_literals;

namespace {

void auth_callback_sets_credentials() {
    mcp::client client = support::client_for("dual+bearer=right-token+tag=cpp-auth");
    std::atomic<int> alive{0};
    std::string seen;
    client.set_auth([&seen, held = counted(alive)](mcp::auth_request &request) {
        seen += std::string(request.method()) + ' ' + std::to_string(request.attempt()) + '\n';
        CHECK(request.url().find("cpp-auth") != std::string_view::npos);
        CHECK_EQUAL(std::nullopt, request.http_status());
        CHECK_EQUAL(std::nullopt, request.challenge());
        request.set_bearer("wrong-token");
        request.set_bearer("right-token");
        request.set_header("X-More", "yes");
        request.set_header("X-Less", "no");
        request.set_header("X-Less", std::nullopt);
    });
    CHECK_EQUAL(1, alive.load());
    client.ping();
    CHECK_EQUAL("POST 1\n", seen);
    const mcp::json log = support::log_of("cpp-auth");
    CHECK_EQUAL("Bearer right-token"sv, support::header(support::last(log), "authorization"));
    CHECK_EQUAL("yes"sv, support::header(support::last(log), "x-more"));
    CHECK_EQUAL(std::nullopt, support::header(support::last(log), "x-less"));

    client.set_auth(std::nullopt);
    CHECK_EQUAL(0, alive.load());
    CHECK_THROWS(unauthorized, client.ping());
}

void auth_callback_replaces_rejected_token() {
    mcp::client client = support::client_for("dual+bearer=new-token");
    std::vector<std::string> attempts;
    client.set_auth([&attempts](mcp::auth_request &request) {
        attempts.push_back(std::to_string(request.http_status().value_or(0)) + ' ' +
                           std::string(request.challenge().value_or("none").substr(0, 6)));
        CHECK_WORKS(request.try_set_bearer(request.attempt() == 1 ? "old-token" : "new-token"));
        CHECK_WORKS(request.try_set_header("X-Attempt", std::to_string(request.attempt())));
    });
    client.ping();
    CHECK((attempts == std::vector<std::string>{"0 none", "401 Bearer"}));
}

void exception_of_auth_callback_is_cause_of_error() {
    mcp::client client = support::client_for("dual+tag=cpp-throws");
    client.set_auth([](mcp::auth_request &) { throw std::out_of_range("the vault is empty"); });
    mcp::error error = CHECK_THROWS(auth_failed, client.ping());
    CHECK(has(error, "the vault is empty"));
    CHECK_EQUAL("the vault is empty"sv, cause_of<std::out_of_range>(error).what());
    error = CHECK_FAILS(auth_failed, client.try_server_info());
    CHECK_EQUAL("the vault is empty"sv, cause_of<std::logic_error>(error).what());

    client.set_auth([](mcp::auth_request &) { throw non_std_exception{42}; });
    error = CHECK_THROWS(auth_failed, client.ping());
    CHECK_EQUAL(42, cause_of<non_std_exception>(error).number);

    // The error of a setter leaves the callback too.
    client.set_auth([](mcp::auth_request &request) { request.set_bearer("Bearer twice"); });
    error = CHECK_THROWS(auth_failed, client.ping());
    CHECK_EQUAL(mcp::status::invalid_argument, cause_of<mcp::error>(error).status());

    // The cause is kept if its what() is not UTF-8.
    client.set_auth([](mcp::auth_request &) { throw std::runtime_error("\xff"); });
    error = CHECK_THROWS(auth_failed, client.ping());
    CHECK_EQUAL("\xff"sv, cause_of<std::runtime_error>(error).what());
    CHECK_EQUAL(0u, support::log_of("cpp-throws").size()); // nothing was sent

    // An empty std::function that is detected only when it is called.
    client.set_auth([empty = std::function<void(mcp::auth_request &)>()](mcp::auth_request &r) { empty(r); });
    cause_of<std::bad_function_call>(CHECK_THROWS(auth_failed, client.ping()));
    client.set_auth([](mcp::auth_request &) {});
    client.ping();
}

void auth_request_fail_ends_call() {
    mcp::client client = support::client_for("dual+tag=cpp-fails");
    client.set_auth([](mcp::auth_request &request) { request.fail("no key today"); });
    mcp::error error = CHECK_THROWS(auth_failed, client.ping());
    CHECK(has(error, "no key today") && error.cause() == nullptr);

    const std::exception_ptr cause = std::make_exception_ptr(std::out_of_range("deeper"));
    client.set_auth([cause](mcp::auth_request &request) { request.fail("no key", cause); });
    error = CHECK_THROWS(auth_failed, client.ping());
    CHECK(has(error, "no key") && error.cause() == cause);

    for (const std::string_view unusable : {"a\0b"sv, "\xff"sv}) {
        client.set_auth([unusable](mcp::auth_request &request) { request.fail(unusable); });
        error = CHECK_THROWS(auth_failed, client.ping());
        CHECK(has(error, "the reason that was given"));
        client.set_auth([unusable, cause](mcp::auth_request &request) { request.fail(unusable, cause); });
        error = CHECK_THROWS(auth_failed, client.ping());
        CHECK(has(error, "the reason that was given") && error.cause() == cause);
    }

    // try_ setters that fail: nothing is sent without credentials.
    client.set_auth(
        [](mcp::auth_request &request) { CHECK_FAILS(invalid_argument, request.try_set_bearer("a\0b"sv)); });
    CHECK_THROWS(auth_failed, client.ping());
    client.set_auth(
        [](mcp::auth_request &request) { CHECK_FAILS(invalid_argument, request.try_set_header("X-Name", "a\0b"sv)); });
    CHECK_THROWS(auth_failed, client.ping());
    CHECK_EQUAL(0u, support::log_of("cpp-fails").size());
}

// One failed refresh ends all calls that wait for it, with the same cause.
void one_failed_refresh_ends_all_waiting_calls() {
    constexpr std::size_t calls = 64;
    mcp::client client = support::client_for("dual+bearer=other-token");
    std::atomic<int> requests{0};
    client.set_auth([&requests](mcp::auth_request &request) {
        if (request.attempt() > 1) {
            throw std::runtime_error("refresh " + std::to_string(++requests));
        }
        request.set_bearer("old-token");
    });
    std::vector<std::optional<mcp::error>> errors(calls);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < calls; i++) {
        threads.emplace_back([&, i] { errors[i] = CHECK_FAILS(auth_failed, client.try_ping()); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    client = support::client_for("dual"); // destroys the first client
    for (const std::optional<mcp::error> &error : errors) {
        CHECK_EQUAL(401, error->http_status());
        CHECK(has(*error, cause_of<std::runtime_error>(*error).what()));
    }
    CHECK(requests > 0 && requests < static_cast<int>(calls));
    std::cout << calls << " calls were ended by " << requests << " failed refreshes\n";
}

// The auth callback may not make a call on the same client or wait for one.
void auth_callback_cannot_call_same_client() {
    mcp::client client = support::client_for("dual");
    client.set_auth([&client](mcp::auth_request &) {
        CHECK_THROWS(misuse, client.ping());
        client.set_timeout(std::chrono::seconds(5));
    });
    client.ping();
}

void free_function(mcp::auth_request &request) {
    request.set_bearer("right-token");
}

struct auth_and_log_callback {
    void operator()(mcp::auth_request &request) {
        request.set_bearer("right-token");
    }
    void operator()(mcp::log_level, std::string_view) const {}
};

void any_callable_is_accepted() {
    mcp::client client = support::client_for("dual+bearer=right-token");
    client.set_auth(free_function);
    client.ping();
    client.set_auth(&free_function);
    client.set_auth(auth_and_log_callback());
    client.set_log(auth_and_log_callback());
    client.ping();
    const std::function<void(mcp::auth_request &)> function = free_function;
    client.set_auth(function);
    client.ping();
    CHECK_WORKS(client.try_set_auth(std::ref(function)));
    client.ping();

    CHECK_THROWS(invalid_argument, client.set_auth(std::function<void(mcp::auth_request &)>()));
    CHECK_THROWS(invalid_argument, client.set_auth(static_cast<void (*)(mcp::auth_request &)>(nullptr)));
    CHECK_FAILS(invalid_argument, client.try_set_log(std::function<void(mcp::log_level, std::string_view)>()));
    client.ping(); // the previous callback is still set
}

void callables_are_destroyed_once() {
    std::atomic<int> alive{0};
    const auto auth = [&alive] { return [held = counted(alive)](mcp::auth_request &) {}; };
    const auto log = [&alive] { return [held = counted(alive)](mcp::log_level, std::string_view) {}; };
    {
        mcp::client client = support::client_for("dual");
        client.set_auth(auth());
        client.set_log(log());
        CHECK_EQUAL(2, alive.load());
        client.set_auth(auth()); // replaced
        client.set_log(log());
        CHECK_EQUAL(2, alive.load());
        client.ping();
        client.set_log(std::nullopt);
        CHECK_EQUAL(1, alive.load());
        mcp::client moved = std::move(client);
        CHECK_THROWS(invalid_argument, client.set_auth(auth())); // destroyed although it was not accepted
        CHECK_FAILS(invalid_argument, client.try_set_log(log()));
        CHECK_EQUAL(1, alive.load());
    }
    CHECK_EQUAL(0, alive.load());

    // The exception lives as long as the error, which outlives the client.
    std::optional<mcp::error> error;
    {
        mcp::client client = support::client_for("dual");
        client.set_auth([&alive](mcp::auth_request &) { throw std::make_shared<counted>(alive); });
        error = CHECK_THROWS(auth_failed, client.ping());
        client.set_auth(std::nullopt);
    }
    CHECK_EQUAL(1, alive.load());
    cause_of<std::shared_ptr<counted>>(*error);
    error.reset();
    CHECK_EQUAL(0, alive.load());
}

void log_callback_receives_messages() {
    mcp::client client = support::client_for("sse+bearer=right-token");
    std::mutex lock;
    std::string lines;
    client.set_log([&](mcp::log_level level, std::string_view line) {
        const std::lock_guard<std::mutex> guard(lock);
        CHECK(level >= mcp::log_level::error && level <= mcp::log_level::debug);
        CHECK(line.find('\n') == std::string_view::npos && line.find("right-token") == std::string_view::npos);
        lines += std::string(line) + '\n';
    });
    client.set_bearer("right-token");
    client.ping();
    CHECK(!lines.empty());

    int thrown = 0;
    client = support::client_for("dual");
    client.set_log([&thrown](mcp::log_level, std::string_view) {
        thrown++;
        throw non_std_exception{1};
    });
    client.ping(); // the call succeeds anyway
    CHECK(thrown > 0);
}

void trace_callback_receives_messages() {
    mcp::client client = support::client_for("dual");
    std::mutex lock;
    std::string messages;
    client.set_bearer("right-token");
    client.set_trace([&](mcp::trace_direction direction, std::string_view text) {
        const std::lock_guard<std::mutex> guard(lock);
        messages += (direction == mcp::trace_direction::sent ? "-> " : "<- ") + std::string(text) + '\n';
    });
    static_cast<void>(client.call_tool("echo", R"({"text":"the right-token"})"));
    CHECK(messages.find("-> {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"") == 0);
    CHECK(messages.find("\n<- {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":") != std::string::npos);
    CHECK(messages.find("the [redacted]") != std::string::npos && messages.find("right-token") == std::string::npos);
    client.set_trace(std::nullopt);
    messages.clear();
    client.ping();
    CHECK(messages.empty());
    CHECK_FAILS(invalid_argument, client.try_set_notification(std::function<void(std::string_view, mcp::json_view)>()));
    client.use_debug_output(); // MCP_DEBUG is not set
    CHECK_FAILS(invalid_argument, client.try_set_trace(std::function<void(mcp::trace_direction, std::string_view)>()));
}

} // namespace

int main() {
    auth_callback_sets_credentials();
    auth_callback_replaces_rejected_token();
    exception_of_auth_callback_is_cause_of_error();
    auth_request_fail_ends_call();
    one_failed_refresh_ends_all_waiting_calls();
    auth_callback_cannot_call_same_client();
    any_callable_is_accepted();
    callables_are_destroyed_once();
    log_callback_receives_messages();
    trace_callback_receives_messages();
    return check::end();
}
