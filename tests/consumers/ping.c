/* A program that pings the server at MCP_TEST_URL. */
#include <mcp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    const char *server = getenv("MCP_TEST_URL");
    char url[1024];
    mcp_client *client;
    mcp_error *error = NULL;
    int failed;

    if (server == NULL) {
        fprintf(stderr, "MCP_TEST_URL is not set\n");
        return 1;
    }
    if (strcmp(mcp_version(), MCP_VERSION) != 0) {
        fprintf(stderr, "compiled with libmcp %s, running with %s\n", MCP_VERSION, mcp_version());
        return 1;
    }
    snprintf(url, sizeof url, "%s/mcp", server);
    client = mcp_client_new(url, &error);
    failed = client == NULL || mcp_ping(client, NULL, &error) != MCP_OK;
    printf("libmcp %s: pinged %s: %s\n", mcp_version(), url, failed ? mcp_error_message(error) : "alive");
    mcp_error_free(error);
    mcp_client_free(client);
    return failed;
}
