// The settings of mcp::oauth that need no authorization server: valid and invalid values, the time after which they are
// fixed, and the lifetime of the callables.
#include "callables.hpp"
#include "check.hpp"
#include "support.hpp"

#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>

#include <stdlib.h>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

// Nothing listens there: no test of this program sends a request.
constexpr const char *url = "http://127.0.0.1:1/mcp";

std::string private_key() {
    std::ifstream file(support::variable("MCP_TEST_CLIENT_KEY"));
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

void every_setting_is_accepted() {
    mcp::oauth oauth;
    oauth.set_client("https://auth.example", "id", "secret");
    oauth.set_client(std::nullopt, "other");
    oauth.set_client_key("https://keys.example", "id", private_key(), "2026-11");
    oauth.set_client_url("https://app.example/client.json");
    oauth.set_client_url(std::nullopt);
    oauth.set_registration(true, R"({"client_name":"test"})");
    oauth.set_registration(false);
    for (const mcp::oauth_grant grant :
         {mcp::oauth_grant::client_credentials, mcp::oauth_grant::assertion, mcp::oauth_grant::login}) {
        oauth.set_grant(grant);
    }
    oauth.set_scopes("read write");
    oauth.set_scopes(std::nullopt);
    oauth.set_resource("https://example.com/mcp");
    oauth.set_resource("");
    oauth.set_resource(std::nullopt);
    oauth.set_parameter("login_hint", "person@example.com");
    oauth.set_parameter("login_hint", std::nullopt);
    for (const mcp::oauth_leniency leniency :
         {mcp::oauth_leniency::unstated_pkce, mcp::oauth_leniency::private_addresses,
          mcp::oauth_leniency::plain_http}) {
        oauth.allow(leniency);
        oauth.allow(leniency, false);
    }
    oauth.use_browser();
    oauth.set_open([](mcp::oauth_request &) {});
    oauth.set_open(std::nullopt);
    for (const char *uri :
         {"https://app.example/callback", "com.example.app:/oauth", "http://localhost:8123/callback"}) {
        oauth.set_redirect(uri);
    }
    oauth.set_login(mcp::oauth_when::asked, 5min);
    oauth.set_login(mcp::oauth_when::needed, 30s);
    oauth.set_store([](mcp::oauth_record &) {}, [](mcp::oauth_record &) {});
    oauth.set_assertion([](mcp::oauth_assertion &) {});
    oauth.set_assertion(std::nullopt);
    oauth.set_identity("https://idp.example/token", "id", "secret");
    oauth.set_identity("https://idp.example/token", "id");
    mcp::client(url).set_oauth(oauth);
}

void invalid_settings_are_rejected() {
    mcp::oauth oauth;
    for (const mcp::error &error : {
             CHECK_THROWS(invalid_argument, oauth.set_client("not a URL", "id")),
             CHECK_THROWS(invalid_argument, oauth.set_client(std::nullopt, "")),
             CHECK_THROWS(invalid_argument, oauth.set_client_key(std::nullopt, "id", "not a key")),
             CHECK_THROWS(invalid_argument, oauth.set_client_url("https://app.example")),
             CHECK_THROWS(invalid_argument, oauth.set_client_url("http://app.example/client.json")),
             CHECK_THROWS(invalid_argument, oauth.set_registration(true, "[]")),
             CHECK_THROWS(invalid_argument, oauth.set_registration(true, R"({"redirect_uris":[]})")),
             CHECK_THROWS(invalid_argument, oauth.set_grant(static_cast<mcp::oauth_grant>(77))),
             CHECK_THROWS(invalid_argument, oauth.set_scopes("\xff")),
             CHECK_THROWS(invalid_argument, oauth.set_parameter("state", "mine")),
             CHECK_THROWS(invalid_argument, oauth.allow(static_cast<mcp::oauth_leniency>(77))),
             CHECK_THROWS(invalid_argument, oauth.set_redirect("http://app.example/callback")),
             CHECK_THROWS(invalid_argument, oauth.set_login(static_cast<mcp::oauth_when>(77), 1min)),
             CHECK_THROWS(invalid_argument, oauth.set_login(mcp::oauth_when::needed, -1s)),
             CHECK_THROWS(invalid_argument, oauth.set_identity("not a URL", "id")),
             CHECK_THROWS(invalid_argument, oauth.finish("http://127.0.0.1/callback?code=x&state=y")),
             CHECK_THROWS(invalid_argument, oauth.fail("https://auth.example/authorize", "no login waits for this")),
             CHECK_THROWS(invalid_argument, mcp::open_browser("file:///etc/passwd")),
         }) {
        CHECK_EQUAL(std::nullopt, error.oauth_code());
        CHECK(error.cause() == nullptr);
    }
    CHECK_FAILS(invalid_argument, oauth.try_set_redirect("http://app.example/callback"));
    CHECK_FAILS(invalid_argument, mcp::try_open_browser("javascript:alert(1)"));
}

void missing_browser_is_reported() {
    must(setenv("BROWSER", "/nonexistent/browser", 1) == 0, "set BROWSER");
    CHECK(has(CHECK_THROWS(system_error, mcp::open_browser("http://127.0.0.1:1/")), "/nonexistent/browser"));
    CHECK_FAILS(system_error, mcp::try_open_browser("https://auth.example/"));
}

void text_with_embedded_nul_is_rejected() {
    mcp::oauth oauth;
    constexpr std::string_view nul = "a\0b"sv;
    for (const mcp::error &error : {
             CHECK_THROWS(invalid_argument, oauth.set_client(nul, "id")),
             CHECK_THROWS(invalid_argument, oauth.set_client(std::nullopt, nul)),
             CHECK_THROWS(invalid_argument, oauth.set_client(std::nullopt, "id", nul)),
             CHECK_THROWS(invalid_argument, oauth.set_client_key(std::nullopt, "id", nul)),
             CHECK_THROWS(invalid_argument, oauth.set_client_url("https://app.example/\0"sv)),
             CHECK_THROWS(invalid_argument, oauth.set_scopes(nul)),
             CHECK_THROWS(invalid_argument, oauth.set_resource(nul)),
             CHECK_THROWS(invalid_argument, oauth.set_parameter(nul, "value")),
             CHECK_THROWS(invalid_argument, oauth.set_parameter("name", nul)),
             CHECK_THROWS(invalid_argument, oauth.set_redirect("http://127.0.0.1/\0"sv)),
             CHECK_THROWS(invalid_argument, oauth.use_folder(nul)),
             CHECK_THROWS(invalid_argument, oauth.set_identity(nul, "id")),
             CHECK_THROWS(invalid_argument, oauth.finish("http://127.0.0.1/\0"sv)),
             CHECK_THROWS(invalid_argument, oauth.fail(nul, "reason")),
             CHECK_THROWS(invalid_argument, mcp::open_browser("http://127.0.0.1/\0"sv)),
         }) {
        CHECK(has(error, "has a NUL inside"));
    }
}

void settings_are_fixed_by_set_oauth() {
    mcp::oauth oauth;
    oauth.set_scopes("read");
    mcp::client client(url);
    client.set_oauth(oauth);
    CHECK_THROWS(misuse, oauth.set_client(std::nullopt, "id"));
    CHECK_THROWS(misuse, oauth.set_client_key(std::nullopt, "id", private_key()));
    CHECK_THROWS(misuse, oauth.set_client_url("https://app.example/client.json"));
    CHECK_THROWS(misuse, oauth.set_registration(false));
    CHECK_THROWS(misuse, oauth.set_grant(mcp::oauth_grant::assertion));
    CHECK_THROWS(misuse, oauth.set_scopes("write"));
    CHECK_THROWS(misuse, oauth.set_resource(""));
    CHECK_THROWS(misuse, oauth.set_parameter("login_hint", "x"));
    CHECK_THROWS(misuse, oauth.allow(mcp::oauth_leniency::unstated_pkce));
    CHECK_THROWS(misuse, oauth.set_open([](mcp::oauth_request &) {}));
    CHECK_THROWS(misuse, oauth.use_browser());
    CHECK_THROWS(misuse, oauth.set_redirect("com.example.app:/oauth"));
    CHECK_THROWS(misuse, oauth.set_login(mcp::oauth_when::asked, 1min));
    CHECK_THROWS(misuse, oauth.set_store([](mcp::oauth_record &) {}, [](mcp::oauth_record &) {}));
    CHECK_THROWS(misuse, oauth.use_folder());
    CHECK_THROWS(misuse, oauth.set_assertion([](mcp::oauth_assertion &) {}));
    CHECK_THROWS(misuse, oauth.set_identity("https://idp.example/token", "id"));
    client.set_oauth(std::nullopt);
    CHECK_FAILS(misuse, oauth.try_set_scopes("write")); // removing them does not change that

    mcp::client second(url);
    second.set_oauth(oauth);
    CHECK_WORKS(second.try_set_oauth(oauth));
}

void calls_without_oauth_settings_are_misuse() {
    mcp::client client(url);
    CHECK_THROWS(misuse, client.login());
    CHECK_THROWS(misuse, client.logout());
    CHECK_THROWS(misuse, (void)client.oauth_state());
    CHECK_FAILS(misuse, client.try_login(mcp::options().timeout(1s)));

    mcp::oauth oauth;
    client.set_oauth(oauth);
    client.set_auth([](mcp::auth_request &) {}); // replaces them
    CHECK_THROWS(misuse, client.login());

    mcp::client process = mcp::client::for_process({"/bin/true"});
    CHECK_THROWS(misuse, process.set_oauth(oauth));
    CHECK_THROWS(misuse, process.login());
    CHECK_THROWS(misuse, process.logout());
    CHECK_THROWS(misuse, (void)process.oauth_state());
}

void state_without_login_is_known_without_network() {
    mcp::oauth oauth;
    mcp::client client(url);
    client.set_oauth(oauth);
    const mcp::json state = client.oauth_state();
    CHECK(!state["loggedIn"].as_bool());
    CHECK(!state["expiresAt"] && !state["idToken"]);
}

void moved_from_objects_are_rejected() {
    mcp::oauth first;
    mcp::oauth second = std::move(first);
    mcp::client client(url);
    client.set_oauth(second);
    CHECK_THROWS(invalid_argument, first.set_scopes("read"));
    CHECK_THROWS(invalid_argument, first.set_open([](mcp::oauth_request &) {}));
    CHECK_THROWS(invalid_argument, first.finish("http://127.0.0.1/"));
    // A moved-from object does not remove the settings of the client.
    CHECK_THROWS(invalid_argument, client.set_oauth(first));
    CHECK_WORKS(client.try_oauth_state());
    mcp::client moved = std::move(client);
    CHECK_THROWS(invalid_argument, client.set_oauth(second));
    CHECK_THROWS(invalid_argument, client.login());
    first = std::move(second);
    moved.set_oauth(first);
    static_assert(!std::is_copy_constructible_v<mcp::oauth> && std::is_nothrow_move_constructible_v<mcp::oauth>);
    static_assert(!std::is_copy_constructible_v<mcp::oauth_request> &&
                  !std::is_copy_constructible_v<mcp::oauth_record>);
}

void free_function(mcp::oauth_request &) {}

void any_callable_is_accepted() {
    mcp::oauth oauth;
    oauth.set_open(free_function);
    oauth.set_open(&free_function);
    const std::function<void(mcp::oauth_request &)> function = free_function;
    oauth.set_open(function);
    CHECK_WORKS(oauth.try_set_open(std::ref(function)));
    const std::function<void(mcp::oauth_record &)> keep = [](mcp::oauth_record &) {};
    oauth.set_store(keep, keep, keep, keep);
    oauth.set_store(keep, keep, std::nullopt, std::nullopt);

    const std::function<void(mcp::oauth_record &)> none;
    CHECK_THROWS(invalid_argument, oauth.set_open(std::function<void(mcp::oauth_request &)>()));
    CHECK_THROWS(invalid_argument, oauth.set_open(static_cast<void (*)(mcp::oauth_request &)>(nullptr)));
    CHECK_THROWS(invalid_argument, oauth.set_assertion(std::function<void(mcp::oauth_assertion &)>()));
    CHECK_THROWS(invalid_argument, oauth.set_store(none, keep));
    CHECK_THROWS(invalid_argument, oauth.set_store(keep, none));
    CHECK_THROWS(invalid_argument, oauth.set_store(keep, keep, none, keep));
    CHECK_THROWS(invalid_argument, oauth.set_store(keep, keep, keep, none));
}

void callables_are_destroyed_once() {
    std::atomic<int> alive{0};
    const auto open = [&alive] { return [held = counted(alive)](mcp::oauth_request &) {}; };
    const auto keep = [&alive] { return [held = counted(alive)](mcp::oauth_record &) {}; };
    const auto assertion = [&alive] { return [held = counted(alive)](mcp::oauth_assertion &) {}; };
    {
        mcp::oauth oauth;
        oauth.set_open(open());
        oauth.set_assertion(assertion());
        oauth.set_store(keep(), keep(), keep(), keep());
        CHECK_EQUAL(6, alive.load());
        oauth.set_open(open()); // replaced
        oauth.set_store(keep(), keep());
        CHECK_EQUAL(4, alive.load());
        oauth.set_assertion(std::nullopt);
        oauth.use_browser();
        CHECK_EQUAL(2, alive.load());
        mcp::oauth moved = std::move(oauth);
        CHECK_THROWS(invalid_argument, oauth.set_open(open())); // destroyed although it was not accepted
        CHECK_FAILS(invalid_argument, oauth.try_set_store(keep(), keep(), keep(), keep()));
        CHECK_EQUAL(2, alive.load());
    }
    CHECK_EQUAL(0, alive.load());

    // The client keeps the settings.
    {
        mcp::client first(url), second(url);
        {
            mcp::oauth oauth;
            oauth.set_open(open());
            first.set_oauth(oauth);
            second.set_oauth(oauth);
            CHECK_THROWS(misuse, oauth.set_open(open())); // destroyed although it was not accepted
        }
        CHECK_EQUAL(1, alive.load());
        first.set_oauth(std::nullopt);
        CHECK_EQUAL(1, alive.load());
    }
    CHECK_EQUAL(0, alive.load());
}

} // namespace

int main() {
    every_setting_is_accepted();
    invalid_settings_are_rejected();
    missing_browser_is_reported();
    text_with_embedded_nul_is_rejected();
    settings_are_fixed_by_set_oauth();
    calls_without_oauth_settings_are_misuse();
    state_without_login_is_known_without_network();
    moved_from_objects_are_rejected();
    any_callable_is_accepted();
    callables_are_destroyed_once();
    return check::end();
}
