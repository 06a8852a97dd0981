/*
 * Faulty responses, and the status that reports each. Each fault occurs in three positions:
 *
 *     first     for every request, from the first one on
 *     legacy    for `ping`, after a successful handshake
 *     modern    for the second `server/discover` and all later requests
 *
 * In each position the call ends within its timeout, and its message names the server's address and never the token.
 * When the server works again, so does the same client.
 */
#include "check.h"
#include "support.h"

#define SECRET "s3cr3t-token"

struct row {
    const char *fault; /* options of the test server */
    mcp_status first, legacy, modern;
    int http_status; /* expected in the error; 0: not checked */
};

#define ALL(status) status, status, status

static const struct row rows[] = {
    /* connections and transferred data */
    {"fault=silent", ALL(MCP_TIMEOUT), 0},
    {"fault=half-head", ALL(MCP_TIMEOUT), 0},
    {"fault=silent-body", ALL(MCP_TIMEOUT), 0},
    {"fault=silent-stream", ALL(MCP_TIMEOUT), 0},
    {"fault=drip", ALL(MCP_TIMEOUT), 0},
    {"fault=eof", ALL(MCP_DISCONNECTED), 0},
    {"fault=reset", ALL(MCP_DISCONNECTED), 0},
    {"fault=cut-head", ALL(MCP_DISCONNECTED), 0},
    {"fault=cut-body", ALL(MCP_TRUNCATED), 0},
    {"fault=cut-chunk", ALL(MCP_TRUNCATED), 0},
    {"fault=cut-stream", ALL(MCP_TRUNCATED), 0},
    {"fault=reset-body", ALL(MCP_TRUNCATED), 0},
    {"fault=header-flood", ALL(MCP_TOO_LARGE), 0},
    {"fault=big-body", ALL(MCP_TOO_LARGE), 0},
    {"fault=big-event", ALL(MCP_TOO_LARGE), 0},
    {"fault=big-content-length", ALL(MCP_TOO_LARGE), 0},

    /* HTTP statuses */
    {"status=400", ALL(MCP_HTTP_ERROR), 400},
    {"status=401", ALL(MCP_UNAUTHORIZED), 401},
    {"status=403", ALL(MCP_FORBIDDEN), 403},
    /* with a session, 404 means that the session is lost; the client re-establishes it once */
    {"status=404", MCP_NOT_FOUND, MCP_SESSION_LOST, MCP_NOT_FOUND, 404},
    {"status=405", ALL(MCP_HTTP_ERROR), 405},
    {"status=407", ALL(MCP_PROXY_AUTH_REQUIRED), 407},
    {"status=408", ALL(MCP_HTTP_ERROR), 408},
    {"status=418", ALL(MCP_HTTP_ERROR), 418},
    {"status=429", ALL(MCP_RATE_LIMITED), 429},
    {"status=500", ALL(MCP_SERVER_ERROR), 500},
    {"status=501", ALL(MCP_SERVER_ERROR), 501},
    {"status=502", ALL(MCP_UNAVAILABLE), 502},
    {"status=503", ALL(MCP_UNAVAILABLE), 503},
    {"status=504", ALL(MCP_UNAVAILABLE), 504},
    {"fault=html-404", MCP_NOT_FOUND, MCP_SESSION_LOST, MCP_NOT_FOUND, 404},
    {"fault=invalid-token", ALL(MCP_UNAUTHORIZED), 401},
    {"scope-missing", ALL(MCP_FORBIDDEN), 403},

    /* bodies */
    {"fault=html", ALL(MCP_UNEXPECTED_CONTENT), 200},
    {"fault=plain", ALL(MCP_UNEXPECTED_CONTENT), 200},
    {"fault=empty", ALL(MCP_UNEXPECTED_CONTENT), 200},
    {"fault=accepted", ALL(MCP_UNEXPECTED_CONTENT), 202},
    {"fault=not-json", ALL(MCP_INVALID_JSON), 0},
    {"fault=bad-utf8", ALL(MCP_INVALID_JSON), 0},

    /* messages */
    {"fault=not-rpc", ALL(MCP_INVALID_MESSAGE), 0},
    {"fault=foreign-id", ALL(MCP_WRONG_ID), 0},
    /* any JSON-RPC response shows that the server is alive, which is what ping checks */
    {"fault=rpc-error", MCP_RPC_ERROR, MCP_OK, MCP_OK, 0},
    {"fault=rpc-error-500", MCP_RPC_ERROR, MCP_OK, MCP_OK, 500},
    {"fault=no-id-error", MCP_RPC_ERROR, MCP_OK, MCP_OK, 0},
    {"fault=secret-echo", MCP_RPC_ERROR, MCP_OK, MCP_OK, 0},

    /* unusual, but not a failure */
    {"fault=close", ALL(MCP_OK), 0},
    {"fault=close-after", ALL(MCP_OK), 0},
    {"fault=stale", ALL(MCP_OK), 0},
    {"fault=string-id", ALL(MCP_OK), 0}, /* the id as a string, which is still unambiguous */
    {"fault=two-answers", ALL(MCP_OK), 0},
    {"fault=continue-100", ALL(MCP_OK), 0},
    {"fault=late", ALL(MCP_OK), 0},
};

/* Makes one call under a fault and checks it. */
static void ping(mcp_client *client, const struct row *row, const char *where, mcp_status expected) {
    enum { TIMEOUT_MS = 1000 };
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    struct delays before;
    double start, took;
    mcp_status status;

    /* large responses take long under valgrind */
    unsigned timeout_ms = expected == MCP_TIMEOUT ? TIMEOUT_MS : 20 * TIMEOUT_MS;
    mcp_options_set_timeout(options, timeout_ms, NULL);
    note_delays(&before);
    start = now_ms();
    status = mcp_ping(client, options, &error);
    took = now_ms() - start;
    CHECK_SAYS(status == expected, "%s, %s: expected %s\n    got %s: %s", row->fault, where, mcp_status_name(expected),
               mcp_status_name(status), mcp_error_message(error));
    CHECK_SAYS(took < timeout_ms + allowed_ms(1000, &before), "%s, %s: took %.0f ms", row->fault, where, took);
    if (status != MCP_OK) {
        const char *message = mcp_error_message(error);
        CHECK_SAYS(strstr(message, "127.0.0.1") != NULL, "%s, %s: %s", row->fault, where, message);
        CHECK_SAYS(strstr(message, SECRET) == NULL, "%s, %s: %s", row->fault, where, message);
        if (row->http_status != 0) {
            CHECK_SAYS(mcp_error_http_status(error) == row->http_status, "%s, %s: HTTP status %d", row->fault, where,
                       (int)mcp_error_http_status(error));
        }
    }
    mcp_error_free(error);
    mcp_options_free(options);
}

/* The fault ends after a few requests, and then the client must work again. */
static void client_recovers(mcp_client *client, const struct row *row, const char *where) {
    mcp_status status = MCP_INTERNAL;
    int attempt;
    for (attempt = 0; attempt < 6 && status != MCP_OK; attempt++) {
        mcp_options *options = mcp_options_new();
        mcp_options_set_timeout(options, 1000, NULL);
        status = mcp_ping(client, options, NULL);
        mcp_options_free(options);
    }
    CHECK_SAYS(status == MCP_OK, "%s, %s: the client does not recover: %s", row->fault, where, mcp_status_name(status));
}

static mcp_client *client_with_secret(const char *format, const char *fault) {
    char options[256];
    mcp_client *client;
    snprintf(options, sizeof options, format, fault);
    client = client_for(options);
    must(mcp_set_bearer(client, SECRET, NULL) == MCP_OK, "mcp_set_bearer");
    return client;
}

/* The server sends 64 MiB. */
static bool is_large(const struct row *row) {
    return strcmp(row->fault, "fault=big-body") == 0 || strcmp(row->fault, "fault=big-event") == 0;
}

int main(int argc, char **argv) {
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        mcp_client *client;
        if (argc > 1 && strcmp(argv[1], "--brief") == 0) {
            if (is_large(row)) {
                printf("%s: skipped, because it would take minutes under valgrind\n", row->fault);
                continue;
            }
        } else if (argc > 1 && strcmp(argv[1], row->fault) != 0) {
            continue; /* `statuses fault=eof` runs one row */
        }

        client = client_with_secret("dual+%s", row->fault);
        ping(client, row, "first", row->first);
        dispose(client);

        /* a retryable request is sent twice if an idle connection breaks, so the fault must occur twice */
        client = client_with_secret("legacy+%s+when=ping+times=2+tag=statuses", row->fault);
        ping(client, row, "legacy", row->legacy);
        client_recovers(client, row, "legacy");
        dispose(client);

        /* a response that no modern server sends makes the client negotiate again, so initialize must fail too */
        client = client_with_secret("modern+%s+when=server/discover,initialize+after=1+tag=statuses", row->fault);
        CHECK_INT(MCP_OK, mcp_connect(client, NULL, NULL));
        ping(client, row, "modern", row->modern);
        dispose(client);

        client = client_with_secret("modern+%s+when=server/discover+after=1+times=1+tag=statuses", row->fault);
        CHECK_INT(MCP_OK, mcp_connect(client, NULL, NULL));
        client_recovers(client, row, "modern");
        dispose(client);
    }
    return check_end();
}
