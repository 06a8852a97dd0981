/* A large result: big URL KIND BYTES. Prints the peak memory before anybody asks for a decoded copy. */
#include <mcp.h>

#include "client.h"

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    char arguments[64];
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_client *client = mcp_client_new(task.url, &error);
    sprintf(arguments, "{\"bytes\":%ld}", task.count);
    if (!client || mcp_set_limit(client, MCP_LIMIT_MESSAGE, (uint64_t)task.count * 2, &error) != MCP_OK ||
        mcp_call_tool(client, "make", arguments, strlen(arguments), NULL, &result, &error) != MCP_OK)
        fail(mcp_error_message(error));
    size_t raw = 0;
    mcp_json_raw(mcp_json_at(result, "/content/0/text"), &raw);
    if (raw != (size_t)task.count + 2)
        fail("the text has another size");
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"bytes\": %zu, \"rss_kib\": %ld}\n", raw, used.ru_maxrss);
    mcp_json_free(result);
    mcp_client_free(client);
    return 0;
}
