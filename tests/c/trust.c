/*
 * Whom a client trusts, and who the server is to believe it is: an authority of one's own, bad certificates, client
 * certificates, no verification at all, and credentials that may not go over plain http. No token reaches a server that
 * did not prove itself.
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "s3cr3t-token"

/* A handshake that fails does so at once; a busy machine may take longer. */
enum { SOON_MS = 3000 };

/* The log of a client: its warnings. */
struct warnings {
    int count;
    char last[512];
};

static void take_line(void *userdata, int32_t level, const char *message) {
    struct warnings *warnings = userdata;
    CHECK_SAYS(strstr(message, TOKEN) == NULL, "the token is in: %s", message);
    if (level == MCP_LOG_WARNING) {
        warnings->count++;
        snprintf(warnings->last, sizeof warnings->last, "%s", message);
    }
}

static const char *given(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s: run it as `mcp-test-server --run PROGRAM`\n", name);
    }
    must(value != NULL, "a variable is not set");
    return value;
}

/* The URL of a scenario on one of the TLS ports, by its variable; a static buffer. */
static const char *at(const char *variable, const char *options) {
    static char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/s/%s/mcp", given(variable), options);
    return url;
}

/* A client with a token, which trusts the tests' authority. */
static mcp_client *trusting(const char *variable, const char *options) {
    mcp_client *client = client_at(at(variable, options));
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
    EXPECT(MCP_OK, error, mcp_set_tls_ca_file(client, given("MCP_TEST_CA"), &error));
    return client;
}

/* A ping that ends soon, with `says` in its error if that is not NULL, and without the token. */
static void ping(const char *what, mcp_client *client, mcp_status expected, const char *says) {
    mcp_error *error = NULL;
    double begun = now_ms();
    mcp_status got = mcp_ping(client, NULL, &error);
    double took = now_ms() - begun;
    const char *message = mcp_error_message(error);

    CHECK_SAYS(got == expected, "%s: %s instead of %s: %s", what, mcp_status_name(got), mcp_status_name(expected),
               message);
    CHECK_SAYS(says == NULL || strstr(message, says) != NULL, "%s: no \"%s\" in: %s", what, says, message);
    CHECK_SAYS(strstr(message, TOKEN) == NULL, "%s: the token is in: %s", what, message);
    CHECK_SAYS(took < SOON_MS, "%s: it took %.0f ms", what, took);
    printf("%-28s %6.1f ms  %s %s\n", what, took, mcp_status_name(got), message);
    mcp_error_free(error);
}

/* Ping and dispose. */
static void visit(const char *what, mcp_client *client, mcp_status expected, const char *says) {
    ping(what, client, expected, says);
    dispose(client);
}

static size_t requests_under(const char *tag) {
    mcp_json *log = server_log(tag);
    size_t count = mcp_json_size(log);
    mcp_json_free(log);
    return count;
}

/* A file with this content, to be removed. */
static void make_file(char *path, const char *content) {
    int file;
    strcpy(path, "/tmp/mcp-trust-XXXXXX");
    file = mkstemp(path);
    must(file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content), "a file");
    close(file);
}

/* --- The server's certificate ------------------------------------------------------------------------------------ */

static void authorities(void) {
    mcp_client *client = client_at(at("MCP_TEST_TLS_URL", "dual"));
    mcp_error *error = NULL;
    char path[64];
    size_t i;
    const struct {
        const char *content, *says;
    } bad[] = {
        {"", "contains no PEM certificate"},
        {"no certificate at all\n", "contains no PEM certificate"},
        {"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "no valid PEM"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n", "no valid PEM"},
    };

    /* a bad file changes nothing, and the error names it */
    EXPECT(MCP_OK, error, mcp_set_tls_ca_file(client, given("MCP_TEST_CA"), &error));
    EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, "/nowhere/ca.pem", &error));
    CHECK(strstr(mcp_error_message(error), "/nowhere/ca.pem") != NULL);
    mcp_error_free(error);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, "/", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, "\xff.pem", &error));
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_file(path, bad[i].content);
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, path, &error));
        CHECK_SAYS(strstr(mcp_error_message(error), bad[i].says) != NULL, "%zu: %s", i, mcp_error_message(error));
        CHECK_SAYS(strstr(mcp_error_message(error), path) != NULL, "no path in: %s", mcp_error_message(error));
        mcp_error_free(error);
        unlink(path);
    }
    ping("own authority", client, MCP_OK, NULL);

    /* after the first call everything stays as it is */
    EXPECT(MCP_MISUSE, error, mcp_set_tls_ca_file(client, given("MCP_TEST_CA"), &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_ca_file(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_client_cert(client, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_verify(client, false, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_require_https(client, true, &error));
    visit("own authority, again", client, MCP_OK, NULL);

    client = trusting("MCP_TEST_TLS_URL", "dual+tag=reset-authority");
    EXPECT(MCP_OK, error, mcp_set_tls_ca_file(client, NULL, &error));
    visit("authority taken back", client, MCP_TLS_FAILED, "UnknownIssuer");
    CHECK_INT(0, requests_under("reset-authority"));
    visit("TLS 1.2", trusting("MCP_TEST_TLS12_URL", "dual"), MCP_OK, NULL);
}

static void bad_certificates(void) {
    const struct {
        const char *variable, *tag, *says;
    } bad[] = {
        {"MCP_TEST_TLS_EXPIRED_URL", "expired", "expired"},
        {"MCP_TEST_TLS_NOT_YET_URL", "not-yet", "not valid yet"},
        {"MCP_TEST_TLS_WRONG_HOST_URL", "wrong-host", "localhost"},
        {"MCP_TEST_TLS_UNKNOWN_URL", "unknown", "UnknownIssuer"},
        {"MCP_TEST_TLS_SELF_SIGNED_URL", "self-signed", "certificate"},
        {"MCP_TEST_TLS_CUT_URL", "cut", "closed the connection"},
    };
    size_t i;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char options[64];
        mcp_client *client;
        snprintf(options, sizeof options, "dual+tag=%s", bad[i].tag);
        client = trusting(bad[i].variable, options);
        ping(bad[i].tag, client, MCP_TLS_FAILED, bad[i].says);
        /* nothing of the first failure stands in the way of the second */
        visit("  again", client, MCP_TLS_FAILED, bad[i].says);
        CHECK_INT(0, requests_under(bad[i].tag));
        visit("  a good one beside it", trusting("MCP_TEST_TLS_URL", "dual"), MCP_OK, NULL);
    }
}

static void no_verification(void) {
    const char *variables[] = {"MCP_TEST_TLS_EXPIRED_URL", "MCP_TEST_TLS_WRONG_HOST_URL", "MCP_TEST_TLS_UNKNOWN_URL",
                               "MCP_TEST_TLS_SELF_SIGNED_URL", "MCP_TEST_TLS12_URL"};
    mcp_client *client;
    mcp_error *error = NULL;
    size_t i;
    for (i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        struct warnings warnings = {0, ""};
        client = client_at(at(variables[i], "dual"));
        EXPECT(MCP_OK, error, mcp_set_log(client, take_line, &warnings, NULL, &error));
        EXPECT(MCP_OK, error, mcp_set_tls_verify(client, false, &error));
        ping("not verified", client, MCP_OK, NULL);
        CHECK_SAYS(warnings.count > 0, "no warning at %s", variables[i]);
        CHECK_SAYS(strstr(warnings.last, "certificates") != NULL, "the warning is: %s", warnings.last);
        dispose(client);
    }
    /* A server has to have the key of the certificate that it shows all the same. */
    for (i = 0; i < 2; i++) {
        client = client_at(at(i == 0 ? "MCP_TEST_TLS_OTHER_KEY_URL" : "MCP_TEST_TLS12_OTHER_KEY_URL", "dual"));
        EXPECT(MCP_OK, error, mcp_set_tls_verify(client, false, &error));
        visit("a certificate without its key", client, MCP_TLS_FAILED, "signature");
    }
    client = trusting("MCP_TEST_TLS_EXPIRED_URL", "dual+tag=verified-again");
    EXPECT(MCP_OK, error, mcp_set_tls_verify(client, false, &error));
    EXPECT(MCP_OK, error, mcp_set_tls_verify(client, true, &error));
    visit("verified again", client, MCP_TLS_FAILED, "expired");
    CHECK_INT(0, requests_under("verified-again"));
}

/* --- The client's certificate ------------------------------------------------------------------------------------ */

/* Both ends of what mutual TLS looks like: refused in the handshake (1.2), and after it (1.3). */
static void show(const char *what, const char *certificate, const char *key, mcp_status expected) {
    const char *variables[] = {"MCP_TEST_MTLS_URL", "MCP_TEST_MTLS12_URL"};
    size_t i;
    for (i = 0; i < 2; i++) {
        mcp_client *client = trusting(variables[i], "dual+tag=mutual");
        mcp_error *error = NULL;
        size_t before = requests_under("mutual");
        if (certificate != NULL) {
            EXPECT(MCP_OK, error,
                   mcp_set_tls_client_cert(client, given(certificate), key != NULL ? given(key) : NULL, &error));
        }
        ping(what, client, expected, NULL);
        visit(what, client, expected, NULL);
        CHECK((requests_under("mutual") > before) == (expected == MCP_OK));
    }
}

static void client_certificates(void) {
    show("PKCS #8", "MCP_TEST_CLIENT_CERT", "MCP_TEST_CLIENT_KEY", MCP_OK);
    show("SEC 1", "MCP_TEST_CLIENT_CERT", "MCP_TEST_CLIENT_KEY_SEC1", MCP_OK);
    show("PKCS #1", "MCP_TEST_CLIENT_RSA_CERT", "MCP_TEST_CLIENT_RSA_KEY", MCP_OK);
    show("one file with a chain", "MCP_TEST_CLIENT_PEM", NULL, MCP_OK);
    show("one file, named twice", "MCP_TEST_CLIENT_PEM", "MCP_TEST_CLIENT_PEM", MCP_OK);
    show("none", NULL, NULL, MCP_TLS_FAILED);
    show("of another authority", "MCP_TEST_CLIENT_OTHER_PEM", NULL, MCP_TLS_FAILED);
}

static void bad_client_certificates(void) {
    mcp_client *client = trusting("MCP_TEST_MTLS_URL", "dual");
    const char *certificate = given("MCP_TEST_CLIENT_CERT");
    const char *key = given("MCP_TEST_CLIENT_KEY");
    mcp_error *error = NULL;
    char path[64];
    size_t i;
    const char *bad[] = {
        "",
        "no key at all\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    };

    EXPECT(MCP_OK, error, mcp_set_tls_client_cert(client, certificate, key, &error));
    /* what does not belong together, is not there, or is no key; the good pair stays */
    EXPECT_KEEP(MCP_INVALID_ARGUMENT, error,
                mcp_set_tls_client_cert(client, certificate, given("MCP_TEST_CLIENT_RSA_KEY"), &error));
    CHECK(strstr(mcp_error_message(error), certificate) != NULL);
    mcp_error_free(error);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_set_tls_client_cert(client, given("MCP_TEST_CLIENT_RSA_CERT"), key, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert(client, certificate, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert(client, key, key, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert(client, NULL, key, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert(client, certificate, "/nowhere/key.pem", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert(client, "/nowhere/cert.pem", key, &error));
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_file(path, bad[i]);
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert(client, certificate, path, &error));
        CHECK_SAYS(strstr(mcp_error_message(error), path) != NULL, "no path in: %s", mcp_error_message(error));
        mcp_error_free(error);
        unlink(path);
    }
    visit("a good pair stays", client, MCP_OK, NULL);

    client = trusting("MCP_TEST_MTLS_URL", "dual");
    EXPECT(MCP_OK, error, mcp_set_tls_client_cert(client, certificate, key, &error));
    EXPECT(MCP_OK, error, mcp_set_tls_client_cert(client, NULL, NULL, &error));
    visit("a pair taken back", client, MCP_TLS_FAILED, NULL);
}

/* --- Plain http -------------------------------------------------------------------------------------------------- */

/* A proxy that writes down the first bytes of each connection, and answers 503. */
struct proxy {
    int listener;
    int stop[2];
    char url[64];
    pthread_t thread;
    size_t connections;
    char seen[8192];
};

static void *serve(void *argument) {
    static const char answer[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct proxy *proxy = argument;
    struct pollfd fds[2] = {{proxy->listener, POLLIN, 0}, {proxy->stop[0], POLLIN, 0}};
    for (;;) {
        size_t size = 0;
        ssize_t n;
        int connection;
        must(poll(fds, 2, -1) > 0, "poll");
        /* Whoever has connected is served before the end, so that none is overlooked. */
        if ((fds[0].revents & POLLIN) == 0) {
            return NULL;
        }
        connection = accept(proxy->listener, NULL, NULL);
        must(connection >= 0, "accept");
        proxy->connections++;
        do {
            n = recv(connection, proxy->seen + size, sizeof proxy->seen - 1 - size, 0);
            size += n > 0 ? (size_t)n : 0;
            proxy->seen[size] = '\0';
        } while (n > 0 && strstr(proxy->seen, "\"jsonrpc\"") == NULL);
        n = send(connection, answer, sizeof answer - 1, MSG_NOSIGNAL);
        (void)n; /* a client that has left is the test's to see */
        close(connection);
    }
}

static void start_proxy(struct proxy *proxy) {
    uint16_t port;
    memset(proxy, 0, sizeof *proxy);
    proxy->listener = listen_on(&port, 8);
    must(pipe(proxy->stop) == 0, "pipe");
    snprintf(proxy->url, sizeof proxy->url, "http://127.0.0.1:%u", (unsigned)port);
    proxy->thread = start_thread(serve, proxy);
}

static void stop_proxy(struct proxy *proxy) {
    must(write(proxy->stop[1], "", 1) == 1, "write");
    join_thread(proxy->thread);
    close(proxy->stop[0]);
    close(proxy->stop[1]);
    close(proxy->listener);
}

/* A client of a machine that is not this one, as far as the client can tell. */
static mcp_client *elsewhere(const struct proxy *proxy, bool require_https, struct warnings *warnings) {
    mcp_client *client = client_at("http://mcp.test:8080/mcp");
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_log(client, take_line, warnings, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_proxy(client, proxy->url, &error));
    EXPECT(MCP_OK, error, mcp_set_require_https(client, require_https, &error));
    return client;
}

static void give_a_token(void *userdata, mcp_auth_request *request) {
    mcp_error *error = NULL;
    (void)userdata;
    EXPECT(MCP_OK, error, mcp_auth_request_set_bearer(request, TOKEN, &error));
}

static void forbidden_over_http(void) {
    struct warnings warnings = {0, ""};
    struct proxy proxy;
    mcp_client *client;
    mcp_error *error = NULL;

    start_proxy(&proxy);
    client = elsewhere(&proxy, true, &warnings);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
    ping("token over http", client, MCP_INSECURE, "mcp_set_require_https");
    ping("  again", client, MCP_INSECURE, "mcp.test");
    /* a token may be taken away at any time, and then there is nothing to forbid */
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", TOKEN, &error));
    EXPECT(MCP_OK, error, mcp_set_bearer(client, NULL, &error));
    visit("  a key in a header", client, MCP_INSECURE, NULL);

    client = elsewhere(&proxy, true, &warnings);
    EXPECT(MCP_OK, error, mcp_set_auth(client, give_a_token, NULL, NULL, &error));
    visit("  from a callback", client, MCP_INSECURE, NULL);
    stop_proxy(&proxy);
    CHECK_INT(0, proxy.connections);
    CHECK_INT(0, warnings.count);
}

static void without_credentials(void) {
    struct warnings warnings = {0, ""};
    struct proxy proxy;
    start_proxy(&proxy);
    visit("nothing to forbid", elsewhere(&proxy, true, &warnings), MCP_UNAVAILABLE, NULL);
    stop_proxy(&proxy);
    CHECK(proxy.connections > 0);
    CHECK_SAYS(strstr(proxy.seen, "POST http://mcp.test:8080/mcp HTTP/1.1\r\n") == proxy.seen, "%s", proxy.seen);
    CHECK_INT(0, warnings.count);
}

static void allowed_with_a_warning(void) {
    struct warnings warnings = {0, ""};
    struct proxy proxy;
    mcp_client *client;
    mcp_error *error = NULL;
    start_proxy(&proxy);
    client = elsewhere(&proxy, false, &warnings);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
    ping("allowed", client, MCP_UNAVAILABLE, NULL);
    visit("  again", client, MCP_UNAVAILABLE, NULL);
    stop_proxy(&proxy);
    CHECK_SAYS(strstr(proxy.seen, "Bearer " TOKEN) != NULL, "%s", proxy.seen); /* it would be found */
    CHECK_INT(1, warnings.count);
    CHECK_SAYS(strstr(warnings.last, "mcp.test") != NULL, "%s", warnings.last);
}

static void this_machine(void) {
    struct warnings warnings = {0, ""};
    const char *colon = strrchr(given("MCP_TEST_URL"), ':');
    char named[URL_SIZE];
    const char *urls[2];
    mcp_error *error = NULL;
    size_t i;

    snprintf(named, sizeof named, "http://localhost%s/s/dual/mcp", colon);
    urls[0] = scenario("dual");
    urls[1] = named;
    for (i = 0; i < 2; i++) {
        mcp_client *client = client_at(urls[i]);
        EXPECT(MCP_OK, error, mcp_set_log(client, take_line, &warnings, NULL, &error));
        EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
        EXPECT(MCP_OK, error, mcp_set_require_https(client, true, &error));
        visit("http to this machine", client, MCP_OK, NULL);
    }
    CHECK_INT(0, warnings.count);
}

int main(void) {
    authorities();
    bad_certificates();
    no_verification();
    client_certificates();
    bad_client_certificates();
    forbidden_over_http();
    without_credentials();
    allowed_with_a_warning();
    this_machine();
    return check_end();
}
