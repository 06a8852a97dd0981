/* A server process that writes COUNT blank lines before its response: blank_lines URL SERVER COUNT. SERVER is
 * stdio_server.c; the URL is not used.
 * cc -O2 blank_lines.c -lmcp */
#include "growth.h"

static char arguments[64];

static void call(void *client, long number) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    (void)number;
    must(mcp_call_tool(client, "blank", arguments, MCP_NUL_TERMINATED, NULL, &result, &error), &error);
    mcp_json_free(result);
}

int main(int argc, char **argv) {
    if (argc < 4)
        fail("usage: blank_lines URL SERVER COUNT");
    const char *command[] = {argv[2], NULL};
    argv[2] = "ping";
    struct task task = task_of(argc, argv);
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new_stdio(command, &error);
    if (!client)
        fail(mcp_error_message(error));
    sprintf(arguments, "{\"bytes\":%ld}", task.count);
    int result = print_cost(task, 2000000 / task.count + 2, call, client);
    mcp_client_free(client);
    return result;
}
