// mcp::oauth without a person: the callbacks of a store, folders, client credentials and assertions.
#include "callables.hpp"
#include "check.hpp"
#include "oauth_server.hpp"
#include "support.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <stdlib.h>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

const std::string assertion_grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";

// A keychain: the records by key.
class vault {
  public:
    void load(mcp::oauth_record &record) {
        const std::lock_guard<std::mutex> guard(lock_);
        CHECK(!record.key().empty());
        const auto found = texts_.find(std::string(record.key()));
        if (found != texts_.end()) {
            record.set_text(found->second);
        }
    }

    void save(mcp::oauth_record &record) {
        const std::lock_guard<std::mutex> guard(lock_);
        if (const auto text = record.text()) {
            texts_[std::string(record.key())] = *text;
        } else {
            texts_.erase(std::string(record.key()));
        }
        saved_++;
    }

    int saved() {
        const std::lock_guard<std::mutex> guard(lock_);
        return saved_;
    }

    std::string all_text() {
        const std::lock_guard<std::mutex> guard(lock_);
        std::string all;
        for (const auto &[key, text] : texts_) {
            all += text;
        }
        return all;
    }

  private:
    std::mutex lock_;
    std::map<std::string, std::string> texts_;
    int saved_ = 0;
};

void agree(mcp::oauth_request &request) {
    request.finish(oauth_test::redirect_of(request.url()));
}

mcp::client client_with(const oauth_test::server &server, const mcp::oauth &oauth) {
    mcp::client client = server.client();
    client.set_oauth(oauth);
    return client;
}

void store_keeps_login_for_other_settings() {
    oauth_test::server server;
    vault vault;
    std::atomic<int> locked{0}, lock_calls{0};
    const auto settings = [&](mcp::oauth &oauth) {
        oauth.set_store([&vault](mcp::oauth_record &record) { vault.load(record); },
                        [&vault](mcp::oauth_record &record) { vault.save(record); },
                        [&](mcp::oauth_record &record) {
                            CHECK(!record.key().empty());
                            CHECK_EQUAL(1, ++locked);
                            lock_calls++;
                        },
                        [&](mcp::oauth_record &) { CHECK_EQUAL(0, --locked); });
    };
    mcp::oauth first;
    settings(first);
    first.set_open(agree);
    client_with(server, first).ping();
    CHECK(vault.saved() > 0);
    CHECK(vault.all_text().find("refresh-token-1") != std::string::npos);
    CHECK_EQUAL(1, server.count("/authorize"));

    // Without an open callback: the token is loaded.
    mcp::oauth second;
    settings(second);
    mcp::client client = client_with(server, second);
    client.ping();
    CHECK_EQUAL(1, server.count("/token"));

    // And so is the refresh token.
    const int before = lock_calls;
    server.reject_tokens();
    client.ping();
    CHECK_EQUAL("refresh-token-1", server.form("refresh_token")["refresh_token"]);
    CHECK(lock_calls > before);
    CHECK_EQUAL(0, locked.load());
    CHECK(vault.all_text().find("refresh-token-2") != std::string::npos);
    CHECK_EQUAL(1, server.count("/authorize"));

    client.logout();
    CHECK(vault.all_text().find("refresh-token") == std::string::npos);
}

void failure_of_store_ends_call() {
    oauth_test::server server;
    const auto none = [](mcp::oauth_record &) {};
    mcp::oauth throwing;
    throwing.set_store([](mcp::oauth_record &) { throw std::runtime_error("the vault is locked"); }, none);
    throwing.set_open(agree);
    mcp::client client = client_with(server, throwing);
    CHECK(has(CHECK_THROWS(oauth_failed, client.ping()), "the vault is locked"));

    mcp::oauth failing;
    failing.set_store(none, [](mcp::oauth_record &record) { record.fail("the disk is full"); });
    failing.set_open(agree);
    client = client_with(server, failing);
    CHECK(has(CHECK_THROWS(oauth_failed, client.ping()), "the disk is full"));

    mcp::oauth other;
    other.set_store([](mcp::oauth_record &record) { record.fail("a\0b"sv); }, none);
    other.set_open(agree);
    client = client_with(server, other);
    CHECK(has(CHECK_THROWS(oauth_failed, client.ping()), "the reason that was given"));

    mcp::oauth with_exception;
    with_exception.set_store([](mcp::oauth_record &) { throw non_std_exception{1}; }, none);
    client = client_with(server, with_exception);
    CHECK(has(CHECK_THROWS(oauth_failed, client.ping()), "not a std::exception"));
}

void folder_keeps_login_for_other_settings() {
    oauth_test::server server;
    std::string folder = (std::filesystem::temp_directory_path() / "mcp-oauth-XXXXXX").string();
    must(mkdtemp(folder.data()) != nullptr, "create a folder");
    mcp::oauth first;
    first.use_folder(folder);
    first.set_open(agree);
    client_with(server, first).ping();
    mcp::oauth second;
    second.use_folder(folder);
    client_with(server, second).ping();
    CHECK_EQUAL(1, server.count("/token"));
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

void client_credentials_need_no_person() {
    oauth_test::server server;
    mcp::oauth oauth;
    oauth.set_grant(mcp::oauth_grant::client_credentials);
    oauth.set_client(server.issuer(), "inventory", "s3cret");
    oauth.set_scopes("read");
    mcp::client client = client_with(server, oauth);
    client.ping();
    auto form = server.form("client_credentials");
    CHECK_EQUAL("read", form["scope"]);
    CHECK_EQUAL(server.url(), form["resource"]);
    CHECK_EQUAL(0, server.count("/register"));
    const mcp::json state = client.oauth_state();
    CHECK_EQUAL("configured"sv, state["registration"].string());
    CHECK_EQUAL("inventory"sv, state["clientId"].string());

    server.refuse_tokens("unauthorized_client");
    server.reject_tokens();
    const mcp::error error = CHECK_THROWS(oauth_failed, client.ping());
    CHECK_EQUAL("unauthorized_client"sv, error.oauth_code());
    CHECK(!has(error, "s3cret"));
}

void private_key_signs_client_assertion() {
    oauth_test::server server;
    std::ifstream file(support::variable("MCP_TEST_CLIENT_KEY"));
    const std::string key((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    mcp::oauth oauth;
    oauth.set_grant(mcp::oauth_grant::client_credentials);
    oauth.set_client_key(server.issuer(), "inventory", key, "2026-11");
    client_with(server, oauth).ping();
    auto form = server.form("client_credentials");
    CHECK_EQUAL("urn:ietf:params:oauth:client-assertion-type:jwt-bearer", form["client_assertion_type"]);
    CHECK_EQUAL("eyJ", form["client_assertion"].substr(0, 3));
    CHECK(form["client_assertion"].find("PRIVATE KEY") == std::string::npos);
}

// The error of a call with this assertion callback.
template <class Callable> mcp::error failed_assertion(const oauth_test::server &server, Callable callable) {
    mcp::oauth oauth;
    oauth.set_grant(mcp::oauth_grant::assertion);
    oauth.set_client(server.issuer(), "ci");
    oauth.set_assertion(std::move(callable));
    mcp::client client = client_with(server, oauth);
    return CHECK_FAILS(oauth_failed, client.try_ping());
}

void assertion_callback_provides_assertion() {
    oauth_test::server server;
    mcp::oauth oauth;
    oauth.set_grant(mcp::oauth_grant::assertion);
    oauth.set_client(server.issuer(), "ci");
    oauth.set_assertion([&server, calls = 0](mcp::oauth_assertion &assertion) mutable {
        CHECK_EQUAL(server.issuer(), assertion.audience());
        CHECK_EQUAL(server.url(), assertion.resource());
        CHECK_FAILS(invalid_argument, assertion.try_set("a\0b"sv));
        assertion.set("header.claims.signature-" + std::to_string(++calls));
    });
    mcp::client client = client_with(server, oauth);
    client.ping();
    CHECK_EQUAL("header.claims.signature-1", server.form(assertion_grant)["assertion"]);
    server.reject_tokens();
    client.ping();
    CHECK_EQUAL("header.claims.signature-2", server.form(assertion_grant)["assertion"]);

    // With an identity provider, whose token endpoint is that of the same server.
    mcp::oauth managed;
    managed.set_grant(mcp::oauth_grant::assertion);
    managed.set_client(server.issuer(), "client", "s3cret");
    managed.set_identity(server.issuer() + "/token", "client-at-idp", "s3cret");
    managed.set_assertion([](mcp::oauth_assertion &assertion) {
        CHECK_EQUAL("client-at-idp"sv, assertion.audience());
        assertion.set("header.claims.id-token");
    });
    client_with(server, managed).ping();
    auto exchange = server.form("urn:ietf:params:oauth:grant-type:token-exchange");
    CHECK_EQUAL("header.claims.id-token", exchange["subject_token"]);
    CHECK_EQUAL(server.issuer(), exchange["audience"]);
    CHECK_EQUAL("id-jag", server.form(assertion_grant)["assertion"]);
}

void failure_of_assertion_callback_ends_call() {
    oauth_test::server server;
    mcp::error error =
        failed_assertion(server, [](mcp::oauth_assertion &) { throw std::runtime_error("the runner gives no token"); });
    CHECK(has(error, "the runner gives no token"));
    error = failed_assertion(server, [](mcp::oauth_assertion &assertion) { assertion.fail("not on this branch"); });
    CHECK(has(error, "not on this branch"));
    error = failed_assertion(server, [](mcp::oauth_assertion &assertion) { assertion.fail("\xff"); });
    CHECK(has(error, "the reason that was given"));
    error = failed_assertion(server, [](mcp::oauth_assertion &) { throw non_std_exception{1}; });
    CHECK(has(error, "not a std::exception"));
    error = failed_assertion(server, [](mcp::oauth_assertion &assertion) { assertion.set("a\0b"sv); });
    CHECK(has(error, "has a NUL inside"));
    failed_assertion(server, [](mcp::oauth_assertion &) {}); // sets none
    CHECK_EQUAL(0, server.count("/token"));
}

} // namespace

int main() {
    store_keeps_login_for_other_settings();
    failure_of_store_ends_call();
    folder_keeps_login_for_other_settings();
    client_credentials_need_no_person();
    private_key_signs_client_assertion();
    assertion_callback_provides_assertion();
    failure_of_assertion_callback_ends_call();
    return check::end();
}
