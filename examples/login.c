/*
 * login: pings an MCP server that requires a login (OAuth): `login URL`.
 *
 * The first run opens the browser; later runs find the tokens in the folder of mcp_oauth_use_folder. Over SSH, where
 * the browser is on another machine, it prints the address of the login page.
 *
 * Build it with `cc -pthread login.c $(pkg-config --cflags --libs mcp) -o login`.
 */
#define _POSIX_C_SOURCE 200809L /* pthread_create, read */

#include <mcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Finishes the login with the address that the user pastes. */
static void *read_address(void *oauth) {
    char line[4096];
    for (ssize_t length; (length = read(STDIN_FILENO, line, sizeof line - 1)) > 0;) {
        mcp_error *error = NULL;
        line[length] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
        if (mcp_oauth_finish(oauth, line, &error) != MCP_OK)
            fprintf(stderr, "%s\n", mcp_error_message(error));
        mcp_error_free(error);
    }
    return NULL;
}

/* The browser of another machine cannot load the last page, which has the loopback address of this machine. The
 * callback must not wait for the user, so another thread reads the address of that page. */
static void print_address(void *oauth, mcp_oauth_request *request) {
    pthread_t reader;
    printf(
        "%s requires a login at %s. Open this address:\n\n%s\n\nIf the last page cannot be loaded, paste its address "
        "here.\n",
        mcp_oauth_request_server(request), mcp_oauth_request_issuer(request), mcp_oauth_request_url(request));
    fflush(stdout);
    if (pthread_create(&reader, NULL, read_address, oauth) == 0)
        pthread_detach(reader);
}

int main(int argc, char **argv) {
    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(argc == 2 ? argv[1] : "", &error);
    mcp_oauth *oauth = mcp_oauth_new(); /* not freed: until the process ends, read_address may use it */
    if (client && mcp_set_client_info(client, "libmcp example", "1", &error) == MCP_OK && /* shown by the login page */
        (getenv("SSH_CONNECTION") ? mcp_oauth_set_open(oauth, print_address, oauth, NULL, &error)
                                  : mcp_oauth_use_browser(oauth, &error)) == MCP_OK &&
        mcp_oauth_use_folder(oauth, NULL, &error) == MCP_OK && mcp_set_oauth(client, oauth, &error) == MCP_OK &&
        mcp_ping(client, NULL, &error) == MCP_OK)
        puts("the server answers");
    else
        fprintf(stderr, "login: %s\n", mcp_error_message(error));
    mcp_client_free(client);
    return error != NULL;
}
