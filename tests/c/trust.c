/*
 * TLS authentication of the server and of the client: certificate authorities, bad certificates, client certificates,
 * disabled verification, and credentials over plain http. No token is sent to a server whose certificate fails
 * verification.
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"
#include "support.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "s3cr3t-token"

/* A failing handshake ends at once; the bound allows for a busy machine. */
enum { BOUND_MS = 3000 };

/* The warnings that a client has logged. */
struct warnings {
    int count;
    char last[512];
};

static void record_warning(void *userdata, int32_t level, const char *message) {
    struct warnings *warnings = userdata;
    CHECK_SAYS(strstr(message, TOKEN) == NULL, "the token is in: %s", message);
    if (level == MCP_LOG_WARNING) {
        warnings->count++;
        snprintf(warnings->last, sizeof warnings->last, "%s", message);
    }
}

static const char *required_env(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set: run the program as `mcp-test-server --run PROGRAM`\n", name);
    }
    must(value != NULL, "reading an environment variable");
    return value;
}

/* The URL of a scenario on the TLS port that an environment variable names; a static buffer. */
static const char *at(const char *variable, const char *options) {
    static char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/s/%s/mcp", required_env(variable), options);
    return url;
}

/* A client with a token that trusts the tests' certificate authority. */
static mcp_client *client_with_token(const char *variable, const char *options) {
    mcp_client *client = client_at(at(variable, options));
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
    EXPECT(MCP_OK, error, mcp_set_tls_ca_file(client, required_env("MCP_TEST_CA"), &error));
    return client;
}

/* Pings. It must end soon; its error must contain `message_part`, if that is not NULL, and not the token. */
static void ping(const char *what, mcp_client *client, mcp_status expected, const char *message_part) {
    mcp_error *error = NULL;
    double started = now_ms();
    mcp_status got = mcp_ping(client, NULL, &error);
    double took = now_ms() - started;
    const char *message = mcp_error_message(error);

    CHECK_SAYS(got == expected, "%s: got %s, expected %s: %s", what, mcp_status_name(got), mcp_status_name(expected),
               message);
    CHECK_SAYS(message_part == NULL || strstr(message, message_part) != NULL, "%s: no \"%s\" in: %s", what,
               message_part, message);
    CHECK_SAYS(strstr(message, TOKEN) == NULL, "%s: the token is in: %s", what, message);
    CHECK_SAYS(took < BOUND_MS, "%s: it took %.0f ms", what, took);
    printf("%-28s %6.1f ms  %s %s\n", what, took, mcp_status_name(got), message);
    mcp_error_free(error);
}

/* Pings and frees the client. */
static void ping_and_free(const char *what, mcp_client *client, mcp_status expected, const char *message_part) {
    ping(what, client, expected, message_part);
    dispose(client);
}

static size_t requests_under(const char *tag) {
    mcp_json *log = server_log(tag);
    size_t count = mcp_json_size(log);
    mcp_json_free(log);
    return count;
}

/* Creates a temporary file with this content; the caller removes it. */
static void make_file(char *path, const char *content) {
    int file;
    strcpy(path, "/tmp/mcp-trust-XXXXXX");
    file = mkstemp(path);
    must(file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content), "writing a temporary file");
    close(file);
}

/* --- The server's certificate ------------------------------------------------------------------------------------ */

static void ca_files_are_validated_and_trusted(void) {
    mcp_client *client = client_at(at("MCP_TEST_TLS_URL", "dual"));
    mcp_error *error = NULL;
    char path[64];
    size_t i;
    const struct {
        const char *content, *message_part;
    } bad[] = {
        {"", "contains no PEM certificate"},
        {"no certificate at all\n", "contains no PEM certificate"},
        {"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "is not valid PEM"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n", "is not valid PEM"},
    };

    /* an invalid file changes nothing, and the error names it */
    EXPECT(MCP_OK, error, mcp_set_tls_ca_file(client, required_env("MCP_TEST_CA"), &error));
    EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, "/nowhere/ca.pem", &error));
    CHECK(strstr(mcp_error_message(error), "/nowhere/ca.pem") != NULL);
    mcp_error_free(error);
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, "/", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, "\xff.pem", &error));
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_file(path, bad[i].content);
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_tls_ca_file(client, path, &error));
        CHECK_SAYS(strstr(mcp_error_message(error), bad[i].message_part) != NULL, "%zu: %s", i,
                   mcp_error_message(error));
        CHECK_SAYS(strstr(mcp_error_message(error), path) != NULL, "no path in: %s", mcp_error_message(error));
        mcp_error_free(error);
        unlink(path);
    }
    ping("the tests' authority", client, MCP_OK, NULL);

    /* after the first call these settings are fixed */
    EXPECT(MCP_MISUSE, error, mcp_set_tls_ca_file(client, required_env("MCP_TEST_CA"), &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_ca_file(client, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_client_cert_file(client, NULL, NULL, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_tls_verify(client, false, &error));
    EXPECT(MCP_MISUSE, error, mcp_set_require_https(client, true, &error));
    ping_and_free("the tests' authority, again", client, MCP_OK, NULL);

    client = client_with_token("MCP_TEST_TLS_URL", "dual+tag=reset-authority");
    EXPECT(MCP_OK, error, mcp_set_tls_ca_file(client, NULL, &error));
    ping_and_free("authority reset", client, MCP_TLS_FAILED, "UnknownIssuer");
    CHECK_INT(0, requests_under("reset-authority"));
    ping_and_free("TLS 1.2", client_with_token("MCP_TEST_TLS12_URL", "dual"), MCP_OK, NULL);
}

static void bad_server_certificates_are_refused(void) {
    const struct {
        const char *variable, *tag, *message_part;
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
        client = client_with_token(bad[i].variable, options);
        ping(bad[i].tag, client, MCP_TLS_FAILED, bad[i].message_part);
        /* a second attempt fails in the same way */
        ping_and_free("  again", client, MCP_TLS_FAILED, bad[i].message_part);
        CHECK_INT(0, requests_under(bad[i].tag));
        ping_and_free("  another, good server", client_with_token("MCP_TEST_TLS_URL", "dual"), MCP_OK, NULL);
    }
}

static void verification_can_be_disabled(void) {
    const char *variables[] = {"MCP_TEST_TLS_EXPIRED_URL", "MCP_TEST_TLS_WRONG_HOST_URL", "MCP_TEST_TLS_UNKNOWN_URL",
                               "MCP_TEST_TLS_SELF_SIGNED_URL", "MCP_TEST_TLS12_URL"};
    mcp_client *client;
    mcp_error *error = NULL;
    size_t i;
    for (i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        struct warnings warnings = {0, ""};
        client = client_at(at(variables[i], "dual"));
        EXPECT(MCP_OK, error, mcp_set_log(client, record_warning, &warnings, NULL, &error));
        EXPECT(MCP_OK, error, mcp_set_tls_verify(client, false, &error));
        ping("not verified", client, MCP_OK, NULL);
        CHECK_SAYS(warnings.count > 0, "no warning at %s", variables[i]);
        CHECK_SAYS(strstr(warnings.last, "certificates") != NULL, "the warning is: %s", warnings.last);
        dispose(client);
    }
    /* The server must still prove that it has its certificate's private key. */
    for (i = 0; i < 2; i++) {
        client = client_at(at(i == 0 ? "MCP_TEST_TLS_OTHER_KEY_URL" : "MCP_TEST_TLS12_OTHER_KEY_URL", "dual"));
        EXPECT(MCP_OK, error, mcp_set_tls_verify(client, false, &error));
        ping_and_free("a certificate without its key", client, MCP_TLS_FAILED, "signature");
    }
    client = client_with_token("MCP_TEST_TLS_EXPIRED_URL", "dual+tag=verified-again");
    EXPECT(MCP_OK, error, mcp_set_tls_verify(client, false, &error));
    EXPECT(MCP_OK, error, mcp_set_tls_verify(client, true, &error));
    ping_and_free("verified again", client, MCP_TLS_FAILED, "expired");
    CHECK_INT(0, requests_under("verified-again"));
}

/* --- The client's certificate ------------------------------------------------------------------------------------ */

/* Pings two mutual-TLS servers: TLS 1.2 refuses in the handshake, TLS 1.3 after it. */
static void check_client_certificate(const char *what, const char *certificate, const char *key, mcp_status expected) {
    const char *variables[] = {"MCP_TEST_MTLS_URL", "MCP_TEST_MTLS12_URL"};
    size_t i;
    for (i = 0; i < 2; i++) {
        mcp_client *client = client_with_token(variables[i], "dual+tag=mutual");
        mcp_error *error = NULL;
        size_t before = requests_under("mutual");
        if (certificate != NULL) {
            EXPECT(MCP_OK, error,
                   mcp_set_tls_client_cert_file(client, required_env(certificate),
                                                key != NULL ? required_env(key) : NULL, &error));
        }
        ping(what, client, expected, NULL);
        ping_and_free(what, client, expected, NULL);
        CHECK((requests_under("mutual") > before) == (expected == MCP_OK));
    }
}

static void client_certificates_are_presented(void) {
    check_client_certificate("PKCS #8", "MCP_TEST_CLIENT_CERT", "MCP_TEST_CLIENT_KEY", MCP_OK);
    check_client_certificate("SEC 1", "MCP_TEST_CLIENT_CERT", "MCP_TEST_CLIENT_KEY_SEC1", MCP_OK);
    check_client_certificate("PKCS #1", "MCP_TEST_CLIENT_RSA_CERT", "MCP_TEST_CLIENT_RSA_KEY", MCP_OK);
    check_client_certificate("one file with a chain", "MCP_TEST_CLIENT_PEM", NULL, MCP_OK);
    check_client_certificate("one file, named twice", "MCP_TEST_CLIENT_PEM", "MCP_TEST_CLIENT_PEM", MCP_OK);
    check_client_certificate("none", NULL, NULL, MCP_TLS_FAILED);
    check_client_certificate("by another authority", "MCP_TEST_CLIENT_OTHER_PEM", NULL, MCP_TLS_FAILED);
}

static void invalid_client_certificates_are_rejected(void) {
    mcp_client *client = client_with_token("MCP_TEST_MTLS_URL", "dual");
    const char *certificate = required_env("MCP_TEST_CLIENT_CERT");
    const char *key = required_env("MCP_TEST_CLIENT_KEY");
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

    EXPECT(MCP_OK, error, mcp_set_tls_client_cert_file(client, certificate, key, &error));
    /* mismatched, missing and invalid files are refused, and the valid pair stays */
    EXPECT_KEEP(MCP_INVALID_ARGUMENT, error,
                mcp_set_tls_client_cert_file(client, certificate, required_env("MCP_TEST_CLIENT_RSA_KEY"), &error));
    CHECK(strstr(mcp_error_message(error), certificate) != NULL);
    mcp_error_free(error);
    EXPECT(MCP_INVALID_ARGUMENT, error,
           mcp_set_tls_client_cert_file(client, required_env("MCP_TEST_CLIENT_RSA_CERT"), key, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert_file(client, certificate, NULL, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert_file(client, key, key, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert_file(client, NULL, key, &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert_file(client, certificate, "/nowhere/key.pem", &error));
    EXPECT(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert_file(client, "/nowhere/cert.pem", key, &error));
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_file(path, bad[i]);
        EXPECT_KEEP(MCP_INVALID_ARGUMENT, error, mcp_set_tls_client_cert_file(client, certificate, path, &error));
        CHECK_SAYS(strstr(mcp_error_message(error), path) != NULL, "no path in: %s", mcp_error_message(error));
        mcp_error_free(error);
        unlink(path);
    }
    ping_and_free("the valid pair stays", client, MCP_OK, NULL);

    client = client_with_token("MCP_TEST_MTLS_URL", "dual");
    EXPECT(MCP_OK, error, mcp_set_tls_client_cert_file(client, certificate, key, &error));
    EXPECT(MCP_OK, error, mcp_set_tls_client_cert_file(client, NULL, NULL, &error));
    ping_and_free("the pair is removed", client, MCP_TLS_FAILED, NULL);
}

/* --- Plain http -------------------------------------------------------------------------------------------------- */

/* A proxy that records the first bytes of each connection and responds with 503. */
struct proxy {
    int listener;
    int stop_pipe[2];
    char url[64];
    pthread_t thread;
    size_t connections;
    char received[8192];
};

static void *run_proxy(void *argument) {
    static const char response[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct proxy *proxy = argument;
    struct pollfd fds[2] = {{proxy->listener, POLLIN, 0}, {proxy->stop_pipe[0], POLLIN, 0}};
    for (;;) {
        size_t size = 0;
        ssize_t n;
        int connection;
        must(poll(fds, 2, -1) > 0, "poll");
        /* Pending connections are served before the end, so that all are counted. */
        if ((fds[0].revents & POLLIN) == 0) {
            return NULL;
        }
        connection = accept(proxy->listener, NULL, NULL);
        must(connection >= 0, "accept");
        proxy->connections++;
        do {
            n = recv(connection, proxy->received + size, sizeof proxy->received - 1 - size, 0);
            size += n > 0 ? (size_t)n : 0;
            proxy->received[size] = '\0';
        } while (n > 0 && strstr(proxy->received, "\"jsonrpc\"") == NULL);
        n = send(connection, response, sizeof response - 1, MSG_NOSIGNAL);
        (void)n; /* the client may have disconnected */
        close(connection);
    }
}

static void start_proxy(struct proxy *proxy) {
    uint16_t port;
    memset(proxy, 0, sizeof *proxy);
    proxy->listener = listen_on(&port, 8);
    must(pipe(proxy->stop_pipe) == 0, "pipe");
    snprintf(proxy->url, sizeof proxy->url, "http://127.0.0.1:%u", (unsigned)port);
    proxy->thread = start_thread(run_proxy, proxy);
}

static void stop_proxy(struct proxy *proxy) {
    must(write(proxy->stop_pipe[1], "", 1) == 1, "write");
    join_thread(proxy->thread);
    close(proxy->stop_pipe[0]);
    close(proxy->stop_pipe[1]);
    close(proxy->listener);
}

/* A client whose server is, by its name, another host. */
static mcp_client *client_of_another_host(const struct proxy *proxy, bool require_https, struct warnings *warnings) {
    mcp_client *client = client_at("http://mcp.test:8080/mcp");
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_set_log(client, record_warning, warnings, NULL, &error));
    EXPECT(MCP_OK, error, mcp_set_proxy(client, proxy->url, &error));
    EXPECT(MCP_OK, error, mcp_set_require_https(client, require_https, &error));
    return client;
}

static void give_token(void *userdata, mcp_auth_request *request) {
    mcp_error *error = NULL;
    (void)userdata;
    EXPECT(MCP_OK, error, mcp_auth_request_set_bearer(request, TOKEN, &error));
}

static void require_https_forbids_credentials_over_http(void) {
    struct warnings warnings = {0, ""};
    struct proxy proxy;
    mcp_client *client;
    mcp_error *error = NULL;

    start_proxy(&proxy);
    client = client_of_another_host(&proxy, true, &warnings);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
    ping("token over http", client, MCP_INSECURE, "mcp_set_require_https");
    ping("  again", client, MCP_INSECURE, "mcp.test");
    /* the token may be removed at any time; the key in a header is still forbidden */
    EXPECT(MCP_OK, error, mcp_set_header(client, "X-API-Key", TOKEN, &error));
    EXPECT(MCP_OK, error, mcp_set_bearer(client, NULL, &error));
    ping_and_free("  a key in a header", client, MCP_INSECURE, NULL);

    client = client_of_another_host(&proxy, true, &warnings);
    EXPECT(MCP_OK, error, mcp_set_auth(client, give_token, NULL, NULL, &error));
    ping_and_free("  from a callback", client, MCP_INSECURE, NULL);
    stop_proxy(&proxy);
    CHECK_INT(0, proxy.connections);
    CHECK_INT(0, warnings.count);
}

static void require_https_allows_http_without_credentials(void) {
    struct warnings warnings = {0, ""};
    struct proxy proxy;
    start_proxy(&proxy);
    ping_and_free("no credentials", client_of_another_host(&proxy, true, &warnings), MCP_UNAVAILABLE, NULL);
    stop_proxy(&proxy);
    CHECK(proxy.connections > 0);
    CHECK_SAYS(strstr(proxy.received, "POST http://mcp.test:8080/mcp HTTP/1.1\r\n") == proxy.received, "%s",
               proxy.received);
    CHECK_INT(0, warnings.count);
}

static void credentials_over_http_log_one_warning(void) {
    struct warnings warnings = {0, ""};
    struct proxy proxy;
    mcp_client *client;
    mcp_error *error = NULL;
    start_proxy(&proxy);
    client = client_of_another_host(&proxy, false, &warnings);
    EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
    ping("allowed", client, MCP_UNAVAILABLE, NULL);
    ping_and_free("  again", client, MCP_UNAVAILABLE, NULL);
    stop_proxy(&proxy);
    CHECK_SAYS(strstr(proxy.received, "Bearer " TOKEN) != NULL, "%s", proxy.received); /* shows that the search works */
    CHECK_INT(1, warnings.count);
    CHECK_SAYS(strstr(warnings.last, "mcp.test") != NULL, "%s", warnings.last);
}

static void http_to_this_machine_is_allowed(void) {
    struct warnings warnings = {0, ""};
    const char *colon = strrchr(required_env("MCP_TEST_URL"), ':');
    char named[URL_SIZE];
    const char *urls[2];
    mcp_error *error = NULL;
    size_t i;

    snprintf(named, sizeof named, "http://localhost%s/s/dual/mcp", colon);
    urls[0] = scenario("dual");
    urls[1] = named;
    for (i = 0; i < 2; i++) {
        mcp_client *client = client_at(urls[i]);
        EXPECT(MCP_OK, error, mcp_set_log(client, record_warning, &warnings, NULL, &error));
        EXPECT(MCP_OK, error, mcp_set_bearer(client, TOKEN, &error));
        EXPECT(MCP_OK, error, mcp_set_require_https(client, true, &error));
        ping_and_free("http to this machine", client, MCP_OK, NULL);
    }
    CHECK_INT(0, warnings.count);
}

int main(void) {
    ca_files_are_validated_and_trusted();
    bad_server_certificates_are_refused();
    verification_can_be_disabled();
    client_certificates_are_presented();
    invalid_client_certificates_are_rejected();
    require_https_forbids_credentials_over_http();
    require_https_allows_http_without_credentials();
    credentials_over_http_log_one_warning();
    http_to_this_machine_is_allowed();
    return check_end();
}
