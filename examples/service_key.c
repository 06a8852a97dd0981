/*
 * service_key: pings an MCP server as a service, which authenticates at the authorization server with a private key
 * (OAuth client credentials with private_key_jwt).
 *
 *     service_key URL ISSUER CLIENT_ID KEY_FILE [--every MS] [--times N]
 *
 *     URL         the MCP server, such as https://example.com/mcp
 *     ISSUER      the authorization server, such as https://auth.example: the key is used only there
 *     CLIENT_ID   the identifier of the service there
 *     KEY_FILE    the private key, PEM: EC on P-256, RSA or Ed25519
 *     --every MS  milliseconds between two pings (default 1000)
 *     --times N   number of pings (default 1)
 *
 * Build it with `cc service_key.c $(pkg-config --cflags --libs mcp) -o service_key`.
 *
 * The library requests a new token before the old one expires, and when the server rejects it. Exit codes: 0 if every
 * ping succeeded, 1 if something failed, 2 for a wrong command line.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include <mcp.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY_SIZE = 16384 };

/* Reads the key file into `text`, which has KEY_SIZE bytes. Prints why it cannot be read and returns false. */
static bool read_key(const char *path, char *text) {
    errno = 0;
    FILE *file = fopen(path, "r");
    size_t length = file != NULL ? fread(text, 1, KEY_SIZE - 1, file) : 0;
    bool is_read = file != NULL && !ferror(file) && feof(file);
    if (!is_read)
        fprintf(stderr, "service_key: %s: %s\n", path, errno != 0 ? strerror(errno) : "it is too long for a key");
    if (file != NULL)
        fclose(file);
    text[length] = '\0';
    return is_read;
}

/* The client keeps a reference to the settings, so the caller's reference is freed here. */
static bool use_key(mcp_client *client, char **argv, const char *key, mcp_error **error) {
    mcp_oauth *oauth = mcp_oauth_new();
    bool is_set = mcp_oauth_set_grant(oauth, MCP_OAUTH_CLIENT_CREDENTIALS, error) == MCP_OK &&
                  mcp_oauth_set_client_key(oauth, argv[2], argv[3], key, NULL, error) == MCP_OK &&
                  mcp_set_oauth(client, oauth, error) == MCP_OK;
    mcp_oauth_free(oauth);
    return is_set;
}

static bool ping(mcp_client *client, long every, long times, mcp_error **error) {
    struct timespec pause = {every / 1000, every % 1000 * 1000000};
    for (long number = 1; number <= times; number++) {
        if (mcp_ping(client, NULL, error) != MCP_OK)
            return false;
        printf("ping %ld: the server answers\n", number);
        fflush(stdout); /* stdout may be a pipe */
        if (number < times)
            nanosleep(&pause, NULL);
    }
    return true;
}

int main(int argc, char **argv) {
    long every = 1000, times = 1;
    bool is_usable = argc >= 5 && argc % 2 == 1;
    for (int i = 5; is_usable && i < argc; i += 2) {
        long *value = strcmp(argv[i], "--every") == 0 ? &every : strcmp(argv[i], "--times") == 0 ? &times : NULL;
        is_usable = value != NULL && (*value = atol(argv[i + 1])) > 0;
    }
    if (!is_usable) {
        fputs("usage: service_key URL ISSUER CLIENT_ID KEY_FILE [--every MS] [--times N]\n", stderr);
        return 2;
    }
    static char key[KEY_SIZE];
    if (!read_key(argv[4], key))
        return 1;

    mcp_error *error = NULL;
    mcp_client *client = mcp_client_new(argv[1], &error);
    bool is_set = client != NULL && use_key(client, argv, key, &error);
    memset(key, 0, sizeof key); /* the library has a copy, which it wipes */
    if (!is_set || !ping(client, every, times, &error))
        fprintf(stderr, "service_key: %s\n", mcp_error_message(error));
    int failed = error != NULL;
    mcp_error_free(error);
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return failed;
}
