/* Very many calls: soak URL KIND CALLS. Prints the CPU time of the first and of the last hundredth, and the growth of
 * memory and descriptors.
 * cc -O2 soak.c -lmcp */
#include <mcp.h>

#include "client.h"

static mcp_client *client;

static double pings(long count) {
    mcp_error *error = NULL;
    double cpu = cpu_us();
    for (long number = 0; number < count; number++)
        if (mcp_ping(client, NULL, &error) != MCP_OK)
            fail(mcp_error_message(error));
    return (cpu_us() - cpu) / (double)count;
}

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    mcp_error *error = NULL;
    client = mcp_client_new(task.url, &error);
    if (!client)
        fail(mcp_error_message(error));
    pings(1000);
    long hundredth = task.count / 100, memory = status_kib("VmRSS"), files = descriptors();
    double first = pings(hundredth);
    pings(task.count - 2 * hundredth);
    double last = pings(hundredth);
    printf("{\"count\": %ld, \"cpu_first_us\": %.3f, \"cpu_last_us\": %.3f, \"rss_kib\": %ld, \"rss_growth_kib\": %ld, "
           "\"fd_growth\": %ld}\n",
           task.count, first, last, memory, status_kib("VmRSS") - memory, descriptors() - files);
    mcp_client_free(client);
    return 0;
}
