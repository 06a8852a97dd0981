/* COUNT additional members: members URL?members=COUNT list COUNT lists tools, and the page has the members; members URL
 * meta COUNT sends them in the "_meta" of a ping.
 * cc -O2 members.c -lmcp */
#include "growth.h"

struct context {
    struct task task;
    mcp_client *client;
    mcp_options *options;
};

static void list(void *place, long number) {
    struct context *context = place;
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    (void)number;
    must(mcp_list_tools(context->client, NULL, &result, &error), &error);
    if (mcp_json_size(result) < (size_t)context->task.count + 1)
        fail("members of the list are missing");
    mcp_json_free(result);
}

/* Sets the members for each call, because an application would. */
static void ping(void *place, long number) {
    struct context *context = place;
    const struct task *task = &context->task;
    mcp_error *error = NULL;
    (void)number;
    must(mcp_options_set_meta(context->options, task->text, task->size, &error), &error);
    must(mcp_ping(context->client, context->options, &error), &error);
}

static void make_meta(struct task *task) {
    char *out = task->text = allocated((size_t)task->count * 40 + 8);
    out += sprintf(out, "{");
    for (long number = 0; number < task->count; number++)
        out += sprintf(out, "%s\"example.com/%ld\":%ld", number ? "," : "", number, number);
    out += sprintf(out, "}");
    task->size = (size_t)(out - task->text);
}

int main(int argc, char **argv) {
    bool is_list = argc > 2 && strcmp(argv[2], "list") == 0;
    if (argc > 2)
        argv[2] = "ping";
    struct context context = {.task = task_of(argc, argv), .options = mcp_options_new()};
    context.client = client_of(&context.task);
    make_meta(&context.task);
    long calls = 100000 / (context.task.count + 100) + 3;
    int result = print_cost(context.task, calls, is_list ? list : ping, &context);
    mcp_options_free(context.options);
    mcp_client_free(context.client);
    return result;
}
