/* Progress notifications while COUNT calls are in flight, on one connection: in_flight URL SERVER COUNT. SERVER is
 * stdio_server.c; the URL is not used. Prints the CPU time per notification, all threads of the process together.
 * cc -O2 -pthread in_flight.c -lmcp */
#include <pthread.h>
#include <stdatomic.h>

#include "growth.h"

enum { NOTIFICATIONS = 100000, STACK = 256 * 1024 };

static mcp_client *client;
static char arguments[64];
static atomic_long received, returned;
static _Atomic double first, last;

static bool on_progress(void *userdata, double progress, double total, const char *message) {
    (void)userdata, (void)progress, (void)total, (void)message;
    if (atomic_fetch_add(&received, 1) == 0)
        first = cpu_us();
    return true;
}

static void *call(void *options) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    must(mcp_call_tool(client, "wait", arguments, MCP_NUL_TERMINATED, options, &result, &error), &error);
    /* The server responds after all notifications. */
    if (atomic_fetch_add(&returned, 1) == 0)
        last = cpu_us();
    mcp_json_free(result);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 4)
        fail("usage: in_flight URL SERVER COUNT");
    const char *command[] = {argv[2], NULL};
    long count = atol(argv[3]);
    mcp_error *error = NULL;
    mcp_options *options = mcp_options_new();
    client = mcp_client_new_stdio(command, &error);
    if (!client)
        fail(mcp_error_message(error));
    must(mcp_options_set_progress(options, on_progress, NULL, NULL, &error), &error);
    must(mcp_connect(client, NULL, &error), &error);
    sprintf(arguments, "{\"calls\":%ld,\"events\":%d}", count, NOTIFICATIONS);
    pthread_t *threads = allocated((size_t)count * sizeof *threads);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    for (long number = 0; number < count; number++)
        if (pthread_create(&threads[number], &attributes, call, options) != 0)
            fail("cannot start a thread");
    for (long number = 0; number < count; number++)
        pthread_join(threads[number], NULL);
    if (received < NOTIFICATIONS)
        fprintf(stderr, "%ld of %d notifications were received\n", received, NOTIFICATIONS);
    printf("{\"cpu_us\": %.3f, \"received\": %ld}\n", (last - first) / NOTIFICATIONS, received);
    mcp_client_free(client);
    mcp_options_free(options);
    return 0;
}
