/*
 * Proxies set by mcp_set_proxy: the requests that go through them, the data that they and the server see, and the
 * status when they refuse. Runs under `mcp-test-server --run fixture.py --run scripted.py --run`.
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "proxy_support.h"
#include "support.h"

#include <unistd.h>

enum { PINGS = 5 };

/* A proxy's URL, "http://" or "http://user:password@" in front of an address; a static buffer. */
static const char *at(const char *front, const char *address) {
    static char url[URL_SIZE];
    snprintf(url, sizeof url, "%s%s", front, address);
    return url;
}

/* A proxy's URL with the correct user name and password; a static buffer. */
static const char *with_login(const char *scheme, const char *address) {
    char front[URL_SIZE];
    snprintf(front, sizeof front, "%s://%s@", scheme, required_env("MCP_TEST_PROXY_LOGIN"));
    return at(front, address);
}

/* The server got requests under this tag, and none of them has a header that is meant for the proxy. */
static void check_server_saw(const char *tag) {
    mcp_json *log = server_log(tag);
    const mcp_json *request;
    CHECK_SAYS(mcp_json_first(log) != NULL, "the server got no request with the tag %s", tag);
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *path = mcp_json_string(mcp_json_member(request, "path"));
        CHECK(path != NULL && path[0] == '/');
        CHECK(header_of(request, "proxy-authorization") == NULL);
        CHECK(header_of(request, "proxy-connection") == NULL);
        CHECK_TEXT("Bearer " TOKEN, header_of(request, "authorization"));
    }
    mcp_json_free(log);
}

static void http_requests_go_through_an_http_proxy(void) {
    char line[URL_SIZE];
    const char *url = scenario("dual+tag=proxied-http");

    check_ping(MCP_OK, url, at("http://", required_env("MCP_TEST_PROXY")), NULL);
    snprintf(line, sizeof line, "POST %s HTTP/1.1", url);
    CHECK(occurrences(required_env("MCP_TEST_PROXY_LOG"), line) > 0);
    check_ping(MCP_OK, url, at("", required_env("MCP_TEST_PROXY")), NULL); /* no scheme: http */
    check_server_saw("proxied-http");
}

static void https_goes_through_a_connect_tunnel(void) {
    char line[64];
    size_t before;

    snprintf(line, sizeof line, "CONNECT localhost%s HTTP/1.1", port_of(required_env("MCP_TEST_TLS_URL")));
    before = occurrences(required_env("MCP_TEST_PROXY_LOG"), line);
    check_ping(MCP_OK, tls_scenario("dual+tag=proxied-https"), at("http://", required_env("MCP_TEST_PROXY")), NULL);
    CHECK(occurrences(required_env("MCP_TEST_PROXY_LOG"), line) > before);
    check_server_saw("proxied-https");

    /* a response to CONNECT in pieces, with a Content-Length that must be ignored (RFC 9110, 9.3.6) */
    check_ping(MCP_OK, tls_scenario("dual"), at("http://", fake_proxy("ODD")), NULL);
    /* the server's certificate is verified as without a proxy */
    snprintf(line, sizeof line, "%s/mcp", required_env("MCP_TEST_TLS_UNKNOWN_URL"));
    check_ping(MCP_TLS_FAILED, line, at("http://", required_env("MCP_TEST_PROXY")), NULL);
}

static void proxy_credentials_are_sent(void) {
    const char *real = required_env("MCP_TEST_PROXY_AUTH");
    const char *basic = required_env("MCP_TEST_PROXY_BASIC");

    check_ping(MCP_OK, scenario("dual+tag=proxied-login"), with_login("http", real), NULL);
    check_ping(MCP_OK, tls_scenario("dual+tag=proxied-login-tls"), with_login("http", real), NULL);
    check_ping(MCP_OK, scenario("dual+tag=proxied-login"), with_login("http", fake_proxy("LOGIN")), NULL);
    check_ping(MCP_OK, tls_scenario("dual+tag=proxied-login-tls"), with_login("http", fake_proxy("LOGIN")), NULL);
    check_server_saw("proxied-login");
    check_server_saw("proxied-login-tls");
    CHECK(sent_to("LOGIN", "POST http://", basic) >= 1);
    CHECK(sent_to("LOGIN", "CONNECT ", basic) == 1); /* not repeated inside the tunnel */

    check_ping(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("http://", real), "407");
    check_ping(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), at("http://", real), "407");
    check_ping(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("http://proxy-user:wr0ng@", fake_proxy("LOGIN")), "407");
    check_ping(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), at("http://proxy-user:wr0ng@", fake_proxy("LOGIN")),
               "407");
    /* tinyproxy responds to a wrong password with 401. In absolute-form it could also be the server's response. */
    check_ping(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), at("http://proxy-user:wr0ng@", real), "401");
    check_ping(MCP_UNAUTHORIZED, scenario("dual"), at("http://proxy-user:wr0ng@", real), "401");

    check_ping(MCP_OK, tls_scenario("dual"), with_login("socks5h", required_env("MCP_TEST_SOCKS_AUTH")), NULL);
    check_ping(MCP_OK, scenario("dual"), with_login("socks5", required_env("MCP_TEST_SOCKS_AUTH")), NULL);
    check_ping(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("socks5h://", required_env("MCP_TEST_SOCKS_AUTH")), NULL);
    check_ping(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("socks5h://u:wr0ng@", required_env("MCP_TEST_SOCKS_AUTH")),
               NULL);
}

/* Through a tunnel, the proxy sees only TLS. */
static void tunnel_proxies_do_not_see_the_token(void) {
    check_ping(MCP_OK, scenario("dual"), at("http://", fake_proxy("A")), NULL);
    CHECK(sent_to("A", "POST http://", TOKEN) > 0); /* shows that the search works */
    check_ping(MCP_OK, tls_scenario("dual"), at("http://", fake_proxy("A")), NULL);
    check_ping(MCP_OK, tls_scenario("dual"), at("socks5h://", fake_proxy("SOCKS")), NULL);
    CHECK_INT(0, sent_to("A", "CONNECT ", TOKEN));
    CHECK_INT(0, sent_to("A", "CONNECT ", "uthorization"));
    CHECK_INT(1, sent_to("A", "CONNECT ", "CONNECT "));
    CHECK_INT(0, sent_to("SOCKS", "SOCKS5", TOKEN));
}

/* How often microsocks has logged a connection to this host and port. */
static size_t socks_connections(const char *host, const char *url) {
    char line[128];
    snprintf(line, sizeof line, "connected to %s%s\n", host, port_of(url));
    return occurrences(required_env("MCP_TEST_SOCKS_LOG"), line);
}

static void socks_proxies_are_used(void) {
    const char *server = required_env("MCP_TEST_TLS_URL");
    const char *proxy = required_env("MCP_TEST_SOCKS");
    char url[URL_SIZE];

    check_ping(MCP_OK, tls_scenario("dual+tag=proxied-socks"), at("socks5h://", proxy), NULL);
    CHECK(socks_connections("localhost", server) > 0);
    CHECK(socks_connections("127.0.0.1", server) == 0);
    check_ping(MCP_OK, tls_scenario("dual+tag=proxied-socks"), at("socks5://", proxy), NULL);
    CHECK(socks_connections("127.0.0.1", server) > 0);
    check_ping(MCP_OK, scenario("dual+tag=proxied-socks"), at("socks5h://", proxy), NULL);
    check_server_saw("proxied-socks");

    /* a name that only the proxy resolves */
    snprintf(url, sizeof url, "http://only-there.invalid%s/s/dual/mcp", port_of(required_env("MCP_TEST_URL")));
    check_ping(MCP_OK, url, at("socks5h://", fake_proxy("SOCKS")), NULL);
    CHECK(requests_to("SOCKS") > 0);
    check_ping(MCP_OK, url, at("http://", fake_proxy("A")), NULL);
    /* other forms of a successful reply */
    check_ping(MCP_OK, scenario("dual"), at("socks5h://", fake_proxy("SOCKS_IPV6")), NULL);
    check_ping(MCP_OK, tls_scenario("dual"), at("socks5h://", fake_proxy("SOCKS_NAME")), NULL);
    check_ping(MCP_OK, scenario("dual"), with_login("socks5h", fake_proxy("SOCKS_LOGIN")), NULL);
}

/* Pings several times. If `is_one_connection`, the server sees one connection; tinyproxy opens one for each HTTP
 * request. */
static void check_reuse(const char *url, const char *tag, const char *proxy, bool is_one_connection) {
    mcp_client *client = proxied_client(url, proxy);
    mcp_error *error = NULL;
    const mcp_json *request;
    mcp_json *log;
    int64_t first = 0, connection = 0;
    int i;

    for (i = 0; i < PINGS; i++) {
        EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    }
    log = server_log(tag);
    mcp_json_int64(mcp_json_member(mcp_json_first(log), "connection"), &first, NULL);
    for (request = mcp_json_first(log); request != NULL && is_one_connection; request = mcp_json_next(request)) {
        mcp_json_int64(mcp_json_member(request, "connection"), &connection, NULL);
        CHECK_SAYS(connection == first, "%s: connection %d, then %d", tag, (int)first, (int)connection);
    }
    CHECK_SAYS(mcp_json_size(log) >= PINGS, "%s: %zu requests", tag, mcp_json_size(log));
    mcp_json_free(log);
    dispose(client);
}

static void connections_are_reused(void) {
    char line[64];
    size_t before, connections = connections_to("B");

    snprintf(line, sizeof line, "CONNECT localhost%s HTTP/1.1", port_of(required_env("MCP_TEST_TLS_URL")));
    before = occurrences(required_env("MCP_TEST_PROXY_LOG"), line);
    check_reuse(tls_scenario("dual+tag=kept-connect"), "kept-connect", at("http://", required_env("MCP_TEST_PROXY")),
                true);
    CHECK_INT(before + 1, occurrences(required_env("MCP_TEST_PROXY_LOG"), line));
    check_reuse(tls_scenario("dual+tag=kept-socks"), "kept-socks", at("socks5h://", required_env("MCP_TEST_SOCKS")),
                true);
    check_reuse(scenario("legacy+tag=kept-http"), "kept-http", at("http://", fake_proxy("B")), true);
    CHECK_INT(connections + 1, connections_to("B"));
    check_reuse(scenario("dual+tag=kept-closing"), "kept-closing", at("http://", required_env("MCP_TEST_PROXY")),
                false);
}

struct refusal {
    const char *proxy;
    mcp_status tunnel; /* https, or SOCKS */
    mcp_status plain;  /* http in absolute-form; MCP_OK: not tested */
};

static void each_refusal_has_a_status(void) {
    static const struct refusal http[] = {
        {"403", MCP_PROXY_FAILED, MCP_FORBIDDEN},      {"407", MCP_PROXY_AUTH_REQUIRED, MCP_PROXY_AUTH_REQUIRED},
        {"502", MCP_PROXY_FAILED, MCP_UNAVAILABLE},    {"REDIRECT", MCP_PROXY_FAILED, MCP_REDIRECT_REFUSED},
        {"GARBAGE", MCP_PROXY_FAILED, MCP_HTTP_ERROR}, {"CLOSE", MCP_PROXY_FAILED, MCP_DISCONNECTED},
        {"CUT", MCP_PROXY_FAILED, MCP_DISCONNECTED},   {"EXTRA", MCP_PROXY_FAILED, MCP_OK},
        {"ENDLESS", MCP_PROXY_FAILED, MCP_TOO_LARGE},
    };
    static const char *const socks[] = {"REPLY_1", "REPLY_2", "REPLY_3", "REPLY_4", "REPLY_5", "REPLY_6", "REPLY_7",
                                        "REPLY_8", "REPLY_9", "VERSION", "GARBAGE", "CLOSE",   "CUT",     "KIND"};
    char name[32];
    size_t i;

    for (i = 0; i < sizeof http / sizeof http[0]; i++) {
        check_ping(http[i].tunnel, tls_scenario("dual"), with_login("http", fake_proxy(http[i].proxy)),
                   fake_proxy(http[i].proxy));
        if (http[i].plain != MCP_OK) {
            check_ping(http[i].plain, scenario("dual"), with_login("http", fake_proxy(http[i].proxy)), NULL);
        }
    }
    for (i = 0; i < sizeof socks / sizeof socks[0]; i++) {
        snprintf(name, sizeof name, "SOCKS_%s", socks[i]);
        check_ping(MCP_PROXY_FAILED, tls_scenario("dual"), with_login("socks5h", fake_proxy(name)), fake_proxy(name));
    }
    check_ping(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("socks5h://", fake_proxy("SOCKS_NO_METHOD")), NULL);
    check_ping(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), with_login("socks5h", fake_proxy("SOCKS_REFUSED")), NULL);
    /* the proxy selects a method that the client did not offer */
    check_ping(MCP_PROXY_FAILED, scenario("dual"), at("socks5h://", fake_proxy("SOCKS_METHOD")), NULL);
}

static void unreachable_proxies_fail(void) {
    uint16_t port;
    char address[32];
    int listener = listen_on(&port, 1);

    close(listener); /* so that connections are refused */
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    check_ping(MCP_PROXY_FAILED, scenario("dual"), with_login("http", address), address);
    check_ping(MCP_PROXY_FAILED, tls_scenario("dual"), with_login("http", address), address);
    check_ping(MCP_PROXY_FAILED, tls_scenario("dual"), with_login("socks5h", address), address);
    check_ping(MCP_PROXY_FAILED, scenario("dual"), with_login("http", "nowhere.invalid:3128"), "nowhere.invalid");

    /* the proxy is reachable, but the server is not */
    check_ping(MCP_PROXY_FAILED, "https://127.0.0.1:1/mcp", at("http://", required_env("MCP_TEST_PROXY")), NULL);
    check_ping(MCP_PROXY_FAILED, "http://127.0.0.1:1/mcp", at("socks5h://", required_env("MCP_TEST_SOCKS")), "refused");
    check_ping(MCP_PROXY_FAILED, "http://nowhere.invalid:1/mcp", at("socks5h://", required_env("MCP_TEST_SOCKS")),
               NULL);
}

static void silent_proxies_time_out(void) {
    static const char *const proxies[][2] = {
        {"http", "SILENT"}, {"http", "HALF"}, {"socks5", "SOCKS_SILENT"}, {"socks5h", "SOCKS_SILENT"}};
    size_t i;
    for (i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        mcp_client *client = proxied_client(tls_scenario("dual"), with_login(proxies[i][0], fake_proxy(proxies[i][1])));
        mcp_error *error = NULL;
        double begun = now_ms(), took;
        EXPECT(MCP_OK, error, mcp_set_timeout(client, 300, &error));
        EXPECT_KEEP(MCP_TIMEOUT, error, mcp_ping(client, NULL, &error));
        check_no_secret(mcp_error_message(error));
        took = now_ms() - begun;
        CHECK_SAYS(took > 250 && took < 1300, "%s: %.0f ms", proxies[i][1], took);
        mcp_error_free(error);
        dispose(client);
    }
}

static void invalid_proxy_urls_are_rejected(void) {
    static const char *const urls[] = {
        "http://",
        "http://u:wr0ng@",
        "http://u:wr0ng@:8080",
        "ftp://u:wr0ng@127.0.0.1:1",
        "socks4://u:wr0ng@127.0.0.1:1",
        "http://u:wr0ng@127.0.0.1:0",
        "http://u:wr0ng@127.0.0.1:65536",
        "http://u:wr0ng@127.0.0.1:port",
        "http://u:wr0ng%0@127.0.0.1:1",
        "http://u:wr0ng%0d%0aX:%20y@127.0.0.1:1",
        "http://u:wr0ng%00@127.0.0.1:1",
        "http://u:wr0ng@127.0.0.1 :1",
        "http://u:wr0ng\n@127.0.0.1:1",
        "http://u:wr0ng@[::1:1",
        "wr0ng:wr0ng:wr0ng",
    };
    mcp_client *client = client_for("dual");
    mcp_error *error = NULL;
    char *longest = malloc(2000);
    size_t i;

    for (i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_proxy(client, urls[i], &error));
        CHECK_SAYS(strstr(mcp_error_message(error), "wr0ng") == NULL, "%s", mcp_error_message(error));
        mcp_error_free(error);
        error = NULL;
    }
    must(longest != NULL, "memory");
    snprintf(longest, 2000, "socks5://%0*d:wr0ng@127.0.0.1:1", 256, 0); /* RFC 1929: one byte for the length */
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_proxy(client, longest, &error));
    free(longest);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_proxy(client, "http://\xff\xfe/", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_proxy(NULL, "http://127.0.0.1:1", &error));

    /* a failed setter changes nothing, and after the first request the proxy cannot be changed */
    EXPECT(MCP_OK, error, mcp_set_proxy(client, "", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_proxy(client, "ftp://x", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_proxy(client, "", &error));
    dispose(client);
}

int main(void) {
    http_requests_go_through_an_http_proxy();
    https_goes_through_a_connect_tunnel();
    proxy_credentials_are_sent();
    tunnel_proxies_do_not_see_the_token();
    socks_proxies_are_used();
    connections_are_reused();
    each_refusal_has_a_status();
    unreachable_proxies_fail();
    silent_proxies_time_out();
    invalid_proxy_urls_are_rejected();
    return check_end();
}
