// mcp::error: its content, in both forms of a call, and the arguments that mcp.hpp itself rejects.
#include "check.hpp"
#include "support.hpp"

#include <string>
#include <type_traits>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

void check_no_details(const mcp::error &error) {
    CHECK_EQUAL(std::nullopt, error.http_status());
    CHECK_EQUAL(std::nullopt, error.rpc_code());
    CHECK(!error.rpc_data());
    CHECK_EQUAL(std::nullopt, error.challenge());
    CHECK_EQUAL(std::nullopt, error.retry_after());
    CHECK_EQUAL(std::nullopt, error.oauth_code());
    CHECK(error.cause() == nullptr);
}

void unauthorized_error_has_challenge() {
    mcp::client client = support::client_for("dual+bearer=right-token");
    client.set_bearer("wrong-token");
    for (const mcp::error &error :
         {CHECK_THROWS(unauthorized, client.ping()), CHECK_FAILS(unauthorized, client.try_ping())}) {
        CHECK_EQUAL(401, error.http_status());
        CHECK(error.challenge() && error.challenge()->substr(0, 6) == "Bearer");
        CHECK(error.message().find("wrong-token") == std::string_view::npos);
        CHECK_EQUAL(std::nullopt, error.rpc_code());
    }
    client.set_bearer("right-token");
    client.ping();
    CHECK_WORKS(client.try_ping());
}

void server_error_has_details() {
    std::optional<mcp::error> copy;
    {
        mcp::client client = support::client_for("dual+fault=rpc-error");
        const mcp::error error = CHECK_THROWS(rpc_error, client.ping());
        copy = error;
        CHECK(copy->what() == error.what()); // copies share the text
    }
    // The client and the original error are destroyed.
    CHECK_EQUAL(-32603, copy->rpc_code());
    CHECK_EQUAL("test"sv, copy->rpc_data()["why"].string());
    CHECK_EQUAL(std::nullopt, copy->retry_after());

    mcp::client busy = support::client_for("dual+status=429+retry-after=7");
    const mcp::error error = CHECK_THROWS(rate_limited, busy.ping());
    CHECK_EQUAL(429, error.http_status());
    CHECK_EQUAL(std::chrono::milliseconds(7000), error.retry_after());
    CHECK(!error.rpc_data());
}

void error_without_response_has_no_details() {
    mcp::client client("http://127.0.0.1:1/mcp");
    check_no_details(CHECK_THROWS(connect_failed, client.ping()));
    check_no_details(CHECK_THROWS(connect_failed, client.connect()));
    check_no_details(CHECK_THROWS(connect_failed, (void)client.server_info()));
    CHECK_THROWS(invalid_argument, mcp::client("ftp://example.com"));
    CHECK_THROWS(invalid_argument, mcp::client(""));
}

// An mcp::error is a std::exception.
void error_is_a_std_exception() {
    mcp::client client("http://127.0.0.1:1/mcp");
    try {
        client.ping();
        CHECK(false);
    } catch (const std::exception &error) {
        CHECK(std::string(error.what()).find("127.0.0.1:1") != std::string::npos);
    }

    const mcp::error own(static_cast<mcp::status>(9999), "a message of a newer library");
    CHECK_EQUAL(9999, static_cast<int>(own.status())); // an unknown number is kept
    CHECK_EQUAL("MCP_UNKNOWN"sv, mcp::to_string(own.status()));
    CHECK_EQUAL("a message of a newer library"sv, own.message());
    check_no_details(own);
    mcp::error first = own;
    const mcp::error second = std::move(first);
    CHECK_EQUAL(own.message(), first.message()); // not empty after a move
    CHECK_EQUAL(own.message(), second.message());
    static_assert(std::is_nothrow_copy_constructible_v<mcp::error>);
    static_assert(std::is_base_of_v<mcp::exception, mcp::error> && std::is_base_of_v<mcp::exception, mcp::tool_error>);
    static_assert(std::is_base_of_v<std::exception, mcp::exception>);
    try {
        throw own;
    } catch (const mcp::exception &exception) {
        CHECK_EQUAL(own.message(), exception.what());
    }

    CHECK_EQUAL("MCP_OK"sv, mcp::to_string(mcp::status::ok));
    CHECK_EQUAL("The timeout of the call expired"sv, mcp::describe(mcp::status::timeout));
    CHECK_EQUAL("warning"sv, mcp::to_string(mcp::log_level::warning));
    CHECK_EQUAL("MCP_PROXY_FAILED"sv, mcp::to_string(mcp::status::proxy_failed));
    CHECK_EQUAL("MCP_LOGIN_REQUIRED"sv, mcp::to_string(mcp::status::login_required));
    CHECK_EQUAL("MCP_LOGIN_FAILED"sv, mcp::to_string(mcp::status::login_failed));
    CHECK_EQUAL("MCP_OAUTH_FAILED"sv, mcp::to_string(mcp::status::oauth_failed));
}

// An embedded NUL is rejected, not taken for the end of the text.
void text_with_embedded_nul_is_rejected() {
    mcp::client client = support::client_for("dual+tag=cpp-nul");
    constexpr std::string_view nul = "a\0b"sv;
    for (const mcp::error &error : {
             CHECK_THROWS(invalid_argument, mcp::client("http://127.0.0.1:1/\0"sv)),
             CHECK_THROWS(invalid_argument, client.set_bearer(nul)),
             CHECK_THROWS(invalid_argument, client.set_header(nul, "value")),
             CHECK_THROWS(invalid_argument, client.set_header("X-Name", nul)),
             CHECK_THROWS(invalid_argument, client.set_client_info(nul, "1")),
             CHECK_THROWS(invalid_argument, client.set_client_info("name", nul)),
             CHECK_THROWS(invalid_argument, client.set_protocol_version("2025-06-18\0"sv)),
             CHECK_THROWS(invalid_argument, client.set_unix_socket(nul)),
             CHECK_THROWS(invalid_argument, client.set_proxy(nul)),
             CHECK_THROWS(invalid_argument, client.set_tls_ca_file(nul)),
             CHECK_THROWS(invalid_argument, client.set_tls_client_cert_file(nul, "key")),
             CHECK_THROWS(invalid_argument, client.set_tls_client_cert_file("cert", nul)),
         }) {
        CHECK(error.message().find("has a NUL inside") != std::string_view::npos);
        check_no_details(error);
    }
    CHECK_THROWS(invalid_argument, client.set_bearer("")); // rejected by the C API: no token, invalid UTF-8
    CHECK_THROWS(invalid_argument, client.set_bearer("a b"));
    CHECK_THROWS(invalid_argument, client.set_client_info("\xff", "1"));
    CHECK_EQUAL(0u, support::log_of("cpp-nul").size());
    client.ping();
    CHECK_EQUAL(std::nullopt, support::header(support::last(support::log_of("cpp-nul")), "authorization"));
}

// The reasons that callbacks give are checked here, because C accepts only one.
void reasons_that_are_not_utf8_are_replaced() {
    for (const std::string_view valid : {"", "why", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                         "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z"}) {
        CHECK_EQUAL(valid, mcp::detail::valid_reason(valid));
    }
    for (const std::string_view invalid :
         {"a\0b"sv, "\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2z"sv, "\xe0\x9f\xbf"sv, "\xe2\x82"sv,
          "\xe2\x82z"sv, "\xed\xa0\x80"sv, "\xf0\x8f\xbf\xbf"sv, "\xf0\x90\x80"sv, "\xf4\x90\x80\x80"sv,
          "\xf5\x80\x80\x80"sv, "\xff"sv, "z\xfe"sv}) {
        CHECK(mcp::detail::valid_reason(invalid).find("not UTF-8") != std::string::npos);
    }
}

void durations_are_converted_and_checked() {
    CHECK_EQUAL(2000u, mcp::duration(2s).count());
    CHECK_EQUAL(1u, mcp::duration(1ns).count()); // rounded up
    CHECK_EQUAL(2u, mcp::duration(1000001ns).count());
    CHECK_EQUAL(1u, mcp::duration(1000000ns).count());
    CHECK_EQUAL(0u, mcp::duration(0s).count());
    CHECK_EQUAL(60000u, mcp::duration(1min).count());
    CHECK_EQUAL(1500u, mcp::duration(std::chrono::duration<double>(1.5)).count());
    CHECK_EQUAL(334u, mcp::duration(std::chrono::duration<int, std::ratio<1, 3>>(1)).count());
    CHECK_EQUAL(std::uint64_t{1} << 63, mcp::duration(std::chrono::hours::max()).count());
    CHECK_EQUAL(std::uint64_t{1} << 63, mcp::duration(std::chrono::duration<double>(1e300)).count());
    CHECK(!mcp::duration(-1ns).is_valid() && mcp::duration(-1ns).count() == 0); // not rounded up to 0
    CHECK(!mcp::duration(std::chrono::duration<double>(std::nan(""))).is_valid());

    mcp::client client = support::client_for("dual+tag=cpp-durations");
    CHECK_THROWS(invalid_argument, client.set_timeout(-1ms));
    CHECK_THROWS(invalid_argument, client.ping(mcp::options().timeout(-1s)));
    CHECK_THROWS(invalid_argument, client.ping(mcp::options().idle_timeout(-1s).timeout(1s)));
    CHECK_EQUAL(0u, support::log_of("cpp-durations").size());
    client.set_timeout(std::chrono::hours::max());
    client.ping();
    client.ping(mcp::options().timeout(0s));
}

// Using a moved-from object is an error, not a crash.
void moved_from_objects_are_rejected() {
    mcp::client first = support::client_for("dual");
    mcp::client second = std::move(first);
    CHECK_THROWS(invalid_argument, first.ping());
    CHECK_THROWS(invalid_argument, first.set_bearer("token"));
    CHECK_THROWS(invalid_argument, (void)first.server_info());
    CHECK_THROWS(invalid_argument, first.close());
    CHECK_THROWS(invalid_argument, first.set_auth([](mcp::auth_request &) {}));
    second.ping();
    first = std::move(second);
    first.ping();

    mcp::cancel token;
    const mcp::cancel owner = std::move(token);
    token.trigger();
    // A moved-from token is not ignored: the call could not be cancelled.
    CHECK_THROWS(invalid_argument, first.ping(mcp::options().cancel(token)));
    first.ping(mcp::options().cancel(owner));

    mcp::options options = mcp::options().timeout(-1s);
    mcp::options taken = std::move(options);
    CHECK_THROWS(invalid_argument, first.ping(taken));
    static_assert(!std::is_copy_constructible_v<mcp::client> && std::is_nothrow_move_constructible_v<mcp::client>);
    static_assert(!std::is_copy_constructible_v<mcp::options> && !std::is_copy_constructible_v<mcp::cancel>);
}

void try_forms_return_expected() {
    const mcp::expected<mcp::client> none = mcp::client::try_new("");
    CHECK(!none && !none.has_value());
    CHECK_EQUAL(mcp::status::invalid_argument, none.error().status());
    auto client = mcp::client::try_new(scenario("dual"));
    CHECK_WORKS(client);
    CHECK_WORKS(client->try_ping());
    client->try_ping().value();
    (*client).ping();
    try {
        mcp::client("http://127.0.0.1:1/mcp").try_ping().value();
        CHECK(false);
    } catch (const std::exception &) {
        CHECK(true);
    }
}

} // namespace

int main() {
    unauthorized_error_has_challenge();
    server_error_has_details();
    error_without_response_has_no_details();
    error_is_a_std_exception();
    text_with_embedded_nul_is_rejected();
    reasons_that_are_not_utf8_are_replaced();
    durations_are_converted_and_checked();
    moved_from_objects_are_rejected();
    try_forms_return_expected();
    return check::end();
}
