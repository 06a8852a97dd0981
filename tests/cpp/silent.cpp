// Without exceptions and run-time type information: the try_ forms, and callbacks that cannot throw.
#include "check.hpp"
#include "oauth_server.hpp"
#include "support.hpp"

#include <string>

#ifdef __cpp_exceptions
#error compile this file with -fno-exceptions
#endif

using namespace std::string_view_literals;

namespace {

void rejected_token_is_reported() {
    mcp::client client = support::client_for("dual+bearer=right-token");
    CHECK_WORKS(client.try_set_bearer("wrong-token"));
    const mcp::error error = CHECK_FAILS(unauthorized, client.try_ping());
    CHECK_EQUAL(401, error.http_status());
    CHECK(error.challenge().has_value());
    CHECK_WORKS(client.try_set_bearer("right-token"));
    CHECK_WORKS(client.try_ping());
}

void callbacks_report_failures() {
    mcp::client client = support::client_for("dual+bearer=right-token");
    int auth_calls = 0, lines = 0;
    CHECK_WORKS(client.try_set_log([&lines](mcp::log_level, std::string_view) { lines++; }));
    CHECK_WORKS(client.try_set_auth([&auth_calls](mcp::auth_request &request) {
        if (++auth_calls == 1) {
            request.fail("not yet");
            return;
        }
        CHECK_WORKS(request.try_set_bearer("right-token"));
    }));
    const mcp::error error = CHECK_FAILS(auth_failed, client.try_ping());
    CHECK(error.message().find("not yet") != std::string_view::npos);
    CHECK_WORKS(client.try_ping());
    CHECK(auth_calls > 1 && lines > 0);

    CHECK_WORKS(client.try_set_auth(
        [](mcp::auth_request &request) { CHECK_FAILS(invalid_argument, request.try_set_bearer("a\0b"sv)); }));
    CHECK_FAILS(auth_failed, client.try_ping());
}

void calls_succeed_and_close() {
    CHECK_FAILS(invalid_argument, mcp::client::try_new("http://127.0.0.1:1/\0"sv));
    mcp::client client = support::client_for("legacy");
    const mcp::cancel token;
    const mcp::options with = mcp::options().timeout(std::chrono::seconds(20)).cancel(token);
    CHECK_WORKS(client.try_ping(with));
    const auto info = client.try_server_info(with);
    CHECK_WORKS(info);
    CHECK_EQUAL("legacy"sv, (*info)["era"].string());
    token.trigger();
    CHECK_FAILS(cancelled, client.try_ping(with));
    CHECK_WORKS(client.try_close());
    CHECK_FAILS(closed, client.try_ping());
    CHECK_FAILS(json_mismatch, (*info)["era"].try_as_int64());
}

void oauth_callbacks_report_failures() {
    oauth_test::server server;
    mcp::oauth oauth;
    int logins = 0;
    std::string stored;
    CHECK_WORKS(oauth.try_set_open([&logins](mcp::oauth_request &request) {
        if (++logins == 1) {
            request.fail("not yet");
            return;
        }
        CHECK_FAILS(invalid_argument, request.try_finish("a\0b"sv));
        CHECK_WORKS(request.try_finish(oauth_test::redirect_of(request.url())));
    }));
    CHECK_WORKS(oauth.try_set_store(
        [&stored](mcp::oauth_record &record) {
            if (!stored.empty()) {
                CHECK_WORKS(record.try_set_text(stored));
            }
        },
        [&stored](mcp::oauth_record &record) { stored = record.text().value_or(""); }));
    mcp::client client = server.client();
    CHECK_WORKS(client.try_set_oauth(oauth));
    const mcp::error error = CHECK_FAILS(login_failed, client.try_login());
    CHECK(error.message().find("not yet") != std::string_view::npos);
    CHECK_FAILS(login_required, client.try_ping());
    CHECK_WORKS(client.try_login());
    CHECK_WORKS(client.try_ping());
    CHECK(logins == 2 && !stored.empty());
    CHECK_FAILS(invalid_argument, oauth.try_fail("https://auth.example/authorize", "no login waits for this"));
    CHECK_FAILS(misuse, oauth.try_set_scopes("read"));

    mcp::oauth unattended;
    CHECK_WORKS(unattended.try_set_grant(mcp::oauth_grant::assertion));
    CHECK_WORKS(unattended.try_set_client(server.issuer(), "ci"));
    CHECK_WORKS(unattended.try_set_assertion([](mcp::oauth_assertion &assertion) {
        CHECK_FAILS(invalid_argument, assertion.try_set("a\0b"sv));
        assertion.fail("the runner gives no token");
    }));
    CHECK_WORKS(client.try_set_oauth(unattended));
    CHECK(CHECK_FAILS(oauth_failed, client.try_ping()).message().find("no token") != std::string_view::npos);
}

} // namespace

int main() {
    rejected_token_is_reported();
    callbacks_report_failures();
    oauth_callbacks_report_failures();
    calls_succeed_and_close();
    return check::end();
}
