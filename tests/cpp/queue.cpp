// mcp::queue in C++17: futures, callbacks, errors, cancellation, the lifetime of calls, and handlers that answer later.
#include "callables.hpp"
#include "check.hpp"
#include "schema_server.hpp"
#include "support.hpp"

#include <mcp_queue.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

static_assert(std::is_nothrow_move_constructible_v<mcp::queue> && !std::is_copy_constructible_v<mcp::queue>);
static_assert(std::is_nothrow_move_assignable_v<mcp::deferred_input> &&
              !std::is_copy_constructible_v<mcp::deferred_input>);
static_assert(!std::is_move_constructible_v<mcp::input>);

namespace {

std::string text_of(const mcp::tool_result &result) {
    return std::string(result.text());
}

// Dispatches until a condition holds; ends the test after 20 s.
template <class Condition> void dispatch_until(mcp::queue &queue, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
        must(std::chrono::steady_clock::now() < end, "dispatch until something happens");
        queue.dispatch(50ms);
    }
}

void drain(mcp::queue &queue) {
    dispatch_until(queue, [&] { return queue.pending() == 0; });
}

bool is_readable(const mcp::queue &queue) {
    pollfd waiting{queue.fd(), POLLIN, 0};
    return poll(&waiting, 1, 0) == 1;
}

// The status of the error that a future throws.
template <class Result> mcp::status status_of(std::future<Result> future) {
    try {
        static_cast<void>(future.get());
    } catch (const mcp::error &error) {
        return error.status();
    }
    return mcp::status::ok;
}

void futures_return_results_and_errors() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    std::future<void> ping = queue.future([&](const mcp::options &with) { client.ping(with); });
    std::future<mcp::json> info = queue.future([&](auto &with) { return client.server_info(with); });
    auto tried = queue.future([&](auto &with) { return client.try_server_info(with); }, mcp::options().timeout(5s));
    CHECK_EQUAL(3U, queue.pending());
    CHECK(ping.wait_for(0s) == std::future_status::timeout); // only dispatch delivers
    queue.wait(ping);
    ping.get();
    queue.wait(info);
    const mcp::json described = info.get();
    CHECK_EQUAL("modern"sv, described["era"].string());
    queue.wait(tried);
    const mcp::expected<mcp::json> outcome = tried.get();
    CHECK_WORKS(outcome);
    CHECK_EQUAL(0U, queue.pending());

    mcp::client broken("http://127.0.0.1:1/mcp");
    auto thrown = queue.future([&](auto &with) { broken.ping(with); });
    auto returned = queue.future([&](auto &with) { return broken.try_ping(with); });
    drain(queue);
    CHECK_EQUAL(mcp::status::connect_failed, status_of(std::move(thrown)));
    const mcp::expected<void> failed = returned.get();
    CHECK(has(CHECK_FAILS(connect_failed, failed), "127.0.0.1:1"));
}

void failed_tools_throw_or_return_their_result() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::queue queue;
    auto good = queue.future([&](auto &with) { return client.call_tool("echo", "{}", with); });
    auto thrown = queue.future([&](auto &with) { return client.call_tool("fails", with); });
    auto returned = queue.future([&](auto &with) { return client.try_call_tool("fails", with); });
    std::string text;
    queue.submit([&](auto &with) { return client.call_tool("fails", with); },
                 [&text](mcp::expected<mcp::tool_result> result) {
                     CHECK(result.has_value() && result->is_error());
                     text = result->text();
                 });
    drain(queue);
    CHECK_EQUAL("well"s, text_of(good.get()));
    try {
        thrown.get();
        CHECK(false);
    } catch (const mcp::exception &exception) {
        CHECK_EQUAL("no luck"sv, exception.what());
    }
    const mcp::expected<mcp::tool_result> result = returned.get();
    CHECK(result.has_value() && result->is_error() && result->text() == "no luck");
    CHECK_EQUAL("no luck"s, text);
}

void every_kind_of_call_can_be_queued() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::queue queue;
    std::vector<std::future<mcp::json>> documents;
    documents.push_back(queue.future([&](auto &with) { return client.list_tools(with); }));
    documents.push_back(queue.future([&](auto &with) { return client.list_resources(with); }));
    documents.push_back(queue.future([&](auto &with) { return client.read_resource("test://one", with); }));
    documents.push_back(queue.future([&](auto &with) { return client.get_prompt("greet", with); }));
    documents.push_back(
        queue.future([&](auto &with) { return client.complete_prompt("greet", "name", "", std::nullopt, with); }));
    documents.push_back(queue.future([&](auto &with) { return client.request("x.example/any", with); }));
    documents.push_back(queue.future([&](auto &with) { return client.get_task("t1", with); }));
    std::vector<std::future<void>> others;
    others.push_back(queue.future([&](auto &with) { client.connect(with); }));
    others.push_back(queue.future([&](auto &with) { client.notify("x.example/news", with); }));
    others.push_back(queue.future([&](auto &with) { client.cancel_task("t1", with); }));
    auto waited = queue.future([&](auto &with) { return client.wait_task("t1", with); });
    drain(queue);
    for (std::future<mcp::json> &document : documents) {
        CHECK_EQUAL(mcp::json_type::object, document.get().type());
    }
    for (std::future<void> &other : others) {
        other.get();
    }
    CHECK_EQUAL("well"s, text_of(waited.get()));
    auto closed = queue.future([&](auto &with) { client.close(with); });
    queue.wait(closed);
    closed.get();
    CHECK_THROWS(closed, client.ping());
}

// Errors that C finds and those that this header finds are delivered alike.
void invalid_arguments_are_reported_in_dispatch() {
    mcp::client client = support::client_for("dual+tag=cpp-queue-invalid");
    mcp::queue queue;
    const std::vector<std::function<mcp::expected<mcp::tool_result>(const mcp::options &)>> functions = {
        [&](const mcp::options &with) { return client.try_call_tool("a", "[]", with); },
        [&](const mcp::options &with) { return client.try_call_tool("a\0b"sv, with); },
        [&](const mcp::options &with) -> mcp::expected<mcp::tool_result> {
            return client.call_tool("a\0b"sv, with); // throws
        },
        [&](const mcp::options &with) { return client.try_call_tool("a", with.copy().timeout(-1s)); },
    };
    std::size_t reported = 0;
    for (const auto &function : functions) {
        queue.submit(function, [&reported](mcp::expected<mcp::tool_result> result) {
            CHECK_FAILS(invalid_argument, result);
            reported++;
        });
        queue.submit([&](auto &with) { client.ping(with); },
                     [&reported](mcp::expected<void> result) {
                         CHECK_FAILS(invalid_argument, result);
                         reported++;
                     },
                     mcp::options().timeout(-1s));
    }
    CHECK_EQUAL(0U, reported); // not before dispatch
    drain(queue);
    CHECK_EQUAL(2 * functions.size(), reported);
    CHECK_EQUAL(0u, support::log_of("cpp-queue-invalid").size());

    auto none = queue.future([](const mcp::options &) {});
    drain(queue);
    CHECK_EQUAL(mcp::status::invalid_argument, status_of(std::move(none)));
    using nothing = void (*)(mcp::expected<void>);
    CHECK_THROWS(invalid_argument, queue.submit([&](auto &with) { client.ping(with); }, static_cast<nothing>(nullptr)));
}

// The function of a call may throw its own exceptions: the caller gets them, and nothing is delivered.
void exceptions_of_the_function_reach_the_caller() {
    mcp::client client = support::client_for("dual+fault=silent");
    mcp::queue queue;
    for (const bool makes_call : {false, true}) {
        std::atomic<int> alive{0};
        bool is_called = false;
        try {
            queue.submit(
                [&](const mcp::options &with) {
                    if (makes_call) {
                        client.ping(with);
                    }
                    throw non_std_exception{7};
                },
                [&is_called, held = counted(alive)](mcp::expected<void>) { is_called = true; });
            CHECK(false);
        } catch (const non_std_exception &thrown) {
            CHECK_EQUAL(7, thrown.number);
        }
        drain(queue);
        CHECK(!is_called);
        CHECK_EQUAL(0, alive.load());
    }
}

// dispatch throws the first exception of its callbacks, and runs the others anyway.
void exceptions_of_callbacks_leave_dispatch() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    int ended = 0;
    for (int number = 1; number <= 3; number++) {
        queue.submit([&](auto &with) { client.ping(with); },
                     [&ended, number](mcp::expected<void> outcome) {
                         CHECK_WORKS(outcome);
                         ended++;
                         if (number > 1) {
                             throw std::runtime_error("from callback " + std::to_string(number));
                         }
                     });
    }
    int thrown = 0;
    while (queue.pending() > 0) {
        try {
            queue.dispatch(std::nullopt);
        } catch (const std::runtime_error &error) {
            thrown++;
            CHECK(std::string(error.what()).find("from callback ") == 0);
        }
    }
    CHECK_EQUAL(3, ended);
    CHECK(thrown >= 1 && thrown <= 2);
    queue.dispatch(); // the exception is thrown once
    auto ping = queue.future([&](auto &with) { client.ping(with); });
    queue.wait(ping);
    ping.get(); // the queue is still usable

    queue.submit([&](auto &with) { client.ping(with); }, [](mcp::expected<void>) { throw non_std_exception{42}; });
    try {
        static_cast<void>(queue.try_dispatch(std::nullopt));
        CHECK(false);
    } catch (const non_std_exception &exception) {
        CHECK_EQUAL(42, exception.number);
    }
}

void calls_are_cancelled_by_identity_and_by_token() {
    mcp::client client = support::client_for("dual+fault=silent");
    mcp::queue queue;
    std::vector<mcp::status> ends;
    const auto submit = [&] {
        return queue.submit([&](auto &with) { return client.try_server_info(with); },
                            [&ends](mcp::expected<mcp::json> outcome) {
                                ends.push_back(outcome ? mcp::status::ok : outcome.error().status());
                            });
    };
    const mcp::queued_call first = submit();
    const mcp::queued_call second = submit();
    mcp::cancel token;
    auto with_token = queue.future([&](auto &with) { client.ping(with); }, mcp::options().cancel(token));
    await_polling(3);
    CHECK(queue.cancel(second));
    CHECK(!queue.cancel(second)); // already cancelled
    dispatch_until(queue, [&] { return !ends.empty(); });
    CHECK(ends == std::vector<mcp::status>{mcp::status::cancelled});
    CHECK(!queue.cancel(second)); // it has ended
    token.trigger();
    queue.wait(with_token);
    CHECK_EQUAL(mcp::status::cancelled, status_of(std::move(with_token)));
    CHECK_EQUAL(1U, queue.pending());

    auto late = queue.future([&](auto &with) { client.ping(with); });
    CHECK_EQUAL(2U, queue.stop());
    drain(queue);
    CHECK_EQUAL(mcp::status::cancelled, status_of(std::move(late)));
    CHECK_EQUAL(2U, ends.size());
    CHECK(!queue.cancel(first));

    // A stopped queue takes no more calls.
    auto refused = queue.future([&](auto &with) { client.ping(with); });
    CHECK(refused.wait_for(0s) == std::future_status::ready);
    CHECK_EQUAL(mcp::status::closed, status_of(std::move(refused)));
    CHECK_THROWS(closed, queue.submit([&](auto &with) { client.ping(with); }, [](mcp::expected<void>) {}));
    CHECK_WORKS(client.try_close(support::short_timeout()));
}

void destroyed_queue_delivers_nothing() {
    mcp::client client = support::client_for("dual+fault=silent");
    std::atomic<int> alive{0};
    bool is_called = false;
    std::future<void> broken;
    std::optional<mcp::queued_call> call;
    {
        mcp::queue queue;
        call = queue.submit([&](auto &with) { client.ping(with); },
                            [&is_called, held = counted(alive)](mcp::expected<void>) { is_called = true; });
        broken = queue.future([&](auto &with) { client.ping(with); });
        await_polling(1);
        CHECK_EQUAL(1, alive.load());
    }
    CHECK_EQUAL(0, alive.load());
    CHECK(!is_called);
    try {
        broken.get();
        CHECK(false);
    } catch (const std::future_error &error) {
        CHECK(error.code() == std::future_errc::broken_promise);
    }
    mcp::queue other;
    CHECK(!other.cancel(*call));
    CHECK_WORKS(client.try_close(support::short_timeout()));
}

void queue_can_be_destroyed_in_a_callback() {
    mcp::client client = support::client_for("dual");
    auto queue = std::make_unique<mcp::queue>();
    std::atomic<int> alive{0};
    int calls = 0;
    for (int i = 0; i < 8; i++) {
        queue->submit([&](auto &with) { client.ping(with); },
                      [&, held = counted(alive)](mcp::expected<void>) {
                          calls++;
                          queue.reset();
                          throw non_std_exception{1};
                      });
    }
    mcp::queue *borrowed = queue.get();
    try {
        borrowed->dispatch(std::nullopt);
        CHECK(false);
    } catch (const non_std_exception &) {
        CHECK_EQUAL(1, calls);
    }
    CHECK(!queue);
    CHECK_EQUAL(0, alive.load());
}

void queues_can_be_moved() {
    mcp::client client = support::client_for("dual");
    mcp::queue first;
    auto ping = first.future([&](auto &with) { client.ping(with); });
    mcp::queue second = std::move(first);
    second.wait(ping);
    ping.get();
    CHECK_EQUAL(-1, first.fd());
    CHECK_EQUAL(0U, first.pending());
    CHECK_THROWS(invalid_argument, first.dispatch());
    CHECK_EQUAL(mcp::status::invalid_argument, status_of(first.future([&](auto &with) { client.ping(with); })));
    CHECK_THROWS(invalid_argument, client.set_queue(first));
    CHECK_THROWS(invalid_argument, first.set_threads(1));
    auto lost = second.future([&](auto &with) { client.ping(with); });
    second = mcp::queue(); // destroys the queue of the call
    CHECK_EQUAL(0U, second.pending());
    try {
        lost.get();
        CHECK(false);
    } catch (const std::future_error &) {
        CHECK(true);
    }
}

void loops_are_told_when_something_is_due() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    std::atomic<int> wakeups{0}, alive{0};
    queue.set_wakeup([&wakeups, held = counted(alive)] { wakeups++; });
    CHECK(!is_readable(queue) && queue.fd() >= 0);
    auto ping = queue.future([&](auto &with) { client.ping(with); });
    pollfd waiting{queue.fd(), POLLIN, 0};
    CHECK_EQUAL(1, poll(&waiting, 1, 20000));
    for (int i = 0; i < 5000 && wakeups == 0; i++) {
        sleep_ms(1); // it is called after the descriptor has become readable
    }
    CHECK_EQUAL(1, wakeups.load());
    queue.dispatch();
    ping.get();
    CHECK(!is_readable(queue));
    queue.dispatch(10ms); // nothing is due
    queue.set_wakeup(std::nullopt);
    CHECK_EQUAL(0, alive.load());
    CHECK_THROWS(invalid_argument, queue.set_wakeup(std::function<void()>()));
    CHECK_THROWS(invalid_argument, queue.dispatch(-1s));
    CHECK_THROWS(invalid_argument, queue.set_threads(0));
    queue.set_threads(2);
}

void two_threads_cannot_dispatch() {
    mcp::client client = support::client_for("dual");
    mcp::queue queue;
    int nested = 0;
    queue.submit([&](auto &with) { client.ping(with); },
                 [&](mcp::expected<void>) {
                     std::thread([&] { CHECK_THROWS(misuse, queue.dispatch()); }).join();
                     queue.submit([&](auto &with) { client.ping(with); }, [&](mcp::expected<void>) { nested++; });
                     while (nested == 0) {
                         queue.dispatch(std::nullopt); // on this thread it may be nested
                     }
                 });
    drain(queue);
    CHECK_EQUAL(1, nested);
}

void progress_runs_in_dispatch() {
    mcp::client client = schema_server::client(schema_server::legacy);
    mcp::queue queue;
    mcp::cancel token;
    const std::thread::id here = std::this_thread::get_id();
    int steps = 0;
    auto never = queue.future([&](auto &with) { return client.call_tool("never", with); },
                              mcp::options().cancel(token).on_progress([&](const mcp::progress &) {
                                  CHECK(std::this_thread::get_id() == here);
                                  steps++;
                                  token.trigger();
                              }));
    queue.wait(never);
    CHECK_EQUAL(mcp::status::cancelled, status_of(std::move(never)));
    CHECK_EQUAL(1, steps);
}

void changes_are_received_in_dispatch() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::queue queue;
    mcp::cancel token;
    std::atomic<int> alive{0};
    int received = 0;
    auto listening = queue.future(
        [&](auto &with) {
            client.listen(
                mcp::change::tools, {"test://one"},
                [&, held = counted(alive)](std::string_view, mcp::json_view) {
                    received++;
                    token.trigger();
                },
                with);
        },
        mcp::options().cancel(token));
    CHECK_EQUAL(1, alive.load());
    queue.wait(listening);
    CHECK_EQUAL(mcp::status::cancelled, status_of(std::move(listening)));
    CHECK(received > 0);
    for (int i = 0; i < 5000 && alive > 0; i++) {
        sleep_ms(1); // a thread of the queue destroys it
    }
    CHECK_EQUAL(0, alive.load());
}

void options_can_be_copied() {
    mcp::client client = support::client_for("dual+fault=silent");
    const mcp::options limited = mcp::options().timeout(50ms);
    mcp::queue queue;
    auto first = queue.future([&](auto &with) { client.ping(with); }, limited.copy());
    auto second = queue.future([&](auto &with) { client.ping(with); }, limited.copy());
    drain(queue);
    CHECK_EQUAL(mcp::status::timeout, status_of(std::move(first)));
    CHECK_EQUAL(mcp::status::timeout, status_of(std::move(second)));
    CHECK_THROWS(invalid_argument, client.ping(mcp::options().timeout(-1s).copy()));
    CHECK_THROWS(timeout, client.ping(limited.copy()));
}

void callbacks_of_the_client_run_in_its_queue() {
    mcp::client client = support::client_for("sse");
    mcp::queue queue;
    client.set_queue(queue);
    std::thread::id logged;
    client.set_log([&logged](mcp::log_level, std::string_view) { logged = std::this_thread::get_id(); });
    std::thread([&] { client.ping(); }).join();
    dispatch_until(queue, [&] { return logged != std::thread::id(); });
    CHECK(logged == std::this_thread::get_id());
    client.set_queue(std::nullopt);
    client.set_log(std::nullopt);
}

// A dialog: the handler returns at once, and the answer comes later. A legacy server does not wait for the answers.
void deferred_input_is_answered_later(const std::string &version) {
    mcp::client client = schema_server::client(version);
    mcp::queue queue;
    std::vector<mcp::deferred_input> dialogs;
    std::vector<mcp::status> taken_down;
    client.set_queue(queue); // over stdio, the requests of legacy servers belong to no call
    schema_server::set_other_handlers(client);
    client.set_elicitation([&](mcp::input &input) {
        CHECK(!input.client_name().empty());
        dialogs.push_back(input.defer());
        dialogs.back().set_over([&taken_down](mcp::status why) { taken_down.push_back(why); });
        CHECK_THROWS(misuse, static_cast<void>(input.defer()));
    });
    auto call = queue.future([&](auto &with) { return client.call_tool("asks", with); });
    for (int answered = 0; answered < 2;) {
        dispatch_until(queue, [&] { return !dialogs.empty(); });
        mcp::deferred_input dialog = std::move(dialogs.back());
        dialogs.pop_back();
        CHECK_EQUAL("elicitation/create"sv, dialog.method());
        CHECK(!dialog.is_over());
        std::thread([&] { dialog.accept(dialog.params()["requestedSchema"] ? R"({"name":"Ada"})" : "{}"); }).join();
        answered++;
    }
    queue.wait(call);
    CHECK_EQUAL("well"s, text_of(call.get()));
    CHECK(taken_down.empty());
    CHECK_THROWS(misuse, client.set_roots(std::nullopt));
}

// The call ends while the dialog is open: the dialog is told, and a late answer says so.
void deferred_input_ends_with_its_call() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::queue queue;
    std::optional<mcp::deferred_input> dialog;
    mcp::status why = mcp::status::ok;
    schema_server::set_other_handlers(client);
    client.set_elicitation([&](mcp::input &input) {
        if (!dialog) {
            dialog = input.defer();
            dialog->set_over([&why](mcp::status status) { why = status; });
        }
    });
    bool has_ended = false;
    const mcp::queued_call call = queue.submit([&](auto &with) { return client.call_tool("asks", with); },
                                               [&](mcp::expected<mcp::tool_result> result) {
                                                   CHECK_FAILS(cancelled, result);
                                                   has_ended = true;
                                               });
    dispatch_until(queue, [&] { return dialog.has_value(); });
    CHECK(queue.cancel(call));
    dispatch_until(queue, [&] { return has_ended; });
    dispatch_until(queue, [&] { return why != mcp::status::ok; });
    CHECK_EQUAL(mcp::status::cancelled, why);
    CHECK(dialog->is_over());
    CHECK_THROWS(cancelled, dialog->accept());
    dialog.reset();
}

// A handler that blocks for 4 s does not delay the end of its call.
void call_ends_while_its_handler_sleeps(bool closes) {
    auto slept = std::make_shared<std::atomic<int>>(0);
    mcp::client client = schema_server::client(schema_server::modern);
    schema_server::set_other_handlers(client);
    client.set_elicitation([slept](mcp::input &input) {
        ++*slept;
        sleep_ms(4000);
        CHECK(input.is_over());
        ++*slept;
    });
    mcp::cancel token;
    double ended = 0;
    mcp::status status = mcp::status::ok;
    std::thread caller([&] {
        const auto outcome = client.try_call_tool("asks", mcp::options().cancel(token));
        ended = now_ms();
        status = outcome ? mcp::status::ok : outcome.error().status();
    });
    while (*slept == 0) {
        sleep_ms(1);
    }
    delays before;
    note_delays(&before);
    const double start = now_ms();
    if (closes) {
        CHECK_WORKS(client.try_close());
    } else {
        token.trigger();
    }
    caller.join();
    std::printf("%s while a handler sleeps: the call ended after %.2f ms\n", closes ? "close" : "cancel",
                ended - start);
    CHECK_EQUAL(closes ? mcp::status::closed : mcp::status::cancelled, status);
    CHECK(ended - start < allowed_ms(1000, &before));
    client = support::client_for("dual"); // destroys the client, whose handler still sleeps
    CHECK(now_ms() - start < 3900);
    for (int i = 0; i < 6000 && *slept < 2; i++) {
        sleep_ms(1);
    }
    CHECK(*slept >= 2);
}

void exceptions_of_handlers_are_the_cause() {
    mcp::client client = schema_server::client(schema_server::modern);
    mcp::queue queue;
    schema_server::set_other_handlers(client);
    client.set_elicitation([](mcp::input &) { throw std::out_of_range("no window"); });
    auto queued = queue.future([&](auto &with) { return client.try_call_tool("asks", with); });
    queue.wait(queued);
    const mcp::expected<mcp::tool_result> outcome = queued.get();
    CHECK_EQUAL("no window"sv, cause_of<std::out_of_range>(CHECK_FAILS(input_failed, outcome)).what());
    const mcp::error error = CHECK_THROWS(input_failed, client.call_tool("asks")); // a blocking call
    CHECK_EQUAL("no window"sv, cause_of<std::logic_error>(error).what());
}

} // namespace

int main() {
    futures_return_results_and_errors();
    failed_tools_throw_or_return_their_result();
    every_kind_of_call_can_be_queued();
    invalid_arguments_are_reported_in_dispatch();
    exceptions_of_the_function_reach_the_caller();
    exceptions_of_callbacks_leave_dispatch();
    calls_are_cancelled_by_identity_and_by_token();
    destroyed_queue_delivers_nothing();
    queue_can_be_destroyed_in_a_callback();
    queues_can_be_moved();
    loops_are_told_when_something_is_due();
    two_threads_cannot_dispatch();
    progress_runs_in_dispatch();
    changes_are_received_in_dispatch();
    options_can_be_copied();
    callbacks_of_the_client_run_in_its_queue();
    deferred_input_is_answered_later(schema_server::legacy);
    deferred_input_is_answered_later(schema_server::modern);
    deferred_input_ends_with_its_call();
    call_ends_while_its_handler_sleeps(false);
    call_ends_while_its_handler_sleeps(true);
    exceptions_of_handlers_are_the_cause();
    return check::end();
}
