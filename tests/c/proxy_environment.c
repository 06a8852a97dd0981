/*
 * Proxies of the environment, by the rules of curl. Runs under `mcp-test-server --run fixture.py --run toy.py --run`.
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "proxy_support.h"
#include "support.h"

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

enum target { HTTP, HTTPS, NAME, ABOVE };

struct row {
    const char *set[6]; /* names and values; the value "A" or "B" stands for that toy proxy's address */
    enum target target;
    const char *asked; /* which of them, or NULL */
};

static const struct row rows[] = {
    {{NULL}, HTTP, NULL},
    {{NULL}, HTTPS, NULL},
    /* which variable is for which scheme, and which comes first */
    {{"http_proxy", "A"}, HTTP, "A"},
    {{"http_proxy", "A"}, HTTPS, NULL},
    {{"HTTP_PROXY", "A"}, HTTP, NULL}, /* a CGI program finds somebody's Proxy header in it */
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
    /* an empty one counts for nothing */
    {{"http_proxy", ""}, HTTP, NULL},
    {{"http_proxy", "", "all_proxy", "A"}, HTTP, "A"},
    {{"https_proxy", "", "HTTPS_PROXY", "A"}, HTTPS, "A"},
    {{"no_proxy", "", "NO_PROXY", "*", "all_proxy", "A"}, HTTP, NULL},
    /* who is reached without: names */
    {{"all_proxy", "A", "no_proxy", "localhost"}, HTTPS, NULL},
    {{"all_proxy", "A", "NO_PROXY", "localhost"}, HTTPS, NULL},
    {{"no_proxy", "elsewhere", "NO_PROXY", "localhost", "all_proxy", "A"}, HTTPS, "A"},
    {{"all_proxy", "A", "no_proxy", "LocalHost"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "elsewhere,localhost"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "elsewhere, localhost"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "  elsewhere   localhost  "}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "local"}, HTTPS, "A"},
    {{"all_proxy", "A", "no_proxy", "host"}, HTTPS, "A"},
    {{"all_proxy", "A", "no_proxy", "127.0.0.1"}, HTTPS, "A"}, /* a name is not looked up for this */
    /* and domains */
    {{"all_proxy", "A"}, NAME, "A"},
    {{"all_proxy", "A", "no_proxy", "mcp.test.invalid"}, NAME, NULL},
    {{"all_proxy", "A", "no_proxy", "test.invalid"}, NAME, NULL},
    {{"all_proxy", "A", "no_proxy", ".test.invalid"}, NAME, NULL},
    {{"all_proxy", "A", "no_proxy", "TEST.invalid."}, NAME, NULL},
    {{"all_proxy", "A", "no_proxy", "est.invalid"}, NAME, "A"},
    {{"all_proxy", "A", "no_proxy", "x.mcp.test.invalid"}, NAME, "A"},
    {{"all_proxy", "A", "no_proxy", "*.test.invalid"}, NAME, "A"}, /* the star stands alone */
    {{"all_proxy", "A", "no_proxy", ".test.invalid"}, ABOVE, NULL},
    /* and addresses */
    {{"all_proxy", "A", "no_proxy", "127.0.0.1"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "127.0.0.0/8"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "127.0.0.1/32"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "10.0.0.0/8,::1"}, HTTP, "A"},
    {{"all_proxy", "A", "no_proxy", "127.0.1.0/24"}, HTTP, "A"},
    {{"all_proxy", "A", "no_proxy", "0.0.1"}, HTTP, "A"},
    {{"all_proxy", "A", "no_proxy", "localhost"}, HTTP, "A"},
    /* and everybody */
    {{"all_proxy", "A", "no_proxy", "*"}, HTTP, NULL},
    {{"all_proxy", "A", "no_proxy", "*"}, HTTPS, NULL},
    {{"all_proxy", "A", "no_proxy", "*"}, NAME, NULL},
};

static void clear(void) {
    size_t i;
    for (i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
}

/* The address with a scheme for one of them, without for the other: both must do. */
static void set(const char *name, const char *value) {
    char url[URL_SIZE];
    if (strcmp(value, "A") == 0) {
        snprintf(url, sizeof url, "http://%s", toy("A"));
        value = url;
    } else if (strcmp(value, "B") == 0) {
        value = toy("B");
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
    case NAME:
    case ABOVE:
        break;
    }
    /* names that only the toy proxy knows: it takes .invalid for this machine */
    snprintf(url, sizeof url, "http://%stest.invalid%s/s/dual/mcp", target == NAME ? "mcp." : "",
             port_of(given("MCP_TEST_URL")));
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

/* One ping; `proxy` as in mcp_set_proxy. Only the proxy that is expected may be asked. */
static void ping(const struct row *row, const char *proxy) {
    size_t a = requests_to("A"), b = requests_to("B");
    bool directly_there = row->target == HTTP || row->target == HTTPS;
    mcp_client *client = proxied_client(url_of(row->target), proxy);
    mcp_error *error = NULL;
    mcp_status status;
    bool good;

    mcp_set_timeout(client, 3000, NULL);
    status = mcp_ping(client, NULL, &error);
    a = requests_to("A") - a;
    b = requests_to("B") - b;
    good = CHECK((status == MCP_OK) == (row->asked != NULL || directly_there));
    good = CHECK((a > 0) == (row->asked != NULL && strcmp(row->asked, "A") == 0)) && good;
    good = CHECK((b > 0) == (row->asked != NULL && strcmp(row->asked, "B") == 0)) && good;
    if (!good) {
        describe(row);
        fprintf(stderr, "    A was asked %zu times, B %zu times, %s was expected; %s: %s\n", a, b,
                row->asked != NULL ? row->asked : "none", mcp_status_name(status), mcp_error_message(error));
    }
    check_no_secret(mcp_error_message(error));
    mcp_error_free(error);
    dispose(client);
}

static void the_rules_of_curl(void) {
    size_t i, j;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clear();
        for (j = 0; j < 6 && rows[i].set[j] != NULL; j += 2) {
            set(rows[i].set[j], rows[i].set[j + 1]);
        }
        ping(&rows[i], NULL);
    }
}

/* What was set counts, whatever the environment says. */
static void set_beats_environment(void) {
    static const struct row none = {{NULL}, HTTP, NULL};
    static const struct row other = {{NULL}, HTTPS, "B"};
    char url[URL_SIZE];

    clear();
    set("all_proxy", "A");
    ping(&none, "");
    set("no_proxy", "*");
    snprintf(url, sizeof url, "http://%s", toy("B"));
    ping(&other, url);
}

/* Credentials and SOCKS in the environment; and what is no proxy is an error, not a way around it. */
static void values(void) {
    char url[URL_SIZE];
    mcp_json *log;

    clear();
    snprintf(url, sizeof url, "http://%s@%s", given("MCP_TEST_PROXY_LOGIN"), given("MCP_TEST_PROXY_AUTH"));
    set("https_proxy", url);
    visit(MCP_OK, tls_scenario("dual"), NULL, NULL);
    snprintf(url, sizeof url, "http://u:wr0ng@%s", toy("LOGIN"));
    set("https_proxy", url);
    visit(MCP_PROXY_AUTH_REQUIRED, tls_scenario("dual"), NULL, "407");
    snprintf(url, sizeof url, "socks5h://%s", toy("SOCKS"));
    set("https_proxy", url);
    visit(MCP_OK, tls_scenario("dual"), NULL, NULL);
    CHECK(requests_to("SOCKS") > 0);

    set("https_proxy", "ftp://u:wr0ng@127.0.0.1:1");
    visit(MCP_PROXY_FAILED, tls_scenario("dual+tag=no-way-around"), NULL, "https_proxy");
    log = server_log("no-way-around");
    CHECK_INT(0, mcp_json_size(log));
    mcp_json_free(log);
    set("no_proxy", "localhost");
    visit(MCP_OK, tls_scenario("dual"), NULL, NULL); /* it is not for this server */
}

int main(void) {
    the_rules_of_curl();
    set_beats_environment();
    values();
    return check_end();
}
