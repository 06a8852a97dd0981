// An authorization server and the MCP server that it protects, on one loopback port and one thread of the test program.
//
// It has what the tests of mcp.hpp need: logins succeed without a page unless they are refused, and secrets, keys, code
// verifiers and assertions are recorded, not verified. The servers of tests/oauth verify them.
#ifndef OAUTH_SERVER_HPP
#define OAUTH_SERVER_HPP

#include "support.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace oauth_test {

using namespace std::string_literals;

// The fields of a query or a form, percent-decoded.
using fields = std::map<std::string, std::string>;

inline std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] == '%' && i + 2 < text.size()) {
            plain += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
            i += 2;
        } else {
            plain += text[i] == '+' ? ' ' : text[i];
        }
    }
    return plain;
}

inline fields parse_fields(std::string_view text) {
    fields parsed;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        parsed[decoded(pair.substr(0, equals))] = decoded(pair.substr(std::min(pair.size(), equals + 1)));
    }
    return parsed;
}

inline fields query_of(std::string_view url) {
    const std::size_t mark = url.find('?');
    return parse_fields(mark == std::string_view::npos ? std::string_view() : url.substr(mark + 1));
}

inline void send_all(int s, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(s, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// The value of a header in the head of a message; empty if there is none.
inline std::string header_in(std::string_view head, std::string_view name) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    for (std::size_t start = head.find("\r\n"); start != std::string_view::npos;) {
        start += 2;
        const std::size_t end = std::min(head.find("\r\n", start), head.size());
        const std::string_view line = head.substr(start, end - start);
        if (line.size() > name.size() && line[name.size()] == ':' &&
            std::equal(name.begin(), name.end(), line.begin(), same)) {
            const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
            return value == std::string_view::npos ? std::string() : std::string(line.substr(value));
        }
        start = head.find("\r\n", start);
    }
    return {};
}

// Requests a URL at 127.0.0.1, as a browser does, and returns the head of the response.
inline std::string get(std::string_view url) {
    constexpr std::string_view prefix = "http://127.0.0.1:";
    must(url.substr(0, prefix.size()) == prefix, "the URL is at 127.0.0.1");
    const std::string rest(url.substr(prefix.size()));
    const std::size_t path = std::min(rest.find('/'), rest.size());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(rest.c_str())));
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    must(s >= 0 && connect(s, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0, "connect to the URL");
    send_all(s, "GET " + rest.substr(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    std::string response;
    char part[4096];
    for (ssize_t n; (n = recv(s, part, sizeof part, 0)) > 0;) {
        response.append(part, static_cast<std::size_t>(n));
    }
    close(s);
    return response.substr(0, response.find("\r\n\r\n"));
}

// The URL to which the authorization server redirects the browser.
inline std::string redirect_of(std::string_view authorization_url) {
    const std::string location = header_in(get(authorization_url), "location");
    must(!location.empty(), "the authorization server redirects");
    return location;
}

class server {
  public:
    server() {
        std::uint16_t port = 0;
        listener_ = listen_on(&port, 64);
        origin_ = "http://127.0.0.1:" + std::to_string(port);
        thread_ = std::thread([this] { serve(); });
    }
    server(const server &) = delete;
    server &operator=(const server &) = delete;
    ~server() {
        shutdown(listener_, SHUT_RDWR); // ends accept
        thread_.join();
        close(listener_);
    }

    std::string url() const {
        return origin_ + "/mcp";
    }
    const std::string &issuer() const {
        return origin_;
    }

    // A client of the MCP server.
    mcp::client client() const {
        return support::client_at(url());
    }

    // Answers all later logins and token requests with this error code; "" accepts them.
    void refuse_logins(const std::string &code) {
        const std::lock_guard<std::mutex> guard(lock_);
        login_error_ = code;
    }
    void refuse_tokens(const std::string &code) {
        const std::lock_guard<std::mutex> guard(lock_);
        token_error_ = code;
    }

    // Makes the MCP server reject all tokens issued so far.
    void reject_tokens() {
        const std::lock_guard<std::mutex> guard(lock_);
        tokens_.clear();
    }

    // How often this path was requested.
    int count(const std::string &path) {
        const std::lock_guard<std::mutex> guard(lock_);
        return counts_[path];
    }

    // The form of the last request to the token endpoint with this grant type; ends the test if there was none.
    fields form(const std::string &grant_type) {
        const std::lock_guard<std::mutex> guard(lock_);
        must(forms_.count(grant_type) > 0, "a token was requested with this grant type");
        return forms_[grant_type];
    }

  private:
    struct request {
        std::string path, query, head, body;
    };

    void serve() {
        for (int s; (s = accept(listener_, nullptr, nullptr)) >= 0; close(s)) {
            const timeval patience = {10, 0}; // a client that sends nothing does not block the test
            setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            request received;
            if (receive(s, received)) {
                const std::lock_guard<std::mutex> guard(lock_);
                counts_[received.path]++;
                send_all(s, answer(received));
            }
        }
    }

    static bool receive(int s, request &received) {
        std::string text;
        std::size_t end = std::string::npos, length = 0;
        char part[4096];
        while (end == std::string::npos || text.size() < end + 4 + length) {
            const ssize_t n = recv(s, part, sizeof part, 0);
            if (n <= 0) {
                return false;
            }
            text.append(part, static_cast<std::size_t>(n));
            end = text.find("\r\n\r\n");
            if (end != std::string::npos) {
                length = std::strtoul(header_in(text.substr(0, end), "content-length").c_str(), nullptr, 10);
            }
        }
        received.head = text.substr(0, end);
        received.body = text.substr(end + 4);
        const std::size_t start = text.find(' ') + 1;
        const std::string target = text.substr(start, text.find(' ', start) - start);
        received.path = target.substr(0, target.find('?'));
        received.query = target.substr(std::min(target.size(), received.path.size() + 1));
        return true;
    }

    static std::string response(const char *status, const std::string &body, const std::string &headers = {}) {
        return "HTTP/1.1 "s + status + "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
    }

    std::string answer(const request &received) {
        if (received.path == "/mcp") {
            return answer_mcp(received);
        }
        if (received.path == "/.well-known/oauth-protected-resource/mcp") {
            return response("200 OK", R"({"resource":")" + url() + R"(","authorization_servers":[")" + origin_ +
                                          R"("],"scopes_supported":["read"]})");
        }
        if (received.path == "/.well-known/oauth-authorization-server") {
            return response("200 OK", metadata());
        }
        if (received.path == "/register") {
            return response("201 Created", R"({"client_id":"registered-client","token_endpoint_auth_method":"none"})");
        }
        if (received.path == "/authorize") {
            return answer_login(parse_fields(received.query));
        }
        if (received.path == "/token") {
            return answer_token(parse_fields(received.body));
        }
        if (received.path == "/revoke") {
            tokens_.erase(parse_fields(received.body)["token"]);
            return response("200 OK", "");
        }
        return response("404 Not Found", "{}");
    }

    std::string metadata() const {
        const auto member = [this](const char *name, const char *path) {
            return ",\""s + name + "\":\"" + origin_ + path + '"';
        };
        return R"({"issuer":")" + origin_ + '"' + member("authorization_endpoint", "/authorize") +
               member("token_endpoint", "/token") + member("registration_endpoint", "/register") +
               member("revocation_endpoint", "/revoke") +
               R"(,"response_types_supported":["code"],"code_challenge_methods_supported":["S256"],)"
               R"("authorization_response_iss_parameter_supported":true,"token_endpoint_auth_methods_supported":)"
               R"(["none","client_secret_basic","private_key_jwt"]})";
    }

    std::string answer_mcp(const request &received) {
        constexpr std::string_view scheme = "Bearer ";
        const std::string authorization = header_in(received.head, "authorization");
        if (tokens_.count(authorization.substr(std::min(authorization.size(), scheme.size()))) == 0) {
            return response("401 Unauthorized", "{}",
                            "WWW-Authenticate: Bearer resource_metadata=\"" + origin_ +
                                "/.well-known/oauth-protected-resource/mcp\"\r\n");
        }
        const auto message = mcp::json::try_parse(received.body);
        if (!message || !(*message)["id"]) {
            return response("202 Accepted", "");
        }
        // The result of server/discover, which is also the ping of this version.
        return response("200 OK", R"({"jsonrpc":"2.0","id":)" + std::string((*message)["id"].raw()) +
                                      R"(,"result":{"supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,)"
                                      R"("cacheScope":"private","resultType":"complete","_meta":)"
                                      R"({"io.modelcontextprotocol/serverInfo":{"name":"oauth","version":"1"}}}})");
    }

    std::string answer_login(fields query) {
        const std::string result = login_error_.empty() ? "code=the-code" : "error=" + login_error_;
        return response("302 Found", "",
                        "Location: " + query["redirect_uri"] + '?' + result + "&state=" + query["state"] +
                            "&iss=" + origin_ + "\r\n");
    }

    std::string answer_token(const fields &form) {
        const auto field = [&form](const char *name) {
            const auto found = form.find(name);
            return found != form.end() ? found->second : std::string();
        };
        const std::string grant = field("grant_type");
        forms_[grant] = form;
        if (!token_error_.empty()) {
            return response("400 Bad Request", R"({"error":")" + token_error_ + R"("})");
        }
        if (grant == "urn:ietf:params:oauth:grant-type:token-exchange") { // at the identity provider
            return response("200 OK", R"({"access_token":"id-jag","token_type":"N_A","issued_token_type":)"
                                      R"("urn:ietf:params:oauth:token-type:id-jag"})");
        }
        if (grant == "authorization_code" && (field("code") != "the-code" || field("code_verifier").empty())) {
            return response("400 Bad Request", R"({"error":"invalid_grant"})");
        }
        const std::string token = "token-" + std::to_string(++issued_);
        tokens_.insert(token);
        const bool is_login = grant == "authorization_code" || grant == "refresh_token";
        return response("200 OK", R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":3600)" +
                                      (is_login ? R"(,"refresh_token":"refresh-)" + token + '"' : std::string()) +
                                      R"(,"scope":"read"})");
    }

    int listener_ = -1;
    std::string origin_;
    std::thread thread_;
    std::mutex lock_;
    std::string login_error_, token_error_;
    std::set<std::string> tokens_;
    std::map<std::string, int> counts_;
    std::map<std::string, fields> forms_;
    int issued_ = 0;
};

} // namespace oauth_test

#endif
