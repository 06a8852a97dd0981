/* Somebody's program: it pings the server that MCP_TEST_URL names. */
#include <mcp.h>

#include <stdio.h>
#include <stdlib.h>

int main(void) {
    const char *server = getenv("MCP_TEST_URL");
    char url[1024];
    mcp_client *client;
    mcp_error *error = NULL;
    int failed;

    snprintf(url, sizeof url, "%s/mcp", server != NULL ? server : "");
    client = mcp_client_new(url, &error);
    failed = client == NULL || mcp_ping(client, NULL, &error) != MCP_OK;
    printf("libmcp %s: %s\n", mcp_version(), failed ? mcp_error_message(error) : "alive");
    mcp_error_free(error);
    mcp_client_free(client);
    return failed;
}
