/*
 * After a client is freed, no copies of its secrets remain in the memory of the process, except those that the list at
 * the end allows.
 *
 * Each case runs in a separate child process, with new secrets.
 *
 *     secrets            all cases
 *     secrets NAME...    some cases
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "proxy_support.h"
#include "secrets_scan.h"
#include "support.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- Cases -------------------------------------------------------------------------------------------------------- */

static struct secret bearer, key, other, password, encoded;

static void set_bearer(mcp_client *client, const struct secret *secret) {
    struct plain plain;
    reveal(secret, plain.text);
    CHECK_INT(MCP_OK, mcp_set_bearer(client, plain.text, NULL));
    wipe_plain(&plain);
}

static void set_key(mcp_client *client) {
    struct plain plain;
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_set_header(client, "X-API-Key", plain.text, NULL));
    wipe_plain(&plain);
}

static void set_proxy(mcp_client *client, const char *kind, const char *place) {
    struct plain plain;
    append(append(reveal(&password, append(append(plain.text, kind), "://user:")), "@"), place);
    CHECK_INT(MCP_OK, mcp_set_proxy(client, plain.text, NULL));
    wipe_plain(&plain);
}

static void two_pings(mcp_client *client, mcp_status expected) {
    mcp_error *error = NULL;
    EXPECT(expected, error, mcp_ping(client, NULL, &error));
    EXPECT(expected, error, mcp_ping(client, NULL, &error));
}

/* Checks that the secret was sent. Runs after the scan, because it makes copies. */
static void check_was_sent(const char *tag, const char *header, const struct secret *secret) {
    struct plain plain;
    mcp_json *log = server_log(tag);
    const mcp_json *request;
    bool sent = false;
    reveal(secret, plain.text);
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *value = header_of(request, header);
        sent = sent || (value != NULL && strstr(value, plain.text) != NULL);
    }
    CHECK_SAYS(sent, "%s was not sent", header);
    mcp_json_free(log);
}

static void with_token_and_key(const char *url, const char *ca) {
    mcp_client *client = client_at(url);
    if (ca != NULL) {
        CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, ca, NULL));
    }
    set_bearer(client, &bearer);
    set_key(client);
    two_pings(client, MCP_OK);
    CHECK_INT(MCP_OK, mcp_client_close(client, NULL, NULL));
    mcp_client_free(client);
}

static void modern(void) {
    with_token_and_key(scenario("modern+tag=s"), NULL);
}

static void legacy(void) {
    with_token_and_key(scenario("legacy+stream+tag=s"), NULL);
}

static void sse(void) {
    with_token_and_key(scenario("sse+tag=s"), NULL);
}

static void tls(void) {
    with_token_and_key(tls_scenario("modern+tag=s"), required_env("MCP_TEST_CA"));
}

static void tls_sse(void) {
    with_token_and_key(tls_scenario("sse+tag=s"), required_env("MCP_TEST_CA"));
}

/* A request body that is larger than the buffers. */
static void large_body(void) {
    enum { LARGE = 3000000 };
    mcp_client *client = client_for("modern+tag=s");
    char *arguments = malloc(LARGE + 64);
    mcp_json *result = NULL;
    must(arguments != NULL, "memory");
    strcpy(arguments, "{\"text\":\"");
    memset(arguments + strlen(arguments), 'x', LARGE);
    strcpy(arguments + 9 + LARGE, "\"}");
    set_bearer(client, &bearer);
    set_key(client);
    CHECK_INT(MCP_OK, mcp_call_tool(client, "echo", arguments, MCP_NUL_TERMINATED, NULL, &result, NULL));
    mcp_json_free(result);
    free(arguments);
    mcp_client_free(client);
}

static void count_line(void *userdata, int32_t level, const char *message) {
    (void)level;
    (void)message;
    ++*(int *)userdata;
}

/* The client searches log messages and errors for secrets before it passes them on. */
static void log_and_error_at(const char *url) {
    int lines = 0;
    mcp_client *client = client_at(url);
    mcp_json *result = NULL;
    CHECK_INT(MCP_OK, mcp_set_log(client, count_line, &lines, NULL, NULL));
    set_bearer(client, &bearer);
    set_key(client);
    two_pings(client, MCP_OK);
    CHECK_INT(MCP_RPC_ERROR, mcp_list_tools(client, NULL, &result, NULL));
    CHECK(lines > 0);
    mcp_client_free(client);
}

static void redacted(void) {
    log_and_error_at(scenario("modern+tag=s+fault=rpc-error+when=tools/list"));
}

static void echoed(void) {
    log_and_error_at(scenario("modern+tag=s+fault=secret-echo+when=tools/list"));
}

/* Connection refused: the request is prepared but never sent. */
static void connect_refused(void) {
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    set_bearer(client, &bearer);
    set_key(client);
    two_pings(client, MCP_CONNECT_FAILED);
    mcp_client_free(client);
}

static void timed_out(void) {
    mcp_client *client = client_for("modern+tag=s+fault=silent");
    CHECK_INT(MCP_OK, mcp_set_timeout(client, 100, NULL));
    set_bearer(client, &bearer);
    set_key(client);
    two_pings(client, MCP_TIMEOUT);
    mcp_client_free(client);
}

/* A client that is still open during the scan: replaced secrets must already be gone. */
static mcp_client *open_client;

static void replaced(void) {
    open_client = client_for("modern+tag=s");
    set_bearer(open_client, &bearer);
    set_key(open_client);
    two_pings(open_client, MCP_OK);
    set_bearer(open_client, &other);
    CHECK_INT(MCP_OK, mcp_set_header(open_client, "X-API-Key", NULL, NULL));
    two_pings(open_client, MCP_OK);
}

static void header_of_a_call(void) {
    mcp_client *client = client_for("modern+tag=s");
    mcp_options *options = mcp_options_new();
    struct plain plain;
    set_bearer(client, &bearer);
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_options_set_header(options, "X-API-Key", plain.text, NULL));
    wipe_plain(&plain);
    CHECK_INT(MCP_OK, mcp_ping(client, options, NULL));
    mcp_options_free(options);
    mcp_client_free(client);
}

static void authorize(void *userdata, mcp_auth_request *request) {
    struct plain plain;
    (void)userdata;
    reveal(mcp_auth_request_attempt(request) == 1 ? &other : &bearer, plain.text);
    CHECK_INT(MCP_OK, mcp_auth_request_set_bearer(request, plain.text, NULL));
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_auth_request_set_header(request, "X-API-Key", plain.text, NULL));
    wipe_plain(&plain);
}

static void refreshed_at(const char *url, const char *ca) {
    mcp_client *client = client_at(url);
    if (ca != NULL) {
        CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, ca, NULL));
    }
    CHECK_INT(MCP_OK, mcp_set_auth(client, authorize, NULL, NULL, NULL));
    two_pings(client, MCP_OK);
    mcp_client_free(client);
}

static void refreshed(void) {
    refreshed_at(scenario("modern+tag=s+fault=invalid-token+times=1"), NULL);
}

static void tls_refreshed(void) {
    refreshed_at(tls_scenario("modern+fault=invalid-token+times=1+tag=s"), required_env("MCP_TEST_CA"));
}

/*
 * The private key of a client certificate: 24 characters of its PEM text, and 24 bytes of its DER form. The form that
 * the cryptography library keeps in memory is not searched for.
 */
static void keep_private_key(const char *path) {
    char text[1024];
    unsigned char scalar[27];
    int file = open(path, O_RDONLY);
    ssize_t size = read(file, text, sizeof text);
    const char *line;
    size_t i;
    must(file >= 0 && size > 200 && size < (ssize_t)sizeof text, "reading the client's key");
    close(file);
    /* The second line of base64; the first one ends in the middle of the key (PKCS #8, P-256). */
    text[size] = '\0';
    line = strchr(text, '\n');
    line = line != NULL ? strchr(line + 1, '\n') : NULL;
    must(line != NULL && strlen(line) > MIN_COPY, "the client's key has a second line");
    mask_secret(&key, line + 1, MIN_COPY);
    for (i = 0; i < sizeof scalar; i += 3) {
        /* Starts at the 49th character of the first line, and skips the line break. */
        const char *from = line - 16 + i / 3 * 4;
        decode_base64(from >= line ? from + 1 : from, scalar + i);
    }
    mask_secret(&other, (const char *)scalar, MIN_COPY);
    find_regions();
    CHECK_INT(1, count_copies("", &key));
    CHECK_INT(1, count_copies("", &other));
    reset_copies();
    wipe((char *)scalar, sizeof scalar);
    wipe(text, sizeof text);
}

static void client_certificate(void) {
    char url[URL_SIZE];
    mcp_client *client;
    snprintf(url, sizeof url, "%s/s/modern+tag=s/mcp", required_env("MCP_TEST_MTLS_URL"));
    client = client_at(url);
    keep_private_key(required_env("MCP_TEST_CLIENT_KEY"));
    CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, required_env("MCP_TEST_CA"), NULL));
    CHECK_INT(MCP_OK, mcp_set_tls_client_cert_file(client, required_env("MCP_TEST_CLIENT_CERT"),
                                                   required_env("MCP_TEST_CLIENT_KEY"), NULL));
    set_bearer(client, &bearer);
    two_pings(client, MCP_OK);
    mcp_client_free(client);
}

struct cancelling {
    mcp_client *client;
    mcp_options *options;
};

static void *ping_until_cancelled(void *argument) {
    struct cancelling *cancelling = argument;
    CHECK_INT(MCP_CANCELLED, mcp_ping(cancelling->client, cancelling->options, NULL));
    return NULL;
}

static void cancelled(void) {
    struct cancelling cancelling = {client_for("modern+tag=s+fault=silent"), mcp_options_new()};
    mcp_cancel *cancel = mcp_cancel_new();
    pthread_t thread;
    set_bearer(cancelling.client, &bearer);
    set_key(cancelling.client);
    CHECK_INT(MCP_OK, mcp_options_set_cancel(cancelling.options, cancel, NULL));
    thread = start_thread(ping_until_cancelled, &cancelling);
    await_polling(1);
    mcp_cancel_trigger(cancel);
    join_thread(thread);
    mcp_cancel_free(cancel);
    mcp_options_free(cancelling.options);
    mcp_client_free(cancelling.client);
}

/* A configuration file that holds the token: the client wipes what it has read. */
static void config_file(void) {
    char path[] = "/tmp/libmcp-secrets-XXXXXX";
    int file = mkstemp(path);
    struct plain plain;
    char *end = append(append(append(plain.text, "{\"mcpServers\":{\"a\":{\"url\":\""), scenario("modern+tag=s")),
                       "\",\"auth\":\"");
    mcp_client *client;
    end = append(reveal(&bearer, end), "\",\"headers\":{\"X-API-Key\":\"");
    end = append(reveal(&key, end), "\"}}}}");
    must(file >= 0 && write(file, plain.text, (size_t)(end - plain.text)) == end - plain.text, "writing the file");
    wipe_plain(&plain);
    close(file);
    client = mcp_client_new_from_config(path, NULL, NULL);
    unlink(path);
    must(client != NULL, "mcp_client_new_from_config");
    two_pings(client, MCP_OK);
    mcp_client_free(client);
}

/* An environment variable for a stdio server, which exits at once. */
static void environment(void) {
    static const char *const command[] = {"/bin/sh", "-c", "exit 0", NULL};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    struct plain plain;
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_set_environment(client, "API_KEY", plain.text, NULL));
    wipe_plain(&plain);
    two_pings(client, MCP_PROCESS_FAILED);
    mcp_client_free(client);
}

/* The secret that the proxy must have received; checked after the scan. */
static struct {
    const char *proxy;
    const struct secret *secret;
} expected_at_proxy;

static void check_proxy_got_password(void) {
    struct plain plain;
    reveal(expected_at_proxy.secret, plain.text);
    CHECK_SAYS(sent_to(expected_at_proxy.proxy, "", plain.text) > 0, "the proxy %s did not get the password",
               expected_at_proxy.proxy);
}

static void proxied(const char *kind, const char *name, bool is_tls) {
    mcp_client *client = client_at(is_tls ? tls_scenario("modern+tag=s") : scenario("modern+tag=s"));
    if (is_tls) {
        CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, required_env("MCP_TEST_CA"), NULL));
    }
    set_proxy(client, kind, fake_proxy(name));
    expected_at_proxy.proxy = name;
    expected_at_proxy.secret = strcmp(kind, "http") == 0 ? &encoded : &password;
    set_bearer(client, &bearer);
    set_key(client);
    two_pings(client, MCP_OK);
    mcp_client_free(client);
}

static void proxy(void) {
    proxied("http", "A", false);
}

static void proxy_connect(void) {
    proxied("http", "A", true);
}

static void proxy_socks(void) {
    proxied("socks5", "SOCKS_LOGIN", false);
}

/* A proxy that refuses the credentials. */
static void proxy_refuses(void) {
    mcp_client *client = client_for("modern");
    set_proxy(client, "http", fake_proxy("407"));
    set_bearer(client, &bearer);
    set_key(client);
    two_pings(client, MCP_PROXY_AUTH_REQUIRED);
    mcp_client_free(client);
}

/* --- Checking ----------------------------------------------------------------------------------------------------- */

/* The client still uses this secret. */
#define IN_USE SIZE_MAX

struct test {
    const char *name;
    void (*run)(void);
    const char *header; /* the header that carried the bearer token; NULL if nothing was sent */
    /*
     * The largest number of copies that may remain of the token, the key, the other token and the password. It is zero,
     * except for
     *
     * - a secret that the server sends back: its response is ordinary text in the buffers that responses are read and
     *   parsed in, and a server can place any text there at any time;
     * - the environment of a stdio server: the server process has it too, where every process that may read our memory
     *   can read it (/proc/PID/environ).
     *
     * If copies are allowed but none are found, the check fails: lower the limit.
     */
    size_t max_copies[4];
};

static const struct test tests[] = {
    {"modern", modern, "authorization", {0, 0, 0, 0}},
    {"legacy", legacy, "authorization", {0, 0, 0, 0}},
    {"sse", sse, "authorization", {0, 0, 0, 0}},
    {"large-body", large_body, "authorization", {0, 0, 0, 0}},
    {"redacted", redacted, "authorization", {0, 0, 0, 0}},
    {"echoed", echoed, "authorization", {8, 8, 0, 0}},
    {"connect-refused", connect_refused, NULL, {0, 0, 0, 0}},
    {"timed-out", timed_out, "authorization", {0, 0, 0, 0}},
    {"cancelled", cancelled, "authorization", {0, 0, 0, 0}},
    {"config-file", config_file, "authorization", {0, 0, 0, 0}},
    {"environment", environment, NULL, {0, 16, 0, 0}},
    {"replaced", replaced, "authorization", {0, 0, IN_USE, 0}},
    {"header-of-a-call", header_of_a_call, "authorization", {0, 0, 0, 0}},
    {"refreshed", refreshed, "authorization", {0, 0, 0, 0}},
    {"proxy", proxy, "authorization", {0, 0, 0, 0}},
    {"proxy-socks", proxy_socks, "authorization", {0, 0, 0, 0}},
    {"proxy-refuses", proxy_refuses, NULL, {0, 0, 0, 0}},
    {"proxy-connect", proxy_connect, "authorization", {0, 0, 0, 0}},
    {"tls", tls, "authorization", {0, 0, 0, 0}},
    {"tls-sse", tls_sse, "authorization", {0, 0, 0, 0}},
    {"client-certificate", client_certificate, "authorization", {0, 0, 0, 0}},
    {"tls-refreshed", tls_refreshed, "authorization", {0, 0, 0, 0}},
};

static void check_leftovers(const struct test *test) {
    enum { KINDS = 4, MAX_SHOWN = 12 };
    const struct secret *const secrets[KINDS] = {&bearer, &key, &other, &password};
    static const char *const names[KINDS] = {"token", "key", "other token", "password"};
    size_t leftover[KINDS], all = 0, allowed = 0, i;

    find_regions();
    for (i = 0; i < KINDS; i++) {
        leftover[i] = count_copies(names[i], secrets[i]);
    }
    leftover[KINDS - 1] += count_copies("password in base64", &encoded);

    printf("%-18s", test->name);
    for (i = 0; i < KINDS; i++) {
        size_t limit = test->max_copies[i];
        printf("  %s %zu%s", names[i], leftover[i], limit == IN_USE ? " (in use)" : "");
        all += leftover[i];
        allowed += limit == IN_USE ? 0 : limit;
        CHECK_SAYS(leftover[i] <= limit, "%s: %zu copies of the %s; at most %zu are allowed", test->name, leftover[i],
                   names[i], limit);
    }
    printf("\n");
    CHECK_SAYS(allowed == 0 || all > 0, "%s: no copies are left: lower the limits in the list", test->name);
    show_copies(MAX_SHOWN);
}

static void check_that_copies_are_found(void) {
    char *seen = malloc(64);
    must(seen != NULL, "memory");
    reveal(&bearer, seen);
    find_regions();
    CHECK_INT(1, count_copies("", &bearer));
    wipe(seen, 64);
    free(seen);
    CHECK_INT(0, count_copies("", &bearer));
    reset_copies();
}

static int run_in_child(const struct test *test) {
    make_secret(&bearer);
    make_secret(&key);
    make_secret(&other);
    make_secret(&password);
    encode_basic(&password, &encoded);
    check_that_copies_are_found();
    test->run();
    check_leftovers(test);
    if (test->header != NULL) {
        check_was_sent("s", test->header, &bearer);
    }
    if (expected_at_proxy.proxy != NULL) {
        check_proxy_got_password();
    }
    mcp_client_free(open_client);
    return check_end();
}

int main(int count, char **arguments) {
    size_t i;
    int argument;
    bool failed = false;
    for (i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        bool wanted = count == 1;
        int status = 0;
        pid_t child;
        for (argument = 1; argument < count; argument++) {
            wanted = wanted || strcmp(arguments[argument], tests[i].name) == 0;
        }
        if (!wanted) {
            continue;
        }
        fflush(stdout);
        child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            status = run_in_child(&tests[i]);
            fflush(stdout);
            _exit(status);
        }
        must(waitpid(child, &status, 0) == child, "waitpid");
        failed = failed || status != 0;
    }
    return failed;
}
