/* Many threads on one client: threads URL KIND CALLS. One thread makes CALLS calls, then 64 threads share CALLS calls.
 * cc -O2 -pthread threads.c -lmcp */
#include <mcp.h>
#include <pthread.h>

#include "client.h"

enum { THREADS = 64 };

struct cost {
    double cpu_us, wall_us;
};

static mcp_client *client;
static long share;

static void *run(void *unused) {
    mcp_error *error = NULL;
    for (long number = 0; number < share; number++)
        if (mcp_ping(client, NULL, &error) != MCP_OK)
            fail(mcp_error_message(error));
    return unused;
}

static void run_all(int count, long calls) {
    pthread_t threads[THREADS];
    share = calls / count;
    for (int number = 0; number < count; number++)
        if (pthread_create(&threads[number], NULL, run, NULL) != 0)
            fail("cannot start a thread");
    for (int number = 0; number < count; number++)
        pthread_join(threads[number], NULL);
}

/* The cost per call when `count` threads share `calls`. */
static struct cost measured(int count, long calls) {
    run_all(count, 10 * count);
    double cpu = cpu_us();
    long long wall = now_ns();
    run_all(count, calls);
    wall = now_ns() - wall;
    cpu = cpu_us() - cpu;
    double made = (double)(calls / count * count);
    return (struct cost){cpu / made, (double)wall / 1e3 / made};
}

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    if (task.count < THREADS)
        fail("CALLS must be at least the number of threads, 64");
    mcp_error *error = NULL;
    client = mcp_client_new(task.url, &error);
    if (!client)
        fail(mcp_error_message(error));
    struct cost alone = measured(1, task.count), together = measured(THREADS, task.count);
    printf("{\"count\": %ld, \"cpu_us\": %.3f, \"wall_us\": %.3f, \"calls_per_s\": %.0f, \"alone_cpu_us\": %.3f, "
           "\"alone_calls_per_s\": %.0f, \"rss_kib\": %ld}\n",
           task.count / THREADS * THREADS, together.cpu_us, together.wall_us, 1e6 / together.wall_us, alone.cpu_us,
           1e6 / alone.wall_us, status_kib("VmRSS"));
    mcp_client_free(client);
    return 0;
}
