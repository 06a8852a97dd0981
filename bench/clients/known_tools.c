/* A tool call while the client knows COUNT tools: known_tools URL?tools=COUNT ping COUNT. The list that the first call
 * requests is valid for ten minutes.
 * cc -O2 known_tools.c -lmcp */
#include "growth.h"

static void call(void *client, long number) {
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    (void)number;
    must(mcp_call_tool(client, "tool_00007", "{\"text\":\"hello\"}", MCP_NUL_TERMINATED, NULL, &result, &error),
         &error);
    if (strcmp(mcp_tool_result_text(result), "hello") != 0)
        fail("the echoed text differs");
    mcp_json_free(result);
}

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    mcp_client *client = client_of(&task);
    int result = print_cost(task, 3000, call, client);
    mcp_client_free(client);
    return result;
}
