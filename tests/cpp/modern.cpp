// Features of C++20 and C++23: std::ranges, cancellation by std::stop_token, and std::expected.
#include "check.hpp"
#include "support.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdio>
#include <iterator>
#include <ranges>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace std::string_view_literals;

static_assert(std::ranges::forward_range<mcp::json_elements> && std::ranges::forward_range<mcp::json_members>);
static_assert(std::ranges::input_range<mcp::page_range<mcp::json>> && std::movable<mcp::page_range<mcp::json>>);
static_assert(std::ranges::input_range<mcp::page_range<mcp::expected<mcp::json>>>);
static_assert(std::ranges::view<mcp::json_elements> && std::ranges::view<mcp::json_members>);
static_assert(std::ranges::borrowed_range<mcp::json_elements> && std::ranges::borrowed_range<mcp::json_members>);
static_assert(std::ranges::common_range<mcp::json_elements> && std::ranges::common_range<mcp::json_members>);
static_assert(std::same_as<std::ranges::range_value_t<mcp::json_elements>, mcp::json_view>);
static_assert(std::same_as<std::ranges::range_value_t<mcp::json_members>, mcp::json_member>);
static_assert(std::forward_iterator<std::ranges::iterator_t<const mcp::json_members>>);

#ifdef __cpp_lib_expected
static_assert(std::same_as<mcp::expected<int>, std::expected<int, mcp::error>>);
static_assert(std::same_as<mcp::expected<void>, std::expected<void, mcp::error>>);
#elif __cplusplus > 202002L && !defined(__clang__) // clang does not see std::expected in older libstdc++
#error the standard library has no std::expected, so this test cannot cover it
#endif

namespace {

void ranges_satisfy_std_ranges() {
    const mcp::json document = mcp::json::parse(R"({"tools": [{"name": "a"}, {"name": "b"}, {}, {"name": "c"}]})");
    std::string names;
    for (std::string_view name :
         document["tools"].elements() |
             std::views::filter([](mcp::json_view tool) { return static_cast<bool>(tool["name"]); }) |
             std::views::transform([](mcp::json_view tool) { return *tool["name"].string(); }) | std::views::drop(1)) {
        names += name;
    }
    CHECK_EQUAL("bc"sv, names);

    CHECK_EQUAL(4, std::ranges::distance(document["tools"].elements()));
    const auto found = std::ranges::find(document["tools"][0].members(), "name"sv, &mcp::json_member::key);
    CHECK_EQUAL("a"sv, found->value.string()); // a borrowed range: the iterator outlives it
    CHECK(
        std::ranges::all_of(document.members(), [](const mcp::json_member &member) { return member.key == "tools"; }));
}

void stop_token_cancels_call() {
    mcp::client client = support::client_for("dual+fault=silent");
    double ended = 0;
    std::jthread caller([&](std::stop_token token) {
        CHECK_THROWS(cancelled, client.ping(mcp::options().cancel(token)));
        ended = now_ms();
        CHECK_THROWS(cancelled, client.ping(mcp::options().cancel(token))); // it was stopped before the call
    });
    await_polling(1);
    delays before;
    note_delays(&before);
    const double start = now_ms();
    caller.request_stop();
    caller.join();
    std::printf("std::stop_token: the call ended after %.2f ms\n", ended - start);
    CHECK(ended - start < allowed_ms(2000, &before));
}

void stop_token_is_replaced_and_removed() {
    mcp::client client = support::client_for("dual");
    std::stop_source source;
    mcp::options with = mcp::options().cancel(source.get_token());
    client.ping(with);
    const mcp::options copy = with.copy();
    const mcp::cancel token;
    with.cancel(token);
    source.request_stop();
    client.ping(with); // the token has replaced it
    CHECK_THROWS(cancelled, client.ping(copy));
    client.ping(with.cancel(source.get_token()).cancel(std::nullopt));
    client.ping(mcp::options().cancel(std::stop_token())); // never stops
}

void try_forms_return_std_expected() {
    mcp::expected<mcp::client> client = mcp::client::try_new(scenario("dual"));
    CHECK_WORKS(client);
    mcp::expected<mcp::json> info = client->try_server_info();
    CHECK_WORKS(info);
    CHECK_EQUAL("modern"sv, (*info)["era"].string());
    const mcp::json owned = std::move(info).value();
    CHECK_EQUAL(7, owned["era"].try_as_int64().value_or(7));
    CHECK_EQUAL(mcp::status::invalid_argument, client->try_set_bearer("").error().status());
}

} // namespace

int main() {
    ranges_satisfy_std_ranges();
    stop_token_cancels_call();
    stop_token_is_replaced_and_removed();
    try_forms_return_std_expected();
    return check::end();
}
