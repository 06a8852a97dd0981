/* A large result: big URL KIND BYTES. Prints the peak memory before and after the result is decoded.
 * cc -O2 big.c -lmcp */
#include <mcp.h>

#include "client.h"

static long peak_kib(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

int main(int argc, char **argv) {
    struct task task = task_of(argc, argv);
    char arguments[64];
    mcp_error *error = NULL;
    mcp_json *result = NULL;
    mcp_client *client = mcp_client_new(task.url, &error);
    sprintf(arguments, "{\"bytes\":%ld}", task.count);
    uint64_t limit = (uint64_t)task.count * 2;
    if (!client || mcp_set_limit(client, MCP_LIMIT_MESSAGE, limit, &error) != MCP_OK ||
        mcp_set_limit(client, MCP_LIMIT_EVENT, limit, &error) != MCP_OK ||
        mcp_call_tool(client, "make", arguments, strlen(arguments), NULL, &result, &error) != MCP_OK)
        fail(mcp_error_message(error));
    const mcp_json *text = mcp_json_pointer(result, "/content/0/text");
    size_t raw = 0;
    mcp_json_raw(text, &raw);
    if (raw != (size_t)task.count + 2)
        fail("the text has the wrong size");
    long before = peak_kib();
    const char *decoded = mcp_json_string(text);
    if (!decoded || strlen(decoded) != (size_t)task.count)
        fail("the decoded text has the wrong size");
    printf("{\"bytes\": %zu, \"rss_kib\": %ld, \"rss_decoded_kib\": %ld}\n", raw, before, peak_kib());
    mcp_json_free(result);
    mcp_client_free(client);
    return 0;
}
