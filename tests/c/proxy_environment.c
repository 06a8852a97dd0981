/*
 * Proxies from environment variables, chosen by the same rules as in curl. Runs under `mcp-test-server --run fixture.py
 * --run scripted.py --run`.
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "proxy_support.h"
#include "support.h"

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

enum target { HTTP, HTTPS, HOST, PARENT_DOMAIN };

struct row {
    const char *set[6]; /* names and values; the value "A" or "B" means that fake proxy's address */
    enum target target;
    const char *expected_proxy; /* "A" or "B"; NULL: none */
};

static const struct row rows[] = {
    {{NULL}, HTTP, NULL},
    {{NULL}, HTTPS, NULL},
    /* which variable applies to which scheme, and their precedence */
    {{"http_proxy", "A"}, HTTP, "A"},
    {{"http_proxy", "A"}, HTTPS, NULL},
    {{"HTTP_PROXY", "A"}, HTTP, NULL}, /* ignored: in a CGI program it holds the request's Proxy header */
    {{"https_proxy", "A"}, HTTPS, "A"},
    {{"HTTPS_PROXY", "A"}, HTTPS, "A"},
    {{"https_proxy", "A"}, HTTP, NULL},
    {{"https_proxy", "A", "HTTPS_PROXY", "B"}, HTTPS, "A"},
    {{"http_proxy", "A", "all_proxy", "B"}, HTTP, "A"},
    {{"https_proxy", "A", "all_proxy", "B"}, HTTPS, "A"},
    {{"HTTPS_PROXY", "A", "all_proxy", "B"}, HTTPS, "A"},
    {{"https_proxy", "A", "all_proxy", "B"}, HTTP, "B"},
    {{"HTTP_PROXY", "A", "all_proxy", "B"}, HTTP, "B"},
    {{"all_proxy", "A"}, HTTP, "A"},
    {{"all_proxy", "A"}, HTTPS, "A"},
    {{"ALL_PROXY", "A"}, HTTP, "A"},
    {{"ALL_PROXY", "A"}, HTTPS, "A"},
    {{"all_proxy", "A", "ALL_PROXY", "B"}, HTTPS, "A"},
    /* empty variables are ignored */
    {{"http_proxy", ""}, HTTP, NULL},
    {{"http_proxy", "", "all_proxy", "A"}, HTTP, "A"},
    {{"https_proxy", "", "HTTPS_PROXY", "A"}, HTTPS, "A"},
    {{"no_proxy", "", "NO_PROXY", "*", "all_proxy", "A"}, HTTP, NULL},
    /* no_proxy: host names */
    {{"all_proxy", "A", "no_proxy", "localhost"}, HTTPS, NULL},
    {{"all_proxy", "A", "NO_PROXY", "localhost"}, HTTPS, NULL},
    {{"no_proxy", "elsewhere", "NO_PROXY", "localhost", "all_proxy", "A"}, HTTPS, "A"},
    {{"all_proxy", "A", "no_proxy", "LocalHost"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "elsewhere,localhost"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "elsewhere, localhost"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "  elsewhere   localhost  "}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "local"}, HTTPS, "A"},
    {{"all_proxy", "A", "no_proxy", "host"}, HTTPS, "A"},
    {{"all_proxy", "A", "no_proxy", "127.0.0.1"}, HTTPS, "A"}, /* no DNS lookup is done for no_proxy */
    /* no_proxy: domains */
    {{"all_proxy", "A"}, HOST, "A"},
    {{"all_proxy", "A", "no_proxy", "mcp.test.invalid"}, HOST, NULL},
    {{"all_proxy", "A", "no_proxy", "test.invalid"}, HOST, NULL},
    {{"all_proxy", "A", "no_proxy", ".test.invalid"}, HOST, NULL},
    {{"all_proxy", "A", "no_proxy", "TEST.invalid."}, HOST, NULL},
    {{"all_proxy", "A", "no_proxy", "est.invalid"}, HOST, "A"},
    {{"all_proxy", "A", "no_proxy", "x.mcp.test.invalid"}, HOST, "A"},
    {{"all_proxy", "A", "no_proxy", "*.test.invalid"}, HOST, "A"}, /* only "*" alone is a wildcard */
    {{"all_proxy", "A", "no_proxy", ".test.invalid"}, PARENT_DOMAIN, NULL},
    /* no_proxy: addresses */
    {{"all_proxy", "A", "no_proxy", "127.0.0.1"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "127.0.0.0/8"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "127.0.0.1/32"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "10.0.0.0/8,::1"}, HTTP, "A"},
    {{"all_proxy", "A", "no_proxy", "127.0.1.0/24"}, HTTP, "A"},
    {{"all_proxy", "A", "no_proxy", "0.0.1"}, HTTP, "A"},
    {{"all_proxy", "A", "no_proxy", "localhost"}, HTTP, "A"},
    /* no_proxy: all hosts */
    {{"all_proxy", "A", "no_proxy", "*"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "*"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "*"}, HOST, NULL},
};

static void clear_environment(void) {
    size_t i;
    for (i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
}

/* A's address gets a scheme and B's does not: both forms must work. */
static void set(const char *name, const char *value) {
    char url[URL_SIZE];
    if (strcmp(value, "A") == 0) {
        snprintf(url, sizeof url, "http://%s", fake_proxy("A"));
        value = url;
    } else if (strcmp(value, "B") == 0) {
        value = fake_proxy("B");
    }
    must(setenv(name, value, 1) == 0, "setenv");
}

static const char *url_of(enum target target) {
    static char url[URL_SIZE];
    switch (target) {
    case HTTP:
        return scenario("dual");
    case HTTPS:
        return tls_scenario("dual");
    case HOST:
    case PARENT_DOMAIN:
        break;
    }
    /* names that only the fake proxy resolves: it maps .invalid to this machine */
    snprintf(url, sizeof url, "http://%stest.invalid%s/s/dual/mcp", target == HOST ? "mcp." : "",
             port_of(required_env("MCP_TEST_URL")));
    return url;
}

static void describe(const struct row *row) {
    size_t i;
    fprintf(stderr, "    %s with", url_of(row->target));
    for (i = 0; i < 6 && row->set[i] != NULL; i += 2) {
        fprintf(stderr, " %s='%s'", row->set[i], row->set[i + 1]);
    }
    fputc('\n', stderr);
}

/* Pings once; `proxy` as in mcp_set_proxy. Only the expected proxy may get requests. */
static void ping(const struct row *row, const char *proxy) {
    size_t a = requests_to("A"), b = requests_to("B");
    bool is_reachable_directly = row->target == HTTP || row->target == HTTPS;
    mcp_client *client = proxied_client(url_of(row->target), proxy);
    mcp_error *error = NULL;
    mcp_status status;
    bool good;

    mcp_set_timeout(client, 3000, NULL);
    status = mcp_ping(client, NULL, &error);
    a = requests_to("A") - a;
    b = requests_to("B") - b;
    good = CHECK((status == MCP_OK) == (row->expected_proxy != NULL || is_reachable_directly));
    good = CHECK((a > 0) == (row->expected_proxy != NULL && strcmp(row->expected_proxy, "A") == 0)) && good;
    good = CHECK((b > 0) == (row->expected_proxy != NULL && strcmp(row->expected_proxy, "B") == 0)) && good;
    if (!good) {
        describe(row);
        fprintf(stderr, "    A got %zu requests, B got %zu, expected proxy: %s; %s: %s\n", a, b,
                row->expected_proxy != NULL ? row->expected_proxy : "none", mcp_status_name(status),
                mcp_error_message(error));
    }
    check_no_secret(mcp_error_message(error));
    mcp_error_free(error);
    dispose(client);
}

static void variables_follow_the_rules_of_curl(void) {
    size_t i, j;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clear_environment();
        for (j = 0; j < 6 && rows[i].set[j] != NULL; j += 2) {
            set(rows[i].set[j], rows[i].set[j + 1]);
        }
        ping(&rows[i], NULL);
    }
}

/* A proxy set by mcp_set_proxy is used regardless of the environment. */
static void explicit_proxies_override_the_environment(void) {
    static const struct row none = {{NULL}, HTTP, NULL};
    static const struct row other = {{NULL}, HTTPS, "B"};
    char url[URL_SIZE];

    clear_environment();
    set("all_proxy", "A");
    ping(&none, "");
    set("no_proxy", "*");
    snprintf(url, sizeof url, "http://%s", fake_proxy("B"));
    ping(&other, url);
}

/* Variables may hold credentials and SOCKS URLs. An invalid URL is an error: the client does not bypass the proxy. */
static void credentials_and_socks_are_read_from_variables(void) {
    char url[URL_SIZE];
    mcp_json *log;

    clear_environment();
    snprintf(url, sizeof url, "http://%s@%s", required_env("MCP_TEST_PROXY_LOGIN"),
             required_env("MCP_TEST_PROXY_AUTH"));
    set("https_proxy", url);
    check_ping(MCP_OK, tls_scenario("dual"), NULL, NULL);
    snprintf(url, sizeof url, "http://u:wr0ng@%s", fake_proxy("LOGIN"));
    set("https_proxy", url);
    check_ping(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), NULL, "407");
    snprintf(url, sizeof url, "socks5h://%s", fake_proxy("SOCKS"));
    set("https_proxy", url);
    check_ping(MCP_OK, tls_scenario("dual"), NULL, NULL);
    CHECK(requests_to("SOCKS") > 0);

    set("https_proxy", "ftp://u:wr0ng@127.0.0.1:1");
    check_ping(MCP_PROXY_FAILED, tls_scenario("dual+tag=no-way-around"), NULL, "https_proxy");
    log = server_log("no-way-around");
    CHECK_INT(0, mcp_json_size(log));
    mcp_json_free(log);
    set("no_proxy", "localhost");
    check_ping(MCP_OK, tls_scenario("dual"), NULL, NULL); /* no_proxy exempts this server */
}

int main(void) {
    variables_follow_the_rules_of_curl();
    explicit_proxies_override_the_environment();
    credentials_and_socks_are_read_from_variables();
    return check_end();
}
