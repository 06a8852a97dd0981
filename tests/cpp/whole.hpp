// A use of everything that mcp.hpp has, in the forms that a setting has: for the compiler, and a short life to run.
//
// It is included by files that are compiled with different settings and linked into one program.
#ifndef WHOLE_HPP
#define WHOLE_HPP

#include <mcp.hpp>

#include <mcp.hpp>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

// Ends the program when the library does not do what it should.
[[maybe_unused]] void need(bool condition) {
    if (!condition) {
        std::abort();
    }
}

void every_setter(mcp::client &client) {
    need(client.try_set_bearer("token").has_value());
    need(client.try_set_bearer(std::nullopt).has_value());
    need(client.try_set_header("X-Name", "value").has_value());
    need(client.try_set_header("X-Name", std::nullopt).has_value());
    need(client.try_set_timeout(30s).has_value());
    need(client.try_set_client_info("whole", "1").has_value());
    need(client.try_set_protocol_version("2025-11-25").has_value());
    need(client.try_set_protocol_version(std::nullopt).has_value());
    need(client.try_set_limit(mcp::limit::message, 0).has_value());
    need(client.try_set_transport(mcp::transport::automatic).has_value());
    need(client.try_set_unix_socket(std::nullopt).has_value());
    need(client.try_set_proxy("").has_value());
    need(client.try_set_require_https(true).has_value());
    need(client.try_set_tls_ca_file(std::nullopt).has_value());
    need(client.try_set_tls_client_cert(std::nullopt).has_value());
    need(client.try_set_tls_verify(true).has_value());
    need(client.try_set_auth(std::nullopt).has_value());
    need(client.try_set_log(std::nullopt).has_value());
#ifdef __cpp_exceptions
    client.set_bearer(std::string("token"));
    client.set_header("X-Name", "value");
    client.set_timeout(30s);
    client.set_client_info("whole", "1");
    client.set_protocol_version(std::nullopt);
    client.set_limit(mcp::limit::head, 0);
    client.set_transport(mcp::transport::automatic);
    client.set_unix_socket(std::nullopt);
    client.set_proxy("");
    client.set_require_https(true);
    client.set_tls_ca_file(std::nullopt);
    client.set_tls_client_cert(std::nullopt, std::nullopt);
    client.set_tls_verify(true);
    client.set_auth(std::nullopt);
    client.set_log(std::nullopt);
#endif
}

int every_callback(mcp::client &client) {
    static int lines;
    lines = 0;
    need(client
             .try_set_log([](mcp::log_level level, std::string_view line) {
                 lines += level <= mcp::log_level::debug && !line.empty();
             })
             .has_value());
    need(client
             .try_set_auth([](mcp::auth_request &request) {
                 if (request.url().empty() || request.method().empty() || request.attempt() != 1 ||
                     request.http_status() || request.challenge()) {
                     request.fail("this is no first attempt");
                 }
                 need(request.try_set_bearer("token").has_value());
                 need(request.try_set_header("X-Name", "value").has_value());
#ifdef __cpp_exceptions
                 request.set_bearer("token");
                 request.set_header("X-Name", std::nullopt);
#endif
             })
             .has_value());
    need(client.try_ping().has_value());
    return lines;
}

void every_call(mcp::client &client) {
    auto token = mcp::cancel::try_new();
    need(token.has_value());
    mcp::options with;
    with.timeout(20s).idle_timeout(std::chrono::minutes(1)).cancel(*token);
    need(client.try_connect(with).has_value() && client.try_ping(with).has_value());
    const mcp::expected<mcp::json> info = client.try_server_info(with);
    need(info.has_value() && info->at("/era").string() == info->view()["era"].string());
    token->trigger();
    const mcp::expected<void> cancelled = client.try_ping(with);
    need(!cancelled && cancelled.error().status() == mcp::status::cancelled);
#ifdef __cpp_exceptions
    client.connect();
    client.ping(mcp::options().timeout(20s).idle_timeout(20s).cancel(mcp::cancel()).cancel(std::nullopt));
    need(client.server_info().type() == mcp::json_type::object);
    try {
        client.ping(with);
        std::abort();
    } catch (const mcp::error &error) {
        need(error.cause() == nullptr);
    }
#endif
}

std::size_t every_value() {
    mcp::expected<mcp::json> parsed = mcp::json::try_parse(R"({"b":true,"i":-1,"u":1,"d":0.5,"s":"t","a":[1,2]})");
    need(parsed.has_value());
    const mcp::json document = *std::move(parsed);
    const mcp::json_view view = document;
    need(*view["b"].try_as_bool() && *view["i"].try_as_int64() == -1 && *view["u"].try_as_uint64() == 1);
    need(*view["d"].try_as_double() > 0 && *view["s"].try_copy_string() == "t");
    need(view["a"].try_as_bool().error().status() == mcp::status::json_mismatch);
    std::size_t sum = view.size() + view.raw().size();
    for (mcp::json_view element : document["a"].elements()) {
        sum += static_cast<std::size_t>(element.try_as_int64().value_or(0));
    }
    for (auto [key, value] : document.members()) {
        sum += key.size() + (value.type() == mcp::json_type::array ? value[std::size_t{0}].raw().size() : 0);
    }
#ifdef __cpp_exceptions
    need(view["b"].as_bool() && view["i"].as_int64() == -1 && view["u"].as_uint64() == 1 && view["d"].as_double() > 0);
    need(mcp::json::parse("1") && view["s"].copy_string() == "t");
#endif
    return sum;
}

void every_detail(const mcp::error &error) {
    need(error.what() == error.message() && mcp::to_string(error.status())[0] == 'M');
    need(!error.http_status() && !error.rpc_code() && !error.rpc_data());
    need(!error.www_authenticate() && !error.retry_after());
}

// 0 when all is well; does not come back otherwise.
[[maybe_unused]] int whole_life(const char *url) {
    mcp::expected<mcp::client> made = mcp::client::try_new(url);
    need(made.has_value());
    mcp::client client = *std::move(made);
    every_setter(client);
    need(every_callback(client) > 0);
    every_call(client);
    need(client.try_close().has_value());
    every_detail(client.try_ping().error());
    every_detail(mcp::error(mcp::status::internal, "of our own"));
#ifdef __cpp_exceptions
    mcp::client(url).close();
#endif
    return every_value() > 0 && mcp::version()[0] != '\0' ? 0 : 1;
}

} // namespace

#endif
