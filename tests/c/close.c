/* mcp_client_close ends the calls in progress and the session at the server; later calls fail with MCP_CLOSED. */
#include "check.h"
#include "support.h"

enum { BOUND_MS = 1000 };

struct call {
    mcp_client *client;
    mcp_status status;
    double end, allowed;
    const struct delays *before; /* recorded just before the close */
};

static void *ping(void *argument) {
    struct call *call = argument;
    call->status = mcp_ping(call->client, NULL, NULL);
    call->end = now_ms();
    /* On this thread: when it ends, its delays disappear from /proc. */
    call->allowed = allowed_ms(BOUND_MS, call->before);
    return NULL;
}

static void *close_client(void *argument) {
    struct call *call = argument;
    call->status = mcp_client_close(call->client, NULL, NULL);
    return NULL;
}

/* Closes a client while four calls wait for a server with this fault. */
static void close_ends_waiting_calls(const char *phase, const char *options, bool connected) {
    mcp_client *client = client_for(options);
    struct call calls[4];
    pthread_t threads[4];
    mcp_error *error = NULL;
    struct delays before = {.count = 0};
    double start, worst = 0;
    size_t i;

    if (connected) {
        EXPECT(MCP_OK, error, mcp_connect(client, NULL, &error));
    }
    for (i = 0; i < 4; i++) {
        calls[i].client = client;
        calls[i].before = &before;
        threads[i] = start_thread(ping, &calls[i]);
    }
    await_polling(4);
    note_delays(&before);
    start = now_ms();
    {
        mcp_options *brief = mcp_options_new();
        mcp_options_set_timeout(brief, 1000, NULL);
        mcp_client_close(client, brief, NULL); /* DELETE may fail on such a server, which is not checked here */
        mcp_options_free(brief);
    }
    for (i = 0; i < 4; i++) {
        join_thread(threads[i]);
        CHECK_SAYS(calls[i].status == MCP_CLOSED, "%s: %s", phase, mcp_status_name(calls[i].status));
        CHECK_SAYS(calls[i].end - start < calls[i].allowed, "%s: %.0f of %.0f ms", phase, calls[i].end - start,
                   calls[i].allowed);
        worst = calls[i].end - start > worst ? calls[i].end - start : worst;
    }
    printf("%-14s the last of 4 calls ended %6.2f ms after the close\n", phase, worst);

    EXPECT(MCP_CLOSED, error, mcp_ping(client, NULL, &error));
    mcp_client_free(client);
}

static void calls_after_close_fail(const char *options) {
    mcp_client *client = client_for(options);
    mcp_error *error = NULL;
    mcp_json *info = NULL;

    EXPECT(MCP_OK, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_ping(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_connect(client, NULL, &error));
    EXPECT(MCP_CLOSED, error, mcp_server_info(client, NULL, &info, &error));
    CHECK(info == NULL);
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error)); /* closing twice is allowed */
    mcp_client_free(client);
}

static void close_ends_the_session(void) {
    mcp_json *log;
    calls_after_close_fail("legacy+tag=close-legacy");
    log = server_log("close-legacy");
    CHECK_INT(1, count_requests(log, "DELETE")); /* the session is ended once */
    mcp_json_free(log);

    calls_after_close_fail("legacy+stateless+tag=close-stateless");
    log = server_log("close-stateless");
    CHECK_INT(0, count_requests(log, "DELETE")); /* there is no session */
    mcp_json_free(log);

    calls_after_close_fail("modern+tag=close-modern");
    log = server_log("close-modern");
    CHECK_INT(0, count_requests(log, "DELETE"));
    mcp_json_free(log);
}

static void unused_clients_close_without_a_request(void) {
    mcp_client *client = client_at("http://127.0.0.1:9/mcp");
    mcp_error *error = NULL;
    EXPECT(MCP_OK, error, mcp_client_close(client, NULL, &error)); /* nothing is sent */
    EXPECT(MCP_CLOSED, error, mcp_ping(client, NULL, &error));
    mcp_client_free(client);
    mcp_client_free(client_at("http://127.0.0.1:9/mcp")); /* without close */
}

static void many_threads_may_close(void) {
    struct call calls[8];
    pthread_t threads[8];
    mcp_client *client = client_for("legacy+tag=close-many");
    mcp_json *log;
    size_t i;

    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    for (i = 0; i < 8; i++) {
        calls[i].client = client;
        threads[i] = start_thread(close_client, &calls[i]);
    }
    for (i = 0; i < 8; i++) {
        join_thread(threads[i]);
        CHECK_INT(MCP_OK, calls[i].status);
    }
    mcp_client_free(client);
    log = server_log("close-many");
    CHECK_INT(1, count_requests(log, "DELETE"));
    mcp_json_free(log);
}

/* Ending the session takes no longer than the timeout. */
static void close_obeys_its_timeout(void) {
    mcp_client *client = client_for("legacy+fault=silent+when=DELETE");
    mcp_options *options = mcp_options_new();
    struct delays before;
    double start, took;
    CHECK_INT(MCP_OK, mcp_ping(client, NULL, NULL));
    CHECK_INT(MCP_OK, mcp_options_set_timeout(options, 200, NULL));
    note_delays(&before);
    start = now_ms();
    mcp_client_close(client, options, NULL);
    took = now_ms() - start;
    CHECK_SAYS(took < allowed_ms(1500, &before), "the close took %.0f ms", took);
    mcp_options_free(options);
    mcp_client_free(client);
}

int main(void) {
    close_ends_waiting_calls("negotiation", "dual+fault=silent", false);
    close_ends_waiting_calls("headers", "legacy+fault=silent+when=ping", true);
    close_ends_waiting_calls("body", "legacy+fault=silent-body+when=ping", true);
    close_ends_waiting_calls("stream", "legacy+fault=silent-stream+when=ping", true);
    close_ends_waiting_calls("modern", "modern+fault=silent+when=server/discover+after=1", true);
    close_ends_the_session();
    unused_clients_close_without_a_request();
    many_threads_may_close();
    close_obeys_its_timeout();
    return check_end();
}
