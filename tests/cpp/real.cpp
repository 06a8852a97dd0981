// Real servers: every kind of credentials, the server's description of itself, and its rejections.
//
//     real NAME STATE_FILE      a server of tests/servers/kinds.py, and its state file, written by fixture.py
#include "check.hpp"
#include "servers.hpp"
#include "support.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

struct server {
    std::string url;
    std::string right, wrong, expired;
    std::string_view challenge; // how the challenge for a bad token begins; "" if the server sends none
    std::string_view version;   // the version that must be negotiated
    std::string_view transport;
    bool sse = false;
    // The SDK of FastMCP 3 ends a session if a cancellation crosses the response
    // (modelcontextprotocol/python-sdk#2416).
    bool loses_cancelled_sessions = false;

    mcp::client client() const {
        return support::client_at(url);
    }
};

// One call of each kind, with the credentials of the client.
void check_calls_succeed(const server &server, mcp::client &client) {
    client.connect();
    client.ping();
    client.ping(mcp::options().timeout(10s).idle_timeout(10s));
    const mcp::json info = client.server_info();
    CHECK_EQUAL(server.version, info["protocolVersion"].string());
    CHECK_EQUAL(server.transport, info["transport"].string());
    CHECK(!info.pointer("/serverInfo/name").string().value_or("").empty());
    std::string capabilities;
    for (auto [name, value] : info["capabilities"].members()) {
        capabilities += std::string(name) + ' ';
        CHECK_EQUAL(mcp::json_type::object, value.type());
    }
    CHECK(capabilities.find("tools ") != std::string::npos);
    std::cout << "capabilities: " << capabilities << '\n';
    client.close();
    CHECK_THROWS(closed, client.ping());
    CHECK_FAILS(closed, client.try_server_info());
    client.close();
}

void check_rejected(const server &server, const mcp::error &error) {
    CHECK_EQUAL(401, error.http_status());
    CHECK_EQUAL(!server.challenge.empty(), error.challenge().has_value());
    CHECK_EQUAL(server.challenge, error.challenge().value_or("").substr(0, server.challenge.size()));
    for (const std::string &secret : {server.right, server.wrong, server.expired}) {
        CHECK(error.message().find(secret) == std::string_view::npos);
    }
    std::cout << mcp::to_string(error.status()) << ": " << error.what() << '\n';
}

void bearer_token_is_checked(const server &server) {
    mcp::client client = server.client();
    check_rejected(server, CHECK_FAILS(unauthorized, client.try_ping()));
    client.set_bearer(server.wrong);
    check_rejected(server, CHECK_THROWS(unauthorized, client.ping()));
    client.set_bearer(server.expired);
    check_rejected(server, CHECK_THROWS(unauthorized, client.ping()));
    client.set_bearer(server.right);
    check_calls_succeed(server, client);
}

void header_token_is_checked(const server &server, const char *name, const std::string &prefix) {
    mcp::client client = server.client();
    client.set_header(name, prefix + server.wrong);
    check_rejected(server, CHECK_THROWS(unauthorized, client.ping()));
    client.set_header(name, prefix + server.right);
    check_calls_succeed(server, client);
}

// The server rejects an expired token with 401, and the callback refreshes it; then a refresh that fails.
void auth_callback_refreshes_token(const server &server) {
    int auth_calls = 0, refreshes = 0;
    mcp::client client = server.client();
    client.set_auth([&](mcp::auth_request &request) {
        auth_calls++;
        if (request.attempt() > 1) {
            refreshes++;
            CHECK_EQUAL(401, request.http_status());
            CHECK_EQUAL(server.challenge, request.challenge().value_or("").substr(0, server.challenge.size()));
        }
        request.set_bearer(refreshes > 0 ? server.right : server.expired);
    });
    check_calls_succeed(server, client);
    CHECK_EQUAL(1, refreshes);
    CHECK(auth_calls > 2);

    mcp::client without = server.client();
    without.set_auth([&](mcp::auth_request &request) {
        if (request.attempt() > 1) {
            throw std::domain_error("no refresh token");
        }
        request.set_bearer(server.expired);
    });
    const mcp::error error = CHECK_THROWS(auth_failed, without.ping());
    CHECK_EQUAL(401, error.http_status());
    try {
        std::rethrow_exception(error.cause());
    } catch (const std::domain_error &cause) {
        CHECK_EQUAL("no refresh token"sv, cause.what());
    }
}

void log_contains_no_token(const server &server) {
    std::atomic<int> lines{0};
    std::atomic<bool> token_logged{false};
    mcp::client client = server.client();
    client.set_log([&](mcp::log_level, std::string_view line) {
        lines++;
        token_logged = token_logged || line.find(server.right) != std::string_view::npos;
    });
    client.set_bearer(server.right);
    client.ping();
    CHECK(lines > 0 && !token_logged);
}

// Cancels one of many successive calls; the client stays usable.
void cancelled_call_leaves_client_usable(const server &server) {
    mcp::client client = server.client();
    client.set_bearer(server.right);
    client.ping();
    mcp::cancel token;
    std::atomic<int> pings{0};
    double ended = 0;
    std::thread caller([&] {
        const mcp::options with = mcp::options().cancel(token);
        mcp::expected<void> outcome;
        while ((outcome = client.try_ping(with))) {
            pings++;
        }
        ended = now_ms();
        CHECK_FAILS(cancelled, outcome);
    });
    while (pings < 10) {
        std::this_thread::yield();
    }
    delays before;
    note_delays(&before);
    const double start = now_ms();
    token.trigger();
    caller.join();
    std::printf("cancelled after %d pings: the call ended after %.2f ms\n", pings.load(), ended - start);
    CHECK(ended - start < allowed_ms(2000, &before));

    mcp::expected<void> next = client.try_ping();
    if (!next && server.loses_cancelled_sessions) {
        CHECK_FAILS(truncated, next);
        next = client.try_ping(); // opens a new session
    }
    CHECK_WORKS(next);
}

// Sets the transport explicitly; the other transport must fail with this server.
void transport_can_be_set(const server &server) {
    mcp::client client = server.client();
    client.set_transport(server.sse ? mcp::transport::sse : mcp::transport::streamable_http);
    client.set_bearer(server.right);
    check_calls_succeed(server, client);

    mcp::client other = server.client();
    other.set_transport(server.sse ? mcp::transport::streamable_http : mcp::transport::sse);
    other.set_bearer(server.right);
    CHECK(!other.try_ping());
}

// Features of server-everything: tools, progress, elicitation, resources, prompts.
void protocol_features_work(const server &server) {
    mcp::client client = server.client();
    client.set_elicitation([](mcp::input &input) {
        CHECK(input.params().pointer("/requestedSchema/properties/email").type() == mcp::json_type::object);
        input.accept("{\"name\":\"Ada\"}");
    });
    const mcp::json tools = client.list_tools();
    std::size_t count = 0;
    for (const mcp::json &page : client.tool_pages()) {
        count += page["tools"].size();
    }
    CHECK(count > 5);
    CHECK_EQUAL(count, tools["tools"].size());

    const mcp::tool_result sum = client.call_tool("get-sum", "{\"a\":2,\"b\":40}");
    CHECK_EQUAL("The sum of 2 and 40 is 42."sv, sum.text());
    double last = 0;
    client.call_tool("trigger-long-running-operation", "{\"duration\":0.2,\"steps\":4}",
                     mcp::options().on_progress([&last](const mcp::progress &progress) {
                         CHECK_EQUAL(4.0, progress.total);
                         CHECK_EQUAL(last + 1, progress.value);
                         last = progress.value;
                     }));
    CHECK_EQUAL(4.0, last);
    const mcp::tool_result elicited = client.call_tool("trigger-elicitation-request");
    CHECK(elicited.text().find("Name: Ada") != std::string_view::npos);
    CHECK(elicited.text().find("Favorite Integer: 42") != std::string_view::npos); // the default of the form

    const mcp::json blob = client.read_resource("demo://resource/dynamic/blob/1");
    CHECK(!blob.pointer("/contents/0/blob").copy_base64().empty());
    const mcp::json prompt = client.get_prompt("args-prompt", "{\"city\":\"Ulm\"}");
    CHECK_EQUAL("What's weather in Ulm?"sv, prompt.pointer("/messages/0/content/text").string());
    try {
        client.call_tool("get-sum", "{\"a\":\"x\"}");
        CHECK(false);
    } catch (const mcp::tool_error &error) {
        CHECK(error.result().is_error() && error.what()[0] != '\0');
    }
    client.close();
}

} // namespace

int main(int count, char **arguments) {
    must(count == 3, "real NAME STATE_FILE");
    const std::string name = arguments[1];
    const mcp::json state = servers::state(arguments[2]);
    server server;
    server.url = state["url"].copy_string();
    server.right = state.pointer("/tokens/right").copy_string();
    server.wrong = state.pointer("/tokens/wrong").copy_string();
    server.expired = state.pointer("/tokens/expired").copy_string();
    server.sse = name.find("-sse") != std::string::npos;
    server.transport = server.sse ? "sse" : "streamable-http";
    server.loses_cancelled_sessions = name.find("fastmcp3") == 0;
    const bool modern = name.find("fastmcp4") == 0 && !server.sse;
    server.version = modern ? "2026-07-28" : "2025-11-25";

    if (name.find("fastmcp4-apikey") == 0) {
        header_token_is_checked(server, "X-API-Key", "");
    } else if (name.find("fastmcp") == 0) {
        server.challenge = "Bearer";
        bearer_token_is_checked(server);
        header_token_is_checked(server, "Authorization", "Bearer ");
        auth_callback_refreshes_token(server);
        log_contains_no_token(server);
        cancelled_call_leaves_client_usable(server);
        transport_can_be_set(server);
    } else {
        mcp::client client = server.client(); // server-everything needs no credentials
        check_calls_succeed(server, client);
        protocol_features_work(server);
        log_contains_no_token(server);
        cancelled_call_leaves_client_usable(server);
        transport_can_be_set(server);
    }
    return check::end();
}
