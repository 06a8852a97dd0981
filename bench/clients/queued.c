/* Calls of a queue against blocking calls: queued URL KIND CALLS. CALLS pings with 1 and with 16 in flight: on as many
 * blocking threads, and then from one loop, which waits in poll and submits a ping for each that has ended.
 * cc -O2 -pthread queued.c -lmcp */
#include <mcp.h>
#include <poll.h>
#include <pthread.h>

#include "client.h"

enum { MANY = 16 };

struct cost {
    double cpu_us, wall_us;
};

static mcp_client *client;
static long left; /* pings that were not begun yet */

/* --- Blocking ----------------------------------------------------------------------------------------------------- */

static void *ping(void *unused) {
    mcp_error *error = NULL;
    while (__atomic_fetch_sub(&left, 1, __ATOMIC_RELAXED) > 0)
        if (mcp_ping(client, NULL, &error) != MCP_OK)
            fail(mcp_error_message(error));
    return unused;
}

static void block(int in_flight, long calls) {
    pthread_t threads[MANY];
    left = calls;
    for (int number = 0; number < in_flight; number++)
        if (pthread_create(&threads[number], NULL, ping, NULL) != 0)
            fail("cannot start a thread");
    for (int number = 0; number < in_flight; number++)
        pthread_join(threads[number], NULL);
}

/* --- In a queue --------------------------------------------------------------------------------------------------- */

static mcp_queue *queue;
static mcp_options *options;

static void submit(void) {
    if (left-- > 0 && mcp_ping(client, options, NULL) != MCP_PENDING)
        fail("a ping was not submitted");
}

static void on_done(void *unused, int32_t status, const mcp_json *result, const mcp_error *error) {
    (void)unused, (void)result;
    if (status != MCP_OK)
        fail(mcp_error_message(error));
    submit();
}

static void loop(int in_flight, long calls) {
    struct pollfd polled = {.fd = mcp_queue_fd(queue), .events = POLLIN};
    left = calls;
    for (int number = 0; number < in_flight; number++)
        submit();
    while (mcp_queue_pending(queue) > 0)
        if (poll(&polled, 1, -1) == 1)
            mcp_queue_dispatch(queue, 0, NULL);
}

/* The cost per call. */
static struct cost measured(void (*run)(int, long), int in_flight, long calls) {
    run(in_flight, 10L * in_flight);
    double cpu = cpu_us();
    long long wall = now_ns();
    run(in_flight, calls);
    wall = now_ns() - wall;
    cpu = cpu_us() - cpu;
    return (struct cost){cpu / (double)calls, (double)wall / 1e3 / (double)calls};
}

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    mcp_error *error = NULL;
    client = mcp_client_new(task.url, &error);
    queue = client ? mcp_queue_new(&error) : NULL;
    if (!queue)
        fail(mcp_error_message(error));
    options = mcp_options_new();
    mcp_options_set_queue(options, queue, on_done, NULL, NULL, NULL);
    struct cost one = measured(block, 1, task.count), one_queued = measured(loop, 1, task.count);
    struct cost many = measured(block, MANY, task.count), many_queued = measured(loop, MANY, task.count);
    printf("{\"count\": %ld, \"cpu_us\": %.3f, \"wall_us\": %.3f, \"one_cpu\": %.3f, \"one_wall\": %.3f, \"many_cpu\": "
           "%.3f, \"many_wall\": %.3f, \"rss_kib\": %ld}\n",
           task.count, many_queued.cpu_us, many_queued.wall_us, one_queued.cpu_us / one.cpu_us,
           one_queued.wall_us / one.wall_us, many_queued.cpu_us / many.cpu_us, many_queued.wall_us / many.wall_us,
           status_kib("VmRSS"));
    mcp_options_free(options);
    mcp_queue_free(queue);
    mcp_client_free(client);
    return 0;
}
