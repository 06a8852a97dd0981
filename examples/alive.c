#include <mcp.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(argc > 1 ? argv[1] : "https://example.com/mcp", &error);
    if (client && mcp_set_bearer(client, getenv("MCP_BEARER_TOKEN"), &error) == MCP_OK &&
        mcp_ping(client, NULL, &error) == MCP_OK)
        puts("the server answers");
    else
        fprintf(stderr, "%s\n", mcp_error_message(error));
    int failed = error != NULL;
    mcp_error_free(error);
    mcp_client_free(client);
    return failed;
}
