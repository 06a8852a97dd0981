/* Many threads that share one client. */
#define _XOPEN_SOURCE 700 /* barriers */

#include "check.h"
#include "support.h"

enum { THREADS = 64 };

struct call {
    mcp_client *client;
    mcp_status (*function)(mcp_client *, const mcp_options *, mcp_error **);
    pthread_barrier_t *start;
    uint64_t timeout_ms;
    mcp_status status;
    double took;
};

static void *run(void *argument) {
    struct call *call = argument;
    mcp_options *options = mcp_options_new();
    mcp_error *error = NULL;
    double start;
    if (call->timeout_ms > 0) {
        mcp_options_set_timeout(options, call->timeout_ms, NULL);
    }
    pthread_barrier_wait(call->start);
    start = now_ms();
    call->status = call->function(call->client, options, &error);
    call->took = now_ms() - start;
    CHECK_SAYS((error == NULL) == (call->status == MCP_OK), "%s", mcp_error_message(error));
    mcp_error_free(error);
    mcp_options_free(options);
    return NULL;
}

/* Calls a function on a client from 64 threads at once. */
static void all_at_once(mcp_client *client, mcp_status (*function)(mcp_client *, const mcp_options *, mcp_error **),
                        uint64_t timeout_ms, struct call calls[THREADS]) {
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    size_t i;
    pthread_barrier_init(&start, NULL, THREADS);
    for (i = 0; i < THREADS; i++) {
        struct call call = {client, function, &start, timeout_ms, MCP_INTERNAL, 0};
        calls[i] = call;
        threads[i] = start_thread(run, &calls[i]);
    }
    for (i = 0; i < THREADS; i++) {
        join_thread(threads[i]);
    }
    pthread_barrier_destroy(&start);
}

static void threads_share_one_negotiation(const char *era, size_t discovers, size_t initializes) {
    struct call calls[THREADS];
    char tag[64], options[128];
    mcp_client *client;
    mcp_json *log;
    size_t i;

    snprintf(tag, sizeof tag, "threads-%s", era);
    snprintf(options, sizeof options, "%s+tag=%s", era, tag);
    client = client_for(options);
    all_at_once(client, mcp_connect, 0, calls);
    for (i = 0; i < THREADS; i++) {
        CHECK_INT(MCP_OK, calls[i].status);
    }
    log = server_log(tag);
    CHECK_INT(discovers, count_requests(log, "server/discover"));
    CHECK_INT(initializes, count_requests(log, "initialize"));
    CHECK_INT(initializes, count_requests(log, "notifications/initialized"));
    mcp_json_free(log);

    all_at_once(client, mcp_ping, 0, calls);
    for (i = 0; i < THREADS; i++) {
        CHECK_INT(MCP_OK, calls[i].status);
    }
    log = server_log(tag);
    CHECK_INT(initializes, count_requests(log, "initialize"));
    CHECK_INT(THREADS,
              initializes > 0 ? count_requests(log, "ping") : count_requests(log, "server/discover") - discovers);
    mcp_json_free(log);
    dispose(client);
}

/* The first calls are pings on 64 threads: the server gets one initialize request. */
static void first_pings_share_one_negotiation(void) {
    struct call calls[THREADS];
    mcp_client *client = client_for("legacy+tag=threads-pings");
    mcp_json *log;
    size_t i;
    all_at_once(client, mcp_ping, 0, calls);
    for (i = 0; i < THREADS; i++) {
        CHECK_INT(MCP_OK, calls[i].status);
    }
    log = server_log("threads-pings");
    CHECK_INT(1, count_requests(log, "server/discover"));
    CHECK_INT(1, count_requests(log, "initialize"));
    CHECK_INT(THREADS, count_requests(log, "ping"));
    mcp_json_free(log);
    dispose(client);
}

/* Threads that wait for another thread's negotiation have their own timeouts. */
static void waiting_threads_have_their_own_timeouts(void) {
    struct call calls[THREADS];
    mcp_client *client = client_for("dual+fault=silent");
    double worst = 0;
    size_t i;
    all_at_once(client, mcp_ping, 400, calls);
    for (i = 0; i < THREADS; i++) {
        CHECK_INT(MCP_TIMEOUT, calls[i].status);
        worst = calls[i].took > worst ? calls[i].took : worst;
    }
    printf("a timeout of 400 ms in 64 threads: the last ended after %.0f ms\n", worst);
    CHECK_SAYS(worst < 2500, "%.0f ms", worst);
    dispose(client);
}

/* Each thread gets MCP_UNAUTHORIZED, not only the one that negotiated. */
static void refused_tokens_fail_in_all_threads(void) {
    struct call calls[THREADS];
    mcp_client *client = client_for("dual+bearer=right-token");
    size_t i;
    CHECK_INT(MCP_OK, mcp_set_bearer(client, "wrong-token", NULL));
    all_at_once(client, mcp_ping, 0, calls);
    for (i = 0; i < THREADS; i++) {
        CHECK_INT(MCP_UNAUTHORIZED, calls[i].status);
    }
    CHECK_INT(MCP_OK, mcp_set_bearer(client, "right-token", NULL));
    all_at_once(client, mcp_ping, 0, calls);
    for (i = 0; i < THREADS; i++) {
        CHECK_INT(MCP_OK, calls[i].status);
    }
    dispose(client);
}

/* The settings change while calls run. The server accepts both tokens. */
static volatile int stop;

static void *change_settings(void *argument) {
    mcp_client *client = argument;
    unsigned n = 0;
    while (!__sync_fetch_and_add(&stop, 0)) {
        CHECK_INT(MCP_OK, mcp_set_bearer(client, n % 2 ? "token-a" : "token-b", NULL));
        CHECK_INT(MCP_OK, mcp_set_header(client, "X-Rotating", n % 2 ? "a" : NULL, NULL));
        CHECK_INT(MCP_OK, mcp_set_timeout(client, n % 2 ? 10000 : 20000, NULL));
        n++;
        sleep_ms(1);
    }
    return NULL;
}

static void *ping_often(void *argument) {
    int i;
    for (i = 0; i < 100; i++) {
        CHECK_INT(MCP_OK, mcp_ping(argument, NULL, NULL));
    }
    return NULL;
}

static void settings_may_change_during_calls(void) {
    mcp_client *client = client_for("dual+tag=threads-rotating");
    pthread_t changer = start_thread(change_settings, client), threads[4];
    mcp_json *log;
    const mcp_json *request;
    size_t i;
    for (i = 0; i < 4; i++) {
        threads[i] = start_thread(ping_often, client);
    }
    for (i = 0; i < 4; i++) {
        join_thread(threads[i]);
    }
    __sync_fetch_and_add(&stop, 1);
    join_thread(changer);
    dispose(client);
    log = server_log("threads-rotating");
    for (request = mcp_json_first(log); request != NULL; request = mcp_json_next(request)) {
        const char *value = header_of(request, "authorization");
        CHECK(value == NULL || strcmp(value, "Bearer token-a") == 0 || strcmp(value, "Bearer token-b") == 0);
    }
    mcp_json_free(log);
}

int main(void) {
    threads_share_one_negotiation("modern", 1, 0);
    threads_share_one_negotiation("dual", 1, 0);
    threads_share_one_negotiation("legacy", 1, 1);
    first_pings_share_one_negotiation();
    waiting_threads_have_their_own_timeouts();
    refused_tokens_fail_in_all_threads();
    settings_may_change_during_calls();
    return check_end();
}
