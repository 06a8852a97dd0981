/*
 * What is left of secrets in the memory of the process, when the client that had them is gone: nothing, but in the
 * places that the list at the end names.
 *
 * Each scenery runs in a child of its own, with secrets that were made a moment before.
 *
 *     secrets            all sceneries
 *     secrets NAME...    some
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "proxy_support.h"
#include "secrets_scan.h"
#include "support.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- Sceneries ---------------------------------------------------------------------------------------------------- */

static struct secret bearer, key, other, password, encoded;

static void set_bearer(mcp_client *client, const struct secret *secret) {
    struct plain plain;
    reveal(secret, plain.text);
    CHECK_INT(MCP_OK, mcp_set_bearer(client, plain.text, NULL));
    forget(&plain);
}

static void set_key(mcp_client *client) {
    struct plain plain;
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_set_header(client, "X-API-Key", plain.text, NULL));
    forget(&plain);
}

static void set_proxy(mcp_client *client, const char *kind, const char *place) {
    struct plain plain;
    append(append(reveal(&password, append(append(plain.text, kind), "://user:")), "@"), place);
    CHECK_INT(MCP_OK, mcp_set_proxy(client, plain.text, NULL));
    forget(&plain);
}

static void pings(mcp_client *client, mcp_status expected) {
    mcp_error *error = NULL;
    EXPECT(expected, error, mcp_ping(client, NULL, &error));
    EXPECT(expected, error, mcp_ping(client, NULL, &error));
}

/* Whether it was sent at all is looked at when the scan is over: this makes copies. */
static void must_have_sent(const char *tag, const char *header, const struct secret *secret) {
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
    pings(client, MCP_OK);
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
    with_token_and_key(tls_scenario("modern+tag=s"), given("MCP_TEST_CA"));
}

static void tls_sse(void) {
    with_token_and_key(tls_scenario("sse+tag=s"), given("MCP_TEST_CA"));
}

/* A body that is larger than the buffers. */
static void large(void) {
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
    CHECK_INT(MCP_OK, mcp_call_tool(client, "echo", arguments, SIZE_MAX, NULL, &result, NULL));
    mcp_json_free(result);
    free(arguments);
    mcp_client_free(client);
}

static void on_line(void *userdata, int32_t level, const char *message) {
    (void)level;
    (void)message;
    ++*(int *)userdata;
}

/* The log and the errors are looked through for secrets before they are shown. */
static void shown_at(const char *url) {
    int lines = 0;
    mcp_client *client = client_at(url);
    mcp_json *result = NULL;
    CHECK_INT(MCP_OK, mcp_set_log(client, on_line, &lines, NULL, NULL));
    set_bearer(client, &bearer);
    set_key(client);
    pings(client, MCP_OK);
    CHECK_INT(MCP_RPC_ERROR, mcp_list_tools(client, NULL, &result, NULL));
    CHECK(lines > 0);
    mcp_client_free(client);
}

static void redacted(void) {
    shown_at(scenario("modern+tag=s+fault=rpc-error+when=tools/list"));
}

static void repeated(void) {
    shown_at(scenario("modern+tag=s+fault=secret-echo+when=tools/list"));
}

/* Nobody is there: what was written is never sent. */
static void refused(void) {
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    set_bearer(client, &bearer);
    set_key(client);
    pings(client, MCP_CONNECT_FAILED);
    mcp_client_free(client);
}

static void timed_out(void) {
    mcp_client *client = client_for("modern+tag=s+fault=silent");
    CHECK_INT(MCP_OK, mcp_set_timeout(client, 100, NULL));
    set_bearer(client, &bearer);
    set_key(client);
    pings(client, MCP_TIMEOUT);
    mcp_client_free(client);
}

/* What is promised already while the client lives. */
static mcp_client *living;

static void replaced(void) {
    living = client_for("modern+tag=s");
    set_bearer(living, &bearer);
    set_key(living);
    pings(living, MCP_OK);
    set_bearer(living, &other);
    CHECK_INT(MCP_OK, mcp_set_header(living, "X-API-Key", NULL, NULL));
    pings(living, MCP_OK);
}

static void of_a_call(void) {
    mcp_client *client = client_for("modern+tag=s");
    mcp_options *options = mcp_options_new();
    struct plain plain;
    set_bearer(client, &bearer);
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_options_set_header(options, "X-API-Key", plain.text, NULL));
    forget(&plain);
    CHECK_INT(MCP_OK, mcp_ping(client, options, NULL));
    mcp_options_free(options);
    mcp_client_free(client);
}

static void authorise(void *userdata, mcp_auth_request *request) {
    struct plain plain;
    (void)userdata;
    reveal(mcp_auth_request_attempt(request) == 1 ? &other : &bearer, plain.text);
    CHECK_INT(MCP_OK, mcp_auth_request_set_bearer(request, plain.text, NULL));
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_auth_request_set_header(request, "X-API-Key", plain.text, NULL));
    forget(&plain);
}

static void refreshed_at(const char *url, const char *ca) {
    mcp_client *client = client_at(url);
    if (ca != NULL) {
        CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, ca, NULL));
    }
    CHECK_INT(MCP_OK, mcp_set_auth(client, authorise, NULL, NULL, NULL));
    pings(client, MCP_OK);
    mcp_client_free(client);
}

static void refreshed(void) {
    refreshed_at(scenario("modern+tag=s+fault=invalid-token+times=1"), NULL);
}

static void tls_refreshed(void) {
    refreshed_at(tls_scenario("modern+fault=invalid-token+times=1+tag=s"), given("MCP_TEST_CA"));
}

/*
 * The private key of a client certificate: 24 characters of its text, and 24 bytes of what they stand for. In which
 * form the cryptography itself has it in memory is its own business, and not looked for.
 */
static void keep_private_key(const char *path) {
    char text[1024];
    unsigned char scalar[27];
    int file = open(path, O_RDONLY);
    ssize_t size = read(file, text, sizeof text);
    const char *line;
    size_t i;
    must(file >= 0 && size > 200 && size < (ssize_t)sizeof text, "the client's key");
    close(file);
    /* The second line of the text; the first one ends in the middle of the key (PKCS #8, P-256). */
    text[size] = '\0';
    line = strchr(text, '\n');
    line = line != NULL ? strchr(line + 1, '\n') : NULL;
    must(line != NULL && strlen(line) > PIECE, "the second line of the client's key");
    keep(&key, line + 1, PIECE);
    for (i = 0; i < sizeof scalar; i += 3) {
        /* From the 49th letter of the first line on, without the line's end. */
        const char *from = line - 16 + i / 3 * 4;
        decode(from >= line ? from + 1 : from, scalar + i);
    }
    keep(&other, (const char *)scalar, PIECE);
    find_regions();
    CHECK_INT(1, copies("", &key));
    CHECK_INT(1, copies("", &other));
    forget_copies();
    wipe((char *)scalar, sizeof scalar);
    wipe(text, sizeof text);
}

static void identity(void) {
    char url[URL_SIZE];
    mcp_client *client;
    snprintf(url, sizeof url, "%s/s/modern+tag=s/mcp", given("MCP_TEST_MTLS_URL"));
    client = client_at(url);
    keep_private_key(given("MCP_TEST_CLIENT_KEY"));
    CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, given("MCP_TEST_CA"), NULL));
    CHECK_INT(MCP_OK,
              mcp_set_tls_client_cert(client, given("MCP_TEST_CLIENT_CERT"), given("MCP_TEST_CLIENT_KEY"), NULL));
    set_bearer(client, &bearer);
    pings(client, MCP_OK);
    mcp_client_free(client);
}

struct cancelling {
    mcp_client *client;
    mcp_options *options;
};

static void *ping_in_vain(void *argument) {
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
    thread = start_thread(ping_in_vain, &cancelling);
    await_polling(1);
    mcp_cancel_trigger(cancel);
    join_thread(thread);
    mcp_cancel_free(cancel);
    mcp_options_free(cancelling.options);
    mcp_client_free(cancelling.client);
}

/* A file that holds the token: what is read of it is ours. */
static void configured(void) {
    char path[] = "/tmp/libmcp-secrets-XXXXXX";
    int file = mkstemp(path);
    struct plain plain;
    char *end = append(append(append(plain.text, "{\"mcpServers\":{\"a\":{\"url\":\""), scenario("modern+tag=s")),
                       "\",\"auth\":\"");
    mcp_client *client;
    end = append(reveal(&bearer, end), "\",\"headers\":{\"X-API-Key\":\"");
    end = append(reveal(&key, end), "\"}}}}");
    must(file >= 0 && write(file, plain.text, (size_t)(end - plain.text)) == end - plain.text, "a file");
    forget(&plain);
    close(file);
    client = mcp_client_new_from_config(path, NULL, NULL);
    unlink(path);
    must(client != NULL, "a client of a configuration file");
    pings(client, MCP_OK);
    mcp_client_free(client);
}

/* A variable for a server that is a process, which ends at once. */
static void environment(void) {
    static const char *const command[] = {"/bin/sh", "-c", "exit 0", NULL};
    mcp_client *client = mcp_client_new_stdio(command, NULL);
    struct plain plain;
    reveal(&key, plain.text);
    CHECK_INT(MCP_OK, mcp_set_environment(client, "API_KEY", plain.text, NULL));
    forget(&plain);
    pings(client, MCP_PROCESS_FAILED);
    mcp_client_free(client);
}

/* What came to the proxy had this secret in it; looked at when the scan is over. */
static struct {
    const char *proxy;
    const struct secret *secret;
} gave;

static void must_have_given(void) {
    struct plain plain;
    reveal(gave.secret, plain.text);
    CHECK_SAYS(sent_to(gave.proxy, "", plain.text) > 0, "the proxy %s was not given the password", gave.proxy);
}

static void proxied(const char *kind, const char *name, bool is_tls) {
    mcp_client *client = client_at(is_tls ? tls_scenario("modern+tag=s") : scenario("modern+tag=s"));
    if (is_tls) {
        CHECK_INT(MCP_OK, mcp_set_tls_ca_file(client, given("MCP_TEST_CA"), NULL));
    }
    set_proxy(client, kind, toy(name));
    gave.proxy = name;
    gave.secret = strcmp(kind, "http") == 0 ? &encoded : &password;
    set_bearer(client, &bearer);
    set_key(client);
    pings(client, MCP_OK);
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

/* A proxy that wants something else. */
static void proxy_refuses(void) {
    mcp_client *client = client_for("modern");
    set_proxy(client, "http", toy("407"));
    set_bearer(client, &bearer);
    set_key(client);
    pings(client, MCP_PROXY_AUTH_REQUIRED);
    mcp_client_free(client);
}

/* --- What is left ------------------------------------------------------------------------------------------------- */

/* It is still used. */
#define USED SIZE_MAX

struct scenery {
    const char *name;
    void (*run)(void);
    const char *header; /* what the bearer token has to have been sent in; NULL where nothing was sent */
    /*
     * The most copies that may be left of the token, the key, the other token, the password: zero, but for
     *
     * - what a server repeats: its answer is text like any other, in the buffers that answers are read into and taken
     * apart in; what a server wants to keep in our memory, it can send at any time;
     * - the environment of a server that is a process: it is in the process as well, where everybody who may read our
     *   memory can read it (/proc/PID/environ).
     *
     * Where some are expected and none are left, this list wants mending.
     */
    size_t left[4];
};

static const struct scenery sceneries[] = {
    {"modern", modern, "authorization", {0, 0, 0, 0}},
    {"legacy", legacy, "authorization", {0, 0, 0, 0}},
    {"sse", sse, "authorization", {0, 0, 0, 0}},
    {"large", large, "authorization", {0, 0, 0, 0}},
    {"redacted", redacted, "authorization", {0, 0, 0, 0}},
    {"repeated", repeated, "authorization", {8, 8, 0, 0}},
    {"refused", refused, NULL, {0, 0, 0, 0}},
    {"timed-out", timed_out, "authorization", {0, 0, 0, 0}},
    {"cancelled", cancelled, "authorization", {0, 0, 0, 0}},
    {"configured", configured, "authorization", {0, 0, 0, 0}},
    {"environment", environment, NULL, {0, 16, 0, 0}},
    {"replaced", replaced, "authorization", {0, 0, USED, 0}},
    {"of-a-call", of_a_call, "authorization", {0, 0, 0, 0}},
    {"refreshed", refreshed, "authorization", {0, 0, 0, 0}},
    {"proxy", proxy, "authorization", {0, 0, 0, 0}},
    {"proxy-socks", proxy_socks, "authorization", {0, 0, 0, 0}},
    {"proxy-refuses", proxy_refuses, NULL, {0, 0, 0, 0}},
    {"proxy-connect", proxy_connect, "authorization", {0, 0, 0, 0}},
    {"tls", tls, "authorization", {0, 0, 0, 0}},
    {"tls-sse", tls_sse, "authorization", {0, 0, 0, 0}},
    {"identity", identity, "authorization", {0, 0, 0, 0}},
    {"tls-refreshed", tls_refreshed, "authorization", {0, 0, 0, 0}},
};

static void check_left(const struct scenery *scenery) {
    enum { KINDS = 4, SHOWN = 12 };
    const struct secret *const secrets[KINDS] = {&bearer, &key, &other, &password};
    static const char *const names[KINDS] = {"token", "key", "other token", "password"};
    size_t left[KINDS], all = 0, may = 0, i;

    find_regions();
    for (i = 0; i < KINDS; i++) {
        left[i] = copies(names[i], secrets[i]);
    }
    left[KINDS - 1] += copies("password in base64", &encoded);

    printf("%-14s", scenery->name);
    for (i = 0; i < KINDS; i++) {
        size_t most = scenery->left[i];
        printf("  %s %zu%s", names[i], left[i], most == USED ? " (in use)" : "");
        all += left[i];
        may += most == USED ? 0 : most;
        CHECK_SAYS(left[i] <= most, "%s: %zu copies of the %s, and not %zu at most", scenery->name, left[i], names[i],
                   most);
    }
    printf("\n");
    CHECK_SAYS(may == 0 || all > 0, "%s: nothing is left any more: mend the list", scenery->name);
    show_copies(SHOWN);
}

static void check_that_copies_are_found(void) {
    char *seen = malloc(64);
    must(seen != NULL, "memory");
    reveal(&bearer, seen);
    find_regions();
    CHECK_INT(1, copies("", &bearer));
    wipe(seen, 64);
    free(seen);
    CHECK_INT(0, copies("", &bearer));
    forget_copies();
}

static int in_a_child(const struct scenery *scenery) {
    make(&bearer);
    make(&key);
    make(&other);
    make(&password);
    encode(&password, &encoded);
    check_that_copies_are_found();
    scenery->run();
    check_left(scenery);
    if (scenery->header != NULL) {
        must_have_sent("s", scenery->header, &bearer);
    }
    if (gave.proxy != NULL) {
        must_have_given();
    }
    mcp_client_free(living);
    return check_end();
}

int main(int count, char **arguments) {
    size_t i;
    int named;
    bool failed = false;
    for (i = 0; i < sizeof sceneries / sizeof sceneries[0]; i++) {
        bool wanted = count == 1;
        int status = 0;
        pid_t child;
        for (named = 1; named < count; named++) {
            wanted = wanted || strcmp(arguments[named], sceneries[i].name) == 0;
        }
        if (!wanted) {
            continue;
        }
        fflush(stdout);
        child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            status = in_a_child(&sceneries[i]);
            fflush(stdout);
            _exit(status);
        }
        must(waitpid(child, &status, 0) == child, "waitpid");
        failed = failed || status != 0;
    }
    return failed;
}
