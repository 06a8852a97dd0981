/* The client that uses libmcp: cc -O2 libmcp.c -lmcp */
#include <mcp.h>

#include "client.h"

struct context {
    struct task task;
    mcp_client *client;
    char *text;
};

/* Gets the address of the error pointer: an argument `error` could be evaluated before the call that sets it. */
static void must(mcp_status status, mcp_error **error) {
    if (status != MCP_OK)
        fail(mcp_error_message(*error));
}

static void ping(struct context *context) {
    mcp_error *error = NULL;
    must(mcp_ping(context->client, NULL, &error), &error);
}

static void echo(struct context *context, long number) {
    const struct task *task = &context->task;
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    size_t size = 0;
    must(mcp_call_tool(context->client, "echo", task->arguments, task->arguments_size, NULL, &result, &error), &error);
    const mcp_json *text = mcp_json_at(result, "/content/0/text");
    must(mcp_json_copy_string(text, context->text, task->size * 2 + 1, &size, &error), &error);
    check_text(task, context->text, size, number);
    mcp_json_free(result);
}

static void call(void *place, long number) {
    struct context *context = place;
    if (context->task.size == 0)
        ping(context);
    else
        echo(context, number);
}

int main(int argc, char **argv) {
    struct context context = {task_of(argc, argv), NULL, NULL};
    mcp_error *error = NULL;
    context.client = mcp_client_new(context.task.url, &error);
    context.text = malloc(context.task.size * 2 + 1);
    if (!context.client || !context.text)
        fail(mcp_error_message(error));
    if (context.task.authority)
        must(mcp_set_tls_ca_file(context.client, context.task.authority, &error), &error);
    int result = measure(&context.task, call, &context);
    mcp_client_free(context.client);
    return result;
}
