// mcp::queue in C++20: coroutines that await calls, std::stop_token, and handlers that are coroutines.
//
//     coroutine                      with the scripted server and tests/schema/server.py
//     coroutine NAME STATE_FILE      with a real server: server-everything
#include "callables.hpp"
#include "check.hpp"
#include "schema_server.hpp"
#include "servers.hpp"
#include "support.hpp"

#include <mcp_queue.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string text_of(const mcp::tool_result &result) {
    return std::string(result.text());
}

// A coroutine that begins with start(), or when it is awaited. It can be destroyed while it waits.
class task {
  public:
    struct promise_type {
        std::coroutine_handle<> waiting;
        std::exception_ptr exception;

        task get_return_object() {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        auto final_suspend() noexcept {
            struct resume_waiting {
                bool await_ready() noexcept {
                    return false;
                }
                std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                    const std::coroutine_handle<> next = ended.promise().waiting;
                    return next ? next : std::noop_coroutine();
                }
                void await_resume() noexcept {}
            };
            return resume_waiting();
        }
        void return_void() {}
        void unhandled_exception() {
            exception = std::current_exception();
        }
    };

    explicit task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
    task(task &&other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    task &operator=(task &&) = delete;
    ~task() {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    void start() const {
        coroutine_.resume();
    }
    bool is_done() const {
        return coroutine_.done();
    }

    bool await_ready() const {
        return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) const {
        coroutine_.promise().waiting = waiting;
        return coroutine_;
    }
    void await_resume() const {
        if (coroutine_.promise().exception) {
            std::rethrow_exception(coroutine_.promise().exception);
        }
    }

  private:
    std::coroutine_handle<promise_type> coroutine_;
};

// Dispatches until a coroutine that was started has ended, and throws its exception.
void finish(mcp::queue &queue, const task &running) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!running.is_done()) {
        must(std::chrono::steady_clock::now() < end, "the coroutine ends");
        queue.dispatch(50ms);
    }
    running.await_resume();
}

void run(mcp::queue &queue, const task &coroutine) {
    coroutine.start();
    finish(queue, coroutine);
}

task add_up(mcp::client &client, mcp::queue &queue, std::string &report) {
    co_await queue.awaitable([&](auto &with) { client.ping(with); });
    // Both calls are in progress at the same time.
    auto info = queue.awaitable([&](auto &with) { return client.server_info(with); });
    auto tried = queue.awaitable([&](auto &with) { return client.try_ping(with); });
    const mcp::json document = co_await info;
    report += document["era"].string().value_or("?");
    const mcp::expected<void> outcome = co_await std::move(tried);
    report += outcome ? ", a ping" : ", no ping";
    mcp::client broken("http://127.0.0.1:1/mcp");
    try {
        co_await queue.awaitable([&](auto &with) { broken.ping(with); });
    } catch (const mcp::error &error) {
        report += error.status() == mcp::status::connect_failed ? ", refused" : ", another error";
    }
}

void coroutines_await_calls() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    std::string report;
    const task running = add_up(client, queue, report);
    running.start();
    CHECK_EQUAL(""s, report); // it waits for dispatch
    finish(queue, running);
    CHECK_EQUAL("modern, a ping, refused"s, report);
    CHECK_EQUAL(0U, queue.pending());
}

task call_failing_tool(mcp::client &client, mcp::queue &queue, std::string &report) {
    try {
        co_await queue.awaitable([&](auto &with) { return client.call_tool("fails", with); });
    } catch (const mcp::exception &exception) {
        report = exception.what();
    }
    const auto result = co_await queue.awaitable([&](auto &with) { return client.try_call_tool("fails", with); });
    CHECK(result && result->is_error());
    co_await queue.awaitable([&](auto &with) { return client.call_tool("fails", with); });
}

void failed_tool_throws_in_coroutine() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::queue queue;
    std::string report;
    try {
        run(queue, call_failing_tool(client, queue, report));
        CHECK(false);
    } catch (const mcp::tool_error &error) {
        CHECK_EQUAL("no luck"sv, error.what());
    }
    CHECK_EQUAL("no luck"s, report);
}

task ping_often(mcp::client &client, mcp::queue &queue, std::atomic<int> &ended) {
    for (int i = 0; i < 10; i++) {
        co_await queue.awaitable([&](auto &with) { client.ping(with); });
    }
    ended++;
}

void many_coroutines_share_a_queue() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    std::atomic<int> ended{0};
    std::vector<task> tasks;
    for (int i = 0; i < 100; i++) {
        tasks.push_back(ping_often(client, queue, ended));
        tasks.back().start();
    }
    for (const task &running : tasks) {
        finish(queue, running);
    }
    CHECK_EQUAL(100, ended.load());
}

// Coroutines that start on one thread while another one dispatches: a call may end before its coroutine waits.
void another_thread_may_dispatch() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    std::atomic<int> ended{0};
    std::jthread dispatcher([&](std::stop_token token) {
        while (!token.stop_requested()) {
            queue.dispatch(1ms);
        }
    });
    constexpr int count = 200;
    std::vector<task> tasks;
    for (int i = 0; i < count; i++) {
        tasks.push_back(ping_often(client, queue, ended));
        tasks.back().start();
    }
    for (int i = 0; i < 20000 && ended < count; i++) {
        sleep_ms(1);
    }
    dispatcher.request_stop();
    dispatcher.join();
    CHECK_EQUAL(count, ended.load());
}

task ping_with(mcp::client &client, mcp::queue &queue, mcp::options options, mcp::status &end) {
    const mcp::expected<void> outcome =
        co_await queue.awaitable([&](auto &with) { return client.try_ping(with); }, std::move(options));
    end = outcome ? mcp::status::ok : outcome.error().status();
}

void stop_token_cancels_awaited_call() {
    mcp::client client = support::client_for("dual+fault=silent");
    mcp::queue queue;
    std::stop_source source;
    mcp::status end = mcp::status::ok;
    const task running = ping_with(client, queue, mcp::options().cancel(source.get_token()), end);
    running.start();
    auto future =
        queue.future([&](auto &with) { return client.try_ping(with); }, mcp::options().cancel(source.get_token()));
    await_polling(2);
    delays before;
    note_delays(&before);
    const double start = now_ms();
    source.request_stop();
    finish(queue, running);
    queue.wait(future);
    const double took = now_ms() - start;
    std::printf("std::stop_token: a coroutine and a future ended after %.2f ms\n", took);
    CHECK(took < allowed_ms(1000, &before));
    CHECK_EQUAL(mcp::status::cancelled, end);
    CHECK_FAILS(cancelled, future.get());
}

void destroyed_coroutine_cancels_its_call() {
    mcp::client client = support::client_for("dual+fault=silent");
    mcp::queue queue;
    mcp::status end = mcp::status::ok;
    {
        const task running = ping_with(client, queue, mcp::options(), end);
        running.start();
        await_polling(1);
        CHECK_EQUAL(1U, queue.pending());
    }
    while (queue.pending() > 0) {
        queue.dispatch(std::nullopt);
    }
    CHECK_EQUAL(mcp::status::ok, end); // it was not resumed

    // An awaitable that no coroutine awaits, too.
    static_cast<void>(queue.awaitable([&](auto &with) { client.ping(with); }));
    while (queue.pending() > 0) {
        queue.dispatch(std::nullopt);
    }

    // The queue is destroyed before the coroutine.
    {
        std::optional<mcp::queue> first(std::in_place);
        const task running = ping_with(client, *first, mcp::options(), end);
        running.start();
        first.reset();
        CHECK(!running.is_done());
    }
    CHECK_EQUAL(mcp::status::ok, end);
}

void stopped_queue_does_not_suspend() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    queue.stop();
    mcp::status end = mcp::status::ok;
    const task refused = ping_with(client, queue, mcp::options(), end);
    refused.start();
    CHECK(refused.is_done());
    CHECK_EQUAL(mcp::status::closed, end);

    // This header rejects the options: the error arrives in dispatch.
    mcp::queue other;
    const task rejected = ping_with(client, other, mcp::options().timeout(-1s), end);
    rejected.start();
    CHECK(!rejected.is_done());
    finish(other, rejected);
    CHECK_EQUAL(mcp::status::invalid_argument, end);
}

// A coroutine that is not awaited and passes its exceptions on.
struct unobserved {
    struct promise_type {
        unobserved get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept {
            return {};
        }
        std::suspend_always final_suspend() noexcept {
            return {};
        }
        void return_void() {}
        void unhandled_exception() {
            throw;
        }
    };

    std::coroutine_handle<promise_type> coroutine;
};

unobserved throw_after_ping(mcp::client &client, mcp::queue &queue) {
    co_await queue.awaitable([&](auto &with) { client.ping(with); });
    throw non_std_exception{5};
}

void exception_of_unobserved_coroutine_leaves_dispatch() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    const unobserved running = throw_after_ping(client, queue);
    try {
        while (queue.pending() > 0) {
            queue.dispatch(std::nullopt);
        }
        CHECK(false);
    } catch (const non_std_exception &exception) {
        CHECK_EQUAL(5, exception.number);
    }
    running.coroutine.destroy();
}

// The answer of a person, who is asked through another server here.
void handler_can_be_a_coroutine() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::client person = support::client_for("dual");
    mcp::queue queue;
    std::atomic<int> alive{0};
    schema_server::set_other_handlers(client);
    client.set_elicitation([&, held = counted(alive)](mcp::input &input) -> task {
        co_await queue.awaitable([&](auto &with) { person.ping(with); });
        CHECK_EQUAL(1, alive.load());
        if (input.params()["requestedSchema"]) {
            input.accept(R"({"name":"Ada"})");
        } else {
            input.decline();
        }
    });
    auto queued = queue.future([&](auto &with) { return client.call_tool("asks", with); });
    queue.wait(queued);
    CHECK_EQUAL("well"s, text_of(queued.get()));

    // A blocking call, while another thread dispatches.
    std::jthread dispatcher([&](std::stop_token token) {
        while (!token.stop_requested()) {
            queue.dispatch(1ms);
        }
    });
    CHECK_EQUAL("well"s, text_of(client.call_tool("asks")));
    dispatcher.request_stop();
    dispatcher.join();
    client.close();
}

void exception_of_coroutine_handler_is_the_cause() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::client person = support::client_for("dual");
    mcp::queue queue;
    schema_server::set_other_handlers(client);
    client.set_elicitation([&](mcp::input &) -> task {
        co_await queue.awaitable([&](auto &with) { person.ping(with); });
        throw std::out_of_range("no window");
    });
    auto queued = queue.future([&](auto &with) { return client.try_call_tool("asks", with); });
    queue.wait(queued);
    const auto outcome = queued.get();
    CHECK_EQUAL("no window"sv, cause_of<std::out_of_range>(CHECK_FAILS(input_failed, outcome)).what());

    mcp::client other = schema_server::client(schema_server::modern);
    CHECK_FAILS(invalid_argument, other.try_set_roots(std::function<task(mcp::input &)>()));
}

// A handler that sleeps for 4 s, or until its request has ended.
void stop_token_of_input_ends_the_handler() {
    auto noticed = std::make_shared<std::atomic<double>>(0);
    auto begun = std::make_shared<std::atomic<bool>>(false);
    mcp::client client = schema_server::client(schema_server::modern);
    schema_server::set_other_handlers(client);
    client.set_elicitation([noticed, begun](mcp::input &input) {
        const std::stop_token token = input.stop_token();
        CHECK(token.stop_possible() && !token.stop_requested());
        CHECK(token == input.stop_token());
        const std::stop_callback told(token, [&noticed] { *noticed = now_ms(); });
        *begun = true;
        for (int i = 0; i < 4000 && !token.stop_requested(); i++) {
            sleep_ms(1);
        }
        CHECK(token.stop_requested() && input.is_over());
    });
    std::stop_source source;
    double ended = 0;
    std::jthread caller([&] {
        CHECK_FAILS(cancelled, client.try_call_tool("asks", mcp::options().cancel(source.get_token())));
        ended = now_ms();
    });
    while (!*begun) {
        sleep_ms(1);
    }
    delays before;
    note_delays(&before);
    const double start = now_ms();
    source.request_stop();
    caller.join();
    for (int i = 0; i < 5000 && *noticed == 0; i++) {
        sleep_ms(1);
    }
    std::printf("cancelled: the call ended after %.2f ms, its handler noticed it after %.2f ms\n", ended - start,
                *noticed - start);
    CHECK(ended - start < allowed_ms(1000, &before));
    CHECK(*noticed > 0 && *noticed - start < allowed_ms(1000, &before));
}

// --- Real servers
// -----------------------------------------------------------------------------------------------------

task call_sums(mcp::client &client, mcp::queue &queue, const char *tool, int &sum) {
    for (int i = 0; i < 5; i++) {
        const std::string arguments = "{\"a\":1,\"b\":" + std::to_string(i) + "}";
        const mcp::tool_result result =
            co_await queue.awaitable([&](auto &with) { return client.call_tool(tool, arguments, with); });
        const std::string text(result.text());
        sum += text.find(std::to_string(1 + i)) != std::string::npos;
    }
}

void real_server_answers_coroutines_and_futures(mcp::client &client, const char *tool) {
    mcp::queue queue;
    int sum = 0;
    std::vector<task> tasks;
    for (int i = 0; i < 8; i++) {
        tasks.push_back(call_sums(client, queue, tool, sum));
        tasks.back().start();
    }
    auto tools = queue.future([&](auto &with) { return client.list_tools(with); });
    auto missing = queue.future([&](auto &with) { return client.try_call_tool("no such tool", with); });
    for (const task &running : tasks) {
        finish(queue, running);
    }
    CHECK_EQUAL(40, sum);
    queue.wait(tools);
    const mcp::json listed = tools.get();
    CHECK(listed["tools"].size() > 1);
    queue.wait(missing);
    const mcp::expected<mcp::tool_result> outcome = missing.get();
    CHECK(!outcome || outcome->is_error());
}

task cancel_long_operation(mcp::client &client, mcp::queue &queue) {
    std::stop_source source;
    double last = 0;
    const auto outcome = co_await queue.awaitable(
        [&](auto &with) {
            return client.try_call_tool("trigger-long-running-operation", R"({"duration":20,"steps":200})", with);
        },
        mcp::options().cancel(source.get_token()).on_progress([&](const mcp::progress &progress) {
            last = progress.value;
            source.request_stop();
        }));
    CHECK_FAILS(cancelled, outcome);
    CHECK(last > 0);
}

void everything_asks_in_a_coroutine(mcp::client &client) {
    mcp::queue queue;
    auto elicited = queue.future([&](auto &with) { return client.call_tool("trigger-elicitation-request", with); });
    queue.wait(elicited);
    const mcp::tool_result result = elicited.get();
    CHECK(result.text().find("Name: Ada") != std::string_view::npos);
    run(queue, cancel_long_operation(client, queue));
    auto closed = queue.future([&](auto &with) { client.close(with); });
    queue.wait(closed);
    closed.get();
}

int use_real_server(const std::string &name, const char *path) {
    const mcp::json state = servers::state(path);
    mcp::client client = support::client_at(state["url"].copy_string());
    if (name.find("everything") == 0) {
        std::atomic<int> asked{0};
        client.set_elicitation([&asked](mcp::input &input) -> task {
            asked++;
            input.accept(R"({"name":"Ada"})");
            co_return;
        });
        real_server_answers_coroutines_and_futures(client, "get-sum");
        everything_asks_in_a_coroutine(client);
        CHECK_EQUAL(1, asked.load());
    } else {
        client.set_bearer(state["tokens"]["right"].copy_string());
        real_server_answers_coroutines_and_futures(client, "add");
    }
    return check::end();
}

} // namespace

int main(int count, char **arguments) {
    if (count == 3) {
        return use_real_server(arguments[1], arguments[2]);
    }
    coroutines_await_calls();
    failed_tool_throws_in_coroutine();
    many_coroutines_share_a_queue();
    another_thread_may_dispatch();
    stop_token_cancels_awaited_call();
    destroyed_coroutine_cancels_its_call();
    stopped_queue_does_not_suspend();
    exception_of_unobserved_coroutine_leaves_dispatch();
    handler_can_be_a_coroutine();
    exception_of_coroutine_handler_is_the_cause();
    stop_token_of_input_ends_the_handler();
    return check::end();
}
