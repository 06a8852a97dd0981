/* The client whose traffic recorded.py records, from connect to close: recorded PATH VERSION [pinned].
 *
 * The server is at PATH of $MCP_TEST_URL. VERSION is the expected result of the negotiation; with "pinned", the client
 * requests only this version.
 */
#include <mcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(mcp_status status, mcp_error *error, const char *what) {
    if (status != MCP_OK) {
        printf("FAILED: %s: %s: %s\n", what, mcp_status_name(status), mcp_error_message(error));
        exit(1);
    }
}

int main(int argc, char **argv) {
    const char *base = getenv("MCP_TEST_URL");
    if (argc < 3 || base == NULL) {
        printf("usage: MCP_TEST_URL=... recorded PATH VERSION [pinned]\n");
        return 2;
    }
    char url[1024];
    snprintf(url, sizeof url, "%s%s", base, argv[1]);

    mcp_error *error = NULL;
    mcp_json *info = NULL;
    mcp_client *client = mcp_client_new(url, &error);
    if (client == NULL) {
        printf("FAILED: %s\n", mcp_error_message(error));
        return 1;
    }
    need(mcp_set_bearer(client, "right-token", &error), error, "set_bearer");
    need(mcp_set_header(client, "X-Trace", "trace-4711", &error), error, "set_header");
    if (argc == 4) {
        need(mcp_set_protocol_version(client, argv[2], &error), error, "set_protocol_version");
    }
    need(mcp_connect(client, NULL, &error), error, "connect");
    need(mcp_ping(client, NULL, &error), error, "the first ping");
    need(mcp_ping(client, NULL, &error), error, "the second ping");
    need(mcp_server_info(client, NULL, &info, &error), error, "server_info");
    const char *version = mcp_json_string(mcp_json_pointer(info, "/protocolVersion"));
    if (version == NULL || strcmp(version, argv[2]) != 0) {
        printf("FAILED: the version is %s, expected %s\n", version == NULL ? "missing" : version, argv[2]);
        return 1;
    }
    mcp_json_free(info);
    need(mcp_client_close(client, NULL, &error), error, "close");
    mcp_client_free(client);
    printf("ok: connect, ping, ping, server_info, close at %s\n", argv[2]);
    return 0;
}
