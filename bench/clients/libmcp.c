/* The client that uses libmcp: cc -O2 libmcp.c -lmcp */
#include <mcp.h>

#include "client.h"

struct context {
    struct task task;
    mcp_client *client;
    char *text;
    /* The options of a call that reports progress, and the last progress. */
    mcp_options *progress;
    long last_progress;
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
    const mcp_json *text = mcp_json_pointer(result, "/content/0/text");
    must(mcp_json_copy_string(text, context->text, task->size * 2 + 1, &size, &error), &error);
    check_text(task, context->text, size, number);
    mcp_json_free(result);
}

static void add_member(struct tally *tally, const mcp_json *tool, const char *name) {
    const char *string = mcp_json_string(mcp_json_member(tool, name));
    if (!string)
        fail("a tool has no name or no description");
    add_string(tally, string, strlen(string));
}

static void tools(struct context *context) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    struct tally tally = {0, 0, 0};
    must(mcp_list_tools(context->client, NULL, &result, &error), &error);
    const mcp_json *tool = mcp_json_first(mcp_json_member(result, "tools"));
    for (; tool; tool = mcp_json_next(tool)) {
        add_member(&tally, tool, "name");
        add_member(&tally, tool, "description");
        tally.tools++;
    }
    check_tools(&context->task, &tally);
    mcp_json_free(result);
}

static bool on_progress(void *last, double progress, double total, const char *message) {
    (void)total, (void)message;
    check_progress(last, progress);
    return true;
}

static void events(struct context *context) {
    const struct task *task = &context->task;
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    context->last_progress = 0;
    must(mcp_call_tool(context->client, task->tool, task->arguments, task->arguments_size, context->progress, &result,
                       &error),
         &error);
    check_events(context->last_progress);
    mcp_json_free(result);
}

static void call(void *place, long number) {
    struct context *context = place;
    switch (context->task.what) {
    case PING:
        return ping(context);
    case ECHO:
        return echo(context, number);
    case TOOLS:
        return tools(context);
    case EVENT_STREAM:
        return events(context);
    }
}

int main(int argc, char **argv) {
    struct context context = {.task = task_of(argc, argv), .progress = mcp_options_new()};
    mcp_error *error = NULL;
    context.client = mcp_client_new(context.task.url, &error);
    context.text = allocated(context.task.size * 2 + 1);
    if (!context.client)
        fail(mcp_error_message(error));
    must(mcp_options_set_progress(context.progress, on_progress, &context.last_progress, NULL, &error), &error);
    if (context.task.authority)
        must(mcp_set_tls_ca_file(context.client, context.task.authority, &error), &error);
    int result = measure(&context.task, call, &context);
    mcp_client_free(context.client);
    mcp_options_free(context.progress);
    return result;
}
