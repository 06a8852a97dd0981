/* Pings once: hang URL TIMEOUT_MS. Prints three lines: the status name, the duration of the ping in milliseconds, and
 * the error message. The exit code is 0 if the ping was made, even if it failed. */
#define _POSIX_C_SOURCE 200809L

#include <mcp.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: hang URL TIMEOUT_MS\n");
        return 2;
    }
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(argv[1], &error);
    if (client == NULL || mcp_set_bearer(client, "right-token", &error) != MCP_OK ||
        mcp_set_timeout(client, strtoull(argv[2], NULL, 10), &error) != MCP_OK) {
        fprintf(stderr, "hang: %s\n", mcp_error_message(error));
        mcp_error_free(error);
        mcp_client_free(client);
        return 2;
    }

    double started = now_ms();
    mcp_status status = mcp_ping(client, NULL, &error);
    double took = now_ms() - started;

    printf("%s\n%.0f\n%s\n", mcp_status_name(status), took, error == NULL ? "" : mcp_error_message(error));
    mcp_error_free(error);
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return 0;
}
