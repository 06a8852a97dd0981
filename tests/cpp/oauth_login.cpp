// Logins with mcp::oauth: the open callback and its exceptions, finishing and ending logins, the state, logging out.
#include "callables.hpp"
#include "check.hpp"
#include "oauth_server.hpp"
#include "support.hpp"

#include <atomic>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

// Logs in as a person who agrees, and receives the redirect itself.
void agree(mcp::oauth_request &request) {
    request.finish(oauth_test::redirect_of(request.url()));
}

// A client with these settings.
mcp::client client_with(const oauth_test::server &server, const mcp::oauth &oauth) {
    mcp::client client = server.client();
    client.set_oauth(oauth);
    return client;
}

// The error of a login with this open callback.
template <class Callable> mcp::error failed_login(const oauth_test::server &server, Callable open) {
    mcp::oauth oauth;
    oauth.set_open(std::move(open));
    mcp::client client = client_with(server, oauth);
    return CHECK_FAILS(login_failed, client.try_login());
}

void open_callback_describes_and_finishes_login() {
    oauth_test::server server;
    mcp::oauth oauth;
    int logins = 0;
    oauth.set_parameter("login_hint", "person@example.com");
    oauth.set_open([&](mcp::oauth_request &request) {
        logins++;
        CHECK_EQUAL(server.url(), request.server());
        CHECK_EQUAL(server.issuer(), request.issuer());
        CHECK_EQUAL("read"sv, request.scopes());
        auto query = oauth_test::query_of(request.url());
        CHECK_EQUAL("registered-client", query["client_id"]);
        CHECK_EQUAL("person@example.com", query["login_hint"]);
        CHECK_EQUAL("read", query["scope"]);
        CHECK_EQUAL(server.url(), query["resource"]);
        CHECK_EQUAL("S256", query["code_challenge_method"]);
        CHECK_EQUAL(query["redirect_uri"], request.redirect_uri());
        CHECK_EQUAL("http://127.0.0.1:"sv, request.redirect_uri().substr(0, 17));
        CHECK_FAILS(invalid_argument, request.try_finish("http://127.0.0.1/callback?code=x&state=of-another-login"));
        CHECK_FAILS(invalid_argument, request.try_finish("http://127.0.0.1/\0"sv));
        agree(request);
    });
    mcp::client client = client_with(server, oauth);
    client.ping(); // logs in
    client.ping();
    client.login(); // there is a token already
    CHECK_EQUAL(1, logins);

    const mcp::json state = client.oauth_state();
    CHECK(state["loggedIn"].as_bool() && state["refreshable"].as_bool());
    CHECK_EQUAL(server.issuer(), state["issuer"].copy_string());
    CHECK_EQUAL(server.url(), state["resource"].copy_string());
    CHECK_EQUAL("registered-client"sv, state["clientId"].string());
    CHECK_EQUAL("registered"sv, state["registration"].string());
    CHECK_EQUAL(R"(["read"])"sv, state["scopes"].raw());
    CHECK(state["expiresAt"].as_int64() > 0);

    // Another client with the same settings uses the same token.
    mcp::client other = client_with(server, oauth);
    other.ping();
    CHECK_EQUAL(1, logins);
}

void library_receives_loopback_redirect() {
    oauth_test::server server;
    mcp::oauth oauth;
    std::promise<std::thread> browser;
    std::string page;
    oauth.set_open([&](mcp::oauth_request &request) {
        browser.set_value(std::thread(
            [&page, url = std::string(request.url())] { page = oauth_test::get(oauth_test::redirect_of(url)); }));
    });
    mcp::client client = client_with(server, oauth);
    CHECK_WORKS(client.try_ping());
    browser.get_future().get().join();
    CHECK_EQUAL("HTTP/1.1 200"sv, std::string_view(page).substr(0, 12));
}

void other_thread_finishes_login_with_private_scheme() {
    oauth_test::server server;
    mcp::oauth oauth;
    oauth.set_redirect("com.example.app:/oauth");
    std::promise<std::thread> system;
    oauth.set_open([&](mcp::oauth_request &request) {
        CHECK_EQUAL("com.example.app:/oauth"sv, request.redirect_uri());
        system.set_value(std::thread([&oauth, url = std::string(request.url())] {
            const std::string redirect = oauth_test::redirect_of(url);
            CHECK_THROWS(invalid_argument, oauth.finish("com.example.app:/oauth?code=x&state=of-another-login"));
            oauth.finish(redirect);
        }));
    });
    mcp::client client = client_with(server, oauth);
    CHECK_WORKS(client.try_ping());
    system.get_future().get().join();
}

void login_waits_for_explicit_call() {
    oauth_test::server server;
    mcp::oauth none;
    mcp::client without = client_with(server, none);
    CHECK_THROWS(login_required, without.ping());
    CHECK_THROWS(login_required, without.login()); // there is no open callback

    mcp::oauth oauth;
    int logins = 0;
    oauth.set_redirect("com.example.app:/oauth"); // a loopback redirect with another port would be registered again
    oauth.set_login(mcp::oauth_when::asked, 1min);
    oauth.set_open([&logins](mcp::oauth_request &request) {
        logins++;
        agree(request);
    });
    mcp::client client = client_with(server, oauth);
    CHECK_FAILS(login_required, client.try_ping());
    CHECK_EQUAL(0, logins);
    client.login();
    client.ping();
    CHECK_EQUAL(1, logins);

    client.logout();
    CHECK(server.count("/revoke") > 0);
    const mcp::json state = client.oauth_state();
    CHECK(!state["loggedIn"].as_bool());
    CHECK_THROWS(login_required, client.ping());
    CHECK_WORKS(client.try_login());
    CHECK_WORKS(client.try_logout());
    CHECK_EQUAL(2, logins);
    CHECK_EQUAL(1, server.count("/register")); // the registration is kept
}

void unpublished_authorization_is_unauthorized() {
    mcp::oauth oauth;
    oauth.set_open([](mcp::oauth_request &) { CHECK(false); });
    mcp::client client = support::client_for("dual+bearer=right-token");
    client.set_oauth(oauth);
    const mcp::error error = CHECK_THROWS(unauthorized, client.ping());
    CHECK_EQUAL(401, error.http_status());
    CHECK_EQUAL(std::nullopt, error.oauth_code());
    client = support::client_for("dual");
    client.set_oauth(oauth);
    client.ping(); // needs no token
}

void exception_of_open_callback_is_cause_of_error() {
    oauth_test::server server;
    mcp::error error =
        failed_login(server, [](mcp::oauth_request &) { throw std::out_of_range("there is no display"); });
    CHECK(has(error, "there is no display"));
    CHECK_EQUAL("there is no display"sv, cause_of<std::out_of_range>(error).what());

    error = failed_login(server, [](mcp::oauth_request &) { throw non_std_exception{42}; });
    CHECK_EQUAL(42, cause_of<non_std_exception>(error).number);

    // The error of a function of the request leaves the callback too.
    error = failed_login(server, [](mcp::oauth_request &request) { request.finish("not a URL"); });
    CHECK_EQUAL(mcp::status::invalid_argument, cause_of<mcp::error>(error).status());

    // The cause is kept if its what() is not UTF-8.
    error = failed_login(server, [](mcp::oauth_request &) { throw std::runtime_error("\xff"); });
    CHECK_EQUAL("\xff"sv, cause_of<std::runtime_error>(error).what());

    // The exception lives as long as the error.
    std::atomic<int> alive{0};
    std::optional<mcp::error> kept =
        failed_login(server, [&alive](mcp::oauth_request &) { throw std::make_shared<counted>(alive); });
    CHECK_EQUAL(1, alive.load());
    cause_of<std::shared_ptr<counted>>(*kept);
    kept.reset();
    // The callback, on another thread, may still be leaving the function that threw it.
    while (alive.load() > 0) {
        std::this_thread::yield();
    }
    CHECK_EQUAL(0, server.count("/token"));
}

void failed_login_is_not_repeated_without_explicit_call() {
    oauth_test::server server;
    mcp::oauth oauth;
    int logins = 0;
    oauth.set_open([&logins](mcp::oauth_request &request) {
        if (++logins == 1) {
            throw std::runtime_error("the window was closed");
        }
        agree(request);
    });
    mcp::client client = client_with(server, oauth);
    CHECK_THROWS(login_failed, client.ping());
    CHECK_THROWS(login_required, client.ping());
    CHECK_EQUAL(1, logins);
    client.login();
    client.ping();
    CHECK_EQUAL(2, logins);
}

void request_fail_ends_login() {
    oauth_test::server server;
    mcp::error error = failed_login(server, [](mcp::oauth_request &request) { request.fail("no, thanks"); });
    CHECK(has(error, "no, thanks") && error.cause() == nullptr);

    const std::exception_ptr cause = std::make_exception_ptr(std::out_of_range("deeper"));
    error = failed_login(server, [cause](mcp::oauth_request &request) { request.fail("no, thanks", cause); });
    CHECK(has(error, "no, thanks") && error.cause() == cause);

    for (const std::string_view unusable : {"a\0b"sv, "\xff"sv}) {
        error = failed_login(server, [unusable](mcp::oauth_request &request) { request.fail(unusable); });
        CHECK(has(error, "the reason that was given"));
        error = failed_login(server, [&](mcp::oauth_request &request) { request.fail(unusable, cause); });
        CHECK(has(error, "the reason that was given") && error.cause() == cause);
    }
}

void other_thread_ends_login() {
    oauth_test::server server;
    const std::exception_ptr cause = std::make_exception_ptr(std::out_of_range("deeper"));
    // The reasons that are given, and a part of the one in the error.
    const std::vector<std::pair<std::string_view, std::string_view>> reasons{
        {"the window was closed", "the window was closed"},
        {"a\0b"sv, "the reason that was given"},
        {"\xff", "the reason that was given"},
    };
    for (const auto &[reason, shown] : reasons) {
        for (const std::exception_ptr &attached : {std::exception_ptr(), cause}) {
            mcp::oauth oauth;
            std::promise<std::thread> window;
            oauth.set_open([&, reason = reason](mcp::oauth_request &request) {
                window.set_value(std::thread([&, reason, url = std::string(request.url())] {
                    CHECK_THROWS(invalid_argument, oauth.fail(url + "x", reason, cause));
                    if (attached) {
                        CHECK_WORKS(oauth.try_fail(url, reason, attached));
                    } else {
                        CHECK_WORKS(oauth.try_fail(url, reason));
                    }
                }));
            });
            mcp::client client = client_with(server, oauth);
            const mcp::error error = CHECK_THROWS(login_failed, client.login());
            window.get_future().get().join();
            CHECK(has(error, shown) && error.cause() == attached);
        }
    }
}

void refusal_has_code_of_authorization_server() {
    oauth_test::server server;
    server.refuse_logins("access_denied");
    const mcp::error denied = failed_login(server, agree);
    CHECK_EQUAL("access_denied"sv, denied.oauth_code());
    CHECK(denied.cause() == nullptr);

    server.refuse_logins("");
    server.refuse_tokens("invalid_grant");
    mcp::oauth oauth;
    oauth.set_open(agree);
    mcp::client client = client_with(server, oauth);
    const mcp::expected<void> outcome = client.try_login();
    if (CHECK(!outcome)) {
        CHECK_EQUAL("invalid_grant"sv, outcome.error().oauth_code());
    }
}

void waiting_login_can_be_ended() {
    oauth_test::server server;
    mcp::cancel token;
    mcp::oauth cancelled;
    cancelled.set_open([&token](mcp::oauth_request &) { token.trigger(); });
    mcp::client client = client_with(server, cancelled);
    CHECK_THROWS(cancelled, client.login(mcp::options().cancel(token)));

    mcp::oauth impatient;
    impatient.set_login(mcp::oauth_when::needed, 50ms);
    impatient.set_open([](mcp::oauth_request &) {});
    client = client_with(server, impatient);
    CHECK_THROWS(login_failed, client.ping());

    std::promise<std::thread> closing;
    mcp::oauth closed;
    closed.set_open([&](mcp::oauth_request &) {
        closing.set_value(std::thread([&client] { CHECK_WORKS(client.try_close(support::short_timeout())); }));
    });
    client = client_with(server, closed);
    CHECK_THROWS(closed, client.login());
    closing.get_future().get().join();
}

// The timeout of the call does not run while the person logs in.
void time_of_the_person_is_not_counted() {
    oauth_test::server server;
    mcp::oauth oauth;
    const auto timeout = 2s;
    oauth.set_open([&](mcp::oauth_request &request) {
        std::this_thread::sleep_for(timeout + 100ms); // the person
        agree(request);
    });
    mcp::client client = client_with(server, oauth);
    CHECK_WORKS(client.try_login(mcp::options().timeout(timeout)));
}

void one_login_serves_all_waiting_calls() {
    constexpr int calls = 16;
    oauth_test::server server;
    mcp::oauth oauth;
    std::atomic<int> logins{0};
    oauth.set_open([&logins](mcp::oauth_request &request) {
        logins++;
        agree(request);
    });
    mcp::client client = client_with(server, oauth);
    std::vector<std::thread> threads;
    for (int i = 0; i < calls; i++) {
        threads.emplace_back([&client] { CHECK_WORKS(client.try_ping()); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK_EQUAL(1, logins.load());
}

// One failed login ends all calls that wait for it, with the same cause.
void one_failed_login_ends_all_waiting_calls() {
    constexpr std::size_t calls = 16;
    oauth_test::server server;
    std::vector<std::optional<mcp::error>> errors(calls);
    {
        mcp::oauth oauth;
        oauth.set_open([](mcp::oauth_request &) { throw std::runtime_error("no display"); });
        mcp::client client = client_with(server, oauth);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < calls; i++) {
            threads.emplace_back([&, i] {
                const mcp::expected<void> outcome = client.try_ping();
                if (CHECK(!outcome)) {
                    errors[i] = outcome.error();
                }
            });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
    }
    std::size_t ended = 0;
    for (const std::optional<mcp::error> &error : errors) {
        if (error && error->status() == mcp::status::login_failed) {
            CHECK_EQUAL("no display"sv, cause_of<std::runtime_error>(*error).what());
            ended++;
        } else if (error) { // the call started after the login had failed
            CHECK_EQUAL(mcp::status::login_required, error->status());
        }
    }
    CHECK(ended > 0);
}

} // namespace

int main() {
    open_callback_describes_and_finishes_login();
    library_receives_loopback_redirect();
    other_thread_finishes_login_with_private_scheme();
    login_waits_for_explicit_call();
    unpublished_authorization_is_unauthorized();
    exception_of_open_callback_is_cause_of_error();
    failed_login_is_not_repeated_without_explicit_call();
    request_fail_ends_login();
    other_thread_ends_login();
    refusal_has_code_of_authorization_server();
    waiting_login_can_be_ended();
    time_of_the_person_is_not_counted();
    one_login_serves_all_waiting_calls();
    one_failed_login_ends_all_waiting_calls();
    return check::end();
}
