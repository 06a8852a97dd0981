/* Many threads on one client: threads URL KIND CALLS, which 64 threads share. */
#include <mcp.h>
#include <pthread.h>

#include "client.h"

enum { THREADS = 64 };

static mcp_client *client;
static long share;

static void *run(void *unused) {
    mcp_error *error = NULL;
    for (long number = 0; number < share; number++)
        if (mcp_ping(client, NULL, &error) != MCP_OK)
            fail(mcp_error_message(error));
    return unused;
}

static void run_all(long calls) {
    pthread_t threads[THREADS];
    share = calls;
    for (int number = 0; number < THREADS; number++)
        if (pthread_create(&threads[number], NULL, run, NULL) != 0)
            fail("cannot start a thread");
    for (int number = 0; number < THREADS; number++)
        pthread_join(threads[number], NULL);
}

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    mcp_error *error = NULL;
    client = mcp_client_new(task.url, &error);
    if (!client)
        fail(mcp_error_message(error));
    run_all(10);
    double cpu = cpu_us();
    long long wall = now_ns();
    run_all(task.count / THREADS);
    long calls = task.count / THREADS * THREADS;
    printf("{\"count\": %ld, \"cpu_us\": %.3f, \"wall_us\": %.3f, \"rss_kib\": %ld}\n", calls, (cpu_us() - cpu) / calls,
           (now_ns() - wall) / 1e3 / calls, status_kib("VmRSS"));
    mcp_client_free(client);
    return 0;
}
