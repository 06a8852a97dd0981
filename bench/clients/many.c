/* Many clients, each with an idle connection: many URL KIND CLIENTS. Prints the memory of the first client (which
 * includes everything that all clients share), and the memory of each other client.
 * cc -O2 many.c -lmcp */
#include <mcp.h>

#include "client.h"

static mcp_client *connected(const char *url) {
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(url, &error);
    if (!client || mcp_ping(client, NULL, &error) != MCP_OK)
        fail(mcp_error_message(error));
    return client;
}

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    if (task.count < 2)
        fail("CLIENTS must be at least 2");
    mcp_client **clients = calloc((size_t)task.count, sizeof *clients);
    if (!clients)
        fail("no memory");
    long start = status_kib("VmRSS");
    clients[0] = connected(task.url);
    long before = status_kib("VmRSS"), files = descriptors();
    for (long number = 1; number < task.count; number++)
        clients[number] = connected(task.url);
    long after = status_kib("VmRSS");
    double others = (double)(task.count - 1);
    printf("{\"clients\": %ld, \"rss_kib\": %ld, \"first_kib\": %ld, \"kib_per_client\": %.1f, \"fds_per_client\": "
           "%.2f}\n",
           task.count, after, before - start, (double)(after - before) / others,
           (double)(descriptors() - files) / others);
    for (long number = 0; number < task.count; number++)
        mcp_client_free(clients[number]);
    free(clients);
    return 0;
}
