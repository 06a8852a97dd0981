/*
 * login: pings an MCP server that requires a login (OAuth).
 *
 *     login URL
 *
 * The first run opens the browser; later runs find the tokens in the folder of mcp_oauth_use_folder. Over SSH, where
 * the browser is on another machine, it prints the address of the login page.
 *
 * Build it with `cc login.c $(pkg-config --cflags --libs mcp) -o login`.
 */
#include <mcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The browser's machine cannot load the last page, because it has the loopback address of this machine. The login is
 * finished with the address of that page; after an empty line the call waits for the page to be loaded. */
static void print_address(void *unused, mcp_oauth_request *request) {
    char line[8192];
    mcp_error *error = NULL;
    (void)unused;
    printf(
        "%s requires a login at %s. Open this address:\n\n%s\n\nIf the last page cannot be loaded, paste its address "
        "here; otherwise press Enter: ",
        mcp_oauth_request_server(request), mcp_oauth_request_issuer(request), mcp_oauth_request_url(request));
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) {
        mcp_oauth_request_fail(request, "there is no input", NULL);
        return;
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (*line != '\0' && mcp_oauth_request_finish(request, line, &error) != MCP_OK)
        mcp_oauth_request_fail(request, mcp_error_message(error), NULL);
    mcp_error_free(error);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: login URL\n", stderr);
        return 2;
    }
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(argv[1], &error);
    mcp_oauth *oauth = mcp_oauth_new();
    mcp_status status = getenv("SSH_CONNECTION") != NULL ? mcp_oauth_set_open(oauth, print_address, NULL, NULL, &error)
                                                         : mcp_oauth_use_browser(oauth, &error);
    if (client != NULL && status == MCP_OK && mcp_oauth_use_folder(oauth, NULL, &error) == MCP_OK &&
        mcp_set_client_info(client, "libmcp example", "1", &error) == MCP_OK && /* the login page shows this name */
        mcp_set_oauth(client, oauth, &error) == MCP_OK && mcp_ping(client, NULL, &error) == MCP_OK)
        puts("the server answers");
    else
        fprintf(stderr, "login: %s\n", mcp_error_message(error));
    int failed = error != NULL;
    mcp_error_free(error);
    mcp_oauth_free(oauth);
    mcp_client_free(client);
    return failed;
}
