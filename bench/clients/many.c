/* Many clients, each with an idle connection: many URL KIND CLIENTS. */
#include <mcp.h>

#include "client.h"

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    mcp_error *error = NULL;
    mcp_client **clients = calloc((size_t)task.count, sizeof *clients);
    if (!clients)
        fail("no memory");
    long before = 0;
    for (long number = 0; number < task.count; number++) {
        clients[number] = mcp_client_new(task.url, &error);
        if (!clients[number] || mcp_ping(clients[number], NULL, &error) != MCP_OK)
            fail(mcp_error_message(error));
        /* The first one brings what all share. */
        if (number == 0)
            before = status_kib("VmRSS");
    }
    double each = (double)(status_kib("VmRSS") - before) / (double)(task.count - 1);
    printf("{\"clients\": %ld, \"rss_kib\": %ld, \"kib_per_client\": %.1f}\n", task.count, status_kib("VmRSS"), each);
    for (long number = 0; number < task.count; number++)
        mcp_client_free(clients[number]);
    free(clients);
    return 0;
}
