/*
 * A name lookup that never ends. The program brings a getaddrinfo of its own, which the library finds before libc's: it
 * says that it was called, and comes back only when it is let go.
 */
#define _XOPEN_SOURCE 700

#include "check.h"
#include "support.h"

#include <dirent.h>
#include <netdb.h>
#include <sched.h>
#include <unistd.h>

static int called[2], release[2];

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    char byte;
    (void)node, (void)service, (void)hints, (void)result;
    must(write(called[1], "", 1) == 1, "write");
    must(read(release[0], &byte, 1) == 1, "read");
    return EAI_NONAME;
}

static void await_lookup(void) {
    char byte;
    must(read(called[0], &byte, 1) == 1, "read");
}

struct call {
    mcp_client *client;
    mcp_options *options;
    mcp_status expected;
    double ended;
};

static void *ping(void *argument) {
    struct call *call = argument;
    mcp_error *error = NULL;
    EXPECT_KEEP(call->expected, error, mcp_ping(call->client, call->options, &error));
    call->ended = now_ms();
    CHECK(strstr(mcp_error_message(error), "looking up") != NULL);
    mcp_error_free(error);
    return NULL;
}

/* The threads of this process. */
static int threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* "." and ".." */
    must(tasks != NULL, "/proc/self/task");
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

/* A thread that ends is not gone yet: what it has is still in memory. */
static void await_end_of_lookup(void) {
    while (threads() > 1)
        sched_yield();
}

/* A lookup that was given up is let go in the end, and its thread ends. */
static void let_go(void) {
    must(write(release[1], "", 1) == 1, "write");
    await_end_of_lookup();
}

static void cancelled(void) {
    mcp_cancel *cancel = mcp_cancel_new();
    struct call call = {client_at("http://name.invalid/mcp"), mcp_options_new(), MCP_CANCELLED, 0};
    pthread_t thread;
    double at;

    CHECK_INT(MCP_OK, mcp_options_set_cancel(call.options, cancel, NULL));
    thread = start_thread(ping, &call);
    await_lookup();
    at = now_ms();
    mcp_cancel_trigger(cancel);
    join_thread(thread);
    printf("%-22s ended %8.0f us after the trigger\n", "lookup", (call.ended - at) * 1e3);
    mcp_cancel_free(cancel);
    mcp_options_free(call.options);
    mcp_client_free(call.client);
    let_go();
}

static void closed(void) {
    struct call call = {client_at("http://name.invalid/mcp"), NULL, MCP_CLOSED, 0};
    pthread_t thread = start_thread(ping, &call);
    await_lookup();
    CHECK_INT(MCP_OK, mcp_client_close(call.client, NULL, NULL));
    join_thread(thread);
    mcp_client_free(call.client);
    let_go();
}

static void timed_out(void) {
    struct call call = {client_at("http://name.invalid/mcp"), mcp_options_new(), MCP_TIMEOUT, 0};
    CHECK_INT(MCP_OK, mcp_options_set_timeout(call.options, 500, NULL));
    ping(&call);
    await_lookup();
    mcp_options_free(call.options);
    mcp_client_free(call.client);
    let_go();
}

/* However many calls give up waiting for a name, it is asked for once; and the next one gets that answer. */
static void shared(void) {
    struct call call = {client_at("http://name.invalid/mcp"), mcp_options_new(), MCP_TIMEOUT, 0};
    mcp_error *error = NULL;
    CHECK_INT(MCP_OK, mcp_options_set_timeout(call.options, 150, NULL));
    for (int round = 0; round < 10; round++)
        ping(&call);
    await_lookup();
    CHECK_INT(2, threads());
    let_go();
    /* That one failed after everybody had left: it is asked for anew. */
    must(write(release[1], "", 1) == 1, "write");
    EXPECT_KEEP(MCP_RESOLVE_FAILED, error, mcp_ping(call.client, NULL, &error));
    await_lookup();
    mcp_error_free(error);
    mcp_options_free(call.options);
    mcp_client_free(call.client);
    await_end_of_lookup();
}

static void failed(void) {
    mcp_client *client = client_at("http://name.invalid/mcp");
    mcp_error *error = NULL;
    must(write(release[1], "", 1) == 1, "write");
    EXPECT_KEEP(MCP_RESOLVE_FAILED, error, mcp_ping(client, NULL, &error));
    CHECK(strstr(mcp_error_message(error), "name.invalid") != NULL);
    await_lookup();
    mcp_error_free(error);
    mcp_client_free(client);
    await_end_of_lookup();
}

int main(void) {
    must(pipe(called) == 0 && pipe(release) == 0, "pipe");
    cancelled();
    closed();
    timed_out();
    shared();
    failed();
    return check_end();
}
