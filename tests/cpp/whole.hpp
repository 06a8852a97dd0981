// Uses everything in mcp.hpp and mcp_queue.hpp, in the forms that the configuration declares: to compile it, and to
// run it once.
//
// Included by files that are compiled with different configurations and linked into one program.
#ifndef WHOLE_HPP
#define WHOLE_HPP

#include <mcp.hpp>
#include <mcp_queue.hpp>

#include <mcp.hpp>
#include <mcp_queue.hpp>

#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

// Aborts the program if an expectation about the library is not met.
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
    need(client.try_set_timeout(30s).has_value() && client.try_set_idle_timeout(30s).has_value());
    need(client.try_set_name("whole").has_value() && client.name() == "whole");
    need(client.try_set_client_info("whole", "1").has_value());
    need(client.try_set_protocol_version("2025-11-25").has_value());
    need(client.try_set_protocol_version(std::nullopt).has_value());
    need(client.try_set_limit(mcp::limit::message, 0).has_value());
    need(client.try_set_transport(mcp::transport::automatic).has_value());
    need(client.try_set_unix_socket(std::nullopt).has_value());
    need(client.try_set_proxy("").has_value());
    need(client.try_set_require_https(true).has_value());
    need(client.try_set_tls_ca_file(std::nullopt).has_value());
    need(client.try_set_tls_client_cert_file(std::nullopt).has_value());
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
    client.set_tls_client_cert_file(std::nullopt, std::nullopt);
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
                     request.fail("this is not a first attempt");
                 }
                 need(request.try_set_bearer("token").has_value());
                 need(request.try_set_header("X-Name", "value").has_value());
                 need(!request.client_name().empty());
                 (void)request.is_over(); // true in a call that is cancelled
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
    const mcp::cancel token;
    mcp::options with;
    with.timeout(20s).idle_timeout(std::chrono::minutes(1)).cancel(token);
    need(client.try_connect(with).has_value() && client.try_ping(with).has_value());
    const mcp::expected<mcp::json> info = client.try_server_info(with);
    need(info.has_value() && info->pointer("/era").string() == info->view()["era"].string());
    token.trigger();
    const mcp::expected<void> cancelled = client.try_ping(with.copy());
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

// The scripted server supports none of these: each configuration must have its own functions, and they must return.
std::size_t every_operation(mcp::client &client) {
    std::size_t worked = 0;
    const auto count = [&worked](const auto &outcome) { worked += static_cast<std::size_t>(outcome.has_value()); };
    mcp::options with;
    with.meta("{}").header("X-Name", "value").on_progress([](const mcp::progress &) {});
    count(client.try_list_tools(with));
    count(client.try_list_resources());
    count(client.try_list_resource_templates());
    count(client.try_list_prompts());
    for (const auto &page : client.try_tool_pages()) {
        count(page);
    }
    for (const auto &page : client.try_resource_pages()) {
        count(page);
    }
    for (const auto &page : client.try_resource_template_pages()) {
        count(page);
    }
    for (const auto &page : client.try_prompt_pages()) {
        count(page);
    }
    count(client.try_call_tool("none", "{}"));
    count(client.try_call_tool("none", with));
    count(client.try_call_tool_as_task("none"));
    count(client.try_call_tool_as_task("none", with));
    count(client.try_get_task("1"));
    count(client.try_update_task("1", "{}"));
    count(client.try_cancel_task("1"));
    count(client.try_wait_task("1"));
    count(client.try_read_resource("none:"));
    count(client.try_get_prompt("none"));
    count(client.try_get_prompt("none", with));
    count(client.try_complete_prompt("none", "a", ""));
    count(client.try_complete_resource("none:{a}", "a", ""));
    count(client.try_request_server_log("info"));
    count(client.try_request("none"));
    count(client.try_request("none", with));
    count(client.try_notify("none"));
    count(client.try_notify("none", with));
    count(client.try_listen(mcp::change::none, {}, [](std::string_view, mcp::json_view) {}));
#ifdef __cpp_exceptions
    try {
        const mcp::tool_result result = client.call_tool("none");
        worked += result.text().size();
    } catch (const mcp::exception &) {
    }
    try {
        for (const mcp::json &page : client.tool_pages()) {
            worked += page.size();
        }
    } catch (const mcp::error &) {
    }
#endif
    return worked;
}

#ifdef MCP_HPP_COROUTINES
// A coroutine that is not awaited.
struct whole_coroutine {
    struct promise_type {
        whole_coroutine get_return_object() const noexcept {
            return {};
        }
        std::suspend_never initial_suspend() const noexcept {
            return {};
        }
        std::suspend_never final_suspend() const noexcept {
            return {};
        }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept {
            std::abort();
        }
    };
};

whole_coroutine await_calls(mcp::client &client, mcp::queue &queue, int &ended) {
    const mcp::expected<void> ping = co_await queue.awaitable([&](auto &with) { return client.try_ping(with); });
    ended += ping.has_value();
    const mcp::expected<mcp::tool_result> result =
        co_await queue.awaitable([&](auto &with) { return client.try_call_tool("none", with); }, mcp::options());
    ended += !result;
#ifdef __cpp_exceptions
    co_await queue.awaitable([&](auto &with) { client.ping(with); });
    const mcp::json info = co_await queue.awaitable([&](auto &with) { return client.server_info(with); });
    need(info.size() > 0);
#endif
    ended++;
}
#endif

void every_queued_call(mcp::client &client) {
    mcp::expected<mcp::queue> made = mcp::queue::try_new();
    need(made.has_value());
    mcp::queue queue = *std::move(made);
    need(queue.try_set_threads(4).has_value() && queue.fd() >= 0 && queue.pending() == 0);
    need(queue.try_set_wakeup([] {}).has_value() && queue.try_set_wakeup(std::nullopt).has_value());
    need(client.try_set_queue(queue).has_value() && client.try_set_queue(std::nullopt).has_value());
    int ended = 0;
    const auto call = queue.try_submit([&](auto &with) { return client.try_server_info(with); },
                                       [&ended](mcp::expected<mcp::json> info) { ended += info.has_value(); });
    need(call.has_value());
    (void)queue.cancel(*call);
    mcp::options base;
    base.timeout(20s);
#ifdef __cpp_lib_jthread
    base.cancel(std::stop_token());
#endif
    std::future<mcp::expected<void>> ping =
        queue.future([&](auto &with) { return client.try_ping(with); }, base.copy());
#ifdef __cpp_exceptions
    std::future<mcp::tool_result> tool = queue.future([&](auto &with) { return client.call_tool("none", with); });
    queue.submit([&](auto &with) { client.ping(with); }, [](mcp::expected<void>) {});
    queue.wait(tool);
    queue.dispatch(1ms);
    queue.set_threads(2);
    queue.set_wakeup([] {});
    client.set_queue(queue);
    client.set_queue(std::nullopt);
#endif
    while (queue.pending() > 0) {
        need(queue.try_dispatch(std::nullopt).has_value());
    }
    need(ping.get().has_value());
#ifdef MCP_HPP_COROUTINES
    int awaited = 0;
    await_calls(client, queue, awaited);
    while (queue.pending() > 0) {
        need(queue.try_dispatch(std::nullopt).has_value());
    }
    need(awaited == 3);
#endif
    need(queue.stop() == 0);
}

void every_handler(mcp::client &client) {
    const auto handler = [](mcp::input &input) {
        need(!input.method().empty() && input.params() && !input.is_over() && !input.client_name().empty());
        need(input.try_set_over([](mcp::status) {}).has_value() && input.try_set_over(std::nullopt).has_value());
#ifdef __cpp_lib_jthread
        need(!input.stop_token().stop_requested());
#endif
        (void)input.try_accept();
        (void)input.try_decline();
        (void)input.try_cancel();
        (void)input.try_respond("{}");
        input.fail("no");
        mcp::expected<mcp::deferred_input> owned = input.try_defer();
        need(owned.has_value() && !owned->is_over());
#ifdef __cpp_exceptions
        input.respond("{}");
        input.fail("no", nullptr);
        input.set_over([](mcp::status) {});
        mcp::deferred_input deferred = input.defer();
        deferred = std::move(*owned);
#endif
    };
    need(client.try_set_elicitation(handler).has_value() && client.try_set_elicitation(std::nullopt).has_value());
    need(client.try_set_sampling(handler).has_value() && client.try_set_sampling(std::nullopt).has_value());
    need(client.try_set_roots(handler).has_value() && client.try_set_roots(std::nullopt).has_value());
    need(client.try_set_server_log([](mcp::json_view) {}).has_value() &&
         client.try_set_server_log(std::nullopt).has_value());
    need(client.try_set_cache(true).has_value() && client.try_set_cache(false).has_value());
    need(client.try_set_input_timeout(30s).has_value());
#ifdef __cpp_exceptions
    client.set_input_timeout(0s);
#endif
    need(!client.try_set_environment("A", "b") && !client.try_set_working_directory("/"));
    need(!client.try_set_stderr_file(std::nullopt));
}

void every_oauth_setting(mcp::client &client) {
    mcp::oauth oauth;
    need(oauth.try_set_client(std::nullopt, "id", "secret").has_value());
    need(!oauth.try_set_client_key("https://auth.example", "id", "not a key", "1").has_value());
    need(oauth.try_set_client_url("https://app.example/client.json").has_value());
    need(oauth.try_set_registration(true, "{}").has_value());
    need(oauth.try_set_grant(mcp::oauth_grant::login).has_value());
    need(oauth.try_set_scopes("read").has_value() && oauth.try_set_resource(std::nullopt).has_value());
    need(oauth.try_set_parameter("login_hint", "a").has_value());
    need(oauth.try_allow(mcp::oauth_leniency::plain_http, false).has_value());
    need(oauth.try_use_browser().has_value());
    need(oauth
             .try_set_open([](mcp::oauth_request &request) {
                 if (request.url().size() + request.server().size() + request.issuer().size() +
                         request.scopes().size() + request.redirect_uri().size() + request.client_name().size() >
                     0) {
                     request.fail("this server requires no login");
                 }
                 (void)request.try_finish("a:b");
#ifdef __cpp_exceptions
                 request.fail("this server requires no login", nullptr);
                 request.finish("a:b");
#endif
             })
             .has_value());
    need(oauth.try_set_open(std::nullopt).has_value());
    need(oauth.try_set_redirect("http://127.0.0.1/callback").has_value());
    need(oauth.try_set_login(mcp::oauth_when::asked, 1min).has_value());
    const auto load = [](mcp::oauth_record &record) { need(record.try_set_text(record.key()).has_value()); };
    const auto other = [](mcp::oauth_record &record) { record.fail(record.text().value_or("")); };
    need(oauth.try_set_store(load, other).has_value() && oauth.try_set_store(load, other, other, other).has_value());
    need(oauth
             .try_set_assertion([](mcp::oauth_assertion &assertion) {
                 (void)assertion.try_set(assertion.audience());
                 assertion.fail(assertion.resource());
#ifdef __cpp_exceptions
                 assertion.set(assertion.audience());
#endif
             })
             .has_value());
    need(oauth.try_set_assertion(std::nullopt).has_value());
    need(oauth.try_set_identity("https://idp.example/token", "id").has_value());
    need(!oauth.try_finish("a:b").has_value() && !oauth.try_fail("a:b", "no login waits").has_value());
    need(!mcp::try_open_browser("no URL").has_value());
    need(client.try_set_oauth(oauth).has_value() && client.try_oauth_state().has_value());
    need(oauth.try_use_folder().error().status() == mcp::status::misuse);
    need(client.try_set_oauth(std::nullopt).has_value());
    need(client.try_login().error().status() == mcp::status::misuse);
    need(client.try_logout().error().status() == mcp::status::misuse);
#ifdef __cpp_exceptions
    mcp::oauth thrower;
    thrower.set_client("https://auth.example", "id");
    thrower.set_scopes("read");
    thrower.set_open([](mcp::oauth_request &) {});
    thrower.set_store(load, other, std::nullopt, std::nullopt);
    client.set_oauth(thrower);
    need(client.oauth_state().type() == mcp::json_type::object);
    client.set_oauth(std::nullopt);
    need(!thrower.try_fail("a:b", "no login waits", nullptr).has_value());
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
    mcp::json_writer writer;
    writer.begin_object().string("s", "t").base64("b", "\0", 1).int64("i", -1).uint64("u", 1).number("d", 0.5);
    writer.boolean("t", true).null("n").value("j", view).raw("r", "{}").begin_object("o").end().begin_array("a");
    writer.begin_object().end().begin_array().end().string("t").base64("\0", 1).int64(-1).uint64(1).number(0.5);
    writer.boolean(false).null().value(view["a"]).raw("1").end().end();
    need(writer.try_check().has_value() && mcp::json::try_parse(writer.text()).has_value());
    sum += writer.text().size() + document.copy().size() + view["a"].copy().size();
    writer.reset();
#ifdef __cpp_exceptions
    writer.null().check();
    need(view["b"].as_bool() && view["i"].as_int64() == -1 && view["u"].as_uint64() == 1 && view["d"].as_double() > 0);
    need(mcp::json::parse("1") && view["s"].copy_string() == "t");
#endif
    return sum;
}

void every_error_detail(const mcp::error &error) {
    need(error.what() == error.message() && mcp::to_string(error.status())[0] == 'M');
    need(!error.http_status() && !error.rpc_code() && !error.rpc_data());
    need(!error.challenge() && !error.retry_after() && !error.oauth_code());
}

// Returns 0 if everything works; aborts otherwise.
[[maybe_unused]] int whole_life(const char *url) {
    mcp::expected<mcp::client> made = mcp::client::try_new(url);
    need(made.has_value());
    mcp::client client = *std::move(made);
    every_setter(client);
    every_handler(client);
    every_oauth_setting(client);
    need(every_callback(client) > 0);
    every_call(client);
    every_queued_call(client);
    (void)every_operation(client);
    need(client.try_close().has_value());
    every_error_detail(client.try_ping().error());
    every_error_detail(mcp::error(mcp::status::internal, "created by the test"));
#ifdef __cpp_exceptions
    mcp::client(url).close();
#endif
    return every_value() > 0 && mcp::version()[0] != '\0' ? 0 : 1;
}

} // namespace

#endif
