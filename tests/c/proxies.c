/*
 * Proxies that were set: what goes through them, what they and the server get to see, and how a client ends that they
 * refuse. Runs under `mcp-test-server --run fixture.py --run toy.py --run`.
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

/* The same with the right user name and password. */
static const char *logged_in(const char *scheme, const char *address) {
    char front[URL_SIZE];
    snprintf(front, sizeof front, "%s://%s@", scheme, given("MCP_TEST_PROXY_LOGIN"));
    return at(front, address);
}

/* What the server recorded under a tag came, and none of it was meant for the proxy. */
static void check_server_saw(const char *tag) {
    mcp_json *log = server_log(tag);
    const mcp_json *request;
    CHECK_SAYS(mcp_json_first(log) != NULL, "nothing came under %s", tag);
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *path = mcp_json_string(mcp_json_member(request, "path"));
        CHECK(path != NULL && path[0] == '/');
        CHECK(header_of(request, "proxy-authorization") == NULL);
        CHECK(header_of(request, "proxy-connection") == NULL);
        CHECK_TEXT("Bearer " TOKEN, header_of(request, "authorization"));
    }
    mcp_json_free(log);
}

static void http_through_http(void) {
    char line[URL_SIZE];
    const char *url = scenario("dual+tag=proxied-http");

    visit(MCP_OK, url, at("http://", given("MCP_TEST_PROXY")), NULL);
    snprintf(line, sizeof line, "POST %s HTTP/1.1", url);
    CHECK(occurrences(given("MCP_TEST_PROXY_LOG"), line) > 0);
    visit(MCP_OK, url, at("", given("MCP_TEST_PROXY")), NULL); /* no scheme: http */
    check_server_saw("proxied-http");
}

static void https_through_http(void) {
    char line[64];
    size_t before;

    snprintf(line, sizeof line, "CONNECT localhost%s HTTP/1.1", port_of(given("MCP_TEST_TLS_URL")));
    before = occurrences(given("MCP_TEST_PROXY_LOG"), line);
    visit(MCP_OK, tls_scenario("dual+tag=proxied-https"), at("http://", given("MCP_TEST_PROXY")), NULL);
    CHECK(occurrences(given("MCP_TEST_PROXY_LOG"), line) > before);
    check_server_saw("proxied-https");

    /* an answer to CONNECT in pieces, with a length that does not count (RFC 9110, 9.3.6) */
    visit(MCP_OK, tls_scenario("dual"), at("http://", toy("ODD")), NULL);
    /* the server has to prove itself as without a proxy */
    snprintf(line, sizeof line, "%s/mcp", given("MCP_TEST_TLS_UNKNOWN_URL"));
    visit(MCP_TLS_FAILED, line, at("http://", given("MCP_TEST_PROXY")), NULL);
}

static void credentials(void) {
    const char *real = given("MCP_TEST_PROXY_AUTH");
    const char *basic = given("MCP_TEST_PROXY_BASIC");

    visit(MCP_OK, scenario("dual+tag=proxied-login"), logged_in("http", real), NULL);
    visit(MCP_OK, tls_scenario("dual+tag=proxied-login-tls"), logged_in("http", real), NULL);
    visit(MCP_OK, scenario("dual+tag=proxied-login"), logged_in("http", toy("LOGIN")), NULL);
    visit(MCP_OK, tls_scenario("dual+tag=proxied-login-tls"), logged_in("http", toy("LOGIN")), NULL);
    check_server_saw("proxied-login");
    check_server_saw("proxied-login-tls");
    CHECK(sent_to("LOGIN", "POST http://", basic) >= 1);
    CHECK(sent_to("LOGIN", "CONNECT ", basic) == 1); /* and not again in the tunnel */

    visit(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("http://", real), "407");
    visit(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), at("http://", real), "407");
    visit(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("http://proxy-user:wr0ng@", toy("LOGIN")), "407");
    visit(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), at("http://proxy-user:wr0ng@", toy("LOGIN")), "407");
    /* tinyproxy answers a wrong password with 401. In absolute-form that might as well be the server's. */
    visit(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), at("http://proxy-user:wr0ng@", real), "401");
    visit(MCP_UNAUTHORIZED, scenario("dual"), at("http://proxy-user:wr0ng@", real), "401");

    visit(MCP_OK, tls_scenario("dual"), logged_in("socks5h", given("MCP_TEST_SOCKS_AUTH")), NULL);
    visit(MCP_OK, scenario("dual"), logged_in("socks5", given("MCP_TEST_SOCKS_AUTH")), NULL);
    visit(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("socks5h://", given("MCP_TEST_SOCKS_AUTH")), NULL);
    visit(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("socks5h://u:wr0ng@", given("MCP_TEST_SOCKS_AUTH")), NULL);
}

/* In a tunnel the proxy sees TLS, and nothing of what is said. */
static void the_token_stays_in_the_tunnel(void) {
    visit(MCP_OK, scenario("dual"), at("http://", toy("A")), NULL);
    CHECK(sent_to("A", "POST http://", TOKEN) > 0); /* it would be found */
    visit(MCP_OK, tls_scenario("dual"), at("http://", toy("A")), NULL);
    visit(MCP_OK, tls_scenario("dual"), at("socks5h://", toy("SOCKS")), NULL);
    CHECK_INT(0, sent_to("A", "CONNECT ", TOKEN));
    CHECK_INT(0, sent_to("A", "CONNECT ", "uthorization"));
    CHECK_INT(1, sent_to("A", "CONNECT ", "CONNECT "));
    CHECK_INT(0, sent_to("SOCKS", "SOCKS5", TOKEN));
}

/* A line of microsocks' log: what it connected to. */
static size_t reached(const char *host, const char *url) {
    char line[128];
    snprintf(line, sizeof line, "connected to %s%s\n", host, port_of(url));
    return occurrences(given("MCP_TEST_SOCKS_LOG"), line);
}

static void socks(void) {
    const char *server = given("MCP_TEST_TLS_URL");
    const char *proxy = given("MCP_TEST_SOCKS");
    char url[URL_SIZE];

    visit(MCP_OK, tls_scenario("dual+tag=proxied-socks"), at("socks5h://", proxy), NULL);
    CHECK(reached("localhost", server) > 0);
    CHECK(reached("127.0.0.1", server) == 0);
    visit(MCP_OK, tls_scenario("dual+tag=proxied-socks"), at("socks5://", proxy), NULL);
    CHECK(reached("127.0.0.1", server) > 0);
    visit(MCP_OK, scenario("dual+tag=proxied-socks"), at("socks5h://", proxy), NULL);
    check_server_saw("proxied-socks");

    /* a name that only the proxy knows */
    snprintf(url, sizeof url, "http://only-there.invalid%s/s/dual/mcp", port_of(given("MCP_TEST_URL")));
    visit(MCP_OK, url, at("socks5h://", toy("SOCKS")), NULL);
    CHECK(requests_to("SOCKS") > 0);
    visit(MCP_OK, url, at("http://", toy("A")), NULL);
    /* other forms of a good answer */
    visit(MCP_OK, scenario("dual"), at("socks5h://", toy("SOCKS_IPV6")), NULL);
    visit(MCP_OK, tls_scenario("dual"), at("socks5h://", toy("SOCKS_NAME")), NULL);
    visit(MCP_OK, scenario("dual"), logged_in("socks5h", toy("SOCKS_LOGIN")), NULL);
}

/* Several pings by one client. The server sees one connection, if `server_keeps`: tinyproxy makes one for each request.
 */
static void keeps(const char *url, const char *tag, const char *proxy, bool server_keeps) {
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
    for (request = mcp_json_first(log); request != NULL && server_keeps; request = mcp_json_next(request)) {
        mcp_json_int64(mcp_json_member(request, "connection"), &connection, NULL);
        CHECK_SAYS(connection == first, "%s: connection %d, then %d", tag, (int)first, (int)connection);
    }
    CHECK_SAYS(mcp_json_size(log) >= PINGS, "%s: %zu requests", tag, mcp_json_size(log));
    mcp_json_free(log);
    dispose(client);
}

static void connections_are_kept(void) {
    char line[64];
    size_t before, connections = connections_to("B");

    snprintf(line, sizeof line, "CONNECT localhost%s HTTP/1.1", port_of(given("MCP_TEST_TLS_URL")));
    before = occurrences(given("MCP_TEST_PROXY_LOG"), line);
    keeps(tls_scenario("dual+tag=kept-connect"), "kept-connect", at("http://", given("MCP_TEST_PROXY")), true);
    CHECK_INT(before + 1, occurrences(given("MCP_TEST_PROXY_LOG"), line));
    keeps(tls_scenario("dual+tag=kept-socks"), "kept-socks", at("socks5h://", given("MCP_TEST_SOCKS")), true);
    keeps(scenario("legacy+tag=kept-http"), "kept-http", at("http://", toy("B")), true);
    CHECK_INT(connections + 1, connections_to("B"));
    keeps(scenario("dual+tag=kept-closing"), "kept-closing", at("http://", given("MCP_TEST_PROXY")), false);
}

struct refusal {
    const char *proxy;
    mcp_status tunnel; /* https, or SOCKS */
    mcp_status plain;  /* http in absolute-form; MCP_OK: not tried */
};

static void refusals(void) {
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
        visit(http[i].tunnel, tls_scenario("dual"), logged_in("http", toy(http[i].proxy)), toy(http[i].proxy));
        if (http[i].plain != MCP_OK) {
            visit(http[i].plain, scenario("dual"), logged_in("http", toy(http[i].proxy)), NULL);
        }
    }
    for (i = 0; i < sizeof socks / sizeof socks[0]; i++) {
        snprintf(name, sizeof name, "SOCKS_%s", socks[i]);
        visit(MCP_PROXY_FAILED, tls_scenario("dual"), logged_in("socks5h", toy(name)), toy(name));
    }
    visit(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), at("socks5h://", toy("SOCKS_NO_METHOD")), NULL);
    visit(MCP_PROXY_AUTH_REQUIRED, scenario("dual"), logged_in("socks5h", toy("SOCKS_REFUSED")), NULL);
    /* a method that was not on offer */
    visit(MCP_PROXY_FAILED, scenario("dual"), at("socks5h://", toy("SOCKS_METHOD")), NULL);
}

static void unreachable(void) {
    uint16_t port;
    char address[32];
    int listener = listen_on(&port, 1);

    close(listener); /* so nobody listens there */
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    visit(MCP_PROXY_FAILED, scenario("dual"), logged_in("http", address), address);
    visit(MCP_PROXY_FAILED, tls_scenario("dual"), logged_in("http", address), address);
    visit(MCP_PROXY_FAILED, tls_scenario("dual"), logged_in("socks5h", address), address);
    visit(MCP_PROXY_FAILED, scenario("dual"), logged_in("http", "nowhere.invalid:3128"), "nowhere.invalid");

    /* the proxy is there, the server is not */
    visit(MCP_PROXY_FAILED, "https://127.0.0.1:1/mcp", at("http://", given("MCP_TEST_PROXY")), NULL);
    visit(MCP_PROXY_FAILED, "http://127.0.0.1:1/mcp", at("socks5h://", given("MCP_TEST_SOCKS")), "refused");
    visit(MCP_PROXY_FAILED, "http://nowhere.invalid:1/mcp", at("socks5h://", given("MCP_TEST_SOCKS")), NULL);
}

static void silence(void) {
    static const char *const proxies[][2] = {
        {"http", "SILENT"}, {"http", "HALF"}, {"socks5", "SOCKS_SILENT"}, {"socks5h", "SOCKS_SILENT"}};
    size_t i;
    for (i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        mcp_client *client = proxied_client(tls_scenario("dual"), logged_in(proxies[i][0], toy(proxies[i][1])));
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

static void bad_urls(void) {
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

    /* a setter that failed changes nothing, and the first request settles it */
    EXPECT(MCP_OK, error, mcp_set_proxy(client, "", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_proxy(client, "ftp://x", &error));
    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_proxy(client, "", &error));
    dispose(client);
}

int main(void) {
    http_through_http();
    https_through_http();
    credentials();
    the_token_stays_in_the_tunnel();
    socks();
    connections_are_kept();
    refusals();
    unreachable();
    silence();
    bad_urls();
    return check_end();
}
