/*
 * epoll: many tool calls at the same time, in the loop of a server program.
 *
 *     epoll URL TOOL COUNT
 *
 * Each call has an object with what the program needs to go on; it is freed when the call has ended, in any way.
 */
#include <mcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct order {
    int number;
};

static int failed;

static void on_answer(void *data, int32_t status, const mcp_json *result, const mcp_error *error) {
    const struct order *order = data;
    if (status == MCP_OK && !mcp_tool_result_is_error(result)) {
        printf("%d: %s\n", order->number, mcp_tool_result_text(result));
    } else {
        failed++;
        printf("%d: %s\n", order->number, status == MCP_OK ? mcp_tool_result_text(result) : mcp_error_message(error));
    }
}

static void submit(mcp_client *client, mcp_queue *queue, const char *tool, int number) {
    struct order *order = malloc(sizeof *order);
    mcp_options *options = mcp_options_new();
    if (!order)
        abort();
    order->number = number;
    mcp_options_set_queue(options, queue, on_answer, order, free, NULL);
    mcp_call_tool(client, tool, NULL, 0, options, NULL, NULL);
    mcp_options_free(options);
}

int main(int argc, char **argv) {
    struct epoll_event event = {.events = EPOLLIN};
    mcp_error *error = NULL;
    mcp_queue *queue;
    mcp_client *client;
    int loop;
    if (argc != 4) {
        fprintf(stderr, "usage: epoll URL TOOL COUNT\n");
        return 2;
    }
    queue = mcp_queue_new(&error);
    client = queue ? mcp_client_new(argv[1], &error) : NULL;
    if (!client) {
        fprintf(stderr, "%s\n", mcp_error_message(error));
        return 1;
    }
    for (int i = 0; i < atoi(argv[3]); i++)
        submit(client, queue, argv[2], i);

    /* The program's loop. It would wait for other descriptors as well. */
    loop = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(loop, EPOLL_CTL_ADD, mcp_queue_fd(queue), &event);
    while (mcp_queue_pending(queue) > 0 && epoll_wait(loop, &event, 1, -1) > 0)
        mcp_queue_dispatch(queue, 0, NULL);

    close(loop);
    mcp_queue_free(queue);
    mcp_client_free(client);
    return failed > 0;
}
