/*
 * token_file: pings an MCP server, with a token from a file that another process updates.
 *
 *     token_file URL FILE [--every MS] [--times N]
 *
 *     URL         the server, such as https://example.com/mcp
 *     FILE        contains only the token; a trailing line break is allowed
 *     --every MS  milliseconds between two pings (default 1000)
 *     --times N   number of pings (default 1)
 *
 * Build it with `cc token_file.c $(pkg-config --cflags --libs mcp) -o token_file`.
 *
 * To update the token, write it to another file and rename that to FILE, so that no reader sees an incomplete token.
 * The file is read again if its metadata changed, and if the server rejects the token. Exit codes: 0 if every ping
 * succeeded, 1 if a ping failed, 2 for a wrong command line.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep, st_mtim */

#include <mcp.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct token_file {
    const char *path;
    struct stat seen; /* of the file that `token` was read from */
    bool is_read;
    char token[8192];
};

/* Whether the file's metadata is the same as when it was read. */
static bool is_unchanged(const struct token_file *file) {
    struct stat now;
    return file->is_read && stat(file->path, &now) == 0 && now.st_dev == file->seen.st_dev &&
           now.st_ino == file->seen.st_ino && now.st_size == file->seen.st_size &&
           now.st_mtim.tv_sec == file->seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == file->seen.st_mtim.tv_nsec;
}

/* Reads the token. Returns NULL, or a description of the problem. */
static const char *read_token(struct token_file *file) {
    const char *problem = NULL;
    size_t length;
    FILE *stream = fopen(file->path, "r");

    file->is_read = false;
    if (stream == NULL) {
        return strerror(errno);
    }
    /* Get the metadata before reading, so that a later change is detected next time. */
    if (fstat(fileno(stream), &file->seen) != 0) {
        problem = strerror(errno);
    }
    length = fread(file->token, 1, sizeof file->token, stream);
    if (problem == NULL && ferror(stream)) {
        problem = "it cannot be read";
    } else if (problem == NULL && length == sizeof file->token) {
        problem = "it is too long for a token";
    }
    fclose(stream);
    if (problem != NULL) {
        return problem;
    }

    while (length > 0 && strchr(" \t\r\n", file->token[length - 1]) != NULL) {
        length--;
    }
    file->token[length] = '\0';
    file->is_read = true;
    return NULL;
}

/* The library calls this before every request, and again if the server rejected the token; on one thread at a time, so
 * `file` needs no lock. */
static void authorize(void *userdata, mcp_auth_request *request) {
    struct token_file *file = userdata;

    if (mcp_auth_request_attempt(request) > 1 || !is_unchanged(file)) {
        const char *problem = read_token(file);
        if (problem != NULL) {
            char reason[512];
            snprintf(reason, sizeof reason, "token file %.300s: %s", file->path, problem);
            mcp_auth_request_fail(request, reason, NULL);
            return;
        }
    }
    /* No error check is needed: an invalid token ends the call, with a message that explains why. */
    mcp_auth_request_set_bearer(request, file->token, NULL);
}

static bool parse_number(const char *text, long *value) {
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static void sleep_ms(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static int ping(mcp_client *client, long every, long times) {
    for (long number = 1; number <= times; number++) {
        mcp_error *error = NULL;
        if (mcp_ping(client, NULL, &error) != MCP_OK) {
            fprintf(stderr, "token_file: ping %ld: %s\n", number, mcp_error_message(error));
            mcp_error_free(error);
            return 1;
        }
        printf("ping %ld: the server answers\n", number);
        fflush(stdout); /* stdout may be a pipe */
        if (number < times) {
            sleep_ms(every);
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    long every = 1000, times = 1;
    bool is_usable = argc >= 3 && argc % 2 == 1;
    struct token_file *file;
    mcp_client *client;
    mcp_error *error = NULL;
    int exit_code = 1;

    for (int i = 3; is_usable && i < argc; i += 2) {
        long *value = strcmp(argv[i], "--every") == 0 ? &every : strcmp(argv[i], "--times") == 0 ? &times : NULL;
        is_usable = value != NULL && parse_number(argv[i + 1], value);
    }
    if (!is_usable) {
        fputs("usage: token_file URL FILE [--every MS] [--times N]\n", stderr);
        return 2;
    }

    file = calloc(1, sizeof *file);
    if (file == NULL) {
        perror("token_file");
        return 1;
    }
    file->path = argv[2];

    client = mcp_client_new(argv[1], &error);
    if (client == NULL) {
        free(file);
        /* mcp_set_auth takes ownership of `file`: the library frees it, also if mcp_set_auth fails. */
    } else if (mcp_set_auth(client, authorize, file, free, &error) == MCP_OK) {
        exit_code = ping(client, every, times);
    }
    if (error != NULL) {
        fprintf(stderr, "token_file: %s\n", mcp_error_message(error));
        mcp_error_free(error);
    }
    mcp_client_close(client, NULL, NULL);
    mcp_client_free(client);
    return exit_code;
}
