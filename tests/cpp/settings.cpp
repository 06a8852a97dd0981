// Every setting of a client: its effect, or its error for invalid values.
#include "check.hpp"
#include "support.hpp"

#include <new>
#include <string>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

void credentials_are_sent() {
    mcp::client client = support::client_for("dual+tag=cpp-credentials");
    client.set_bearer("token-1");
    client.set_header("X-API-Key", "key-1");
    client.ping();
    mcp::json log = support::log_of("cpp-credentials");
    CHECK_EQUAL("Bearer token-1"sv, support::header(support::last(log), "authorization"));
    CHECK_EQUAL("key-1"sv, support::header(support::last(log), "x-api-key"));

    client.set_bearer(std::string("token-2"));
    client.set_header("x-api-key", std::nullopt);
    client.ping();
    log = support::log_of("cpp-credentials");
    CHECK_EQUAL("Bearer token-2"sv, support::header(support::last(log), "authorization"));
    CHECK_EQUAL(std::nullopt, support::header(support::last(log), "x-api-key"));

    client.set_bearer(std::nullopt);
    client.ping();
    log = support::log_of("cpp-credentials");
    CHECK_EQUAL(std::nullopt, support::header(support::last(log), "authorization"));

    CHECK_THROWS(invalid_argument, client.set_bearer("Bearer token"));
    CHECK_THROWS(invalid_argument, client.set_header("X-Name", "line\r\nbreak"));
    CHECK_THROWS(invalid_argument, client.set_header("Host", "elsewhere"));
    // A string_view that is not NUL-terminated.
    client.set_bearer("token-3 and more"sv.substr(0, 7));
    client.ping();
    log = support::log_of("cpp-credentials");
    CHECK_EQUAL("Bearer token-3"sv, support::header(support::last(log), "authorization"));
}

// The copy of a text for C is wiped after use: it may be a token.
void text_copies_are_wiped() {
    using text = mcp::detail::text;
    alignas(text) unsigned char place[sizeof(text)];
    const auto has_secret = [&place] {
        return std::string(place, place + sizeof place).find("s3cr3t") != std::string::npos;
    };
    const text *made = new (place) text("s3cr3t", "a short text, stored inside the std::string object");
    CHECK(has_secret());
    made->~text();
    CHECK(!has_secret());
}

void client_info_is_sent() {
    mcp::client client = support::client_for("dual+tag=cpp-info");
    client.set_client_info("cpp-test", "1.2.3");
    client.set_extension("com.example/charts", R"({"a":1})");
    client.set_extension("com.example/none", "{}");
    client.set_extension("com.example/none", std::nullopt);
    CHECK_THROWS(invalid_argument, client.set_extension("charts", "{}"));
    CHECK_THROWS(invalid_argument, client.set_extension("com.example/charts", "[]"));
    client.ping();
    const mcp::json log = support::log_of("cpp-info");
    CHECK(support::last(log).raw().find("cpp-test") != std::string_view::npos);
    CHECK(support::last(log).raw().find("1.2.3") != std::string_view::npos);
    CHECK(support::last(log).raw().find(R"(\"extensions\":{\"com.example/charts\":{\"a\":1}})") !=
          std::string_view::npos);
    CHECK_THROWS(misuse, client.set_extension("com.example/late", "{}"));
    CHECK_THROWS(misuse, client.set_client_info("too", "late"));
    CHECK_THROWS(misuse, client.set_protocol_version("2025-06-18"));
    CHECK_THROWS(misuse, client.set_transport(mcp::transport::automatic));
    CHECK_THROWS(misuse, client.set_limit(mcp::limit::head, 0));
}

void protocol_version_can_be_pinned() {
    mcp::client client = support::client_for("dual");
    CHECK_THROWS(invalid_argument, client.set_protocol_version("2020-02-20"));
    client.set_protocol_version("2025-06-18");
    const mcp::json info = client.server_info();
    CHECK_EQUAL("2025-06-18"sv, info["protocolVersion"].string());
    CHECK_EQUAL("legacy"sv, info["era"].string());

    mcp::client negotiating = support::client_for("dual");
    negotiating.set_protocol_version("2025-06-18");
    negotiating.set_protocol_version(std::nullopt);
    const mcp::json negotiated = negotiating.server_info();
    CHECK_EQUAL("2026-07-28"sv, negotiated["protocolVersion"].string());
}

void limits_are_enforced() {
    mcp::client message = support::client_for("modern+body-size=20000");
    message.set_limit(mcp::limit::message, 10000);
    CHECK_THROWS(too_large, message.ping());
    mcp::client head = support::client_for("modern+head-size=20000");
    head.set_limit(mcp::limit::head, 10000);
    CHECK_THROWS(too_large, head.ping());
    mcp::client event = support::client_for("modern+event-size=20000");
    event.set_limit(mcp::limit::event, 10000);
    CHECK_THROWS(too_large, event.ping());

    mcp::client client = support::client_for("modern+body-size=20000");
    CHECK_THROWS(invalid_argument, client.set_limit(static_cast<mcp::limit>(77), 1));
    CHECK_THROWS(invalid_argument, client.set_limit(mcp::limit::head, std::uint64_t{1} << 40));
    client.set_limit(mcp::limit::message, 10000);
    client.set_limit(mcp::limit::message, 0); // the default
    client.ping();
}

void transport_can_be_set() {
    mcp::client by_setter = support::client_for("sse");
    by_setter.set_transport(mcp::transport::sse);
    const mcp::json info = by_setter.server_info();
    CHECK_EQUAL("sse"sv, info["transport"].string());

    mcp::client other = support::client_for("sse");
    other.set_transport(mcp::transport::streamable_http);
    CHECK(!other.try_ping());
    other = support::client_for("modern");
    CHECK_THROWS(invalid_argument, other.set_transport(static_cast<mcp::transport>(77)));
    other.set_transport(mcp::transport::sse);
    other.set_transport(mcp::transport::automatic);
    const mcp::json streamable = other.server_info();
    CHECK_EQUAL("streamable-http"sv, streamable["transport"].string());
}

void timeouts_end_calls() {
    mcp::client client = support::client_for("dual+fault=silent");
    client.set_timeout(100ms);
    client.set_idle_timeout(50s);
    CHECK_THROWS(timeout, client.ping());
    client.set_timeout(0s);
    CHECK_THROWS(timeout, client.ping(mcp::options().timeout(100ms)));
    mcp::options options;
    options.idle_timeout(100ms);
    CHECK_THROWS(timeout, client.ping(options));
    options.timeout(50ms).idle_timeout(0s);
    CHECK_FAILS(timeout, client.try_connect(options));
}

void unix_socket_and_proxy_are_used() {
    mcp::client client = support::client_for("dual");
    CHECK_THROWS(invalid_argument, client.set_unix_socket(""));
    client.set_unix_socket("/nonexistent/socket");
    CHECK_THROWS(connect_failed, client.ping());
    client = support::client_for("dual");
    client.set_unix_socket("/nonexistent/socket");
    client.set_unix_socket(std::nullopt);
    client.ping();

    client = support::client_for("dual");
    CHECK_THROWS(invalid_argument, client.set_proxy("no proxy"));
    client.set_proxy("http://127.0.0.1:1");
    CHECK_THROWS(proxy_failed, client.ping());
    for (std::optional<std::string_view> none : {std::optional(""sv), std::optional<std::string_view>()}) {
        client = support::client_for("dual");
        client.set_proxy("http://127.0.0.1:1");
        client.set_proxy(none);
        client.ping();
    }
}

void credentials_over_http_can_be_forbidden() {
    // An address reserved for documentation (RFC 5737): nothing may be sent there.
    mcp::client client = support::client_at("http://192.0.2.1/mcp");
    client.set_require_https(true);
    client.set_bearer("token");
    CHECK_THROWS(insecure, client.ping());
    client = support::client_for("dual");
    client.set_require_https(false);
    client.ping();
}

void tls_settings_are_applied() {
    const std::string url = support::variable("MCP_TEST_TLS_URL") + "/mcp";
    const std::string authority = support::variable("MCP_TEST_CA");
    mcp::client client = support::client_at(url);
    CHECK_THROWS(tls_failed, client.ping());
    client = support::client_at(url);
    CHECK_THROWS(invalid_argument, client.set_tls_ca_file("/nonexistent/file"));
    client.set_tls_ca_file(authority);
    client.ping();
    client = support::client_at(url);
    client.set_tls_ca_file(authority);
    client.set_tls_ca_file(std::nullopt);
    CHECK_THROWS(tls_failed, client.ping());

    const std::string mutual = support::variable("MCP_TEST_MTLS_URL") + "/mcp";
    client = support::client_at(mutual);
    client.set_tls_ca_file(authority);
    client.set_tls_client_cert_file(support::variable("MCP_TEST_CLIENT_CERT"),
                                    support::variable("MCP_TEST_CLIENT_KEY"));
    client.ping();
    client = support::client_at(mutual);
    client.set_tls_ca_file(authority);
    client.set_tls_client_cert_file(support::variable("MCP_TEST_CLIENT_PEM")); // one file
    client.ping();
    client = support::client_at(mutual);
    client.set_tls_ca_file(authority);
    client.set_tls_client_cert_file(support::variable("MCP_TEST_CLIENT_PEM"));
    client.set_tls_client_cert_file(std::nullopt);
    CHECK(!client.try_ping());
    CHECK_THROWS(misuse, client.set_tls_client_cert_file(std::nullopt));

    client = support::client_at(support::variable("MCP_TEST_TLS_UNKNOWN_URL") + "/mcp");
    client.set_tls_verify(false);
    client.ping();
}

} // namespace

int main() {
    CHECK_EQUAL(MCP_VERSION ""sv, mcp::version());
    credentials_are_sent();
    text_copies_are_wiped();
    client_info_is_sent();
    protocol_version_can_be_pinned();
    limits_are_enforced();
    transport_can_be_set();
    timeouts_end_calls();
    unix_socket_and_proxy_are_used();
    credentials_over_http_can_be_forbidden();
    tls_settings_are_applied();
    return check::end();
}
