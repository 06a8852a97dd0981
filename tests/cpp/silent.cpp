// A program without exceptions and without run-time type information: the try_ forms, and callbacks that cannot throw.
#include "check.hpp"
#include "support.hpp"

#include <string>

#ifdef __cpp_exceptions
#error this is to be compiled with -fno-exceptions
#endif

using namespace std::string_view_literals;

namespace {

void refused() {
    mcp::client client = support::client_for("dual+bearer=right-token");
    CHECK_WORKS(client.try_set_bearer("wrong-token"));
    const mcp::error error = CHECK_FAILS(unauthorized, client.try_ping());
    CHECK_EQUAL(401, error.http_status());
    CHECK(error.www_authenticate().has_value());
    CHECK_WORKS(client.try_set_bearer("right-token"));
    CHECK_WORKS(client.try_ping());
}

void callbacks() {
    mcp::client client = support::client_for("dual+bearer=right-token");
    int asked = 0, lines = 0;
    CHECK_WORKS(client.try_set_log([&lines](mcp::log_level, std::string_view) { lines++; }));
    CHECK_WORKS(client.try_set_auth([&asked](mcp::auth_request &request) {
        if (++asked == 1) {
            request.fail("not yet");
            return;
        }
        CHECK_WORKS(request.try_set_bearer("right-token"));
    }));
    const mcp::error error = CHECK_FAILS(auth_failed, client.try_ping());
    CHECK(error.message().find("not yet") != std::string_view::npos);
    CHECK_WORKS(client.try_ping());
    CHECK(asked > 1 && lines > 0);

    CHECK_WORKS(client.try_set_auth(
        [](mcp::auth_request &request) { CHECK_FAILS(invalid_argument, request.try_set_bearer("a\0b"sv)); }));
    CHECK_FAILS(auth_failed, client.try_ping());
}

void life() {
    CHECK_FAILS(invalid_argument, mcp::client::try_new("http://127.0.0.1:1/\0"sv));
    mcp::client client = support::client_for("legacy");
    auto token = mcp::cancel::try_new();
    CHECK_WORKS(token);
    const mcp::options with = mcp::options().timeout(std::chrono::seconds(20)).cancel(*token);
    CHECK_WORKS(client.try_ping(with));
    const auto info = client.try_server_info(with);
    CHECK_WORKS(info);
    CHECK_EQUAL("legacy"sv, (*info)["era"].string());
    token->trigger();
    CHECK_FAILS(cancelled, client.try_ping(with));
    CHECK_WORKS(client.try_close());
    CHECK_FAILS(closed, client.try_ping());
    CHECK_FAILS(json_mismatch, (*info)["era"].try_as_int64());
}

} // namespace

int main() {
    refused();
    callbacks();
    life();
    return check::end();
}
