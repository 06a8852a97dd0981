/*
 * DNS lookups that do not return. The program defines getaddrinfo, which the dynamic linker finds before libc's: it
 * signals that it was called, and returns only when the test allows it.
 */
#define _XOPEN_SOURCE 700

#include "check.h"
#include "support.h"

#include <dirent.h>
#include <netdb.h>
#include <sched.h>
#include <unistd.h>

static int started[2], release[2];

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    char byte;
    (void)node, (void)service, (void)hints, (void)result;
    must(write(started[1], "", 1) == 1, "write");
    must(read(release[0], &byte, 1) == 1, "read");
    return EAI_NONAME;
}

static void await_lookup(void) {
    char byte;
    must(read(started[0], &byte, 1) == 1, "read");
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

/* The number of threads of this process. */
static int thread_count(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* "." and ".." */
    must(tasks != NULL, "/proc/self/task");
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

/* Waits until the lookup's thread has exited and released its memory. */
static void await_end_of_lookup(void) {
    while (thread_count() > 1)
        sched_yield();
}

/* Lets an abandoned lookup return, and waits for the end of its thread. */
static void finish_lookup(void) {
    must(write(release[1], "", 1) == 1, "write");
    await_end_of_lookup();
}

static void cancel_ends_a_waiting_call(void) {
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
    finish_lookup();
}

static void close_ends_a_waiting_call(void) {
    struct call call = {client_at("http://name.invalid/mcp"), NULL, MCP_CLOSED, 0};
    pthread_t thread = start_thread(ping, &call);
    await_lookup();
    CHECK_INT(MCP_OK, mcp_client_close(call.client, NULL, NULL));
    join_thread(thread);
    mcp_client_free(call.client);
    finish_lookup();
}

static void timeout_ends_a_waiting_call(void) {
    struct call call = {client_at("http://name.invalid/mcp"), mcp_options_new(), MCP_TIMEOUT, 0};
    CHECK_INT(MCP_OK, mcp_options_set_timeout(call.options, 500, NULL));
    ping(&call);
    await_lookup();
    mcp_options_free(call.options);
    mcp_client_free(call.client);
    finish_lookup();
}

/* Many calls that time out while waiting for the same name share one lookup. */
static void calls_share_one_lookup(void) {
    struct call call = {client_at("http://name.invalid/mcp"), mcp_options_new(), MCP_TIMEOUT, 0};
    mcp_error *error = NULL;
    CHECK_INT(MCP_OK, mcp_options_set_timeout(call.options, 150, NULL));
    for (int round = 0; round < 10; round++)
        ping(&call);
    await_lookup();
    CHECK_INT(2, thread_count());
    finish_lookup();
    /* That lookup failed when no call waited for it: the next call starts a new one. */
    must(write(release[1], "", 1) == 1, "write");
    EXPECT_KEEP(MCP_RESOLVE_FAILED, error, mcp_ping(call.client, NULL, &error));
    await_lookup();
    mcp_error_free(error);
    mcp_options_free(call.options);
    mcp_client_free(call.client);
    await_end_of_lookup();
}

static void failed_lookups_are_reported(void) {
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
    must(pipe(started) == 0 && pipe(release) == 0, "pipe");
    cancel_ends_a_waiting_call();
    close_ends_a_waiting_call();
    timeout_ends_a_waiting_call();
    calls_share_one_lookup();
    failed_lookups_are_reported();
    return check_end();
}
